//! One job: shown, read, cancelled, redelivered, refetched.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use ingest::{Config, SinkSpec};
use jobs::{Bounds, JobId, Next, Outcome, Store as _, Verdict};

use crate::desk::Desk;
use crate::world::{DELIVER, SCRAPE, World};

const PLAIN: &str = r#"{"url":"https://example.com"}"#;
const WITH_SINK: &str = r#"{"url":"https://example.com","sink":
    {"url":"https://s.example/in?token=t","headers":{"authorization":"Bearer hidden"}}}"#;

/// Moves the next fetched job on to its sink.
async fn advance(world: &World, result: &'static str) {
    let next = Next {
        stage: DELIVER,
        lane: jobs::LaneKey::new("s.example"),
        due: world.now(),
        verdict: Verdict::Succeeded,
        result: Bytes::from_static(result.as_bytes()),
    };
    world.settle(&SCRAPE, Outcome::Advance(next)).await;
}

async fn delivered(world: &World) -> JobId {
    let id = world.submit(WITH_SINK).await;
    advance(world, "{\"event\":1}").await;
    world.settle(&DELIVER, Outcome::Done { verdict: None, result: None, note: None }).await;
    id
}

#[tokio::test]
async fn a_job_is_shown_at_each_step() {
    let world = World::new();
    let id = world.submit(WITH_SINK).await;
    let path = format!("/v1/jobs/{id}");
    let shown = world.get(&path).await;
    assert_eq!(shown.status, 200);
    assert!(!String::from_utf8_lossy(&shown.body).contains("hidden"), "header fields stay here");
    let job = shown.json();
    assert_eq!(job["status"], "queued");
    assert_eq!(job["stage"], "scrape");
    assert_eq!(job["sink"], "https://s.example/in?token=t");
    assert_eq!(job["next_attempt_at"], "2026-11-22T10:00:00Z");
    assert!(job["result_url"].is_null());
    world.pass(Duration::from_millis(1500));
    let at = world.now() + Duration::from_secs(60);
    let note = "connection refused".to_owned();
    world.settle(&SCRAPE, Outcome::Retry { at, note }).await;
    let job = world.get(&path).await.json();
    assert_eq!((&job["attempts"], &job["note"]), (&1.into(), &"connection refused".into()));
    assert_eq!(job["next_attempt_at"], "2026-11-22T10:01:01.5Z");
    assert_eq!(job["updated_at"], "2026-11-22T10:00:01.5Z");
    world.pass(Duration::from_secs(60));
    advance(&world, "{\"event\":1}").await;
    let job = world.get(&path).await.json();
    assert_eq!((&job["status"], &job["stage"]), (&"delivering".into(), &"deliver".into()));
    assert_eq!(job["result_url"], format!("{path}/result"));
    assert_eq!(job["result_bytes"], 11);
    world.settle(&DELIVER, Outcome::Done { verdict: None, result: None, note: None }).await;
    let job = world.get(&path).await.json();
    assert_eq!(job["status"], "delivered");
    assert!(job["next_attempt_at"].is_null());
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let world = World::new();
    let unknown = JobId::draw();
    for (method, suffix) in [
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/result"),
        ("POST", "/redeliver"),
        ("POST", "/refetch"),
    ] {
        for id in [unknown.to_string().as_str(), "1", "%00", "%ff", "..", &"x".repeat(5000)] {
            let path = format!("/v1/jobs/{id}{suffix}");
            let answer = world.call(method, &path).await;
            answer.problem(404);
            assert!(answer.body.len() < 2048);
        }
    }
    let detail = world.get("/v1/jobs/12").await.problem(404);
    assert!(detail.starts_with("12: not a job id: expected a hyphenated UUID"), "{detail}");
}

#[tokio::test]
async fn the_result_is_the_stored_bytes() {
    let world = World::new();
    let id = world.submit(PLAIN).await;
    let path = format!("/v1/jobs/{id}/result");
    let detail = world.get(&path).await.problem(404);
    assert_eq!(detail, format!("job {id} has no result; it is queued"));
    world.fetched("{ \"event\" : 1 }").await;
    let answer = world.get(&path).await;
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"{ \"event\" : 1 }"[..]));
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
    assert_eq!(answer.header(header::CONTENT_LENGTH), "15");
    let tag = answer.header(header::ETAG).to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");

    for (field, status) in [
        (tag.clone(), 304),
        (format!("\"x\", W/{tag}"), 304),
        ("*".into(), 304),
        ("\"x\"".into(), 200),
    ] {
        let request = Request::get(&path).header(header::IF_NONE_MATCH, &field);
        let answer = world.send(request.body("".into()).unwrap()).await;
        assert_eq!(answer.status, status, "{field}");
        assert_eq!(answer.header(header::ETAG), tag);
        assert_eq!(answer.body.is_empty(), status == 304);
    }
    let head = world.call("HEAD", &path).await;
    assert_eq!((head.header(header::CONTENT_LENGTH), head.body.len()), ("15", 0));
}

