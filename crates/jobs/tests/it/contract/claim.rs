//! `claim`.

use std::collections::BTreeSet;

use jobs::{ErrorKind, Stage, Verdict};
use tokio::task::JoinSet;

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{Differently, LEASE_MS, MANY, Rig, advance, at, id, job, soon};

pub(super) async fn nothing_is_claimed_before_it_is_due<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).due(1_000), job(2).lane("b").due(2_000)]).await;
    assert!(rig.take(&FETCH, MANY, 999).await.is_empty());
    assert_eq!(rig.taken(&FETCH, MANY, 1_000).await, BTreeSet::from([id(1)]));
    assert!(rig.take(&FETCH, MANY, 1_999).await.is_empty());
    assert_eq!(rig.taken(&FETCH, MANY, 2_000).await, BTreeSet::from([id(2)]));
}

pub(super) async fn a_claimed_job_is_not_claimed_again<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept((0..20).map(|n| job(n).lane(&format!("{}", n % 3)))).await;
    assert_eq!(rig.taken(&FETCH, MANY, 0).await.len(), 20);
    assert!(rig.take(&FETCH, MANY, 1).await.is_empty());
}

pub(super) async fn a_job_called_off_is_not_claimed<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1), job(2), job(3).due(50)]).await;
    for n in [1, 3] {
        rig.cancel(id(n), None, at(1)).await.expect("answered");
    }
    assert_eq!(rig.taken(&FETCH, MANY, 100).await, BTreeSet::from([id(2)]));
}

pub(super) async fn a_clock_that_steps_back_breaks_nothing<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 1_000);
    rig.accept([job(1).due(5_000), job(2).due(5_000), job(3).lane("b").due(5_000)]).await;
    // Seen as due at 6 s, but not given out.
    assert!(rig.take(&FETCH, 0, 6_000).await.is_empty());
    assert!(rig.take(&FETCH, MANY, 1_000).await.is_empty(), "not due on this clock");
    assert_eq!(rig.taken(&FETCH, MANY, 6_000).await, BTreeSet::from([id(1), id(3)]));
    rig.offer(job(4)).await;
    rig.take(&FETCH, MANY, 2_000).await;
    rig.counts_add_up().await;
    assert_eq!(rig.take(&FETCH, MANY, 7_000 + LEASE_MS).await.len(), 2, "one of each lane");
}

pub(super) async fn concurrent_claims_never_share_a_job<B: Backend>() {
    const JOBS: u64 = 400;
    let rig = Rig::<B>::lanes(1_000, 0);
    rig.accept((0..JOBS).map(|n| job(n).lane(&format!("{}", n % 7)))).await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let store = rig.store();
        tasks.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = store.claim(&FETCH, 3, at(LEASE_MS), at(0)).await.expect("claimed");
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed.iter().map(|c| c.lease.id));
                tokio::task::yield_now().await;
            }
        });
    }
    let all = soon("every claim", tasks.join_all()).await.concat();
    assert_eq!(all.len() as u64, JOBS, "each job once");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len() as u64, JOBS);
}

pub(super) async fn no_more_than_max_are_claimed<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept((0..10).map(|n| job(n).lane(&format!("{}", n % 4)))).await;
    assert!(rig.take(&FETCH, 0, 0).await.is_empty());
    assert_eq!(rig.take(&FETCH, 7, 0).await.len(), 7);
    assert_eq!(rig.take(&FETCH, 7, 0).await.len(), 3);
}

pub(super) async fn only_the_named_stage_is_claimed<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1), job(2).stage(&DELIVER)]).await;
    assert_eq!(rig.taken(&DELIVER, MANY, 0).await, BTreeSet::from([id(2)]));
    assert_eq!(rig.taken(&FETCH, MANY, 0).await, BTreeSet::from([id(1)]));
}

pub(super) async fn a_claim_carries_what_was_accepted<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.submit(vec![job(1).lane("host:80")], at(4)).await.expect("accepted");
    let claimed = rig.take_one(&FETCH, 9).await;
    assert_eq!(claimed.lease.id, id(1));
    assert_eq!((&claimed.stage, claimed.lane.as_str()), (&FETCH, "host:80"));
    assert_eq!((claimed.attempt, claimed.created_at), (1, at(4)));
    assert_eq!(claimed.spec, "spec 1");
    assert_eq!((claimed.verdict, claimed.result_bytes), (None, 0));
}

pub(super) async fn a_claim_tells_of_the_result_so_far<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, advance(b"twelve bytes"), 0).await;
    let claimed = rig.take_one(&DELIVER, 0).await;
    assert_eq!(claimed.verdict, Some(Verdict::Succeeded));
    assert_eq!(claimed.result_bytes, 12);
    assert_eq!((claimed.lane.as_str(), &claimed.spec[..]), ("sink", &b"spec 1"[..]));
}

pub(super) async fn a_lane_serves_the_earliest_due_first<B: Backend>() {
    let rig = Rig::<B>::new();
    let dues = [50, 10, 40, 20, 30];
    rig.accept(dues.iter().map(|&ms| job(ms).due(ms))).await;
    let mut order = Vec::new();
    for _ in dues {
        order.push(rig.take_one(&FETCH, 100).await.lease.id);
    }
    assert_eq!(order, [10, 20, 30, 40, 50].map(id));
}

pub(super) async fn claiming_an_unknown_stage_is_invalid<B: Backend>() {
    let rig = Rig::<B>::new();
    let stage = Stage::from_static("no such stage");
    let error = rig.claim(&stage, 1, at(1), at(0)).await.expect_err("the stage is unknown");
    assert_eq!(error.kind(), ErrorKind::Invalid);
}
