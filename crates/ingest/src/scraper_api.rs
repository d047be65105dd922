//! ScraperAPI's asynchronous interface, as far as it can be served here: jobs, batches of them,
//! their status and callbacks. It translates; jobs are what they are for everybody else.

mod asked;
mod job;

use std::sync::Arc;

use axum::extract::{FromRequestParts as _, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HeaderValue};
use http::request::Parts;
use http::{StatusCode, Uri};
use jobs::{JobId, Record, Verdict};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::asked::Asked;
pub use self::job::body as callback_body;
use self::job::{Job, JobView};
use crate::auth::{Caller, Reader, Submitter};
use crate::body::Received;
use crate::problem::{Fault, Kind, Problem};
use crate::read::{PathParts, path_id};
use crate::router::Api;
use crate::shim::{self, Fields, none_of};
use crate::stored::Event;
use crate::view::json;
use crate::{JobSpec, Status};

/// Where jobs of this kind are.
const JOBS: &str = "/jobs/";
/// Pages of one batch, as at ScraperAPI.
const MOST_URLS: usize = 50_000;
/// The names that a query may have the API key by.
const KEY_NAMES: [&str; 2] = ["apiKey", "api_key"];

/// What clients of ScraperAPI call.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(submit))
        .routes(routes!(submit_batch))
        .routes(routes!(status, cancel))
}

/// A refusal.
#[derive(Debug)]
struct Failure(Problem);

#[derive(Serialize, ToSchema)]
#[schema(as = ScraperApiError)]
struct FailureBody<'a> {
    /// What is wrong, and where.
    error: &'a str,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let status = match problem.kind() {
            Kind::Invalid => StatusCode::BAD_REQUEST,
            _ => problem.status(),
        };
        let headers = problem.headers().clone();
        let detail = problem.detail().to_owned();
        let faults = problem.into_faults();
        let told: Vec<_> = faults.iter().map(|fault| asked::told(fault.parts())).collect();
        let error = if told.is_empty() { detail } else { told.join("; ") };
        let mut response = json(status, &FailureBody { error: &error });
        response.headers_mut().extend(headers);
        response
    }
}

/// Submits a job, as ScraperAPI's.
#[utoipa::path(
    post, path = "/jobs", tag = "Migration", operation_id = "scraperApiSubmitJob",
    request_body = asked::Body,
    responses(
        (status = 200, description = "The job was accepted.", body = JobView),
        (status = 400, description = "Not understood, or not done here.", body = FailureBody),
        (status = 401, description = "No API key.", body = FailureBody),
        (status = 403, description = "This key may not.", body = FailureBody),
        (status = 408, description = "The request took too long.", body = FailureBody),
        (status = 413, description = "The body is too large.", body = FailureBody),
        (status = 415, description = "The body is no JSON.", body = FailureBody),
        (status = 429, description = "Too many requests.", body = FailureBody),
        (status = 503, description = "The server is full.", body = FailureBody),
    ),
)]
async fn submit(State(api): State<Arc<Api>>, request: Request) -> Result<Response, Failure> {
    let (mut parts, received) = received(&api, request).await?;
    let mut fields = Fields::of(&received.bytes)?;
    let caller = submitter(&api, &mut parts, &mut fields).await?;
    let accepted = async {
        let url: Option<String> = fields.take("url");
        let asked = Asked::read(&mut fields);
        none_of(fields.end(&format!("url, {}", asked::KNOWN)))?;
        let required = || Problem::faulty(Kind::Invalid, vec![Fault::at("/url", "is required")]);
        let url = url.ok_or_else(required)?;
        let now = caller.clock.now();
        let ready = asked.prepare(&caller, &url, now)?;
        caller.accept(ready, now).await
    };
    let accepted = accepted.await.inspect_err(|problem| caller.meters.refused(problem.kind()))?;
    caller.meters.accepted.increment(1);
    let base = shim::base(&api, &parts.headers);
    Ok(json(StatusCode::OK, &Job::running(accepted.id, &accepted.spec, &base, 0)))
}

