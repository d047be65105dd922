//! What a sink's bodies look like.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use harness::{Inbox, Post, page};
use serde_json::{Value, json};

use super::desk::{conserved, define, job_for, world};
use crate::world::{LIMIT, PAGE, SECRET};

/// One event at a sink defined like this.
async fn post_of(name: &str, mut definition: Value) -> Result<(String, Post)> {
    let world = world(name).await?;
    let inbox = Inbox::start().await?;
    let server = world.start().await?;
    let mut client = server.client();
    definition["name"] = "out".into();
    definition["url"] = inbox.url().into();
    definition["secret"] = SECRET.into();
    define(&mut client, &definition).await?;
    let id = job_for(&world, &mut client, 7, "out").await?;
    let post = inbox.wait_for(&id, LIMIT).await.with_context(|| server.log_tail())?;
    post.verify(SECRET)?;
    conserved(&inbox, std::slice::from_ref(&id)).await?;
    Ok((id, post))
}

fn has_page(text: &str) -> bool {
    page::markers(7, PAGE).iter().all(|marker| text.contains(marker.as_str()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_compressed_on_request_and_signed_as_it_was() -> Result<()> {
    let (id, post) = post_of("gzip", json!({"gzip": true})).await?;
    assert_eq!(post.header("content-encoding"), "gzip");
    ensure!(post.body.len() < post.plain()?.len());
    let event = post.json()?;
    assert_eq!(event["data"]["id"], id.as_str());
    ensure!(event["data"]["markdown"].as_str().is_some_and(has_page), "{event}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_can_travel_as_a_cloud_event() -> Result<()> {
    let (id, post) = post_of("cloud", json!({"format": "cloudevents"})).await?;
    ensure!(post.header("content-type").starts_with("application/cloudevents+json"), "{post:?}");
    let event = post.json()?;
    assert_eq!(
        (&event["specversion"], &event["type"], &event["id"]),
        (&json!("1.0"), &json!("job.succeeded"), &json!(id))
    );
    ensure!(event["source"].as_str().is_some_and(|source| !source.is_empty()), "{event}");
    assert_eq!(event["data"]["id"], id.as_str());
    ensure!(event["data"]["markdown"].as_str().is_some_and(has_page), "{event}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_can_travel_alone() -> Result<()> {
    let (_, post) = post_of("raw", json!({"format": "raw"})).await?;
    ensure!(post.header("content-type").starts_with("text/markdown"), "{post:?}");
    let text = String::from_utf8(post.plain()?.to_vec())?;
    ensure!(has_page(&text) && !text.starts_with('{'), "{text}");
    assert_eq!(post.header("pagewire-event"), "job.succeeded");
    ensure!(post.header("pagewire-url").contains("/page/7"), "{post:?}");
    assert_eq!(post.header("pagewire-status"), "200");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_travel_together_as_lines_and_none_is_lost_or_repeated() -> Result<()> {
    let world = world("batch").await?;
    let inbox = Inbox::start().await?;
    let server = world.start().await?;
    let mut client = server.client();
    let definition = json!({"name": "lines", "url": inbox.url(), "secret": SECRET, "gzip": true,
                            "batch": {"max_events": 10, "max_wait": "400ms"}});
    define(&mut client, &definition).await?;
    // The first POST fails: its events come again, together or not.
    inbox.reply(|nth, _| harness::Reply::status(if nth == 0 { 503 } else { 204 }));
    let mut ids = Vec::new();
    for n in 0..35 {
        ids.push(job_for(&world, &mut client, n, "lines").await?);
    }
    let has_all = |posts: &[Post]| {
        let taken = lines_of(posts).unwrap_or_default();
        ids.iter().all(|id| taken.contains_key(id))
    };
    let posts = inbox.wait_until("every line", LIMIT, has_all).await?;
    for post in &posts {
        post.verify(SECRET)?;
        ensure!(post.header("content-type").starts_with("application/x-ndjson"), "{post:?}");
        let lines = post.plain()?.split(|byte| *byte == b'\n').filter(|l| !l.is_empty()).count();
        ensure!(lines <= 10, "{lines} events in one POST");
    }
    ensure!(posts.len() < ids.len(), "nothing travelled together: {} POSTs", posts.len());
    let taken = lines_of(&posts)?;
    assert_eq!(taken.len(), ids.len(), "nobody asked for one of them");
    ensure!(taken.values().all(|times| *times == 1), "{taken:?}");
    Ok(())
}

/// How often each event was taken.
fn lines_of(posts: &[Post]) -> Result<HashMap<String, u32>> {
    let mut taken = HashMap::new();
    for post in posts.iter().filter(|post| post.is_taken()) {
        let plain = post.plain()?;
        for line in plain.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let event: Value = serde_json::from_slice(line)?;
            let id = event["data"]["id"].as_str().context("an id in each line")?;
            *taken.entry(id.to_owned()).or_default() += 1;
        }
    }
    Ok(taken)
}
