use std::time::Duration;

use anyhow::Result;

use super::measure::{Load, Measured};
use super::report::{Row, mb, ms};
use super::rig::{Rig, Setup, System};

const SIZE: u64 = 15_000;
const HOSTS: u32 = 16;
/// Jobs by which the capacity is measured.
const CAPACITY_JOBS: u32 = 10_000;
/// What may be queued: small enough to be reached within seconds.
const QUEUE_MAX_JOBS: &str = "20000";
/// Connections of the generator: enough that slow answers do not slow it down.
const CLIENTS: u32 = 256;
const WITHIN: Duration = Duration::from_secs(300);

/// Measures what can be taken, then offers twice as much, whatever the answers are.
pub(crate) fn run(rig: &Rig<'_>) -> Result<Vec<Row>> {
    let options = rig.options;
    let setup = Setup {
        size: options.size.unwrap_or(SIZE),
        latency_ms: options.latency_ms.unwrap_or(0),
        hosts: options.hosts.unwrap_or(HOSTS),
        flags: vec![("--queue-max-jobs", QUEUE_MAX_JOBS.to_owned())],
    };
    let mut load = Load {
        name: "overload capacity".to_owned(),
        jobs: options.jobs.unwrap_or(CAPACITY_JOBS),
        clients: options.clients,
        rate: 0,
        formats: options
            .formats
            .first()
            .cloned()
            .unwrap_or_else(|| "raw".to_owned()),
        hosts: setup.hosts,
        within: WITHIN,
    };
    eprintln!("{}: starting", load.name);
    let capacity = rig.start(System::Pagewire, &setup)?.measure(&load)?.row;
    let rate = twice(capacity.jobs_per_s);
    load.name = "overload 2x".to_owned();
    load.rate = rate;
    load.jobs = rate.saturating_mul(options.seconds);
    load.clients = load.clients.max(CLIENTS);
    eprintln!("{}: {rate} jobs/s for {} s", load.name, options.seconds);
    let Measured {
        mut row,
        rss,
        load: report,
    } = rig.start(System::Pagewire, &setup)?.measure(&load)?;
    let at = |percent: usize| mb(rss.get(rss.len() * percent / 100).copied().unwrap_or(0));
    row.more.insert("offered_per_s", f64::from(rate));
    row.more
        .insert("accept_p99_from_due_ms", ms(report.due_p99_us));
    row.more.insert("rss_mb_at_25_percent", at(25));
    row.more.insert("rss_mb_at_50_percent", at(50));
    row.more.insert("rss_mb_at_99_percent", at(99));
    Ok(vec![capacity, row])
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and a rate is not negative"
)]
fn twice(jobs_per_s: f64) -> u32 {
    ((jobs_per_s * 2.0) as u32).max(1)
}
