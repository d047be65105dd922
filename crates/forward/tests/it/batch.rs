use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use forward::{Answer, Batch, Config, Delivery, Drained, Forwarder, Load, Secret, verify};
use futures_util::FutureExt;
use tokio::task::{JoinSet, yield_now};

use crate::sink::{NOW_S, Received, Reply, Sink, delivery, spawn, trusting, until};

/// Reaching it is a hang.
const NEVER: Duration = Duration::from_secs(3600);

fn batch(key: &str, max_events: usize, max_wait: Duration) -> Batch {
    Batch { key: Arc::from(key), max_events, max_bytes: usize::MAX, max_wait }
}

fn event(id: &str, sink: &Sink, batch: Batch) -> Delivery {
    let body = Bytes::from(format!("{{\"id\":\"{id}\"}}"));
    Delivery { body, batch: Some(batch), ..delivery(id, &sink.url) }
}

/// Hands events over one after the other, so that their order is known.
fn hand_over(forwarder: &Forwarder, events: impl IntoIterator<Item = Delivery>) -> Callers {
    let mut callers = JoinSet::new();
    for event in events {
        let forwarder = forwarder.clone();
        let mut caller = Box::pin(async move { forwarder.deliver(event).await });
        // Once is enough to get into a queue that has room.
        assert!(caller.as_mut().now_or_never().is_none(), "it is sent by others");
        callers.spawn(caller);
    }
    callers
}

type Callers = JoinSet<forward::Receipt>;

fn lines(request: &Received) -> Vec<String> {
    let body = String::from_utf8(request.body.clone()).unwrap();
    assert!(body.ends_with('\n'));
    body.lines().map(str::to_owned).collect()
}

fn assert_signed(request: &Received) {
    let verifier = Secret::from_bytes(&[7; 32]).unwrap().into();
    verify(&[verifier], &request.headers, &request.body, NOW_S).unwrap();
    assert_eq!(request.headers["content-type"], "application/x-ndjson");
}

#[tokio::test]
async fn a_full_batch_is_one_post_with_a_line_for_each_and_a_receipt_for_each() {
    let sink = Sink::start(Reply::status("202 Accepted")).await;
    let (forwarder, running) = forward::start(trusting(&sink)).unwrap();
    let mut callers = JoinSet::new();
    for n in 0..6 {
        spawn(&mut callers, &forwarder, event(&format!("e{n}"), &sink, batch("s", 3, NEVER)));
    }
    for receipt in callers.join_all().await {
        assert_eq!((receipt.outcome, receipt.status), (Answer::Accepted, Some(202)));
    }
    let received = std::mem::take(&mut *sink.received());
    let mut all: Vec<String> = received.iter().flat_map(lines).collect();
    all.sort();
    assert_eq!(all, (0..6).map(|n| format!("{{\"id\":\"e{n}\"}}")).collect::<Vec<_>>());
    for request in &received {
        assert_signed(request);
        assert_eq!(lines(request).len(), 3);
        assert_eq!(request.headers["pagewire-batch-size"], "3");
    }
    drop(forwarder);
    assert_eq!(running.await.unwrap(), Drained { attempts: 2, cancelled: 0 });
}

#[tokio::test]
async fn lines_stand_in_the_order_in_which_they_were_handed_over_and_the_same_ones_have_one_id() {
    let sink = Sink::start(Reply::script([Reply::status("500 Oops")])).await;
    let (forwarder, _running) = forward::start(trusting(&sink)).unwrap();
    for answer in [Answer::Retryable, Answer::Accepted] {
        let events = ["a", "b", "c"].map(|id| event(id, &sink, batch("s", 3, NEVER)));
        let receipts = hand_over(&forwarder, events).join_all().await;
        assert!(receipts.iter().all(|receipt| receipt.outcome == answer), "{receipts:?}");
    }
    let received = sink.received();
    assert_eq!(lines(&received[0]), ["{\"id\":\"a\"}", "{\"id\":\"b\"}", "{\"id\":\"c\"}"]);
    assert_eq!(received[0].body, received[1].body);
    assert_eq!(received[0].headers["webhook-id"], received[1].headers["webhook-id"]);
}

