use axum::extract::Request;
use axum::response::Response;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, request};
use jobs::{Idempotency, JobId, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::accept::Accepted;
use crate::auth::{Caller, Submitter};
use crate::body::{self, Typing};
use crate::problem::{Fault, Kind, Problem};
use crate::view::{self, json};
use crate::{JobSpec, Status, parse};

/// draft-ietf-httpapi-idempotency-key-header.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The store's bound.
const MAX_KEY_BYTES: usize = 255;

/// `POST /`
pub(crate) async fn as_typed(
    Submitter(caller): Submitter,
    request: Request,
) -> Result<Response, Problem> {
    counted(&caller, request, Typing::AsTyped).await
}

/// `POST /v1/jobs`
pub(crate) async fn strict(
    Submitter(caller): Submitter,
    request: Request,
) -> Result<Response, Problem> {
    counted(&caller, request, Typing::Strict).await
}

async fn counted(api: &Caller, request: Request, typing: Typing) -> Result<Response, Problem> {
    let answer = submit(api, request, typing).await;
    match &answer {
        Ok(_) => api.meters.accepted.increment(1),
        Err(problem) => api.meters.refused(problem.kind()),
    }
    answer
}

async fn submit(api: &Caller, request: Request, typing: Typing) -> Result<Response, Problem> {
    let (request::Parts { headers, .. }, body) = request.into_parts();
    body::check_type(&headers, typing)?;
    let key = idempotency_key(&headers)?;
    let config = &api.config;
    let received = body::read(body, config.max_body, config.body_timeout, &api.budget).await?;
    let now = api.clock.now();
    let given = parse::submission(&received.bytes)?;
    let mut ready = api.prepare(given, None, now)?;
    ready.job.idempotency = key.map(|key| {
        let key = api.scoped(&key);
        let fingerprint = Sha256::digest(&received.bytes).into();
        Idempotency { key, fingerprint, since: Timestamp::from_millis(0) }
    });
    let Accepted { id, created_at, spec, is_replayed } = api.accept(ready, now).await?;
    let mut response = accepted(id, created_at, &spec);
    if is_replayed {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The answer to an accepted job.
#[derive(Serialize)]
struct Answer<'a> {
    id: &'a str,
    status: Status,
    url: &'a str,
    status_url: &'a str,
    created_at: jiff::Timestamp,
    metadata: &'a RawValue,
}

fn accepted(id: JobId, created_at: Timestamp, spec: &JobSpec) -> Response {
    let status_url = view::status_url(id);
    let answer = Answer {
        id: &status_url[view::JOBS.len()..],
        status: Status::Queued,
        url: spec.url.as_str(),
        status_url: &status_url,
        created_at: view::rfc3339(created_at),
        metadata: view::metadata(spec),
    };
    let mut response = json(StatusCode::ACCEPTED, &answer);
    let location = HeaderValue::try_from(status_url).expect("a path of ASCII letters");
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// The key, with or without the quotes that make it a structured field's string (RFC 8941 §3.3.3).
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let refused = |detail: String| {
        Problem::faulty(Kind::BadRequest, vec![Fault::header(&IDEMPOTENCY_KEY, detail)])
    };
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(refused("given twice".to_owned()));
    }
    let text = value.to_str().map_err(|_| refused("not visible ASCII".to_owned()))?.trim();
    let key = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(refused(format!("must have 1 to {MAX_KEY_BYTES} bytes")));
    }
    Ok(Some(key.to_owned()))
}
