use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName};

use super::lines::Line;
use super::trouble::Trouble;
use crate::delivery::Delivery;
use crate::sign::{WEBHOOK_ID, WEBHOOK_TIMESTAMP};

/// What is handed over: an event, or a batch of them.
pub(super) struct Event {
    /// `webhook-id`.
    pub(super) id: String,
    /// The signed headers and the content type.
    #[cfg_attr(
        not(any(feature = "nats", feature = "kafka", feature = "object-store")),
        expect(dead_code, reason = "lines have no place for headers")
    )]
    pub(super) headers: HeaderMap,
    /// The content type without its parameters, lower case.
    pub(super) media_type: String,
    pub(super) body: Bytes,
    /// The wall clock at this attempt, in seconds since the Unix epoch.
    pub(super) now_s: i64,
}

impl Event {
    pub(super) fn new(delivery: Delivery, headers: HeaderMap) -> Self {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let content_type =
            text(CONTENT_TYPE).or_else(|| delivery.content_type.to_str().ok()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        Self {
            id: text(WEBHOOK_ID).unwrap_or(&delivery.id).to_owned(),
            media_type: media_type.to_ascii_lowercase(),
            now_s: text(WEBHOOK_TIMESTAMP)
                .and_then(|seconds| seconds.parse().ok())
                .unwrap_or(delivery.timestamp_s),
            body: delivery.body,
            headers,
        }
    }

    /// `application/json` and what is built on it (RFC 6839, section 3.1).
    pub(super) fn is_json(&self) -> bool {
        self.media_type == "application/json" || self.media_type.ends_with("+json")
    }

    /// A line for each of several events.
    pub(super) fn is_batch(&self) -> bool {
        self.media_type == "application/x-ndjson"
    }

    /// The event on one line; a batch as it is.
    pub(super) fn into_lines(self) -> Result<Line, Trouble> {
        let text = self.body.trim_ascii_end();
        let text = self.body.slice(..text.len());
        let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let text = match (self.is_batch(), self.is_json()) {
            (true, _) => text,
            (false, true) if text.iter().any(is_break) => {
                // In JSON a raw line break is white space between tokens, never part of one.
                text.iter().map(|byte| if is_break(byte) { b' ' } else { *byte }).collect()
            }
            (false, true) => text,
            (false, false) => {
                return Err(Trouble::lasting(format!(
                    "{} `{}` is no line of JSON: choose a JSON format for this sink",
                    self.id, self.media_type
                )));
            }
        };
        if text.is_empty() {
            return Err(Trouble::lasting(format!("{} is empty", self.id)));
        }
        Ok(Line { text, now_s: self.now_s })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::{JSON, Secret};

    fn event(content_type: &'static str, body: &'static [u8]) -> Event {
        let delivery = Delivery {
            id: "evt_1".into(),
            sink: "stdout:".parse().unwrap(),
            trusted: true,
            headers: HeaderMap::new(),
            body: Bytes::from_static(body),
            content_type: JSON,
            secrets: vec![Secret::generate()],
            timeout: None,
            gzip: false,
            batch: None,
            timestamp_s: 5,
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(WEBHOOK_ID, HeaderValue::from_static("evt_2"));
        headers.insert(WEBHOOK_TIMESTAMP, HeaderValue::from_static("7"));
        Event::new(delivery, headers)
    }

    fn line(content_type: &'static str, body: &'static [u8]) -> Bytes {
        event(content_type, body).into_lines().unwrap().text
    }

    #[test]
    fn what_was_signed_counts() {
        let event = event("Application/JSON; charset=utf-8", b"{}");
        assert_eq!((event.id.as_str(), event.now_s), ("evt_2", 7));
        assert!(event.is_json() && !event.is_batch());
    }

    #[test]
    fn json_becomes_one_line_and_stays_the_same_json() {
        let plain = br#"{"a":"b\nc"}"#;
        assert_eq!(line("application/json", plain), &plain[..]);
        let pretty = b"{\r\n  \"a\":\n\"b\\nc\"\n}\n";
        assert_eq!(line("application/cloudevents+json", pretty), &b"{    \"a\": \"b\\nc\" }"[..]);
    }

    #[test]
    fn a_batch_keeps_its_lines() {
        assert_eq!(
            line("application/x-ndjson", b"{\"a\":1}\n{\"b\":2}\n"),
            &b"{\"a\":1}\n{\"b\":2}"[..]
        );
    }

    #[test]
    fn what_is_no_json_is_no_line() {
        for (content_type, body) in [("text/markdown", &b"# Hi"[..]), ("application/json", b" \n")]
        {
            let trouble = event(content_type, body).into_lines().err().unwrap();
            assert_eq!(trouble.answer, crate::Answer::Forbidden);
            assert!(trouble.what.contains("evt_2"), "{}", trouble.what);
        }
    }
}
