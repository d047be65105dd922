//! Which job comes first where not all can.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::world::{LIMIT, World};

/// Jobs that wait for the one host.
const WAITING: u64 = 100;

/// Jobs that may be on their way already when one of high priority comes.
const AHEAD: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_high_priority_overtakes_a_long_queue_for_its_host() -> Result<()> {
    let world = World::new("priority").await?.flags(["--per-host", "1"]);
    let server = world.start().await?;
    let mut client = server.client();
    world.origin.hold();
    let url = |n: u64| world.origin.url(0, &format!("/page/{n}?size=500&delay=5"));
    let mut low = Vec::new();
    for n in 0..WAITING {
        let job = json!({"url": url(n), "priority": "low"});
        low.push(world.submit_job(&mut client, &job).await?);
    }
    let high =
        world.submit_job(&mut client, &json!({"url": url(1_000), "priority": "high"})).await?;
    let normal = world.submit_job(&mut client, &json!({"url": url(2_000)})).await?;
    world.origin.release();
    for id in low.iter().chain([&high, &normal]) {
        world.sink.wait_for(id, LIMIT).await?;
    }
    let at = |id: &str| world.sink.event(id).map(|event| event.delivered_us).context("its event");
    let (high_us, normal_us) = (at(&high)?, at(&normal)?);
    let before = |us: u64| {
        let earlier = low.iter().filter(|id| at(id).is_ok_and(|at| at < us));
        earlier.count()
    };
    let (before_high, before_normal) = (before(high_us), before(normal_us));
    ensure!(before_high <= AHEAD, "{before_high} of low priority came before it");
    ensure!(before_normal < low.len(), "a job without a priority is not the last of all");
    world.settle(&server).await?;
    Ok(())
}
