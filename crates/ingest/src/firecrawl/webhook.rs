//! What Firecrawl's webhooks are sent.

use std::borrow::Cow;

use bytes::Bytes;
use jobs::{JobId, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;

use super::document::Document;
use super::failure::explained;
use crate::shim::Fields;
use crate::stored::Event;
use crate::submission::{Pairs, SinkGiven, SinkText};
use crate::view::{self, rfc3339};
use crate::{EventFormat, JobSpec};

/// The notice that a batch has begun; nobody but a webhook of Firecrawl's is told.
const STARTED: &str = "batch.started";

/// A batch's webhook.
pub(super) struct Webhook<'a> {
    url: String,
    headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(super) metadata: Option<&'a RawValue>,
    pub(super) started: bool,
    page: bool,
    ended: bool,
}

impl<'a> Webhook<'a> {
    /// Takes it: an address, or an object with one.
    pub(super) fn read(fields: &mut Fields<'a>, name: &str) -> Option<Self> {
        let given: &RawValue = fields.take(name)?;
        let everything = |url| Self {
            url,
            headers: Vec::new(),
            metadata: None,
            started: true,
            page: true,
            ended: true,
        };
        if let Ok(url) = serde_json::from_str(given.get()) {
            return Some(everything(url));
        }
        let mut inner = fields.within(name, given)?;
        let mut webhook = everything(inner.take("url").unwrap_or_default());
        webhook.headers = inner.take::<Pairs<'a>>("headers").map_or_else(Vec::new, |p| p.0);
        webhook.metadata = inner.take("metadata");
        if webhook.metadata.is_some_and(|metadata| !metadata.get().starts_with('{')) {
            inner.refuse("metadata", "must be an object");
        }
        if let Some(events) = inner.take::<Vec<String>>("events") {
            let known = ["started", "page", "completed", "failed"];
            if let Some(other) = events.iter().find(|event| !known.contains(&event.as_str())) {
                inner.refuse("events", format!("`{other}` is not one of {}", known.join(", ")));
            }
            let wants = |event: &str| events.iter().any(|wanted| wanted == event);
            webhook.started = wants("started");
            webhook.page = wants("page");
            webhook.ended = wants("completed") || wants("failed");
        }
        inner.end_within(fields, "url, headers, metadata and events");
        Some(webhook)
    }

    /// The sink of a job of the batch.
    pub(super) fn of_jobs(&self) -> SinkGiven<'_> {
        self.sink(if self.page { &["job.succeeded", "job.failed"] } else { &["batch.completed"] })
    }

    /// The types of events of the batch that are sent.
    pub(super) fn of_batch(&self) -> Vec<String> {
        // Never empty, which would be all.
        let wanted = if self.ended { "batch.completed" } else { "job.succeeded" };
        vec![wanted.to_owned()]
    }

    fn sink(&self, events: &[&str]) -> SinkGiven<'_> {
        SinkGiven::Object(SinkText {
            name: None,
            url: Some(Cow::Borrowed(&self.url)),
            headers: (!self.headers.is_empty()).then(|| Pairs(self.headers.clone())),
            format: Some(EventFormat::Firecrawl),
            events: Some(events.iter().map(|event| (*event).to_owned()).collect()),
        })
    }
}

