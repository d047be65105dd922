//! A key sees its own jobs, and nobody else's.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, header};
use http_body_util::BodyExt as _;
use ingest::{Config, Links, SinkSpec, Sinks as _};
use jobs::{Bounds, JobId, Outcome, Verdict};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use tower::ServiceExt as _;

use crate::access::{OPERATOR, call, call_with, config, guarded, make};
use crate::desk::Desk;
use crate::served::PATIENCE;
use crate::world::{DELIVER, SCRAPE, World};

const JOB: &str = r#"{"url":"https://example.com"}"#;

async fn key(world: &World) -> String {
    make(world, OPERATOR, json!({"scopes":["submit","read"]})).await.1
}

/// Submits a job with this key.
async fn submit(world: &World, key: &str, body: &str) -> JobId {
    let answer = call(world, key, "POST", "/v1/jobs", body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()["id"].as_str().unwrap().parse().unwrap()
}

/// Settles the next job as fetched.
async fn fetched(world: &World) {
    let result = Some("{}".into());
    let verdict = Some(Verdict::Succeeded);
    world.settle(&SCRAPE, Outcome::Done { verdict, result, note: None }).await;
}

async fn listed(world: &World, key: &str) -> Vec<String> {
    let page = call(world, key, "GET", "/v1/jobs", "").await.json();
    let jobs = page["jobs"].as_array().unwrap();
    jobs.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn another_s_job_is_not_there() {
    let links = Links::new([7; 32], "https://pages.example/".parse().unwrap());
    let world = World::with(Config { links: Some(links.clone()), ..config() }, Bounds::default());
    let (own, other) = (key(&world).await, key(&world).await);
    let (_, admin) = make(&world, OPERATOR, json!({"scopes":["admin"]})).await;
    let id = submit(&world, &own, JOB).await;
    fetched(&world).await;
    let at = format!("/v1/jobs/{id}");
    for (method, path) in [
        ("GET", at.clone()),
        ("GET", format!("{at}/result")),
        ("GET", format!("{at}/attempts")),
        ("DELETE", at.clone()),
        ("POST", format!("{at}/redeliver")),
        ("POST", format!("{at}/refetch")),
    ] {
        let unknown = path.replace(&id.to_string(), &JobId::draw().to_string());
        let missing = call(&world, &other, method, &unknown, "").await.problem(404);
        let answer = call(&world, &other, method, &path, "").await;
        let kind = missing.split(' ').take(4).collect::<Vec<_>>();
        let told = answer.problem(404);
        assert_eq!(told.split(' ').take(4).collect::<Vec<_>>(), kind, "{method} {path}");
        for opens in [&own, &admin, OPERATOR] {
            let status = call(&world, opens, method, &path, "").await.status;
            assert_ne!(status, 404, "{method} {path}");
        }
    }
    let link = links.result(id, world.now() + Duration::from_secs(60));
    let path = link.strip_prefix("https://pages.example").unwrap();
    let opened = call(&world, "", "GET", path, "").await;
    assert_eq!(opened.status, 200, "a link opens to anybody: {opened:?}");
}

#[tokio::test]
async fn a_list_has_its_caller_s_jobs_and_an_admin_s_all() {
    let world = guarded();
    let (own, other) = (key(&world).await, key(&world).await);
    let mine = submit(&world, &own, JOB).await.to_string();
    let theirs = submit(&world, &other, JOB).await.to_string();
    let nobodys = submit(&world, OPERATOR, JOB).await.to_string();
    assert_eq!(listed(&world, &own).await, [mine.as_str()]);
    assert_eq!(listed(&world, &other).await, [theirs.as_str()]);
    let all = listed(&world, OPERATOR).await;
    assert!(all.len() == 3 && [mine, theirs, nobodys].iter().all(|id| all.contains(id)), "{all:?}");
}

#[tokio::test]
async fn a_redrive_takes_its_caller_s_jobs_only_and_is_its_own() {
    let world = guarded();
    let (own, other) = (key(&world).await, key(&world).await);
    let mine = submit(&world, &own, JOB).await;
    let theirs = submit(&world, &other, JOB).await;
    fetched(&world).await;
    fetched(&world).await;
    let wish = r#"{"action":"refetch","status":["fetched"]}"#;
    let started = call(&world, &own, "POST", "/v1/redrive", wish).await;
    assert_eq!(started.status, 202, "{started:?}");
    let at = started.header(header::LOCATION).to_owned();
    let end = Instant::now() + PATIENCE;
    let done = loop {
        let run = call(&world, &own, "GET", &at, "").await.json();
        if run["status"] != "running" {
            break run;
        }
        assert!(Instant::now() < end, "{run}");
        tokio::task::yield_now().await;
    };
    assert_eq!((&done["matched"], &done["redriven"]), (&json!(1), &json!(1)), "{done}");
    assert!(!world.record(mine).await.state.is_terminal());
    assert!(world.record(theirs).await.state.is_terminal());
    for method in ["GET", "DELETE"] {
        call(&world, &other, method, &at, "").await.problem(404);
    }
    let runs = |answer: Value| answer["redrives"].as_array().unwrap().len();
    assert_eq!(runs(call(&world, &other, "GET", "/v1/redrive", "").await.json()), 0);
    assert_eq!(runs(call(&world, &own, "GET", "/v1/redrive", "").await.json()), 1);
    assert_eq!(runs(call(&world, OPERATOR, "GET", "/v1/redrive", "").await.json()), 1);
}

#[tokio::test]
async fn a_follower_is_told_of_its_own_jobs_only() {
    let world = guarded();
    let (own_id, own) = make(&world, OPERATOR, json!({"scopes":["read"]})).await;
    let (other_id, _) = make(&world, OPERATOR, json!({"scopes":["read"]})).await;
    let tell = |owner: Option<&str>, n: u32| {
        world.feed.publish("job.succeeded", JobId::draw(), owner, format!("{{\"n\":{n}}}").into());
    };
    for (key, wanted) in [(own.as_str(), vec!["2", "4"]), (OPERATOR, vec!["1", "2", "3", "4"])] {
        let request =
            Request::get("/v1/events").header(header::AUTHORIZATION, format!("Bearer {key}"));
        let request = request.body(Body::empty()).unwrap();
        let mut stream = world.router.clone().oneshot(request).await.unwrap().into_body();
        tell(Some(&other_id), 1);
        tell(Some(&own_id), 2);
        tell(None, 3);
        tell(Some(&own_id), 4);
        let mut text = String::new();
        while !text.contains("{\"n\":4}") {
            let frame = timeout(PATIENCE, stream.frame()).await.unwrap().unwrap().unwrap();
            text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
        let told: Vec<_> =
            text.lines().filter_map(|line| line.strip_prefix("data: {\"n\":")).collect();
        let wanted: Vec<_> = wanted.iter().map(|n| format!("{n}}}")).collect();
        assert_eq!(told, wanted);
    }
}

#[tokio::test]
async fn idempotency_keys_of_two_owners_do_not_meet() {
    let world = guarded();
    let (own, other) = (key(&world).await, key(&world).await);
    let field = [("idempotency-key", "order-1")];
    let mut ids = Vec::new();
    for key in [&own, &other, OPERATOR] {
        let first = call_with(&world, key, "POST", "/v1/jobs", JOB, &field).await;
        let again = call_with(&world, key, "POST", "/v1/jobs", JOB, &field).await;
        assert_eq!((first.status.as_u16(), again.status.as_u16()), (202, 202));
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(first.json()["id"], again.json()["id"]);
        ids.push(first.json()["id"].clone());
    }
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
}

/// A server with two sinks to pull from and one to send to.
fn with_sinks() -> World {
    let pulled = || SinkSpec::new("pull:".parse().unwrap());
    let desk = Desk::with_operators("inbox", pulled());
    desk.sink_changed("other", Some(pulled()));
    desk.sink_changed("hook", Some(SinkSpec::new("https://s.example".parse().unwrap())));
    World::composed(config(), Bounds::default(), Arc::new(desk), |store| store)
}

#[tokio::test]
async fn jobs_of_a_key_with_a_sink_go_there_and_nowhere_else() {
    let world = with_sinks();
    let wish = json!({"scopes":["submit","read"],"sink":"hook"});
    let (_, key) = make(&world, OPERATOR, wish).await;
    for body in [JOB, r#"{"url":"https://example.com","sink":"hook"}"#] {
        let id = submit(&world, &key, body).await;
        assert_eq!(world.spec(id).await.sink_name.as_deref(), Some("hook"));
    }
    for sink in [r#""inbox""#, r#""https://elsewhere.example/""#, r#"{"name":"inbox"}"#] {
        let body = format!(r#"{{"url":"https://example.com","sink":{sink}}}"#);
        let answer = call(&world, &key, "POST", "/v1/jobs", &body).await;
        answer.problem(422);
        assert_eq!(answer.json()["errors"][0]["pointer"], "/sink", "{sink}");
    }
    let id = submit(&world, &key, JOB).await;
    let path = format!("/v1/jobs/{id}/redeliver");
    let answer = call(&world, &key, "POST", &path, r#"{"sink":"inbox"}"#).await;
    answer.problem(422);
    assert_eq!(answer.json()["errors"][0]["pointer"], "/sink");
    let wish = r#"{"action":"redeliver","to":"inbox"}"#;
    let answer = call(&world, &key, "POST", "/v1/redrive", wish).await;
    answer.problem(422);
    assert_eq!(answer.json()["errors"][0]["pointer"], "/to");
    let sinks = call(&world, &key, "GET", "/v1/sinks", "").await.json();
    assert_eq!(sinks["sinks"].as_array().unwrap().len(), 1, "{sinks}");
    call(&world, &key, "GET", "/v1/sinks/inbox", "").await.problem(404);
    call(&world, OPERATOR, "DELETE", "/v1/sinks/hook", "").await;
    let gone = call(&world, &key, "POST", "/v1/jobs", JOB).await;
    assert!(gone.problem(422).contains("hook"));
}

#[tokio::test]
async fn a_key_pulls_from_its_own_sink_only() {
    let world = with_sinks();
    let wish = json!({"scopes":["submit","read"],"sink":"inbox"});
    let (_, own) = make(&world, OPERATOR, wish).await;
    let other = key(&world).await;
    submit(&world, &own, JOB).await;
    world.advance("inbox", r#"{"type":"job.succeeded"}"#).await;
    for (key, sink) in [(&own, "other"), (&other, "inbox")] {
        let path = format!("/v1/pull?sink={sink}&wait=0s");
        call(&world, key, "GET", &path, "").await.problem(403);
    }
    let pulled = call(&world, &own, "GET", "/v1/pull?sink=inbox&wait=0s", "").await;
    let receipt = pulled.json()["events"][0]["receipt"].clone();
    let body = json!({"receipts": [receipt]}).to_string();
    for (key, verdict) in [(&other, "unknown"), (&own, "acked")] {
        let answer = call(&world, key, "POST", "/v1/pull/ack", &body).await.json();
        assert_eq!(answer["results"][0]["verdict"], verdict);
    }
    assert!(world.store_is_idle());
}

impl World {
    fn store_is_idle(&self) -> bool {
        use jobs::Store as _;
        let counts = self.store.counts();
        counts.stages.iter().filter(|stage| stage.stage == DELIVER).all(|stage| stage.leased == 0)
    }
}
