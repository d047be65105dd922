use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::description::{EventType, JobSink, MethodText, MomentText, TagText, TimeText};
use crate::quantity::{DurationText, SizeText};
use crate::{EventFormat, Format, Priority, Robots, Scope, Select};

/// A job as its owner writes it. The field names are the interface; what is not here is refused
/// by name.
#[derive(Clone, Debug, Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"url\": \"https://example.com\"}")]
#[schema(as = JobSubmission)]
pub(crate) struct Submission<'a> {
    /// The page: http or https, absolute, without credentials.
    #[serde(borrow)]
    #[schema(
        required = true,
        nullable = false,
        max_length = 8192,
        format = "uri",
        example = "https://example.com"
    )]
    pub(crate) url: Option<Cow<'a, str>>,
    /// The method of the request to the site; `GET` by default.
    #[serde(borrow)]
    #[schema(value_type = Option<MethodText>)]
    pub(crate) method: Option<Cow<'a, str>>,
    /// Header fields of the request. Those that belong to the connection are refused.
    #[serde(borrow)]
    pub(crate) headers: Option<Pairs<'a>>,
    /// Becomes the `cookie` field; not together with `headers.cookie`.
    #[serde(borrow)]
    pub(crate) cookies: Option<Pairs<'a>>,
    /// The request's body as text; not together with `body_base64`.
    #[serde(borrow)]
    pub(crate) body: Option<Cow<'a, str>>,
    /// The request's body in base64, with padding; not together with `body`.
    #[serde(borrow)]
    #[schema(content_encoding = "base64")]
    pub(crate) body_base64: Option<Cow<'a, str>>,
    /// For the whole fetch, all redirects included.
    pub(crate) timeout: Option<DurationText>,
    /// After it the job is worthless: a time, or a duration from acceptance on.
    #[serde(borrow)]
    #[schema(value_type = Option<MomentText>)]
    pub(crate) deadline: Option<Cow<'a, str>>,
    /// Most bytes of the decoded body.
    pub(crate) max_bytes: Option<SizeText>,
    /// Redirects followed, `0` for none.
    pub(crate) max_redirects: Option<u32>,
    /// Fetch through this proxy: `http`, `https` or `socks5`. Only those that the operator allows.
    #[serde(borrow)]
    #[schema(max_length = 8192)]
    pub(crate) proxy: Option<Cow<'a, str>>,
    /// Whether the site's robots.txt is obeyed; the server's rule by default.
    pub(crate) robots: Option<Robots>,
    /// An earlier page will do.
    pub(crate) cache: Option<CacheText>,
    /// Deliver the page only if it is not what it was the last time.
    pub(crate) only_if_changed: Option<bool>,
    /// What the page is turned into, each once; `["markdown","metadata"]` by default.
    #[schema(min_items = 1)]
    pub(crate) formats: Option<Vec<Format>>,
    /// Which part of the page `text` and `markdown` are made of; `main` by default.
    pub(crate) scope: Option<Scope>,
    /// Fields to pick from the page, by name.
    pub(crate) select: Option<Select>,
    /// Where the event goes: a URL, the name of a sink, or an object with one of them; the server's
    /// own sink by default, if it has one.
    #[serde(borrow)]
    #[schema(value_type = Option<JobSink>)]
    pub(crate) sink: Option<SinkGiven<'a>>,
    /// Returned byte for byte as it came, in every answer and in the event.
    #[serde(borrow)]
    #[schema(value_type = Option<Object>)]
    pub(crate) metadata: Option<&'a RawValue>,
    /// To list and redrive by, none twice.
    #[schema(value_type = Option<Vec<TagText>>, max_items = 32)]
    pub(crate) tags: Option<Vec<String>>,
    /// Do not start earlier than so long from now; not together with `not_before`.
    pub(crate) delay: Option<DurationText>,
    /// Do not start earlier; not together with `delay`.
    #[serde(borrow)]
    #[schema(value_type = Option<TimeText>)]
    pub(crate) not_before: Option<Cow<'a, str>>,
    /// How often to fetch, and when.
    pub(crate) retry: Option<Retry>,
    /// Whether it goes before or after others that are due; `normal` by default.
    pub(crate) priority: Option<Priority>,
}

