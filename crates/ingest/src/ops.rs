use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Reader;
use crate::description::Unready;
use crate::problem::{Kind, Problem};
use crate::router::{Api, store_problem};
use crate::view::json;

#[derive(Serialize, ToSchema)]
pub(crate) struct Alive<'a> {
    /// `alive`.
    status: &'static str,
    /// Absent when it is not told.
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
}

/// Tells whether the process answers.
#[utoipa::path(
    get, path = "/healthz", tag = "Operation", operation_id = "getHealth", security(()),
    responses((status = 200, description = "It is alive.", body = Alive)),
)]
pub(crate) async fn alive(State(api): State<Arc<Api>>) -> Response {
    json(StatusCode::OK, &Alive { status: "alive", version: &api.config.version })
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ready`.
    status: &'static str,
    /// Jobs that are not over.
    live_jobs: u64,
    /// How long the oldest job that is due has been waiting.
    queue_age_ms: u64,
}

/// How long an unready server's callers wait before they ask again, in seconds.
const READY_RETRY_S: u64 = 5;

/// Tells whether jobs can be accepted.
///
/// The store works, and jobs that are due do not wait too long.
#[utoipa::path(
    get, path = "/readyz", tag = "Operation", operation_id = "getReadiness", security(()),
    responses((status = 200, description = "They can.", body = Ready), Unready),
)]
pub(crate) async fn ready(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    api.store.health().map_err(|error| store_problem(&error))?;
    let counts = api.store.counts();
    let now = api.clock.now();
    let oldest = counts.stages.iter().filter_map(|s| api.store.oldest_due(&s.stage)).min();
    let age = oldest.map(|due| now.since(due)).unwrap_or_default();
    if api.config.max_queue_age.is_some_and(|most| age > most) {
        let detail = format!("a job has been due for {age:?}");
        return Err(Problem::new(Kind::Unavailable, detail).retry_after(READY_RETRY_S));
    }
    let queue_age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    Ok(json(StatusCode::OK, &Ready { status: "ready", live_jobs: counts.live(), queue_age_ms }))
}

/// Tells what can be measured.
#[utoipa::path(
    get, path = "/metrics", tag = "Operation", operation_id = "getMetrics",
    responses((status = 200, description = "The text format of Prometheus.", body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(Reader(api): Reader) -> Response {
    text((api.metrics)(), "text/plain; version=0.0.4; charset=utf-8")
}

/// Says what this is, and what to type.
#[utoipa::path(
    get, path = "/", tag = "Operation", operation_id = "getPage", security(()),
    responses((status = 200, description = "A page for people.", body = String, content_type = "text/html")),
)]
pub(crate) async fn page(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    let key = if api.keys.is_open() { "" } else { " -H 'Authorization: Bearer YOUR-KEY'" };
    let page = include_str!("page.html")
        .replace("{{host}}", host(&headers))
        .replace("{{key}}", key)
        .replace("{{version}}", &escaped(&api.config.version));
    let mut response = text(page, "text/html; charset=utf-8");
    let headers = response.headers_mut();
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The host as the caller calls it, if that can be shown to people.
pub(crate) fn host(headers: &HeaderMap) -> &str {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.filter(|host| host.bytes().all(is_host_byte)).unwrap_or("localhost:8080")
}

/// What a host and port are made of; nothing that means anything to HTML or a shell.
const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// An answer of this media type.
pub(crate) fn text(body: String, media: &'static str) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}
