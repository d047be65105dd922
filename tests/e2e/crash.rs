//! `kill -9`, power cuts and failing disks at any moment, under load.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{FaultFs, Load, LoadReport, Server, Stop, cycles, rng};
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::world::World;

/// Power cuts in one run; each starts from what the one before left.
const POWER_CUTS: u32 = 8;

/// Jobs per second of the load: enough to be busy at any moment, not so many that the backlog of
/// all the downtimes takes minutes.
const RATE: f64 = 300.0;

/// Bytes of the pages, in turn: results that share a disk block and results that fill many.
const SIZES: [usize; 4] = [400, 2_000, 8_000, 60_000];

/// Longest for a rule to strike: there may be little to write.
const STRIKES: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_in_a_loop_under_load_loses_nothing() -> Result<()> {
    let world = World::new("kill").await?;
    let mut rng = rng("kill");
    let killing = async {
        for cycle in 0..cycles() {
            let mut server = Server::spawn(&world.config)?;
            // Every fifth dies at any moment of its start.
            if cycle % 5 != 4 {
                server.ready().await.with_context(|| format!("cycle {cycle}"))?;
            }
            sleep(Duration::from_millis(rng.random_range(5..500))).await;
            server.kill9()?;
        }
        Ok(())
    };
    let report = under_load(&world, killing).await?;
    let least = 15 * u64::from(cycles());
    assert!(report.accepted > least, "too few jobs to mean anything: {report:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_loses_nothing_that_was_acknowledged() -> Result<()> {
    power_cuts("power", None, |cut, rng| match cut % 2 {
        0 => End::Kill(Duration::from_millis(rng.random_range(20..800))),
        _ => End::Die(rng.random_range(1..1500)),
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_with_torn_writes_loses_nothing_that_was_acknowledged() -> Result<()> {
    power_cuts("torn", Some(harness::seed()), |cut, rng| match cut % 2 {
        0 => End::Kill(Duration::from_millis(rng.random_range(20..800))),
        _ => End::Die(rng.random_range(1..1500)),
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_failing_storage_operation_at_any_moment_loses_nothing() -> Result<()> {
    power_cuts("nth", None, |cut, rng| {
        let nth = match cut % 4 {
            // While it opens its store.
            3 => rng.random_range(1..40),
            _ => rng.random_range(40..800),
        };
        End::Fail(["EIO", "ENOSPC"][cut as usize % 2], nth)
    })
    .await
}

/// How a server's life ends before the power is cut.
#[derive(Clone, Copy, Debug)]
enum End {
    /// By SIGKILL, that long after it was ready.
    Kill(Duration),
    /// In the middle of its n-th storage operation.
    Die(u32),
    /// By itself or by SIGKILL, some time after its n-th storage operation failed.
    Fail(&'static str, u32),
}

async fn power_cuts(
    name: &str,
    torn: Option<u64>,
    choose: impl Fn(u32, &mut StdRng) -> End,
) -> Result<()> {
    let world = World::new(name).await?;
    let mut shim = world.shim()?;
    if let Some(seed) = torn {
        shim = shim.with_torn_writes(seed);
    }
    let mut rng = rng(name);
    let cutting = async {
        for cut in 0..POWER_CUTS {
            let end = choose(cut, &mut rng);
            live_until(&world, &mut shim, end)
                .await
                .with_context(|| format!("cut {cut}: {end:?}"))?;
            shim.power_cut()?;
        }
        Ok(())
    };
    let report = under_load(&world, cutting).await?;
    assert!(report.accepted > 100, "too few jobs to mean anything: {report:?}");
    Ok(())
}

/// Lets `happen` while there is load; then nothing may be missing.
async fn under_load(world: &World, happen: impl Future<Output = Result<()>>) -> Result<LoadReport> {
    let (stop, stopped) = watch::channel(false);
    let origin = Arc::clone(&world.origin);
    let mut load =
        Load::new(world.config.addr, move |n| origin.page(n, SIZES[n as usize % SIZES.len()]));
    load.clients = 12;
    load.rate = Some(RATE);
    let happening = async {
        let happened = happen.await;
        stop.send_replace(true);
        happened
    };
    let (report, happened) = tokio::join!(load.run(Stop::When(stopped), &world.ledger), happening);
    happened?;
    report.check()?;
    let server = world.start().await?;
    let verdict = world.settle(&server).await?;
    harness::say(&format!(
        "{} accepted, {} refused, {} uncertain, {} duplicates, {} rewritten",
        verdict.accepted, report.refused, report.uncertain, verdict.duplicates, verdict.rewritten
    ));
    Ok(report)
}

/// One life of the server over the shim.
async fn live_until(world: &World, shim: &mut FaultFs, end: End) -> Result<()> {
    shim.start_with(&match end {
        End::Kill(_) => String::new(),
        End::Die(nth) => format!("die nth={nth}"),
        End::Fail(errno, nth) => format!("fail nth={nth} {errno}"),
    })?;
    let mut config = world.config.clone();
    config.environment = shim.environment();
    let mut server = Server::spawn(&config)?;
    match end {
        End::Kill(uptime) => {
            server.ready().await?;
            sleep(uptime).await;
            server.kill9()
        }
        End::Die(_) => match server.wait_exit(STRIKES).await {
            Ok(status) if status.code() == Some(FaultFs::DIED) => Ok(()),
            Ok(status) => anyhow::bail!("ended by itself ({status}):\n{}", server.log_tail()),
            Err(_) => server.kill9(),
        },
        End::Fail(..) => match server.wait_exit(Duration::from_secs(2)).await {
            // It said that it could not go on: right, as long as it says so.
            Ok(status) => {
                let log = server.log_tail();
                ensure!(status.code() == Some(74), "{status}:\n{log}");
                ensure!(!log.contains("panicked"), "{log}");
                Ok(())
            }
            Err(_) => server.kill9(),
        },
    }
}
