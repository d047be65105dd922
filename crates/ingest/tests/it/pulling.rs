//! Events that their receivers pull.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, header};
use ingest::{Config, Disabled, EventFormat, ServeConfig, SinkSpec, Sinks as _};
use jobs::{Bounds, JobId, LaneKey, Outcome, Redrive, State, Store as _};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, timeout};
use tower::ServiceExt as _;

use crate::desk::Desk;
use crate::served::{PATIENCE, Server, read_until};
use crate::world::{Answer, DELIVER, SCRAPE, World};

const EVENT: &str = r#"{"type":"job.succeeded","data":{}}"#;

fn spec() -> SinkSpec {
    SinkSpec::new("pull:".parse().unwrap())
}

fn desk() -> Arc<Desk> {
    let desk = Desk::with_operators("queue", spec());
    desk.sink_changed("other", Some(spec()));
    desk.sink_changed("hook", Some(SinkSpec::new("https://s.example".parse().unwrap())));
    Arc::new(desk)
}

fn world_with(config: Config, desk: Arc<Desk>) -> World {
    World::composed(config, Bounds::default(), desk, |store| store)
}

fn world() -> World {
    world_with(Config::default(), desk())
}

/// A job whose event waits in this lane.
async fn ready(world: &World, lane: &str) -> JobId {
    let id = world.submit(r#"{"url":"https://example.com"}"#).await;
    world.advance(lane, EVENT).await;
    id
}

async fn pull(world: &World, query: &str) -> Answer {
    world.get(&format!("/v1/pull?sink=queue&{query}")).await
}

/// The events of an answer that has some.
fn events(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    answer.json()["events"].as_array().unwrap().clone()
}

async fn one(world: &World) -> Value {
    let mut events = events(&pull(world, "wait=0s").await);
    assert_eq!(events.len(), 1);
    events.remove(0)
}

async fn none(world: &World) {
    let answer = pull(world, "wait=0s").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0), "{answer:?}");
}

