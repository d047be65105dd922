//! `kill -9` and power cuts at any moment, under load.

use std::time::Duration;

use anyhow::{Context, Result};
use harness::{FaultFs, Server, Stop, cycles, rng};
use rand::RngExt;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::world::World;

/// Power cuts in one run; each starts from what the one before left.
const POWER_CUTS: u32 = 8;

/// Jobs per second of the load: enough to be busy at any moment, not so many that the backlog of
/// all the downtimes takes minutes.
const RATE: f64 = 300.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_in_a_loop_under_load_loses_nothing() -> Result<()> {
    let world = World::new("kill").await?;
    let mut rng = rng("kill");
    let (stop, stopped) = watch::channel(false);
    let mut load = world.load(12);
    load.rate = Some(RATE);
    let killing = async {
        for cycle in 0..cycles() {
            let mut server = world
                .start()
                .await
                .with_context(|| format!("cycle {cycle}"))?;
            sleep(Duration::from_millis(rng.random_range(5..500))).await;
            server.kill9()?;
        }
        stop.send_replace(true);
        world.start().await
    };
    let (report, server) = tokio::join!(load.run(Stop::When(stopped), &world.ledger), killing);
    let server = server?;
    report.check()?;
    let verdict = world.settle(&server).await?;
    harness::say(&format!(
        "{} cycles: {} accepted, {} uncertain, {} duplicates, {} rewritten",
        cycles(),
        verdict.accepted,
        report.uncertain,
        verdict.duplicates,
        verdict.rewritten
    ));
    assert!(
        report.accepted > 20 * u64::from(cycles()),
        "too few jobs to mean anything: {report:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_loses_nothing_that_was_acknowledged() -> Result<()> {
    power_cuts("power", None).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_with_torn_writes_loses_nothing_that_was_acknowledged() -> Result<()> {
    power_cuts("torn", Some(harness::seed())).await
}

async fn power_cuts(name: &str, torn: Option<u64>) -> Result<()> {
    let mut world = World::new(name).await?;
    let mut shim = world.shim()?;
    if let Some(seed) = torn {
        shim = shim.with_torn_writes(seed);
    }
    let mut rng = rng(name);
    let (stop, stopped) = watch::channel(false);
    let mut load = world.load(8);
    load.rate = Some(RATE);
    let ledger = world.ledger.clone();
    let cutting = async {
        for cut in 0..POWER_CUTS {
            // By turns: after some time, or in the middle of a storage operation.
            let die = (cut % 2 == 1).then(|| rng.random_range(1..1500));
            shim.start_with(&die.map(|nth| format!("die nth={nth}")).unwrap_or_default())?;
            world.config.environment = shim.environment();
            let uptime = Duration::from_millis(rng.random_range(20..800));
            until_the_cut(&world, die.is_some(), uptime)
                .await
                .with_context(|| format!("cut {cut} (die nth={die:?})"))?;
            shim.power_cut()?;
        }
        shim.start_with("")?;
        world.config.environment = shim.environment();
        stop.send_replace(true);
        world.start().await
    };
    let (report, server) = tokio::join!(load.run(Stop::When(stopped), &ledger), cutting);
    let server = server?;
    report.check()?;
    let verdict = world.settle(&server).await?;
    harness::say(&format!(
        "{POWER_CUTS} cuts: {} accepted, {} uncertain, {} duplicates, {} rewritten",
        verdict.accepted, report.uncertain, verdict.duplicates, verdict.rewritten
    ));
    assert!(
        report.accepted > 100,
        "too few jobs to mean anything: {report:?}"
    );
    Ok(())
}

/// Runs the server until the shim ends it, or until it has been ready for `uptime`.
async fn until_the_cut(world: &World, dies: bool, uptime: Duration) -> Result<()> {
    let mut server = Server::spawn(&world.config)?;
    if dies {
        // The rule may strike before it is ready, or late because there is little to write.
        let status = server.wait_exit(Duration::from_secs(15)).await;
        return match status {
            Ok(status) if status.code() == Some(FaultFs::DIED) => Ok(()),
            Ok(status) => anyhow::bail!("ended by itself ({status}):\n{}", server.log_tail()),
            Err(_) => server.kill9(),
        };
    }
    server.ready().await?;
    sleep(uptime).await;
    server.kill9()
}
