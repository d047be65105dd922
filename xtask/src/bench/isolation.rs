//! Whether a dead sink with a long queue is felt by another.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use anyhow::{Context, Result};

use super::report::{Row, median, tenth};
use super::rig::{Bench, Rig, Setup, System, free_addr};

/// Deliveries that wait for the dead sink.
const WAITING: u32 = 50_000;
/// Jobs a second for the sink that lives: far from what the machine can do, so that what is measured
/// is delay and not load.
const RATE: u32 = 200;
/// How long.
const SECONDS: u32 = 20;
const SIZE: u64 = 2_000;
const HOSTS: u32 = 16;
/// Deliveries to one sink at once: the binary's own default.
const PER_SINK: &str = "32";
/// How much longer the delay may be.
const RATIO: f64 = 2.0;
/// Of the deliveries that should wait, at least so many do: some were tried so often that they are
/// dead letters.
const STILL_WAITING: f64 = 0.9;
const WITHIN: Duration = Duration::from_secs(600);

/// How a sink is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dead {
    /// Nobody listens: every attempt fails at once.
    Refuses,
    /// Connections are taken and nothing is ever answered: every attempt lasts to its timeout.
    Swallows,
}

/// The same load for a living sink: alone, beside one that refuses, beside one that swallows.
pub(crate) fn run(rig: &Rig<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for _ in 0..rig.options.rounds {
        rows.push(one(rig, "isolation alone", None)?);
        rows.push(one(rig, "isolation refused", Some(Dead::Refuses))?);
        rows.push(one(rig, "isolation hung", Some(Dead::Swallows))?);
    }
    judge(&mut rows);
    Ok(rows)
}

fn one(rig: &Rig<'_>, name: &str, dead: Option<Dead>) -> Result<Row> {
    let options = rig.options;
    let setup = Setup {
        flags: vec![
            ("--per-sink", PER_SINK.to_owned()),
            ("--sink-allow", "127.0.0.0/8".to_owned()),
        ],
        ..options.setup(SIZE, 0, HOSTS)
    };
    let waiting = options.jobs.unwrap_or(WAITING);
    let mut load = options.load(name, WAITING, &setup, WITHIN);
    eprintln!("{name}: starting");
    let mut bench = rig.start(System::Pagewire, &setup)?;
    // Lives as long as it is to swallow what comes; what is never accepted here the system accepts.
    let mut swallows = None;
    if let Some(dead) = dead {
        let addr = if dead == Dead::Swallows {
            let listener =
                TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
            let addr = listener.local_addr()?;
            swallows = Some(listener);
            addr
        } else {
            free_addr()?
        };
        bench.submit_to(&load, Some(&format!("http://{addr}/dead")))?;
        bench.await_fetched(name, WITHIN)?;
    }
    load.rate = RATE;
    load.jobs = RATE * SECONDS;
    let mut row = bench.measure(&load)?.row;
    let left = waiting_deliveries(&bench)?;
    drop(swallows);
    row.more.insert("waiting_for_the_dead", left);
    if dead.is_some() && left < f64::from(waiting) * STILL_WAITING {
        row.broken.push(format!("only {left} deliveries waited for the dead sink"));
    }
    Ok(row)
}

fn waiting_deliveries(bench: &Bench) -> Result<f64> {
    bench.metric("pagewire_jobs", "stage=\"deliver\"")
}

/// Puts each delay beside that of the sink alone, by medians when there are several rounds.
fn judge(rows: &mut [Row]) {
    let of = |rows: &[Row], name: &str, delay: fn(&Row) -> f64| {
        median(rows.iter().filter(|row| row.scenario == name).map(delay))
    };
    let alone = |delay| of(rows, "isolation alone", delay).max(0.1);
    let (p50, p99) = (alone(|row| row.end_to_end_p50_ms), alone(|row| row.end_to_end_p99_ms));
    let names: Vec<String> = rows.iter().map(|row| row.scenario.clone()).collect();
    for (at, name) in names.iter().enumerate() {
        let p50_ratio = of(rows, name, |row| row.end_to_end_p50_ms) / p50;
        let p99_ratio = of(rows, name, |row| row.end_to_end_p99_ms) / p99;
        rows[at].more.insert("p50_over_alone", tenth(p50_ratio));
        rows[at].more.insert("p99_over_alone", (p99_ratio * 100.0).round() / 100.0);
        // Said once for all rounds.
        if p99_ratio > RATIO && names[..at].iter().all(|other| other != name) {
            rows[at].broken.push(format!("p99 is {p99_ratio:.2} times what it is alone"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_beside_a_dead_sink_is_judged_by_that_alone() {
        let row = |name: &str, p99| Row {
            scenario: name.to_owned(),
            end_to_end_p50_ms: 2.0,
            end_to_end_p99_ms: p99,
            ..Row::default()
        };
        let mut rows = [
            row("isolation alone", 10.0),
            row("isolation refused", 15.0),
            row("isolation hung", 25.0),
        ];
        judge(&mut rows);
        assert_eq!(rows[1].more["p99_over_alone"], 1.5);
        assert!(rows[1].broken.is_empty() && rows[0].broken.is_empty());
        assert_eq!(rows[2].broken.len(), 1);
    }
}
