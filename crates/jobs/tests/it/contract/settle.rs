//! `settle` and `result`.

use bytes::Bytes;
use jobs::{ErrorKind, LaneKey, Lease, Next, Outcome, Settled, Settlement, Stage, State, Verdict};

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{
    Differently, LEASE_MS, MANY, Rig, advance, at, dead, done, id, job, next, release, retry,
};

pub(super) async fn advance_moves_the_job_with_result_and_verdict<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    let to = Next { verdict: Verdict::Failed, ..next(0, b"page") };
    rig.end(claimed.lease, Outcome::Advance(to), 0).await;
    let record = rig.record(1).await;
    assert_eq!((record.state, &record.stage), (State::Waiting, &DELIVER));
    assert_eq!((record.lane, record.verdict), (LaneKey::new("sink"), Some(Verdict::Failed)));
    assert_eq!(record.result_bytes, Some(4));
    assert_eq!(rig.result(id(1)).await.expect("read").expect("stored"), "page");
    assert!(rig.take(&FETCH, MANY, LEASE_MS + 1).await.is_empty(), "it left its stage");
    assert_eq!(rig.take(&DELIVER, MANY, 0).await.len(), 1);
}

pub(super) async fn advance_starts_the_attempts_again<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    for _ in 0..2 {
        let claimed = rig.take_one(&FETCH, 0).await;
        rig.end(claimed.lease, retry(0), 0).await;
    }
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, advance(b"r"), 0).await;
    assert_eq!(rig.record(1).await.attempts, 0);
    assert_eq!(rig.take_one(&DELIVER, 0).await.attempt, 1);
}

pub(super) async fn advance_waits_until_due<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, Outcome::Advance(next(500, b"r")), 0).await;
    assert!(rig.take(&DELIVER, MANY, 499).await.is_empty());
    assert_eq!(rig.take(&DELIVER, MANY, 500).await.len(), 1);
}

pub(super) async fn done_keeps_what_it_does_not_replace<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, advance(b"page"), 0).await;
    let claimed = rig.take_one(&DELIVER, 0).await;
    rig.end(claimed.lease, done(), 0).await;
    let record = rig.record(1).await;
    assert_eq!((record.state, record.stage), (State::Done, DELIVER.clone()));
    assert_eq!((record.verdict, record.result_bytes), (Some(Verdict::Succeeded), Some(4)));
    assert_eq!(rig.result(id(1)).await.expect("read").expect("kept"), "page");
    assert!(rig.take(&DELIVER, MANY, 2 * LEASE_MS).await.is_empty(), "it is over");
}

pub(super) async fn done_replaces_what_it_says<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, advance(b"page"), 0).await;
    let claimed = rig.take_one(&DELIVER, 0).await;
    let outcome = Outcome::Done {
        verdict: Some(Verdict::Failed),
        result: Some(Bytes::from_static(b"another")),
        note: Some("so it was".to_owned()),
    };
    rig.end(claimed.lease, outcome, 0).await;
    let record = rig.record(1).await;
    assert_eq!((record.verdict, record.result_bytes), (Some(Verdict::Failed), Some(7)));
    assert_eq!(record.note.as_deref(), Some("so it was"));
    assert_eq!(rig.result(id(1)).await.expect("read").expect("replaced"), "another");
}

pub(super) async fn dead_is_kept_with_its_result_and_note<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, advance(b"page"), 0).await;
    let claimed = rig.take_one(&DELIVER, 0).await;
    rig.end(claimed.lease, dead(), 0).await;
    let record = rig.record(1).await;
    assert_eq!((record.state, record.stage), (State::Dead, DELIVER.clone()));
    assert_eq!(record.note.as_deref(), Some("given up"));
    assert_eq!(rig.result(id(1)).await.expect("read").expect("kept"), "page");
    assert!(rig.take(&DELIVER, MANY, 2 * LEASE_MS).await.is_empty(), "it is over");
}

pub(super) async fn a_retry_waits_until_its_time_and_keeps_its_note<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, retry(700), 0).await;
    let record = rig.record(1).await;
    assert_eq!((record.state, record.due), (State::Waiting, at(700)));
    assert_eq!(record.note.as_deref(), Some("try again"));
    assert!(rig.take(&FETCH, MANY, 699).await.is_empty());
    assert_eq!(rig.take(&FETCH, MANY, 700).await.len(), 1);
}

