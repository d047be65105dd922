//! A batch whose last outcome is known is told of, once; and forgotten some day.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jobs::{Group, JobId, Submitted, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::JobSpec;
use crate::batch::{BATCHES, Batch};
use crate::derived;
use crate::problem::Problem;
use crate::router::{Api, store_problem};
use crate::view::{NO_METADATA, rfc3339, to_json};

/// The type of the event that tells of it.
const EVENT: &str = "batch.completed";
/// How often to look without being told to.
const ROUND: Duration = Duration::from_secs(5);
/// News that come together are looked at together.
const GATHER: Duration = Duration::from_millis(20);
/// How often to look for batches that are old.
const FORGET_ROUND: Duration = Duration::from_secs(60);

/// Completes batches, and forgets them when they are old, until `stop`.
pub(crate) async fn keep_up(api: &Arc<Api>, stop: &CancellationToken) {
    let work = async {
        let signal = api.store.groups_signal();
        let mut forgotten: Option<Instant> = None;
        loop {
            let told = signal.notified();
            tokio::pin!(told);
            // Before the look, so that nothing is missed in between.
            told.as_mut().enable();
            if let Err(error) = api.load_batches().await {
                tracing::warn!(%error, "could not read the batches; trying again later");
            }
            for id in api.batches.closed() {
                complete(api, id).await;
            }
            let round = FORGET_ROUND.min(api.config.retain / 2);
            if forgotten.is_none_or(|at| at.elapsed() >= round) {
                forget_old(api).await;
                forgotten = Some(Instant::now());
            }
            let news = async {
                tokio::select! {
                    () = told => {}
                    () = api.batches.news.notified() => {}
                }
                sleep(GATHER).await;
            };
            // Without news: the round.
            let _ = timeout(ROUND.min(round), news).await;
        }
    };
    stop.run_until_cancelled(work).await;
}

/// Completes a batch if it can be.
async fn complete(api: &Arc<Api>, id: JobId) {
    if api.batch_jobs(id).open() > 0 || !api.batches.begin_completing(id) {
        return;
    }
    // Nothing comes to it now; what it has is all that it has.
    let group = api.batch_jobs(id);
    let completed_ms = match completed(api, id, group).await {
        Ok(completed_ms) => completed_ms,
        Err(problem) => {
            let reason = problem.detail();
            tracing::warn!(batch.id = %id, reason, "could not complete a batch; trying again");
            None
        }
    };
    api.batches.end_completing(id, completed_ms);
}

/// Tells of a batch that is complete, then notes it: whoever is stopped in between tells of it
/// again, under the same id.
async fn completed(api: &Arc<Api>, id: JobId, group: Group) -> Result<Option<u64>, Problem> {
    if group.open() > 0 {
        return Ok(None);
    }
    let Some(mut batch) = api.stored_batch(id).await? else {
        api.batches.forget(id);
        return Ok(None);
    };
    // The counts are ahead of the disk; after a crash they would be told differently.
    api.store.flush().await.map_err(|error| store_problem(&error))?;
    let now = api.clock.now();
    batch.is_interrupted |= !batch.is_closed;
    batch.is_closed = true;
    let event = event(id, &batch, group, now);
    tell(api, id, &batch, group.jobs, &event, now).await?;
    batch.completed_ms = Some(now.as_millis());
    batch.completed_jobs = group.jobs;
    api.store_batch(id, &batch).await?;
    api.feed.publish(EVENT, id, batch.owner.as_deref(), event);
    Ok(batch.completed_ms)
}

/// Has the event delivered, if anybody wants to know.
async fn tell(
    api: &Arc<Api>,
    id: JobId,
    batch: &Batch,
    jobs: u64,
    event: &Bytes,
    now: Timestamp,
) -> Result<(), Problem> {
    let Some(spec) = notice(api, batch, event) else {
        return Ok(());
    };
    let mut job = api.ready(spec, now).job;
    job.id = notice_id(id, batch.created_ms, jobs);
    let answers = api.store.submit(vec![job], now).await.map_err(|error| store_problem(&error))?;
    match answers.as_slice() {
        [Submitted::Created | Submitted::Existing { .. }] => Ok(()),
        _ => Err(api.queue_full()),
    }
}

/// The job that tells of it; `None` when there is nobody to tell.
fn notice(api: &Api, batch: &Batch, event: &Bytes) -> Option<JobSpec> {
    // The address is told once it is known that there is one.
    let nowhere = "http://localhost/".parse().expect("it is a URL");
    let spec = JobSpec {
        sink: batch.sink.clone(),
        sink_name: batch.sink_name.clone(),
        owner: batch.owner.clone(),
        ..JobSpec::new(nowhere)
    };
    let url = api.pipeline.told_at(&spec, EVENT)?;
    let text = String::from_utf8(event.to_vec()).ok()?;
    let notice = RawValue::from_string(text).ok()?;
    Some(JobSpec { url, notice: Some(notice), ..spec })
}

/// The same each time it is told that the batch is complete with so many jobs. It sorts by the time
/// the batch began (UUIDv7, RFC 9562 §5.7).
fn notice_id(id: JobId, created_ms: u64, jobs: u64) -> JobId {
    let digest = Sha256::new_with_prefix(EVENT).chain_update(id.as_bytes());
    let digest = digest.chain_update(jobs.to_be_bytes()).finalize();
    let mut bytes: [u8; 16] = std::array::from_fn(|at| digest[at]);
    bytes[..6].copy_from_slice(&created_ms.to_be_bytes()[2..]);
    derived::id(bytes, derived::BY_TIME)
}

fn event(id: JobId, batch: &Batch, group: Group, now: Timestamp) -> Bytes {
    #[derive(Serialize)]
    struct Event<'a> {
        r#type: &'a str,
        timestamp: jiff::Timestamp,
        data: Data<'a>,
    }
    #[derive(Serialize)]
    struct Data<'a> {
        id: String,
        jobs: u64,
        succeeded: u64,
        failed: u64,
        cancelled: u64,
        unchanged: u64,
        refused: u64,
        interrupted: bool,
        created_at: jiff::Timestamp,
        completed_at: jiff::Timestamp,
        metadata: &'a RawValue,
    }

    let data = Data {
        id: id.to_string(),
        jobs: group.jobs,
        succeeded: group.succeeded,
        failed: group.failed,
        cancelled: group.cancelled,
        unchanged: group.unchanged,
        refused: batch.refused,
        interrupted: batch.is_interrupted,
        created_at: rfc3339(Timestamp::from_millis(batch.created_ms)),
        completed_at: rfc3339(now),
        metadata: batch.metadata.as_deref().unwrap_or(&NO_METADATA),
    };
    Bytes::from(to_json(&Event { r#type: EVENT, timestamp: rfc3339(now), data }))
}

/// Batches go as long after they were completed as jobs go after they were over.
async fn forget_old(api: &Api) {
    let before = api.clock.now() - api.config.retain;
    for id in api.batches.completed_before(before.as_millis()) {
        // What counts last: with the document gone nobody asks for the rest.
        let forgotten = async {
            api.store.forget_group(id).await?;
            api.store.put_document(BATCHES, id.to_string(), None).await
        };
        if let Err(error) = forgotten.await {
            tracing::warn!(batch.id = %id, %error, "could not forget a batch; trying again later");
            return;
        }
        api.batches.forget(id);
    }
}
