//! A long queue and a restart.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Connection, Load, Server, Stop};

use crate::world::{LIMIT, PAGE, World};

/// Jobs in the queue; `PAGEWIRE_E2E_QUEUED` changes it.
const QUEUED: u64 = 100_000;

/// Longest until a server with a full queue is ready. An optimised build takes a fraction of it,
/// which `cargo xtask bench` measures; this catches what grows faster than the queue.
const READY: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_queued_jobs_survive_kill_9() -> Result<()> {
    let queued = match std::env::var("PAGEWIRE_E2E_QUEUED") {
        Ok(queued) => queued.parse().context("PAGEWIRE_E2E_QUEUED must be a number")?,
        Err(_) => QUEUED,
    };
    let world = World::new("queued").await?;
    world.origin.hold();
    {
        let mut server = world.start().await?;
        // Nine hosts of ten: the last one is for the fresh job.
        let origin = std::sync::Arc::clone(&world.origin);
        let url = move |n| origin.url((n % 9) as usize, &format!("/page/{n}?size={PAGE}"));
        let mut load = Load::new(world.config.addr, url);
        load.clients = 64;
        let report = load.run(Stop::Jobs(queued), &world.ledger).await;
        report.check()?;
        assert_eq!(report.accepted, queued, "{:?}", report.unexpected_shown);
        harness::say(&format!("{queued} jobs accepted in {} ms", report.elapsed_us / 1000));
        server.kill9()?;
    }
    world.origin.release();
    let mut server = Server::spawn(&world.config)?;
    let ready = server.ready().await?;
    harness::say(&format!("ready after {} ms", ready.as_millis()));
    assert!(ready < READY, "ready after {ready:?}");

    let listed = list_all(&mut server.client()).await?;
    let accepted = world.ledger.entries().accepted;
    let missing = accepted.iter().filter(|job| !listed.contains(&job.id)).count();
    assert_eq!((missing, listed.len() as u64), (0, queued));

    // A job for an idle host does not wait for the hundred thousand, which are on their way.
    let url = world.origin.url(9, &format!("/page/1000000?size={PAGE}"));
    let id = world.submit(&mut server.client(), &url).await?;
    world.sink.wait_for(&id, LIMIT).await.with_context(|| server.log_tail())?;
    world.sink.wait_for_posts(1000.min(queued), LIMIT).await?;
    let report = world.sink.report();
    let faulty = report.events.iter().find_map(|event| event.fault.clone());
    assert_eq!((faulty, report.strays), (None, Vec::new()));
    Ok(())
}

/// The ids of all jobs, page by page.
async fn list_all(client: &mut Connection) -> Result<HashSet<String>> {
    let (mut ids, mut cursor) = (HashSet::new(), String::new());
    loop {
        let answer = client.get(&format!("/v1/jobs?limit=1000{cursor}")).await?;
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
        let page = answer.json()?;
        for job in page["jobs"].as_array().context("a page has jobs")? {
            let id = job["id"].as_str().context("a job has an id")?;
            ensure!(ids.insert(id.to_owned()), "{id} is listed twice");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(ids),
        }
    }
}
