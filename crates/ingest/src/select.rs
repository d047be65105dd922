//! Fields that a job wants picked from its page by CSS selectors.
//!
//! Only the shape is known here; whether a selector or a pattern can be used is for the
//! [`Pipeline`](crate::Pipeline) to say.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::parse::push;
use crate::problem::Fault;

/// Most fields of one job, nested ones included.
const MAX_FIELDS: usize = 100;
/// Longest name of a field in bytes.
const MAX_NAME_BYTES: usize = 128;
/// Longest selector, attribute or pattern in bytes.
const MAX_TEXT_BYTES: usize = 2 << 10;
/// Fields may stand in fields this many times.
const MAX_DEPTH: usize = 4;

/// The fields of one job, in the order given; no name twice on one level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Select(pub Vec<(String, Pick)>);

/// How one field is picked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Pick {
    /// The text of the first element that a selector finds.
    Css(String),
    /// More than that.
    Rule(Rule),
}

/// How one field is picked, in full.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a CSS selector, or an object with `css`")]
#[schema(as = SelectRule)]
pub struct Rule {
    /// The selector.
    #[schema(max_length = 2048)]
    pub css: String,
    /// The attribute whose value is wanted instead of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attr: Option<String>,
    /// Every element that is found, as a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<bool>,
    /// The part of the value that this pattern finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// Fields of the element, as an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub fields: Option<Select>,
}

impl Serialize for Select {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, pick) in &self.0 {
            map.serialize_entry(name, pick)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Select {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Select;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of CSS selectors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Select, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Select(fields))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl<'de> Deserialize<'de> for Pick {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Pick;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a CSS selector, or an object with `css`")
            }

            fn visit_str<E: Error>(self, css: &str) -> Result<Pick, E> {
                Ok(Pick::Css(css.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Pick, A::Error> {
                Rule::deserialize(MapAccessDeserializer::new(members)).map(Pick::Rule)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl Select {
    /// Bytes that its owner chose, for accounting.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|(name, pick)| name.len() + pick.bytes()).sum()
    }

    /// Adds what is wrong with its shape, as far as it can be told without reading selectors.
    pub(crate) fn check(&self, faults: &mut Vec<Fault>) {
        if self.0.is_empty() {
            faults.push(Fault::at("/select", "name at least one field, or leave it out"));
        }
        self.check_below("/select", 1, &mut 0, faults);
    }

    /// Where in the body a member stands that is called `pointer` below `select`. What was written
    /// as a selector alone has no member `css`.
    pub(crate) fn place(&self, pointer: &str) -> String {
        let written = serde_json::to_value(self).expect("names are strings");
        let field = pointer.strip_suffix("/css");
        let field = field.filter(|field| written.pointer(field).is_some_and(Value::is_string));
        format!("/select{}", field.unwrap_or(pointer))
    }

    /// The nesting is that of the JSON it was read from, which the reader bounds.
    fn check_below(&self, place: &str, depth: usize, count: &mut usize, faults: &mut Vec<Fault>) {
        *count += self.0.len();
        if *count > MAX_FIELDS {
            faults.push(Fault::at(place, format!("more than {MAX_FIELDS} fields in all")));
            return;
        }
        for (at, (name, pick)) in self.0.iter().enumerate() {
            let mut place = place.to_owned();
            push(&mut place, name);
            if name.is_empty() || name.len() > MAX_NAME_BYTES {
                let detail = format!("a name has 1 to {MAX_NAME_BYTES} bytes");
                faults.push(Fault::at(place.clone(), detail));
            } else if self.0[..at].iter().any(|(other, _)| other == name) {
                faults.push(Fault::at(place.clone(), "given twice"));
            }
            for (member, text) in pick.texts() {
                if text.len() > MAX_TEXT_BYTES {
                    let detail = format!("longer than {MAX_TEXT_BYTES} bytes");
                    faults.push(Fault::at(format!("{place}{member}"), detail));
                }
            }
            let Pick::Rule(Rule { fields: Some(fields), .. }) = pick else {
                continue;
            };
            place.push_str("/fields");
            if depth == MAX_DEPTH {
                faults.push(Fault::at(place, format!("nested deeper than {MAX_DEPTH} levels")));
            } else {
                fields.check_below(&place, depth + 1, count, faults);
            }
        }
    }
}

impl Pick {
    /// What was written, with where it stands below the field.
    fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let (css, rule) = match self {
            Self::Css(css) => (Some(("", css.as_str())), None),
            Self::Rule(rule) => (None, Some(rule)),
        };
        let rule = rule.into_iter().flat_map(|rule| {
            let optional = [("/attr", &rule.attr), ("/regex", &rule.regex)];
            let optional =
                optional.into_iter().filter_map(|(at, text)| Some((at, text.as_deref()?)));
            std::iter::once(("/css", rule.css.as_str())).chain(optional)
        });
        css.into_iter().chain(rule)
    }

    fn bytes(&self) -> usize {
        let own: usize = self.texts().map(|(_, text)| text.len()).sum();
        match self {
            Self::Rule(Rule { fields: Some(fields), .. }) => own + fields.bytes(),
            _ => own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_come_back_as_they_were_in_their_order() {
        let text = r#"{"b":"h1","a":{"css":".x","attr":"href","all":true,"regex":"\\d+"},"c":{"css":"li","fields":{"d":"p"}}}"#;
        let select: Select = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&select).unwrap(), text);
        assert_eq!(select.bytes(), 1 + 2 + 1 + 2 + 4 + 3 + 1 + 2 + 1 + 1);
        let mut faults = Vec::new();
        select.check(&mut faults);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(select.place("/a/css"), "/select/a/css");
        assert_eq!(select.place("/b/css"), "/select/b");
        assert_eq!(select.place("/c/fields/d/css"), "/select/c/fields/d");
    }
}
