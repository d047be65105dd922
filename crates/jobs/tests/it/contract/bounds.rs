//! The bounds of `submit`: full, and room again.

use std::time::Duration;

use futures_util::FutureExt;
use jobs::{Bounds, Submitted};

use crate::backend::{Backend, FETCH};
use crate::rig::{Differently, MANY, Rig, advance, at, done, id, job, soon};

fn bounded<B: Backend>(jobs: u64, bytes: u64) -> Rig<B> {
    Rig::with(100, Duration::ZERO, Bounds { jobs, bytes, ..Bounds::default() })
}

pub(super) async fn full_by_jobs_and_room_again_when_one_is_over<B: Backend>() {
    let rig = bounded::<B>(3, 1_000_000);
    rig.accept([job(1), job(2)]).await;
    let answers = rig.submit(vec![job(3), job(4)], at(0)).await.expect("answered");
    assert_eq!(answers, [Submitted::Created, Submitted::Full]);
    assert!(rig.get(id(4)).await.expect("read").is_none());
    let claimed = rig.take_one(&FETCH, 0).await;
    assert_eq!(rig.offer(job(4)).await, Submitted::Full, "a leased job still counts");
    rig.end(claimed.lease, done(), 0).await;
    assert_eq!(rig.offer(job(4)).await, Submitted::Created);
    assert_eq!(rig.offer(job(5)).await, Submitted::Full);
    rig.counts_add_up().await;
}

pub(super) async fn full_by_bytes_and_room_again_when_one_is_over<B: Backend>() {
    let rig = bounded::<B>(1_000, 1_000);
    let mut created = 0;
    while rig.offer(job(created).spec_of(100)).await == Submitted::Created {
        created += 1;
        assert!(created < 20, "the bound of bytes is not kept");
    }
    assert_eq!(created, 10);
    assert_eq!(rig.counts().live_bytes, 1_000);
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, done(), 0).await;
    assert_eq!(rig.offer(job(50).spec_of(100)).await, Submitted::Created);
    assert_eq!(rig.offer(job(51).spec_of(100)).await, Submitted::Full);
}

pub(super) async fn results_count_against_the_byte_bound<B: Backend>() {
    let rig = bounded::<B>(1_000, 1_000);
    rig.accept([job(1).spec_of(100)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, advance(&[b'r'; 850]), 0).await;
    assert_eq!(rig.counts().live_bytes, 950);
    assert_eq!(rig.offer(job(2).spec_of(100)).await, Submitted::Full);
    assert_eq!(rig.offer(job(3).spec_of(40)).await, Submitted::Created);
}

pub(super) async fn a_repeat_is_recognised_when_full<B: Backend>() {
    let rig = bounded::<B>(1, 1_000_000);
    rig.accept([job(1).key("k", 1)]).await;
    let existing = Submitted::Existing { id: id(1), created_at: at(0) };
    assert_eq!(rig.offer(job(2)).await, Submitted::Full);
    assert_eq!(rig.offer(job(1)).await, existing);
    assert_eq!(rig.offer(job(2).key("k", 1)).await, existing);
    assert_eq!(rig.offer(job(2).key("k", 2)).await, Submitted::Conflict { id: id(1) });
}

pub(super) async fn dropping_a_submission_leaks_no_room<B: Backend>() {
    let rig = bounded::<B>(2, 1_000_000);
    rig.accept([job(1).key("k", 1)]).await;
    let store = rig.store();
    for n in 10..20 {
        // One takes the last room, if there is any; the other is a repeat that finds none.
        let mut submission = store.submit(vec![job(n), job(100 + n).key("k", 1)], at(0));
        let _ = (&mut submission).now_or_never();
        drop(submission);
    }
    soon("the first of them", async {
        while store.get(id(10)).await.expect("read").is_none() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    for claimed in rig.take(&FETCH, MANY, 0).await {
        rig.end(claimed.lease, done(), 0).await;
    }
    rig.accept([job(30), job(31)]).await;
}
