//! Prometheus metrics: counters where things happen, gauges read from the store when asked.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use jobs::{Circuit, Clock, LaneKey, Store};
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use crate::stages::sinks::Registry;
use crate::stages::{DELIVER, SCRAPE};

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
const SINK_WAITING: &str = "pagewire_sink_waiting";
const SINK_CIRCUIT: &str = "pagewire_sink_circuit";
const SINKS_DISABLED: &str = "pagewire_sinks_disabled";

/// Most sinks that have figures of their own: each makes time series that are kept for ever.
const MOST_SINKS: usize = 100;
/// Most lanes that are looked through for them, busiest first.
const MOST_LANES: usize = 10_000;
/// What the sink of jobs that name none is called when it has no name. No sink is named so.
const DEFAULT_SINK: &str = "(default)";

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
    describe_gauge!(SINK_WAITING, "events that wait for a sink, by its name");
    describe_gauge!(SINK_CIRCUIT, "0 closed, 1 half-open, 2 open, by the sink's name");
    describe_gauge!(SINKS_DISABLED, "sinks that nothing is sent to until they are enabled");
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
    sinks: Arc<Registry>,
) -> Arc<dyn Fn() -> String + Send + Sync> {
    let figures = SinkFigures { sinks, shown: Mutex::default() };
    Arc::new(move || {
        gauges(store.as_ref(), clock.as_ref(), &budget);
        figures.observe(store.as_ref(), clock.as_ref());
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

/// What is told of each sink. A figure that was told once stays in the page: of a sink that is not
/// there any more, or has no events, it is zero.
struct SinkFigures {
    sinks: Arc<Registry>,
    /// By lane: what it is called.
    shown: Mutex<BTreeMap<LaneKey, String>>,
}

impl SinkFigures {
    #[expect(clippy::cast_precision_loss, reason = "Prometheus knows only f64")]
    fn observe(&self, store: &dyn Store, clock: &dyn Clock) {
        gauge!(SINKS_DISABLED).set(self.sinks.count_disabled() as f64);
        let shown = self.shown();
        if shown.is_empty() {
            return;
        }
        let mut figures: HashMap<LaneKey, (u64, Circuit)> = HashMap::new();
        for view in store.lanes(MOST_LANES, clock.now()) {
            if view.stage != SCRAPE && shown.contains_key(&view.key) {
                let (waiting, circuit) = figures.entry(view.key).or_default();
                *waiting += view.waiting;
                if view.stage == DELIVER {
                    *circuit = view.circuit;
                }
            }
        }
        for (lane, name) in shown {
            let (waiting, circuit) = figures.remove(&lane).unwrap_or_default();
            gauge!(SINK_WAITING, "sink" => name.clone()).set(waiting as f64);
            let circuit = match circuit {
                Circuit::Closed => 0.0,
                Circuit::HalfOpen => 1.0,
                Circuit::Open => 2.0,
            };
            gauge!(SINK_CIRCUIT, "sink" => name).set(circuit);
        }
    }

    /// The sinks that have figures: those that had some before, and others as long as there is room.
    fn shown(&self) -> BTreeMap<LaneKey, String> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let default = self.sinks.fallback().map(|sink| {
            let name = sink.name.clone().unwrap_or_else(|| DEFAULT_SINK.to_owned());
            (sink.lane.clone(), name)
        });
        for (lane, name) in default.into_iter().chain(self.sinks.lanes()) {
            if shown.len() < MOST_SINKS {
                shown.entry(lane).or_insert(name);
            }
        }
        shown.clone()
    }
}
