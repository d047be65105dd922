//! `sweep`.

use jobs::{Outcome, State};

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{Differently, MANY, Rig, advance, at, dead, done, id, job, refetch, retry};

/// Jobs `1..=count`, each over at the millisecond of its number.
async fn ended<B: Backend>(rig: &Rig<B>, count: u64) {
    for n in 1..=count {
        rig.accept([job(n)]).await;
        let lease = rig.take_one(&FETCH, 0).await.lease;
        rig.end(lease, if n % 2 == 0 { done() } else { dead() }, n).await;
    }
}

async fn numbers<B: Backend>(rig: &Rig<B>) -> Vec<u64> {
    let all = rig.all().await;
    let number = |record: &jobs::Record| (0..).find(|&n| id(n) == record.id).expect("a test's id");
    all.iter().map(number).collect()
}

pub(super) async fn only_jobs_that_were_over_before_the_cutoff_go<B: Backend>() {
    let rig = Rig::<B>::new();
    ended(&rig, 4).await;
    rig.accept([job(5)]).await;
    rig.cancel(id(5), None, at(2)).await.expect("answered");
    assert_eq!(rig.sweep(at(3), MANY).await.expect("swept").jobs, 3);
    assert_eq!(numbers(&rig).await, [4, 3]);
    assert_eq!(rig.sweep(at(3), MANY).await.expect("swept").jobs, 0);
    rig.counts_add_up().await;
}

pub(super) async fn live_jobs_are_never_swept<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept((1..=4).map(|n| job(n).lane(&format!("{n}")))).await;
    let claimed = rig.take(&FETCH, 3, 0).await;
    rig.end(claimed[0].lease, advance(b"r"), 0).await;
    rig.end(claimed[1].lease, retry(5_000), 0).await;
    assert_eq!(rig.sweep(at(1_000_000), MANY).await.expect("swept").jobs, 0);
    assert_eq!(rig.all().await.len(), 4);
    assert_eq!(rig.result(claimed[0].lease.id).await.expect("read").expect("kept"), "r");
    rig.end(claimed[2].lease, done(), 1).await;
    assert_eq!(rig.take(&DELIVER, MANY, 1).await.len(), 1);
}

pub(super) async fn a_redriven_job_is_not_swept<B: Backend>() {
    let rig = Rig::<B>::new();
    ended(&rig, 2).await;
    rig.redrive(id(1), refetch(0), at(5)).await.expect("answered");
    assert_eq!(rig.sweep(at(1_000), MANY).await.expect("swept").jobs, 1);
    assert_eq!(numbers(&rig).await, [1]);
    let lease = rig.take_one(&FETCH, 5).await.lease;
    rig.end(lease, done(), 2_000).await;
    assert_eq!(rig.sweep(at(1_000), MANY).await.expect("swept").jobs, 0, "over anew");
    assert_eq!(rig.sweep(at(2_001), MANY).await.expect("swept").jobs, 1);
}

pub(super) async fn a_sweep_is_bounded<B: Backend>() {
    let rig = Rig::<B>::new();
    ended(&rig, 10).await;
    let mut left = 10;
    for expected in [4, 4, 2, 0] {
        assert_eq!(rig.sweep(at(100), 4).await.expect("swept").jobs, expected);
        left -= expected;
        assert_eq!(rig.all().await.len() as u64, left);
    }
    assert_eq!(rig.sweep(at(100), 0).await.expect("swept").jobs, 0);
}

pub(super) async fn nothing_is_left_of_a_swept_job<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    let result = Some(bytes::Bytes::from_static(b"page"));
    rig.end(lease, Outcome::Done { verdict: None, result, note: None }, 1).await;
    assert_eq!(rig.record(1).await.state, State::Done);
    assert_eq!(rig.sweep(at(2), MANY).await.expect("swept").jobs, 1);
    assert_eq!(rig.get(id(1)).await.expect("read"), None);
    assert_eq!(rig.result(id(1)).await.expect("read"), None);
    let redriven = rig.redrive(id(1), refetch(0), at(3)).await.expect("answered");
    assert_eq!(redriven, jobs::Redriven::Unknown);
    let cancelled = rig.cancel(id(1), None, at(3)).await.expect("answered");
    assert_eq!(cancelled, jobs::Cancelled::Unknown);
    assert_eq!(rig.counts().done, 0);
    rig.accept([job(1)]).await;
    assert_eq!(rig.result(id(1)).await.expect("read"), None, "a new life has no old result");
}
