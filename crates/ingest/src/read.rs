use axum::body::Body;
use axum::extract::RawPathParams;
use axum::extract::rejection::RawPathParamsRejection;
use axum::response::Response;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use jobs::{JobId, Record};

use crate::auth::Caller;
use crate::body::busy;
use crate::problem::{Kind, Problem};
use crate::router::{self, store_problem, unknown};
use crate::view::{JobView, json};

/// The captured parts of a path.
pub(crate) type PathParts = Result<RawPathParams, RawPathParamsRejection>;

/// The id in the path.
pub(crate) fn path_id(parts: PathParts) -> Result<JobId, Problem> {
    let not_text = |_| Problem::new(Kind::NotFound, "the address is not UTF-8");
    let parts = parts.map_err(not_text)?;
    router::id(parts.iter().next().map_or("", |(_, value)| value))
}

/// `GET /v1/jobs/{id}`
pub(crate) async fn job(Caller(api): Caller, path: PathParts) -> Result<Response, Problem> {
    let (record, spec) = api.job(path_id(path)?).await?;
    Ok(json(StatusCode::OK, &JobView::new(&api, record, spec)))
}

/// `GET /v1/jobs/{id}/result`: the stored event, byte for byte.
pub(crate) async fn result(
    Caller(api): Caller,
    path: PathParts,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = path_id(path)?;
    let failed = |error| store_problem(&error);
    let record = api.store.get(id).await.map_err(failed)?.ok_or_else(|| unknown(id))?;
    let none = || {
        let status = api.pipeline.status(&record);
        Problem::new(Kind::NotFound, format!("job {id} has no result; it is {status}"))
    };
    let size = record.result_bytes.ok_or_else(none)?;
    let tag = entity_tag(&record);
    if if_none_match(&headers, &tag) {
        return Ok(answer(StatusCode::NOT_MODIFIED, tag, Body::empty()));
    }
    let mut held = api.budget.reservation();
    if !held.grow(size) {
        return Err(busy());
    }
    let bytes = api.store.result(id).await.map_err(failed)?.ok_or_else(none)?;
    let mut response = answer(StatusCode::OK, tag, held.bind(bytes).into());
    let media = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    Ok(response)
}

/// `GET /v1/jobs/{id}/attempts`: what became of each, as the stages wrote it down.
pub(crate) async fn attempts(Caller(api): Caller, path: PathParts) -> Result<Response, Problem> {
    let id = path_id(path)?;
    let entries = api.store.attempts(id).await.map_err(|error| store_problem(&error))?;
    let entries = entries.ok_or_else(|| unknown(id))?;
    let mut body = br#"{"attempts":["#.to_vec();
    body.extend(entries.join(&b','));
    body.extend_from_slice(b"]}");
    let mut response = Response::new(Body::from(body));
    let media = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    Ok(response)
}

fn answer(status: StatusCode, tag: String, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let tag = HeaderValue::try_from(tag).expect("hex digits and dashes in quotes");
    response.headers_mut().insert(header::ETAG, tag);
    let private = HeaderValue::from_static("private, no-cache");
    response.headers_mut().insert(header::CACHE_CONTROL, private);
    response
}

/// A strong tag (RFC 9110 §8.8.3): a result only ever changes together with its record, and the
/// result is read after the record.
fn entity_tag(record: &Record) -> String {
    let changed = record.updated_at.as_millis();
    format!("\"{}-{changed:x}-{:x}\"", record.id, record.result_bytes.unwrap_or(0))
}

/// Whether the caller has this one already (RFC 9110 §13.1.2; the comparison is weak).
fn if_none_match(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    })
}
