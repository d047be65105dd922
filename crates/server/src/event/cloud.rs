//! An event in the structured mode of CloudEvents 1.0.

use bytes::Bytes;

use super::stored::Parts;
use crate::object::Object;

/// Room for what stands around the data.
const FRAME_BYTES: usize = 512;

/// The event of job `id` in the envelope of CloudEvents 1.0 (section 3, JSON Event Format), with
/// its data as it is; `None` when it is no event. `source` says whose it is.
pub(crate) fn cloud(id: &str, source: &str, event: &[u8]) -> Option<Bytes> {
    let parts = Parts::of(event)?;
    let mut out = Object::open(Vec::with_capacity(FRAME_BYTES + parts.data.len()));
    out.field("specversion", "1.0");
    out.field("id", id);
    out.field("source", source);
    out.field("type", parts.kind);
    out.field("time", parts.timestamp);
    if let Some(subject) = subject(parts.data) {
        out.raw("subject", |out| out.extend_from_slice(subject.as_bytes()));
    }
    out.field("datacontenttype", "application/json");
    out.raw("data", |out| out.extend_from_slice(parts.data.as_bytes()));
    Some(Bytes::from(out.close()))
}

/// The job's URL as a JSON string: it is the second member, so that the rest is not read.
fn subject(data: &str) -> Option<&str> {
    let rest = data.strip_prefix(r#"{"id":""#)?.split_once('"')?.1;
    let value = rest.strip_prefix(r#","url":"#)?;
    let mut escaped = false;
    let end = value.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    value.starts_with('"').then(|| &value[..end + 2])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_event_travels_in_the_envelope_with_its_data_untouched() {
        let event = br#"{"type":"job.succeeded","timestamp":"2026-11-22T10:00:00Z","data":{"id":"1","url":"https://a.example/?\\\"","n":1.10}}"#;
        let cloud = cloud("1", "https://pagewire.example/", event).unwrap();
        let text = String::from_utf8(cloud.to_vec()).unwrap();
        assert!(text.contains(r#""n":1.10"#), "{text}");
        let told: Value = serde_json::from_str(&text).unwrap();
        let expected = json!({
            "specversion": "1.0",
            "id": "1",
            "source": "https://pagewire.example/",
            "type": "job.succeeded",
            "time": "2026-11-22T10:00:00Z",
            "subject": "https://a.example/?\\\"",
            "datacontenttype": "application/json",
            "data": {"id": "1", "url": "https://a.example/?\\\"", "n": 1.1},
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn a_notice_has_no_subject() {
        let event = br#"{"type":"sink.disabled","timestamp":"2026-11-22T10:00:00Z","data":{"id":"1","sink":"crm"}}"#;
        let told: Value = serde_json::from_slice(&cloud("1", "pagewire", event).unwrap()).unwrap();
        assert_eq!(told.get("subject"), None);
        assert_eq!(told["data"]["sink"], "crm");
        assert_eq!(cloud("1", "pagewire", b"{}"), None);
    }
}
