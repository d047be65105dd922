use std::time::Duration;

use forward::{Answer, Config, Delivery, MAX_DETAIL_BYTES, Receipt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::sink::{Reply, Sink, deliver_to, delivery, trusting, until};

/// Short, so that tests of it are; long enough for a loaded machine to get a request through.
const TIMEOUT: Duration = Duration::from_millis(700);

/// Far more than [`TIMEOUT`]: reaching it is a hang.
const HANG: Duration = Duration::from_secs(10);

async fn impatiently(reply: Reply) -> (Sink, Receipt) {
    let sink = Sink::start(reply).await;
    let config = Config { timeout: TIMEOUT, ..trusting(&sink) };
    let (forwarder, _running) = forward::start(config).unwrap();
    let started = Instant::now();
    let receipt = forwarder.deliver(delivery("evt_1", &sink.url)).await;
    assert!(started.elapsed() < HANG, "{receipt}");
    (sink, receipt)
}

fn assert_no_answer(receipt: &Receipt) {
    assert_eq!((receipt.outcome, receipt.status), (Answer::Retryable, None), "{receipt}");
    assert!(!receipt.detail.is_empty());
    assert!(!receipt.detail.contains("from=test"), "no query in an error: {receipt}");
}

#[tokio::test]
async fn a_silent_sink_times_out() {
    let (sink, receipt) = impatiently(Reply::Silence).await;
    assert_no_answer(&receipt);
    assert!(receipt.duration >= TIMEOUT, "{:?}", receipt.duration);
    assert_eq!(sink.received().len(), 1);
}

#[tokio::test]
async fn a_delivery_can_have_more_or_less_time_than_the_others() {
    let sink = Sink::start(Reply::Silence).await;
    let config = Config { timeout: HANG * 10, ..trusting(&sink) };
    let (forwarder, _running) = forward::start(config).unwrap();
    let hurried = Delivery { timeout: Some(TIMEOUT), ..delivery("evt_1", &sink.url) };
    let receipt = forwarder.deliver(hurried).await;
    assert_no_answer(&receipt);
    assert!((TIMEOUT..HANG).contains(&receipt.duration), "{:?}", receipt.duration);
}

#[tokio::test]
async fn an_endless_answer_that_accepts_is_an_acceptance() {
    let (sink, receipt) = deliver_to(Reply::Endless {
        head: "HTTP/1.1 200 OK\r\n\r\n",
        piece_bytes: 16 * 1024,
        pause: Duration::ZERO,
    })
    .await;
    assert_eq!((receipt.outcome, receipt.status), (Answer::Accepted, Some(200)));
    until("the endless answer is cut", || sink.hung_up() == 1).await;
}

#[tokio::test]
async fn a_closed_port_is_retryable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?from=test", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let config = Config { trusted: vec![url], ..Config::default() };
    let sink = config.trusted[0].clone();
    let (forwarder, _running) = forward::start(config).unwrap();
    assert_no_answer(&forwarder.deliver(delivery("evt_1", &sink)).await);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_retryable() {
    let sink = "http://sink.invalid/hook?from=test".parse().unwrap();
    let (forwarder, _running) = forward::start(Config::default()).unwrap();
    assert_no_answer(&forwarder.deliver(delivery("evt_1", &sink)).await);
}

#[tokio::test]
async fn a_reset_after_the_body_was_read_is_retryable_and_not_repeated_by_itself() {
    let (sink, receipt) = deliver_to(Reply::Reset).await;
    assert_no_answer(&receipt);
    assert_eq!(sink.received().len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_retryable() {
    let (_sink, receipt) = impatiently(Reply::Raw("220 mail.example ESMTP\r\n\r\n".into())).await;
    assert_no_answer(&receipt);
}

#[tokio::test]
async fn an_endless_answer_is_cut_and_its_connection_closed() {
    let (sink, receipt) = deliver_to(Reply::Endless {
        head: "HTTP/1.1 500 Internal Server Error\r\n\r\n",
        piece_bytes: 16 * 1024,
        pause: Duration::ZERO,
    })
    .await;
    assert_eq!((receipt.outcome, receipt.status), (Answer::Retryable, Some(500)));
    assert_eq!(receipt.detail, "x".repeat(MAX_DETAIL_BYTES));
    // By its size, at once: patience with answers that do not end is longer.
    assert!(receipt.duration < Duration::from_secs(4), "{:?}", receipt.duration);
    until("the endless answer is cut", || sink.hung_up() == 1).await;
}

#[tokio::test]
async fn a_dripping_answer_cannot_outlast_the_timeout() {
    let (sink, receipt) = impatiently(Reply::Endless {
        head: "HTTP/1.1 200 OK\r\n\r\n",
        piece_bytes: 1,
        pause: Duration::from_millis(20),
    })
    .await;
    assert_eq!((receipt.outcome, receipt.status), (Answer::Accepted, Some(200)));
    assert!(receipt.duration >= TIMEOUT - Duration::from_millis(5), "{:?}", receipt.duration);
    until("the dripping answer is cut", || sink.hung_up() == 1).await;
}

#[tokio::test]
async fn a_broken_answer_body_does_not_undo_its_head() {
    let (_sink, receipt) = impatiently(Reply::Raw(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n".into(),
    ))
    .await;
    assert_eq!((receipt.outcome, receipt.detail.as_str()), (Answer::Accepted, "ok"));
}

#[tokio::test]
async fn a_bad_config_is_refused_at_the_start() {
    for (config, word) in [
        (Config { concurrency: 0, ..Config::default() }, "concurrency"),
        (Config { queue: 0, ..Config::default() }, "queue"),
        (Config { queue: usize::MAX, ..Config::default() }, "queue"),
        (Config { timeout: Duration::ZERO, ..Config::default() }, "timeout"),
        (Config { trusted: vec!["ftp://h/x".parse().unwrap()], ..Config::default() }, "http"),
    ] {
        let error = forward::start(config).expect_err(word);
        assert_eq!(error.kind(), forward::ErrorKind::Config);
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn without_a_runtime_there_is_an_error_not_a_panic() {
    let error = forward::start(Config::default()).expect_err("there is no runtime here");
    assert_eq!(error.kind(), forward::ErrorKind::NoRuntime);
}
