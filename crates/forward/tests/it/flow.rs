use std::pin::pin;
use std::time::Duration;

use forward::{Answer, Config, Drained, Load};
use tokio::task::{JoinSet, yield_now};
use tokio::time::Instant;

use crate::sink::{NOW_S, Sink, delivery, spawn, trusting, until};

/// Enough turns of the scheduler for whatever is ready to happen.
const TURNS: usize = 100;

#[tokio::test]
async fn no_more_attempts_are_in_flight_than_allowed() {
    let (sink, gate) = Sink::gated().await;
    let config = Config { concurrency: 3, queue: 16, ..trusting(&sink) };
    let (forwarder, running) = forward::start(config).unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..10 {
        spawn(&mut tasks, &forwarder, delivery(&format!("evt_{n}"), &sink.url));
    }
    until("three are at the sink", || sink.in_flight() == 3).await;
    until("seven wait", || forwarder.load() == Load { queued: 7, in_flight: 3 }).await;
    gate.send_replace(true);
    while let Some(receipt) = tasks.join_next().await {
        assert_eq!(receipt.unwrap().outcome, Answer::Accepted);
    }
    assert_eq!(sink.most_in_flight(), 3);
    drop(forwarder);
    assert_eq!(running.await.unwrap(), Drained { attempts: 10, cancelled: 0 });
}

#[tokio::test]
async fn a_full_queue_makes_the_caller_wait() {
    let (sink, gate) = Sink::gated().await;
    let config = Config { concurrency: 1, queue: 2, ..trusting(&sink) };
    let (forwarder, running) = forward::start(config).unwrap();
    let mut tasks = JoinSet::new();
    spawn(&mut tasks, &forwarder, delivery("flying", &sink.url));
    until("one is at the sink", || sink.in_flight() == 1).await;
    for id in ["waiting_1", "waiting_2"] {
        spawn(&mut tasks, &forwarder, delivery(id, &sink.url));
    }
    until("the queue is full", || forwarder.load().queued == 2).await;
    {
        let mut outside = pin!(forwarder.deliver(delivery("outside", &sink.url)));
        for _ in 0..TURNS {
            tokio::select! {
                biased;
                receipt = &mut outside => panic!("it was not even handed over: {receipt}"),
                () = yield_now() => {}
            }
        }
    }
    gate.send_replace(true);
    for _ in 0..3 {
        assert_eq!(tasks.join_next().await.unwrap().unwrap().outcome, Answer::Accepted);
    }
    drop(forwarder);
    // Had `outside` been taken into the queue, it would count as cancelled.
    assert_eq!(running.await.unwrap(), Drained { attempts: 3, cancelled: 0 });
}

#[tokio::test]
async fn a_caller_that_goes_before_the_post_takes_the_delivery_back() {
    let (sink, gate) = Sink::gated().await;
    let config = Config { concurrency: 1, queue: 4, ..trusting(&sink) };
    let (forwarder, running) = forward::start(config).unwrap();
    let mut flying = JoinSet::new();
    spawn(&mut flying, &forwarder, delivery("flying", &sink.url));
    until("one is at the sink", || sink.in_flight() == 1).await;
    let mut waiting = JoinSet::new();
    spawn(&mut waiting, &forwarder, delivery("waiting", &sink.url));
    until("one waits", || forwarder.load().queued == 1).await;
    waiting.shutdown().await;
    gate.send_replace(true);
    assert_eq!(flying.join_next().await.unwrap().unwrap().outcome, Answer::Accepted);
    drop(forwarder);
    assert_eq!(running.await.unwrap(), Drained { attempts: 1, cancelled: 1 });
    assert_eq!(sink.received().len(), 1);
}

#[tokio::test]
async fn a_post_that_began_goes_on_without_its_caller_and_the_drain_waits_for_it() {
    let (sink, gate) = Sink::gated().await;
    let (forwarder, running) = forward::start(trusting(&sink)).unwrap();
    let mut flying = JoinSet::new();
    spawn(&mut flying, &forwarder, delivery("flying", &sink.url));
    until("it is at the sink", || sink.in_flight() == 1).await;
    flying.shutdown().await;
    drop(forwarder);
    let mut running = pin!(running);
    for _ in 0..TURNS {
        tokio::select! {
            biased;
            ended = &mut running => panic!("ended while a POST was in flight: {ended:?}"),
            () = yield_now() => {}
        }
    }
    gate.send_replace(true);
    assert_eq!(running.await.unwrap(), Drained { attempts: 1, cancelled: 0 });
    assert_eq!(sink.answered(), 1);
}

#[tokio::test]
async fn the_drain_serves_what_is_queued() {
    let (sink, gate) = Sink::gated().await;
    let config = Config { concurrency: 2, queue: 8, ..trusting(&sink) };
    let (forwarder, running) = forward::start(config).unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..8 {
        spawn(&mut tasks, &forwarder, delivery(&format!("evt_{n}"), &sink.url));
    }
    drop(forwarder);
    until("two are at the sink", || sink.in_flight() == 2).await;
    gate.send_replace(true);
    assert_eq!(running.await.unwrap(), Drained { attempts: 8, cancelled: 0 });
    assert_eq!(sink.answered(), 8);
    assert!(tasks.join_all().await.iter().all(|receipt| receipt.outcome == Answer::Accepted));
}

#[tokio::test]
async fn time_in_the_queue_is_added_to_the_timestamp() {
    let (sink, gate) = Sink::gated().await;
    let config = Config { concurrency: 1, ..trusting(&sink) };
    let (forwarder, _running) = forward::start(config).unwrap();
    let mut tasks = JoinSet::new();
    spawn(&mut tasks, &forwarder, delivery("flying", &sink.url));
    until("one is at the sink", || sink.in_flight() == 1).await;
    spawn(&mut tasks, &forwarder, delivery("waiting", &sink.url));
    until("one waits", || forwarder.load().queued == 1).await;
    let since = Instant::now();
    until("it has waited for a second", || since.elapsed() > Duration::from_secs(1)).await;
    gate.send_replace(true);
    assert!(tasks.join_all().await.iter().all(|receipt| receipt.outcome == Answer::Accepted));
    let received = sink.received();
    let sent_s = |index: usize| -> i64 {
        received[index].headers["webhook-timestamp"].to_str().unwrap().parse().unwrap()
    };
    assert_eq!(sent_s(0), NOW_S);
    let waited_s = sent_s(1) - NOW_S;
    assert!((1..=10).contains(&waited_s), "{waited_s} s");
}