#[tokio::test]
async fn one_that_stays_alone_goes_when_it_has_waited() {
    let sink = Sink::start(Reply::status("204 No Content")).await;
    let (forwarder, _running) = forward::start(trusting(&sink)).unwrap();
    let alone = event("alone", &sink, batch("s", 100, Duration::from_millis(30)));
    assert_eq!(forwarder.deliver(alone).await.outcome, Answer::Accepted);
    let received = sink.received();
    assert_signed(&received[0]);
    assert_eq!(lines(&received[0]), ["{\"id\":\"alone\"}"]);
    assert_eq!(received[0].headers["pagewire-batch-size"], "1");
    assert!(received[0].headers["webhook-id"].to_str().unwrap().starts_with("batch_"));
}

#[tokio::test]
async fn a_batch_is_sent_before_it_has_too_many_bytes() {
    let sink = Sink::start(Reply::status("204 No Content")).await;
    let (forwarder, _running) = forward::start(trusting(&sink)).unwrap();
    // A line of 100 bytes each, so two fit; one of 400 goes alone, and what waited goes before it.
    let limit = |key| Batch { max_bytes: 250, ..batch(key, 100, NEVER) };
    let sized = |id: &str, bytes: usize| Delivery {
        body: "x".repeat(bytes - 1).into(),
        ..event(id, &sink, limit("s"))
    };
    let events = [sized("a", 100), sized("b", 100), sized("c", 100), sized("d", 400)];
    let callers = hand_over(&forwarder, events);
    let receipts = callers.join_all().await;
    assert!(receipts.iter().all(|receipt| receipt.outcome == Answer::Accepted), "{receipts:?}");
    let mut lengths: Vec<_> = sink.received().iter().map(|request| request.body.len()).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [100, 200, 400]);
}

#[tokio::test]
async fn keys_and_sinks_are_kept_apart() {
    let sink = Sink::start(Reply::status("204 No Content")).await;
    let (forwarder, _running) = forward::start(trusting(&sink)).unwrap();
    let mut other = sink.url.clone();
    other.set_path("/other");
    let elsewhere = Delivery { sink: other, ..event("c", &sink, batch("one", 2, NEVER)) };
    let events = [
        event("a", &sink, batch("one", 2, NEVER)),
        event("b", &sink, batch("two", 2, NEVER)),
        // The same key for another sink is a mistake, and mixes nothing.
        elsewhere,
    ];
    let callers = hand_over(&forwarder, events);
    until("the one that was in the way is sent", || sink.received().len() == 1).await;
    assert_eq!(lines(&sink.received()[0]), ["{\"id\":\"a\"}"]);
    assert_eq!(forwarder.load(), Load { queued: 2, in_flight: 0 });
    forwarder.hasten();
    assert_eq!(callers.join_all().await.len(), 3);
    let mut paths: Vec<_> =
        sink.received().iter().map(|r| (r.request_line.clone(), lines(r))).collect();
    paths.sort();
    assert_eq!(paths[0], ("POST /hook?from=test HTTP/1.1".into(), vec!["{\"id\":\"a\"}".into()]));
    assert_eq!(paths[2], ("POST /other?from=test HTTP/1.1".into(), vec!["{\"id\":\"c\"}".into()]));
}

#[tokio::test]
async fn waiting_for_company_holds_no_place() {
    let sink = Sink::start(Reply::status("204 No Content")).await;
    let config = Config { concurrency: 1, queue: 1, ..trusting(&sink) };
    let (forwarder, _running) = forward::start(config).unwrap();
    let events = ["a", "b", "c"].map(|id| event(id, &sink, batch(id, 100, NEVER)));
    let callers = hand_over(&forwarder, events);
    until("all wait", || forwarder.load() == Load { queued: 3, in_flight: 0 }).await;
    for _ in 0..3 {
        let receipt = forwarder.deliver(delivery("single", &sink.url)).await;
        assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
    }
    forwarder.hasten();
    assert!(callers.join_all().await.iter().all(|receipt| receipt.outcome == Answer::Accepted));
    assert_eq!(sink.received().len(), 6);
}

