//! Ten thousand fetches at once.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::measure::{Load, micros};
use super::report::Row;
use super::rig::{Rig, Setup, System};
use crate::command::output;

const JOBS: u32 = 10_000;
const SIZE: u64 = 15_000;
const HOSTS: u32 = 1_000;
const LATENCY_MS: u64 = 1_000;
/// What the cost of a job is compared with.
const FEW: u32 = 64;
/// A run with few at once takes a second for each of them: a part of the jobs has to do.
const FEW_SHARE: u32 = 4;
/// Jobs are accepted before any is to start: this long, and a second more for so many of them.
const ACCEPT_WITHIN: Duration = Duration::from_secs(5);
const ACCEPTS_PER_S: u32 = 800;
/// Descriptors that the server counts for each fetch: one that is over leaves a connection behind for
/// a while.
const DESCRIPTORS_EACH: u32 = 2;
/// Descriptors that it needs besides: its clients, its deliveries, its files.
const OTHER_DESCRIPTORS: u32 = 1_000;
/// Connections of clients that it is to be ready for.
const CONNECTIONS: &str = "200";
/// Longest fetch: with one processor for everything, the last of so many waits for its turn.
const FETCH_TIMEOUT: &str = "120s";
const RSS_MB: f64 = 350.0;
const CPU_RATIO: f64 = 1.3;
const WITHIN: Duration = Duration::from_secs(600);

/// The same work twice: with 64 fetches in flight, then with all of them.
pub(crate) fn run(rig: &Rig<'_>) -> Result<Vec<Row>> {
    let options = rig.options;
    let all = options.jobs.unwrap_or(JOBS);
    let hosts = options.hosts.unwrap_or(HOSTS);
    check_descriptors(all)?;
    let share = |of: u32| (of / FEW_SHARE).max(1);
    // As many jobs for each host in both, far enough apart that no connection is used twice.
    let few = one(rig, "in-flight few", share(all), share(hosts), FEW, 0)?;
    let mut many = one(rig, "in-flight all", all, hosts, all, all)?;
    let ratio = (many.cpu_us_per_job / few.cpu_us_per_job.max(1.0) * 100.0).round() / 100.0;
    many.more.insert("cpu_over_few", ratio);
    if ratio > CPU_RATIO {
        many.broken.push(format!("a job costs more than {CPU_RATIO} times as much"));
    }
    if many.peak_rss_mb > RSS_MB {
        many.broken.push(format!("more than {RSS_MB} MB"));
    }
    Ok(vec![few, many])
}

fn one(rig: &Rig<'_>, name: &str, jobs: u32, hosts: u32, in_flight: u32, gate: u32) -> Result<Row> {
    let options = rig.options;
    let setup = Setup {
        hosts,
        gate,
        flags: vec![
            ("--fetch-concurrency", in_flight.to_string()),
            ("--fetch-timeout", FETCH_TIMEOUT.to_owned()),
            ("--max-connections", CONNECTIONS.to_owned()),
        ],
        ..options.setup(SIZE, LATENCY_MS, hosts)
    };
    let due_in = ACCEPT_WITHIN + Duration::from_secs(1) * jobs / ACCEPTS_PER_S;
    let load = Load { jobs, due_in: Some(due_in), ..options.load(name, jobs, &setup, WITHIN) };
    eprintln!("{name}: starting");
    let mut bench = rig.start(System::Pagewire, &setup)?;
    let measured = bench.measure(&load)?;
    let seen = bench.origin_seen()?;
    let (mut row, report) = (measured.row, measured.load);
    row.more.insert("in_flight_at_the_origin", f64::from(seen.peak));
    if report.last_us > report.first_us + micros(due_in) {
        row.broken
            .push(format!("the jobs were not accepted within {due_in:?}: too slow a machine"));
    }
    if seen.peak < gate {
        row.broken.push(format!("{} fetches were in flight at once, not {gate}", seen.peak));
    }
    Ok(row)
}

/// Both ends of ten thousand connections are on this machine, each in a process of its own.
fn check_descriptors(fetches: u32) -> Result<()> {
    let mut ask = Command::new("sh");
    ask.args(["-c", "ulimit -Hn"]);
    let said = output(ask).context("cannot tell how many descriptors a process may have")?;
    let said = String::from_utf8_lossy(&said);
    // `unlimited` is enough.
    let Ok(most) = said.trim().parse::<u32>() else { return Ok(()) };
    let needed = fetches * DESCRIPTORS_EACH + OTHER_DESCRIPTORS;
    if most < needed {
        let fit = most.saturating_sub(OTHER_DESCRIPTORS) / DESCRIPTORS_EACH;
        bail!(
            "{fetches} fetches at once need {needed} descriptors for a process, and the hard limit \
             is {most}: raise it (`ulimit -Hn {needed}`, as root), or measure with `--jobs {fit}`"
        );
    }
    Ok(())
}
