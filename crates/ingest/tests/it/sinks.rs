//! `/v1/sinks`, and jobs that name a sink.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, header};
use ingest::{BatchSpec, Config, EventFormat, NamedSink, SINKS, SinkSecret, SinkSpec, Sinks as _};
use jobs::{Bounds, LaneKey, Next, Outcome, Store as _, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::bad_sinks::{BAD_MEMBERS, BAD_SINKS};
use crate::desk::{Desk, secret};
use crate::documents::Documents;
use crate::edits::{edited, edits};
use crate::world::{Answer, DELIVER, SCRAPE, START_MS, World};

const SMALLEST: &str = r#"{"name":"search","url":"https://hooks.example/in"}"#;
const SEARCH: &str = "/v1/sinks/search";
const ROTATE: &str = "/v1/sinks/search/rotate";
const DAY: Duration = Duration::from_hours(24);

/// A world whose sinks can be changed.
struct Office {
    world: World,
    desk: Arc<Desk>,
    documents: Arc<Documents>,
}

impl std::ops::Deref for Office {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Office {
    fn new() -> Self {
        Self::with(Desk::default(), Config::default(), Documents::new)
    }

    fn with(
        desk: Desk,
        config: Config,
        documents: impl FnOnce(Arc<jobs::MemoryStore>) -> Arc<Documents>,
    ) -> Self {
        let desk = Arc::new(desk);
        let mut kept = None;
        let world = World::composed(config, Bounds::default(), desk.clone(), |store| {
            kept.insert(documents(store)).clone()
        });
        Self { world, desk, documents: kept.unwrap() }
    }

    async fn define(&self, body: impl Into<Body>) -> Answer {
        self.give("POST", "/v1/sinks", body).await
    }

    /// Defines a sink that is fine.
    async fn defined(body: &str) -> Self {
        let office = Self::new();
        let answer = office.define(body.to_owned()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        office
    }

    async fn patch(&self, body: &str) -> Answer {
        self.give("PATCH", SEARCH, body.to_owned()).await
    }

    fn spec(&self, name: &str) -> SinkSpec {
        let spec = self.desk.sink(name).unwrap().spec;
        assert_eq!(self.documents.sink(name).as_ref(), Some(&spec), "what holds is on disk");
        spec
    }

    /// Leaves a job waiting for the sink `search`.
    async fn waiting(&self) {
        self.submit(r#"{"url":"https://example.com","sink":"search"}"#).await;
        let next = Next {
            stage: DELIVER,
            lane: LaneKey::new("search"),
            due: self.now(),
            verdict: Verdict::Succeeded,
            result: Bytes::from_static(b"{}"),
        };
        self.settle(&SCRAPE, Outcome::Advance(next)).await;
    }
}

fn pointers(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let errors = body["errors"].as_array().unwrap();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_sink_lives_and_goes() {
    let office = Office::new();
    assert_eq!(office.get("/v1/sinks").await.json(), json!({"sinks": []}));
    let made = office.define(SMALLEST).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.header(header::LOCATION), SEARCH);
    assert_eq!(made.header(header::CACHE_CONTROL), "no-store");
    let expected = json!({
        "name": "search",
        "url": "https://hooks.example/in",
        "secret": secret(0, false).0,
        "secrets": [{"signature": "v1"}],
        "format": "standard",
        "gzip": false,
        "ordered": false,
        "enabled": true,
        "defined_by": "api",
        "created_at": "2026-11-22T10:00:00Z",
        "updated_at": "2026-11-22T10:00:00Z",
        "waiting": 0,
        "in_flight": 0,
        "circuit": "closed",
    });
    assert_eq!(made.json(), expected);
    let mut shown = expected;
    shown.as_object_mut().unwrap().remove("secret");
    assert_eq!(office.get(SEARCH).await.json(), shown);
    assert_eq!(office.get("/v1/sinks").await.json(), json!({"sinks": [shown]}));
    let stored = office.spec("search");
    assert_eq!(stored.secrets, [SinkSecret { text: secret(0, false).0, expires_ms: None }]);

    office.pass(Duration::from_secs(1));
    let off = office.patch(r#"{"enabled":false}"#).await;
    assert_eq!(off.status, 200, "{off:?}");
    let disabled = json!({"since": "2026-11-22T10:00:01Z", "reason": "by hand"});
    assert_eq!((&off.json()["enabled"], &off.json()["disabled"]), (&json!(false), &disabled));
    office.pass(Duration::from_secs(1));
    let again = office.patch(r#"{"enabled":false,"rate":"10/s"}"#).await.json();
    assert_eq!((&again["disabled"], &again["rate"]), (&disabled, &json!("10/s")));
    let on = office.patch(r#"{"enabled":true}"#).await.json();
    assert_eq!((&on["enabled"], &on["disabled"]), (&json!(true), &Value::Null));
    assert_eq!(on["created_at"], "2026-11-22T10:00:00Z");
    assert_eq!(on["updated_at"], "2026-11-22T10:00:02Z");

    let gone = office.call("DELETE", SEARCH).await;
    assert_eq!((gone.status.as_u16(), gone.body.len()), (204, 0));
    office.get(SEARCH).await.problem(404);
    assert_eq!(office.documents.sink("search"), None);
    assert_eq!(office.define(SMALLEST).await.status, 201, "the name is free again");
}

#[tokio::test]
async fn every_field_is_kept_and_shown() {
    let given = secret(7, false).0;
    let body = json!({
        "name": "a-1_b", "url": "https://hooks.example/in",
        "headers": {"Authorization": "Bearer hidden", "x-a": "b"},
        "secret": given, "signature": "v1", "events": ["job.succeeded", "sink.disabled"],
        "rate": "30/m", "concurrency": 8, "timeout": "1s500ms", "schedule": ["0s", "1m", "1h30m"],
        "inline_limit": "64KiB", "format": "cloudevents", "gzip": true,
        "batch": {"max_events": 100, "max_wait": "1s"}, "ordered": false, "enabled": false,
    });
    let office = Office::new();
    let made = office.define(body.to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let spec = office.spec("a-1_b");
    let since_ms = START_MS;
    let expected = SinkSpec {
        headers: vec![("authorization".into(), "Bearer hidden".into()), ("x-a".into(), "b".into())],
        secrets: vec![SinkSecret { text: given.clone(), expires_ms: None }],
        events: vec!["job.succeeded".into(), "sink.disabled".into()],
        interval_us: Some(2_000_000),
        concurrency: Some(8),
        timeout_ms: Some(1500),
        waits_ms: vec![0, 60_000, 5_400_000],
        inline_limit: Some(65_536),
        format: EventFormat::CloudEvents,
        gzip: true,
        batch: Some(BatchSpec { max_events: 100, max_wait_ms: 1000 }),
        disabled: Some(ingest::Disabled { since_ms, reason: "by hand".into() }),
        created_ms: START_MS,
        updated_ms: START_MS,
        ..SinkSpec::new("https://hooks.example/in".parse().unwrap())
    };
    assert_eq!(spec, expected);
    let shown = office.get("/v1/sinks/a-1_b").await.json();
    for (field, value) in [
        ("events", json!(["job.succeeded", "sink.disabled"])),
        ("header_names", json!(["authorization", "x-a"])),
        ("rate", json!("30/m")),
        ("concurrency", json!(8)),
        ("timeout", json!("1s500ms")),
        ("schedule", json!(["0s", "1m", "1h30m"])),
        ("inline_limit", json!(65_536)),
        ("format", json!("cloudevents")),
        ("gzip", json!(true)),
        ("batch", json!({"max_events": 100, "max_wait": "1s"})),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(made.json()["secret"], given);
}

#[tokio::test]
async fn a_secret_is_shown_when_it_comes_to_be_and_never_again() {
    let body = json!({"name": "search", "url": "https://hooks.example/in", "signature": "v1a",
        "headers": {"authorization": "Bearer hidden"}});
    let office = Office::new();
    let made = office.define(body.to_string()).await;
    let (private, public) = secret(0, true);
    assert_eq!(made.json()["secret"], private);
    assert_eq!(made.json()["secrets"], json!([{"signature": "v1a", "public_key": public}]));
    let rotated = office.call("POST", ROTATE).await;
    assert_eq!(rotated.header(header::CACHE_CONTROL), "no-store");
    let (newer, _) = secret(1, true);
    assert_eq!(rotated.json()["secret"], newer, "of the same kind");
    let all = [
        office.get(SEARCH).await,
        office.get("/v1/sinks").await,
        office.patch(r#"{"gzip":true}"#).await,
        office.define(body.to_string()).await,
        rotated,
    ];
    for (at, answer) in all.iter().enumerate() {
        let text = String::from_utf8_lossy(&answer.body);
        assert!(!text.contains(&private) && !text.contains("hidden"), "{at}: {text}");
        assert_eq!(text.contains(&newer), at == 4, "{at}: {text}");
    }
    assert_eq!(office.get(SEARCH).await.json()["secrets"][1]["public_key"], public.unwrap());
}

#[tokio::test]
async fn a_patch_is_merged() {
    let office = Office::defined(
        r#"{"name":"search","url":"https://hooks.example/in","headers":{"x-a":"1","x-b":"2"},
            "rate":"7/m","timeout":"5s","events":["job.failed"],
            "batch":{"max_events":10,"max_wait":"1s"}}"#,
    )
    .await;
    let before = office.spec("search");
    assert_eq!(office.patch("{}").await.status, 200);
    assert_eq!(office.spec("search"), before, "an empty patch changes nothing");
    let answer = office
        .patch(
            r#"{"name":"search","url":"https://hooks.example/v2",
                "headers":{"X-A":null,"X-B":"3","x-c":"4"},
                "timeout":null,"events":null,"batch":{"max_events":20}}"#,
        )
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let after = office.spec("search");
    let expected = SinkSpec {
        url: "https://hooks.example/v2".parse().unwrap(),
        headers: vec![("x-b".into(), "3".into()), ("x-c".into(), "4".into())],
        timeout_ms: None,
        events: Vec::new(),
        batch: Some(BatchSpec { max_events: 20, max_wait_ms: 1000 }),
        ..before.clone()
    };
    // Order means nothing in header fields of different names.
    let sorted = |mut spec: SinkSpec| {
        spec.headers.sort();
        spec
    };
    assert_eq!(sorted(after), sorted(expected));
    assert_eq!(office.patch(r#"{"batch":null,"headers":null}"#).await.status, 200);
    let after = office.spec("search");
    assert_eq!((after.batch, after.headers.len()), (None, 0));
    assert_eq!(after.secrets, before.secrets);
}

#[tokio::test]
async fn a_patch_is_held_to_what_a_sink_may_be() {
    let office = Office::defined(SMALLEST).await;
    let before = office.spec("search");
    for (patch, pointer) in [
        ("[]", ""),
        ("5", ""),
        (r#"{"name":"other"}"#, "/name"),
        (r#"{"name":null}"#, "/name"),
        (r#"{"name":5}"#, "/name"),
        (r#"{"secret":"whsec_x"}"#, "/secret"),
        (r#"{"secret":null}"#, "/secret"),
        (r#"{"signature":"v1a"}"#, "/signature"),
        (r#"{"url":null}"#, "/url"),
        (r#"{"url":"pull:"}"#, "/url"),
        (r#"{"url":"http://127.0.0.1/"}"#, "/url"),
        (r#"{"rates":null}"#, "/rates"),
        (r#"{"rate":"fast"}"#, "/rate"),
        (r#"{"rate":"1/s","rate":"2/s"}"#, "/rate"),
        (r#"{"headers":{"host":"x"}}"#, "/headers/host"),
        (r#"{"batch":{"max_events":3}}"#, "/batch/max_wait"),
        (r#"{"enabled":"no"}"#, "/enabled"),
        (r#"{"ordered":true,"concurrency":2}"#, "/concurrency"),
        (r#"{"created_at":"2026-11-22T10:00:00Z"}"#, "/created_at"),
    ] {
        let answer = office.patch(patch).await;
        answer.problem(422);
        assert_eq!(pointers(&answer), [pointer], "{patch}");
        assert_eq!(answer.json()["type"], "urn:pagewire:problem:invalid-sink");
    }
    office.patch("{").await.problem(400);
    office.give("PATCH", "/v1/sinks/other", "{}").await.problem(404);
    let untyped = Request::patch(SEARCH).body(Body::from("{}")).unwrap();
    office.send(untyped).await.problem(415);
    let typed = Request::patch(SEARCH).header("content-type", "application/merge-patch+json");
    assert_eq!(office.send(typed.body("{}".into()).unwrap()).await.status, 200);
    assert_eq!(office.spec("search"), before);
}

#[tokio::test]
async fn what_is_no_sink_is_422_at_its_pointer() {
    let office = Office::new();
    let whole = |member: &str| format!(r#"{{"name":"a","url":"https://s.example",{member}}}"#);
    let members = BAD_MEMBERS.iter().map(|(member, pointer)| (whole(member), *pointer));
    let sinks = BAD_SINKS.iter().map(|(sink, pointer)| ((*sink).to_owned(), *pointer));
    for (body, pointer) in members.chain(sinks) {
        let answer = office.define(body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        let detail = answer.problem(422);
        assert_eq!(pointers(&answer), [pointer], "{body}: {detail}");
        assert!(!detail.contains("hush") && !detail.contains("aHVzaA"), "{detail}");
    }
    let long = format!(r#"{{"name":"{}","url":"https://s.example"}}"#, "a".repeat(65));
    assert_eq!(pointers(&office.define(long).await), ["/name"]);
    let waits = whole(&format!(r#""schedule":[{}]"#, vec![r#""1s""#; 31].join(",")));
    assert_eq!(pointers(&office.define(waits).await), ["/schedule"]);
    office.define("{").await.problem(400);
    office.define("\u{feff}{}").await.problem(400);
    assert!(office.desk.sinks().is_empty());
}

#[tokio::test]
async fn all_faults_of_a_sink_are_told_at_once() {
    let office = Office::new();
    let body = r#"{"name":"A","url":"http://127.0.0.1/","concurrency":0,"timeout":"0s",
        "events":["x"],"secret":"hush","ordered":true,
        "batch":{"max_events":1,"max_wait":"1s"}}"#;
    let answer = office.define(body).await;
    answer.problem(422);
    let mut told = pointers(&answer);
    told.sort_unstable();
    let expected = [
        "/batch",
        "/batch/max_events",
        "/concurrency",
        "/events/0",
        "/name",
        "/secret",
        "/timeout",
        "/url",
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn of_many_who_define_one_name_at_once_one_succeeds() {
    let office = Arc::new(Office::new());
    let mut calls = tokio::task::JoinSet::new();
    for at in 0..20 {
        let office = Arc::clone(&office);
        let body = format!(r#"{{"name":"search","url":"https://h{at}.example"}}"#);
        calls.spawn(async move { office.define(body).await });
    }
    let answers = calls.join_all().await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status == 201);
    assert_eq!((made.len(), refused.len()), (1, 19));
    for answer in refused {
        assert_eq!(answer.problem(409), "there is a sink `search` already");
    }
    assert_eq!(made[0].json()["url"], office.spec("search").url.as_str());
}

#[tokio::test]
async fn sinks_are_bounded() {
    let config = Config { max_sinks: 2, ..Config::default() };
    let operators = SinkSpec::new("https://own.example".parse().unwrap());
    let office = Office::with(Desk::with_operators("own", operators), config, Documents::new);
    for (name, status) in [("a", 201), ("b", 201), ("c", 409)] {
        let answer =
            office.define(format!(r#"{{"name":"{name}","url":"https://s.example"}}"#)).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
    }
    assert_eq!(office.call("DELETE", "/v1/sinks/a").await.status, 204);
    assert_eq!(office.define(r#"{"name":"c","url":"https://s.example"}"#).await.status, 201);
    let shown = office.get("/v1/sinks").await.json();
    let names: Vec<_> = shown["sinks"].as_array().unwrap().iter().map(|s| &s["name"]).collect();
    assert_eq!(names, ["b", "c", "own"]);
}

#[tokio::test]
async fn after_a_rotation_the_old_secret_signs_along_until_it_expires() {
    let office = Office::defined(SMALLEST).await;
    let signing = || {
        let spec = office.spec("search");
        spec.secrets_at(office.now()).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let text = |number| secret(number, false).0;
    let rotated = office.call("POST", ROTATE).await;
    assert_eq!((rotated.status.as_u16(), &rotated.json()["secret"]), (200, &text(1).into()));
    let both = json!([{"signature": "v1"},
        {"signature": "v1", "expires_at": "2026-11-23T10:00:00Z"}]);
    assert_eq!(rotated.json()["secrets"], both);
    assert_eq!(signing(), [text(1), text(0)]);
    office.pass(DAY - Duration::from_millis(1));
    assert_eq!(signing(), [text(1), text(0)]);
    office.pass(Duration::from_millis(1));
    assert_eq!(signing(), [text(1)]);
    assert_eq!(office.get(SEARCH).await.json()["secrets"], json!([{"signature": "v1"}]));

    let given = text(100);
    let body = json!({"secret": given, "overlap": "1h"}).to_string();
    assert_eq!(office.give("POST", ROTATE, body).await.json()["secret"], given);
    assert_eq!(signing(), [given.clone(), text(1)], "what expired is forgotten");
    assert_eq!(office.spec("search").secrets.len(), 2);
    office.give("POST", ROTATE, r#"{"overlap":"2h"}"#).await;
    office.pass(Duration::from_hours(1));
    assert_eq!(signing(), [text(2), given], "a later rotation prolongs nothing");
    let at_once = office.give("POST", ROTATE, r#"{"overlap":"0s","signature":"v1a"}"#).await;
    assert_eq!(at_once.json()["secret"], secret(3, true).0);
    assert_eq!(signing(), [secret(3, true).0]);
}

#[tokio::test]
async fn a_rotation_that_cannot_be_leaves_the_secrets_as_they_are() {
    let office = Office::defined(SMALLEST).await;
    let before = office.spec("search");
    let own = json!({"secret": before.secrets[0].text}).to_string();
    let both = json!({"secret": secret(9, false).0, "signature": "v1"}).to_string();
    for (body, pointer) in [
        ("[]", ""),
        (r#"{"overlap":"31d"}"#, "/overlap"),
        (r#"{"overlap":24}"#, "/overlap"),
        (r#"{"secret":"hush"}"#, "/secret"),
        (r#"{"secret":"whsec_aHVzaA=="}"#, "/secret"),
        (own.as_str(), "/secret"),
        (both.as_str(), "/signature"),
        (r#"{"url":"https://s.example"}"#, "/url"),
    ] {
        let answer = office.give("POST", ROTATE, body.to_owned()).await;
        answer.problem(422);
        assert_eq!(pointers(&answer), [pointer], "{body}");
    }
    let foreign = Request::post(ROTATE).header("origin", "https://evil.example");
    office.send(foreign.body(Body::empty()).unwrap()).await.problem(403);
    office.call("POST", "/v1/sinks/other/rotate").await.problem(404);
    assert_eq!(office.spec("search"), before);
    for _ in 0..3 {
        assert_eq!(office.call("POST", ROTATE).await.status, 200);
    }
    let detail = office.call("POST", ROTATE).await.problem(409);
    assert!(detail.starts_with("4 secrets of `search` sign"), "{detail}");
    let ended = office.give("POST", ROTATE, r#"{"overlap":"0s"}"#).await;
    assert_eq!(ended.json()["secrets"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_sink_that_is_waited_for_is_not_removed_unless_that_is_forced() {
    let office = Office::defined(SMALLEST).await;
    office.waiting().await;
    office.waiting().await;
    let lease = office.claim(&DELIVER).await.lease;
    let shown = office.get(SEARCH).await.json();
    assert_eq!((&shown["waiting"], &shown["in_flight"]), (&1.into(), &1.into()));
    assert_eq!(office.get("/v1/sinks").await.json()["sinks"][0], shown);
    let detail = office.call("DELETE", SEARCH).await.problem(409);
    assert!(detail.starts_with("2 jobs wait for the sink `search`"), "{detail}");
    for query in ["force=yes", "force", "force=true&force=true", "forced=true", "=true"] {
        office.call("DELETE", &format!("{SEARCH}?{query}")).await.problem(400);
    }
    office.call("DELETE", &format!("{SEARCH}?force=false")).await.problem(409);
    assert!(office.desk.sink("search").is_some());
    assert_eq!(office.call("DELETE", &format!("{SEARCH}?force=true")).await.status, 204);
    assert!(office.desk.sink("search").is_none());
    assert!(office.record(lease.id).await.spec.len() > 2, "the job is still there");
    office.call("DELETE", &format!("{SEARCH}?force=true")).await.problem(404);
}

#[tokio::test]
async fn the_operator_s_sink_can_only_be_switched() {
    let spec = SinkSpec {
        headers: vec![("authorization".into(), "Bearer hidden".into())],
        secrets: vec![SinkSecret { text: secret(1, false).0, expires_ms: None }],
        ..SinkSpec::new("nats://me:hush@bus.example/pages".parse().unwrap())
    };
    let desk = Desk::with_operators("search", spec.clone());
    let office = Office::with(desk, Config::default(), Documents::new);
    let shown = office.get(SEARCH).await;
    assert_eq!(shown.json()["url"], "nats://bus.example/pages");
    assert_eq!(shown.json()["defined_by"], "operator");
    assert!(shown.json()["created_at"].is_null());
    assert!(!String::from_utf8_lossy(&shown.body).contains("hush"));
    for answer in [
        office.define(SMALLEST).await,
        office.patch(r#"{"rate":"1/s"}"#).await,
        office.patch(r#"{"enabled":false,"gzip":null}"#).await,
        office.call("DELETE", SEARCH).await,
        office.call("POST", ROTATE).await,
    ] {
        answer.problem(409);
    }
    assert_eq!(pointers(&office.patch(r#"{"enabled":1}"#).await), ["/enabled"]);
    assert_eq!(office.documents.sink("search"), None);
    let off = office.patch(r#"{"enabled":false}"#).await.json();
    assert_eq!(off["disabled"], json!({"since": "2026-11-22T10:00:00Z", "reason": "by hand"}));
    let stored = office.documents.sink("search").unwrap();
    assert!(stored.disabled.is_some() && stored.secrets.is_empty() && stored.headers.is_empty());
    assert_eq!((stored.url.as_str(), stored.created_ms), ("nats://bus.example/pages", 0));
    let now = office.desk.sink("search").unwrap();
    let expected = SinkSpec { disabled: stored.disabled, ..spec.clone() };
    assert_eq!(now, NamedSink { name: "search".into(), spec: expected, is_operators: true });
    assert_eq!(office.patch(r#"{"enabled":true}"#).await.json()["enabled"], true);
    assert_eq!(office.desk.sink("search").unwrap().spec, spec);
    assert_eq!(office.documents.sink("search").unwrap().disabled, None);
}

#[tokio::test]
async fn a_change_that_cannot_be_kept_does_not_hold() {
    let office = Office::defined(SMALLEST).await;
    let before = office.spec("search");
    office.documents.full.store(true, Ordering::Relaxed);
    for answer in [
        office.define(r#"{"name":"other","url":"https://s.example"}"#).await,
        office.patch(r#"{"gzip":true}"#).await,
        office.call("POST", ROTATE).await,
        office.call("DELETE", SEARCH).await,
    ] {
        answer.problem(503);
        assert_ne!(answer.header(header::RETRY_AFTER), "");
    }
    assert_eq!(office.desk.sinks().len(), 1);
    assert_eq!(office.spec("search"), before);
}

#[tokio::test]
async fn a_change_whose_caller_went_away_holds_once_it_is_on_disk() {
    let office = Office::with(Desk::default(), Config::default(), Documents::in_turns);
    let request = Request::post("/v1/sinks").header("content-type", "application/json");
    let call = office.router.clone().oneshot(request.body(Body::from(SMALLEST)).unwrap());
    let mut call = Box::pin(call);
    tokio::select! {
        biased;
        _ = &mut call => panic!("nothing is on disk yet"),
        () = settled() => {}
    }
    assert!(office.desk.sink("search").is_none(), "it does not hold before it is on disk");
    drop(call);
    office.documents.turns.add_permits(1);
    for _ in 0..1000 {
        if office.desk.sink("search").is_some() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(office.spec("search").url.as_str(), "https://hooks.example/in");
    office.documents.turns.add_permits(1);
    assert_eq!(office.patch("{}").await.status, 200, "others can go on");
}

/// Every other task has had its turn.
async fn settled() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_stored_brings_the_same_sinks_back() {
    let office = Office::defined(SMALLEST).await;
    office.define(r#"{"name":"inbox","url":"pull:","events":["job.failed"]}"#).await;
    office.patch(r#"{"enabled":false,"rate":"10/s"}"#).await;
    office.call("POST", ROTATE).await;
    let again = Office::new();
    for (name, bytes) in office.documents.documents(SINKS).await.unwrap() {
        again.desk.sink_changed(&name, Some(SinkSpec::from_bytes(&bytes).unwrap()));
    }
    assert_eq!(again.desk.sinks(), office.desk.sinks());
    assert_eq!(again.get("/v1/sinks").await.json(), office.get("/v1/sinks").await.json());
}

#[tokio::test]
async fn a_sink_to_fetch_from_is_not_signed() {
    let office = Office::new();
    let made = office.define(r#"{"name":"search","url":"pull:","inline_limit":"1MB"}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.json()["secret"].is_null() && office.spec("search").secrets.is_empty());
    let detail = office.call("POST", ROTATE).await.problem(409);
    assert_eq!(detail, "the events of `search` are fetched, not signed");
    let moved = office.patch(r#"{"url":"https://s.example"}"#).await;
    moved.problem(422);
    assert_eq!(pointers(&moved), ["/url"]);
    office.waiting().await;
    assert_eq!(office.get(SEARCH).await.json()["waiting"], 1);
}

#[tokio::test]
async fn a_sink_is_tried_with_an_event_of_its_own() {
    let office = Office::defined(SMALLEST).await;
    let answer = office.call("POST", "/v1/sinks/search/test").await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let job = answer.json();
    assert_eq!(answer.header(header::LOCATION), job["status_url"]);
    assert_eq!((&job["sink"], &job["status"]), (&"search".into(), &"delivering".into()));
    let claimed = office.claim(&DELIVER).await;
    assert_eq!(claimed.lease.id.to_string(), job["id"]);
    let spec = office.world.spec(claimed.lease.id).await;
    let event: Value = serde_json::from_str(spec.notice.unwrap().get()).unwrap();
    let expected = json!({"type": "sink.test", "timestamp": "2026-11-22T10:00:00Z",
        "data": {"id": job["id"], "sink": "search"}});
    assert_eq!(event, expected);
    office.patch(r#"{"enabled":false}"#).await;
    let detail = office.call("POST", "/v1/sinks/search/test").await.problem(409);
    assert!(detail.contains("disabled (by hand)"), "{detail}");
}

#[tokio::test]
async fn what_is_no_sink_s_name_is_404() {
    let office = Office::defined(SMALLEST).await;
    for name in ["other", "Search", "%00", "%ff", "..", "a%2fb", &"x".repeat(5000)] {
        for (method, path) in [
            ("GET", format!("/v1/sinks/{name}")),
            ("DELETE", format!("/v1/sinks/{name}")),
            ("POST", format!("/v1/sinks/{name}/rotate")),
            ("POST", format!("/v1/sinks/{name}/test")),
        ] {
            office.call(method, &path).await.problem(404);
        }
    }
    office.call("PUT", SEARCH).await.problem(405);
    office.get("/v1/sinks?limit=1").await.problem(400);
}

#[tokio::test]
async fn sinks_want_an_api_key_as_jobs_do() {
    let config = Config { api_keys: vec!["key".to_owned()], ..Config::default() };
    let office = Office::with(Desk::default(), config, Documents::new);
    office.define(SMALLEST).await.problem(401);
    for (method, path) in [
        ("GET", "/v1/sinks"),
        ("GET", SEARCH),
        ("DELETE", SEARCH),
        ("PATCH", SEARCH),
        ("POST", ROTATE),
        ("POST", "/v1/sinks/search/test"),
    ] {
        office.call(method, path).await.problem(401);
    }
}

#[tokio::test]
async fn a_job_can_name_its_sink() {
    let office = Office::defined(SMALLEST).await;
    for sink in [r#""search""#, r#"{"name":"search"}"#] {
        let id = office.submit(&format!(r#"{{"url":"https://e.example","sink":{sink}}}"#)).await;
        let spec = office.world.spec(id).await;
        assert_eq!((spec.sink_name.as_deref(), spec.sink), (Some("search"), None));
        assert_eq!(office.get(&format!("/v1/jobs/{id}")).await.json()["sink"], "search");
    }
    let own = r#"{"url":"https://e.example","sink":{"url":"https://s.example/in",
        "format":"raw","events":["job.failed"],"headers":{"x-a":"b"}}}"#;
    let spec = office.world.spec(office.submit(own).await).await;
    let sink = spec.sink.unwrap();
    assert_eq!((sink.format, spec.sink_name), (EventFormat::Raw, None));
    assert_eq!(sink.events, ["job.failed"]);
}

#[tokio::test]
async fn a_job_that_names_no_known_sink_is_told_which_are_near() {
    let office = Office::defined(SMALLEST).await;
    for (sink, pointer, detail) in [
        (r#""serch""#, "/sink", "there is no sink `serch`; did you mean `search`?"),
        (
            r#"{"name":"billing"}"#,
            "/sink/name",
            "there is no sink `billing`; GET /v1/sinks lists those there are",
        ),
        (r#""hooks.example""#, "/sink", "neither an absolute URL nor the name of a sink"),
    ] {
        let answer = office.post(format!(r#"{{"url":"https://e.example","sink":{sink}}}"#)).await;
        answer.problem(422);
        assert_eq!(answer.json()["errors"], json!([{"pointer": pointer, "detail": detail}]));
    }
}

const WHOLE: &[u8] = br#"{"name":"search","url":"https://hooks.example/in",
"headers":{"Authorization":"Bearer x","x-a":"b"},"signature":"v1a","events":["job.failed"],
"rate":"30/m","concurrency":8,"timeout":"1s500ms","schedule":["0s","1m","1h30m"],
"inline_limit":"64KiB","format":"cloudevents","gzip":true,
"batch":{"max_events":100,"max_wait":"1s"},"ordered":false,"enabled":false}"#;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_sink_is_the_server_s_fault_and_what_is_accepted_reads_back(
        edits in edits(0..3),
    ) {
        let body = edited(WHOLE, edits);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let office = Office::new();
            let answer = office.define(body).await;
            prop_assert!(matches!(answer.status.as_u16(), 201 | 400 | 422), "{answer:?}");
            if answer.status == 201 {
                let before = office.desk.sinks().pop().unwrap();
                let path = format!("/v1/sinks/{}", before.name);
                let patched = office.give("PATCH", &path, "{}").await;
                prop_assert_eq!(patched.status, 200, "{:?}", patched);
                let mut after = office.spec(&before.name);
                let mut before = before.spec;
                before.headers.sort();
                after.headers.sort();
                prop_assert_eq!(after, before);
            }
            Ok(())
        })?;
    }
}
