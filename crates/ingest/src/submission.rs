use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::quantity::{DurationText, SizeText};
use crate::{EventFormat, Format, Priority, Robots, Scope, Select};

/// A job as its owner writes it. The field names are the interface; what is not here is refused
/// by name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"url\": \"https://example.com\"}")]
pub(crate) struct Submission<'a> {
    #[serde(borrow)]
    pub(crate) url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) headers: Option<Pairs<'a>>,
    #[serde(borrow)]
    pub(crate) cookies: Option<Pairs<'a>>,
    #[serde(borrow)]
    pub(crate) body: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) body_base64: Option<Cow<'a, str>>,
    pub(crate) timeout: Option<DurationText>,
    #[serde(borrow)]
    pub(crate) deadline: Option<Cow<'a, str>>,
    pub(crate) max_bytes: Option<SizeText>,
    pub(crate) max_redirects: Option<u32>,
    #[serde(borrow)]
    pub(crate) proxy: Option<Cow<'a, str>>,
    pub(crate) robots: Option<Robots>,
    pub(crate) cache: Option<CacheText>,
    pub(crate) only_if_changed: Option<bool>,
    pub(crate) formats: Option<Vec<Format>>,
    pub(crate) scope: Option<Scope>,
    pub(crate) select: Option<Select>,
    #[serde(borrow)]
    pub(crate) sink: Option<SinkGiven<'a>>,
    #[serde(borrow)]
    pub(crate) metadata: Option<&'a RawValue>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) delay: Option<DurationText>,
    #[serde(borrow)]
    pub(crate) not_before: Option<Cow<'a, str>>,
    pub(crate) retry: Option<Retry>,
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
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"max_attempts\": 3}")]
pub(crate) struct Retry {
    pub(crate) max_attempts: Option<u32>,
    pub(crate) schedule: Option<Vec<DurationText>>,
}

/// What may be used of an earlier fetch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"max_age\": \"1h\"}")]
pub(crate) struct CacheText {
    pub(crate) max_age: Option<DurationText>,
    pub(crate) revalidate: Option<bool>,
}

/// Where the event goes: a sink's name, a URL, or an object with one of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SinkText<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) headers: Option<Pairs<'a>>,
    pub(crate) format: Option<EventFormat>,
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
