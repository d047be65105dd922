use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use jobs::{Filter, JobId, State};
use tokio::time::timeout;

use super::BatchView;
use crate::JobSpec;
use crate::auth::{Caller, Submitter};
use crate::problem::{Kind, Problem};
use crate::read::{PathParts, path_id};
use crate::router::store_problem;
use crate::view::json;

/// Records read from the store at once: each may carry a spec as large as a body.
const SLICE: usize = 32;
/// Whoever calls a batch off waits for the end of it this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Calls off every job of a batch whose outcome is not known yet.
///
/// A batch that is still received ends. When it takes longer, the answer is 202 and the rest is
/// called off in the background.
#[utoipa::path(
    delete, path = "/v1/batches/{id}", tag = "Batches", operation_id = "cancelBatch",
    params(("id" = String, Path, description = "The batch's id.")),
    responses(
        (status = 200, description = "No job is open.", body = BatchView),
        (status = 202, description = "Jobs are still being called off.", body = BatchView),
    ),
)]
pub(crate) async fn cancel(
    Submitter(caller): Submitter,
    path: PathParts,
) -> Result<Response, Problem> {
    let id = path_id(path)?;
    caller.load_batches().await.map_err(|error| store_problem(&error))?;
    caller.batch(id).await?;
    if let Some((_, Some(upload))) = caller.batches.phase(id) {
        upload.stop.cancel();
        // When it does not end in time, what still comes stays.
        let _ = timeout(PATIENCE, upload.over.cancelled()).await;
    }
    let is_over = match call_off(&caller, id) {
        Some(calling_off) => match timeout(PATIENCE, calling_off).await {
            Ok(Ok(done)) => done.map(|()| true)?,
            Ok(Err(error)) => {
                tracing::error!(%error, "calling a batch off panicked");
                return Err(Problem::new(Kind::Internal, "not every job could be called off"));
            }
            Err(_) => false,
        },
        // Somebody does it already.
        None => false,
    };
    let status = if is_over { StatusCode::OK } else { StatusCode::ACCEPTED };
    let batch = caller.batch(id).await?;
    Ok(json(status, &BatchView::new(&caller, id, batch)))
}

pub(crate) type CallingOff = tokio::task::JoinHandle<Result<(), Problem>>;

/// Calls the jobs off even if the caller goes away; `None` when that is under way already.
pub(crate) fn call_off(caller: &Caller, id: JobId) -> Option<CallingOff> {
    let guard = Guard::new(caller, id)?;
    Some(caller.changes.spawn(async move {
        let mut before = None;
        loop {
            let caller = &guard.caller;
            let slot = caller.listings.acquire().await.expect("the semaphore is never closed");
            let states = vec![State::Waiting, State::Leased];
            let filter = Filter { states, group: Some(id), ..Filter::default() };
            let failed = |error: jobs::Error| store_problem(&error);
            let records = caller.store.list(filter, before, SLICE).await.map_err(failed)?;
            let is_last = records.len() < SLICE;
            for record in records {
                before = Some(record.id);
                // Its event is on the way: what it tells of has happened.
                if record.verdict.is_some() {
                    continue;
                }
                let spec = JobSpec::from_bytes(&record.spec).ok();
                caller.call_off(record.id, spec.as_ref()).await?;
            }
            if is_last {
                return Ok(());
            }
            drop(slot);
            tokio::task::yield_now().await;
        }
    }))
}

/// Whoever calls a batch off is the only one.
struct Guard {
    caller: Caller,
    id: JobId,
}

impl Guard {
    fn new(caller: &Caller, id: JobId) -> Option<Self> {
        let caller = caller.clone();
        caller.batches.begin_calling_off(id).then(|| Self { caller, id })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.caller.batches.end_calling_off(self.id);
    }
}
