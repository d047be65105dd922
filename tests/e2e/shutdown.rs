//! SIGTERM: an orderly end within the grace period.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::{Stop, eventually};
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
        for _ in 0..3 {
            let mut server = world.start().await?;
            sleep(Duration::from_millis(700)).await;
            server.terminate()?;
            let asked = Instant::now();
            let status = server.wait_exit(Duration::from_secs(15)).await?;
            ensure!(status.success(), "{status}:\n{}", server.log_tail());
            ensure!(
                asked.elapsed() < Duration::from_secs(7),
                "took {:?}",
                asked.elapsed()
            );
        }
        stop.send_replace(true);
        world.start().await
    };
    let (report, server) = tokio::join!(load.run(Stop::When(stopped), &world.ledger), stopping);
    let server = server?;
    report.check()?;
    let verdict = world.settle(&server).await?;
    assert_eq!(
        verdict.duplicates, 0,
        "an orderly end records what was delivered"
    );
    assert!(report.accepted > 200, "{report:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_does_not_finish_in_the_grace_period_is_put_back_uncharged() -> Result<()> {
    let world = World::new("release").await?.flags(["--grace", "1s"]);
    world.origin.hold();
    let id = {
        let mut server = world.start().await?;
        let id = world
            .submit(&mut server.client(), &world.origin.page(1, PAGE))
            .await?;
        let fetching = async || world.origin.report().requests() == 1;
        eventually("the fetch to be under way", LIMIT, fetching).await?;
        server.terminate()?;
        let asked = Instant::now();
        let status = server.wait_exit(Duration::from_secs(10)).await?;
        assert!(status.success(), "{status}:\n{}", server.log_tail());
        assert!(
            asked.elapsed() < Duration::from_secs(4),
            "took {:?}",
            asked.elapsed()
        );
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
        world
            .load(4)
            .run(Stop::Jobs(20), &world.ledger)
            .await
            .check()?;
        server.terminate()?;
        let draining = async || {
            let mut client = server.client().with_timeout(Duration::from_secs(1));
            client.get("/healthz").await.is_err()
        };
        eventually("the listener to close", LIMIT, draining).await?;
        server.terminate()?;
        let asked = Instant::now();
        server.wait_exit(Duration::from_secs(10)).await?;
        assert!(
            asked.elapsed() < Duration::from_secs(3),
            "took {:?}",
            asked.elapsed()
        );
    }
    world.origin.release();
    let server = world.start().await?;
    let first = &world.ledger.entries().accepted[0].id;
    assert_eq!(
        job(&mut server.client(), first).await?["id"],
        first.as_str()
    );
    world.settle(&server).await?;
    Ok(())
}
