use std::time::Duration;

use http::StatusCode;
use scrape::{Link, Metadata, Page, Region};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;

const AT: Timestamp = Timestamp::from_millis(1_795_341_600_000);
const FETCH: Fetch = Fetch { queued_ms: 3, attempt: 2 };

fn id() -> JobId {
    "0190b0c5-0000-7000-8000-000000000001".parse().unwrap()
}

fn spec() -> JobSpec {
    JobSpec {
        metadata: Some(RawValue::from_string(r#"{"b": 1.10,"a":"ü"}"#.into()).unwrap()),
        ..JobSpec::new("https://example.com/a?b=c".parse().unwrap())
    }
}

fn page() -> Page {
    Page {
        charset: Some("utf-8".into()),
        charset_source: Some(scrape::CharsetSource::Header),
        title: Some("A \"title\"\n\u{1}".into()),
        markdown: Some("# A".into()),
        ..Page::default()
    }
}

/// An answer with this page.
pub(crate) fn response(page: Page) -> Response {
    let mut headers = HeaderMap::new();
    headers.append("content-type", "text/html".parse().unwrap());
    headers.append("set-cookie", "a=1".parse().unwrap());
    headers.append("set-cookie", "b=2".parse().unwrap());
    headers.append("x-latin", http::HeaderValue::from_bytes(b"caf\xe9").unwrap());
    Response {
        final_url: "https://example.com/b".parse().unwrap(),
        status: StatusCode::OK,
        headers,
        content_type: Some("text/html".into()),
        not_modified: false,
        page,
        raw: None,
        bytes: 15_234,
        redirects: 1,
        fetch: Duration::from_millis(120),
        extract: Duration::from_millis(2),
        remote_addr: None,
        crawl_delay: None,
        rate_limit: None,
        body_hash: None,
    }
}

fn about(spec: &JobSpec) -> About<'_> {
    About { id: id(), spec, at: AT }
}

fn built(about: About<'_>, response: &Response) -> Bytes {
    succeeded(about, FETCH, response, u64::MAX).expect("there is no limit")
}

fn read(event: &[u8]) -> Value {
    serde_json::from_slice(event).expect("an event is JSON")
}

#[test]
fn a_success_carries_the_page_and_nothing_that_was_not_asked_for() {
    let spec = spec();
    let event = read(&built(about(&spec), &response(page())));
    assert_eq!(
        event,
        json!({
            "type": "job.succeeded",
            "timestamp": "2026-11-22T10:00:00Z",
            "data": {
                "id": "0190b0c5-0000-7000-8000-000000000001",
                "url": "https://example.com/a?b=c",
                "final_url": "https://example.com/b",
                "status": 200,
                "headers": {
                    "content-type": "text/html", "set-cookie": "a=1, b=2", "x-latin": "café",
                },
                "content_type": "text/html",
                "charset": "utf-8",
                "charset_source": "header",
                "title": "A \"title\"\n\u{1}",
                "markdown": "# A",
                "bytes": 15_234,
                "truncated": false,
                "redirects": 1,
                "timing": {"queued_ms": 3, "fetch_ms": 120, "extract_ms": 2},
                "attempt": 2,
                "metadata": {"b": 1.10, "a": "ü"},
            },
        })
    );
}

#[test]
fn metadata_is_returned_byte_for_byte() {
    let spec = spec();
    let text = String::from_utf8(built(about(&spec), &response(page())).to_vec()).unwrap();
    assert!(text.ends_with(r#","metadata":{"b": 1.10,"a":"ü"}}}"#), "{text}");
    let plain = JobSpec::new("https://example.com/".parse().unwrap());
    let text = String::from_utf8(cancelled(about(&plain)).to_vec()).unwrap();
    assert!(text.ends_with(r#","metadata":{}}}"#), "{text}");
}

#[test]
fn raw_bytes_come_back_as_they_were_at_any_length() {
    let spec = spec();
    for length in [0, 1, 2, 3, 4, 255, 256, 100_000] {
        let raw: Vec<u8> = (0..length).map(|i| (i * 7 % 256) as u8).collect();
        let body = Some(Bytes::from(raw.clone()));
        let response = Response { raw: body, ..response(Page::default()) };
        let event = read(&built(about(&spec), &response));
        let text = event["data"]["raw_base64"].as_str().unwrap();
        assert_eq!(STANDARD.decode(text).unwrap(), raw);
    }
}

#[test]
fn every_format_has_its_field() {
    let spec = spec();
    let page = Page {
        text: Some("A".into()),
        html: Some("<h1>A</h1>".into()),
        links: Some(vec![Link {
            url: "https://a/".into(),
            text: "a".into(),
            rel: None,
            position: 7,
            region: Region::Nav,
        }]),
        fields: Some([("price".to_owned(), json!(["9.90"]))].into()),
        json_ld: Some(vec![json!({"@type": "Thing"})]),
        metadata: Some(Metadata { language: Some("en".into()), ..Metadata::default() }),
        ..page()
    };
    let data = read(&built(about(&spec), &response(page)))["data"].take();
    assert_eq!(data["text"], "A");
    assert_eq!(data["html"], "<h1>A</h1>");
    assert_eq!(
        data["links"],
        json!([{"url": "https://a/", "text": "a", "position": 7, "region": "nav"}])
    );
    assert_eq!(data["fields"], json!({"price": ["9.90"]}));
    assert_eq!(data["json_ld"], json!([{"@type": "Thing"}]));
    assert_eq!(data["page"], json!({"language": "en"}));
}

#[test]
fn a_failure_says_why() {
    let spec = spec();
    let reason = Reason {
        code: "status",
        detail: "the site answered 404",
        transient: false,
        status: Some(404),
    };
    let event = read(&failed(about(&spec), FETCH, &reason));
    assert_eq!(event["type"], "job.failed");
    assert_eq!(event["data"]["status"], 404);
    let error = json!({"code": "status", "detail": "the site answered 404", "transient": false});
    assert_eq!(event["data"]["error"], error);
    assert_eq!(event["data"]["attempt"], 2);
    assert_eq!(event["data"]["metadata"]["a"], "ü");
}

#[test]
fn a_large_page_does_not_make_the_buffer_grow() {
    let spec = spec();
    let json_ld = Some(vec![json!({"a": "b".repeat(5_000)}); 20]);
    let raw = Some(Bytes::from(vec![1; 1_000_000]));
    let response = Response { raw, ..response(Page { json_ld, ..page() }) };
    let room = FRAME_BYTES + size_of(&response) + spec.metadata.as_ref().unwrap().get().len();
    assert!(built(about(&spec), &response).len() <= room);
}

#[test]
fn a_page_that_swells_in_json_is_refused_unbuilt() {
    let spec = spec();
    let page = response(Page { html: Some("\u{1}".repeat(1_000)), ..page() });
    let size = size_of(&page) as u64;
    assert!(size > 6_000);
    assert!(succeeded(about(&spec), FETCH, &page, size).is_ok());
    assert_eq!(succeeded(about(&spec), FETCH, &page, size - 1), Err(TooLarge { bytes: size }));
}

#[test]
fn an_event_takes_no_more_memory_than_its_length() {
    let spec = spec();
    let metadata = Metadata { description: Some("d".repeat(4_000)), ..Metadata::default() };
    let page = response(Page { metadata: Some(metadata), ..page() });
    let event = built(about(&spec), &page);
    let length = event.len();
    let capacity = Vec::from(event.try_into_mut().unwrap()).capacity();
    assert!(capacity <= length + length / SPARE_DIVISOR, "{capacity} for {length}");
}

#[test]
fn a_kept_page_is_told_again_as_another_jobs() {
    let first = spec();
    let stored = built(about(&first), &response(page()));
    let mine = JobSpec::new("https://example.com/a?b=c#part".parse().unwrap());
    let to = About { id: JobId::draw(), spec: &mine, at: AT + Duration::from_secs(60) };
    let earlier = Earlier { job: id(), seen: AT, by: Sign::Age };
    let fetch = Fetch { queued_ms: 7, attempt: 1 };
    let event = again(to, fetch, &stored, earlier).unwrap();
    let (old, new) = (read(&stored), read(&event));
    assert_eq!(
        (&new["type"], &new["timestamp"]),
        (&json!("job.succeeded"), &json!("2026-11-22T10:01:00Z"))
    );
    let data = &new["data"];
    assert_eq!((&data["id"], &data["metadata"]), (&json!(to.id.to_string()), &json!({})));
    assert_eq!(data["url"], "https://example.com/a?b=c#part");
    assert_eq!(
        data["cache"],
        json!({"job": id().to_string(), "seen": "2026-11-22T10:00:00Z", "by": "age"})
    );
    assert_eq!((&data["timing"], &data["attempt"]), (&json!({"queued_ms": 7}), &json!(1)));
    for name in
        ["final_url", "status", "headers", "content_type", "charset", "title", "markdown", "bytes"]
    {
        assert_eq!(data[name], old["data"][name], "{name}");
    }
    // And what was told again can be told once more, with one `cache` still.
    let once_more = read(&again(to, fetch, &event, earlier).unwrap());
    assert_eq!(once_more, new);
}

#[test]
fn only_a_page_is_told_again() {
    let spec = spec();
    let reason = Reason { code: "dns", detail: "no such name", transient: true, status: None };
    let earlier = Earlier { job: id(), seen: AT, by: Sign::Age };
    for stored in [failed(about(&spec), FETCH, &reason), Bytes::from_static(b"{}"), Bytes::new()] {
        assert_eq!(again(about(&spec), FETCH, &stored, earlier), None);
    }
}

#[test]
fn an_unchanged_page_is_told_of_without_the_page() {
    let spec = spec();
    let earlier = Earlier { job: id(), seen: AT, by: Sign::Content };
    let event = read(&unchanged(about(&spec), FETCH, earlier));
    assert_eq!(event["type"], "job.unchanged");
    let expected = json!({
        "id": id().to_string(), "url": "https://example.com/a?b=c",
        "unchanged": {"job": id().to_string(), "seen": "2026-11-22T10:00:00Z", "by": "content"},
        "timing": {"queued_ms": 3}, "attempt": 2, "metadata": {"b": 1.10, "a": "ü"},
    });
    assert_eq!(event["data"], expected);
}