/// Submits a batch of jobs, as ScraperAPI's.
#[utoipa::path(
    post, path = "/batchjobs", tag = "Migration", operation_id = "scraperApiSubmitBatch",
    request_body = asked::BatchBody,
    responses(
        (status = 200, description = "The jobs were accepted, in this order.", body = [JobView]),
        (status = 400, description = "Not understood, or not done here: nothing was accepted.", body = FailureBody),
        (status = 401, description = "No API key.", body = FailureBody),
        (status = 403, description = "This key may not.", body = FailureBody),
        (status = 408, description = "The request took too long.", body = FailureBody),
        (status = 413, description = "The body is too large.", body = FailureBody),
        (status = 415, description = "The body is no JSON.", body = FailureBody),
        (status = 429, description = "Too many requests.", body = FailureBody),
        (status = 503, description = "The server is full.", body = FailureBody),
    ),
)]
async fn submit_batch(State(api): State<Arc<Api>>, request: Request) -> Result<Response, Failure> {
    let (mut parts, received) = received(&api, request).await?;
    let mut fields = Fields::of(&received.bytes)?;
    let caller = submitter(&api, &mut parts, &mut fields).await?;
    let accepted = accept_all(&caller, fields).await;
    let accepted = accepted.inspect_err(|problem| caller.meters.refused(problem.kind()))?;
    caller.meters.accepted.increment(accepted.len() as u64);
    let base = shim::base(&api, &parts.headers);
    let jobs = accepted.iter().map(|(id, url)| Job::submitted(*id, url, &base));
    Ok(json(StatusCode::OK, &jobs.collect::<Vec<_>>()))
}

/// Checks all of a batch, then accepts all of it.
async fn accept_all(
    caller: &Caller,
    mut fields: Fields<'_>,
) -> Result<Vec<(JobId, String)>, Problem> {
    let urls: Vec<String> = fields.take("urls").unwrap_or_default();
    if !(1..=MOST_URLS).contains(&urls.len()) {
        fields.refuse("urls", format!("name 1 to {MOST_URLS}"));
    }
    let asked = Asked::read(&mut fields);
    none_of(fields.end(&format!("urls, {}", asked::KNOWN)))?;
    let now = caller.clock.now();
    let mut held = caller.budget.reservation();
    let (mut jobs, mut accepted) = (Vec::new(), Vec::new());
    for (at, url) in urls.iter().enumerate() {
        let ready = asked.prepare(caller, url, now).map_err(|problem| within(problem, at))?;
        if !held.grow(ready.job.spec.len() as u64) {
            return Err(crate::body::busy());
        }
        accepted.push((ready.job.id, ready.spec.url.into()));
        jobs.push(ready.job);
    }
    shim::submit(caller, jobs, now).await?;
    Ok(accepted)
}

/// A problem with the job of one of many addresses.
fn within(problem: Problem, at: usize) -> Problem {
    let kind = problem.kind();
    let place = |fault: Fault| match fault.is_at("/url") {
        true => Fault::at(format!("/urls/{at}"), fault.parts().1),
        false => fault,
    };
    Problem::faulty(kind, problem.into_faults().into_iter().map(place).collect())
}

