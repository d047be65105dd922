//! `Prefer: wait`.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::{Accepted, Answer, Connection, Method};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::world::{LIMIT, PAGE, World};

/// Submits and waits, at most that many seconds.
async fn submit(client: &mut Connection, job: &Value, seconds: u64) -> Result<Answer> {
    let wait = format!("wait={seconds}");
    let headers = [("content-type", "application/json"), ("prefer", wait.as_str())];
    Ok(client.request(Method::POST, "/v1/jobs", &headers, job.to_string().into()).await?)
}

fn note(world: &World, answer: &Answer, url: &str) -> Result<String> {
    let id = answer.json()?["id"].as_str().unwrap_or_default().to_owned();
    ensure!(!id.is_empty(), "{}", answer.text());
    let accepted = Accepted { id: id.clone(), url: url.to_owned(), sent_us: 0, accepted_us: 0 };
    world.ledger.accept(accepted);
    Ok(id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_prefers_to_wait_gets_the_page_or_the_failure() -> Result<()> {
    let world = World::new("wait").await?;
    let server = world.start().await?;
    let mut client = server.client();
    let url = world.origin.page(1, PAGE);
    let answer = submit(&mut client, &json!({"url": url, "formats": ["text"]}), 20).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("preference-applied"), Some("wait=20"));
    ensure!(answer.header("vary").is_some_and(|vary| vary.contains("prefer")), "{answer:?}");
    let told = answer.json()?;
    assert_eq!(told["result"]["type"], "job.succeeded", "{told}");
    let content = harness::page::Content {
        text: told["result"]["data"]["text"].as_str().map(str::to_owned),
        ..Default::default()
    };
    assert_eq!(harness::page::fault(&url, &content), None);
    let id = note(&world, &answer, &url)?;
    world.sink.wait_for(&id, LIMIT).await?;

    let url = world.origin.url(1, "/fail/404/1");
    let answer = submit(&mut client, &json!({"url": url}), 20).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()?["result"]["data"]["error"]["code"], "status");
    note(&world, &answer, &url)?;
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_time_runs_out_the_job_is_accepted_all_the_same() -> Result<()> {
    let world = World::new("wait-long").await?;
    let server = world.start().await?;
    let mut client = server.client();
    world.origin.hold();
    let url = world.origin.page(1, PAGE);
    let asked = Instant::now();
    let answer = submit(&mut client, &json!({"url": url}), 1).await?;
    assert_eq!(answer.status, 202, "{}", answer.text());
    ensure!(asked.elapsed() >= Duration::from_millis(900), "it did not wait");
    assert_eq!(answer.header("preference-applied"), Some("wait=1"));
    let id = note(&world, &answer, &url)?;

    // Who hangs up while it waits takes nothing back.
    let url = world.origin.page(2, PAGE);
    let mut leaves = server.client().with_timeout(Duration::from_millis(500));
    let left = submit(&mut leaves, &json!({"url": url}), 20).await;
    ensure!(left.is_err(), "{left:?}");
    world.ledger.doubt(&url);
    world.origin.release();
    world.sink.wait_for(&id, LIMIT).await?;
    let both = async || world.sink.delivered() >= 2;
    harness::eventually("both events", LIMIT, both).await?;
    world.settle(&server).await?;
    Ok(())
}
