//! `submit`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use jobs::{ErrorKind, Stage, State, Submitted};
use tokio::task::JoinSet;

use crate::backend::{Backend, FETCH};
use crate::rig::{Differently, MANY, Rig, at, done, id, job, soon};

pub(super) async fn a_new_job_is_created_and_waits<B: Backend>() {
    let rig = Rig::<B>::new();
    let answer = rig.submit(vec![job(1).due(5)], at(3)).await.expect("answered");
    assert_eq!(answer, [Submitted::Created]);
    let record = rig.record(1).await;
    assert_eq!(record.id, id(1));
    assert_eq!(record.state, State::Waiting);
    assert_eq!(record.stage, FETCH);
    assert_eq!(record.lane.as_str(), "a");
    assert_eq!((record.due, record.created_at), (at(5), at(3)));
    assert_eq!((record.attempts, record.verdict), (0, None));
    assert_eq!((record.result_bytes, record.note), (None, None));
}

pub(super) async fn a_spec_comes_back_byte_for_byte<B: Backend>() {
    let rig = Rig::<B>::new();
    let specs = [Bytes::new(), Bytes::from_static(&[0, 255, 0, 10]), Bytes::from(vec![7; 300_000])];
    for (n, spec) in (0..).zip(&specs) {
        let mut new = job(n);
        new.spec = spec.clone();
        rig.accept([new]).await;
    }
    for (n, spec) in (0..).zip(&specs) {
        assert_eq!(rig.record(n).await.spec, spec);
    }
    for claimed in rig.take(&FETCH, MANY, 0).await {
        let n = (0..).find(|&n| id(n) == claimed.lease.id).expect("an id of this test");
        assert_eq!(claimed.spec, specs[n as usize]);
    }
}

pub(super) async fn the_same_id_twice_is_one_job<B: Backend>() {
    let rig = Rig::<B>::new();
    let first = rig.submit(vec![job(1)], at(7)).await.expect("answered");
    assert_eq!(first, [Submitted::Created]);
    let again = rig.submit(vec![job(1).lane("other").spec_of(3)], at(9)).await.expect("answered");
    assert_eq!(again, [Submitted::Existing { id: id(1), created_at: at(7) }]);
    assert_eq!(rig.record(1).await.spec, "spec 1");
    assert_eq!(rig.all().await.len(), 1);
    assert_eq!(rig.take(&FETCH, MANY, 10).await.len(), 1);
}

pub(super) async fn the_same_id_twice_in_one_batch_is_one_job<B: Backend>() {
    let rig = Rig::<B>::new();
    let answers = rig.submit(vec![job(1), job(1)], at(7)).await.expect("answered");
    let existing = Submitted::Existing { id: id(1), created_at: at(7) };
    assert_eq!(answers, [Submitted::Created, existing]);
    assert_eq!(rig.taken(&FETCH, MANY, 10).await.len(), 1);
    rig.counts_add_up().await;
}

pub(super) async fn the_same_key_and_fingerprint_is_the_first_job<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).key("k", 1)]).await;
    let existing = Submitted::Existing { id: id(1), created_at: at(0) };
    assert_eq!(rig.offer(job(2).key("k", 1)).await, existing);
    assert_eq!(rig.offer(job(3).key("other", 1)).await, Submitted::Created);
    assert!(rig.get(id(2)).await.expect("read").is_none());
    let batch = vec![job(4).key("new", 1), job(5).key("new", 1)];
    let answers = rig.submit(batch, at(0)).await.expect("answered");
    let existing = Submitted::Existing { id: id(4), created_at: at(0) };
    assert_eq!(answers, [Submitted::Created, existing]);
}

pub(super) async fn the_same_key_with_another_fingerprint_is_a_conflict<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).key("k", 1)]).await;
    assert_eq!(rig.offer(job(2).key("k", 2)).await, Submitted::Conflict { id: id(1) });
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, done(), 0).await;
    assert_eq!(rig.offer(job(2).key("k", 2)).await, Submitted::Conflict { id: id(1) });
    assert_eq!(rig.all().await.len(), 1);
}

