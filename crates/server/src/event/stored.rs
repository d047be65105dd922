//! An event as it was stored, taken apart without being read.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An event as this program writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    /// Its type.
    pub(super) kind: &'a str,
    /// When it happened, RFC 3339.
    pub(super) timestamp: &'a str,
    /// What it tells, JSON.
    pub(super) data: &'a str,
}

impl<'a> Parts<'a> {
    /// The parts of an event; `None` when it was written by somebody else. The data is not looked
    /// at, however large it is.
    pub(super) fn of(event: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(event).ok()?;
        let rest = text.strip_prefix(r#"{"type":""#)?;
        let (kind, rest) = rest.split_once('"')?;
        let rest = rest.strip_prefix(r#","timestamp":""#)?;
        let (timestamp, rest) = rest.split_once('"')?;
        let data = rest.strip_prefix(r#","data":"#)?.strip_suffix('}')?;
        data.starts_with('{').then_some(Self { kind, timestamp, data })
    }

    /// The members of the data.
    pub(super) fn members(&self) -> Option<Members<'a>> {
        serde_json::from_str(self.data).ok()
    }
}

/// The members of an object, in their order and untouched.
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The JSON of a member.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.get())
    }

    /// A member that is a string.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?).ok()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_taken_apart_and_nothing_else_is() {
        let event = br#"{"type":"job.failed","timestamp":"2026-11-22T10:00:00Z","data":{"a":"}"}}"#;
        let parts = Parts::of(event).unwrap();
        assert_eq!((parts.kind, parts.timestamp), ("job.failed", "2026-11-22T10:00:00Z"));
        assert_eq!(parts.data, r#"{"a":"}"}"#);
        assert_eq!(parts.members().unwrap().text("a").unwrap(), "}");
        for other in [&b"{}"[..], b"", br#"{"type":"x"}"#, br#"{"type":"x","data":{}}"#] {
            assert_eq!(Parts::of(other), None);
        }
    }
}
