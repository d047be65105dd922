//! Whether hosts are asked as gently as was promised, recorded by the hosts themselves.

use std::time::Duration;

use anyhow::{Context, Result};

use super::measure::{Load, micros};
use super::process::Usage;
use super::report::{Row, ms, tenth};
use super::rig::{Bench, Rig, Setup, System};
use crate::clock;
use crate::tool::{LoadReport, OriginHost, OriginSeen};

const JOBS: u32 = 10_000;
const SIZE: u64 = 2_000;
const HOSTS: u32 = 50;
/// Starts a second that each host is promised at most.
const PER_SECOND: u32 = 5;
/// Fetches at once that each host is promised at most.
const AT_ONCE: u32 = 2;
/// More than the time between two starts, so that fetches of a host overlap.
const LATENCY_MS: u64 = 250;
/// How much closer two requests may arrive than they were sent: a new connection, and processors that
/// everything here shares, delay one more than another.
const JITTER: Duration = Duration::from_millis(20);
/// One interval in so many may be shorter still. Bursts show in [`most_within`] all the same.
const OUTLIERS: usize = 100;
/// How much longer than ideal a run may take.
const OVER_IDEAL: f64 = 1.1;
const WITHIN: Duration = Duration::from_secs(900);
/// How long the server may take to stop when asked to.
const STOP_WITHIN: Duration = Duration::from_secs(60);

/// What happens while the jobs are under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    Nothing,
    /// One host takes requests and never answers.
    Blocked,
    /// SIGTERM, and a new start.
    Stop,
    /// SIGKILL, and a new start.
    Kill,
}

/// All is well; one host is silent; a restart in the middle, in order and not.
pub(crate) fn run(rig: &Rig<'_>) -> Result<Vec<Row>> {
    let jobs = rig.options.jobs.unwrap_or(JOBS);
    let runs = [
        ("politeness", jobs, Meanwhile::Nothing),
        // What a silent host costs the others shows in less time.
        ("politeness blocked", (jobs / 4).max(1), Meanwhile::Blocked),
        ("politeness stopped", jobs, Meanwhile::Stop),
        ("politeness killed", jobs, Meanwhile::Kill),
    ];
    runs.into_iter().map(|(name, jobs, meanwhile)| one(rig, name, jobs, meanwhile)).collect()
}

fn one(rig: &Rig<'_>, name: &str, jobs: u32, meanwhile: Meanwhile) -> Result<Row> {
    let options = rig.options;
    let usual = options.setup(SIZE, LATENCY_MS, HOSTS);
    let setup = Setup {
        hosts: usual.hosts.max(2),
        silent: u32::from(meanwhile == Meanwhile::Blocked),
        flags: vec![("--per-host", format!("{PER_SECOND}/s,{AT_ONCE}"))],
        ..usual
    };
    let load = Load { jobs, ..options.load(name, jobs, &setup, WITHIN) };
    eprintln!("{name}: starting");
    let mut bench = rig.start(System::Pagewire, &setup)?;
    let before = bench.server.usage()?;
    let (report, mut accepted, _) = bench.submit(&load)?;
    let (bench, away) = match meanwhile {
        Meanwhile::Nothing | Meanwhile::Blocked => (bench, Duration::ZERO),
        Meanwhile::Stop | Meanwhile::Kill => {
            bench.await_delivered(name, report.accepted / 2, load.within)?;
            restart(rig, bench, &setup, meanwhile)?
        }
    };
    let mut bench = bench;
    // The jobs of the silent host come to nothing, and are not waited for.
    let silent = (setup.hosts - setup.silent..setup.hosts).collect::<Vec<_>>();
    let mut unmet = 0;
    for (job, accepted) in accepted.iter_mut().enumerate() {
        let host = u32::try_from(job).unwrap_or(u32::MAX) % setup.hosts;
        if *accepted > 0 && silent.contains(&host) {
            *accepted = 0;
            unmet += 1;
        }
    }
    bench.await_delivered(name, report.accepted - unmet, load.within)?;
    let before = if away.is_zero() { before } else { Usage::default() };
    let mut row = bench.row(&load, &report, &accepted, before)?;
    // A silent host's failures are none of ours.
    row.failed = if silent.is_empty() { row.failed } else { 0 };
    let seen = bench.origin_seen()?;
    let last_us = bench.deliveries("/report")?.last_us;
    judge(&mut row, &seen, &setup, away, &report, last_us);
    Ok(row)
}

/// Ends the server and starts it again over the same data; also how long it was away.
fn restart(
    rig: &Rig<'_>,
    bench: Bench,
    setup: &Setup,
    how: Meanwhile,
) -> Result<(Bench, Duration)> {
    let Bench { origin, origin_port, sink, sink_addr, server, dir, system, .. } = bench;
    let began = clock::now();
    if how == Meanwhile::Kill {
        server.kill()?;
    } else {
        let status = server.terminate(STOP_WITHIN).context("after SIGTERM")?;
        anyhow::ensure!(status.success(), "the server stopped with {status} after SIGTERM");
    }
    let (server, server_addr, _) = rig.start_server(system, setup, dir.path(), sink_addr)?;
    let away = began.elapsed();
    Ok((Bench { origin, origin_port, sink, sink_addr, server, server_addr, system, dir }, away))
}

