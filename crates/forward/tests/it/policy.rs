use egress::Policy;
use forward::{Answer, Config, Delivery, Receipt};
use url::Url;

use crate::sink::{Reply, Sink, delivery, trusting};

async fn deliver(config: Config, delivery: Delivery) -> Receipt {
    let (forwarder, _running) = forward::start(config).unwrap();
    forwarder.deliver(delivery).await
}

fn assert_forbidden(receipt: &Receipt, sink: &Sink) {
    assert_eq!((receipt.outcome, receipt.status), (Answer::Forbidden, None), "{receipt}");
    assert!(!receipt.detail.is_empty());
    assert_eq!(sink.connections(), 0, "not even a connection is made");
}

/// The same sink under another name for loopback.
fn called(host: &str, sink: &Sink) -> Url {
    let mut url = sink.url.clone();
    url.set_host(Some(host)).unwrap();
    url
}

#[tokio::test]
async fn a_private_sink_is_forbidden_unless_trusted() {
    let sink = Sink::start(Reply::status("200 OK")).await;
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        let job_supplied = Delivery { trusted: false, ..delivery("e", &called(host, &sink)) };
        assert_forbidden(&deliver(Config::default(), job_supplied).await, &sink);
    }
    let receipt = deliver(trusting(&sink), delivery("e", &sink.url)).await;
    assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
}

#[tokio::test]
async fn trust_needs_both_the_mark_and_the_operators_word() {
    let sink = Sink::start(Reply::status("200 OK")).await;
    // Marked, but the operator never named it.
    assert_forbidden(&deliver(Config::default(), delivery("e", &sink.url)).await, &sink);
    // Named by the operator, but this delivery goes there because a job said so.
    let unmarked = Delivery { trusted: false, ..delivery("e", &sink.url) };
    assert_forbidden(&deliver(trusting(&sink), unmarked).await, &sink);
    // Another port of a trusted host.
    let mut named = sink.url.clone();
    named.set_port(Some(if sink.url.port() == Some(9999) { 9998 } else { 9999 })).unwrap();
    let config = Config { trusted: vec![named], ..Config::default() };
    assert_forbidden(&deliver(config, delivery("e", &sink.url)).await, &sink);
}

#[tokio::test]
async fn a_trusted_sink_may_be_a_name() {
    let sink = Sink::start(Reply::status("200 OK")).await;
    let url = called("localhost", &sink);
    let config = Config { trusted: vec![url.clone()], ..Config::default() };
    let receipt = deliver(config, delivery("e", &url)).await;
    assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
}

#[tokio::test]
async fn the_operator_can_open_networks_for_job_supplied_sinks() {
    let sink = Sink::start(Reply::status("200 OK")).await;
    let sink_policy = Policy::public_only().allow(&["127.0.0.0/8".parse().unwrap()]);
    let config = Config { sink_policy, ..Config::default() };
    let job_supplied = Delivery { trusted: false, ..delivery("e", &sink.url) };
    let receipt = deliver(config, job_supplied).await;
    assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
}

#[tokio::test]
async fn a_delivery_that_cannot_be_signed_or_sent_is_forbidden() {
    let sink = Sink::start(Reply::status("200 OK")).await;
    let mut forged = delivery("e", &sink.url);
    forged.headers.insert("webhook-signature", "v1,x".parse().unwrap());
    let unsigned = Delivery { secrets: vec![], ..delivery("e", &sink.url) };
    let elsewhere = delivery("e", &"ftp://sink.example/".parse().unwrap());
    for bad in [forged, unsigned, elsewhere, delivery("a.b", &sink.url)] {
        assert_forbidden(&deliver(trusting(&sink), bad).await, &sink);
    }
}

#[tokio::test]
async fn a_scheme_that_is_not_the_webs_is_the_operators_alone() {
    let sink = Sink::start(Reply::status("200 OK")).await;
    for trusted in [true, false] {
        let elsewhere = "gopher://sink.example/".parse().unwrap();
        let sent = Delivery { trusted, ..delivery("e", &elsewhere) };
        let receipt = deliver(trusting(&sink), sent).await;
        assert_forbidden(&receipt, &sink);
        assert!(receipt.detail.contains("`gopher:`"), "{receipt}");
        let why = if trusted { "named at start" } else { "only sinks of the operator" };
        assert!(receipt.detail.contains(why), "{receipt}");
    }
}
