//! Redrives by filter.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header;
use ingest::{Config, SinkSpec};
use jobs::{
    Bounds, Cancelled, JobId, LaneKey, Next, Outcome, Redrive, Settlement, State, Store as _,
    Verdict,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::desk::Desk;
use crate::served::PATIENCE;
use crate::world::{DELIVER, SCRAPE, World};

const EVENT: &str = r#"{"type":"job.succeeded"}"#;

fn world(config: Config) -> World {
    let desk = Desk::with_operators("archive", SinkSpec::new("https://a.example".parse().unwrap()));
    World::composed(config, Bounds::default(), Arc::new(desk), |store| store)
}

fn plain() -> World {
    world(Config::default())
}

/// A job to `host` whose event its sink did not take.
async fn undelivered(world: &World, host: &str, rest: &str) -> JobId {
    let body = format!(r#"{{"url":"https://{host}","sink":"https://s.example/in"{rest}}}"#);
    let id = world.submit(&body).await;
    world.advance("s.example", EVENT).await;
    world.settle(&DELIVER, Outcome::Dead { note: "no".to_owned() }).await;
    id
}

/// The redrive once it is over.
async fn over(world: &World, location: &str) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let redrive = world.get(location).await.json();
        if redrive["status"] != "running" {
            return redrive;
        }
        assert!(Instant::now() < end, "{redrive}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn started(world: &World, body: &str) -> String {
    let answer = world.give("POST", "/v1/redrive", body.to_owned()).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let location = answer.header(header::LOCATION).to_owned();
    let redrive = answer.json();
    assert_eq!(location, format!("/v1/redrive/{}", redrive["id"].as_str().unwrap()));
    location
}

async fn redriven(world: &World, body: &str) -> Value {
    let location = started(world, body).await;
    over(world, &location).await
}

/// The counts of a redrive that ran to its end.
fn counts(redrive: &Value) -> [u64; 4] {
    assert_eq!(redrive["status"], "done", "{redrive}");
    ["matched", "redriven", "skipped", "failed"].map(|name| redrive[name].as_u64().unwrap())
}

async fn states(world: &World, ids: &[JobId]) -> Vec<State> {
    let mut states = Vec::new();
    for id in ids {
        states.push(world.record(*id).await.state);
    }
    states
}

#[tokio::test]
async fn what_was_not_delivered_is_delivered_again() {
    let world = plain();
    let mut dead = Vec::new();
    for _ in 0..70 {
        dead.push(undelivered(&world, "h.example", "").await);
    }
    let done = world.submit(r#"{"url":"https://h.example"}"#).await;
    world.fetched("{}").await;
    let redrive = redriven(&world, r#"{"action":"redeliver"}"#).await;
    assert_eq!(counts(&redrive), [70, 70, 0, 0]);
    assert_eq!(redrive["more"], false);
    assert_eq!(redrive["ended_at"], "2026-11-22T10:00:00Z");
    assert!(states(&world, &dead).await.iter().all(|state| *state == State::Waiting));
    assert_eq!(world.record(done).await.state, State::Done);
    let record = world.record(dead[0]).await;
    assert_eq!((record.stage, record.attempts), (DELIVER, 0));
    // Repeating it finds nothing left to do.
    assert_eq!(counts(&redriven(&world, r#"{"action":"redeliver"}"#).await), [0, 0, 0, 0]);
}

#[tokio::test]
async fn beyond_the_limit_the_oldest_go_first() {
    let world = plain();
    let mut dead = Vec::new();
    for _ in 0..5 {
        dead.push(undelivered(&world, "h.example", "").await);
    }
    let redrive = redriven(&world, r#"{"action":"redeliver","limit":2}"#).await;
    assert_eq!(counts(&redrive), [5, 2, 0, 0]);
    assert_eq!((&redrive["more"], &redrive["limit"]), (&json!(true), &json!(2)));
    use State::{Dead, Waiting};
    assert_eq!(states(&world, &dead).await, [Waiting, Waiting, Dead, Dead, Dead]);
}

#[tokio::test]
async fn a_dry_run_only_counts() {
    let world = plain();
    let id = undelivered(&world, "h.example", "").await;
    let redrive = redriven(&world, r#"{"action":"redeliver","dry_run":true}"#).await;
    assert_eq!(counts(&redrive), [1, 0, 0, 0]);
    assert_eq!((&redrive["dry_run"], &redrive["scanned"]), (&json!(true), &json!(1)));
    assert_eq!(world.record(id).await.state, State::Dead);
}

#[tokio::test]
async fn only_what_fits_every_filter_is_meant() {
    let world = plain();
    undelivered(&world, "a.example", r#","tags":["x"]"#).await;
    undelivered(&world, "b.example", r#","tags":["x","y"]"#).await;
    world.submit(r#"{"url":"https://a.example"}"#).await;
    world.fetched("{}").await;
    for (filter, matched) in [
        ("", 2),
        (r#","tag":"x""#, 2),
        (r#","tag":"y""#, 1),
        (r#","host":"A.example""#, 1),
        (r#","host":"a.example","tag":"y""#, 0),
        (r#","sink":"https://s.example/in""#, 2),
        (r#","sink":"s.example""#, 2),
        (r#","sink":"archive""#, 0),
        (r#","status":["fetched"]"#, 1),
        (r#","status":["fetched","undelivered"]"#, 3),
        (r#","status":["fetched","undelivered"],"host":"a.example""#, 2),
        (r#","status":["delivered"]"#, 0),
        (r#","since":"24h","until":null"#, 2),
        (r#","until":"2020-01-01T00:00:00Z""#, 0),
        (r#","since":"2200-01-01T00:00:00Z""#, 0),
    ] {
        let body = format!(r#"{{"action":"redeliver","dry_run":true{filter}}}"#);
        assert_eq!(counts(&redriven(&world, &body).await)[0], matched, "{filter}");
    }
}

#[tokio::test]
async fn jobs_are_found_by_why_they_failed() {
    let world = plain();
    // What its event says, and what was tried last in either stage.
    world.submit(r#"{"url":"https://a.example","sink":"https://s.example/in"}"#).await;
    let event = r#"{"type":"job.failed","data":{"error":{"code":"deadline","detail":"late"}}}"#;
    let next = Next {
        stage: DELIVER,
        lane: LaneKey::new("s.example"),
        due: world.now(),
        verdict: Verdict::Failed,
        result: Bytes::from_static(event.as_bytes()),
    };
    world.settle(&SCRAPE, Outcome::Advance(next)).await;
    for (outcome, word) in [
        (Outcome::Retry { at: world.now(), note: String::new() }, "gone"),
        (Outcome::Dead { note: String::new() }, "retryable"),
    ] {
        let lease = world.claim(&DELIVER).await.lease;
        let entry = format!(r#"{{"stage":"deliver","outcome":"{word}"}}"#);
        let settlement =
            Settlement { attempt: Some(entry.into()), ..Settlement::new(lease, outcome) };
        world.store.settle(vec![settlement], world.now()).await.unwrap();
    }
    undelivered(&world, "b.example", "").await;
    for (code, matched) in [("deadline", 1), ("retryable", 1), ("gone", 0), ("dns", 0)] {
        let body = format!(r#"{{"action":"redeliver","dry_run":true,"error":"{code}"}}"#);
        assert_eq!(counts(&redriven(&world, &body).await)[0], matched, "{code}");
    }
}

#[tokio::test]
async fn events_go_to_another_sink_when_one_is_named() {
    let world = plain();
    let id = undelivered(&world, "h.example", "").await;
    let redrive = redriven(&world, r#"{"action":"redeliver","to":"archive"}"#).await;
    assert_eq!(counts(&redrive), [1, 1, 0, 0]);
    assert_eq!(redrive["to"], "archive");
    assert_eq!(world.record(id).await.lane.as_str(), "archive");
}

#[tokio::test]
async fn pages_are_fetched_again_unless_it_is_too_late() {
    let world = plain();
    let late = undelivered(&world, "h.example", r#","deadline":"1m""#).await;
    let id = undelivered(&world, "h.example", "").await;
    world.pass(Duration::from_secs(60));
    let redrive = redriven(&world, r#"{"action":"refetch"}"#).await;
    assert_eq!(counts(&redrive), [2, 1, 1, 0]);
    assert_eq!(world.record(late).await.state, State::Dead);
    assert_eq!(world.record(id).await.stage, SCRAPE);
}

#[tokio::test]
async fn what_has_no_event_or_no_sink_is_passed_over() {
    let world = plain();
    world.submit(r#"{"url":"https://h.example","sink":"https://s.example/in"}"#).await;
    world.settle(&SCRAPE, Outcome::Dead { note: "no".to_owned() }).await;
    world.submit(r#"{"url":"https://h.example"}"#).await;
    world.fetched("{}").await;
    let body = r#"{"action":"redeliver","status":["undelivered","fetched"]}"#;
    assert_eq!(counts(&redriven(&world, body).await), [2, 0, 2, 0]);
}

/// A server with one job that takes all the room, and one that was not delivered.
async fn crowded() -> (World, JobId, JobId) {
    let world = world(Config { redrive_live_jobs: 1, ..Config::default() });
    let dead = undelivered(&world, "h.example", "").await;
    let live = world.submit(r#"{"url":"https://h.example"}"#).await;
    (world, dead, live)
}

async fn until_waiting(world: &World, location: &str) {
    let end = Instant::now() + PATIENCE;
    while world.get(location).await.json()["waiting_for_room"] == false {
        assert!(Instant::now() < end);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_redrive_waits_until_there_is_room() {
    let (world, dead, live) = crowded().await;
    let location = started(&world, r#"{"action":"redeliver"}"#).await;
    until_waiting(&world, &location).await;
    assert_eq!(world.record(dead).await.state, State::Dead);
    world.call("DELETE", &format!("/v1/jobs/{live}")).await;
    let redrive = over(&world, &location).await;
    assert_eq!(counts(&redrive), [1, 1, 0, 0]);
    assert_eq!(redrive["waiting_for_room"], false);
}

#[tokio::test]
async fn a_redrive_can_be_stopped() {
    let (world, dead, _) = crowded().await;
    let location = started(&world, r#"{"action":"redeliver"}"#).await;
    until_waiting(&world, &location).await;
    for _ in 0..2 {
        let answer = world.call("DELETE", &location).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["status"], "stopped");
    }
    assert_eq!(world.record(dead).await.state, State::Dead);
}

#[tokio::test]
async fn only_so_many_run_at_once() {
    let (world, _, _) = crowded().await;
    let mut locations = Vec::new();
    for _ in 0..4 {
        let location = started(&world, r#"{"action":"redeliver"}"#).await;
        until_waiting(&world, &location).await;
        locations.push(location);
    }
    let answer = world.give("POST", "/v1/redrive", r#"{"action":"redeliver"}"#).await;
    answer.problem(429);
    assert!(!answer.header(header::RETRY_AFTER).is_empty());
    world.call("DELETE", &locations[0]).await;
    locations.push(started(&world, r#"{"action":"redeliver"}"#).await);
    let listed = world.get("/v1/redrive").await.json();
    let ids = listed["redrives"].as_array().unwrap().iter();
    let mut ids: Vec<_> =
        ids.map(|r| format!("/v1/redrive/{}", r["id"].as_str().unwrap())).collect();
    ids.reverse();
    assert_eq!(ids, locations, "newest first");
}

#[tokio::test]
async fn the_latest_hundred_are_remembered() {
    let world = plain();
    let first = started(&world, r#"{"action":"redeliver"}"#).await;
    over(&world, &first).await;
    for _ in 0..100 {
        redriven(&world, r#"{"action":"redeliver"}"#).await;
    }
    let listed = world.get("/v1/redrive").await.json();
    assert_eq!(listed["redrives"].as_array().unwrap().len(), 100);
    world.get(&first).await.problem(404);
}

#[tokio::test]
async fn a_store_that_does_not_work_is_the_end_of_it() {
    let world = plain();
    undelivered(&world, "h.example", "").await;
    world.store.close().await.unwrap();
    let redrive = redriven(&world, r#"{"action":"redeliver"}"#).await;
    assert_eq!(redrive["status"], "failed");
    assert!(redrive["why"].as_str().unwrap().contains("closed"), "{redrive}");
}

#[tokio::test]
async fn a_job_that_was_taken_up_meanwhile_is_passed_over() {
    let (world, dead, live) = crowded().await;
    let location = started(&world, r#"{"action":"redeliver"}"#).await;
    until_waiting(&world, &location).await;
    let to = Redrive { stage: SCRAPE, lane: LaneKey::new("h.example"), due: world.now() };
    world.store.redrive(dead, to, world.now()).await.unwrap();
    for id in [live, dead] {
        let cancelled = world.store.cancel(id, None, world.now()).await.unwrap();
        assert_eq!(cancelled, Cancelled::Yes);
    }
    assert_eq!(counts(&over(&world, &location).await), [1, 0, 1, 0]);
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_its_place() {
    let world = plain();
    for (body, pointer) in [
        ("{}", "/action"),
        ("[]", ""),
        (r#"{"action":"repeat"}"#, "/action"),
        (r#"{"action":null}"#, "/action"),
        (r#"{"action":"redeliver","statuses":["failed"]}"#, "/statuses"),
        (r#"{"action":"redeliver","action":"refetch"}"#, "/action"),
        (r#"{"action":"redeliver","status":"failed"}"#, "/status"),
        (r#"{"action":"redeliver","status":[]}"#, "/status"),
        (r#"{"action":"redeliver","status":["gone"]}"#, "/status/0"),
        (r#"{"action":"redeliver","status":["failed","queued"]}"#, "/status/1"),
        (r#"{"action":"redeliver","status":["failed","failed"]}"#, "/status/1"),
        (r#"{"action":"redeliver","sink":""}"#, "/sink"),
        (r#"{"action":"redeliver","host":"a.example:443"}"#, "/host"),
        (r#"{"action":"redeliver","host":"https://a.example"}"#, "/host"),
        (r#"{"action":"redeliver","tag":""}"#, "/tag"),
        (r#"{"action":"redeliver","tag":["a"]}"#, "/tag"),
        (r#"{"action":"redeliver","since":"yesterday"}"#, "/since"),
        (r#"{"action":"redeliver","since":5}"#, "/since"),
        (r#"{"action":"redeliver","until":""}"#, "/until"),
        (r#"{"action":"redeliver","since":"1h","until":"2h"}"#, "/until"),
        (r#"{"action":"redeliver","error":""}"#, "/error"),
        (r#"{"action":"redeliver","error":"Time out"}"#, "/error"),
        (r#"{"action":"redeliver","to":"nobody"}"#, "/to"),
        (r#"{"action":"refetch","to":"archive"}"#, "/to"),
        (r#"{"action":"redeliver","limit":0}"#, "/limit"),
        (r#"{"action":"redeliver","limit":1000001}"#, "/limit"),
        (r#"{"action":"redeliver","limit":-1}"#, "/limit"),
        (r#"{"action":"redeliver","limit":"10"}"#, "/limit"),
        (r#"{"action":"redeliver","dry_run":"yes"}"#, "/dry_run"),
    ] {
        let answer = world.give("POST", "/v1/redrive", body).await;
        answer.problem(422);
        let problem = answer.json();
        assert_eq!(problem["type"], "urn:pagewire:problem:invalid-request");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    for body in ["", "{", "redeliver"] {
        world.give("POST", "/v1/redrive", body).await.problem(400);
    }
    world.call("POST", "/v1/redrive").await.problem(415);
    world.get("/v1/redrive?limit=1").await.problem(400);
    world.get("/v1/redrive/x").await.problem(404);
    world.get(&format!("/v1/redrive/{}", JobId::draw())).await.problem(404);
    let faults = world.give("POST", "/v1/redrive", r#"{"status":[],"limit":0,"host":""}"#).await;
    assert_eq!(faults.json()["errors"].as_array().unwrap().len(), 4, "all at once");
}
