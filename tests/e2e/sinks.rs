//! Sinks that are down, slow, rude or gone.

use std::time::Duration;

use anyhow::Result;
use harness::Method;
use harness::{Mode, Sink, SinkConfig, Stop, eventually};

use crate::world::{LIMIT, PAGE, SECRET, World, accepted_id, wait_for_status};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_was_down_gets_everything_once_it_is_back() -> Result<()> {
    let mut world = World::new("down").await?;
    let server = world.start().await?;
    world.sink.down().await;
    world.load(8).run(Stop::Jobs(300), &world.ledger).await.check()?;
    let fetched = async || world.origin.report().requests() >= 300;
    eventually("all pages to be fetched", LIMIT, fetched).await?;
    assert_eq!(world.sink.posts(), 0);
    world.sink.up().await?;
    let verdict = world.settle(&server).await?;
    assert_eq!(verdict.duplicates, 0, "nothing failed after it was received");
    assert_eq!(world.origin.report().requests(), 301, "nothing was fetched twice");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_was_down_gets_everything_after_a_restart_too() -> Result<()> {
    let mut world = World::new("down-restart").await?;
    world.sink.down().await;
    {
        let mut server = world.start().await?;
        world.load(8).run(Stop::Jobs(100), &world.ledger).await.check()?;
        let fetched = async || world.origin.report().requests() >= 100;
        eventually("all pages to be fetched", LIMIT, fetched).await?;
        server.kill9()?;
    }
    let server = world.start().await?;
    world.sink.up().await?;
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_resets_and_requests_to_wait_are_retried_under_the_same_id() -> Result<()> {
    let world = World::new("rude").await?;
    let server = world.start().await?;
    let mut client = server.client();
    for (n, mode) in [
        Mode::Status(500, None),
        Mode::Status(429, Some(1)),
        Mode::Status(408, None),
        Mode::Status(302, None),
        Mode::Reset,
    ]
    .into_iter()
    .enumerate()
    {
        world.sink.set(mode.clone());
        let posts = world.sink.posts();
        let id = world.submit(&mut client, &world.origin.page(n as u64, PAGE)).await?;
        world.sink.wait_for_posts(posts + 1, LIMIT).await?;
        world.sink.set(Mode::Accept);
        let event = world.sink.wait_for(&id, LIMIT).await?;
        assert!(event.attempts >= 2 && event.rewritten == 0, "{mode:?}: {event:?}");
        wait_for_status(&mut client, &id, "delivered").await?;
    }
    let verdict = world.settle(&server).await?;
    assert_eq!(verdict.duplicates, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_delivered_is_kept_and_can_be_redelivered() -> Result<()> {
    let world = World::new("dead-letter").await?;
    let server = world.start().await?;
    let mut client = server.client();
    world.sink.set(Mode::Status(400, None));
    let id = world.submit(&mut client, &world.origin.page(1, PAGE)).await?;
    wait_for_status(&mut client, &id, "undelivered").await?;
    assert_eq!(world.sink.posts(), 2, "one more try after a refusal");
    let listed = client.get("/v1/jobs?status=undelivered").await?.json()?;
    assert_eq!(listed["jobs"][0]["id"], id.as_str());
    world.sink.set(Mode::Accept);
    let path = format!("/v1/jobs/{id}/redeliver");
    let answer = client.request(Method::POST, &path, &[], "".into()).await?;
    assert!((200..300).contains(&answer.status), "{}: {}", answer.status, answer.text());
    world.sink.wait_for(&id, LIMIT).await?;
    wait_for_status(&mut client, &id, "delivered").await?;
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_sink_does_not_hold_back_another() -> Result<()> {
    let world = World::new("isolation").await?.flags([
        "--sink-allow",
        "127.0.0.0/8",
        "--per-sink",
        "4",
        "--delivery-concurrency",
        "8",
        "--delivery-timeout",
        "20s",
    ]);
    let server = world.start().await?;
    let mut client = server.client();
    let secret = Some(SECRET.to_owned());
    let hanging = Sink::start(SinkConfig { secret, ..SinkConfig::default() }).await?;
    hanging.set(Mode::Slow(Duration::from_secs(15)));
    let mut stuck = Vec::new();
    for n in 0..30 {
        let (url, sink) = (world.origin.page(n, PAGE), hanging.url());
        let body = format!("{{\"url\":\"{url}\",\"sink\":\"{sink}\"}}");
        stuck.push(accepted_id(&client.post("/v1/jobs", body).await?)?);
    }
    hanging_is_busy(&world).await?;
    let started = tokio::time::Instant::now();
    world.load(4).run(Stop::Jobs(50), &world.ledger).await.check()?;
    world.settle(&server).await?;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    hanging.set(Mode::Accept);
    for id in &stuck {
        hanging.wait_for(id, LIMIT).await?;
    }
    Ok(())
}

/// All pages of the stuck jobs are fetched, so that their deliveries are what is left.
async fn hanging_is_busy(world: &World) -> Result<()> {
    let fetched = async || world.origin.report().requests() >= 30;
    eventually("the stuck jobs' pages", LIMIT, fetched).await
}
