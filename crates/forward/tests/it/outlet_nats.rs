//! `nats:` sinks against a real server: `nats-server`, Debian's package of that name.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::jetstream::Context;
use async_nats::jetstream::stream::Config as StreamConfig;
use bytes::Bytes;
use forward::{Answer, Config, Delivery, Forwarder, Receipt, Running};
use tempfile::TempDir;
use url::Url;

use crate::sink::{NOW_S, delivery};

const PASSWORD: &str = "hu/sh";

/// A server with JetStream; killed when dropped.
struct Server {
    port: u16,
    data: TempDir,
    process: Option<Child>,
}

impl Server {
    async fn start() -> Self {
        // Free now; the server is to come back at the same one.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut server = Self { port, data: TempDir::new().unwrap(), process: None };
        server.up().await;
        server
    }

    async fn up(&mut self) {
        let here = ["nats-server", "/usr/sbin/nats-server"];
        let program = here
            .iter()
            .find(|name| Command::new(name).arg("--version").output().is_ok())
            .expect("`nats-server` is needed: install Debian's package of that name");
        let process = Command::new(program)
            .args(["--jetstream", "--addr", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--user", "me", "--pass", PASSWORD, "--store_dir"])
            .arg(self.data.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        self.jetstream().await;
    }

    fn down(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// A connection of the test's own; waits until the server is there.
    async fn jetstream(&self) -> Context {
        let mut why = String::new();
        for _ in 0..200 {
            let options = ConnectOptions::with_user_and_password("me".into(), PASSWORD.into());
            match options.connect(format!("127.0.0.1:{}", self.port)).await {
                // It listens once JetStream is there.
                Ok(client) => return async_nats::jetstream::new(client),
                Err(error) => why = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nats-server did not start: {why}");
    }

    async fn add_stream(&self) {
        let stream = StreamConfig {
            name: "EVENTS".into(),
            subjects: vec!["events.*".into()],
            ..StreamConfig::default()
        };
        self.jetstream().await.create_stream(stream).await.unwrap();
    }

    async fn stored(&self) -> u64 {
        let stream = self.jetstream().await.get_stream("EVENTS").await.unwrap();
        stream.cached_info().state.messages
    }

    fn sink(&self, subject: &str) -> Url {
        let port = self.port;
        format!("nats://me:hu%2Fsh@127.0.0.1:{port}/{subject}").parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.down();
    }
}

fn start(sink: &Url) -> (Forwarder, Running) {
    let trusted = vec![sink.clone()];
    let connect_timeout = Duration::from_secs(1);
    forward::start(Config { trusted, connect_timeout, ..Config::default() }).unwrap()
}

fn assert_retryable(receipt: &Receipt, told: &str) {
    assert_eq!(receipt.outcome, Answer::Retryable, "{receipt}");
    assert!(receipt.detail.contains(told), "{receipt}");
    assert!(!receipt.detail.contains(PASSWORD) && !receipt.detail.contains("hu%2Fsh"), "{receipt}");
}

#[tokio::test]
async fn an_event_is_accepted_once_the_stream_has_it_and_a_repetition_is_dropped_there() {
    let server = Server::start().await;
    server.add_stream().await;
    let sink = server.sink("events.pages?stream=EVENTS");
    let (forwarder, running) = start(&sink);
    for detail in ["stream EVENTS at 1", "stream EVENTS at 1, which had it"] {
        let receipt = forwarder.deliver(delivery("evt_1", &sink)).await;
        assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
        assert_eq!(receipt.detail, detail);
    }
    assert_eq!(server.stored().await, 1);
    let stream = server.jetstream().await.get_stream("EVENTS").await.unwrap();
    let message = stream.get_raw_message(1).await.unwrap();
    assert_eq!(message.subject.as_str(), "events.pages");
    assert_eq!(message.payload, delivery("evt_1", &sink).body);
    let header = |name: &str| message.headers.get(name).unwrap().as_str().to_owned();
    assert_eq!(header("Nats-Msg-Id"), "evt_1");
    assert_eq!(header("webhook-id"), "evt_1");
    assert_eq!(header("webhook-timestamp"), NOW_S.to_string());
    assert!(header("webhook-signature").starts_with("v1,"));
    assert_eq!(header("content-type"), "application/json");
    drop(forwarder);
    running.await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_down_is_waited_for_and_found_again() {
    let mut server = Server::start().await;
    server.add_stream().await;
    server.down();
    let sink = server.sink("events.pages");
    let (forwarder, _running) = start(&sink);
    // At the very first connection, and when one is lost.
    for round in 0..2u64 {
        let id = format!("evt_{round}");
        assert_retryable(
            &forwarder.deliver(delivery(&id, &sink)).await,
            "no connection to 127.0.0.1",
        );
        server.up().await;
        assert_eq!(in_the_end(&forwarder, &delivery(&id, &sink)).await.outcome, Answer::Accepted);
        assert_eq!(server.stored().await, round + 1);
        server.down();
    }
}

/// Tries until it is taken; the client pauses between its own attempts to connect.
async fn in_the_end(forwarder: &Forwarder, delivery: &Delivery) -> Receipt {
    let mut receipt = forwarder.deliver(delivery.clone()).await;
    for _ in 0..30 {
        if receipt.outcome == Answer::Accepted {
            break;
        }
        receipt = forwarder.deliver(delivery.clone()).await;
    }
    receipt
}

#[tokio::test]
async fn a_stream_that_is_missing_or_another_is_told() {
    let server = Server::start().await;
    let sink = server.sink("events.pages");
    let (forwarder, _running) = start(&sink);
    let receipt = forwarder.deliver(delivery("evt_1", &sink)).await;
    assert_retryable(&receipt, "no stream");
    assert!(receipt.detail.contains("`events.pages`"), "{receipt}");
    server.add_stream().await;
    let receipt = forwarder.deliver(delivery("evt_1", &sink)).await;
    assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");

    let sink = server.sink("events.pages?stream=OTHER");
    let (forwarder, _running) = start(&sink);
    let receipt = forwarder.deliver(delivery("evt_2", &sink)).await;
    assert_retryable(&receipt, "expected stream does not match");
    assert_eq!(server.stored().await, 1);
}

#[tokio::test]
async fn who_may_not_connect_is_told_and_an_event_that_is_too_long_is_final() {
    let server = Server::start().await;
    server.add_stream().await;
    let mut wrong = server.sink("events.pages");
    wrong.set_password(Some("wrong")).unwrap();
    let (forwarder, _running) = start(&wrong);
    let receipt = forwarder.deliver(delivery("evt_1", &wrong)).await;
    assert_retryable(&receipt, "no connection");
    assert!(receipt.detail.to_lowercase().contains("authorization"), "{receipt}");

    let sink = server.sink("events.pages");
    let (forwarder, _running) = start(&sink);
    let body = Bytes::from(vec![b' '; 2 << 20]);
    let receipt = forwarder.deliver(Delivery { body, ..delivery("evt_2", &sink) }).await;
    assert_eq!(receipt.outcome, Answer::Forbidden, "{receipt}");
    assert!(receipt.detail.contains("max_payload"), "{receipt}");
}
