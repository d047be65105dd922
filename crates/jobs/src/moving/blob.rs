//! Bytes within JSON.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes: a JSON string when they are UTF-8, else an object with the member `base64`.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob(pub Bytes);

impl Blob {
    /// A copy of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(text) = std::str::from_utf8(&self.0) {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("base64", &STANDARD.encode(&self.0))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Bytewise)
    }
}

struct Bytewise;

impl<'de> Visitor<'de> for Bytewise {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or an object with the member `base64`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Blob, E> {
        Ok(Blob::of(text.as_bytes()))
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Blob, E> {
        Ok(Blob(Bytes::from(text)))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Blob, M::Error> {
        let Some((name, text)) = map.next_entry::<String, String>()? else {
            return Err(M::Error::missing_field("base64"));
        };
        if name != "base64" {
            return Err(M::Error::unknown_field(&name, &["base64"]));
        }
        let bytes = STANDARD.decode(text).map_err(|_| M::Error::custom("not base64"))?;
        Ok(Blob(Bytes::from(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_text_where_they_can_be_and_come_back_as_they_were() {
        let bodies: [&[u8]; 5] =
            [b"", b"plain", "\u{0}\u{1f}\"\\\n\u{2028}ü".as_bytes(), b"\xff\xfe", &[0xc3]];
        for body in bodies {
            let text = serde_json::to_string(&Blob::of(body)).unwrap();
            assert_eq!(text.starts_with('"'), std::str::from_utf8(body).is_ok(), "{text}");
            assert!(!text.contains('\n'));
            assert_eq!(serde_json::from_str::<Blob>(&text).unwrap().0, body);
        }
        for wrong in ["1", "{}", r#"{"base64":"*"}"#, r#"{"hex":"00"}"#, r#"{"base64":"","a":""}"#]
        {
            assert!(serde_json::from_str::<Blob>(wrong).is_err(), "{wrong}");
        }
    }
}
