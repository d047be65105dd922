//! One key, one job: whatever is repeated, and whenever.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use harness::{Accepted, Answer, Connection, Method};
use serde_json::json;
use tokio::task::JoinSet;

use crate::world::{LIMIT, PAGE, World, accepted_id, wait_for_status};

/// Connections that send the same at once.
const AT_ONCE: usize = 24;

async fn submit(client: &mut Connection, key: &str, body: &str) -> Result<Answer> {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    let body = body.to_owned().into();
    Ok(client.request(Method::POST, "/v1/jobs", &headers, body).await?)
}

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == Some("true")
}

fn note(world: &World, id: &str, url: &str) {
    let (id, url) = (id.to_owned(), url.to_owned());
    world.ledger.accept(Accepted { id, url, sent_us: 0, accepted_us: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_replayed_across_kill_9_and_refused_for_another_body() -> Result<()> {
    let world = World::new("replay").await?;
    let mut server = world.start().await?;
    let url = world.origin.page(1, PAGE);
    let body = json!({"url": url}).to_string();
    let first = submit(&mut server.client(), "once", &body).await?;
    let id = accepted_id(&first)?;
    ensure!(!is_replayed(&first), "{first:?}");
    note(&world, &id, &url);
    server.kill9()?;

    let server = world.start().await?;
    let mut client = server.client();
    for _ in 0..2 {
        let again = submit(&mut client, "once", &body).await?;
        assert_eq!(accepted_id(&again)?, id);
        ensure!(is_replayed(&again), "{again:?}");
        // Also once it is delivered.
        world.sink.wait_for(&id, LIMIT).await?;
    }
    let other = json!({"url": world.origin.page(2, PAGE)}).to_string();
    let refused = submit(&mut client, "once", &other).await?;
    assert_eq!(refused.status, 422, "{}", refused.text());
    ensure!(refused.text().contains("idempotency-key-reused"), "{}", refused.text());
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_job_frees_its_key() -> Result<()> {
    let world = World::new("freed").await?;
    let server = world.start().await?;
    let mut client = server.client();
    let url = world.origin.url(1, "/fail/404/7");
    let body = json!({"url": url}).to_string();
    let first = accepted_id(&submit(&mut client, "again", &body).await?)?;
    note(&world, &first, &url);
    wait_for_status(&mut client, &first, "failed").await?;
    let again = submit(&mut client, "again", &body).await?;
    let second = accepted_id(&again)?;
    ensure!(second != first && !is_replayed(&again), "{again:?}");
    note(&world, &second, &url);
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duplicates_sent_at_once_make_one_job() -> Result<()> {
    let world = World::new("at-once").await?;
    let server = world.start().await?;
    for round in 0..5_u64 {
        let url = world.origin.page(round, PAGE);
        let body = json!({"url": url}).to_string();
        let key = format!("round-{round}");
        let mut clients = JoinSet::new();
        for _ in 0..AT_ONCE {
            let mut client = server.client();
            let (key, body) = (key.clone(), body.clone());
            clients.spawn(async move { submit(&mut client, &key, &body).await });
        }
        let mut ids = HashSet::new();
        let mut made = 0;
        for answer in clients.join_all().await {
            let answer = answer?;
            // The first one is still being stored: come again.
            if answer.status == 409 {
                ensure!(answer.header("retry-after").is_some(), "{answer:?}");
                continue;
            }
            made += usize::from(!is_replayed(&answer));
            ids.insert(accepted_id(&answer)?);
        }
        assert_eq!((ids.len(), made), (1, 1), "{ids:?}");
        let later = submit(&mut server.client(), &key, &body).await?;
        ensure!(is_replayed(&later) && ids.contains(&accepted_id(&later)?), "{later:?}");
        note(&world, ids.iter().next().context("one id")?, &url);
    }
    world.settle(&server).await?;
    Ok(())
}
