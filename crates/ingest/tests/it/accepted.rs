//! What is accepted, what is kept of it, and what the answer says.

use std::time::Duration;

use http::header;
use ingest::{Cache, Config, Format, Robots, Scope};
use jobs::{Bounds, JobId, Store as _};

use crate::world::{START_MS, World};

#[tokio::test]
async fn the_smallest_job_is_accepted_and_kept() {
    let world = World::new();
    let answer = world.post(r#"{"url":"https://example.com"}"#).await;
    assert_eq!(answer.status, 202);
    let body = answer.json();
    let id: JobId = body["id"].as_str().unwrap().parse().unwrap();
    let status_url = format!("/v1/jobs/{id}");
    assert_eq!(
        body,
        serde_json::json!({
            "id": id.to_string(),
            "status": "queued",
            "url": "https://example.com/",
            "status_url": status_url,
            "created_at": "2026-11-22T10:00:00Z",
            "metadata": {},
        })
    );
    assert_eq!(answer.header(header::LOCATION), status_url);
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
    let record = world.record(id).await;
    assert_eq!((record.stage.as_str(), record.lane.as_str()), ("scrape", "example.com"));
    assert_eq!(record.due, world.now());
    let spec = world.spec(id).await;
    assert_eq!(spec.formats, Format::DEFAULT);
    assert!(spec.sink.is_none() && spec.body.is_none() && spec.headers.is_empty());
}

#[tokio::test]
async fn every_field_is_kept() {
    let world = World::new();
    let id = world
        .submit(
            r#"{"url":"https://example.com/a?b=c","method":"PUT","headers":{"Accept":"text/html"},
            "cookies":{"a":"1","b":"2"},"body_base64":"AP8=","timeout":"1s500ms","deadline":"1h",
            "max_bytes":"2MB","max_redirects":0,"formats":["text","raw","json_ld"],
            "scope":"page","select":{"b":"h1","a":{"css":"a","attr":"href","all":true}},
            "sink":{"url":"https://s.example/in","headers":{"Authorization":"Bearer x"}},
            "tags":["one","two"],"delay":"90s","retry":{"max_attempts":3,"schedule":["0s","1m"]},
            "robots":"obey","proxy":"http://proxy.example:3128","only_if_changed":true,
            "cache":{"max_age":"1h","revalidate":true},
            "metadata":{ "big":1.10, "order":{"z":1,"a":2} }}"#,
        )
        .await;
    let spec = world.spec(id).await;
    assert_eq!(spec.url.as_str(), "https://example.com/a?b=c");
    assert_eq!(spec.method, "PUT");
    assert_eq!(spec.header_map()["accept"], "text/html");
    assert_eq!(spec.header_map()["cookie"], "a=1; b=2");
    assert_eq!(spec.body.as_deref(), Some(&[0, 255][..]));
    assert_eq!(spec.timeout(), Some(Duration::from_millis(1500)));
    assert_eq!(spec.deadline_ms, Some(START_MS + 3_600_000));
    assert_eq!((spec.max_bytes, spec.max_redirects), (Some(2_000_000), Some(0)));
    assert_eq!(spec.formats, [Format::Text, Format::Raw, Format::JsonLd]);
    assert_eq!(spec.scope, Scope::Page);
    let names: Vec<_> = spec.select.unwrap().0.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["b", "a"], "in the order given");
    let sink = spec.sink.unwrap();
    assert_eq!(sink.url.as_str(), "https://s.example/in");
    assert_eq!(sink.header_map()["authorization"], "Bearer x");
    assert_eq!(spec.tags, ["one", "two"]);
    assert_eq!((spec.max_attempts, spec.waits_ms), (Some(3), vec![0, 60_000]));
    assert_eq!(spec.robots, Some(Robots::Obey));
    assert_eq!(spec.proxy.as_deref(), Some("http://proxy.example:3128"));
    assert!(spec.only_if_changed);
    assert_eq!(spec.cache, Some(Cache { max_age_ms: Some(3_600_000), revalidate: true }));
    let untouched = r#"{ "big":1.10, "order":{"z":1,"a":2} }"#;
    assert_eq!(spec.metadata.unwrap().get(), untouched);
    let record = world.record(id).await;
    assert_eq!(record.due.as_millis(), START_MS + 90_000);
    let shown = world.get(&format!("/v1/jobs/{id}")).await;
    assert_eq!(shown.json()["scope"], "page");
    assert_eq!(shown.json()["select"]["a"]["attr"], "href");
    assert!(String::from_utf8_lossy(&shown.body).contains(untouched));
}

