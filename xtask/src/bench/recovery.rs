//! How fast what has gathered while a sink was down is delivered once it is back.

use std::time::Duration;

use anyhow::{Context, Result};

use super::measure::Load;
use super::process::Usage;
use super::report::{Row, ms, tenth};
use super::rig::{Bench, Rig, Setup, System, get, start_sink};
use crate::clock;

const JOBS: u32 = 20_000;
const SIZE: u64 = 2_000;
const HOSTS: u32 = 16;
/// Deliveries to one sink at once: the binary's own default.
const PER_SINK: u32 = 32;
/// What the sink takes for an answer: enough that deliveries overlap, so that their number shows.
const SINK_LATENCY_MS: u64 = 5;
/// How long it is down.
const DOWN: Duration = Duration::from_secs(60);
/// Of its usual rate, what it is to be given at least once it is back.
const SHARE: f64 = 0.8;
/// Jobs of a hundred that may have been tried in vain: each of those has a schedule of its own, and is
/// not waited for.
const TRIED_PERCENT: u64 = 5;
/// The schedule of a job that was tried twice has it wait for five minutes, a fifth more at most.
const WITHIN: Duration = Duration::from_secs(480);

/// What the sink saw of one run.
struct Drain {
    /// Deliveries a second, from the first to the last of those that count.
    per_s: f64,
    /// When the first one came, in microseconds since the Unix epoch.
    first_us: u64,
    /// When the last one of those that count came.
    last_us: u64,
    /// When the very last one came.
    end_us: u64,
    /// The most at once.
    peak: u32,
}

/// The sink in good health, then the same jobs for one that is down until all of them wait.
pub(crate) fn run(rig: &Rig<'_>) -> Result<Vec<Row>> {
    let normal = normal(rig)?;
    let usual = normal.more["delivered_per_s"];
    let outage = outage(rig, usual)?;
    Ok(vec![normal, outage])
}

fn setup(rig: &Rig<'_>) -> Setup {
    let options = rig.options;
    Setup { flags: vec![("--per-sink", PER_SINK.to_string())], ..options.setup(SIZE, 0, HOSTS) }
}

fn load(rig: &Rig<'_>, name: &str, setup: &Setup) -> Load {
    let options = rig.options;
    options.load(name, JOBS, setup, WITHIN)
}

fn sink_args(port: u16) -> [String; 2] {
    [format!("--latency-ms={SINK_LATENCY_MS}"), format!("--port={port}")]
}

fn normal(rig: &Rig<'_>) -> Result<Row> {
    let setup = setup(rig);
    let load = load(rig, "recovery normal", &setup);
    eprintln!("{}: starting", load.name);
    let mut bench = rig.start_with_sink(System::Pagewire, &setup, &sink_args(0))?;
    let mut row = bench.measure(&load)?.row;
    let drain = drain(&bench, 0)?;
    row.more.insert("delivered_per_s", tenth(drain.per_s));
    note_peak(&mut row, drain.peak);
    Ok(row)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a count, far below 2^52, that comes as a float"
)]
fn outage(rig: &Rig<'_>, usual: f64) -> Result<Row> {
    let setup = setup(rig);
    let load = load(rig, "recovery outage", &setup);
    eprintln!("{}: starting", load.name);
    let mut bench = rig.start_with_sink(System::Pagewire, &setup, &sink_args(0))?;
    let went_down = clock::now();
    bench.sink.end()?;
    let (report, accepted, _) = bench.submit(&load)?;
    bench.await_fetched(&load.name, WITHIN)?;
    let left = DOWN.saturating_sub(went_down.elapsed());
    eprintln!("{}: all wait; the sink is down for {} s more", load.name, left.as_secs());
    std::thread::sleep(left);
    let tried = bench.metric("pagewire_deliveries_total", "outcome=\"retryable\"")? as usize;
    let up_us = clock::unix_us();
    let (sink, _) = start_sink(bench.dir.path(), &sink_args(bench.sink_addr.port()))
        .context("bringing the sink back")?;
    bench.sink = sink;
    bench.await_delivered(&load.name, report.accepted, load.within)?;

    let mut row = bench.row(&load, &report, &accepted, Usage::default())?;
    let drain = drain(&bench, tried)?;
    let share = (drain.per_s / usual.max(0.1) * 1_000.0).round() / 1_000.0;
    row.more.insert("delivered_per_s", tenth(drain.per_s));
    row.more.insert("share_of_normal", share);
    row.more.insert("noticed_after_ms", ms(drain.first_us.saturating_sub(up_us)));
    row.more.insert("drained_after_ms", ms(drain.last_us.saturating_sub(up_us)));
    row.more.insert("tried_while_down", tried as f64);
    row.more.insert("last_after_ms", ms(drain.end_us.saturating_sub(up_us)));
    note_peak(&mut row, drain.peak);
    if share < SHARE {
        row.broken.push(format!("drained at {share} of the normal rate"));
    }
    if tried as u64 * 100 > report.accepted * TRIED_PERCENT {
        row.broken.push(format!("{tried} deliveries were tried while the sink was down"));
    }
    Ok(row)
}

/// What the sink saw, without the last `late` of its deliveries.
#[expect(clippy::cast_precision_loss, reason = "counts and times are far below 2^52")]
fn drain(bench: &Bench, late: usize) -> Result<Drain> {
    let (_, bytes) = get(bench.sink_addr, "/arrivals").context("cannot ask the sink")?;
    let (words, _) = bytes.as_chunks::<8>();
    let mut arrivals_us: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    arrivals_us.sort_unstable();
    let end_us = *arrivals_us.last().context("nothing was delivered")?;
    let counted = arrivals_us.len().saturating_sub(late).max(1);
    let (first_us, last_us) = (arrivals_us[0], arrivals_us[counted - 1]);
    let seconds = last_us.saturating_sub(first_us).max(1) as f64 / 1e6;
    let per_s = (counted - 1) as f64 / seconds;
    Ok(Drain { per_s, first_us, last_us, end_us, peak: bench.deliveries("/stats")?.peak })
}

fn note_peak(row: &mut Row, peak: u32) {
    row.more.insert("most_at_once", f64::from(peak));
    if peak > PER_SINK {
        row.broken.push(format!("{peak} deliveries at once where {PER_SINK} are allowed"));
    }
}
