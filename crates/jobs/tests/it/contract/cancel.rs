//! `cancel`.

use jobs::{Cancelled, Next, Settled, State, Verdict};

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{
    Differently, LEASE_MS, MANY, Rig, advance, at, dead, done, id, job, next, release, retry,
};

fn called_off(ms: u64) -> Option<Next> {
    Some(Next { verdict: Verdict::Cancelled, ..next(ms, b"called off") })
}

pub(super) async fn a_waiting_job_is_called_off<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1), job(2).due(5_000)]).await;
    for n in [1, 2] {
        assert_eq!(rig.cancel(id(n), None, at(3)).await.expect("answered"), Cancelled::Yes);
        assert_eq!(rig.record(n).await.state, State::Cancelled);
    }
    assert!(rig.take(&FETCH, MANY, 10_000).await.is_empty());
    rig.counts_add_up().await;
}

pub(super) async fn a_leased_job_is_called_off_and_its_lease_is_void<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    assert_eq!(rig.cancel(id(1), None, at(1)).await.expect("answered"), Cancelled::Yes);
    let kept = rig.extend(vec![lease], at(LEASE_MS), at(2)).await.expect("answered");
    assert_eq!(kept, [false]);
    for outcome in [done(), retry(0), release(0), dead(), advance(b"r")] {
        assert_eq!(rig.say(lease, outcome, 2).await, Settled::LeaseLost);
    }
    assert_eq!(rig.record(1).await.state, State::Cancelled);
    assert!(rig.take(&FETCH, MANY, 2 * LEASE_MS).await.is_empty());
    rig.counts_add_up().await;
}

pub(super) async fn with_next_it_goes_on_to_tell<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, retry(50), 0).await;
    let answer = rig.cancel(id(1), called_off(10), at(1)).await.expect("answered");
    assert_eq!(answer, Cancelled::Yes);
    let record = rig.record(1).await;
    assert_eq!((record.state, record.attempts), (State::Waiting, 0));
    assert_eq!((&record.stage, record.verdict), (&DELIVER, Some(Verdict::Cancelled)));
    assert_eq!(rig.result(id(1)).await.expect("read").expect("stored"), "called off");
    assert!(rig.take(&FETCH, MANY, 100).await.is_empty());
    assert!(rig.take(&DELIVER, MANY, 9).await.is_empty());
    let claimed = rig.take_one(&DELIVER, 10).await;
    assert_eq!((claimed.attempt, claimed.verdict), (1, Some(Verdict::Cancelled)));
    rig.counts_add_up().await;
}

pub(super) async fn with_next_a_leased_job_goes_on_and_its_lease_is_void<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    rig.cancel(id(1), called_off(0), at(1)).await.expect("answered");
    assert_eq!(rig.say(lease, advance(b"late"), 2).await, Settled::LeaseLost);
    assert_eq!(rig.result(id(1)).await.expect("read").expect("stored"), "called off");
    let claimed = rig.take_one(&DELIVER, 2).await;
    assert_eq!(rig.say(lease, done(), 2).await, Settled::LeaseLost);
    rig.end(claimed.lease, done(), 3).await;
}

pub(super) async fn in_the_next_stage_already_it_is_over<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, advance(b"page"), 0).await;
    let answer = rig.cancel(id(1), called_off(0), at(1)).await.expect("answered");
    assert_eq!(answer, Cancelled::Yes);
    let record = rig.record(1).await;
    assert_eq!((record.state, record.verdict), (State::Cancelled, Some(Verdict::Succeeded)));
    assert_eq!(rig.result(id(1)).await.expect("read").expect("kept"), "page");
    assert!(rig.take(&DELIVER, MANY, 10).await.is_empty());
}

pub(super) async fn a_job_that_is_over_stays_as_it_was<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1), job(2).lane("b"), job(3).lane("c")]).await;
    rig.cancel(id(3), None, at(0)).await.expect("answered");
    for claimed in rig.take(&FETCH, MANY, 0).await {
        let outcome = if claimed.lease.id == id(1) { done() } else { dead() };
        rig.end(claimed.lease, outcome, 0).await;
    }
    for n in 1..=3 {
        let before = rig.record(n).await;
        for next in [None, called_off(0)] {
            let answer = rig.cancel(id(n), next, at(9)).await.expect("answered");
            assert_eq!(answer, Cancelled::Over);
        }
        assert_eq!(rig.record(n).await, before);
    }
    assert!(rig.take(&DELIVER, MANY, 10).await.is_empty());
}

pub(super) async fn an_unknown_job_is_unknown<B: Backend>() {
    let rig = Rig::<B>::new();
    for next in [None, called_off(0)] {
        let answer = rig.cancel(id(404), next, at(0)).await.expect("answered");
        assert_eq!(answer, Cancelled::Unknown);
    }
    assert!(rig.all().await.is_empty());
}

pub(super) async fn calling_off_frees_the_lane<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 0);
    rig.accept((1..=3).map(job)).await;
    for (n, next) in [(1, None), (2, called_off(0))] {
        assert_eq!(rig.take_one(&FETCH, 0).await.lease.id, id(n));
        assert!(rig.take(&FETCH, MANY, 0).await.is_empty());
        rig.cancel(id(n), next, at(0)).await.expect("answered");
    }
    assert_eq!(rig.take_one(&FETCH, 0).await.lease.id, id(3));
}
