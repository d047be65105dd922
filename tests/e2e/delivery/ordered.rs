//! A sink that wants one event at a time, in order; one that asks for patience; one that refuses for
//! good.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::{Inbox, Reply};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::desk::{change, conserved, define, job_for, sink_becomes, world};
use crate::world::{LIMIT, wait_for_status};

/// Jobs in order.
const JOBS: u64 = 20;

/// Longer than the clock's finest step: what comes later is later.
const APART: Duration = Duration::from_millis(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordered_sink_keeps_its_order_under_failures() -> Result<()> {
    let world = world("ordered").await?;
    let inbox = Inbox::start().await?;
    let server = world.start().await?;
    let mut client = server.client();
    let schedule = ["0s", "100ms", "100ms", "200ms", "200ms", "500ms", "500ms"];
    let definition = json!({"name": "log", "url": inbox.url(), "ordered": true,
                            "schedule": schedule, "enabled": false});
    define(&mut client, &definition).await?;
    let mut ids = Vec::new();
    for n in 0..JOBS {
        ids.push(job_for(&world, &mut client, n, "log").await?);
        sleep(APART).await;
    }
    let all_wait = |sink: &Value| sink["waiting"] == JOBS;
    sink_becomes(&mut client, "log", "to have them all", all_wait).await?;
    assert!(inbox.posts().is_empty(), "a disabled sink is sent nothing");
    inbox.reply(|nth, _| Reply::status(if nth % 4 == 1 { 503 } else { 204 }));
    change(&mut client, "log", &json!({"enabled": true})).await?;

    let posts = conserved(&inbox, &ids).await?;
    let taken: Vec<&str> = posts.iter().filter(|p| p.is_taken()).map(|p| p.id()).collect();
    assert_eq!(taken, ids, "taken in another order than they came to be");
    let mut tried: Vec<&str> = posts.iter().map(|post| post.id()).collect();
    ensure!(tried.len() > ids.len(), "nothing failed: nothing was shown");
    tried.dedup();
    assert_eq!(tried, ids, "another was tried before the one before it was taken");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_asks_for_patience_gets_it_for_all_that_waits() -> Result<()> {
    let world = world("patience").await?;
    let inbox = Inbox::start().await?;
    let server = world.start().await?;
    let mut client = server.client();
    define(&mut client, &json!({"name": "slow", "url": inbox.url(), "concurrency": 1})).await?;
    inbox.reply(|nth, _| match nth {
        0 => Reply::status(429).with("retry-after", "2"),
        _ => Reply::status(204),
    });
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(job_for(&world, &mut client, n, "slow").await?);
    }
    let posts = conserved(&inbox, &ids).await?;
    let pause_us = posts[1].at_us - posts[0].at_us;
    ensure!(pause_us >= 1_900_000, "the next one came after {pause_us} µs");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_can_refuse_for_good() -> Result<()> {
    let world = world("declined").await?;
    let inbox = Inbox::start().await?;
    let server = world.start().await?;
    let mut client = server.client();
    define(&mut client, &json!({"name": "crm", "url": inbox.url()})).await?;
    inbox.reply_with(Reply::status(503).with("pagewire-retry", "never"));
    let id = job_for(&world, &mut client, 1, "crm").await?;
    wait_for_status(&mut client, &id, "undelivered").await?;
    assert_eq!(inbox.posts().len(), 1);
    inbox.reply_with(Reply::status(204));
    let path = format!("/v1/jobs/{id}/redeliver");
    let answer = client.request(harness::Method::POST, &path, &[], "".into()).await?;
    assert_eq!(answer.status, 202, "{}", answer.text());
    inbox.wait_for(&id, LIMIT).await?;
    Ok(())
}
