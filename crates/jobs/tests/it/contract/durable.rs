//! What only a durable store promises: it is all there after the store was opened again.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use jobs::{Bounds, Next, Record, Settled, State, Submitted};

use crate::backend::{DELIVER, Durable, FETCH};
use crate::rig::{
    Differently, MANY, Rig, advance, at, dead, done, id, job, next, refetch, release, retry,
};

pub(super) async fn everything_acknowledged_is_there_after_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    for n in 0..50 {
        let new = job(n).lane(&format!("{}", n % 5)).due(n * 7).spec_of(n as usize * 31);
        rig.submit(vec![new], at(n)).await.expect("accepted");
    }
    let before = rig.all().await;
    assert_eq!(before.len(), 50);
    let rig = rig.reopened().await;
    assert_eq!(rig.all().await, before);
    rig.counts_add_up().await;
    assert_eq!(rig.take(&FETCH, MANY, 1_000).await.len(), 50);
}

pub(super) async fn what_was_settled_is_there_after_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept((0..7).map(|n| job(n).lane(&format!("{n}")))).await;
    let big = Bytes::from(vec![b'x'; 200_000]);
    let outcomes = [done(), dead(), retry(5_000), release(6_000), advance(b"page")];
    for claimed in rig.take(&FETCH, 5, 1).await {
        let n = (0..5).find(|&n| id(n) == claimed.lease.id).expect("one of five");
        rig.end(claimed.lease, outcomes[n as usize].clone(), 2).await;
    }
    for claimed in rig.take(&FETCH, 2, 3).await {
        let to = Next { result: big.clone(), ..next(0, b"") };
        rig.end(claimed.lease, jobs::Outcome::Advance(to), 4).await;
    }
    for claimed in rig.take(&DELIVER, 2, 5).await {
        rig.end(claimed.lease, retry(9), 6).await;
    }
    let before = rig.all().await;
    let mut results = Vec::new();
    for record in &before {
        results.push(rig.result(record.id).await.expect("read"));
    }
    let rig = rig.reopened().await;
    assert_eq!(rig.all().await, before);
    for (record, expected) in before.iter().zip(results) {
        assert!(rig.result(record.id).await.expect("read") == expected, "{}", record.id);
    }
    rig.counts_add_up().await;
    assert_eq!(rig.take(&FETCH, MANY, 4_999).await.len(), 0);
    assert_eq!(rig.take(&FETCH, MANY, 6_000).await.len(), 2);
    assert_eq!(rig.take(&DELIVER, MANY, 6_000).await.len(), 3);
}

pub(super) async fn leases_are_void_after_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1), job(2)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, retry(0), 0).await;
    rig.take(&FETCH, MANY, 0).await;
    assert!(rig.take(&FETCH, MANY, 1).await.is_empty());
    let rig = rig.reopened().await;
    for n in [1, 2] {
        assert_eq!(rig.record(n).await.state, State::Waiting);
    }
    let claimed = rig.take(&FETCH, MANY, 1).await;
    let attempts: BTreeSet<_> = claimed.iter().map(|c| (c.lease.id, c.attempt)).collect();
    assert_eq!(attempts, BTreeSet::from([(id(1), 2), (id(2), 1)]), "nothing was charged");
}

pub(super) async fn a_lease_from_before_settles_nothing_after_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let old = rig.take_one(&FETCH, 0).await.lease;
    let rig = rig.reopened().await;
    assert_eq!(rig.say(old, done(), 1).await, Settled::LeaseLost);
    let kept = rig.extend(vec![old], at(9_000), at(1)).await.expect("answered");
    assert_eq!(kept, [false]);
    assert_eq!(rig.record(1).await.state, State::Waiting);
}

pub(super) async fn idempotency_survives_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).key("k", 1)]).await;
    let rig = rig.reopened().await;
    let existing = Submitted::Existing { id: id(1), created_at: at(0) };
    assert_eq!(rig.offer(job(1)).await, existing);
    assert_eq!(rig.offer(job(2).key("k", 1)).await, existing);
    assert_eq!(rig.offer(job(2).key("k", 2)).await, Submitted::Conflict { id: id(1) });
}

pub(super) async fn a_pause_survives_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    // These pauses must lie in the future of the clock that opens the store, if it has one.
    let far = 100 * 365 * 24 * 3_600_000;
    rig.accept([job(1), job(2).lane("b"), job(3).lane("empty")]).await;
    for claimed in rig.take(&FETCH, MANY, 0).await {
        match claimed.lane.as_str() {
            "a" => rig.pause(claimed.lease, retry(0), 0, far).await,
            "empty" => rig.pause(claimed.lease, done(), 0, far).await,
            _ => rig.end(claimed.lease, retry(0), 0).await,
        }
    }
    let rig = rig.reopened().await;
    rig.accept([job(4).lane("empty")]).await;
    assert_eq!(rig.taken(&FETCH, MANY, far - 1).await, BTreeSet::from([id(2)]));
    let ready = rig.taken(&FETCH, MANY, far).await;
    assert!(ready.is_superset(&BTreeSet::from([id(1), id(4)])));
}

pub(super) async fn bounds_hold_after_reopen<B: Durable>() {
    let bounds = Bounds { jobs: 3, bytes: 1_000, ..Bounds::default() };
    let rig = Rig::<B>::with(100, Duration::ZERO, bounds);
    rig.accept([job(1).spec_of(100), job(2).spec_of(10)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    rig.end(lease, advance(&[b'r'; 800]), 0).await;
    let counts = rig.counts();
    let rig = rig.reopened().await;
    assert_eq!(rig.counts(), counts);
    assert_eq!(rig.offer(job(3).spec_of(100)).await, Submitted::Full, "by bytes");
    assert_eq!(rig.offer(job(3).spec_of(1)).await, Submitted::Created);
    assert_eq!(rig.offer(job(4).spec_of(1)).await, Submitted::Full, "by jobs");
}

pub(super) async fn cancellations_and_redrives_survive_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept((1..=4).map(|n| job(n).lane(&format!("{n}")))).await;
    rig.cancel(id(1), None, at(1)).await.expect("answered");
    rig.cancel(id(2), Some(next(9, b"called off")), at(2)).await.expect("answered");
    for claimed in rig.take(&FETCH, MANY, 3).await {
        rig.end(claimed.lease, dead(), 3).await;
    }
    rig.redrive(id(3), refetch(50), at(4)).await.expect("answered");
    let before = rig.all().await;
    let rig = rig.reopened().await;
    assert_eq!(rig.all().await, before);
    assert_eq!(rig.taken(&FETCH, MANY, 50).await, BTreeSet::from([id(3)]));
    assert_eq!(rig.taken(&DELIVER, MANY, 50).await, BTreeSet::from([id(2)]));
}

pub(super) async fn swept_jobs_stay_away_after_reopen<B: Durable>() {
    let rig = Rig::<B>::new();
    rig.accept((0..6).map(|n| job(n).key(&format!("k{n}"), 1))).await;
    for claimed in rig.take(&FETCH, 4, 0).await {
        rig.end(claimed.lease, done(), 1).await;
    }
    assert_eq!(rig.sweep(at(2), 3).await.expect("swept").jobs, 3);
    let before: Vec<Record> = rig.all().await;
    let rig = rig.reopened().await;
    assert_eq!(rig.all().await.len(), before.len());
    rig.counts_add_up().await;
    assert_eq!(rig.sweep(at(2), MANY).await.expect("swept").jobs, 1);
    assert_eq!(rig.offer(job(10).key("k0", 2)).await, Submitted::Created);
}
