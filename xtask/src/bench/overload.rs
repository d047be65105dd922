use std::time::Duration;

use anyhow::Result;

use super::measure::Measured;
use super::report::{Row, mb, ms, tenth};
use super::rig::{Rig, Setup, System};
use crate::tool::LoadReport;

const SIZE: u64 = 15_000;
const HOSTS: u32 = 16;
/// Jobs by which the capacity is measured.
const CAPACITY_JOBS: u32 = 10_000;
/// What may be queued: small enough to be reached within seconds.
const QUEUE_MAX_JOBS: &str = "20000";
/// Connections of the generator: enough that slow answers do not slow it down at once.
const CLIENTS: u32 = 512;
const WITHIN: Duration = Duration::from_secs(300);

/// Measures what can be taken, then offers twice as much, whatever the answers are.
pub(crate) fn run(rig: &Rig<'_>) -> Result<Vec<Row>> {
    let options = rig.options;
    let setup = Setup {
        flags: vec![("--queue-max-jobs", QUEUE_MAX_JOBS.to_owned())],
        ..options.setup(SIZE, 0, HOSTS)
    };
    let mut load = options.load("overload capacity", CAPACITY_JOBS, &setup, WITHIN);
    eprintln!("{}: starting", load.name);
    let capacity = rig.start(System::Pagewire, &setup)?.measure(&load)?.row;
    let rate = twice(capacity.jobs_per_s);
    load.name = "overload 2x".to_owned();
    load.rate = rate;
    load.jobs = rate.saturating_mul(options.seconds);
    load.clients = options.clients.unwrap_or(CLIENTS);
    eprintln!("{}: {rate} jobs/s for {} s", load.name, options.seconds);
    let Measured { mut row, rss, load: report } =
        rig.start(System::Pagewire, &setup)?.measure(&load)?;
    let at = |percent: usize| mb(rss.get(rss.len() * percent / 100).copied().unwrap_or(0));
    row.more.insert("offered_per_s", f64::from(rate));
    row.more.insert("submitted_per_s", submitted_per_s(&report));
    row.more.insert("accept_p99_from_due_ms", ms(report.due_p99_us));
    row.more.insert("rss_mb_at_25_percent", at(25));
    row.more.insert("rss_mb_at_50_percent", at(50));
    row.more.insert("rss_mb_at_99_percent", at(99));
    Ok(vec![capacity, row])
}

/// What was really offered: less than asked for when all connections wait for answers.
#[expect(clippy::cast_precision_loss, reason = "counts and times are far below 2^52")]
fn submitted_per_s(report: &LoadReport) -> f64 {
    let submitted = report.accepted + report.refused + report.errors;
    tenth(submitted as f64 / (report.took_us.max(1) as f64 / 1e6))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and a rate is not negative"
)]
fn twice(jobs_per_s: f64) -> u32 {
    ((jobs_per_s * 2.0) as u32).max(1)
}