#[tokio::test]
async fn values_at_their_ceilings_are_accepted() {
    let world = World::new();
    for field in [
        r#""timeout":"30s""#,
        r#""max_bytes":10000000"#,
        r#""max_bytes":"10MB""#,
        r#""max_redirects":10"#,
        r#""retry":{"max_attempts":20}"#,
        r#""retry":{}"#,
        r#""delay":"30d""#,
        r#""deadline":"30d""#,
        r#""deadline":"2026-11-22T11:00:00+00:30""#,
        r#""not_before":"2026-11-22T12:00:00+02:00""#,
        r#""not_before":"1960-01-01T00:00:00Z""#,
        r#""metadata":null"#,
        r#""metadata":{"n":123456789012345678901234567890}"#,
        r#""sink":"https://s.example""#,
    ] {
        world.submit(&format!(r#"{{"url":"https://example.com",{field}}}"#)).await;
    }
}

#[tokio::test]
async fn the_same_key_and_body_are_one_job() {
    let world = World::new();
    let body = r#"{"url":"https://example.com"}"#;
    let first = world.post_with(body, &[("idempotency-key", "\"one\"")]).await;
    assert_eq!(first.header("idempotency-replayed"), "");
    world.pass(Duration::from_secs(5));
    // With or without a structured field's quotes.
    let again = world.post_with(body, &[("idempotency-key", "one")]).await;
    assert_eq!(again.status, 202);
    assert_eq!(again.json(), first.json());
    assert_eq!(again.header(header::LOCATION), first.header(header::LOCATION));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(world.store.counts().live(), 1);
    let other = world.post_with(body, &[("idempotency-key", "two")]).await;
    assert_ne!(other.json()["id"], first.json()["id"]);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let world = World::new();
    let key = [("idempotency-key", "one")];
    let first = world.post_with(r#"{"url":"https://example.com/1"}"#, &key).await;
    let answer = world.post_with(r#"{"url":"https://example.com/2"}"#, &key).await;
    let detail = answer.problem(422);
    assert!(detail.contains(first.json()["id"].as_str().unwrap()), "{detail}");
    let body = answer.json();
    assert_eq!(body["type"], "urn:pagewire:problem:idempotency-key-reused");
    assert_eq!(body["errors"][0]["header"], "idempotency-key");
    assert_eq!(world.store.counts().live(), 1);
}

#[tokio::test]
async fn a_bad_key_is_refused() {
    let world = World::new();
    let body = r#"{"url":"https://example.com"}"#;
    let long = "k".repeat(256);
    for keys in [&[""][..], &["\"\""], &[&long], &["a", "a"], &["\u{fc}"]] {
        let headers: Vec<_> = keys.iter().map(|key| ("idempotency-key", *key)).collect();
        let answer = world.post_with(body, &headers).await;
        answer.problem(400);
        assert_eq!(answer.json()["errors"][0]["header"], "idempotency-key");
    }
    assert_eq!(world.store.counts().live(), 0);
}

#[tokio::test]
async fn a_full_queue_is_503_with_retry_after() {
    let bounds = Bounds { jobs: 1, ..Bounds::default() };
    let config = Config { retry_after: Duration::from_secs(7), ..Config::default() };
    let world = World::with(config, bounds);
    world.submit(r#"{"url":"https://example.com/1"}"#).await;
    let answer = world.post(r#"{"url":"https://example.com/2"}"#).await;
    answer.problem(503);
    assert_eq!(answer.json()["type"], "urn:pagewire:problem:queue-full");
    assert_eq!(answer.header(header::RETRY_AFTER), "7");
    world.fetched("{}").await;
    world.submit(r#"{"url":"https://example.com/3"}"#).await;
}

#[tokio::test]
async fn a_closed_store_is_503_with_retry_after() {
    let world = World::new();
    world.store.close().await.unwrap();
    let answer = world.post(r#"{"url":"https://example.com"}"#).await;
    answer.problem(503);
    assert_eq!(answer.json()["type"], "urn:pagewire:problem:store-unavailable");
    assert!(!answer.header(header::RETRY_AFTER).is_empty());
}
