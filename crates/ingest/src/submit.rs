use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, request};
use jobs::{Idempotency, JobId};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::accept::Accepted;
use crate::auth::{Caller, Submitter};
use crate::body::{self, Typing};
use crate::connection::Peer;
use crate::description::{FinishedJob, IdempotencyKeyText, JobIdText, KeyInUse};
use crate::prefer::{self, PREFER, Prefer};
use crate::problem::{Fault, Kind, Problem};
use crate::router::{spec_of, store_problem};
use crate::submission::Submission;
use crate::view::{self, JobView, json, json_body};
use crate::{Status, parse, wait};

/// draft-ietf-httpapi-idempotency-key-header.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The store's bound.
const MAX_KEY_BYTES: usize = 255;
/// What a caller waits while the first request with its key is being stored, in seconds.
const KEY_BUSY_RETRY_S: u64 = 1;
/// Longest event that is part of an answer; a longer one is linked to.
const INLINE_BYTES: u64 = 5_000_000;

/// Submits a job, as it is typed into a shell.
///
/// The same as `POST /v1/jobs`, but the body may also come without a type, or with the one that
/// `curl -d` gives it: `application/x-www-form-urlencoded`. Not from a browser, where a page of
/// another site could send that unasked.
#[utoipa::path(
    post, path = "/", tag = "Jobs", operation_id = "submitJobAsTyped",
    params(
        ("Idempotency-Key" = Option<IdempotencyKeyText>, Header, description = "Makes it safe to submit the same again: the same key with the same body gives the first answer again."),
        ("Prefer" = Option<String>, Header, description = "`wait=20`: answer when the outcome is known, or after so many seconds (RFC 7240).", example = "wait=20"),
    ),
    request_body(content = Submission, content_type = "application/json", description = "The job: JSON, whatever its type says.", example = json!({"url": "https://example.com"})),
    responses(
        (
            status = 200, body = FinishedJob,
            description = "The outcome was known in time.",
            headers(
                ("Content-Location" = String, description = "Where the job can be looked at."),
                ("Preference-Applied" = String, description = "How long was waited for at most."),
                ("Idempotency-Replayed" = String, description = "`true` when the job had been accepted before, under the same key."),
            ),
        ),
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
        ("Prefer" = Option<String>, Header, description = "`wait=20`: answer when the outcome is known, or after so many seconds (RFC 7240).", example = "wait=20"),
    ),
    request_body(content = Submission, content_type = "application/json", description = "The job.", example = json!({"url": "https://example.com", "formats": ["markdown", "links"], "metadata": {"order": 7}})),
    responses(
        (
            status = 200, body = FinishedJob,
            description = "The outcome was known in time.",
            headers(
                ("Content-Location" = String, description = "Where the job can be looked at."),
                ("Preference-Applied" = String, description = "How long was waited for at most."),
                ("Idempotency-Replayed" = String, description = "`true` when the job had been accepted before, under the same key."),
            ),
        ),
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
    let (request::Parts { headers, extensions, .. }, body) = request.into_parts();
    body::check_type(&headers, typing)?;
    let key = scoped_key(api, &headers)?;
    let config = &api.config;
    let received = body::read(body, config.max_body, config.body_timeout, &api.budget).await?;
    let now = api.clock.now();
    let given = parse::submission(&received.bytes)?;
    let mut ready = api.prepare(given, None, now)?;
    let in_hand = key.as_ref().map(|key| api.keys_in_hand.take(key)).transpose()?;
    ready.job.idempotency = key.map(|key| {
        let fingerprint = Sha256::digest(&received.bytes).into();
        Idempotency { key, fingerprint, since: now - config.idempotency_window }
    });
    drop(received);
    let accepted = api.accept(ready, now).await?;
    drop(in_hand);
    let mut response = answer(api, &accepted, &headers, extensions.get::<Peer>()).await;
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_name(PREFER));
    if accepted.is_replayed {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The outcome, when it was asked to be waited for and is there in time; else what was accepted.
async fn answer(
    api: &Caller,
    accepted: &Accepted,
    headers: &HeaderMap,
    peer: Option<&Peer>,
) -> Response {
    let longest = api.config.max_wait;
    let Some(time) = Prefer::read(headers).wait.map(|wait| wait.min(longest)) else {
        return queued(accepted);
    };
    // The job is accepted, so whatever goes wrong from here on is no refusal.
    let waiting = wait::unless_gone(peer, outcome(api, accepted.id, time));
    let mut response = match waiting.await {
        Some(Ok(Some(response))) => response,
        None | Some(Ok(None) | Err(_)) => queued(accepted),
    };
    prefer::applied(response.headers_mut(), &format!("wait={}", time.as_secs()));
    response
}

/// A job whose outcome is known within `time`, with its event when that is not too large.
async fn outcome(api: &Caller, id: JobId, time: Duration) -> Result<Option<Response>, Problem> {
    let Some(record) = wait::outcome(api, id, Instant::now() + time).await? else {
        return Ok(None);
    };
    let mut held = api.budget.reservation();
    // Twice, while it is copied.
    let fits = |size: &u64| *size <= INLINE_BYTES && held.grow(size.saturating_mul(2));
    let event = match record.result_bytes.filter(fits) {
        Some(_) => api.store.result(id).await.map_err(|error| store_problem(&error))?,
        None => None,
    };
    let spec = spec_of(&record)?;
    let view = view::to_json(&JobView::new(api, record, spec));
    let body = match event {
        Some(event) => held.bind(with_result(&view, &event)),
        None => Bytes::from(view),
    };
    let mut response = json_body(StatusCode::OK, body);
    let location = HeaderValue::try_from(view::status_url(id)).expect("a path of ASCII letters");
    response.headers_mut().insert(header::CONTENT_LOCATION, location);
    Ok(Some(response))
}

/// The job's object with one more member, the event as it is stored.
fn with_result(view: &[u8], event: &[u8]) -> Bytes {
    let open = view.strip_suffix(b"}").unwrap_or(view);
    let mut body = Vec::with_capacity(open.len() + event.len() + 16);
    body.extend_from_slice(open);
    body.extend_from_slice(b",\"result\":");
    body.extend_from_slice(event);
    body.push(b'}');
    Bytes::from(body)
}

/// The idempotency keys of what is being stored at the moment.
#[derive(Default)]
pub(crate) struct KeysInHand(Mutex<HashSet<Arc<str>>>);

impl KeysInHand {
    fn lock(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that something with this key is being stored, until that is dropped.
    fn take(&self, key: &str) -> Result<KeyInHand<'_>, Problem> {
        let key: Arc<str> = key.into();
        if self.lock().insert(Arc::clone(&key)) {
            return Ok(KeyInHand { keys: self, key });
        }
        Err(key_busy("the first request with this key is still being stored; send it again"))
    }
}

/// What came first with an idempotency key is still being done.
pub(crate) fn key_busy(detail: &str) -> Problem {
    let fault = Fault::header(&IDEMPOTENCY_KEY, detail);
    Problem::faulty(Kind::KeyBusy, vec![fault]).retry_after(KEY_BUSY_RETRY_S)
}

struct KeyInHand<'a> {
    keys: &'a KeysInHand,
    key: Arc<str>,
}

impl Drop for KeyInHand<'_> {
    fn drop(&mut self) {
        self.keys.lock().remove(&self.key);
    }
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

fn queued(Accepted { id, created_at, spec, .. }: &Accepted) -> Response {
    let id = *id;
    let status_url = view::status_url(id);
    let answer = Answer {
        id: &status_url[view::JOBS.len()..],
        status: Status::Queued,
        url: spec.url.as_str(),
        status_url: &status_url,
        created_at: view::rfc3339(*created_at),
        metadata: view::metadata(spec),
    };
    let mut response = json(StatusCode::ACCEPTED, &answer);
    let location = HeaderValue::try_from(status_url).expect("a path of ASCII letters");
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// The key as the store knows it: two owners' never meet.
pub(crate) fn scoped_key(caller: &Caller, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    Ok(idempotency_key(headers)?.map(|key| caller.scoped(&key)))
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
