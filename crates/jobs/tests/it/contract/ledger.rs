//! What is kept of a job's attempts.

use bytes::Bytes;
use jobs::{Lease, Outcome, Settled, Settlement};

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{MANY, Rig, advance, at, dead, done, id, job, refetch, release, retry};

/// Settles with an entry; answers what became of it.
pub(super) async fn enter<B: Backend>(
    rig: &Rig<B>,
    lease: Lease,
    outcome: Outcome,
    entry: impl Into<Bytes>,
) -> Settled {
    let attempt = Some(entry.into());
    let settlement = Settlement { attempt, ..Settlement::new(lease, outcome) };
    rig.settle(vec![settlement], at(0)).await.expect("answered")[0]
}

pub(super) async fn attempts<B: Backend>(rig: &Rig<B>, n: u64) -> Vec<Bytes> {
    rig.attempts(id(n)).await.expect("read").expect("the job is there")
}

pub(super) async fn attempts_are_kept_in_order<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    assert!(attempts(&rig, 1).await.is_empty());
    for (entry, outcome) in [("one", retry(0)), ("two", release(0)), ("three", advance(b"r"))] {
        let lease = rig.take_one(&FETCH, 0).await.lease;
        assert_eq!(enter(&rig, lease, outcome, entry).await, Settled::Recorded);
    }
    assert_eq!(attempts(&rig, 1).await, ["one", "two", "three"], "seen at once");
    rig.flush().await.expect("flushed");
    let lease = rig.take_one(&DELIVER, 0).await.lease;
    enter(&rig, lease, done(), "four").await;
    let all = ["one", "two", "three", "four"];
    assert_eq!(attempts(&rig, 1).await, all);
    rig.flush().await.expect("flushed");
    assert_eq!(attempts(&rig, 1).await, all);
}

pub(super) async fn attempts_of_an_unknown_job_are_none<B: Backend>() {
    let rig = Rig::<B>::new();
    assert!(rig.attempts(id(404)).await.expect("read").is_none());
}

pub(super) async fn attempts_between_two_writes_are_all_kept<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let mut expected = Vec::new();
    for n in 0..60 {
        let lease = rig.take_one(&FETCH, 0).await.lease;
        expected.push(Bytes::from(format!("attempt {n}")));
        enter(&rig, lease, retry(0), expected[n].clone()).await;
        // The writer is at it all the while, and takes several decisions for one now and then.
        if n % 7 == 3 {
            rig.flush().await.expect("flushed");
        }
        assert_eq!(attempts(&rig, 1).await, expected);
    }
}

pub(super) async fn an_attempt_that_tells_nothing_leaves_no_entry<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    rig.end(lease, retry(0), 0).await;
    assert!(attempts(&rig, 1).await.is_empty());
    let stale = lease;
    assert_eq!(enter(&rig, stale, done(), "too late").await, Settled::LeaseLost);
    assert!(attempts(&rig, 1).await.is_empty(), "nor does one whose lease was lost");
}

pub(super) async fn a_long_entry_is_cut_off<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    let long: Bytes = (0..5_000_u32).map(|n| n as u8).collect::<Vec<_>>().into();
    enter(&rig, lease, done(), long.clone()).await;
    let kept = long.slice(..Settlement::MAX_ATTEMPT_BYTES);
    assert_eq!(attempts(&rig, 1).await, std::slice::from_ref(&kept));
    rig.flush().await.expect("flushed");
    assert_eq!(attempts(&rig, 1).await, [kept]);
}

pub(super) async fn of_many_attempts_the_first_and_the_latest_are_kept<B: Backend>() {
    for (count, bytes, latest) in [(200, 20, 56), (100, 2_048, 24)] {
        let rig = Rig::<B>::new();
        rig.accept([job(1)]).await;
        let entry = |n: usize| Bytes::from(format!("{n:0>bytes$}"));
        for n in 0..count {
            let lease = rig.take_one(&FETCH, 0).await.lease;
            enter(&rig, lease, retry(0), entry(n)).await;
            if n % 10 == 0 {
                rig.flush().await.expect("flushed");
            }
        }
        let expected: Vec<_> = (0..8).chain(count - latest..count).map(entry).collect();
        assert_eq!(attempts(&rig, 1).await, expected);
        rig.flush().await.expect("flushed");
        assert_eq!(attempts(&rig, 1).await, expected);
    }
}

pub(super) async fn redriving_keeps_the_attempts<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    enter(&rig, lease, dead(), "first life").await;
    rig.redrive(id(1), refetch(0), at(1)).await.expect("answered");
    assert_eq!(attempts(&rig, 1).await, ["first life"]);
    let claimed = rig.take(&FETCH, MANY, 1).await;
    enter(&rig, claimed[0].lease, done(), "second life").await;
    assert_eq!(attempts(&rig, 1).await, ["first life", "second life"]);
    rig.flush().await.expect("flushed");
    assert_eq!(attempts(&rig, 1).await, ["first life", "second life"]);
}
