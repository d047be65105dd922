//! Leases: attempts, epochs, expiry and extension.

use jobs::{Lease, Settled, State};

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{
    Differently, LEASE_MS, MANY, Rig, advance, at, dead, done, id, job, release, retry,
};

pub(super) async fn a_retry_charges_the_attempt<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    for attempt in 1..=3 {
        let claimed = rig.take_one(&FETCH, 0).await;
        assert_eq!(claimed.attempt, attempt);
        rig.end(claimed.lease, retry(0), 0).await;
        assert_eq!(rig.record(1).await.attempts, attempt);
    }
    assert_eq!(rig.take_one(&FETCH, 0).await.attempt, 4);
}

pub(super) async fn a_release_charges_nothing<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    for _ in 0..3 {
        let claimed = rig.take_one(&FETCH, 0).await;
        assert_eq!(claimed.attempt, 1);
        rig.end(claimed.lease, release(0), 0).await;
        assert_eq!(rig.record(1).await.attempts, 0);
    }
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, retry(0), 0).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, release(0), 0).await;
    assert_eq!(rig.take_one(&FETCH, 0).await.attempt, 2);
}

pub(super) async fn a_lost_lease_charges_nothing<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    for round in 0..3 {
        assert_eq!(rig.take_one(&FETCH, round * (LEASE_MS + 1)).await.attempt, 1);
    }
}

pub(super) async fn the_epoch_grows_with_every_claim<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let mut now = 0;
    let mut last = None;
    for round in 0..8 {
        let claimed = rig.take_one(&FETCH, now).await;
        assert!(last.is_none_or(|last| claimed.lease.epoch > last), "round {round}");
        last = Some(claimed.lease.epoch);
        match round % 3 {
            0 => rig.end(claimed.lease, release(0), now).await,
            1 => rig.end(claimed.lease, retry(0), now).await,
            _ => now += LEASE_MS + 1,
        }
    }
    let claimed = rig.take_one(&FETCH, now + LEASE_MS + 1).await;
    rig.end(claimed.lease, advance(b"r"), now + LEASE_MS + 2).await;
    let delivered = rig.take_one(&DELIVER, now + LEASE_MS + 2).await;
    assert!(delivered.lease.epoch > claimed.lease.epoch, "also across stages");
}

pub(super) async fn a_stale_settlement_is_lost_and_changes_nothing<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let stale = rig.take_one(&FETCH, 0).await.lease;
    let current = rig.take_one(&FETCH, LEASE_MS + 1).await.lease;
    let before = rig.record(1).await;
    let now = LEASE_MS + 2;
    for outcome in [advance(b"r"), retry(0), release(0), done(), dead()] {
        assert_eq!(rig.say(stale, outcome, now).await, Settled::LeaseLost);
    }
    assert_eq!(rig.record(1).await, before);
    assert_eq!(rig.result(id(1)).await.expect("read"), None);
    rig.end(current, done(), now).await;
}

pub(super) async fn a_late_settlement_stands_while_nobody_else_has_the_job<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let late = rig.take_one(&FETCH, 0).await;
    rig.end(late.lease, done(), 10 * LEASE_MS).await;
    assert_eq!(rig.record(1).await.state, State::Done);
    assert!(rig.take(&FETCH, MANY, 10 * LEASE_MS).await.is_empty());
    rig.counts_add_up().await;
}

pub(super) async fn settling_twice_is_lost<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1), job(2).lane("b")]).await;
    for claimed in rig.take(&FETCH, MANY, 0).await {
        let first = if claimed.lease.id == id(1) { done() } else { retry(0) };
        rig.end(claimed.lease, first, 0).await;
        assert_eq!(rig.say(claimed.lease, dead(), 0).await, Settled::LeaseLost);
    }
    assert_eq!(rig.record(1).await.state, State::Done);
    assert_eq!(rig.record(2).await.state, State::Waiting);
}

pub(super) async fn settling_a_job_that_is_not_there_is_lost<B: Backend>() {
    let rig = Rig::<B>::new();
    let lease = Lease { id: id(404), epoch: 1 };
    assert_eq!(rig.say(lease, done(), 0).await, Settled::LeaseLost);
    rig.accept([job(1)]).await;
    for epoch in [0, 1, u32::MAX] {
        let lease = Lease { id: id(1), epoch };
        assert_eq!(rig.say(lease, done(), 0).await, Settled::LeaseLost, "never claimed");
    }
}

pub(super) async fn a_lease_holds_until_its_end<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    assert!(rig.take(&FETCH, MANY, LEASE_MS - 1).await.is_empty());
    rig.end(claimed.lease, done(), LEASE_MS - 1).await;
}

pub(super) async fn an_expired_lease_is_claimable_once_again<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    assert_eq!(rig.take(&FETCH, MANY, 0).await.len(), 1);
    assert_eq!(rig.take(&FETCH, MANY, LEASE_MS + 1).await.len(), 1);
    assert!(rig.take(&FETCH, MANY, LEASE_MS + 1).await.is_empty());
    assert!(rig.take(&FETCH, MANY, LEASE_MS + 2).await.is_empty());
    rig.counts_add_up().await;
}

pub(super) async fn extending_keeps_a_lease<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    let mut now = 0;
    for _ in 0..3 {
        now += LEASE_MS - 1;
        let kept = rig.extend(vec![lease], at(now + LEASE_MS), at(now)).await.expect("answered");
        assert_eq!(kept, [true]);
        assert!(rig.take(&FETCH, MANY, now + LEASE_MS - 1).await.is_empty());
    }
    rig.end(lease, done(), now + LEASE_MS - 1).await;
}

pub(super) async fn extending_a_lost_lease_is_false<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let stale = rig.take_one(&FETCH, 0).await.lease;
    let now = LEASE_MS + 1;
    let current = rig.take_one(&FETCH, now).await.lease;
    let lost = rig.extend(vec![stale], at(3 * now), at(now)).await.expect("answered");
    assert_eq!(lost, [false], "another has it");
    rig.end(current, done(), now).await;
    let lost = rig.extend(vec![current], at(3 * now), at(now)).await.expect("answered");
    assert_eq!(lost, [false], "it is over");
}

pub(super) async fn extensions_are_answered_in_order<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept((1..=3).map(job)).await;
    let leases: Vec<_> = rig.take(&FETCH, 3, 0).await.iter().map(|c| c.lease).collect();
    rig.end(leases[1], done(), 0).await;
    let unknown = Lease { id: id(404), epoch: 1 };
    let asked = vec![leases[0], leases[1], unknown, leases[2]];
    let kept = rig.extend(asked, at(2 * LEASE_MS), at(1)).await.expect("answered");
    assert_eq!(kept, [true, false, false, true]);
}
