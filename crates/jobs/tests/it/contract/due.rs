//! `oldest_due` and `next_due`.

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{Differently, LEASE_MS, MANY, Rig, advance, at, done, id, job, retry};

pub(super) async fn oldest_due_is_the_earliest<B: Backend>() {
    let rig = Rig::<B>::new();
    assert_eq!(rig.oldest_due(&FETCH), None);
    let jobs = vec![job(1).due(30), job(2).lane("b").due(20), job(3).due(40)];
    rig.submit(jobs, at(100)).await.expect("accepted");
    assert_eq!(rig.oldest_due(&FETCH), Some(at(20)));
    assert_eq!(rig.oldest_due(&DELIVER), None);
    let lease = rig.take_one(&FETCH, 100).await.lease;
    assert!(rig.oldest_due(&FETCH) >= Some(at(20)));
    rig.end(lease, done(), 100).await;
    rig.cancel(id(2), None, at(100)).await.expect("answered");
    rig.cancel(id(1), None, at(100)).await.expect("answered");
    assert_eq!(rig.oldest_due(&FETCH), Some(at(40)));
}

pub(super) async fn next_due_is_none_when_nothing_waits<B: Backend>() {
    let rig = Rig::<B>::new();
    assert_eq!(rig.next_due(&FETCH), None);
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    rig.end(lease, advance(b"r"), 0).await;
    assert_eq!(rig.next_due(&FETCH), None);
    let lease = rig.take_one(&DELIVER, 1).await.lease;
    rig.end(lease, done(), 1).await;
    assert_eq!(rig.next_due(&DELIVER), None);
}

pub(super) async fn next_due_tells_of_a_future_job<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).due(900), job(2).due(500).lane("b"), job(3).due(700)]).await;
    assert_eq!(rig.next_due(&FETCH), Some(at(500)));
    rig.cancel(id(2), None, at(0)).await.expect("answered");
    assert_eq!(rig.next_due(&FETCH), Some(at(700)));
    let lease = rig.take_one(&FETCH, 700).await.lease;
    assert_eq!(rig.next_due(&FETCH), Some(at(900)));
    rig.end(lease, retry(800), 700).await;
    assert_eq!(rig.next_due(&FETCH), Some(at(800)));
}

pub(super) async fn next_due_tells_of_a_pause<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    rig.pause(lease, retry(0), 0, 5_000).await;
    assert!(rig.take(&FETCH, MANY, 1).await.is_empty());
    assert_eq!(rig.next_due(&FETCH), Some(at(5_000)));
}

pub(super) async fn next_due_tells_of_an_interval<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 1_000);
    rig.accept([job(1), job(2)]).await;
    let lease = rig.take_one(&FETCH, 300).await.lease;
    rig.end(lease, done(), 301).await;
    assert!(rig.take(&FETCH, MANY, 301).await.is_empty());
    assert_eq!(rig.next_due(&FETCH), Some(at(1_300)));
}

pub(super) async fn next_due_tells_of_a_lease_that_will_expire<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    rig.take_one(&FETCH, 0).await;
    let due = rig.next_due(&FETCH).expect("an expired lease makes a job claimable");
    assert_eq!(due, at(LEASE_MS));
    assert_eq!(rig.claim(&FETCH, MANY, at(9 * LEASE_MS), due).await.expect("claimed").len(), 1);
}
