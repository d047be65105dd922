//! How the parts end, each within its time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use jobs::{Drained, Stage, Store};
use tokio::time::{Instant, timeout_at};

use super::Driving;
use crate::exit::Failure;

/// How a stage was drained, if it was by `end`.
pub(super) async fn drained(
    end: Instant,
    stage: Stage,
    driving: Driving,
) -> Result<Drained, Failure> {
    timeout_at(end, driving).await.unwrap_or_else(|_| {
        Err(Failure::Storage(anyhow!(
            "the {stage} stage could not record its last outcomes within --grace (is the disk \
             full?); that work is done again after the next start"
        )))
    })
}

/// Flushes and closes the store, if that can be done by `end`.
pub(super) async fn close(store: &Arc<dyn Store>, end: Instant) -> Result<(), Failure> {
    let context = "closing the store";
    match timeout_at(end, store.close()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::Storage(anyhow!(error).context(context))),
        Err(_) => Err(Failure::Storage(anyhow!(
            "{context}: the last outcomes could not be written in time (is the disk full?); that \
             work is done again after the next start"
        ))),
    }
}

/// Waits for a part to end, until `end`.
pub(super) async fn finish(end: Instant, what: &str, running: impl Future<Output = ()>) {
    if timeout_at(end, running).await.is_err() {
        tracing::warn!("{what} was still busy at the end of the grace period");
    }
}

pub(super) async fn log_failure(running: forward::Running) {
    if let Err(error) = running.await {
        tracing::error!(%error, "the forwarder ended badly");
    }
}

pub(super) fn sum_up(scraped: Drained, delivered: Drained, waiting: u64, took: Duration) {
    tracing::info!(
        finished = scraped.finished + delivered.finished,
        put_back = scraped.released + delivered.released,
        waiting,
        duration_ms = crate::logs::millis(took),
        "stopped"
    );
}
