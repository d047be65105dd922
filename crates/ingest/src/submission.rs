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
#[derive(Debug, Default, Deserialize)]
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

/// How often to fetch, and when.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"max_attempts\": 3}")]
pub(crate) struct Retry {
    pub(crate) max_attempts: Option<u32>,
    pub(crate) schedule: Option<Vec<DurationText>>,
}

/// What may be used of an earlier fetch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"max_age\": \"1h\"}")]
pub(crate) struct CacheText {
    pub(crate) max_age: Option<DurationText>,
    pub(crate) revalidate: Option<bool>,
}

/// Where the event goes: a sink's name, a URL, or an object with one of them.
#[derive(Debug, Default, Deserialize)]
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
#[derive(Debug)]
pub(crate) enum SinkGiven<'a> {
    /// As one string: decides where its faults are.
    Text(SinkText<'a>),
    /// As an object.
    Object(SinkText<'a>),
}

impl<'a> SinkGiven<'a> {
    /// A name has no colon, and no URL is without one.
    fn text(text: Cow<'a, str>) -> Self {
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
#[derive(Debug)]
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
