//! What delivering costs the server, beside a bare POST of the same bytes.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::measure::Load;
use super::report::{Row, median, tenth};
use super::rig::{Rig, Setup, System, start_posts, start_sink};
use crate::clock;

const JOBS: u32 = 20_000;
const SIZE: u64 = 15_000;
const HOSTS: u32 = 16;
/// Deliveries to one sink at once, the binary's own default; and bare POSTs at once.
const PER_SINK: u32 = 32;
/// CPU time that a delivery may take over a bare POST: signing, ledger and claim included.
const OVER_BARE_US: f64 = 60.0;
const WITHIN: Duration = Duration::from_secs(600);

const WITH: &str = "delivery with a sink";
const WITHOUT: &str = "delivery without";
const BARE: &str = "delivery bare POST";

/// The same jobs with a sink and without; then as many bare POSTs of what the sink was sent.
pub(crate) fn run(rig: &Rig<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for _ in 0..rig.options.rounds {
        let (with, bytes) = with_sink(rig)?;
        rows.push(with);
        rows.push(without_sink(rig)?);
        rows.push(bare(rig, bytes)?);
    }
    judge(&mut rows);
    Ok(rows)
}

fn setup(rig: &Rig<'_>) -> Setup {
    let options = rig.options;
    Setup { flags: vec![("--per-sink", PER_SINK.to_string())], ..options.setup(SIZE, 0, HOSTS) }
}

fn load(rig: &Rig<'_>, name: &str, setup: &Setup) -> Load {
    let options = rig.options;
    eprintln!("{name}: starting");
    options.load(name, JOBS, setup, WITHIN)
}

/// Also how long a body was on average.
fn with_sink(rig: &Rig<'_>) -> Result<(Row, u64)> {
    let setup = setup(rig);
    let load = load(rig, WITH, &setup);
    let mut bench = rig.start(System::Pagewire, &setup)?;
    let row = bench.measure(&load)?.row;
    let sink = bench.deliveries("/stats")?;
    let deliveries = sink.distinct + sink.duplicates + sink.unknown;
    ensure!(deliveries > 0, "nothing was delivered");
    Ok((row, sink.bytes / deliveries))
}

fn without_sink(rig: &Rig<'_>) -> Result<Row> {
    let mut setup = setup(rig);
    // Left out.
    setup.flags.push(("--forward-to", String::new()));
    let load = load(rig, WITHOUT, &setup);
    let mut bench = rig.start(System::Pagewire, &setup)?;
    let before = bench.server.usage()?;
    let (report, accepted, _) = bench.submit(&load)?;
    bench.await_fetched(&load.name, load.within)?;
    let mut row = bench.row(&load, &report, &accepted, before)?;
    // They have nowhere to go: that none of them came is as it should be.
    row.lost = 0;
    Ok(row)
}

#[expect(clippy::cast_precision_loss, reason = "counts and times are far below 2^52")]
fn bare(rig: &Rig<'_>, bytes: u64) -> Result<Row> {
    let jobs = u64::from(rig.options.jobs.unwrap_or(JOBS));
    eprintln!("{BARE}: {jobs} of {bytes} bytes");
    let dir = rig.scratch()?;
    let (_sink, addr) = start_sink(dir.path(), &[])?;
    let began = clock::now();
    let mut posts = start_posts(dir.path(), &format!("http://{addr}/"), jobs, PER_SINK, bytes)?;
    let said = posts.line()?;
    ensure!(said.trim() == "done", "the loop of bare POSTs said {said:?}");
    let seconds = began.elapsed().as_secs_f64().max(1e-6);
    let cpu_us = posts.usage()?.cpu_us;
    Ok(Row {
        scenario: BARE.to_owned(),
        system: System::Baseline.name(),
        jobs,
        jobs_per_s: tenth(jobs as f64 / seconds),
        cpu_us_per_job: tenth(cpu_us as f64 / jobs as f64),
        ..Row::default()
    })
}

/// What a delivery costs is what the sink makes of a job's cost: by medians of the rounds.
fn judge(rows: &mut [Row]) {
    let of = |name: &str| {
        let of = rows.iter().filter(|row| row.scenario == name);
        median(of.map(|row| row.cpu_us_per_job))
    };
    let (delivery, bare) = (of(WITH) - of(WITHOUT), of(BARE));
    let over = tenth(delivery - bare);
    let Some(last) = rows.iter_mut().rev().find(|row| row.scenario == WITH) else {
        return;
    };
    last.more.insert("delivery_us", tenth(delivery));
    last.more.insert("bare_post_us", bare);
    last.more.insert("over_bare_us", over);
    if over > OVER_BARE_US {
        last.broken.push(format!("a delivery costs {over} µs more than a bare POST"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scenario: &str, cpu: f64) -> Row {
        Row { scenario: scenario.to_owned(), cpu_us_per_job: cpu, ..Row::default() }
    }

    #[test]
    fn a_delivery_is_the_difference_that_a_sink_makes() {
        let mut rows = [row(WITH, 300.0), row(WITHOUT, 200.0), row(BARE, 55.0)];
        judge(&mut rows);
        assert_eq!(rows[0].more["delivery_us"], 100.0);
        assert_eq!(rows[0].more["over_bare_us"], 45.0);
        assert!(rows[0].broken.is_empty());
        let mut rows = [row(WITH, 300.0), row(WITHOUT, 150.0), row(BARE, 55.0)];
        judge(&mut rows);
        assert_eq!(rows[0].broken.len(), 1);
    }
}
