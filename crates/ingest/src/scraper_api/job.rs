//! A job as ScraperAPI tells it, in an answer and in a callback.

use std::borrow::Cow;

use bytes::Bytes;
use jobs::JobId;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::JOBS;
use crate::JobSpec;
use crate::stored::{Data, Event};

/// A job. What it has depends on how it went.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScraperApiJobStatus)]
pub(crate) struct Job<'a> {
    id: String,
    /// How often the page was asked for.
    attempts: u32,
    /// `running`, `finished` or `failed`.
    #[schema(value_type = String)]
    status: &'static str,
    status_url: String,
    url: Cow<'a, str>,
    /// What was given with the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    meta: Option<&'a RawValue>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    fail_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response<'a>>,
}

/// The name of [`Job`] where its lifetime does not matter.
pub(super) type JobView = Job<'static>;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScraperApiResponse)]
struct Response<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    headers: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    body: Option<&'a RawValue>,
    /// Whether `body` is base64: it is when the job's `binary_target` says so.
    #[serde(rename = "base64EncodedBody", skip_serializing_if = "std::ops::Not::not")]
    is_base64: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    /// The address that the page came from, redirects followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    final_url: Option<&'a RawValue>,
    /// Where the whole is of what is too large to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    content_url: Option<Cow<'a, str>>,
    /// Always 0: nothing is charged here.
    credits: u32,
}

impl<'a> Job<'a> {
    /// One that is not over.
    pub(super) fn running(id: JobId, spec: &'a JobSpec, base: &str, attempts: u32) -> Self {
        Self {
            meta: spec.metadata.as_deref(),
            attempts,
            ..Self::submitted(id, spec.url.as_str(), base)
        }
    }

    /// One that was accepted just now.
    pub(super) fn submitted(id: JobId, url: &'a str, base: &str) -> Self {
        Self {
            id: id.to_string(),
            attempts: 0,
            status: "running",
            status_url: format!("{base}{JOBS}{id}"),
            url: Cow::Borrowed(url),
            meta: None,
            fail_reason: None,
            response: None,
        }
    }

    /// One of which nothing is told but that it failed.
    pub(super) fn failed(
        id: JobId,
        spec: &'a JobSpec,
        base: &str,
        attempts: u32,
        why: &str,
    ) -> Self {
        let running = Self::running(id, spec, base, attempts);
        Self { status: "failed", fail_reason: Some(why.to_owned()), ..running }
    }

    /// One that is over, as its event tells.
    pub(super) fn over(id: JobId, spec: &'a JobSpec, base: &str, event: Event<'a>) -> Self {
        let data = event.data;
        let fail_reason = match (&*event.kind, &data.error) {
            (_, Some(reason)) => Some(format!("{}: {}", reason.code, reason.detail)),
            ("job.cancelled", None) => Some("cancelled".to_owned()),
            _ => None,
        };
        Self {
            status: if fail_reason.is_none() { "finished" } else { "failed" },
            fail_reason,
            ..Self::running(id, spec, base, data.attempt.unwrap_or(0))
        }
        .with(data)
    }

    fn with(mut self, data: Data<'a>) -> Self {
        let is_base64 = data.raw_base64.is_some();
        let has_any = data.status.is_some() || data.headers.is_some();
        self.response = has_any.then(|| Response {
            headers: data.headers,
            body: data.raw_base64.or(data.html).or(data.markdown).or(data.text),
            is_base64,
            status_code: data.status,
            final_url: data.final_url,
            content_url: data.content_ref.map(|content| content.url),
            credits: 0,
        });
        self
    }
}

/// What a callback of ScraperAPI's is sent of the stored event of job `id`; `base` is the address
/// that this server is reached by, without a slash at its end. `None` when there is no such event
/// there.
pub fn body(id: JobId, spec: &JobSpec, base: &str, event: &[u8]) -> Option<Bytes> {
    let event = Event::read(event).filter(|event| event.kind.starts_with("job."))?;
    let job = Job::over(id, spec, base, event);
    Some(serde_json::to_vec(&job).expect("string keys, and a Vec takes every byte").into())
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "01a1f2c5-2a00-7000-8000-000000000001";

    fn told(event: &str) -> Value {
        let spec = JobSpec {
            metadata: Some(RawValue::from_string(r#"{"k":1}"#.into()).unwrap()),
            ..JobSpec::new("https://a.example/".parse().unwrap())
        };
        let body = body(ID.parse().unwrap(), &spec, "https://p.example", event.as_bytes());
        serde_json::from_slice(&body.unwrap()).unwrap()
    }

    #[test]
    fn a_page_is_told_with_its_head_and_body() {
        let event = r#"{"type":"job.succeeded","timestamp":"T","data":{"id":"1",
            "url":"https://a.example/","final_url":"https://a.example/b","status":200,
            "headers":{"content-type":"text/html"},"text":"t","html":"<p>","attempt":2,"metadata":{}}}"#;
        let expected = json!({
            "id": ID,
            "attempts": 2,
            "status": "finished",
            "statusUrl": format!("https://p.example/jobs/{ID}"),
            "url": "https://a.example/",
            "meta": {"k": 1},
            "response": {
                "headers": {"content-type": "text/html"},
                "body": "<p>",
                "statusCode": 200,
                "finalUrl": "https://a.example/b",
                "credits": 0,
            },
        });
        assert_eq!(told(event), expected);
    }

    #[test]
    fn bytes_are_told_as_base64() {
        let event = r#"{"type":"job.succeeded","timestamp":"T","data":{"id":"1","status":200,
            "raw_base64":"AAE=","metadata":{}}}"#;
        let response = told(event)["response"].clone();
        assert_eq!(
            (&response["body"], &response["base64EncodedBody"]),
            (&json!("AAE="), &json!(true))
        );
    }

    #[test]
    fn a_failure_says_why() {
        let event = r#"{"type":"job.failed","timestamp":"T","data":{"id":"1","status":404,"attempt":1,
            "error":{"code":"status","detail":"the site answered 404 Not Found","transient":false}}}"#;
        let told = told(event);
        assert_eq!(told["status"], "failed");
        assert_eq!(told["failReason"], "status: the site answered 404 Not Found");
        assert_eq!(told["response"]["statusCode"], 404);
    }
}
