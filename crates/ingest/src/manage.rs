use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use jobs::{Cancelled, JobId, Redrive, Redriven, Verdict};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Submitter;
use crate::body::{self, Typing};
use crate::description::{JobIdText, NotInThisState};
use crate::problem::{Fault, Kind, Problem};
use crate::read::{PathParts, path_id};
use crate::router::{Api, store_problem, unknown};
use crate::view::{JobView, json};
use crate::{Status, parse};

/// Calls a job off.
///
/// Its sink, if any, is told with an event. Doing it twice is the same as doing it once.
#[utoipa::path(
    delete, path = "/v1/jobs/{id}", tag = "Jobs", operation_id = "cancelJob",
    params(("id" = JobIdText, Path, description = "The job's id, as it was told when the job was accepted.")),
    responses(
        (status = 200, body = JobView, description = "The job, which is cancelled."), NotInThisState,
    ),
)]
pub(crate) async fn cancel(
    Submitter(api): Submitter,
    path: PathParts,
) -> Result<Response, Problem> {
    let id = path_id(path)?;
    let (record, spec) = api.job(id).await?;
    let is_over = record.state.is_terminal();
    // Once more would call off the event that tells of the first time.
    let is_open = !is_over && record.verdict != Some(Verdict::Cancelled);
    if is_open && api.call_off(id, Some(&spec)).await? == Cancelled::Unknown {
        return Err(unknown(id));
    }
    // It may have ended by itself in between: what it is now decides.
    let (record, spec) = api.job(id).await?;
    let status = api.pipeline.status(&record);
    if record.verdict == Some(Verdict::Cancelled) || status == Status::Cancelled {
        return Ok(json(StatusCode::OK, &JobView::new(&api, record, spec)));
    }
    Err(conflict(format!("job {id} is {status} and cannot be cancelled")))
}

/// What may be said of a redelivery.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"sink\": \"archive\"}")]
struct Redelivery {
    /// The name of another sink than the job's own.
    sink: Option<String>,
}

/// Sends the event of a job once more.
///
/// The job has to be over. Its stored event goes to its own sink, or to the one that the body
/// names, with all its attempts. The body may be left out.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/redeliver", tag = "Jobs", operation_id = "redeliverJob",
    params(("id" = JobIdText, Path, description = "The job's id, as it was told when the job was accepted.")),
    request_body(content = Option<Redelivery>, content_type = "application/json", description = "Where to, if not to the job's own sink.", example = json!({"sink": "archive"})),
    responses(
        (status = 202, body = JobView, description = "The job, on its way again."), NotInThisState,
    ),
)]
pub(crate) async fn redeliver(
    Submitter(api): Submitter,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    let id = path_id(path)?;
    let Redelivery { sink } = redelivery(&api, request).await?;
    let (record, spec) = api.job(id).await?;
    if let Some(name) = sink.as_deref().filter(|name| api.sinks.sink(name).is_none()) {
        let fault = Fault::at("/sink", format!("there is no sink {name}"));
        return Err(Problem::faulty(Kind::InvalidRequest, vec![fault]));
    }
    if let Some(Err(detail)) = sink.as_deref().map(|name| api.may_send(name)) {
        return Err(Problem::faulty(Kind::InvalidRequest, vec![Fault::at("/sink", detail)]));
    }
    let to = api.pipeline.redeliver(&spec, sink.as_deref(), api.clock.now());
    let to = to.ok_or_else(|| conflict(format!("job {id} has no sink to deliver to")))?;
    if record.state.is_terminal() && record.result_bytes.is_none() {
        return Err(conflict(format!("job {id} has no event to deliver; refetch it instead")));
    }
    redrive(&api, id, to).await
}

/// A body is not needed, nor is its type when there is none.
async fn redelivery(api: &Api, request: Request) -> Result<Redelivery, Problem> {
    let (Parts { headers, .. }, body) = request.into_parts();
    let config = &api.config;
    let received = body::read(body, config.max_body, config.body_timeout, &api.budget).await?;
    if received.bytes.trim_ascii().is_empty() {
        return Ok(Redelivery::default());
    }
    body::check_type(&headers, Typing::Strict)?;
    parse::object(&received.bytes, Kind::InvalidRequest)
}

/// Starts a job again from its URL.
///
/// The job has to be over, and its deadline not passed.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/refetch", tag = "Jobs", operation_id = "refetchJob",
    params(("id" = JobIdText, Path, description = "The job's id, as it was told when the job was accepted.")),
    responses(
        (status = 202, body = JobView, description = "The job, queued again."), NotInThisState,
    ),
)]
pub(crate) async fn refetch(
    Submitter(api): Submitter,
    path: PathParts,
) -> Result<Response, Problem> {
    let id = path_id(path)?;
    let (_, spec) = api.job(id).await?;
    let now = api.clock.now();
    if spec.notice.is_some() {
        return Err(conflict(format!("{id} is a notice of the server's; it has no page to fetch")));
    }
    if spec.deadline().is_some_and(|deadline| deadline <= now) {
        return Err(conflict(format!("job {id} is past its deadline; submit it anew")));
    }
    // A page that is fetched again costs as much as one that is fetched for the first time.
    api.charge(1)?;
    let answer = redrive(&api, id, api.pipeline.refetch(&spec, now)).await;
    if answer.is_err() {
        api.give_back(1);
    }
    answer
}

async fn redrive(api: &Api, id: JobId, to: Redrive) -> Result<Response, Problem> {
    let now = api.clock.now();
    match api.store.redrive(id, to, now).await.map_err(|e| store_problem(&e))? {
        Redriven::Unknown => Err(unknown(id)),
        Redriven::Live => {
            let (record, _) = api.job(id).await?;
            let status = api.pipeline.status(&record);
            Err(conflict(format!("job {id} is {status}, not over yet")))
        }
        Redriven::Yes => {
            let (record, spec) = api.job(id).await?;
            Ok(json(StatusCode::ACCEPTED, &JobView::new(api, record, spec)))
        }
    }
}

fn conflict(detail: String) -> Problem {
    Problem::new(Kind::Conflict, detail)
}
