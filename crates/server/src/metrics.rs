//! Prometheus metrics: counters where things happen, gauges read from the store when asked.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use jobs::{Clock, Store};
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

/// Fetches that ended, by `outcome` (`ok` or an error code).
pub(crate) const FETCHES: &str = "pagewire_fetches_total";
/// How long a fetch took, seconds.
pub(crate) const FETCH_SECONDS: &str = "pagewire_fetch_duration_seconds";
/// Deliveries tried, by `outcome`.
pub(crate) const DELIVERIES: &str = "pagewire_deliveries_total";
/// How long a delivery took, seconds.
pub(crate) const DELIVERY_SECONDS: &str = "pagewire_delivery_duration_seconds";
const JOBS: &str = "pagewire_jobs";
const JOBS_OVER: &str = "pagewire_jobs_over";
const OLDEST_DUE: &str = "pagewire_oldest_due_age_seconds";
const LIVE_BYTES: &str = "pagewire_queue_bytes";
const BUDGET_BYTES: &str = "pagewire_delivery_budget_bytes";
const BUDGET_IN_USE: &str = "pagewire_delivery_budget_used_bytes";
const STORE_UP: &str = "pagewire_store_up";

/// Bounds of the duration histograms, seconds.
const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// How often what was observed is folded into the histograms when nobody asks.
const UPKEEP: Duration = Duration::from_secs(10);

/// Starts recording for the whole process.
///
/// # Errors
/// Another recorder was set before.
pub(crate) fn start() -> Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".to_owned()), &BUCKETS)
        .context("setting up the histograms")?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).context("starting the metrics recorder")?;
    describe();
    Ok(handle)
}

fn describe() {
    describe_counter!(FETCHES, "fetches that ended, by outcome");
    describe_histogram!(FETCH_SECONDS, Unit::Seconds, "time from the start of a fetch to its end");
    describe_counter!(DELIVERIES, "deliveries tried, by outcome");
    describe_histogram!(DELIVERY_SECONDS, Unit::Seconds, "time from sending to the sink's answer");
    describe_gauge!(JOBS, "jobs that are not over, by stage and state");
    describe_gauge!(JOBS_OVER, "jobs that are over and kept, by state");
    describe_gauge!(OLDEST_DUE, Unit::Seconds, "how long the job due longest has been due");
    describe_gauge!(LIVE_BYTES, Unit::Bytes, "bytes that count against --queue-max-bytes");
    describe_gauge!(BUDGET_BYTES, Unit::Bytes, "bytes of results that deliveries may hold");
    describe_gauge!(BUDGET_IN_USE, Unit::Bytes, "bytes of results that deliveries hold now");
    describe_gauge!(STORE_UP, "1 while the store accepts jobs");
}

/// Folds what was observed into the histograms now and then, until `stop`.
pub(crate) async fn keep_up(handle: PrometheusHandle, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
        handle.run_upkeep();
    }
}

/// Answers `/metrics`.
pub(crate) fn exposition(
    handle: PrometheusHandle,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    budget: egress::Budget,
) -> Arc<dyn Fn() -> String + Send + Sync> {
    Arc::new(move || {
        gauges(store.as_ref(), clock.as_ref(), &budget);
        handle.run_upkeep();
        handle.render()
    })
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus knows only f64")]
fn gauges(store: &dyn Store, clock: &dyn Clock, budget: &egress::Budget) {
    let counts = store.counts();
    for stage in &counts.stages {
        let name = stage.stage.as_str().to_owned();
        gauge!(JOBS, "stage" => name.clone(), "state" => "waiting").set(stage.waiting as f64);
        gauge!(JOBS, "stage" => name.clone(), "state" => "leased").set(stage.leased as f64);
        let age =
            store.oldest_due(&stage.stage).map_or(0.0, |due| clock.now().since(due).as_secs_f64());
        gauge!(OLDEST_DUE, "stage" => name).set(age);
    }
    let over = [("done", counts.done), ("dead", counts.dead), ("cancelled", counts.cancelled)];
    for (state, count) in over {
        gauge!(JOBS_OVER, "state" => state).set(count as f64);
    }
    gauge!(LIVE_BYTES).set(counts.live_bytes as f64);
    gauge!(BUDGET_BYTES).set(budget.total() as f64);
    gauge!(BUDGET_IN_USE).set(budget.in_use() as f64);
    gauge!(STORE_UP).set(if store.health().is_ok() { 1.0 } else { 0.0 });
}
