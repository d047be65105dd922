//! What whoever watches is told of an event: little, however large it is.

use bytes::Bytes;
use scrape::Response;

use super::{About, Reason, rfc3339};
use crate::object::{Object, quoted_bytes};

/// Strings and metadata that are longer than this in JSON are left out, bytes.
const MOST_MEMBER_BYTES: usize = 2 * 1024;

/// What is said of a page.
pub(crate) struct Page {
    final_url: String,
    status: u16,
    title: Option<String>,
    bytes: u64,
}

impl Page {
    /// What is said of this one.
    pub(crate) fn of(response: &Response) -> Self {
        let short = |text: &&String| quoted_bytes(text) <= MOST_MEMBER_BYTES;
        Self {
            final_url: response.final_url.to_string(),
            status: response.status.as_u16(),
            title: response.page.title.as_ref().filter(short).cloned(),
            bytes: response.bytes,
        }
    }
}

/// The event as one line of JSON, with its small members only.
pub(crate) fn brief(
    kind: &str,
    about: About<'_>,
    page: Option<&Page>,
    reason: Option<&Reason<'_>>,
) -> Bytes {
    let mut envelope = Object::open(Vec::with_capacity(512));
    envelope.field("type", kind);
    envelope.field("timestamp", &rfc3339(about.at));
    let mut data = envelope.open_last("data");
    data.field("id", &about.id.to_string());
    data.field("url", about.spec.url.as_str());
    if let Some(page) = page {
        data.field("final_url", &page.final_url);
        data.field("status", &page.status);
        data.optional("title", page.title.as_ref());
        data.field("bytes", &page.bytes);
    }
    if let Some(reason) = reason {
        data.optional("status", reason.status.as_ref());
        data.raw("error", |out| reason.write(out));
    }
    let metadata = about.spec.metadata.as_ref().map(|metadata| metadata.get());
    if let Some(metadata) = metadata.filter(|metadata| metadata.len() <= MOST_MEMBER_BYTES) {
        // Between its members there may be line ends, within its strings there are none.
        let line = |byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte };
        data.raw("metadata", |out| out.extend(metadata.bytes().map(line)));
    }
    let mut out = data.close();
    out.push(b'}');
    Bytes::from(out)
}

#[cfg(test)]
mod tests {
    use ingest::JobSpec;
    use jobs::{JobId, Timestamp};
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::*;
    use crate::event::tests::response;

    #[test]
    fn a_brief_is_one_line_and_small() {
        let spec = JobSpec {
            metadata: Some(RawValue::from_string("{\n\"a\": 1}".into()).unwrap()),
            ..JobSpec::new("https://example.com/".parse().unwrap())
        };
        let about = About { id: JobId::draw(), spec: &spec, at: Timestamp::from_millis(0) };
        let long = scrape::Page {
            title: Some("x".repeat(5_000)),
            markdown: Some("y".repeat(5_000)),
            ..scrape::Page::default()
        };
        let brief = brief("job.succeeded", about, Some(&Page::of(&response(long))), None);
        assert!(brief.len() < 1_000 && !brief.contains(&b'\n'));
        let told: Value = serde_json::from_slice(&brief).unwrap();
        assert_eq!(
            (&told["type"], &told["data"]["status"]),
            (&"job.succeeded".into(), &200.into())
        );
        assert_eq!(told["data"]["metadata"]["a"], 1);
    }
}
