//! What happens, as server-sent events.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use ingest::{Config, ServeConfig};
use jobs::JobId;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tower::ServiceExt as _;

use crate::served::{PATIENCE, Server, read_until};
use crate::world::World;

async fn follow(world: &World, query: &str, after: Option<&str>) -> Response<Body> {
    let mut request = Request::get(format!("/v1/events{query}"));
    if let Some(after) = after {
        request = request.header("last-event-id", after);
    }
    world.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// What comes next.
async fn next(stream: &mut Response<Body>) -> String {
    let frame = timeout(PATIENCE, stream.body_mut().frame()).await.expect("something comes");
    let bytes = frame.expect("it goes on").unwrap().into_data().unwrap();
    String::from_utf8(bytes.into()).unwrap()
}

fn tell(world: &World, kind: &'static str, n: usize) -> JobId {
    let id = JobId::draw();
    world.feed.publish(kind, id, None, Bytes::from(format!("{{\"n\":{n}}}")));
    id
}

/// The values of a field in all frames.
fn values<'a>(text: &'a str, field: &str) -> Vec<&'a str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(field));
    lines.filter_map(|line| line.strip_prefix(": ")).collect()
}

#[tokio::test]
async fn a_follower_is_told_what_happens_from_now_on() {
    let world = World::new();
    tell(&world, "job.succeeded", 1);
    let mut stream = follow(&world, "", None).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(stream.headers()["cache-control"], "no-store");
    let greeting = next(&mut stream).await;
    let (began, number) = values(&greeting, "id")[0].split_once('-').unwrap();
    assert_eq!((number, values(&greeting, "retry")), ("1", vec!["2000"]));
    tell(&world, "job.succeeded", 2);
    tell(&world, "job.failed", 3);
    let text = next(&mut stream).await;
    assert_eq!(
        text,
        format!(
            "id: {began}-2\nevent: job.succeeded\ndata: {{\"n\":2}}\n\n\
             id: {began}-3\nevent: job.failed\ndata: {{\"n\":3}}\n\n"
        )
    );
}

#[tokio::test]
async fn a_follower_that_comes_back_misses_nothing() {
    let world = World::new();
    let mut stream = follow(&world, "", None).await;
    let id = values(&next(&mut stream).await, "id")[0].to_owned();
    drop(stream);
    for n in 1..=3 {
        tell(&world, "job.succeeded", n);
    }
    let mut stream = follow(&world, "", Some(&id)).await;
    let text = next(&mut stream).await;
    assert_eq!(values(&text, "data"), ["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"]);
    let second = values(&text, "id")[2].to_owned();
    let mut stream = follow(&world, &format!("?last_event_id={second}"), None).await;
    assert_eq!(values(&next(&mut stream).await, "data"), ["{\"n\":3}"]);
    // What it sends when it comes back counts for more than what its address says.
    let mut stream = follow(&world, &format!("?last_event_id={id}"), Some(&second)).await;
    assert_eq!(values(&next(&mut stream).await, "data"), ["{\"n\":3}"]);
}

#[tokio::test]
async fn only_what_was_asked_for_is_told() {
    let world = World::new();
    let mut some = follow(&world, "?types=job.failed,sink.disabled", None).await;
    next(&mut some).await;
    tell(&world, "job.succeeded", 1);
    let id = tell(&world, "job.failed", 2);
    tell(&world, "sink.disabled", 3);
    tell(&world, "job.succeeded", 4);
    let text = next(&mut some).await;
    assert_eq!(values(&text, "event"), ["job.failed", "sink.disabled"]);
    let start = values(&text, "id")[0].replace("-2", "-0");
    let mut one = follow(&world, &format!("?job={id}&last_event_id={start}"), None).await;
    assert_eq!(values(&next(&mut one).await, "data"), ["{\"n\":2}"]);
}

#[tokio::test]
async fn a_slow_follower_is_told_how_much_it_missed() {
    let world = World::new();
    let mut stream = follow(&world, "", None).await;
    next(&mut stream).await;
    for n in 0..10_005 {
        tell(&world, "job.succeeded", n);
    }
    let text = next(&mut stream).await;
    assert_eq!(values(&text, "event")[..2], ["gap", "job.succeeded"]);
    let data = values(&text, "data");
    let gap: serde_json::Value = serde_json::from_str(data[0]).unwrap();
    assert_eq!((&gap["missed"], data[1]), (&5.into(), "{\"n\":5}"));
    assert!(values(&text, "id")[0].ends_with("-5"), "where it goes on when it comes back now");
    let mut seen = data.len() - 1;
    while seen < 10_000 {
        let text = next(&mut stream).await;
        assert!(!values(&text, "event").contains(&"gap"));
        seen += values(&text, "data").len();
    }
    assert_eq!(seen, 10_000);
}