/// Puts down what the hosts saw, and what of it was not promised.
#[expect(clippy::cast_precision_loss, reason = "counts and times are far below 2^52")]
fn judge(
    row: &mut Row,
    seen: &OriginSeen,
    setup: &Setup,
    away: Duration,
    report: &LoadReport,
    last_us: u64,
) {
    let interval = Duration::from_secs(1) / PER_SECOND;
    let answering = &seen.hosts[..seen.hosts.len() - setup.silent as usize];
    let mut intervals_us: Vec<u64> = seen.hosts.iter().flat_map(intervals_us).collect();
    intervals_us.sort_unstable();
    let nth = |n: usize| intervals_us.get(n).copied().unwrap_or(u64::MAX);
    let (least_us, most_short_us) = (nth(0), nth(intervals_us.len() / OUTLIERS));
    let most = seen.hosts.iter().map(|host| most_within(host, 1_000_000)).max().unwrap_or(0);
    let peak = seen.hosts.iter().map(|host| host.peak).max().unwrap_or(0);
    let robots = seen.hosts.iter().map(|host| host.robots).max().unwrap_or(0);
    // The slowest host by the time its requests have to take at that rate: the first one is free.
    let over = |host: &OriginHost| {
        let (first, last) = (host.arrivals_us.first()?, host.arrivals_us.last()?);
        let ideal_us = micros(interval) * (host.arrivals_us.len() as u64 - 1);
        let spent_us = (last - first).saturating_sub(micros(away));
        (ideal_us > 0).then(|| spent_us as f64 / ideal_us as f64)
    };
    let slowest = answering.iter().filter_map(over).fold(0.0, f64::max);
    let busiest = answering.iter().map(|host| host.arrivals_us.len()).max().unwrap_or(0) as u64;
    let ideal_us = micros(interval) * busiest.saturating_sub(1) + setup.latency_ms * 1_000;
    let total_us = last_us.saturating_sub(report.first_us).saturating_sub(micros(away));
    let total = total_us as f64 / ideal_us.max(1) as f64;

    let ratio = |value: f64| (value * 1_000.0).round() / 1_000.0;
    row.more.insert("least_interval_ms", ms(least_us));
    row.more.insert("interval_p1_ms", ms(most_short_us));
    row.more.insert("most_in_a_second", most as f64);
    row.more.insert("most_at_once", f64::from(peak));
    row.more.insert("most_robots_of_a_host", f64::from(robots));
    row.more.insert("slowest_host_over_ideal", ratio(slowest));
    row.more.insert("total_over_ideal", ratio(total));
    row.more.insert("ideal_s", tenth(ideal_us as f64 / 1e6));
    row.more.insert("away_ms", ms(micros(away)));

    let starts = if away.is_zero() { 1 } else { 2 };
    let mut must = |holds: bool, what: &str| {
        if !holds {
            row.broken.push(what.to_owned());
        }
    };
    must(most_short_us >= micros(interval - JITTER), "hosts were asked again too soon");
    must(most <= PER_SECOND as usize + 1, "a host saw too many requests in a second");
    must(peak <= AT_ONCE, "a host saw too many requests at once");
    must(robots <= starts, "a host was asked for robots.txt again");
    must(slowest <= OVER_IDEAL, "a host was asked more slowly than it could have been");
    must(total <= OVER_IDEAL, "all together took longer than it had to");
}

/// From the second page on: robots.txt, which is asked for in its place, holds up the first one.
fn intervals_us(host: &OriginHost) -> impl Iterator<Item = u64> {
    host.arrivals_us.windows(2).skip(1).map(|pair| pair[1].saturating_sub(pair[0]))
}

/// The most requests in any stretch of that many microseconds.
fn most_within(host: &OriginHost, window_us: u64) -> usize {
    let times = &host.arrivals_us;
    let ends = times.iter().enumerate();
    let within =
        ends.map(|(at, end)| at + 1 - times.partition_point(|time| time + window_us <= *end));
    within.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(arrivals_us: Vec<u64>) -> OriginSeen {
        let mut seen = OriginSeen::default();
        seen.hosts.push(OriginHost::default());
        (seen.hosts[0].arrivals_us, seen.hosts[0].peak) = (arrivals_us, 1);
        seen
    }

    fn judged(seen: &OriginSeen, away: Duration) -> Row {
        let setup =
            Setup { size: 0, latency_ms: 0, hosts: 1, silent: 0, gate: 0, flags: Vec::new() };
        let mut row = Row::default();
        let report = LoadReport { first_us: 1_000_000, ..LoadReport::default() };
        let last = *seen.hosts[0].arrivals_us.last().unwrap();
        judge(&mut row, seen, &setup, away, &report, last);
        row
    }

    #[test]
    fn the_ideal_is_kept() {
        let times = (0..100).map(|n| 1_000_000 + n * 200_500).collect();
        let row = judged(&seen(times), Duration::ZERO);
        assert_eq!(row.broken, Vec::<String>::new());
        assert_eq!(row.more["most_in_a_second"], 5.0);
    }

    #[test]
    fn haste_delay_and_crowds_are_told() {
        let hasty = (0..100).map(|n| 1_000_000 + n * 170_000).collect();
        assert_eq!(judged(&seen(hasty), Duration::ZERO).broken.len(), 1);
        let slow: Vec<u64> = (0..100).map(|n| 1_000_000 + n * 230_000).collect();
        assert_eq!(judged(&seen(slow.clone()), Duration::ZERO).broken.len(), 2);
        assert!(judged(&seen(slow), Duration::from_secs(3)).broken.is_empty());
        let burst = [vec![1_000_000; 4], (1..100).map(|n| 1_000_000 + n * 200_000).collect()];
        assert_eq!(judged(&seen(burst.concat()), Duration::ZERO).broken.len(), 2);
    }
}
