//! How long an accept takes beside the syncs of the disk that it waits for.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::disk::Syncs;
use super::report::{Row, median, ms};
use super::rig::{Rig, Setup, System};
use crate::tool::LoadReport;

const JOBS: u32 = 50_000;
const HOSTS: u32 = 64;
const SIZE: u64 = 2_000;
/// No job starts while accepting is measured.
const DUE_IN: Duration = Duration::from_secs(86_400);
const WITHIN: Duration = Duration::from_secs(300);
/// The p99 of accepting, by that of a bare sync.
const RATIO: f64 = 3.0;
/// What is offered in the second run, by what the first one took.
const SHARE: f64 = 0.5;

const FLAT_OUT: &str = "accept flat out";
const PACED: &str = "accept at half of it";

/// Single submissions as fast as their answers come, then half as many a second; the disk alone
/// before and after.
pub(crate) fn run(rig: &Rig<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for _ in 0..rig.options.rounds {
        rows.extend(round(rig)?);
    }
    judge(&mut rows);
    Ok(rows)
}

fn round(rig: &Rig<'_>) -> Result<Vec<Row>> {
    eprintln!("accept: probing the disk");
    let before = Syncs::probe(rig.scratch()?.path())?;
    let (mut flat_out, report) = one(rig, FLAT_OUT, 0)?;
    let rate = share_of(flat_out.jobs_per_s);
    let (mut paced, _) = one(rig, PACED, rate)?;
    ensure!(report.accepted > 0, "nothing was accepted");
    eprintln!("accept: probing the disk");
    let syncs = before.and(&Syncs::probe(rig.scratch()?.path())?);
    for row in [&mut flat_out, &mut paced] {
        put_beside(row, &syncs);
    }
    Ok(vec![flat_out, paced])
}

/// One run on a server of its own. With a rate, times count from when a submission was due.
#[expect(clippy::cast_precision_loss, reason = "counts and times are far below 2^52")]
fn one(rig: &Rig<'_>, name: &str, rate: u32) -> Result<(Row, LoadReport)> {
    let options = rig.options;
    let setup: Setup = options.setup(SIZE, 0, HOSTS);
    let mut load = options.load(name, JOBS, &setup, WITHIN);
    load.due_in = Some(DUE_IN);
    load.rate = rate;
    eprintln!("{name}: starting");
    let mut bench = rig.start(System::Pagewire, &setup)?;
    let before = bench.server.usage()?;
    let (report, accepted, _) = bench.submit(&load)?;
    std::thread::sleep(super::measure::TAIL);
    let mut row = bench.row(&load, &report, &accepted, before)?;
    // Nothing is to be delivered before tomorrow.
    row.lost = 0;
    row.drain_ms = 0.0;
    row.jobs_per_s = (report.accepted as f64 * 1e6 / report.took_us.max(1) as f64).round();
    let (p50, p99, max) = if rate > 0 {
        (report.due_p50_us, report.due_p99_us, report.due_max_us)
    } else {
        (report.answer_p50_us, report.answer_p99_us, report.answer_max_us)
    };
    (row.accept_p50_ms, row.accept_p99_ms) = (ms(p50), ms(p99));
    row.more.insert("accept_p99_us", p99 as f64);
    row.more.insert("accept_max_ms", ms(max));
    row.more.insert("offered_per_s", f64::from(rate));
    Ok((row, report))
}

#[expect(clippy::cast_precision_loss, reason = "times are far below 2^52 µs")]
fn put_beside(row: &mut Row, syncs: &Syncs) {
    let p99 = row.more["accept_p99_us"];
    let sync = syncs.percentile_us(99).max(1) as f64;
    row.more.insert("sync_p50_us", syncs.percentile_us(50) as f64);
    row.more.insert("sync_p99_us", sync);
    row.more.insert("sync_max_us", syncs.max_us() as f64);
    row.more.insert("p99_over_sync", (p99 / sync * 100.0).round() / 100.0);
}

/// Of the medians of the rounds. Flat out, the processors are what is waited for: that run is told,
/// and not judged.
fn judge(rows: &mut [Row]) {
    let paced = rows.iter().filter(|row| row.scenario == PACED);
    let ratio = median(paced.map(|row| row.more["p99_over_sync"]));
    if ratio > RATIO
        && let Some(last) = rows.iter_mut().rev().find(|row| row.scenario == PACED)
    {
        last.broken.push(format!("the p99 of accepting is {ratio} times that of a bare sync"));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and a rate is not negative"
)]
fn share_of(jobs_per_s: f64) -> u32 {
    ((jobs_per_s * SHARE) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scenario: &str, ratio: f64) -> Row {
        let mut row = Row { scenario: scenario.to_owned(), ..Row::default() };
        row.more.insert("p99_over_sync", ratio);
        row
    }

    #[test]
    fn the_run_that_leaves_the_processors_time_is_judged_by_its_median() {
        let mut rows = [row(FLAT_OUT, 9.0), row(PACED, 2.0), row(PACED, 2.5), row(PACED, 8.0)];
        judge(&mut rows);
        assert!(rows.iter().all(|row| row.broken.is_empty()));
        rows[1].more.insert("p99_over_sync", 4.0);
        rows[2].more.insert("p99_over_sync", 3.5);
        judge(&mut rows);
        assert_eq!(rows[3].broken.len(), 1);
    }
}
