use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{self, HeaderValue};
use jobs::{Circuit, JobId, Record, State, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::description::JobIdText;
use crate::router::Api;
use crate::{Format, JobSpec, Scope, Select, Status};

/// Where jobs live.
pub(crate) const JOBS: &str = "/v1/jobs/";

pub(crate) static NO_METADATA: LazyLock<Box<RawValue>> =
    LazyLock::new(|| RawValue::from_string("{}".to_owned()).expect("an empty object is JSON"));

/// A job, as its owner sees it. Header fields and bodies are left out: they may hold secrets.
#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobView {
    #[schema(value_type = JobIdText)]
    id: String,
    status: Status,
    /// The URL as it was understood (WHATWG URL).
    url: String,
    /// The method of the request to the site.
    #[schema(example = "GET")]
    method: String,
    formats: Vec<Format>,
    scope: Scope,
    #[serde(skip_serializing_if = "Option::is_none")]
    select: Option<Select>,
    /// Where the event goes: a URL, or the name of a sink. Absent when it goes to the server's own
    /// sink, if that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    sink: Option<String>,
    tags: Vec<String>,
    /// As it was given; `{}` when it was not.
    #[schema(value_type = Object)]
    metadata: Box<RawValue>,
    /// Where the job can be looked at.
    status_url: String,
    /// Where the event is; absent while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    result_url: Option<String>,
    /// How long the event is.
    #[serde(skip_serializing_if = "Option::is_none")]
    result_bytes: Option<u64>,
    /// What is done with the job, or was last.
    stage: String,
    /// Attempts made in this stage.
    attempts: u32,
    /// The last thing worth knowing, mostly the last failure; for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
    /// There while the job waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<jiff::Timestamp>,
    /// After this the job is worthless.
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<jiff::Timestamp>,
}

impl JobView {
    pub(crate) fn new(api: &Api, record: Record, spec: JobSpec) -> Self {
        let status = api.pipeline.status(&record);
        let status_url = status_url(record.id);
        Self {
            id: record.id.to_string(),
            status,
            deadline: spec.deadline().map(rfc3339),
            metadata: metadata(&spec).to_owned(),
            url: spec.url.into(),
            method: spec.method.to_string(),
            formats: spec.formats,
            scope: spec.scope,
            select: spec.select,
            sink: spec.sink.map(|sink| sink.url.into()).or(spec.sink_name),
            tags: spec.tags,
            result_url: record.result_bytes.map(|_| format!("{status_url}/result")),
            status_url,
            result_bytes: record.result_bytes,
            stage: record.stage.to_string(),
            attempts: record.attempts,
            note: record.note,
            created_at: rfc3339(record.created_at),
            updated_at: rfc3339(record.updated_at),
            next_attempt_at: (record.state == State::Waiting).then(|| rfc3339(record.due)),
        }
    }

    /// Bytes that the caller chose, to bound a page by.
    pub(crate) fn weight(&self) -> usize {
        self.url.len()
            + self.metadata.get().len()
            + self.sink.as_ref().map_or(0, String::len)
            + self.select.as_ref().map_or(0, Select::bytes)
    }
}

pub(crate) fn status_url(id: JobId) -> String {
    use std::fmt::Write as _;
    let mut url = String::with_capacity(JOBS.len() + 36);
    url.push_str(JOBS);
    write!(url, "{id}").expect("a String takes every text");
    url
}

/// The job's metadata, an empty object when it has none.
pub(crate) fn metadata(spec: &JobSpec) -> &RawValue {
    spec.metadata.as_deref().unwrap_or(&NO_METADATA)
}

/// Serialises as RFC 3339 in UTC. Times past the year 9999 are shown as its end.
pub(crate) fn rfc3339(at: Timestamp) -> jiff::Timestamp {
    let ms = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX)
}

/// A lane's circuit, in the API's words.
pub(crate) const fn circuit(circuit: Circuit) -> &'static str {
    match circuit {
        Circuit::Closed => "closed",
        Circuit::Open => "open",
        Circuit::HalfOpen => "half_open",
    }
}

/// An answer without content.
pub(crate) fn no_content() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// An `application/json` answer.
pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    json_body(status, to_json(value))
}

/// A value as JSON.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut body = Vec::with_capacity(256);
    serde_json::to_writer(&mut body, value).expect("string keys, and a Vec takes every byte");
    body
}

/// An `application/json` answer that is written already.
pub(crate) fn json_body(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let media = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
}
