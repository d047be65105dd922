use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use http::Uri;
use jobs::{Cancelled, Clock, ErrorKind, JobId, Record, Store};
use tokio::sync::{Mutex, Semaphore};
use tokio_util::task::TaskTracker;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::batch::Batches;
use crate::budget::Budget;
use crate::keys::Keys;
use crate::meters::Meters;
use crate::problem::{Kind, Problem};
use crate::pull::Pulls;
use crate::redrive::Redrives;
use crate::schedules::Schedules;
use crate::submit::KeysInHand;
use crate::wait::Waits;
use crate::{
    Config, Feed, JobSpec, Pipeline, Sinks, Upkeep, batches, docs, events, firecrawl, keys, list,
    manage, ops, pull, read, redrive, schedules, scraper_api, sinks as named, site, submit,
};

/// Listings under way at once: each holds a slice of whole specs in memory.
const LISTINGS: usize = 4;
/// What a caller waits while the disk is full, in seconds: somebody has to make room.
const NO_SPACE_RETRY_S: u64 = 30;
/// What a caller waits for a store that does not work, in seconds: a restart.
const UNAVAILABLE_RETRY_S: u64 = 10;

/// What every handler shares.
pub(crate) struct Api {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pipeline: Arc<dyn Pipeline>,
    pub(crate) sinks: Arc<dyn Sinks>,
    pub(crate) feed: Feed,
    /// Held by whoever changes a sink.
    pub(crate) sink_changes: Arc<Mutex<()>>,
    /// Changes that end even if their callers go away.
    pub(crate) changes: TaskTracker,
    pub(crate) config: Config,
    pub(crate) keys: Keys,
    /// Held by whoever changes a key.
    pub(crate) key_changes: Arc<Mutex<()>>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) listings: Arc<Semaphore>,
    /// Places of readers of the events.
    pub(crate) readers: Arc<Semaphore>,
    pub(crate) redrives: Redrives,
    /// The idempotency keys of what is being stored.
    pub(crate) keys_in_hand: KeysInHand,
    /// Which batches there are.
    pub(crate) batches: Batches,
    /// Those who wait for outcomes.
    pub(crate) waits: Waits,
    pub(crate) schedules: Schedules,
    pub(crate) pulls: Pulls,
    pub(crate) meters: Meters,
    pub(crate) metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// What the API is composed of.
pub struct Parts {
    /// Has the jobs.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The order of the stages.
    pub pipeline: Arc<dyn Pipeline>,
    /// The sinks that have names.
    pub sinks: Arc<dyn Sinks>,
    /// What `GET /v1/events` tells.
    pub feed: Feed,
    /// Renders what `GET /metrics` answers.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// The HTTP API, and what it does on its own. The recorder of the `metrics` crate, if there is one,
/// must be installed before.
pub fn router(parts: Parts, mut config: Config) -> (Router, Upkeep) {
    let Parts { store, clock, pipeline, sinks, feed, metrics } = parts;
    let stored_keys = std::mem::take(&mut config.stored_keys);
    let keys = Keys::new(&std::mem::take(&mut config.api_keys), stored_keys);
    let budget = Budget::new(config.memory);
    let listings = Arc::new(Semaphore::new(LISTINGS));
    let meters = Meters::new();
    let waits = Waits::new(config.max_waiting);
    let api = Api {
        store,
        clock,
        pipeline,
        sinks,
        feed,
        sink_changes: Arc::default(),
        changes: TaskTracker::new(),
        config,
        keys,
        key_changes: Arc::default(),
        budget,
        listings,
        readers: events::readers(),
        redrives: Redrives::default(),
        keys_in_hand: KeysInHand::default(),
        batches: Batches::default(),
        waits,
        schedules: Schedules::default(),
        pulls: Pulls::default(),
        meters,
        metrics,
    };
    let api = Arc::new(api);
    let (router, _document) = routes().split_for_parts();
    let router = router
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(Arc::clone(&api));
    (site::guarded(router, &api), Upkeep::new(api))
}

/// Every route, with what is said of it in the OpenAPI document.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list::jobs, submit::strict))
        .routes(routes!(ops::page, submit::as_typed))
        .routes(routes!(read::job, manage::cancel))
        .routes(routes!(read::result))
        .routes(routes!(read::attempts))
        .routes(routes!(manage::redeliver))
        .routes(routes!(manage::refetch))
        .routes(routes!(redrive::list, redrive::start))
        .routes(routes!(redrive::show, redrive::stop))
        .routes(routes!(pull::pull))
        .routes(routes!(pull::ack))
        .routes(routes!(pull::nack))
        .routes(routes!(pull::extend))
        .routes(routes!(events::events))
        .routes(routes!(list::lanes))
        .routes(routes!(named::list, named::define))
        .routes(routes!(named::show, named::change, named::remove))
        .routes(routes!(named::rotate))
        .routes(routes!(named::test))
        .routes(routes!(ops::alive))
        .routes(routes!(ops::ready))
        .routes(routes!(ops::metrics))
        .merge(batches::routes())
        .merge(keys::routes())
        .merge(schedules::routes())
        .merge(firecrawl::routes())
        .merge(scraper_api::routes())
        .merge(docs::routes())
}

