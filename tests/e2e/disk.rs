//! Disks that fail and disks that are full.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Connection, FaultFs, Server, Stop, eventually};

use crate::world::{LIMIT, PAGE, World};

/// Jobs that are acknowledged before the disk fails.
const BEFORE: u64 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_while_every_fsync_fails() -> Result<()> {
    failed_sync("fsync-all", "fail fsync EIO").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_failed_fsync_is_final() -> Result<()> {
    failed_sync("fsync-one", "fail fsync nth=1 EIO").await
}

async fn failed_sync(name: &str, rule: &str) -> Result<()> {
    let mut world = World::new(name).await?;
    let mut shim = world.shim()?;
    world.config.environment = shim.environment();
    let mut server = world.start().await?;
    // Acknowledged and not fetched yet when the disk fails.
    world.origin.hold();
    world.load(4).run(Stop::Jobs(BEFORE), &world.ledger).await.check()?;

    shim.command(rule)?;
    for n in 0..20 {
        let url = world.origin.page(1000 + n, PAGE);
        let mut client = server.client().with_timeout(Duration::from_secs(5));
        match client.post("/v1/jobs", format!("{{\"url\":\"{url}\"}}")).await {
            Ok(answer) => {
                ensure!(
                    answer.status == 503,
                    "{} while syncs fail: {}",
                    answer.status,
                    answer.text()
                );
            }
            Err(_) => world.ledger.doubt(&url),
        }
    }
    let status = server.wait_exit(LIMIT).await.context("a store that failed ends the process")?;
    assert!(!status.success(), "{status}");
    let log = server.log_tail();
    assert!(log.contains("the store failed"), "it must say so:\n{log}");
    drop(server);

    // What the failed sync should have written may be gone: that is what the shadow says.
    shim.power_cut()?;
    shim.start_with("")?;
    world.config.environment = shim.environment();
    world.origin.release();
    let server = world.start().await?;
    let verdict = world.settle(&server).await?;
    assert_eq!(verdict.accepted, BEFORE + 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_and_recovers_by_itself() -> Result<()> {
    let mut world = World::new("full").await?;
    let shim = world.shim()?;
    world.config.environment = shim.environment();
    let mut server = world.start().await?;
    let mut client = server.client();
    // These are acknowledged; their results come while there is no room for them.
    world.origin.hold();
    world.load(4).run(Stop::Jobs(BEFORE), &world.ledger).await.check()?;

    shim.command("fail write ENOSPC; fail truncate ENOSPC")?;
    refused_as_full(&world, &mut client, 5000).await?;
    world.origin.release();
    let fetched = async || world.origin.report().requests() >= BEFORE.min(16);
    eventually("pages to be fetched", LIMIT, fetched).await?;
    for n in 5001..5010 {
        refused_as_full(&world, &mut client, n).await?;
    }
    ensure!(server.ended()?.is_none(), "a full disk must not end it:\n{}", server.log_tail());

    shim.command("off")?;
    recovers(&world, &server).await?;
    world.settle(&server).await?;

    // And what is on disk is sound.
    server.kill9()?;
    let again = after_cut(&mut world, shim).await?;
    world.settle(&again).await?;
    Ok(())
}

async fn after_cut(world: &mut World, mut shim: FaultFs) -> Result<Server> {
    shim.power_cut()?;
    world.config.environment = shim.environment();
    world.start().await
}

async fn refused_as_full(world: &World, client: &mut Connection, n: u64) -> Result<()> {
    let url = world.origin.page(n, PAGE);
    let answer = client.post("/v1/jobs", format!("{{\"url\":\"{url}\"}}")).await?;
    ensure!(answer.status == 503, "{} on a full disk: {}", answer.status, answer.text());
    ensure!(answer.header("retry-after").is_some(), "no Retry-After: {:?}", answer.headers);
    Ok(())
}

/// Waits until jobs are accepted again.
async fn recovers(world: &World, server: &Server) -> Result<()> {
    let mut client = server.client();
    let mut n = 6000;
    let accepted = eventually("jobs to be accepted again", LIMIT, async || {
        n += 1;
        world.submit(&mut client, &world.origin.page(n, PAGE)).await.is_ok()
    });
    accepted.await.with_context(|| server.log_tail())
}

/// Not about the server: without this, the tests above could pass because they see nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_only_says_it_synced_is_found_out() -> Result<()> {
    let mut world = World::new("lie").await?;
    let mut shim = world.shim()?;
    world.config.environment = shim.environment();
    let mut server = world.start().await?;
    shim.command("lie fsync")?;
    world.origin.hold();
    world.load(4).run(Stop::Jobs(BEFORE), &world.ledger).await.check()?;
    server.kill9()?;
    shim.power_cut()?;
    shim.start_with("")?;
    world.origin.release();
    let _server = world.start().await?;
    let lost = world.ledger.settle(&world.sink, Duration::from_secs(2)).await;
    let lost = lost.err().context("acknowledged jobs must be missed")?.to_string();
    assert!(lost.contains("missing"), "{lost}");
    Ok(())
}
