//! A sink that misbehaves in every way by turns, and what is left of it in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use forward::{Answer, Config, Delivery, NextTry, Schedule, Secret, verify};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

use crate::sink::{NOW_S, Reply, Sink, delivery, trusting};

const EVENTS: usize = 60;
/// Faults before the sink recovers; some events meet several.
const FAULTS: usize = 150;
/// Longer than what is lost by waiting for it, all in all.
const DEADLINE: Duration = Duration::from_secs(60);

/// One way of going wrong after which the event has to be sent again.
fn fault(rng: &mut StdRng) -> Reply {
    let raw = |text: &str| Reply::Raw(text.into());
    let ways = [
        Reply::status("500 Internal Server Error"),
        raw("HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"),
        raw("HTTP/1.1 503 Busy\r\nretry-after: soon\r\ncontent-length: 9\r\n\r\ntry later"),
        Reply::Reset,
        raw("\0\0\u{7}not a web server\r\n\r\n"),
        raw("HTTP/1.1 500 Oops\r\ncontent-length: 999999999999\r\n\r\n"),
        Reply::Endless {
            head: "HTTP/1.1 500 Oops\r\n\r\n",
            piece_bytes: 64 * 1024,
            pause: Duration::ZERO,
        },
    ];
    // Silence costs a timeout each.
    if rng.random_ratio(1, 20) { Reply::Silence } else { ways.choose(rng).unwrap().clone() }
}

#[tokio::test]
async fn after_a_hostile_sink_recovers_nothing_is_missing_or_corrupted() {
    let mut rng = StdRng::seed_from_u64(7);
    let faults: Vec<Reply> = (0..FAULTS).map(|_| fault(&mut rng)).collect();
    let sink = Sink::start(Reply::script(faults)).await;
    let config = Config { timeout: Duration::from_secs(1), ..trusting(&sink) };
    let (forwarder, _running) = forward::start(config).unwrap();
    let schedule = Schedule::new([Duration::from_millis(1); 100]).unwrap();

    let mut callers = JoinSet::new();
    for n in 0..EVENTS {
        let sent = event(n, &sink);
        let (forwarder, schedule) = (forwarder.clone(), schedule.clone());
        let mut rng = StdRng::seed_from_u64(n as u64);
        callers.spawn(async move {
            for attempt in 1.. {
                let receipt = forwarder.deliver(sent.clone()).await;
                if receipt.outcome == Answer::Accepted {
                    return attempt;
                }
                assert_eq!(receipt.outcome, Answer::Retryable, "{receipt}");
                // The hour that a sink asks for is not waited for here.
                let NextTry::After(_) = schedule.next(attempt, &receipt, &mut rng) else {
                    panic!("given up: {receipt}")
                };
            }
            unreachable!("attempts do not run out")
        });
    }
    let attempts: u32 = tokio::time::timeout(DEADLINE, callers.join_all())
        .await
        .expect("everything arrives")
        .into_iter()
        .sum();

    // On a loaded machine an attempt may also be late by itself.
    let attempts = attempts as usize;
    assert!(attempts >= EVENTS + FAULTS, "each fault costs an attempt: {attempts}");
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    for request in &*sink.received() {
        let verifier = Secret::from_bytes(&[7; 32]).unwrap().into();
        verify(&[verifier], &request.headers, &request.body, NOW_S).expect("nothing is corrupted");
        let id = request.headers["webhook-id"].to_str().unwrap().to_owned();
        assert_eq!(request.body, body(&id), "each id has its own body, always the same");
        *arrived.entry(id).or_default() += 1;
    }
    assert_eq!(arrived.len(), EVENTS, "nothing is missing");
    let requests = arrived.values().sum::<usize>();
    assert!(requests <= attempts, "nothing is repeated by itself: {requests} of {attempts}");
}

fn event(n: usize, sink: &Sink) -> Delivery {
    let id = format!("evt_{n}");
    Delivery { body: body(&id).into(), ..delivery(&id, &sink.url) }
}

fn body(id: &str) -> Vec<u8> {
    format!("{{\"id\":\"{id}\",\"text\":\"{}\"}}", id.repeat(50)).into_bytes()
}