pub(super) async fn a_release_waits_until_its_time<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, release(700), 0).await;
    let record = rig.record(1).await;
    assert_eq!((record.state, record.due, record.note), (State::Waiting, at(700), None));
    assert!(rig.take(&FETCH, MANY, 699).await.is_empty());
    assert_eq!(rig.take(&FETCH, MANY, 700).await.len(), 1);
}

pub(super) async fn answers_come_in_order_and_one_lost_lease_spoils_nothing<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept((1..=4).map(|n| job(n).lane(&format!("{n}")))).await;
    let mut claimed = rig.take(&FETCH, MANY, 0).await;
    claimed.sort_by_key(|c| c.lease.id);
    let mut leases: Vec<_> = claimed.iter().map(|c| c.lease).collect();
    leases[1] = Lease { epoch: leases[1].epoch + 7, ..leases[1] };
    let outcomes = [done(), done(), advance(b"r"), dead()];
    let batch = leases.iter().zip(outcomes);
    let batch = batch.map(|(&lease, outcome)| Settlement::new(lease, outcome));
    let answers = rig.settle(batch.collect(), at(1)).await.expect("answered");
    let (kept, lost) = (Settled::Recorded, Settled::LeaseLost);
    assert_eq!(answers, [kept, lost, kept, kept]);
    let mut states = Vec::new();
    for n in 1..=4 {
        states.push(rig.record(n).await.state);
    }
    assert_eq!(states, [State::Done, State::Leased, State::Waiting, State::Dead]);
}

pub(super) async fn advancing_to_an_unknown_stage_is_invalid_and_changes_nothing<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    let to = Next { stage: Stage::from_static("no such stage"), ..next(0, b"r") };
    let settlement = Settlement::new(lease, Outcome::Advance(to));
    let error = rig.settle(vec![settlement], at(1)).await.expect_err("the stage is unknown");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(rig.record(1).await.state, State::Leased);
    assert_eq!(rig.result(id(1)).await.expect("read"), None);
    rig.end(lease, done(), 2).await;
}

pub(super) async fn a_result_comes_back_byte_for_byte<B: Backend>() {
    let rig = Rig::<B>::new();
    let sizes = [1, 2, 511, 4_096, 65_537, 3_000_000];
    let body = |n: u64, size: usize| {
        let bytes =
            (0..size as u64).map(|i| (i.wrapping_mul(2_654_435_761).wrapping_add(n) >> 7) as u8);
        Bytes::from(bytes.collect::<Vec<u8>>())
    };
    rig.accept((0..sizes.len() as u64).map(job)).await;
    for (n, size) in (0..).zip(sizes) {
        let claimed = rig.take_one(&FETCH, 0).await;
        assert_eq!(claimed.lease.id, id(n));
        let to = Next { result: body(n, size), ..next(0, b"") };
        rig.end(claimed.lease, Outcome::Advance(to), 0).await;
    }
    for (n, size) in (0..).zip(sizes) {
        let result = rig.result(id(n)).await.expect("read").expect("stored");
        assert!(result == body(n, size), "{size} bytes");
        assert_eq!(rig.record(n).await.result_bytes, Some(size as u64));
    }
    rig.flush().await.expect("flushed");
    for (n, size) in (0..).zip(sizes) {
        assert!(rig.result(id(n)).await.expect("read").expect("stored") == body(n, size));
    }
}

pub(super) async fn an_empty_result_is_a_result<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, advance(b""), 0).await;
    rig.flush().await.expect("flushed");
    assert_eq!(rig.result(id(1)).await.expect("read"), Some(Bytes::new()));
    assert_eq!(rig.record(1).await.result_bytes, Some(0));
}

pub(super) async fn no_result_is_none<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    assert_eq!(rig.result(id(1)).await.expect("read"), None);
    assert_eq!(rig.result(id(404)).await.expect("read"), None);
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, done(), 0).await;
    assert_eq!(rig.result(id(1)).await.expect("read"), None);
    assert_eq!(rig.record(1).await.result_bytes, None);
}
