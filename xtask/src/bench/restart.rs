use std::time::Duration;

use anyhow::{Context, Result};

use super::process::Usage;
use super::report::{Row, tenth};
use super::rig::{Bench, Rig, Setup, System};

const JOBS: u32 = 100_000;
const SIZE: u64 = 2_000;
const HOSTS: u32 = 64;
/// Longer than the scenario lasts: while the queue fills, no job gets done.
const NEVER_MS: u64 = 3_600_000;
const WITHIN: Duration = Duration::from_secs(600);
/// How long the server may take to stop when asked to.
const STOP_WITHIN: Duration = Duration::from_secs(60);

/// Fills the queue, kills the server, starts it again; then stops it in order and starts it once
/// more; then lets it do all the jobs, so that none can have been lost on the way.
pub(crate) fn run(rig: &Rig<'_>) -> Result<Vec<Row>> {
    let options = rig.options;
    let mut setup = Setup {
        latency_ms: NEVER_MS,
        // One fetch for each host hangs; all other jobs stay queued.
        flags: vec![("--per-host", "1".to_owned()), ("--grace", "1s".to_owned())],
        ..options.setup(SIZE, NEVER_MS, HOSTS)
    };
    let load = options.load("restart", JOBS, &setup, WITHIN);
    eprintln!("{}: filling the queue", load.name);
    let mut bench = rig.start(System::Pagewire, &setup)?;
    let (report, accepted, _) = bench.submit(&load)?;

    eprintln!("{}: killing it", load.name);
    let Bench { origin, origin_port, sink, sink_addr, server, dir, system, .. } = bench;
    server.kill()?;
    let (server, _, after_kill) = rig.start_server(system, &setup, dir.path(), sink_addr)?;
    let rss_ready = server.usage()?.rss;

    eprintln!("{}: stopping it in order", load.name);
    let status = server.terminate(STOP_WITHIN).context("after SIGTERM")?;
    anyhow::ensure!(status.success(), "the server stopped with {status} after SIGTERM");
    // The same origin, in good health now.
    origin.kill()?;
    setup.latency_ms = 0;
    setup.flags.clear();
    let (origin, _) = rig.start_origin(dir.path(), &setup, origin_port)?;
    let (server, server_addr, after_stop) =
        rig.start_server(system, &setup, dir.path(), sink_addr)?;

    let mut bench =
        Bench { origin, origin_port, sink, sink_addr, server, server_addr, system, dir };
    bench.await_delivered(&load.name, report.accepted, load.within)?;
    let mut row: Row = bench.row(&load, &report, &accepted, Usage::default())?;
    row.more.insert("ready_after_kill_ms", tenth(after_kill.as_secs_f64() * 1e3));
    row.more.insert("ready_after_stop_ms", tenth(after_stop.as_secs_f64() * 1e3));
    row.more.insert("rss_mb_when_ready", super::report::mb(rss_ready));
    Ok(vec![row])
}
