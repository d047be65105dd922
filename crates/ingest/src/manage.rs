use axum::response::Response;
use http::StatusCode;
use jobs::{Cancelled, JobId, Redrive, Redriven};

use crate::Status;
use crate::auth::Caller;
use crate::problem::{Kind, Problem};
use crate::read::{PathParts, path_id};
use crate::router::{Api, store_problem, unknown};
use crate::view::{JobView, json};

/// `DELETE /v1/jobs/{id}`: calls a job off. Doing it twice is the same as doing it once.
pub(crate) async fn cancel(Caller(api): Caller, path: PathParts) -> Result<Response, Problem> {
    let id = path_id(path)?;
    let (record, spec) = api.job(id).await?;
    let now = api.clock.now();
    if !record.state.is_terminal() && api.pipeline.status(&record) != Status::Cancelled {
        let next = api.pipeline.cancelled(id, &spec, now);
        let answer = api.store.cancel(id, next, now).await.map_err(|e| store_problem(&e))?;
        if answer == Cancelled::Unknown {
            return Err(unknown(id));
        }
    }
    // It may have ended by itself in between: what it is now decides.
    let (record, spec) = api.job(id).await?;
    match api.pipeline.status(&record) {
        Status::Cancelled => Ok(json(StatusCode::OK, &JobView::new(&api, record, spec))),
        status => Err(conflict(format!("job {id} is {status} and cannot be cancelled"))),
    }
}

/// `POST /v1/jobs/{id}/redeliver`: sends the stored event of a job that is over once more.
pub(crate) async fn redeliver(Caller(api): Caller, path: PathParts) -> Result<Response, Problem> {
    let id = path_id(path)?;
    let (record, spec) = api.job(id).await?;
    let to = api.pipeline.redeliver(&spec, None, api.clock.now());
    let to = to.ok_or_else(|| conflict(format!("job {id} has no sink to deliver to")))?;
    if record.state.is_terminal() && record.result_bytes.is_none() {
        return Err(conflict(format!("job {id} has no event to deliver; refetch it instead")));
    }
    redrive(&api, id, to).await
}

/// `POST /v1/jobs/{id}/refetch`: starts a job that is over again from its URL.
pub(crate) async fn refetch(Caller(api): Caller, path: PathParts) -> Result<Response, Problem> {
    let id = path_id(path)?;
    let (_, spec) = api.job(id).await?;
    let now = api.clock.now();
    if spec.deadline().is_some_and(|deadline| deadline <= now) {
        return Err(conflict(format!("job {id} is past its deadline; submit it anew")));
    }
    redrive(&api, id, api.pipeline.refetch(&spec, now)).await
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