#[tokio::test]
async fn too_many_keys_send_the_oldest_batch_as_it_is() {
    let sink = Sink::start(Reply::status("204 No Content")).await;
    let (forwarder, _running) = forward::start(trusting(&sink)).unwrap();
    let events =
        (0..257).map(|n| event(&format!("e{n}"), &sink, batch(&format!("k{n}"), 9, NEVER)));
    let _callers = hand_over(&forwarder, events);
    until("one is sent", || sink.received().len() == 1).await;
    assert_eq!(lines(&sink.received()[0]), ["{\"id\":\"e0\"}"]);
    until("the others wait", || forwarder.load() == Load { queued: 256, in_flight: 0 }).await;
}

#[tokio::test]
async fn too_many_bytes_send_the_oldest_batch_as_it_is() {
    let sink = Sink::start(Reply::status("204 No Content")).await;
    let (forwarder, _running) = forward::start(trusting(&sink)).unwrap();
    let events = ["a", "b", "c"].map(|id| Delivery {
        body: vec![b'x'; 6 << 20].into(),
        ..event(id, &sink, batch(id, 9, NEVER))
    });
    let _callers = hand_over(&forwarder, events);
    until("one is sent", || sink.answered() == 1).await;
    assert_eq!(forwarder.load().queued, 2);
}

#[tokio::test]
async fn a_caller_that_goes_takes_its_event_out_of_the_batch() {
    let sink = Sink::start(Reply::status("204 No Content")).await;
    let (forwarder, running) = forward::start(trusting(&sink)).unwrap();
    let stays = hand_over(&forwarder, [event("stays", &sink, batch("s", 3, NEVER))]);
    let mut goes = hand_over(&forwarder, [event("goes", &sink, batch("s", 3, NEVER))]);
    goes.shutdown().await;
    let last = hand_over(&forwarder, [event("last", &sink, batch("s", 3, NEVER))]);
    assert_eq!((stays.join_all().await.len(), last.join_all().await.len()), (1, 1));
    assert_eq!(lines(&sink.received()[0]), ["{\"id\":\"stays\"}", "{\"id\":\"last\"}"]);

    // One that everybody left is not sent at all.
    let mut all = hand_over(&forwarder, [event("left", &sink, batch("s", 3, NEVER))]);
    all.shutdown().await;
    drop(forwarder);
    assert_eq!(running.await.unwrap(), Drained { attempts: 1, cancelled: 2 });
    assert_eq!(sink.received().len(), 1);
}

#[tokio::test]
async fn the_drain_sends_open_batches_at_once() {
    let sink = Sink::start(Reply::status("204 No Content")).await;
    let (forwarder, running) = forward::start(trusting(&sink)).unwrap();
    let events = ["a", "b"].map(|id| event(id, &sink, batch("s", 9, NEVER)));
    let callers = hand_over(&forwarder, events);
    let mut running = pin!(running);
    for _ in 0..100 {
        tokio::select! {
            biased;
            ended = &mut running => panic!("ended while a batch was open: {ended:?}"),
            () = yield_now() => {}
        }
    }
    forwarder.hasten();
    // What comes after that waits for nobody either.
    let late = forwarder.deliver(event("late", &sink, batch("s", 9, NEVER))).await;
    assert_eq!(late.outcome, Answer::Accepted);
    drop(forwarder);
    let drained = running.await.unwrap();
    assert_eq!(drained.cancelled, 0);
    assert_eq!(callers.join_all().await.len(), 2);
    assert_eq!(sink.received().iter().map(|request| lines(request).len()).sum::<usize>(), 3);
}

#[tokio::test]
async fn without_a_handle_open_batches_are_sent_at_once() {
    let sink = Sink::start(Reply::status("204 No Content")).await;
    let (forwarder, running) = forward::start(trusting(&sink)).unwrap();
    let callers = hand_over(&forwarder, [event("a", &sink, batch("s", 9, NEVER))]);
    drop(forwarder);
    // Its own caller has a handle.
    assert_eq!(sink.received().len(), 0);
    drop(callers);
    assert_eq!(running.await.unwrap(), Drained { attempts: 0, cancelled: 1 });
}
