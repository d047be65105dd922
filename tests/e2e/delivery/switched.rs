//! Sinks that are disabled, by themselves or by the server, and enabled again.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::{Inbox, Post, Reply};
use serde_json::{Value, json};

use super::desk::{change, conserved, define, fresh_job, job_for, sink_becomes, world};
use crate::world::wait_for_status;

/// Longest until the server has looked after its sinks.
const ROUNDS: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_is_gone_is_disabled_and_what_waits_is_delivered_once_it_is_enabled()
-> Result<()> {
    let world = world("gone").await?;
    let inbox = Inbox::start().await?;
    let mut server = world.start().await?;
    let mut client = server.client();
    define(&mut client, &json!({"name": "crm", "url": inbox.url(), "concurrency": 1})).await?;
    inbox.reply_with(Reply::status(410));
    let mut ids = vec![job_for(&world, &mut client, 0, "crm").await?];
    let disabled = |sink: &Value| sink["enabled"] == false;
    let told = sink_becomes(&mut client, "crm", "to be disabled", disabled).await?;
    ensure!(told["disabled"]["reason"].as_str().is_some_and(|why| why.contains("410")), "{told}");
    for n in 1..6 {
        ids.push(job_for(&world, &mut client, n, "crm").await?);
    }
    for id in &ids {
        wait_for_status(&mut client, id, "delivering").await?;
    }
    let all_wait = |sink: &Value| sink["waiting"] == 6;
    sink_becomes(&mut client, "crm", "to have all waiting", all_wait).await?;
    let before = inbox.posts().len();
    ensure!(before == 1, "asked again after it said that it is gone: {before} POSTs");

    server.kill9()?;
    let server = world.start().await?;
    let mut client = server.client();
    sink_becomes(&mut client, "crm", "to be disabled still", disabled).await?;
    inbox.reply_with(Reply::status(204));
    change(&mut client, "crm", &json!({"enabled": true})).await?;
    let posts = conserved(&inbox, &ids).await?;
    assert_eq!(posts.len(), 7, "one that was refused, and six that were taken");
    fresh_job(&world, &server, "crm", &inbox).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_fails_for_too_long_is_disabled_and_that_is_told_once() -> Result<()> {
    let operator = Inbox::start().await?;
    let world =
        world("failing").await?.flags(["--forward-to", &operator.url(), "--disable-after", "1s"]);
    let inbox = Inbox::start().await?;
    inbox.reply_with(Reply::status(500));
    let server = world.start().await?;
    let mut client = server.client();
    // Often enough to outlast all this.
    let schedule: Vec<&str> = std::iter::repeat_n("200ms", 30).collect();
    let definition = json!({"name": "crm", "url": inbox.url(), "schedule": schedule});
    define(&mut client, &definition).await?;
    let mut ids = Vec::new();
    for n in 0..40 {
        ids.push(job_for(&world, &mut client, n, "crm").await?);
    }
    let is_told = |post: &Post| {
        post.json()
            .is_ok_and(|told| told["type"] == "sink.disabled" && told["data"]["sink"] == "crm")
    };
    let what = "the operator to be told";
    operator.wait_until(what, ROUNDS, |posts| posts.iter().any(is_told)).await?;
    let disabled = |sink: &Value| sink["enabled"] == false;
    sink_becomes(&mut client, "crm", "to be disabled", disabled).await?;
    inbox.reply_with(Reply::status(204));
    change(&mut client, "crm", &json!({"enabled": true})).await?;
    conserved(&inbox, &ids).await?;
    let told = operator.posts();
    assert_eq!(told.iter().filter(|post| is_told(post)).count(), told.len(), "{told:?}");
    let mut notices: Vec<&str> = told.iter().map(Post::id).collect();
    notices.dedup();
    assert_eq!(notices.len(), 1, "told more than once");
    Ok(())
}
