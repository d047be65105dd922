//! A million jobs in one upload: what a line costs beside a submission of its own.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::report::{Row, mb, tenth};
use super::rig::{Rig, Setup, System};

const LINES: u32 = 1_000_000;
/// Single submissions that a line is compared to.
const SINGLES: u32 = 50_000;
const HOSTS: u32 = 64;
const SIZE: u64 = 2_000;
/// No job starts while accepting is measured.
const DUE_IN: Duration = Duration::from_secs(86_400);
const WITHIN: Duration = Duration::from_secs(900);
/// A line of a batch is to cost at most a tenth of a submission.
const RATIO: f64 = 10.0;
/// What memory may grow by between a quarter of the upload and its end.
const GROWTH: f64 = 1.2;

/// Single submissions, then as many lines as asked for in one batch; only accepting is measured.
pub(crate) fn run(rig: &Rig<'_>) -> Result<Vec<Row>> {
    let mut rows = vec![singles(rig)?, upload(rig)?];
    judge(&mut rows);
    Ok(rows)
}

fn setup(rig: &Rig<'_>) -> Setup {
    let flags = vec![
        ("--queue-max-jobs", "10000000".to_owned()),
        ("--queue-max-bytes", "100GB".to_owned()),
    ];
    Setup { flags, ..rig.options.setup(SIZE, 0, HOSTS) }
}

#[expect(clippy::cast_precision_loss, reason = "counts and times are far below 2^52")]
fn singles(rig: &Rig<'_>) -> Result<Row> {
    let setup = setup(rig);
    let mut load = rig.options.load("batch singles", SINGLES, &setup, WITHIN);
    load.jobs = load.jobs.min(SINGLES);
    load.due_in = Some(DUE_IN);
    eprintln!("{}: starting", load.name);
    let mut bench = rig.start(System::Pagewire, &setup)?;
    let before = bench.server.usage()?;
    let (report, accepted, _) = bench.submit(&load)?;
    std::thread::sleep(super::measure::TAIL);
    let mut row = bench.row(&load, &report, &accepted, before)?;
    // Nothing is to be delivered before tomorrow.
    row.lost = 0;
    row.drain_ms = 0.0;
    row.jobs_per_s = tenth(report.accepted as f64 * 1e6 / report.took_us.max(1) as f64);
    Ok(row)
}

#[expect(clippy::cast_precision_loss, reason = "counts and times are far below 2^52")]
fn upload(rig: &Rig<'_>) -> Result<Row> {
    let setup = setup(rig);
    let mut load = rig.options.load("batch upload", LINES, &setup, WITHIN);
    load.due_in = Some(DUE_IN);
    eprintln!("{}: starting", load.name);
    let mut bench = rig.start(System::Pagewire, &setup)?;
    let before = bench.server.usage()?;
    let (report, rss) = bench.upload(&load)?;
    std::thread::sleep(super::measure::TAIL);
    let after = bench.server.usage()?;
    if let Some(error) = &report.first_error {
        eprintln!("{}: {error}", load.name);
    }
    ensure!(report.accepted > 0, "no line was accepted");
    let cpu_us = after.cpu_us.saturating_sub(before.cpu_us) as f64;
    let lines = u64::from(load.jobs);
    let mut row = Row {
        scenario: load.name.clone(),
        system: System::Pagewire.name(),
        jobs: report.accepted,
        jobs_per_s: tenth(report.accepted as f64 * 1e6 / report.took_us.max(1) as f64),
        cpu_us_per_job: tenth(cpu_us / report.accepted as f64),
        peak_rss_mb: mb(after.peak_rss),
        errors: u64::from(report.first_error.is_some()),
        lost: lines.saturating_sub(report.accepted),
        ..Row::default()
    };
    for (name, percent) in [
        ("rss_mb_at_25_percent", 25),
        ("rss_mb_at_50_percent", 50),
        ("rss_mb_at_75_percent", 75),
        ("rss_mb_at_100_percent", 100),
    ] {
        let at = (rss.len() * percent / 100).min(rss.len().saturating_sub(1));
        row.more.insert(name, mb(rss.get(at).copied().unwrap_or(0)));
    }
    row.more.insert("verdicts", report.verdicts as f64);
    row.more.insert("verdicts_out_of_order", report.out_of_order as f64);
    row.more.insert("verdicts_before_the_end", report.verdicts_meanwhile as f64);
    if report.verdicts != lines || report.out_of_order > 0 {
        row.broken.push(format!(
            "{} verdicts for {lines} lines, {} of them out of order",
            report.verdicts, report.out_of_order
        ));
    }
    if report.counted != report.accepted {
        row.broken.push(format!("the server counts {} jobs", report.counted));
    }
    let queued = bench.metric("pagewire_jobs", "stage=\"scrape\"")?;
    if (queued - report.accepted as f64).abs() > 0.5 {
        row.broken.push(format!("{} jobs were accepted, and {queued} wait", report.accepted));
    }
    Ok(row)
}

/// A line of the batch beside a submission, and memory at its end beside that at its quarter.
fn judge(rows: &mut [Row]) {
    let [singles, upload] = rows else { return };
    let ratio = tenth(singles.cpu_us_per_job / upload.cpu_us_per_job.max(0.1));
    upload.more.insert("jobs_per_cpu_s", per_cpu_second(upload));
    upload.more.insert("single_jobs_per_cpu_s", per_cpu_second(singles));
    upload.more.insert("over_singles", ratio);
    if ratio < RATIO {
        upload.broken.push(format!("a batch takes {ratio} times as many jobs a CPU second"));
    }
    let growth = upload.more["rss_mb_at_100_percent"] / upload.more["rss_mb_at_25_percent"];
    upload.more.insert("rss_growth", (growth * 100.0).round() / 100.0);
    if growth > GROWTH {
        upload.broken.push(format!("memory grew to {growth:.2} times what it was at a quarter"));
    }
}

fn per_cpu_second(row: &Row) -> f64 {
    (1e6 / row.cpu_us_per_job.max(0.1)).round()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(single_us: f64, line_us: f64, end_mb: f64) -> [Row; 2] {
        let row = |cpu_us_per_job| Row { cpu_us_per_job, ..Row::default() };
        let mut upload = row(line_us);
        upload.more.insert("rss_mb_at_25_percent", 100.0);
        upload.more.insert("rss_mb_at_100_percent", end_mb);
        [row(single_us), upload]
    }

    #[test]
    fn a_line_is_judged_by_a_submission_and_memory_by_itself() {
        let mut fine = rows(100.0, 8.0, 110.0);
        judge(&mut fine);
        assert_eq!(fine[1].more["over_singles"], 12.5);
        assert_eq!(fine[1].more["single_jobs_per_cpu_s"], 10_000.0);
        assert!(fine[1].broken.is_empty());
        let mut bad = rows(100.0, 20.0, 200.0);
        judge(&mut bad);
        assert_eq!(bad[1].broken.len(), 2);
    }
}
