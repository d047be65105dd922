//! `kafka:` sinks against the broker that librdkafka carries for tests: it speaks the protocol on
//! a port of its own, keeps records in memory, and comes with `kcat`, Debian's package of that
//! name. The same `kcat` reads what arrived.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use forward::{Answer, Config, Delivery, Receipt};
use url::Url;

use crate::sink::{NOW_S, delivery};

/// Longest wait for a line of the broker's.
const PATIENCE: Duration = Duration::from_secs(20);

/// A broker with the topic `events`, and what is read from that; killed when dropped.
struct Broker {
    process: Child,
    address: String,
    records: Receiver<String>,
}

impl Broker {
    fn start() -> Self {
        let mut process = Command::new("kcat")
            .args(["-C", "-b", "unused:1", "-t", "events", "-o", "beginning", "-u"])
            .args(["-X", "test.mock.num.brokers=1", "-X", "debug=mock"])
            .args(["-f", "%t|%k|%T|%h|%s\n"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("`kcat` is needed: install Debian's package of that name");
        let records = lines_of_stdout(process.stdout.take().unwrap());
        let log = lines_of_stderr(process.stderr.take().unwrap());
        let address = loop {
            let line = log.recv_timeout(PATIENCE).expect("the broker says where it is");
            if let Some((_, address)) = line.split_once("bootstrap.servers=") {
                break address.trim().to_owned();
            }
        };
        while !log.recv_timeout(PATIENCE).expect("it has a topic").contains("Created topic") {}
        // The rest is read and dropped by its thread, so that the broker is never held up.
        drop(log);
        Self { process, address, records }
    }

    fn sink(&self, topic: &str) -> Url {
        format!("kafka://{}/{topic}", self.address).parse().unwrap()
    }

    fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn lines_of_stdout(pipe: ChildStdout) -> Receiver<String> {
    lines(BufReader::new(pipe))
}

fn lines_of_stderr(pipe: ChildStderr) -> Receiver<String> {
    lines(BufReader::new(pipe))
}

fn lines(pipe: impl BufRead + Send + 'static) -> Receiver<String> {
    let (told, lines) = channel();
    thread::spawn(move || {
        for line in pipe.lines().map_while(Result::ok) {
            // Read on without a listener.
            let _ = told.send(line);
        }
    });
    lines
}

fn config(sink: &Url) -> Config {
    Config { trusted: vec![sink.clone()], ..Config::default() }
}

async fn deliver_one(sink: &Url) -> Receipt {
    let (forwarder, _running) = forward::start(config(sink)).unwrap();
    forwarder.deliver(delivery("evt_1", sink)).await
}

#[tokio::test]
async fn an_event_is_a_record_with_its_id_as_key_and_its_headers() {
    let broker = Broker::start();
    let sink = broker.sink("events");
    let (forwarder, running) = forward::start(config(&sink)).unwrap();
    for n in 0..20 {
        let body = Bytes::from(format!("{{\"n\":{n}}}"));
        let event = Delivery { body, ..delivery(&format!("evt_{n}"), &sink) };
        let receipt = forwarder.deliver(event).await;
        assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
        assert!(receipt.detail.starts_with("partition "), "{receipt}");
    }
    drop(forwarder);
    running.await.unwrap();
    let mut read: Vec<_> =
        (0..20).map(|_| broker.records.recv_timeout(PATIENCE).expect("a record of each")).collect();
    read.sort();
    read.dedup();
    assert_eq!(read.len(), 20);
    for n in 0..20 {
        let start = format!("events|evt_{n}|{NOW_S}000|");
        let record = read.iter().find(|record| record.starts_with(&start)).expect(&start);
        assert!(record.ends_with(&format!("|{{\"n\":{n}}}")), "{record}");
        for header in ["webhook-signature=v1,", "webhook-id=evt_", "content-type=application/json"]
        {
            assert!(record.contains(header), "{record}");
        }
        assert!(record.contains(&format!("webhook-timestamp={NOW_S}")), "{record}");
    }
}

#[tokio::test]
async fn a_topic_that_is_missing_is_told() {
    let broker = Broker::start();
    let receipt = deliver_one(&broker.sink("missing")).await;
    assert_eq!(receipt.outcome, Answer::Retryable, "{receipt}");
    assert!(receipt.detail.contains("no topic `missing`"), "{receipt}");
}

#[tokio::test]
async fn a_broker_that_goes_is_trouble_that_passes() {
    let mut broker = Broker::start();
    let sink = broker.sink("events");
    let (forwarder, _running) = forward::start(config(&sink)).unwrap();
    let receipt = forwarder.deliver(delivery("evt_1", &sink)).await;
    assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
    broker.stop();
    // With a connection that breaks, and without one.
    for id in ["evt_2", "evt_3"] {
        let receipt = forwarder.deliver(delivery(id, &sink)).await;
        assert_eq!(receipt.outcome, Answer::Retryable, "{receipt}");
        assert!(receipt.detail.contains(&broker.address), "{receipt}");
    }
}
