//! `/v1/schedules`: jobs that are submitted again and again.

mod definition;
mod rule;
mod runner;
mod stored;
mod table;
mod view;

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::header::{self, HeaderValue};
use http::{StatusCode, Uri};
use jobs::JobId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::definition::Definition;
pub(crate) use self::runner::run;
use self::stored::{Known, Last, Outcome};
use self::table::Entry;
pub(crate) use self::table::Schedules;
use self::view::ScheduleView;
use crate::auth::{Caller, Reader, Submitter};
use crate::body::{self, Received, Typing};
use crate::problem::{Fault, Kind, Problem};
use crate::read::{PathParts, path_name};
use crate::router::Api;
use crate::view::{JobView, json, no_content, status_url};

const WHERE: &str = "/v1/schedules/";

/// `/v1/schedules`.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list, make))
        .routes(routes!(show, change, remove))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(run_now))
}

/// Makes a schedule.
///
/// Its job is checked as a submitted one is.
#[utoipa::path(
    post, path = "/v1/schedules", tag = "Schedules", operation_id = "createSchedule",
    request_body = Definition,
    responses(
        (status = 201, description = "It is made.", body = ScheduleView,
         headers(("Location" = String, description = "Where it is."))),
        (status = 409, description = "There is one of this name, or there are too many."),
        (status = 422, description = "The schedule or its job cannot be accepted."),
    ),
)]
pub(crate) async fn make(Submitter(api): Submitter, request: Request) -> Result<Response, Problem> {
    let received = receive(&api, request).await?;
    let known = definition::new(&api, &received.bytes)?;
    let known = Schedules::make(&api.shared(), known).await?;
    let mut response = shown(&api, StatusCode::CREATED, &known);
    let location = HeaderValue::try_from(format!("{WHERE}{}", known.id));
    let location = location.expect("a path of ASCII letters");
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// What there is.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScheduleList {
    schedules: Vec<ScheduleView>,
}

/// Lists the caller's schedules by name.
#[utoipa::path(
    get, path = "/v1/schedules", tag = "Schedules", operation_id = "listSchedules",
    responses(
        (status = 200, description = "All there are, without their jobs.", body = ScheduleList),
    ),
)]
pub(crate) async fn list(Reader(api): Reader, uri: Uri) -> Result<Response, Problem> {
    let query = uri.query().unwrap_or_default();
    if let Some((name, _)) = url::form_urlencoded::parse(query.as_bytes()).next() {
        let fault = Fault::parameter(&name, "unknown; there are no parameters here");
        return Err(Problem::faulty(Kind::BadRequest, vec![fault]));
    }
    let _slot = api.listings.acquire().await.expect("the semaphore is never closed");
    let all = api.schedules.all(&api).await?;
    let mut own: Vec<_> = all.iter().filter_map(|entry| visible(&api, entry)).collect();
    own.sort_by(|a, b| a.schedule.name.cmp(&b.schedule.name));
    let now = api.clock.now();
    let schedules = own.iter().map(|known| ScheduleView::brief(known, now)).collect();
    Ok(json(StatusCode::OK, &ScheduleList { schedules }))
}

/// Shows a schedule, its next runs and its latest one.
#[utoipa::path(
    get, path = "/v1/schedules/{id}", tag = "Schedules", operation_id = "getSchedule",
    params(("id" = String, Path, description = "The schedule's id.")),
    responses(
        (status = 200, description = "It is there.", body = ScheduleView),
        (status = 404, description = "There is no such schedule."),
    ),
)]
pub(crate) async fn show(Reader(api): Reader, path: PathParts) -> Result<Response, Problem> {
    let (_, known) = found(&api, path).await?;
    Ok(shown(&api, StatusCode::OK, &known))
}

/// Changes a schedule: a JSON merge patch (RFC 7396).
///
/// `job` is replaced as a whole. A changed time holds from now on.
#[utoipa::path(
    patch, path = "/v1/schedules/{id}", tag = "Schedules", operation_id = "updateSchedule",
    params(("id" = String, Path, description = "The schedule's id.")),
    request_body(content = Object, content_type = "application/json", description = "What is to be another."),
    responses(
        (status = 200, description = "It is changed.", body = ScheduleView),
        (status = 404, description = "There is no such schedule."),
        (status = 422, description = "The change cannot be accepted."),
    ),
)]
pub(crate) async fn change(
    Submitter(api): Submitter,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    let (entry, _) = found(&api, path).await?;
    let received = receive(&api, request).await?;
    let caller = api.clone();
    let changed = entry.change(api.shared(), move |known| {
        definition::patched(&caller, known, &received.bytes).map(Some)
    });
    let known = changed.await?.ok_or_else(gone)?;
    Ok(shown(&api, StatusCode::OK, &known))
}