/// What is said of the receipts of these events, and the verdicts on it.
async fn say(world: &World, what: &str, events: &[&Value], rest: &str) -> Vec<String> {
    let receipts: Vec<_> = events.iter().map(|event| &event["receipt"]).collect();
    let body = format!(r#"{{"receipts":{}{rest}}}"#, json!(receipts));
    let answer = world.give("POST", &format!("/v1/pull/{what}"), body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    let results = answer["results"].as_array().unwrap();
    assert!(results.iter().zip(&receipts).all(|(result, receipt)| result["receipt"] == **receipt));
    results.iter().map(|result| result["verdict"].as_str().unwrap().to_owned()).collect()
}

async fn until_waiting(world: &World, id: JobId) {
    let end = Instant::now() + PATIENCE;
    while world.record(id).await.state != State::Waiting {
        assert!(Instant::now() < end, "the lease is given back");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn events_are_pulled_and_acknowledged() {
    let world = world();
    none(&world).await;
    let id = ready(&world, "queue").await;
    let event = one(&world).await;
    assert_eq!(event["id"], id.to_string());
    assert_eq!((&event["attempt"], &event["event"]["type"]), (&json!(1), &json!("job.succeeded")));
    assert_eq!(event["visible_until"], "2026-11-22T10:01:00Z");
    none(&world).await;
    world.pass(Duration::from_millis(1500));
    assert_eq!(say(&world, "ack", &[&event], "").await, ["acked"]);
    let job = world.get(&format!("/v1/jobs/{id}")).await.json();
    assert_eq!(job["status"], "delivered");
    let attempts = world.get(&format!("/v1/jobs/{id}/attempts")).await.json();
    assert_eq!(
        attempts["attempts"],
        json!([{"stage":"deliver","attempt":1,"at":"2026-11-22T10:00:00Z","duration_ms":1500,"outcome":"ok"}])
    );
    for what in ["ack", "nack", "extend"] {
        assert_eq!(say(&world, what, &[&event], "").await, ["lost"], "{what}");
    }
}

#[tokio::test]
async fn they_come_in_order_and_no_more_than_asked_for() {
    let world = world();
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.push(ready(&world, "queue").await.to_string());
    }
    ready(&world, "other").await;
    let mut seen = Vec::new();
    for (query, count) in [("max=1&wait=0s", 1), ("wait=0s", 10), ("max=100&wait=0s", 1)] {
        let pulled = events(&pull(&world, query).await);
        assert_eq!(pulled.len(), count);
        seen.extend(pulled.iter().map(|event| event["id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn what_is_not_acknowledged_in_time_comes_again() {
    let world = world();
    let id = ready(&world, "queue").await;
    let first = events(&pull(&world, "wait=0s&visibility=5s").await).remove(0);
    assert_eq!(first["visible_until"], "2026-11-22T10:00:05Z");
    world.pass(Duration::from_secs(4));
    none(&world).await;
    world.pass(Duration::from_secs(1));
    let second = one(&world).await;
    assert_eq!((&second["id"], &second["attempt"]), (&json!(id.to_string()), &json!(1)));
    assert_eq!(say(&world, "ack", &[&first], "").await, ["lost"]);
    assert_eq!(say(&world, "ack", &[&second], "").await, ["acked"]);
}

#[tokio::test]
async fn a_lease_is_extended() {
    let world = world();
    ready(&world, "queue").await;
    let event = one(&world).await;
    world.pass(Duration::from_secs(59));
    assert_eq!(say(&world, "extend", &[&event], r#","visibility":"10m""#).await, ["extended"]);
    world.pass(Duration::from_secs(599));
    none(&world).await;
    assert_eq!(say(&world, "ack", &[&event], "").await, ["acked"]);
}

#[tokio::test]
async fn what_is_given_back_comes_again_after_a_while() {
    let world = world();
    let id = ready(&world, "queue").await;
    let event = one(&world).await;
    let rest = r#","delay":"5s","reason":"disk full""#;
    assert_eq!(say(&world, "nack", &[&event], rest).await, ["nacked"]);
    let record = world.record(id).await;
    assert_eq!(record.note.as_deref(), Some("given back by its receiver: disk full"));
    none(&world).await;
    world.pass(Duration::from_secs(5));
    let event = one(&world).await;
    assert_eq!(event["attempt"], 2);
    let attempts = world.get(&format!("/v1/jobs/{id}/attempts")).await.json();
    let entry = &attempts["attempts"][0];
    assert_eq!(
        (&entry["outcome"], &entry["next_at"]),
        (&json!("nack"), &json!("2026-11-22T10:00:05Z"))
    );
    assert_eq!(say(&world, "nack", &[&event], r#","delay":"0s""#).await, ["nacked"]);
    assert_eq!(one(&world).await["attempt"], 3);
}

#[tokio::test]
async fn what_is_given_back_ten_times_is_a_dead_letter() {
    let world = world();
    let id = ready(&world, "queue").await;
    for times in 1..=10 {
        let event = one(&world).await;
        let expected = if times < 10 { "nacked" } else { "dead" };
        assert_eq!(say(&world, "nack", &[&event], r#","delay":"0s""#).await, [expected]);
    }
    none(&world).await;
    let record = world.record(id).await;
    assert_eq!(record.state, State::Dead);
    assert_eq!(record.note.as_deref(), Some("given back by its receiver 10 times"));
}

#[tokio::test]
async fn whoever_waits_gets_what_comes() {
    let world = world();
    let at = Instant::now();
    let (queue, other, ()) = tokio::join!(
        async { events(&pull(&world, "wait=60s").await) },
        async { events(&world.get("/v1/pull?sink=other&wait=60s").await) },
        async {
            for lane in ["other", "queue"] {
                tokio::time::sleep(Duration::from_millis(20)).await;
                ready(&world, lane).await;
            }
        }
    );
    assert_eq!((queue.len(), other.len()), (1, 1));
    assert!(at.elapsed() < PATIENCE, "neither waited for its time to be up");
}

#[tokio::test]
async fn an_answer_that_nobody_takes_gives_its_events_back() {
    let world = world();
    let id = ready(&world, "queue").await;
    for method in ["GET", "HEAD"] {
        let request = Request::builder().method(method).uri("/v1/pull?sink=queue&wait=0s");
        let answer = world
            .router
            .clone()
            .oneshot(request.body(axum::body::Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        drop(answer);
        until_waiting(&world, id).await;
    }
    assert_eq!(one(&world).await["attempt"], 1, "it was not charged");
}

async fn served() -> Server {
    Server::over(world(), ServeConfig::default()).await
}

const WAITING: &[u8] = b"GET /v1/pull?sink=queue&wait=60s HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn who_hangs_up_while_waiting_gets_nothing() {
    let server = served().await;
    for _ in 0..20 {
        let mut gone = server.connect().await;
        gone.write_all(WAITING).await.unwrap();
        drop(gone);
    }
    let id = ready(&server.world, "queue").await;
    let answer = timeout(PATIENCE, pull(&server.world, "wait=60s")).await.unwrap();
    assert_eq!(events(&answer)[0]["id"], id.to_string());
    server.stop().await;
}

#[tokio::test]
async fn stopping_does_not_wait_for_those_who_wait() {
    let server = served().await;
    let mut waiting = server.connect().await;
    waiting.write_all(WAITING).await.unwrap();
    let mut second = server.connect().await;
    second.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // Served in order of arrival: the first is being read.
    read_until(&mut second, |text| text.ends_with('}')).await;
    server.stop.cancel();
    let answer = read_until(&mut waiting, |_| false).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 204 "), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_in_memory_is_left_for_the_next() {
    let size = EVENT.len() as u64;
    let world = world_with(Config { memory: size * 3, ..Config::default() }, desk());
    let mut ids = Vec::new();
    for _ in 0..3 {
        // The budget is for what is pulled; submissions are larger.
        let job = ingest::JobSpec::new("https://example.com".parse().unwrap());
        let id = JobId::draw();
        let lane = LaneKey::new("example.com");
        let new = jobs::NewJob::new(id, SCRAPE, lane, world.now(), job.to_bytes());
        world.store.submit(vec![new], world.now()).await.unwrap();
        world.advance("queue", EVENT).await;
        ids.push(id);
    }
    assert_eq!(events(&pull(&world, "wait=0s").await).len(), 2);
    until_waiting(&world, ids[2]).await;
    assert_eq!(one(&world).await["id"], ids[2].to_string());
}

#[tokio::test]
async fn a_raw_event_is_base64() {
    let desk = desk();
    desk.sink_changed("queue", Some(spec()));
    desk.sink_changed("pages", Some(SinkSpec { format: EventFormat::Raw, ..spec() }));
    let world = world_with(Config::default(), desk);
    ready(&world, "pages").await;
    let answer = world.get("/v1/pull?sink=pages&wait=0s").await;
    let event = &events(&answer)[0];
    assert!(event["event"].is_null());
    let encoded = "eyJ0eXBlIjoiam9iLnN1Y2NlZWRlZCIsImRhdGEiOnt9fQ==";
    assert_eq!(event["event_base64"], encoded);
}

#[tokio::test]
async fn what_has_no_event_is_a_dead_letter() {
    let world = world();
    let id = world.submit(r#"{"url":"https://example.com"}"#).await;
    world.settle(&SCRAPE, Outcome::Dead { note: "no".to_owned() }).await;
    let to = Redrive { stage: DELIVER, lane: LaneKey::new("queue"), due: world.now() };
    world.store.redrive(id, to, world.now()).await.unwrap();
    none(&world).await;
    let record = world.record(id).await;
    assert_eq!(
        (record.state, record.note.as_deref()),
        (State::Dead, Some("there is no result to deliver"))
    );
}

#[tokio::test]
async fn a_receipt_is_good_for_its_own_event_only() {
    let world = world();
    let id = ready(&world, "queue").await;
    let event = one(&world).await;
    let receipt = event["receipt"].as_str().unwrap();
    let elsewhere = world.submit(r#"{"url":"https://example.com"}"#).await;
    let claimed = world.claim(&SCRAPE).await;
    for (receipt, verdict) in [
        (receipt.replace(&id.to_string(), &JobId::draw().to_string()), "unknown"),
        (receipt.replace(".queue", ".other"), "lost"),
        (receipt.replace(".queue", ".nobody"), "lost"),
        (format!("{elsewhere}.{:x}.0.queue", claimed.lease.epoch), "lost"),
    ] {
        let forged = json!({ "receipt": receipt });
        for what in ["ack", "nack", "extend"] {
            assert_eq!(say(&world, what, &[&forged], "").await, [verdict], "{what} {receipt}");
        }
    }
    assert_eq!(world.record(elsewhere).await.state, State::Leased);
    let unknown =
        json!({ "receipt": receipt.replace(&id.to_string(), &JobId::draw().to_string()) });
    let verdicts = say(&world, "ack", &[&unknown, &event, &event], "").await;
    assert_eq!(verdicts, ["unknown", "acked", "lost"], "one bad one does not spoil the others");
}

#[tokio::test]
async fn there_must_be_a_sink_to_pull_from() {
    let desk = desk();
    let world = world_with(Config::default(), desk.clone());
    for sink in ["hook", "nobody", "%00"] {
        world.get(&format!("/v1/pull?sink={sink}&wait=0s")).await.problem(404);
    }
    let disabled = Some(Disabled { since_ms: 1, reason: "by hand".to_owned() });
    desk.sink_changed("other", Some(SinkSpec { disabled, ..spec() }));
    let detail = world.get("/v1/pull?sink=other&wait=0s").await.problem(409);
    assert_eq!(detail, "the sink other is disabled: by hand");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_its_place() {
    let world = world();
    for (query, parameter) in [
        ("", "sink"),
        ("max=1", "sink"),
        ("sink=queue&sink=queue", "sink"),
        ("sink=queue&max=0", "max"),
        ("sink=queue&max=101", "max"),
        ("sink=queue&max=x", "max"),
        ("sink=queue&wait=61s", "wait"),
        ("sink=queue&wait=20", "wait"),
        ("sink=queue&wait=-1s", "wait"),
        ("sink=queue&visibility=999ms", "visibility"),
        ("sink=queue&visibility=13h", "visibility"),
        ("sink=queue&visibility=", "visibility"),
        ("sink=queue&limit=1", "limit"),
    ] {
        let answer = world.get(&format!("/v1/pull?{query}")).await;
        answer.problem(400);
        assert_eq!(answer.json()["errors"][0]["parameter"], parameter, "{query}");
    }
    let receipt = format!("{}.1.0.queue", JobId::draw());
    let many = format!(r#"{{"receipts":{}}}"#, json!(vec![&receipt; 1001]));
    for (what, body, pointer) in [
        ("ack", "{}".to_owned(), "/receipts"),
        ("ack", r#"{"receipts":[]}"#.to_owned(), "/receipts"),
        ("ack", r#"{"receipts":"x"}"#.to_owned(), "/receipts"),
        ("ack", r#"{"receipts":[1]}"#.to_owned(), "/receipts/0"),
        ("ack", format!(r#"{{"receipts":["{receipt}","x"]}}"#), "/receipts/1"),
        ("ack", format!(r#"{{"receipts":["{receipt}"],"delay":"1s"}}"#), "/delay"),
        ("ack", many, "/receipts"),
        ("ack", "[]".to_owned(), ""),
        ("nack", format!(r#"{{"receipts":["{receipt}"],"delay":"13h"}}"#), "/delay"),
        ("nack", format!(r#"{{"receipts":["{receipt}"],"delay":30}}"#), "/delay"),
        (
            "nack",
            format!(r#"{{"receipts":["{receipt}"],"reason":"{}"}}"#, "x".repeat(513)),
            "/reason",
        ),
        ("nack", r#"{"delay":"1s"}"#.to_owned(), "/receipts"),
        ("extend", format!(r#"{{"receipts":["{receipt}"],"visibility":"0s"}}"#), "/visibility"),
        ("extend", format!(r#"{{"receipts":["{receipt}"],"visibility":"13h"}}"#), "/visibility"),
        ("extend", format!(r#"{{"receipts":["{receipt}"],"wait":"1s"}}"#), "/wait"),
    ] {
        let answer = world.give("POST", &format!("/v1/pull/{what}"), body.clone()).await;
        answer.problem(422);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{what} {body}");
    }
    for what in ["ack", "nack", "extend"] {
        world.give("POST", &format!("/v1/pull/{what}"), "{").await.problem(400);
        world.call("POST", &format!("/v1/pull/{what}")).await.problem(415);
        world.get(&format!("/v1/pull/{what}")).await.problem(405);
    }
}
