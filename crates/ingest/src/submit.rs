use axum::extract::Request;
use axum::response::Response;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, request};
use jobs::{Idempotency, JobId, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::accept::Accepted;
use crate::auth::{Caller, Submitter};
use crate::body::{self, Typing};
use crate::description::{IdempotencyKeyText, JobIdText, KeyInUse};
use crate::problem::{Fault, Kind, Problem};
use crate::submission::Submission;
use crate::view::{self, json};
use crate::{JobSpec, Status, parse};

/// draft-ietf-httpapi-idempotency-key-header.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The store's bound.
const MAX_KEY_BYTES: usize = 255;

/// Submits a job, as it is typed into a shell.
///
/// The same as `POST /v1/jobs`, but the body may also come without a type, or with the one that
/// `curl -d` gives it: `application/x-www-form-urlencoded`. Not from a browser, where a page of
/// another site could send that unasked.
#[utoipa::path(
    post, path = "/", tag = "Jobs", operation_id = "submitJobAsTyped",
    params(
        ("Idempotency-Key" = Option<IdempotencyKeyText>, Header, description = "Makes it safe to submit the same again: the same key with the same body gives the first answer again."),
    ),
    request_body(content = Submission, content_type = "application/json", description = "The job: JSON, whatever its type says.", example = json!({"url": "https://example.com"})),
    responses(
        (
            status = 202, body = Answer,
            description = "The job is on disk.",
            headers(
                ("Location" = String, description = "Where the job can be looked at."),
                ("Idempotency-Replayed" = String, description = "`true` when the job had been accepted before, under the same key."),
            ),
        ), KeyInUse,
    ),
)]
pub(crate) async fn as_typed(
    Submitter(caller): Submitter,
    request: Request,
) -> Result<Response, Problem> {
    counted(&caller, request, Typing::AsTyped).await
}

/// Submits a job.
///
/// The answer comes when the job is on disk: from then on it is done, whatever happens. A client
/// that goes away once its request has been received does not take the job back.
#[utoipa::path(
    post, path = "/v1/jobs", tag = "Jobs", operation_id = "submitJob",
    params(
        ("Idempotency-Key" = Option<IdempotencyKeyText>, Header, description = "Makes it safe to submit the same again: the same key with the same body gives the first answer again."),
    ),
    request_body(content = Submission, content_type = "application/json", description = "The job.", example = json!({"url": "https://example.com", "formats": ["markdown", "links"], "metadata": {"order": 7}})),
    responses(
        (
            status = 202, body = Answer,
            description = "The job is on disk.",
            headers(
                ("Location" = String, description = "Where the job can be looked at."),
                ("Idempotency-Replayed" = String, description = "`true` when the job had been accepted before, under the same key."),
            ),
        ), KeyInUse,
    ),
)]
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
#[derive(Serialize, ToSchema)]
#[schema(as = AcceptedJob)]
struct Answer<'a> {
    /// Names the job from now on.
    #[schema(value_type = JobIdText)]
    id: &'a str,
    status: Status,
    /// The URL as it was understood (WHATWG URL).
    url: &'a str,
    /// Where the job can be looked at.
    status_url: &'a str,
    created_at: jiff::Timestamp,
    /// As it was given; `{}` when it was not.
    #[schema(value_type = Object)]
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
