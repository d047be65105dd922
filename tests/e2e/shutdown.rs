//! SIGTERM: an orderly end within the grace period.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::{Server, Stop, eventually};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::world::{LIMIT, PAGE, World, job, wait_for_status};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_ends_in_good_order_and_loses_nothing() -> Result<()> {
    let world = World::new("term").await?.flags(["--grace", "5s"]);
    let (stop, stopped) = watch::channel(false);
    let mut load = world.load(12);
    load.rate = Some(400.0);
    let stopping = async {
        let stopped_well = stop_thrice(&world).await;
        stop.send_replace(true);
        stopped_well
    };
    let (report, stopped_well) =
        tokio::join!(load.run(Stop::When(stopped), &world.ledger), stopping);
    stopped_well?;
    report.check()?;
    let server = world.start().await?;
    let verdict = world.settle(&server).await?;
    assert_eq!(verdict.duplicates, 0, "an orderly end records what was delivered");
    assert!(report.accepted > 200, "{report:?}");
    Ok(())
}

async fn stop_thrice(world: &World) -> Result<()> {
    for _ in 0..3 {
        let mut server = world.start().await?;
        sleep(Duration::from_millis(700)).await;
        stop_in_order(&mut server, Duration::from_secs(7)).await?;
    }
    Ok(())
}

/// SIGTERM, and exit code 0 within `limit`.
async fn stop_in_order(server: &mut Server, limit: Duration) -> Result<()> {
    server.terminate()?;
    let asked = Instant::now();
    let status = server.wait_exit(LIMIT).await?;
    ensure!(status.success(), "{status}:\n{}", server.log_tail());
    ensure!(asked.elapsed() < limit, "took {:?}:\n{}", asked.elapsed(), server.log_tail());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_orderly_end_everything_is_on_disk() -> Result<()> {
    let mut world = World::new("tail").await?;
    let mut shim = world.shim()?;
    world.config.environment = shim.environment();
    let mut server = world.start().await?;
    world.load(8).run(Stop::Jobs(200), &world.ledger).await.check()?;
    world.settle(&server).await?;
    stop_in_order(&mut server, Duration::from_secs(5)).await?;
    shim.power_cut()?;
    world.config.environment = shim.environment();
    let server = world.start().await?;
    let verdict = world.settle(&server).await?;
    assert_eq!(verdict.duplicates, 0, "what was delivered is on record");
    let id = &world.ledger.entries().accepted[0].id;
    assert_eq!(job(&mut server.client(), id).await?["status"], "delivered");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_does_not_finish_in_the_grace_period_is_put_back_uncharged() -> Result<()> {
    let world = World::new("release").await?.flags(["--grace", "1s"]);
    world.origin.hold();
    let id = {
        let mut server = world.start().await?;
        let id = world.submit(&mut server.client(), &world.origin.page(1, PAGE)).await?;
        let fetching = async || world.origin.report().requests() == 1;
        eventually("the fetch to be under way", LIMIT, fetching).await?;
        stop_in_order(&mut server, Duration::from_secs(4)).await?;
        id
    };
    world.origin.release();
    let server = world.start().await?;
    let mut client = server.client();
    wait_for_status(&mut client, &id, "delivered").await?;
    let result = client.get(&format!("/v1/jobs/{id}/result")).await?.json()?;
    assert_eq!(result["data"]["attempt"], 1, "{result}");
    assert_eq!(world.origin.report().requests(), 2);
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once_and_loses_nothing() -> Result<()> {
    let world = World::new("second").await?.flags(["--grace", "30s"]);
    world.origin.hold();
    {
        let mut server = world.start().await?;
        world.load(4).run(Stop::Jobs(20), &world.ledger).await.check()?;
        server.terminate()?;
        let draining = async || {
            let mut client = server.client().with_timeout(Duration::from_secs(1));
            client.get("/healthz").await.is_err()
        };
        eventually("the listener to close", LIMIT, draining).await?;
        server.terminate()?;
        let asked = Instant::now();
        server.wait_exit(Duration::from_secs(10)).await?;
        assert!(asked.elapsed() < Duration::from_secs(3), "took {:?}", asked.elapsed());
    }
    world.origin.release();
    let server = world.start().await?;
    let first = &world.ledger.entries().accepted[0].id;
    assert_eq!(job(&mut server.client(), first).await?["id"], first.as_str());
    world.settle(&server).await?;
    Ok(())
}
