//! `Prefer: wait`.

use std::time::Duration;

use bytes::Bytes;
use http::header;
use ingest::{Config, ServeConfig};
use jobs::{Bounds, Outcome, Settlement, Store as _, Verdict};
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use crate::served::{Server, read_all, until};
use crate::world::{SCRAPE, World};

const JOB: &str = r#"{"url":"https://example.com","metadata":{"n":1}}"#;
const WAIT: [(&str, &str); 1] = [("prefer", "wait=20")];

/// Waits until there is a job, and ends it with this verdict and event.
async fn end_one(world: &World, verdict: Verdict, event: &'static [u8]) {
    until("a job is accepted", || world.store.counts().live() == 1).await;
    let result = Some(Bytes::from_static(event));
    let verdict = Some(verdict);
    world.settle(&SCRAPE, Outcome::Done { verdict, result, note: None }).await;
}

#[tokio::test]
async fn whoever_waits_gets_the_outcome_and_the_event() {
    let world = World::new();
    let event = br#"{"type":"job.succeeded","data":{"n":1.10}}"#;
    let (answer, ()) =
        tokio::join!(world.post_with(JOB, &WAIT), end_one(&world, Verdict::Succeeded, event));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("preference-applied"), "wait=20");
    assert_eq!(answer.header(header::VARY), "prefer");
    let body = answer.json();
    assert_eq!((&body["status"], &body["metadata"]["n"]), (&"fetched".into(), &1.into()));
    assert_eq!(body["result"]["type"], "job.succeeded");
    assert_eq!(answer.header(header::CONTENT_LOCATION), body["status_url"]);
    assert!(String::from_utf8_lossy(&answer.body).contains("1.10"), "byte for byte");
}

#[tokio::test]
async fn a_failure_is_an_outcome_too() {
    let world = World::new();
    let event = br#"{"type":"job.failed"}"#;
    let (answer, ()) =
        tokio::join!(world.post_with(JOB, &WAIT), end_one(&world, Verdict::Failed, event));
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &"failed".into()));
}

#[tokio::test]
async fn a_job_without_an_outcome_in_time_is_202() {
    let world = World::new();
    for (given, applied) in [("wait=0", "wait=0"), ("wait=1", "wait=1"), ("wait=\"0\"", "wait=0")] {
        let answer = world.post_with(JOB, &[("prefer", given)]).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (202, &"queued".into()));
        assert_eq!(answer.header("preference-applied"), applied);
        assert!(!answer.header(header::LOCATION).is_empty());
    }
}

#[tokio::test]
async fn a_long_wait_is_lowered_to_the_ceiling_and_that_is_told() {
    let config = Config { max_wait: Duration::from_secs(1), ..Config::default() };
    let world = World::with(config, Bounds::default());
    let begun = Instant::now();
    for asked in ["wait=2", "wait=99999999999999999999999999"] {
        let answer = world.post_with(JOB, &[("prefer", asked)]).await;
        assert_eq!(answer.status, 202);
        assert_eq!(answer.header("preference-applied"), "wait=1");
    }
    assert!(begun.elapsed() >= Duration::from_secs(2), "it did wait");
}

#[tokio::test]
async fn a_preference_that_cannot_be_read_is_not_there() {
    let world = World::new();
    for value in ["wait", "wait=soon", "wait=-1", "wait=1.5", "respond-async", "\u{fc}"] {
        let answer = world.post_with(JOB, &[("prefer", value)]).await;
        assert_eq!(answer.status, 202, "{value}");
        assert_eq!(answer.header("preference-applied"), "", "{value}");
        assert_eq!(answer.header(header::VARY), "prefer");
    }
}

#[tokio::test]
async fn no_more_wait_than_may() {
    let config = Config { max_waiting: 1, ..Config::default() };
    let world = World::with(config, Bounds::default());
    let second = async {
        until("a job is accepted", || world.store.counts().live() == 1).await;
        let answer = world.post_with(JOB, &WAIT).await;
        assert_eq!(answer.status, 202);
        for _ in 0..2 {
            world.fetched("{}").await;
        }
    };
    let (first, ()) = tokio::join!(world.post_with(JOB, &WAIT), second);
    assert_eq!(first.status, 200);
}

#[tokio::test]
async fn an_event_that_is_too_large_is_linked_to() {
    let world = World::new();
    let event: &'static [u8] = Vec::leak(format!("{{\"x\":\"{}\"}}", "x".repeat(5_000_000)).into());
    let (answer, ()) =
        tokio::join!(world.post_with(JOB, &WAIT), end_one(&world, Verdict::Succeeded, event));
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert!(body.get("result").is_none());
    assert_eq!(body["result_bytes"], event.len());
    assert!(body["result_url"].as_str().unwrap().ends_with("/result"));
}

#[tokio::test]
async fn a_repeated_submission_waits_for_the_first_one_s_job() {
    let world = World::new();
    let headers = [WAIT[0], ("idempotency-key", "one")];
    world.post_with(JOB, &headers[1..]).await;
    let (answer, ()) =
        tokio::join!(world.post_with(JOB, &headers), end_one(&world, Verdict::Succeeded, b"{}"));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("idempotency-replayed"), "true");
}

/// The verdict is known before the event is delivered, and the feed tells before the store knows.
#[tokio::test]
async fn whoever_is_told_of_it_looks_until_it_is_there() {
    let world = World::new();
    let _upkeep = world.at_work();
    let telling = async {
        until("a job is accepted", || world.store.counts().live() == 1).await;
        let lease = world.claim(&SCRAPE).await.lease;
        world.feed.publish("job.succeeded", lease.id, None, Bytes::from_static(b"{}"));
        tokio::time::sleep(Duration::from_millis(30)).await;
        let result = Some(Bytes::from_static(br#"{"type":"job.succeeded"}"#));
        let verdict = Some(Verdict::Succeeded);
        let outcome = Outcome::Done { verdict, result, note: None };
        let settlement = Settlement::new(lease, outcome);
        world.store.settle(vec![settlement], world.now()).await.unwrap();
    };
    let (answer, ()) = tokio::join!(world.post_with(JOB, &WAIT), telling);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["result"]["type"], "job.succeeded");
}

fn request(wait: &str) -> String {
    let length = JOB.len();
    format!(
        "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nPrefer: wait={wait}\r\nContent-Length: {length}\r\n\r\n{JOB}"
    )
}

#[tokio::test]
async fn a_wait_ends_when_the_server_stops() {
    let server = Server::start(Config::default(), ServeConfig::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(request("100").as_bytes()).await.unwrap();
    until("the job is accepted", || server.world.store.counts().live() == 1).await;
    server.stop.cancel();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_wait_ends_when_the_peer_goes_away() {
    let config = Config { max_waiting: 1, ..Config::default() };
    let server = Server::start(config, ServeConfig::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(request("100").as_bytes()).await.unwrap();
    until("the job is accepted", || server.world.store.counts().live() == 1).await;
    drop(stream);
    // Its place is free: another may wait, and does.
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let asking = server.world.post_with(JOB, &[("prefer", "wait=1")]);
        let begun = Instant::now();
        assert_eq!(asking.await.status, 202);
        if begun.elapsed() >= Duration::from_secs(1) {
            break;
        }
        assert!(Instant::now() < end, "nobody left");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.stop().await;
}
