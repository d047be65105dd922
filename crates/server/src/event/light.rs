//! An event without what makes it large, and with a link to the whole (claim check).

use bytes::Bytes;

use super::stored::Parts;
use crate::object::Object;

/// Members of the data that are longer than this in JSON are left out, bytes.
const MOST_MEMBER_BYTES: usize = 2 * 1024;
/// Room for what a light event has.
const USUAL_BYTES: usize = 8 * 1024;

/// Where the whole event is.
pub(crate) struct Link<'a> {
    /// Works without a key.
    pub(crate) url: &'a str,
    /// Of what is served there, in hexadecimal.
    pub(crate) sha256: &'a str,
    /// Until when, RFC 3339.
    pub(crate) expires_at: &'a str,
}

/// The event with its small members and a `content_ref`; `None` when it is no event.
pub(crate) fn light(event: &[u8], link: &Link<'_>) -> Option<Bytes> {
    let parts = Parts::of(event)?;
    let members = parts.members()?;
    let mut envelope = Object::open(Vec::with_capacity(USUAL_BYTES));
    envelope.field("type", parts.kind);
    envelope.field("timestamp", parts.timestamp);
    let mut data = envelope.open_last("data");
    let mut omitted = Vec::new();
    for (name, value) in &members.0 {
        match value.get() {
            small if small.len() <= MOST_MEMBER_BYTES => {
                data.raw(name, |out| out.extend_from_slice(small.as_bytes()));
            }
            _ => omitted.push(&**name),
        }
    }
    data.raw("content_ref", |out| {
        let mut reference = Object::open(out);
        reference.field("url", link.url);
        reference.field("sha256", link.sha256);
        reference.field("bytes", &event.len());
        reference.field("expires_at", link.expires_at);
        reference.field("omitted", &omitted);
        reference.close();
    });
    let mut out = data.close();
    out.push(b'}');
    Some(Bytes::from(out))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_light_event_has_what_is_small_and_says_where_the_rest_is() {
        let long = "x".repeat(MOST_MEMBER_BYTES);
        let event = format!(
            r#"{{"type":"job.succeeded","timestamp":"T","data":{{"id":"1","markdown":"{long}","title":"A","raw_base64":"{long}","metadata":{{"b": 1.10}}}}}}"#
        );
        let link = Link { url: "https://p.example/r?s=1", sha256: "ab", expires_at: "E" };
        let light = light(event.as_bytes(), &link).unwrap();
        assert!(light.len() < 500);
        let told: Value = serde_json::from_slice(&light).unwrap();
        let expected = json!({
            "type": "job.succeeded",
            "timestamp": "T",
            "data": {
                "id": "1",
                "title": "A",
                "metadata": {"b": 1.1},
                "content_ref": {
                    "url": "https://p.example/r?s=1",
                    "sha256": "ab",
                    "bytes": event.len(),
                    "expires_at": "E",
                    "omitted": ["markdown", "raw_base64"],
                },
            },
        });
        assert_eq!(told, expected);
    }
}
