//! Removes what has been over for long enough, a little at a time.

use std::sync::Arc;
use std::time::Duration;

use jobs::{Clock, Store};
use tokio_util::sync::CancellationToken;

/// The longest and shortest pause between sweeps.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// A sweep runs this often within the time that jobs are kept.
const SWEEPS_PER_RETENTION: u32 = 10;
/// Jobs, and notes, removed in one commit: few enough that accepting is not held up.
const SLICE: usize = 1_000;

/// Sweeps jobs that were over for longer than `retain`, until `stop`.
pub(crate) async fn keep_swept(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    retain: Duration,
    stop: CancellationToken,
) {
    let pause = (retain / SWEEPS_PER_RETENTION).clamp(PAUSE.0, PAUSE.1);
    while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        if stop.run_until_cancelled(sweep(store.as_ref(), clock.as_ref(), retain)).await.is_none() {
            return;
        }
    }
}

/// One sweep, in slices.
async fn sweep(store: &dyn Store, clock: &dyn Clock, retain: Duration) {
    let before = clock.now() - retain;
    loop {
        match store.sweep(before, SLICE).await {
            Ok(swept) => {
                if swept.jobs > 0 {
                    tracing::debug!(jobs = swept.jobs, bytes = swept.bytes, "swept");
                }
                if swept.jobs.max(swept.notes) < SLICE as u64 {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "could not remove old jobs; trying again later");
                return;
            }
        }
        tokio::task::yield_now().await;
    }
}
