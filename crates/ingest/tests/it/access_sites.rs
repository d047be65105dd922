//! Pages of other sites, whose readers' browsers reach the server.

use http::{Request, header};
use ingest::{Config, Origin};
use jobs::{Bounds, Store as _};

use crate::access::{OPERATOR, config};
use crate::world::{Answer, World};

const JOB: &str = r#"{"url":"https://example.com"}"#;
const APP: &str = "https://app.example.com";

fn allowing(config: Config, origins: &[&str]) -> World {
    let cors_origins = origins.iter().map(|text| text.parse::<Origin>().unwrap()).collect();
    World::with(Config { cors_origins, ..config }, Bounds::default())
}

async fn ask(world: &World, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    request = request.header(header::CONTENT_TYPE, "application/json");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let body = if method == "POST" { JOB } else { "" };
    world.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn without_cors_no_site_is_told_that_it_may() {
    let world = World::new();
    let answer = ask(&world, "GET", "/v1/jobs", &[("origin", APP)]).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, ""));
    let fields = [("origin", APP), ("access-control-request-method", "POST")];
    let preflight = ask(&world, "OPTIONS", "/v1/jobs", &fields).await;
    assert_eq!(preflight.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn an_allowed_site_asks_beforehand_without_a_key_and_reads_what_it_needs() {
    let world = allowing(config(), &[APP]);
    let fields = [
        ("origin", APP),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,idempotency-key"),
    ];
    let preflight = ask(&world, "OPTIONS", "/v1/jobs", &fields).await;
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-origin"), APP);
    for name in ["authorization", "content-type", "idempotency-key", "prefer", "last-event-id"] {
        assert!(preflight.header("access-control-allow-headers").contains(name), "{name}");
    }
    let key = format!("Bearer {OPERATOR}");
    let answer = ask(&world, "POST", "/v1/jobs", &[("origin", APP), ("authorization", &key)]).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("access-control-allow-origin"), APP);
    let shown = answer.header("access-control-expose-headers").to_owned();
    for name in
        ["location", "ratelimit", "ratelimit-policy", "retry-after", "idempotency-replayed", "link"]
    {
        assert!(shown.split(',').any(|one| one.trim() == name), "{name}: {shown}");
    }
    let refused = ask(&world, "POST", "/v1/jobs", &[("origin", APP)]).await;
    refused.problem(401);
    assert_eq!(refused.header("access-control-allow-origin"), APP, "it can read why");
    let other = ask(&world, "OPTIONS", "/v1/jobs", &[("origin", "https://evil.example")]).await;
    assert_eq!(other.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn every_site_may_when_the_operator_says_so() {
    let world = allowing(Config::default(), &["*"]);
    let fields = [("origin", APP), ("host", "localhost:8080"), ("sec-fetch-site", "cross-site")];
    let answer = ask(&world, "POST", "/v1/jobs", &fields).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (202, "*"));
}

#[tokio::test]
async fn a_foreign_page_changes_nothing_on_a_server_without_keys() {
    let world = allowing(Config::default(), &[APP]);
    let host = ("host", "localhost:8080");
    for fields in [
        vec![host, ("origin", "https://evil.example")],
        vec![host, ("origin", "null")],
        vec![host, ("origin", "http://localhost:3000")],
        vec![host, ("sec-fetch-site", "cross-site")],
        vec![host, ("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
    ] {
        for (method, path) in [
            ("POST", "/"),
            ("POST", "/v1/jobs"),
            ("POST", "/v1/keys"),
            ("DELETE", "/v1/jobs/x"),
            ("GET", "/v1/pull?sink=a"),
        ] {
            ask(&world, method, path, &fields).await.problem(403);
        }
        assert_eq!(ask(&world, "GET", "/healthz", &fields).await.status, 200);
    }
    assert_eq!(world.store.counts().live(), 0);
    for fields in [
        vec![host],
        vec![host, ("origin", "http://localhost:8080"), ("sec-fetch-site", "same-origin")],
        vec![host, ("origin", APP), ("sec-fetch-site", "cross-site")],
        vec![host, ("sec-fetch-site", "none")],
    ] {
        assert_eq!(ask(&world, "POST", "/v1/jobs", &fields).await.status, 202, "{fields:?}");
    }
}

#[tokio::test]
async fn a_name_that_only_leads_here_opens_nothing_without_keys() {
    let host_names = Some(vec!["pages.example.com".to_owned()]);
    let config = Config { host_names, ..Config::default() };
    let world = World::with(config.clone(), Bounds::default());
    for host in ["evil.example:8080", "evil.example", "localhost.evil.example", "evil.example.", ""]
    {
        let answer = ask(&world, "GET", "/v1/jobs", &[("host", host)]).await;
        assert!(answer.problem(421).contains("--public-url"), "{host}");
    }
    for host in ["localhost", "127.0.0.1:8080", "[::1]:8080", "Pages.Example.com", "web:80"] {
        assert_eq!(ask(&world, "GET", "/v1/jobs", &[("host", host)]).await.status, 200, "{host}");
    }
    assert_eq!(ask(&world, "GET", "/v1/jobs", &[]).await.status, 200, "HTTP/1.0 needs none");
    let config = Config { api_keys: vec![OPERATOR.to_owned()], ..config };
    let world = World::with(config, Bounds::default());
    let key = format!("Bearer {OPERATOR}");
    let fields = [("host", "proxy.example"), ("authorization", key.as_str())];
    assert_eq!(ask(&world, "GET", "/v1/jobs", &fields).await.status, 200, "no page has a key");
}