pub(super) async fn answers_come_in_the_order_of_the_batch<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(2), job(4).key("k", 1)]).await;
    let batch = vec![job(1), job(2), job(3), job(5).key("k", 2), job(6).key("k", 1)];
    let existing = |n| Submitted::Existing { id: id(n), created_at: at(0) };
    assert_eq!(
        rig.submit(batch, at(8)).await.expect("answered"),
        [
            Submitted::Created,
            existing(2),
            Submitted::Created,
            Submitted::Conflict { id: id(4) },
            existing(4),
        ]
    );
}

pub(super) async fn an_empty_batch_is_answered<B: Backend>() {
    let rig = Rig::<B>::new();
    assert!(soon("an answer", rig.submit(vec![], at(0))).await.expect("answered").is_empty());
    assert!(soon("an answer", rig.settle(vec![], at(0))).await.expect("answered").is_empty());
    assert!(
        soon("an answer", rig.extend(vec![], at(1), at(0))).await.expect("answered").is_empty()
    );
}

pub(super) async fn an_unknown_stage_is_invalid_and_stores_nothing<B: Backend>() {
    let rig = Rig::<B>::new();
    let batch = vec![job(1), job(2).stage(&Stage::from_static("no such stage"))];
    let error = rig.submit(batch, at(0)).await.expect_err("the stage is unknown");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(rig.all().await.is_empty());
    assert_eq!(rig.offer(job(3)).await, Submitted::Created, "the store goes on");
}

pub(super) async fn many_submitters_each_get_their_own_answer<B: Backend>() {
    const SUBMITTERS: u64 = 64;
    const EACH: u64 = 10;
    let rig = Rig::<B>::new();
    rig.accept((0..SUBMITTERS).map(|n| job(n * 100))).await;
    let mut tasks = JoinSet::new();
    for s in 0..SUBMITTERS {
        let store = rig.store();
        tasks.spawn(async move {
            for n in 1..=EACH {
                let batch = vec![job(s * 100 + n), job(s * 100)];
                let answers = store.submit(batch, at(n)).await.expect("answered");
                let existing = Submitted::Existing { id: id(s * 100), created_at: at(0) };
                assert_eq!(answers, [Submitted::Created, existing]);
            }
        });
    }
    soon("every answer", async {
        while tasks.join_next().await.transpose().expect("ok").is_some() {}
    })
    .await;
    assert_eq!(rig.all().await.len() as u64, SUBMITTERS * (EACH + 1));
    rig.counts_add_up().await;
}

pub(super) async fn many_submitters_of_one_id_make_one_job<B: Backend>() {
    let rig = Rig::<B>::new();
    let mut tasks = JoinSet::new();
    for s in 0..32 {
        let store = rig.store();
        tasks.spawn(async move {
            let new = if s % 2 == 0 { job(1).key("k", 1) } else { job(100 + s).key("k", 1) };
            store.submit(vec![new], at(s)).await.expect("answered").remove(0)
        });
    }
    let answers = soon("every answer", tasks.join_all()).await;
    let created = answers.iter().filter(|a| **a == Submitted::Created).count();
    assert_eq!(created, 1, "{answers:?}");
    let all = rig.all().await;
    assert_eq!(all.len(), 1);
    for answer in answers {
        if let Submitted::Existing { id, created_at } = answer {
            assert_eq!((id, created_at), (all[0].id, all[0].created_at));
        }
    }
}

pub(super) async fn dropping_a_submission_does_not_take_it_back<B: Backend>() {
    let rig = Rig::<B>::new();
    let store = rig.store();
    for n in 0..20 {
        let mut submission = store.submit(vec![job(n)], at(0));
        let _ = (&mut submission).now_or_never();
        drop(submission);
    }
    let store = Arc::clone(&store);
    soon("every job", async {
        for n in 0..20 {
            while store.get(id(n)).await.expect("read").is_none() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    })
    .await;
    assert_eq!(rig.taken(&FETCH, MANY, 0).await.len(), 20);
    rig.counts_add_up().await;
}
