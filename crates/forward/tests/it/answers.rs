use std::time::Duration;

use forward::{Answer, MAX_DETAIL_BYTES, NextTry, Schedule};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::sink::{NOW_S, Reply, Sink, deliver_to, delivery, trusting};

#[tokio::test]
async fn each_status_has_its_meaning() {
    for (line, answer) in [
        ("200 OK", Answer::Accepted),
        ("201 Created", Answer::Accepted),
        ("299 Fine", Answer::Accepted),
        ("304 Not Modified", Answer::Refused),
        ("400 Bad Request", Answer::Refused),
        ("404 Not Found", Answer::Refused),
        ("408 Request Timeout", Answer::Retryable),
        ("410 Gone", Answer::Gone),
        ("425 Too Early", Answer::Retryable),
        ("429 Too Many Requests", Answer::Retryable),
        ("500 Internal Server Error", Answer::Retryable),
        ("503 Service Unavailable", Answer::Retryable),
    ] {
        let (sink, receipt) = deliver_to(Reply::status(line)).await;
        assert_eq!(receipt.outcome, answer, "{line}: {receipt}");
        assert_eq!(receipt.status, line[..3].parse().ok());
        assert_eq!(sink.received().len(), 1, "{line}: one attempt is one request");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Sink::start(Reply::status("200 OK")).await;
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        elsewhere.url
    );
    let sink = Sink::start(Reply::Raw(redirect)).await;
    let mut config = trusting(&sink);
    config.trusted.push(elsewhere.url.clone());
    let (forwarder, _running) = forward::start(config).unwrap();
    let receipt = forwarder.deliver(delivery("evt_1", &sink.url)).await;
    assert_eq!((receipt.outcome, receipt.status), (Answer::Refused, Some(307)));
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn retry_after_is_reported_in_both_forms_and_honoured() {
    // NOW_S is Mon, 21 Sep 2026 14:13:20 GMT.
    assert_eq!(NOW_S, 1_790_000_000);
    for (status, value) in [
        ("429 Too Many Requests", "120"),
        ("503 Service Unavailable", "Mon, 21 Sep 2026 14:15:20 GMT"),
    ] {
        let (_sink, receipt) = deliver_to(Reply::Raw(format!(
            "HTTP/1.1 {status}\r\nretry-after: {value}\r\ncontent-length: 4\r\n\r\nbusy"
        )))
        .await;
        assert_eq!(receipt.outcome, Answer::Retryable, "{receipt}");
        assert_eq!(receipt.retry_after, Some(Duration::from_secs(120)), "{value}");
        assert_eq!(receipt.detail, "busy");
        let next = Schedule::default().next(1, &receipt, &mut StdRng::seed_from_u64(1));
        let NextTry::After(delay) = next else { panic!("it is tried again") };
        assert!((120..=132).contains(&delay.as_secs()), "{delay:?}");
    }
}

#[tokio::test]
async fn retry_after_of_an_accepting_sink_is_no_matter() {
    let (_sink, receipt) = deliver_to(Reply::Raw(
        "HTTP/1.1 202 Accepted\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n".into(),
    ))
    .await;
    assert_eq!((receipt.outcome, receipt.retry_after), (Answer::Accepted, None));
}

#[tokio::test]
async fn the_beginning_of_the_answer_is_kept_as_one_line() {
    let body = format!("<h1>no\r\nthanks</h1>{}", "!".repeat(5000));
    let (_sink, receipt) = deliver_to(Reply::Raw(format!(
        "HTTP/1.1 422 Unprocessable Content\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )))
    .await;
    assert_eq!(receipt.outcome, Answer::Refused);
    assert!(receipt.detail.starts_with("<h1>no  thanks</h1>!!!"), "{}", receipt.detail);
    assert_eq!(receipt.detail.len(), MAX_DETAIL_BYTES);
}

fn with_field(status: &str, field: &str) -> Reply {
    Reply::Raw(format!("HTTP/1.1 {status}\r\n{field}\r\ncontent-length: 2\r\n\r\nno"))
}

#[tokio::test]
async fn a_sink_that_declines_is_not_asked_again() {
    for (status, field) in [
        ("400 Bad Request", "Pagewire-Retry: never"),
        ("503 Service Unavailable", "pagewire-retry: never"),
        ("301 Moved Permanently", "pagewire-retry: never"),
        ("489 Unassigned", "Upstash-NonRetryable-Error: true"),
    ] {
        let (_sink, receipt) = deliver_to(with_field(status, field)).await;
        assert_eq!(receipt.outcome, Answer::Declined, "{status}: {receipt}");
        assert_eq!((receipt.status, receipt.detail.as_str()), (status[..3].parse().ok(), "no"));
        let next = Schedule::default().next(1, &receipt, &mut StdRng::seed_from_u64(1));
        assert_eq!(next, NextTry::GiveUp, "{status}");
    }
    // What was accepted is accepted, and what is gone is gone.
    for (status, answer) in [("200 OK", Answer::Accepted), ("410 Gone", Answer::Gone)] {
        let (_sink, receipt) = deliver_to(with_field(status, "pagewire-retry: never")).await;
        assert_eq!(receipt.outcome, answer, "{receipt}");
    }
}

#[tokio::test]
async fn a_spent_rate_limit_is_a_pause_whatever_the_answer() {
    for (status, field, pause_s) in [
        ("200 OK", "RateLimit: \"default\";r=0;t=30", Some(30)),
        ("200 OK", "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 7", Some(7)),
        ("429 Too Many Requests", "RateLimit-Remaining: 0\r\nRateLimit-Reset: 9", Some(9)),
        ("200 OK", "RateLimit: \"default\";r=5;t=30", None),
        ("500 Internal Server Error", "x-nothing: 0", None),
    ] {
        let (_sink, receipt) = deliver_to(with_field(status, field)).await;
        assert_eq!(receipt.pause, pause_s.map(Duration::from_secs), "{status} {field}");
    }
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_short_answer() {
    let body = "ok".repeat(2000);
    let sink = Sink::start(Reply::Raw(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )))
    .await;
    let (forwarder, _running) = forward::start(trusting(&sink)).unwrap();
    for _ in 0..10 {
        let receipt = forwarder.deliver(delivery("evt_1", &sink.url)).await;
        assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
    }
    assert_eq!(sink.received().len(), 10);
    // Giving a connection back races with the next request; each one new would be ten.
    assert!(sink.connections() <= 3, "{} connections", sink.connections());
}
