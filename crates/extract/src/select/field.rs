//! What a user writes to pick a field.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

/// How to find one field of a page: `"h1"`, or an object with the members below. Unknown members
/// are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// A CSS selector, or several with commas between; at most 1 KiB.
    pub css: String,
    /// The attribute to take instead of the text. One that holds an address (`href`, `src`, …) is
    /// made absolute.
    pub attr: Option<String>,
    /// Whether to list every match instead of taking the first.
    pub all: bool,
    /// What to keep of the value: the first group, or all that matches where there is no group. A
    /// value without a match counts as not found. At most 1 KiB.
    pub regex: Option<String>,
    /// Fields of an object made for each match; their selectors look below the match, which is
    /// their `:scope`.
    pub fields: BTreeMap<String, Self>,
}

/// A [`Field`] written as an object.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    css: String,
    #[serde(default)]
    attr: Option<String>,
    #[serde(default)]
    all: bool,
    #[serde(default)]
    regex: Option<String>,
    #[serde(default)]
    fields: BTreeMap<String, Field>,
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CSS selector or an object with the member css")
    }

    fn visit_str<E: Error>(self, css: &str) -> Result<Field, E> {
        Ok(Field { css: css.to_owned(), ..Field::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Field, A::Error> {
        let Members { css, attr, all, regex, fields } =
            Members::deserialize(MapAccessDeserializer::new(members))?;
        Ok(Field { css, attr, all, regex, fields })
    }
}

impl Serialize for Field {
    /// As short as it can be said.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_plain = self.attr.is_none() && !self.all && self.regex.is_none();
        if is_plain && self.fields.is_empty() {
            return serializer.serialize_str(&self.css);
        }
        let mut members = serializer.serialize_struct("Field", 5)?;
        members.serialize_field("css", &self.css)?;
        if let Some(attr) = &self.attr {
            members.serialize_field("attr", attr)?;
        }
        if self.all {
            members.serialize_field("all", &true)?;
        }
        if let Some(regex) = &self.regex {
            members.serialize_field("regex", regex)?;
        }
        if !self.fields.is_empty() {
            members.serialize_field("fields", &self.fields)?;
        }
        members.end()
    }
}