/// Removes a schedule. Its jobs stay.
#[utoipa::path(
    delete, path = "/v1/schedules/{id}", tag = "Schedules", operation_id = "deleteSchedule",
    params(("id" = String, Path, description = "The schedule's id.")),
    responses(
        (status = 204, description = "It is removed."),
        (status = 404, description = "There is no such schedule."),
    ),
)]
pub(crate) async fn remove(
    Submitter(api): Submitter,
    path: PathParts,
) -> Result<Response, Problem> {
    let (entry, _) = found(&api, path).await?;
    entry.change(api.shared(), |_| Ok(None)).await?;
    Ok(no_content())
}

/// Pauses a schedule.
#[utoipa::path(
    post, path = "/v1/schedules/{id}/pause", tag = "Schedules", operation_id = "pauseSchedule",
    params(("id" = String, Path, description = "The schedule's id.")),
    responses(
        (status = 200, description = "It is paused.", body = ScheduleView),
        (status = 404, description = "There is no such schedule."),
    ),
)]
pub(crate) async fn pause(Submitter(api): Submitter, path: PathParts) -> Result<Response, Problem> {
    switch(&api, path, stored::Schedule::pause).await
}

/// Lets a paused schedule go on. What fell in the pause was missed.
#[utoipa::path(
    post, path = "/v1/schedules/{id}/resume", tag = "Schedules", operation_id = "resumeSchedule",
    params(("id" = String, Path, description = "The schedule's id.")),
    responses(
        (status = 200, description = "It goes on.", body = ScheduleView),
        (status = 404, description = "There is no such schedule."),
    ),
)]
pub(crate) async fn resume(
    Submitter(api): Submitter,
    path: PathParts,
) -> Result<Response, Problem> {
    switch(&api, path, stored::Schedule::resume).await
}

async fn switch(
    api: &Caller,
    path: PathParts,
    switch: fn(&mut stored::Schedule, u64),
) -> Result<Response, Problem> {
    let (entry, _) = found(api, path).await?;
    let now_ms = api.clock.now().as_millis();
    let changed = entry.change(api.shared(), move |known| {
        Ok(Some(known.with(|schedule| {
            switch(schedule, now_ms);
            schedule.updated_ms = now_ms;
        })))
    });
    let known = changed.await?.ok_or_else(gone)?;
    Ok(shown(api, StatusCode::OK, &known))
}

/// Submits a schedule's job now, besides its runs. Paused ones can be run too.
#[utoipa::path(
    post, path = "/v1/schedules/{id}/run", tag = "Schedules", operation_id = "runSchedule",
    params(("id" = String, Path, description = "The schedule's id.")),
    responses(
        (status = 202, description = "The job is accepted.", body = Object,
         headers(("Location" = String, description = "Where the job is."))),
        (status = 404, description = "There is no such schedule."),
        (status = 422, description = "The job cannot be accepted any more."),
    ),
)]
pub(crate) async fn run_now(
    Submitter(api): Submitter,
    path: PathParts,
) -> Result<Response, Problem> {
    let (entry, known) = found(&api, path).await?;
    let owner = known.schedule.owner.as_deref().map(Arc::from);
    let caller = Caller::on_behalf(&api.shared(), owner);
    let now = api.clock.now();
    let ready = definition::ready(&caller, &known.schedule.name, &known.schedule.job)
        .map_err(|problem| problem.below("/job"))?;
    let id = caller.accept(ready, now).await?.id;
    let last = Last {
        at_ms: now.as_millis(),
        planned_ms: None,
        outcome: Outcome::Submitted,
        job: Some(id.to_string()),
        detail: None,
    };
    let told = entry.change(api.shared(), move |known| {
        Ok(Some(known.with(|schedule| schedule.last = Some(last))))
    });
    // The job is accepted, whether that can be noted or not.
    let _ = told.await;
    let (record, spec) = api.job(id).await?;
    let mut response = json(StatusCode::ACCEPTED, &JobView::new(&api, record, spec));
    let location = HeaderValue::try_from(status_url(id)).expect("a path of ASCII letters");
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

async fn receive(api: &Api, request: Request) -> Result<Received, Problem> {
    let (parts, body) = request.into_parts();
    body::check_type(&parts.headers, Typing::Strict)?;
    let config = &api.config;
    body::read(body, config.max_body, config.body_timeout, &api.budget).await
}

fn shown(api: &Api, status: StatusCode, known: &Known) -> Response {
    json(status, &ScheduleView::new(known, api.clock.now()))
}

/// The schedule that an address names. Another's is not there.
async fn found(api: &Caller, path: PathParts) -> Result<(Arc<Entry>, Arc<Known>), Problem> {
    let text = path_name(path)?;
    let unknown = || Problem::new(Kind::NotFound, format!("there is no schedule {text}"));
    let id: JobId = text.parse().map_err(|_| unknown())?;
    let entry = api.schedules.find(api, id).await?.ok_or_else(unknown)?;
    let known = visible(api, &entry).ok_or_else(unknown)?;
    Ok((entry, known))
}

fn visible(api: &Caller, entry: &Entry) -> Option<Arc<Known>> {
    entry.known().filter(|known| api.may_see(known.schedule.owner.as_deref()))
}

fn gone() -> Problem {
    Problem::new(Kind::NotFound, "the schedule was removed meanwhile")
}
