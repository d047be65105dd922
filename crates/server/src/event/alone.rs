//! The page alone, and what else an event tells in header fields.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use ingest::Format;
use serde::Deserialize;

use super::stored::{Members, Parts};

/// Longest value of a header field, bytes: receivers refuse heads of more than some 8 KiB.
const MOST_VALUE_BYTES: usize = 2 * 1024;
/// Longest title.
const MOST_TITLE_BYTES: usize = 512;

/// A page without its event.
pub(crate) struct Alone {
    /// Empty when there is no page to tell of.
    pub(crate) body: Bytes,
    /// Of the body.
    pub(crate) content_type: HeaderValue,
    /// What else there is to say.
    pub(crate) headers: HeaderMap,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

/// The page of an event in the first of `formats` that it has; other content as the event's data
/// has it; nothing of a job that brought no page. `None` when it is no event.
pub(crate) fn alone(event: &[u8], formats: &[Format]) -> Option<Alone> {
    let parts = Parts::of(event)?;
    let members = parts.members()?;
    let headers = headers(&parts, &members);
    let usual = [Format::Raw, Format::Html, Format::Markdown, Format::Text];
    let wanted = formats.iter().chain(&usual);
    if let Some((body, content_type)) = wanted.copied().find_map(|format| page(&members, format)) {
        return Some(Alone { body, content_type, headers });
    }
    let body = match parts.kind {
        "job.failed" | "job.cancelled" | "job.unchanged" => Bytes::new(),
        _ => Bytes::copy_from_slice(parts.data.as_bytes()),
    };
    Some(Alone { body, content_type: forward::JSON, headers })
}

fn page(members: &Members<'_>, format: Format) -> Option<(Bytes, HeaderValue)> {
    let (name, content_type) = match format {
        Format::Raw => {
            let encoded = members.get("raw_base64")?.trim_matches('"');
            let own = members.text("content_type").and_then(|own| HeaderValue::try_from(own).ok());
            let content_type = HeaderValue::from_static("application/octet-stream");
            return Some((STANDARD.decode(encoded).ok()?.into(), own.unwrap_or(content_type)));
        }
        Format::Html => ("html", "text/html; charset=utf-8"),
        Format::Markdown => ("markdown", "text/markdown; charset=utf-8"),
        Format::Text => ("text", "text/plain; charset=utf-8"),
        Format::Links | Format::Metadata | Format::JsonLd => return None,
    };
    Some((members.text(name)?.into(), HeaderValue::from_static(content_type)))
}

fn headers(parts: &Parts<'_>, members: &Members<'_>) -> HeaderMap {
    let text = |name| members.text(name);
    let error = members.get("error").and_then(|error| serde_json::from_str::<Code>(error).ok());
    let status = members.get("status").filter(|status| status.bytes().all(|b| b.is_ascii_digit()));
    let address = |name| text(name).map(|url| visible(&url, MOST_VALUE_BYTES, ""));
    let fields = [
        ("pagewire-event", Some(parts.kind.to_owned())),
        ("pagewire-timestamp", Some(parts.timestamp.to_owned())),
        ("pagewire-url", address("url")),
        ("pagewire-final-url", address("final_url")),
        ("pagewire-status", status.map(ToOwned::to_owned)),
        ("pagewire-error", error.map(|error| visible(&error.code, MOST_TITLE_BYTES, "%"))),
        ("pagewire-title", text("title").map(|title| visible(&title, MOST_TITLE_BYTES, "%"))),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::try_from(value?).ok()?))
    });
    fields.collect()
}

/// Text as visible ASCII: what is not, and what is in `also`, is percent-encoded; cut before
/// `most_bytes`.
fn visible(text: &str, most_bytes: usize, also: &str) -> String {
    let mut out = String::with_capacity(text.len().min(most_bytes));
    let mut one = String::with_capacity(12);
    for char in text.chars() {
        one.clear();
        if (char == ' ' || char.is_ascii_graphic()) && !also.contains(char) {
            one.push(char);
        } else {
            for byte in char.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(one, "%{byte:02X}");
            }
        }
        if out.len() + one.len() > most_bytes {
            break;
        }
        out.push_str(&one);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r##"{"type":"job.succeeded","timestamp":"2026-11-22T10:00:00Z","data":{"id":"1","url":"https://a.example/%20","final_url":"https://b.example/","status":200,"content_type":"image/png","title":"Ü 100%\n","markdown":"# A\n","text":"A","raw_base64":"AAH/"}}"##;

    fn value<'a>(alone: &'a Alone, name: &str) -> Option<&'a str> {
        alone.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn the_body_is_the_page_in_the_first_format_that_was_asked_for() {
        let of = |formats: &[Format]| {
            let Alone { body, content_type, .. } = alone(EVENT.as_bytes(), formats).unwrap();
            (body, content_type.to_str().unwrap().to_owned())
        };
        let markdown = (Bytes::from("# A\n"), "text/markdown; charset=utf-8".to_owned());
        assert_eq!(of(&[Format::Links, Format::Markdown, Format::Text]), markdown);
        assert_eq!(of(&[Format::Text]).0, "A");
        let raw = (Bytes::from_static(b"\x00\x01\xff"), "image/png".to_owned());
        assert_eq!(of(&[Format::Raw, Format::Markdown]), raw);
        assert_eq!(of(&[Format::Html]), raw, "what there is");
    }

    #[test]
    fn the_rest_is_said_in_header_fields_of_visible_letters() {
        let alone = alone(EVENT.as_bytes(), &[]).unwrap();
        for (name, expected) in [
            ("pagewire-event", "job.succeeded"),
            ("pagewire-url", "https://a.example/%20"),
            ("pagewire-final-url", "https://b.example/"),
            ("pagewire-status", "200"),
            ("pagewire-title", "%C3%9C 100%25%0A"),
        ] {
            assert_eq!(value(&alone, name), Some(expected), "{name}");
        }
        assert_eq!(value(&alone, "pagewire-error"), None);
    }

    #[test]
    fn a_job_without_a_page_has_no_body() {
        let failed = r#"{"type":"job.failed","timestamp":"T","data":{"id":"1","url":"https://a.example/","error":{"code":"timeout","detail":"no","transient":true}}}"#;
        let alone = alone(failed.as_bytes(), &[Format::Raw]).unwrap();
        assert_eq!(alone.body.len(), 0);
        assert_eq!(value(&alone, "pagewire-error"), Some("timeout"));
    }

    #[test]
    fn a_page_of_other_formats_is_told_as_the_event_has_it() {
        let links = r#"{"type":"job.succeeded","timestamp":"T","data":{"id":"1","links":[]}}"#;
        let alone = alone(links.as_bytes(), &[Format::Links]).unwrap();
        assert_eq!(alone.body, r#"{"id":"1","links":[]}"#);
        assert_eq!(alone.content_type, forward::JSON);
    }

    #[test]
    fn values_are_cut_between_characters() {
        assert_eq!(visible("üü", 7, ""), "%C3%BC");
        assert_eq!(visible("abc", 2, ""), "ab");
    }
}
