//! How many jobs a key may submit.

use std::sync::Arc;
use std::time::Duration;

use http::header;
use ingest::{Config, NoSinks};
use jobs::{Bounds, Outcome, Verdict};
use serde_json::json;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::access::{OPERATOR, call, call_with, config, guarded, make, restarted};
use crate::served::PATIENCE;
use crate::world::{SCRAPE, World};

const JOB: &str = r#"{"url":"https://example.com"}"#;

async fn limited(world: &World, rate: &str, quota: &str) -> String {
    let wish = json!({"scopes":["submit","read"],"rate":rate,"quota":quota});
    make(world, OPERATOR, wish).await.1
}

async fn post(world: &World, key: &str) -> u16 {
    call(world, key, "POST", "/v1/jobs", JOB).await.status.as_u16()
}

#[tokio::test]
async fn a_rate_is_held_and_told_of() {
    let world = guarded();
    let key = limited(&world, "2/s", "100/d").await;
    let policy = "\"rate\";q=2;w=1, \"quota\";q=100;w=86400";
    for left in [1, 0] {
        let answer = call(&world, &key, "POST", "/v1/jobs", JOB).await;
        assert_eq!(answer.status, 202);
        assert_eq!(answer.header("ratelimit-policy"), policy);
        let told = answer.header("ratelimit");
        assert!(
            told.starts_with(&format!("\"rate\";r={left};t=1, \"quota\";r={}", 98 + left)),
            "{told}"
        );
    }
    let refused = call(&world, &key, "POST", "/v1/jobs", JOB).await;
    assert!(refused.problem(429).contains("2/s"));
    assert_eq!(refused.header(header::RETRY_AFTER), "1");
    assert_eq!(refused.header("ratelimit-policy"), policy);
    assert!(refused.header("ratelimit").starts_with("\"rate\";r=0;t=1"));
    let wait = refused.header(header::RETRY_AFTER).parse().unwrap();
    world.pass(Duration::from_secs(wait));
    assert_eq!(post(&world, &key).await, 202, "who waits as told is let in");
    let free = call(&world, OPERATOR, "POST", "/v1/jobs", JOB).await;
    assert_eq!((free.status.as_u16(), free.header("ratelimit")), (202, ""));
}

#[tokio::test]
async fn a_quota_is_held_until_its_window_ends() {
    let world = guarded();
    let key = limited(&world, "100/s", "2/h").await;
    assert_eq!((post(&world, &key).await, post(&world, &key).await), (202, 202));
    let refused = call(&world, &key, "POST", "/v1/jobs", JOB).await;
    assert!(refused.problem(429).contains("quota"));
    assert_eq!(refused.header(header::RETRY_AFTER), "3600", "it is ten o'clock sharp");
    world.pass(Duration::from_secs(3599));
    assert_eq!(post(&world, &key).await, 429);
    world.pass(Duration::from_secs(1));
    assert_eq!(post(&world, &key).await, 202);
}

#[tokio::test]
async fn a_restart_hands_out_no_new_quota() {
    let world = guarded();
    let key = limited(&world, "100/s", "2/d").await;
    assert_eq!((post(&world, &key).await, post(&world, &key).await), (202, 202));
    let stop = CancellationToken::new();
    stop.cancel();
    let upkeep = world.upkeep.lock().unwrap().take().unwrap();
    timeout(PATIENCE, upkeep.run(stop)).await.unwrap();
    let config = restarted(&world).await;
    let world = World::over(config, world.store.clone(), Arc::new(NoSinks), |store| store);
    assert_eq!(post(&world, &key).await, 429);
    world.pass(Duration::from_hours(14));
    assert_eq!(post(&world, &key).await, 202, "the next day");
}

#[tokio::test]
async fn what_was_not_accepted_is_not_counted() {
    let bounds = Bounds { jobs: 1, ..Bounds::default() };
    let world = World::with(Config { retry_after: Duration::from_secs(7), ..config() }, bounds);
    let key = limited(&world, "100/s", "2/d").await;
    for body in ["{", "{}", r#"{"url":"https://example.com","colour":"red"}"#] {
        let answer = call(&world, &key, "POST", "/v1/jobs", body).await;
        assert!(answer.status.is_client_error() && answer.status != 429, "{answer:?}");
    }
    let field = [("idempotency-key", "one")];
    for _ in 0..5 {
        let answer = call_with(&world, &key, "POST", "/v1/jobs", JOB, &field).await;
        assert_eq!(answer.status, 202, "what is replayed is not counted either");
    }
    for _ in 0..5 {
        let full = call(&world, &key, "POST", "/v1/jobs", JOB).await;
        full.problem(503);
        assert_eq!(full.header(header::RETRY_AFTER), "7");
        assert!(full.header("ratelimit").contains("\"quota\";r=1;"), "{full:?}");
    }
}

#[tokio::test]
async fn a_page_that_is_fetched_again_counts() {
    let world = guarded();
    let key = limited(&world, "100/s", "2/d").await;
    let job = call(&world, &key, "POST", "/v1/jobs", JOB).await.json();
    let path = format!("/v1/jobs/{}/refetch", job["id"].as_str().unwrap());
    for status in [202, 429] {
        let (verdict, result) = (Some(Verdict::Succeeded), Some("{}".into()));
        if status == 202 {
            world.settle(&SCRAPE, Outcome::Done { verdict, result, note: None }).await;
        }
        assert_eq!(call(&world, &key, "POST", &path, "").await.status, status);
    }
}

#[tokio::test]
async fn a_redrive_that_fetches_again_ends_with_the_quota() {
    let world = guarded();
    let key = limited(&world, "100/s", "3/d").await;
    for _ in 0..2 {
        assert_eq!(post(&world, &key).await, 202);
        world.fetched("{}").await;
    }
    let wish = r#"{"action":"refetch","status":["fetched"]}"#;
    let started = call(&world, &key, "POST", "/v1/redrive", wish).await;
    let at = started.header(header::LOCATION).to_owned();
    let end = Instant::now() + PATIENCE;
    let over = loop {
        let run = call(&world, &key, "GET", &at, "").await.json();
        if run["status"] != "running" {
            break run;
        }
        assert!(Instant::now() < end, "{run}");
        tokio::task::yield_now().await;
    };
    assert_eq!((&over["status"], &over["redriven"]), (&json!("failed"), &json!(1)), "{over}");
    assert!(over["why"].as_str().unwrap().contains("3/d"), "{over}");
}