async fn no_such_path(uri: Uri) -> Problem {
    Problem::new(Kind::NotFound, format!("there is nothing at {}", uri.path()))
}

async fn no_such_method(request: Request) -> Problem {
    let (method, path) = (request.method(), request.uri().path());
    Problem::new(Kind::MethodNotAllowed, format!("{path} does not understand {method}"))
}

impl Api {
    /// The job that an address names, with what was asked for.
    pub(crate) async fn job(&self, id: JobId) -> Result<(Record, JobSpec), Problem> {
        let found = self.store.get(id).await.map_err(|error| store_problem(&error))?;
        let record = found.ok_or_else(|| unknown(id))?;
        let spec = spec_of(&record)?;
        Ok((record, spec))
    }

    /// Calls a job off, and has that told when it is known who wants to hear of it.
    pub(crate) async fn call_off(
        &self,
        id: JobId,
        spec: Option<&JobSpec>,
    ) -> Result<Cancelled, Problem> {
        let now = self.clock.now();
        let next = spec.and_then(|spec| self.pipeline.cancelled(id, spec, now));
        self.store.cancel(id, next, now).await.map_err(|error| store_problem(&error))
    }

    /// Makes a change that comes to its end even if whoever asked for it goes away.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        let made = self.changes.spawn(change).await;
        made.unwrap_or_else(|_| Err(Problem::new(Kind::Internal, "the change was not made")))
    }

    /// The queue is at its bound.
    pub(crate) fn queue_full(&self) -> Problem {
        let wait_s = self.config.retry_after.as_secs().max(1);
        Problem::new(Kind::QueueFull, "the queue is full; nothing was kept").retry_after(wait_s)
    }
}

/// What a store's failure means to a caller.
pub(crate) fn store_problem(error: &jobs::Error) -> Problem {
    match error.kind() {
        ErrorKind::NoSpace => Problem::new(Kind::NoSpace, "the disk is full; nothing was kept")
            .retry_after(NO_SPACE_RETRY_S),
        ErrorKind::Unavailable | ErrorKind::Closed => {
            Problem::new(Kind::Unavailable, "the store does not work at the moment")
                .retry_after(UNAVAILABLE_RETRY_S)
        }
        ErrorKind::InUse | ErrorKind::Unusable | ErrorKind::Corrupt | ErrorKind::Invalid => {
            tracing::error!(error = error as &dyn std::error::Error, "store call failed");
            Problem::new(Kind::Internal, "the store could not do this; see the server's log")
        }
    }
}

/// The id in an address.
pub(crate) fn id(text: &str) -> Result<JobId, Problem> {
    text.parse().map_err(|error| Problem::new(Kind::NotFound, format!("{text}: {error}")))
}

/// There is no such job.
pub(crate) fn unknown(id: JobId) -> Problem {
    Problem::new(Kind::NotFound, format!("there is no job {id}; it may have been swept"))
}

/// What a stored job asked for.
pub(crate) fn spec_of(record: &Record) -> Result<JobSpec, Problem> {
    JobSpec::from_bytes(&record.spec).map_err(|error| {
        let error: &dyn std::error::Error = &error;
        tracing::error!(job.id = %record.id, error, "stored job unreadable");
        Problem::new(Kind::Internal, format!("job {} cannot be read", record.id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_s_failures_are_told_apart() {
        let told = |kind| store_problem(&jobs::Error::new(kind, "x")).kind();
        assert_eq!(told(ErrorKind::NoSpace), Kind::NoSpace);
        assert_eq!(told(ErrorKind::Unavailable), Kind::Unavailable);
        assert_eq!(told(ErrorKind::Closed), Kind::Unavailable);
        assert_eq!(told(ErrorKind::Corrupt), Kind::Internal);
    }
}