#[tokio::test]
async fn who_was_told_by_another_process_is_told_all_there_is() {
    let world = World::new();
    tell(&world, "job.succeeded", 1);
    for after in ["18c-77", "0-0"] {
        let mut stream = follow(&world, "", Some(after)).await;
        let text = next(&mut stream).await;
        assert_eq!(values(&text, "event"), ["gap", "job.succeeded"]);
        assert!(values(&text, "data")[0].starts_with("{\"missed\":null,"), "{text}");
        assert_eq!(values(&text, "data")[1], "{\"n\":1}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_every_fifteen_seconds() {
    let world = World::new();
    let mut stream = follow(&world, "?types=job.failed", None).await;
    next(&mut stream).await;
    let at = Instant::now();
    tell(&world, "job.succeeded", 1);
    for beats in 1..=3 {
        let text = next(&mut stream).await;
        assert!(text.starts_with(":\n"), "{text}");
        assert!(values(&text, "id")[0].ends_with("-1"), "past what it was not told");
        assert!(at.elapsed() >= Duration::from_secs(15 * beats));
    }
}

#[tokio::test]
async fn a_follower_that_leaves_makes_room_for_another() {
    let world = World::new();
    let mut streams = Vec::new();
    for _ in 0..64 {
        streams.push(follow(&world, "", None).await);
    }
    let answer = world.get("/v1/events").await;
    answer.problem(503);
    assert!(!answer.header("retry-after").is_empty());
    streams.pop();
    assert_eq!(follow(&world, "", None).await.status(), 200);
}

#[tokio::test]
async fn what_cannot_be_followed_is_refused() {
    let world = World::new();
    let many = format!("types={}", ["a"; 33].join(","));
    for (query, parameter) in [
        ("types=", "types"),
        ("types=job.failed,", "types"),
        ("types=JOB", "types"),
        ("types=a&types=b", "types"),
        (many.as_str(), "types"),
        ("job=1", "job"),
        ("last_event_id=", "last_event_id"),
        ("last_event_id=x", "last_event_id"),
        ("last_event_id=1-2-3", "last_event_id"),
        ("since=1h", "since"),
    ] {
        let answer = world.get(&format!("/v1/events?{query}")).await;
        answer.problem(400);
        assert_eq!(answer.json()["errors"][0]["parameter"], parameter, "{query}");
    }
    let request = Request::get("/v1/events").header("last-event-id", "x");
    let answer = world.send(request.body("".into()).unwrap()).await;
    answer.problem(400);
    assert_eq!(answer.json()["errors"][0]["header"], "last-event-id");
}

async fn connected(server: &Server) -> TcpStream {
    let mut stream = server.connect().await;
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let head = read_until(&mut stream, |text| text.contains("retry: 2000\n")).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    stream
}

#[tokio::test]
async fn a_stream_outlasts_idleness_and_ends_when_the_server_stops() {
    let idle_timeout = Duration::from_millis(100);
    let header_read_timeout = Duration::from_millis(100);
    let serve = ServeConfig { idle_timeout, header_read_timeout, ..ServeConfig::default() };
    let server = Server::start(Config::default(), serve).await;
    let mut stream = connected(&server).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    tell(&server.world, "job.failed", 7);
    let text = read_until(&mut stream, |text| text.contains("data: ")).await;
    assert!(text.contains("event: job.failed\ndata: {\"n\":7}\n"), "{text}");
    server.stop.cancel();
    let rest = read_until(&mut stream, |_| false).await;
    assert!(rest.ends_with("0\r\n\r\n"), "it ends as it should: {rest}");
    server.stop().await;
}

#[tokio::test]
async fn a_follower_that_hangs_up_makes_room_at_once() {
    let server = Server::plain().await;
    let mut streams = Vec::new();
    for _ in 0..64 {
        streams.push(connected(&server).await);
    }
    assert_eq!(server.world.get("/v1/events").await.status, 503);
    streams.pop();
    let end = Instant::now() + PATIENCE;
    while follow(&server.world, "", None).await.status() != 200 {
        assert!(Instant::now() < end, "its place is free");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    drop(streams);
    server.stop().await;
}
