//! Results by signed links, and in parts.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, header};
use ingest::{Config, Links};
use jobs::{Bounds, JobId, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::world::{Answer, World};

const EVENT: &str = r#"{"type":"job.succeeded"}"#;

fn links() -> Links {
    Links::new([7; 32], "https://pages.example/at".parse().unwrap())
}

/// A server with a key and links, and a job with a result.
async fn linked() -> (World, JobId) {
    let api_keys = vec!["the-key".to_owned()];
    let config = Config { api_keys, links: Some(links()), ..Config::default() };
    let world = World::with(config, Bounds::default());
    let body = r#"{"url":"https://example.com"}"#;
    let answer = world.post_with(body, &[("authorization", "Bearer the-key")]).await;
    let id = answer.json()["id"].as_str().unwrap().parse().unwrap();
    world.fetched(EVENT).await;
    (world, id)
}

/// The path and query of a link to a job's result.
fn path(id: JobId, expires: Timestamp) -> String {
    let link = links().result(id, expires);
    link.strip_prefix("https://pages.example/at").unwrap().to_owned()
}

#[tokio::test]
async fn a_link_opens_its_result_without_a_key_until_it_expires() {
    let (world, id) = linked().await;
    let path = path(id, world.now() + Duration::from_secs(60));
    let answer = world.get(&path).await;
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, EVENT.as_bytes()));
    assert_eq!(world.call("HEAD", &path).await.status, 200);
    world.pass(Duration::from_secs(59));
    assert_eq!(world.get(&path).await.status, 200);
    world.pass(Duration::from_secs(1));
    let detail = world.get(&path).await.problem(403);
    assert_eq!(detail, "the link expired at 2026-11-22T10:01:00Z; ask for a new one");
}

#[tokio::test]
async fn a_link_opens_nothing_else() {
    let (world, id) = linked().await;
    let good = path(id, world.now() + Duration::from_secs(60));
    let (result, query) = good.split_once('?').unwrap();
    let other = result.replace(&id.to_string(), &JobId::draw().to_string());
    let later = query.replace("expires=1795341660", "expires=1795341661");
    assert_ne!(later, query);
    for (path, status) in [
        (format!("{other}?{query}"), 403),
        (format!("{result}?{later}"), 403),
        (format!("{result}?{query}A"), 403),
        (format!("{result}?{}", query.replace("signature=", "signature=A")), 403),
        (format!("{result}?expires=1795341660&signature="), 403),
        (format!("{result}?{query}&x=1"), 400),
        (format!("{result}?{query}&{query}"), 400),
        (format!("{result}?expires=1795341660"), 400),
        (format!("{result}?signature=AAAA"), 400),
        (format!("{}?{query}", result.strip_suffix("/result").unwrap()), 401),
        (format!("{}?{query}", result.replace("/result", "/attempts")), 401),
        (result.to_owned(), 401),
        (format!("{result}?x=1"), 401),
    ] {
        world.get(&path).await.problem(status);
    }
    let request = Request::get(format!("{result}?x=1")).header("authorization", "Bearer the-key");
    let answer = world.send(request.body("".into()).unwrap()).await;
    answer.problem(400);
    assert_eq!(answer.json()["errors"][0]["parameter"], "x");
}

#[tokio::test]
async fn without_links_a_signature_opens_nothing() {
    let world = World::new();
    let id = world.submit(r#"{"url":"https://example.com"}"#).await;
    world.fetched(EVENT).await;
    world.get(&path(id, world.now() + Duration::from_secs(60))).await.problem(403);
    assert_eq!(world.get(&format!("/v1/jobs/{id}/result")).await.status, 200);
}

/// A result of the bytes `0123456789`, asked for with these fields.
async fn part(world: &World, id: JobId, method: &str, fields: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(format!("/v1/jobs/{id}/result"));
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    world.send(request.body("".into()).unwrap()).await
}

async fn digits() -> (World, JobId) {
    let world = World::new();
    let id = world.submit(r#"{"url":"https://example.com"}"#).await;
    world.fetched("0123456789").await;
    (world, id)
}

#[tokio::test]
async fn a_part_comes_with_its_place_and_the_digest_of_the_whole() {
    let (world, id) = digits().await;
    let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest("0123456789")));
    for (range, place, bytes) in [
        ("bytes=0-3", "bytes 0-3/10", "0123"),
        ("bytes=4-", "bytes 4-9/10", "456789"),
        ("bytes=-2", "bytes 8-9/10", "89"),
        ("bytes=8-99", "bytes 8-9/10", "89"),
    ] {
        let answer = part(&world, id, "GET", &[("range", range)]).await;
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (206, bytes.as_bytes()), "{range}");
        assert_eq!(answer.header(header::CONTENT_RANGE), place);
        assert_eq!(answer.header(header::CONTENT_LENGTH), bytes.len().to_string());
        assert_eq!(answer.header("repr-digest"), digest);
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
        assert!(!answer.header(header::ETAG).is_empty());
    }
    for range in ["bytes=0-1,4-5", "lines=1-2", "bytes=9-1", "bytes"] {
        let answer = part(&world, id, "GET", &[("range", range)]).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body[..]),
            (200, &b"0123456789"[..]),
            "{range}"
        );
        assert_eq!(answer.header("repr-digest"), digest);
        assert_eq!(answer.header(header::ACCEPT_RANGES), "bytes");
        assert_eq!(answer.header(header::CONTENT_RANGE), "");
    }
}

#[tokio::test]
async fn a_part_that_is_not_there_is_416() {
    let (world, id) = digits().await;
    for range in ["bytes=10-", "bytes=-0", "bytes=11-12"] {
        let answer = part(&world, id, "GET", &[("range", range)]).await;
        answer.problem(416);
        assert_eq!(answer.header(header::CONTENT_RANGE), "bytes */10");
    }
}

#[tokio::test]
async fn a_part_is_of_what_the_caller_has_the_rest_of() {
    let (world, id) = digits().await;
    let tag = part(&world, id, "GET", &[]).await.header(header::ETAG).to_owned();
    let range = ("range", "bytes=4-");
    for (if_range, status) in [
        (tag.as_str(), 206),
        ("\"other\"", 200),
        (&format!("W/{tag}"), 200),
        ("Sun, 22 Nov 2026 10:00:00 GMT", 200),
    ] {
        let answer = part(&world, id, "GET", &[range, ("if-range", if_range)]).await;
        assert_eq!(answer.status, status, "{if_range}");
    }
    let answer = part(&world, id, "GET", &[range, ("if-none-match", &tag)]).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (304, 0));
    let head = part(&world, id, "HEAD", &[range]).await;
    assert_eq!((head.status.as_u16(), head.header(header::CONTENT_LENGTH)), (200, "10"));
    assert!(head.header("repr-digest").starts_with("sha-256=:"));
}

#[tokio::test]
async fn a_large_result_has_the_right_digest_too() {
    let world = World::new();
    let id = world.submit(r#"{"url":"https://example.com"}"#).await;
    let large: &'static str = "x".repeat(1 << 20).leak();
    world.fetched(large).await;
    let answer = part(&world, id, "GET", &[("range", "bytes=-1")]).await;
    let digest = STANDARD.encode(Sha256::digest(large));
    assert_eq!(answer.header("repr-digest"), format!("sha-256=:{digest}:"));
    assert_eq!(&answer.body[..], b"x");
}
