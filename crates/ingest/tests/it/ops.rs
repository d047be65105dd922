//! Health, metrics, the page, and what is not there.

use std::time::Duration;

use http::{Request, header};
use ingest::Config;
use jobs::{Bounds, Store as _};

use crate::world::World;

const JOB: &str = r#"{"url":"https://example.com"}"#;

#[tokio::test]
async fn a_live_server_says_so() {
    let world = World::new();
    let answer = world.get("/healthz").await;
    assert_eq!((answer.status.as_u16(), answer.json()["status"].clone()), (200, "alive".into()));
}

#[tokio::test]
async fn readiness_follows_the_store() {
    let world = World::new();
    let body = world.get("/readyz").await.json();
    assert_eq!(body, serde_json::json!({"status": "ready", "live_jobs": 0, "queue_age_ms": 0}));
    world.store.close().await.unwrap();
    let answer = world.get("/readyz").await;
    answer.problem(503);
    assert!(!answer.header(header::RETRY_AFTER).is_empty());
    assert_eq!(world.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn readiness_can_follow_the_queue_s_age() {
    let max_queue_age = Some(Duration::from_secs(10));
    let world = World::with(Config { max_queue_age, ..Config::default() }, Bounds::default());
    world.submit(JOB).await;
    world.pass(Duration::from_secs(10));
    assert_eq!(world.get("/readyz").await.json()["queue_age_ms"], 10_000);
    world.pass(Duration::from_millis(1));
    world.get("/readyz").await.problem(503);
    world.fetched("{}").await;
    assert_eq!(world.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn metrics_are_the_server_s_text() {
    let answer = World::new().get("/metrics").await;
    assert_eq!(&answer.body[..], b"up 1\n");
    assert!(answer.header(header::CONTENT_TYPE).starts_with("text/plain"));
}

#[tokio::test]
async fn the_page_says_what_to_type() {
    let world = World::new();
    for (host, shown) in [
        ("pages.example:8080", "curl http://pages.example:8080/ -d"),
        ("<script>alert(1)</script>", "curl http://localhost:8080/ -d"),
    ] {
        let request = Request::get("/").header(header::HOST, host).body("".into()).unwrap();
        let answer = world.send(request).await;
        let page = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(page.contains(shown), "{page}");
        assert!(!page.contains("<script") && !page.contains("{{"), "{page}");
        assert!(answer.header(header::CONTENT_TYPE).starts_with("text/html"));
        assert!(answer.header(header::CONTENT_SECURITY_POLICY).contains("default-src 'none'"));
    }
}

#[tokio::test]
async fn other_methods_are_405_with_those_allowed() {
    let world = World::new();
    for (method, path, allowed) in [
        ("DELETE", "/", "GET,HEAD,POST"),
        ("PUT", "/v1/jobs", "GET,HEAD,POST"),
        ("POST", "/v1/jobs/x", "GET,HEAD,DELETE"),
        ("POST", "/v1/jobs/x/result", "GET,HEAD"),
        ("GET", "/v1/jobs/x/refetch", "POST"),
        ("OPTIONS", "/healthz", "GET,HEAD"),
    ] {
        let answer = world.call(method, path).await;
        answer.problem(405);
        assert_eq!(answer.header(header::ALLOW), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn other_paths_are_404() {
    let world = World::new();
    for path in ["/v1", "/v1/jobs/", "/v2/jobs", "/favicon.ico", "//", "/v1/jobs/a/b/c"] {
        world.get(path).await.problem(404);
    }
}
