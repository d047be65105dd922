//! Origin, sink, load and ledger without a product between them: a stand-in that answers 202.

use std::sync::Arc;
use std::time::Duration;

use harness::{
    Accepted, Connection, Expected, Failure, HostReport, HostileOrigin, Ledger, Load, Mode, Origin,
    OriginConfig, OriginReport, Robots, Sink, SinkConfig, SinkReport, Stop, page,
};
use hyper::Method;

const LIMIT: Duration = Duration::from_secs(10);

fn client(origin: &Origin) -> Connection {
    Connection::new(([127, 0, 0, 1], origin.port()).into()).with_timeout(Duration::from_secs(2))
}

#[tokio::test]
async fn an_origin_serves_what_its_paths_say() {
    let origin = Origin::start(OriginConfig { hosts: 3, ..OriginConfig::default() }).await.unwrap();
    let mut client = client(&origin);
    let page = client.get("/page/5?size=700").await.unwrap();
    assert_eq!((page.status, page.text()), (200, page::render(5, 700)));
    let slow = client.get("/slow/5?size=700&ms=1").await.unwrap();
    assert_eq!(slow.text(), page::render(5, 700));
    assert_eq!(client.get("/fail/404/1").await.unwrap().status, 404);
    assert_eq!(client.get("/huge/1?bytes=100000").await.unwrap().body.len(), 100_000);
    let hop = client.get("/redirect/1/9?size=700").await.unwrap();
    assert_eq!((hop.status, hop.header("location")), (302, Some("/redirect/0/9?size=700")));
    for status in [503, 503, 200] {
        assert_eq!(client.get("/flaky/2/1").await.unwrap().status, status);
    }
    for path in ["/reset/1", "/cut/1", "/hang/1"] {
        assert!(matches!(client.get(path).await, Err(Failure::NoAnswer(_))), "{path}");
    }
    let report: OriginReport =
        serde_json::from_slice(&client.get("/report").await.unwrap().body).unwrap();
    assert_eq!((report.hosts.len(), report.requests(), report.hosts[0].peak), (3, 11, 1));
    assert!(origin.url(1, "/x").starts_with("http://127.1.0.2:"));
}

#[tokio::test]
async fn an_origin_keeps_requests_for_robots_apart_and_the_times_of_the_others() {
    let origin =
        Origin::start(OriginConfig { record: true, ..OriginConfig::default() }).await.unwrap();
    let mut client = client(&origin);
    assert_eq!(client.get("/robots.txt").await.unwrap().status, 404);
    origin.set_robots(0, Robots::Text("User-agent: *".to_owned()));
    assert_eq!(client.get("/robots.txt").await.unwrap().text(), "User-agent: *");
    origin.set_robots(0, Robots::Status(503));
    assert_eq!(client.get("/robots.txt").await.unwrap().status, 503);
    let asked = client.get("/later/7/1/5").await.unwrap();
    assert_eq!((asked.status, asked.header("retry-after")), (429, Some("7")));
    assert_eq!(client.get("/later/7/1/5").await.unwrap().status, 200);
    let tag = client.get("/tagged/5").await.unwrap().header("etag").unwrap().to_owned();
    let known = [("if-none-match", tag.as_str())];
    let known = client.request(Method::GET, "/tagged/5", &known, "".into()).await.unwrap();
    assert_eq!((known.status, known.body.len()), (304, 0));
    let host = &origin.report().hosts[0];
    assert_eq!((host.requests, host.robots, host.arrivals_us.len()), (4, 3, 4));
    assert!(host.arrivals_us.is_sorted());
}

#[tokio::test]
async fn a_hostile_origin_plays_the_script_of_each_address() {
    let origin = HostileOrigin::start().await.unwrap();
    let ask = async |name: &str, path: &str| {
        let index = origin.behaviours().iter().position(|one| one.name == name).unwrap();
        let url = origin.url(index);
        assert!(url.ends_with(&format!("/hostile/{name}")), "{url}");
        let addr = url.split('/').nth(2).unwrap().parse().unwrap();
        Connection::new(addr).with_timeout(Duration::from_secs(1)).get(path).await
    };
    assert_eq!(ask("status-404", "/hostile").await.unwrap().status, 404);
    assert_eq!(ask("status-500-endless", "/robots.txt").await.unwrap().status, 404);
    assert_eq!(ask("robots-503", "/robots.txt").await.unwrap().status, 503);
    assert_eq!(ask("robots-503", "/hostile").await.unwrap().status, 200);
    let bomb = ask("bomb-gzip", "/").await.unwrap();
    assert_eq!(bomb.header("content-encoding"), Some("x-gzip"));
    assert!((1_000..100_000).contains(&bomb.body.len()), "{}", bomb.body.len());
    for silent in ["silence-before-head", "reset-in-body", "not-http-ssh", "interim-endless"] {
        assert!(matches!(ask(silent, "/").await, Err(Failure::NoAnswer(_))), "{silent}");
    }
    let expected = |name: &str| {
        let found = origin.behaviours().iter().find(|one| one.name == name);
        found.map(|one| one.expected)
    };
    assert_eq!(expected("bomb-gzip"), Some(Expected::Failure(&["too_large"])));
}