/// How a job goes, and its page, as ScraperAPI's.
#[utoipa::path(
    get, path = "/jobs/{id}", tag = "Migration", operation_id = "scraperApiGetJob",
    params(
        ("id" = String, Path, description = "The job's id."),
        ("apiKey" = Option<String>, Query, description = "The API key; `api_key` is the same."),
    ),
    responses(
        (status = 200, description = "How it goes.", body = JobView),
        (status = 400, description = "Not understood.", body = FailureBody),
        (status = 401, description = "No API key.", body = FailureBody),
        (status = 403, description = "This key may not.", body = FailureBody),
        (status = 404, description = "There is no such job.", body = FailureBody),
        (status = 429, description = "Too many requests.", body = FailureBody),
        (status = 503, description = "The server is full.", body = FailureBody),
    ),
)]
async fn status(
    State(api): State<Arc<Api>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Failure> {
    let (mut parts, _) = request.into_parts();
    with_key(&mut parts, None)?;
    let Reader(caller) = Reader::from_request_parts(&mut parts, &api).await?;
    let (record, spec) = caller.job(path_id(path)?).await?;
    answer(&caller, &parts, &record, &spec).await
}

/// Calls a job off, as ScraperAPI's.
#[utoipa::path(
    delete, path = "/jobs/{id}", tag = "Migration", operation_id = "scraperApiCancelJob",
    params(
        ("id" = String, Path, description = "The job's id."),
        ("apiKey" = Option<String>, Query, description = "The API key; `api_key` is the same."),
    ),
    responses(
        (status = 200, description = "How it is now: a job that is over stays as it is.", body = JobView),
        (status = 400, description = "Not understood.", body = FailureBody),
        (status = 401, description = "No API key.", body = FailureBody),
        (status = 403, description = "This key may not.", body = FailureBody),
        (status = 404, description = "There is no such job.", body = FailureBody),
        (status = 429, description = "Too many requests.", body = FailureBody),
        (status = 503, description = "The server is full.", body = FailureBody),
    ),
)]
async fn cancel(
    State(api): State<Arc<Api>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Failure> {
    let (mut parts, _) = request.into_parts();
    with_key(&mut parts, None)?;
    let Submitter(caller) = Submitter::from_request_parts(&mut parts, &api).await?;
    let id = path_id(path)?;
    let (record, spec) = caller.job(id).await?;
    shim::call_off(&caller, &record, &spec).await?;
    let (record, spec) = caller.job(id).await?;
    answer(&caller, &parts, &record, &spec).await
}

async fn answer(
    caller: &Caller,
    parts: &Parts,
    record: &Record,
    spec: &JobSpec,
) -> Result<Response, Failure> {
    let base = shim::base(caller, &parts.headers);
    let is_over = record.verdict.is_some() || record.state.is_terminal();
    if !is_over {
        let job = Job::running(record.id, spec, &base, record.attempts);
        return Ok(json(StatusCode::OK, &job));
    }
    let mut held = caller.budget.reservation();
    let event = shim::event(caller, record, &mut held).await?;
    let called_off = record.verdict == Some(Verdict::Cancelled)
        || caller.pipeline.status(record) == Status::Cancelled;
    let event = event.as_deref().filter(|_| !called_off).and_then(Event::read);
    let job = match event {
        Some(event) => Job::over(record.id, spec, &base, event),
        None => {
            let why = if called_off { "cancelled" } else { "unknown" };
            Job::failed(record.id, spec, &base, record.attempts, why)
        }
    };
    let body = serde_json::to_vec(&job).expect("string keys, and a Vec takes every byte");
    let mut response = json(StatusCode::OK, &());
    *response.body_mut() = held.bind(body.into()).into();
    Ok(response)
}

async fn received(api: &Api, request: Request) -> Result<(Parts, Received), Problem> {
    let (parts, body) = request.into_parts();
    let received = shim::read(api, &parts.headers, body).await?;
    Ok((parts, received))
}

async fn submitter(
    api: &Arc<Api>,
    parts: &mut Parts,
    fields: &mut Fields<'_>,
) -> Result<Caller, Problem> {
    let key: Option<String> = fields.take("apiKey");
    with_key(parts, key)?;
    let Submitter(caller) = Submitter::from_request_parts(parts, api).await?;
    Ok(caller)
}

/// Has the key of a body or a query stand where keys usually stand, unless there is one there.
fn with_key(parts: &mut Parts, in_body: Option<String>) -> Result<(), Problem> {
    let in_query = key_in_query(&parts.uri)?;
    if parts.headers.contains_key(AUTHORIZATION) {
        return Ok(());
    }
    let Some(key) = in_body.or(in_query).filter(|key| !key.is_empty()) else {
        return Ok(());
    };
    let refused = |_| Problem::new(Kind::Unauthorized, "the API key is not visible ASCII");
    let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(refused)?;
    value.set_sensitive(true);
    parts.headers.insert(AUTHORIZATION, value);
    Ok(())
}

fn key_in_query(uri: &Uri) -> Result<Option<String>, Problem> {
    let mut key = None;
    for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        if !KEY_NAMES.contains(&&*name) {
            let fault = Fault::parameter(&name, "unknown; known is apiKey");
            return Err(Problem::faulty(Kind::BadRequest, vec![fault]));
        }
        key = Some(value.into_owned());
    }
    Ok(key)
}