#[tokio::test]
async fn another_result_has_another_tag() {
    let world = World::new();
    let id = world.submit(PLAIN).await;
    world.fetched("{\"a\":1}").await;
    let path = format!("/v1/jobs/{id}/result");
    let first = world.get(&path).await;
    world.pass(Duration::from_millis(1));
    world.call("POST", &format!("/v1/jobs/{id}/refetch")).await;
    world.fetched("{\"a\":2}").await;
    let second = world.get(&path).await;
    assert_eq!(&second.body[..], b"{\"a\":2}");
    assert_ne!(first.header(header::ETAG), second.header(header::ETAG));
}

#[tokio::test]
async fn cancelling_is_once_and_for_all() {
    let world = World::new();
    let id = world.submit(PLAIN).await;
    let path = format!("/v1/jobs/{id}");
    for _ in 0..2 {
        let answer = world.call("DELETE", &path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["status"], "cancelled");
    }
    assert_eq!(world.store.counts().cancelled, 1);
}

#[tokio::test]
async fn a_cancelled_job_tells_its_sink_once() {
    let world = World::new();
    let id = world.submit(WITH_SINK).await;
    for _ in 0..2 {
        assert_eq!(world.call("DELETE", &format!("/v1/jobs/{id}")).await.status, 200);
    }
    let claimed = world.claim(&DELIVER).await;
    assert_eq!((claimed.lease.id, claimed.verdict), (id, Some(Verdict::Cancelled)));
    let event = world.get(&format!("/v1/jobs/{id}/result")).await;
    assert_eq!(&event.body[..], format!("{{\"cancelled\":\"{id}\"}}").as_bytes());
}

#[tokio::test]
async fn what_is_over_cannot_be_cancelled() {
    let world = World::new();
    let id = delivered(&world).await;
    let detail = world.call("DELETE", &format!("/v1/jobs/{id}")).await.problem(409);
    assert_eq!(detail, format!("job {id} is delivered and cannot be cancelled"));
}

#[tokio::test]
async fn a_delivered_job_is_redelivered() {
    let world = World::new();
    let id = delivered(&world).await;
    let path = format!("/v1/jobs/{id}/redeliver");
    let answer = world.call("POST", &path).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.json()["status"], "delivering");
    let detail = world.call("POST", &path).await.problem(409);
    assert_eq!(detail, format!("job {id} is delivering, not over yet"));
    assert_eq!(world.claim(&DELIVER).await.lease.id, id);
}

#[tokio::test]
async fn an_event_is_redelivered_to_another_sink() {
    let desk = Desk::with_operators("archive", SinkSpec::new("https://a.example".parse().unwrap()));
    let bounds = Bounds::default();
    let world = World::composed(Config::default(), bounds, Arc::new(desk), |store| store);
    let id = delivered(&world).await;
    let path = format!("/v1/jobs/{id}/redeliver");
    for (body, pointer) in [
        (r#"{"sink":"nobody"}"#, "/sink"),
        (r#"{"sink":""}"#, "/sink"),
        (r#"{"sink":1}"#, "/sink"),
        (r#"{"to":"archive"}"#, "/to"),
        ("[]", ""),
    ] {
        let answer = world.give("POST", &path, body).await;
        answer.problem(422);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    world.give("POST", &path, "{").await.problem(400);
    let request = Request::post(&path).body(r#"{"sink":"archive"}"#.into()).unwrap();
    world.send(request).await.problem(415);
    let answer = world.give("POST", &path, r#"{"sink":"archive"}"#).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(world.record(id).await.lane.as_str(), "archive");
}

#[tokio::test]
async fn there_must_be_something_to_redeliver_and_somebody_to_take_it() {
    let world = World::new();
    let plain = world.submit(PLAIN).await;
    world.fetched("{}").await;
    let detail = world.call("POST", &format!("/v1/jobs/{plain}/redeliver")).await.problem(409);
    assert_eq!(detail, format!("job {plain} has no sink to deliver to"));
    let dead = world.submit(WITH_SINK).await;
    world.settle(&SCRAPE, Outcome::Dead { note: "gone".to_owned() }).await;
    let detail = world.call("POST", &format!("/v1/jobs/{dead}/redeliver")).await.problem(409);
    assert!(detail.contains("no event to deliver"), "{detail}");
}

#[tokio::test]
async fn a_job_that_is_over_is_fetched_again() {
    let world = World::new();
    let id = delivered(&world).await;
    let path = format!("/v1/jobs/{id}/refetch");
    let answer = world.call("POST", &path).await;
    assert_eq!((answer.status.as_u16(), answer.json()["status"].clone()), (202, "queued".into()));
    world.call("POST", &path).await.problem(409);
    assert_eq!(world.claim(&SCRAPE).await.lease.id, id);
}

#[tokio::test]
async fn a_job_past_its_deadline_is_not_fetched_again() {
    let world = World::new();
    let id = world.submit(r#"{"url":"https://example.com","deadline":"1m"}"#).await;
    world.fetched("{}").await;
    world.pass(Duration::from_secs(60));
    let detail = world.call("POST", &format!("/v1/jobs/{id}/refetch")).await.problem(409);
    assert!(detail.contains("deadline"), "{detail}");
}