#[test]
fn intervals_and_crowds_are_read_off_the_times() {
    let arrivals_us = vec![0, 200_000, 390_000, 1_000_000, 1_000_001];
    let host = HostReport { arrivals_us, ..HostReport::default() };
    assert_eq!(host.least_interval(), Some(Duration::from_micros(1)));
    // From the first request up to but not including the one a second later.
    assert_eq!(host.most_within(Duration::from_secs(1)), 4);
    assert_eq!(host.most_within(Duration::from_micros(195_000)), 2);
    assert_eq!(HostReport::default().most_within(Duration::from_secs(1)), 0);
}

#[tokio::test]
async fn a_sink_tells_sound_deliveries_from_others() {
    let url = "http://127.0.0.1:1/page/5?size=700";
    let mut sink = Sink::start(SinkConfig::default()).await.unwrap();
    let mut client = Connection::new(sink.addr());
    let event = |id: &str, text: &str| {
        serde_json::json!({"type": "job.succeeded", "data": {"id": id, "url": url, "text": text}})
            .to_string()
    };
    let page = page::render(5, 700);
    for (mode, id, status) in
        [(Mode::Accept, "a", 200), (Mode::Accept, "a", 200), (Mode::Status(503, Some(3)), "b", 503)]
    {
        sink.set(mode);
        let headers = [("webhook-id", id)];
        let answer = client.request(Method::POST, "/hook", &headers, event(id, &page).into()).await;
        assert_eq!(answer.unwrap().status, status);
    }
    sink.set(Mode::Reset);
    let answer =
        client.request(Method::POST, "/", &[("webhook-id", "c")], event("c", "").into()).await;
    assert!(matches!(answer, Err(Failure::NoAnswer(_))));
    sink.set(Mode::Accept);
    client.request(Method::POST, "/", &[], event("d", "").into()).await.unwrap();
    sink.down().await;
    assert!(client.get("/report").await.is_err());
    sink.up().await.unwrap();
    let report: SinkReport =
        serde_json::from_slice(&client.get("/report").await.unwrap().body).unwrap();
    assert_eq!((report.posts, report.events.len(), report.stray_count), (5, 3, 1));
    let [a, b, c] = ["a", "b", "c"].map(|id| sink.event(id).unwrap());
    assert_eq!((a.delivered, a.attempts, a.fault, a.rewritten), (2, 2, None, 0));
    assert_eq!((b.delivered, b.attempts, b.fault), (0, 1, None));
    assert!(c.delivered == 0 && c.fault.is_some());
}

#[tokio::test]
async fn a_sink_checks_signatures() {
    let secret = Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
    let sink = Sink::start(SinkConfig { secret, ..SinkConfig::default() }).await.unwrap();
    let mut client = Connection::new(sink.addr());
    let headers =
        [("webhook-id", "a"), ("webhook-timestamp", "1"), ("webhook-signature", "v1,AA==")];
    client.request(Method::POST, "/", &headers, "{}".into()).await.unwrap();
    assert_eq!(sink.report().stray_count, 1);
}

#[tokio::test]
async fn a_load_ends_and_doubts_what_was_not_answered() {
    // An origin is a server that never says 202: every answer is unexpected, a reset is a doubt.
    let origin = Origin::start(OriginConfig::default()).await.unwrap();
    let ledger = Arc::new(Ledger::default());
    let target = ([127, 0, 0, 1], origin.port()).into();
    let mut load = Load::new(target, |n| format!("u/{n}"));
    load.clients = 3;
    load.refused_pause = Duration::ZERO;
    let report = load.run(Stop::Jobs(10), &ledger).await;
    assert_eq!((report.unexpected, report.accepted, ledger.len()), (10, 0, 0));
    assert!(report.check().is_err());
    drop(origin);
}

#[tokio::test]
async fn settling_waits_and_then_says_what_is_missing() {
    let sink = Sink::start(SinkConfig::default()).await.unwrap();
    let ledger = Ledger::default();
    ledger.settle(&sink, LIMIT).await.unwrap();
    ledger.accept(Accepted { id: "a".into(), url: "u".into(), sent_us: 0, accepted_us: 0 });
    let lost = ledger.settle(&sink, Duration::from_millis(50)).await.unwrap_err();
    assert!(lost.to_string().contains("1 missing [a]"), "{lost}");
}