/// The notice that a batch has begun.
pub(super) fn started(batch: JobId, metadata: Option<&RawValue>, now: Timestamp) -> Box<RawValue> {
    let (at, metadata) = (rfc3339(now), metadata.map_or("{}", RawValue::get));
    let text = format!(
        r#"{{"type":"{STARTED}","timestamp":"{at}","data":{{"id":"{batch}","metadata":{metadata}}}}}"#
    );
    RawValue::from_string(text).expect("made of JSON")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    success: bool,
    r#type: &'static str,
    id: Cow<'a, str>,
    webhook_id: String,
    data: Vec<Document<'a>>,
    metadata: &'a RawValue,
    timestamp: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What a webhook of Firecrawl's is sent of the stored event of job `id`; `None` when there is no
/// such event there.
pub fn body(id: JobId, spec: &JobSpec, event: &[u8]) -> Option<Bytes> {
    let event = Event::read(event)?;
    let of_page = || Cow::Owned(spec.batch.unwrap_or(id).to_string());
    let of_batch = || event.data.id.clone();
    let called_off = || event.data.cancelled.is_some_and(|jobs| jobs > 0);
    let reason = || event.data.error.as_ref().map(explained);
    let (r#type, id_told, error) = match &*event.kind {
        "job.succeeded" | "job.unchanged" => ("batch_scrape.page", of_page(), None),
        "job.failed" => ("batch_scrape.page", of_page(), reason()),
        "job.cancelled" => ("batch_scrape.page", of_page(), Some("called off".to_owned())),
        STARTED => ("batch_scrape.started", of_batch()?, None),
        "batch.completed" if called_off() => {
            ("batch_scrape.failed", of_batch()?, Some("the batch was called off".to_owned()))
        }
        "batch.completed" => ("batch_scrape.completed", of_batch()?, None),
        _ => return None,
    };
    let metadata = event.data.metadata.unwrap_or_else(|| view::metadata(spec));
    let timestamp = event.timestamp;
    let data = match r#type {
        "batch_scrape.page" => vec![Document::new(id, event.data, &spec.html_names)],
        _ => Vec::new(),
    };
    let payload = Payload {
        success: error.is_none(),
        r#type,
        id: id_told,
        webhook_id: id.to_string(),
        data,
        metadata,
        timestamp,
        error,
    };
    let body = serde_json::to_vec(&payload).expect("string keys, and a Vec takes every byte");
    Some(Bytes::from(body))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::HtmlName;

    fn told(spec: &JobSpec, event: &str) -> Value {
        let id = "01a1f2c5-2a00-7000-8000-000000000001".parse().unwrap();
        serde_json::from_slice(&body(id, spec, event.as_bytes()).unwrap()).unwrap()
    }

    fn spec() -> JobSpec {
        JobSpec {
            batch: Some("01a1f2c5-2a00-7000-8000-00000000000b".parse().unwrap()),
            html_names: vec![HtmlName::RawHtml],
            ..JobSpec::new("https://a.example/".parse().unwrap())
        }
    }

    #[test]
    fn a_page_is_told_as_its_document() {
        let event = r#"{"type":"job.succeeded","timestamp":"T","data":{"id":"1",
            "url":"https://a.example/","final_url":"https://a.example/b","status":200,
            "content_type":"text/html","title":"A","markdown":"M","html":"<p>",
            "links":[{"url":"u"},{"url":"v"},{"url":"u"}],
            "page":{"description":"D","language":"de"},"metadata":{"k":"v"}}}"#;
        let expected = json!({
            "success": true,
            "type": "batch_scrape.page",
            "id": "01a1f2c5-2a00-7000-8000-00000000000b",
            "webhookId": "01a1f2c5-2a00-7000-8000-000000000001",
            "timestamp": "T",
            "data": [{
                "markdown": "M",
                "rawHtml": "<p>",
                "links": ["u", "v"],
                "metadata": {
                    "title": "A", "description": "D", "language": "de",
                    "sourceURL": "https://a.example/", "url": "https://a.example/b",
                    "statusCode": 200, "contentType": "text/html",
                    "scrapeId": "01a1f2c5-2a00-7000-8000-000000000001", "cacheState": "miss",
                },
            }],
            "metadata": {"k": "v"},
        });
        assert_eq!(told(&spec(), event), expected);
    }

    #[test]
    fn a_failure_says_why() {
        let event = r#"{"type":"job.failed","timestamp":"T","data":{"id":"1",
            "url":"https://a.example/","status":404,
            "error":{"code":"status","detail":"the site answered 404 Not Found","transient":false},
            "metadata":{}}}"#;
        let told = told(&spec(), event);
        assert_eq!((&told["success"], &told["type"]), (&json!(false), &json!("batch_scrape.page")));
        assert_eq!(told["error"], "the site answered 404 Not Found");
        assert_eq!(told["data"][0]["metadata"]["statusCode"], 404);
    }

    #[test]
    fn a_batch_begins_and_ends() {
        let notice = |kind: &str, cancelled: u64| {
            format!(
                r#"{{"type":"{kind}","timestamp":"T","data":{{"id":"B","cancelled":{cancelled},"metadata":{{"k":1}}}}}}"#
            )
        };
        let spec = JobSpec::new("https://hook.example/".parse().unwrap());
        let started = started(JobId::draw(), None, Timestamp::from_millis(0));
        assert_eq!(told(&spec, started.get())["type"], "batch_scrape.started");
        let completed = told(&spec, &notice("batch.completed", 0));
        assert_eq!(
            (&completed["type"], &completed["id"]),
            (&json!("batch_scrape.completed"), &json!("B"))
        );
        assert_eq!((&completed["data"], &completed["metadata"]), (&json!([]), &json!({"k": 1})));
        let failed = told(&spec, &notice("batch.completed", 1));
        assert_eq!(
            (&failed["type"], &failed["success"]),
            (&json!("batch_scrape.failed"), &json!(false))
        );
        assert!(body(JobId::draw(), &spec, notice("sink.disabled", 0).as_bytes()).is_none());
    }

    #[test]
    fn what_is_too_large_says_where_it_is() {
        let event = r#"{"type":"job.succeeded","timestamp":"T","data":{"id":"1","metadata":{},
            "content_ref":{"url":"https://p.example/r","sha256":"","bytes":1,"omitted":[]}}}"#;
        let warning = told(&spec(), event)["data"][0]["warning"].clone();
        assert!(warning.as_str().unwrap().contains("https://p.example/r"), "{warning}");
    }
}