impl<'a> Submission<'a> {
    /// Takes what is not given from `defaults`. Of two fields that exclude each other, the one that
    /// is given wins.
    pub(crate) fn fill(&mut self, defaults: &Self) {
        fn fill<T: Clone>(given: &mut Option<T>, default: &Option<T>) {
            if given.is_none() {
                given.clone_from(default);
            }
        }

        let has_body = self.body.is_some() || self.body_base64.is_some();
        let has_start = self.delay.is_some() || self.not_before.is_some();
        // By name, so that a new field is not forgotten.
        let Self {
            url,
            method,
            headers,
            cookies,
            body,
            body_base64,
            timeout,
            deadline,
            max_bytes,
            max_redirects,
            proxy,
            robots,
            cache,
            only_if_changed,
            formats,
            scope,
            select,
            sink,
            metadata,
            tags,
            delay,
            not_before,
            retry,
            priority,
        } = defaults;
        fill(&mut self.url, url);
        fill(&mut self.method, method);
        fill(&mut self.headers, headers);
        fill(&mut self.cookies, cookies);
        if !has_body {
            fill(&mut self.body, body);
            fill(&mut self.body_base64, body_base64);
        }
        fill(&mut self.timeout, timeout);
        fill(&mut self.deadline, deadline);
        fill(&mut self.max_bytes, max_bytes);
        fill(&mut self.max_redirects, max_redirects);
        fill(&mut self.proxy, proxy);
        fill(&mut self.robots, robots);
        fill(&mut self.cache, cache);
        fill(&mut self.only_if_changed, only_if_changed);
        fill(&mut self.formats, formats);
        fill(&mut self.scope, scope);
        fill(&mut self.select, select);
        fill(&mut self.sink, sink);
        fill(&mut self.metadata, metadata);
        fill(&mut self.tags, tags);
        if !has_start {
            fill(&mut self.delay, delay);
            fill(&mut self.not_before, not_before);
        }
        fill(&mut self.retry, retry);
        fill(&mut self.priority, priority);
    }
}

/// How often to fetch, and when.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"max_attempts\": 3}")]
pub(crate) struct Retry {
    /// Attempts to fetch, the first included.
    #[schema(minimum = 1)]
    pub(crate) max_attempts: Option<u32>,
    /// The waits before each of them, such as `["0s","1m","1h"]`; the last one is repeated.
    #[schema(min_items = 1)]
    pub(crate) schedule: Option<Vec<DurationText>>,
}

/// What may be used of an earlier fetch.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"max_age\": \"1h\"}")]
#[schema(as = Cache)]
pub(crate) struct CacheText {
    /// A page that was fetched, or confirmed, at most this long ago is delivered without asking the
    /// site.
    pub(crate) max_age: Option<DurationText>,
    /// An older page is delivered when the site says that it still stands.
    pub(crate) revalidate: Option<bool>,
}

/// Where the event goes: a sink's name, a URL, or an object with one of them.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobSinkObject)]
pub(crate) struct SinkText<'a> {
    /// The name of a sink; then nothing else is given.
    #[serde(borrow)]
    pub(crate) name: Option<Cow<'a, str>>,
    /// Where to: http or https, without credentials.
    #[serde(borrow)]
    #[schema(max_length = 8192)]
    pub(crate) url: Option<Cow<'a, str>>,
    /// Extra header fields of the POST; none starts with `webhook-`.
    #[serde(borrow)]
    pub(crate) headers: Option<Pairs<'a>>,
    /// What the body looks like.
    pub(crate) format: Option<EventFormat>,
    /// The types of events that are sent; all when it is left out.
    #[schema(value_type = Option<Vec<EventType>>, min_items = 1)]
    pub(crate) events: Option<Vec<String>>,
}

/// A [`SinkText`], and how it was written.
#[derive(Clone, Debug)]
pub(crate) enum SinkGiven<'a> {
    /// As one string: decides where its faults are.
    Text(SinkText<'a>),
    /// As an object.
    Object(SinkText<'a>),
}

impl<'a> SinkGiven<'a> {
    /// A name has no colon, and no URL is without one.
    pub(crate) fn text(text: Cow<'a, str>) -> Self {
        let (name, url) = if text.contains(':') { (None, Some(text)) } else { (Some(text), None) };
        Self::Text(SinkText { name, url, ..SinkText::default() })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for SinkGiven<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = SinkGiven<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL, the name of a sink, or an object with one of them")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<SinkGiven<'de>, E> {
                Ok(SinkGiven::text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<SinkGiven<'de>, E> {
                Ok(SinkGiven::text(Cow::Owned(text.to_owned())))
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<SinkGiven<'de>, A::Error> {
                SinkText::deserialize(MapAccessDeserializer::new(members)).map(SinkGiven::Object)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// An object of strings, in the order given.
#[derive(Clone, Debug)]
pub(crate) struct Pairs<'a>(pub(crate) Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(Text(name)) = map.next_key()? {
                    let Text(value) = map.next_value()?;
                    pairs.push((name, value));
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// A string, borrowed when it holds no escapes. Not a derived newtype: the tracking of paths
/// would not see a member's name through it.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Either)
    }
}
