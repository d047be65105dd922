//! A store from its opening to its end.

use futures_util::FutureExt;
use jobs::{Counts, ErrorKind, Filter, Lease, Result, Settlement, StageCounts};

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{MANY, Rig, advance, at, done, id, job, refetch, soon};

pub(super) async fn a_fresh_store_is_healthy_and_empty<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.health().expect("a fresh store is healthy");
    assert!(rig.failed().now_or_never().is_none(), "it has not failed");
    let stages = [&FETCH, &DELIVER];
    let stages = stages.map(|s| StageCounts { stage: s.clone(), waiting: 0, leased: 0 });
    assert_eq!(rig.counts(), Counts { stages: stages.to_vec(), ..Counts::default() });
    assert!(rig.all().await.is_empty());
    assert!(rig.lanes(MANY, at(0)).is_empty());
    assert!(rig.take(&FETCH, MANY, 0).await.is_empty());
}

pub(super) async fn a_flush_is_answered<B: Backend>() {
    let rig = Rig::<B>::new();
    soon("an empty flush", rig.flush()).await.expect("flushed");
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    rig.end(lease, advance(b"page"), 0).await;
    for _ in 0..3 {
        soon("a flush", rig.flush()).await.expect("flushed");
    }
    assert_eq!(rig.result(id(1)).await.expect("read").expect("kept"), "page");
}

fn is_closed<T: std::fmt::Debug>(answer: Result<T>) {
    assert_eq!(answer.expect_err("the store is closed").kind(), ErrorKind::Closed);
}

pub(super) async fn a_closed_store_says_so<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    soon("the end", rig.close()).await.expect("closed");
    is_closed(soon("submit", rig.submit(vec![job(2)], at(1))).await);
    is_closed(soon("claim", rig.claim(&FETCH, 1, at(9), at(1))).await);
    is_closed(soon("extend", rig.extend(vec![lease], at(9), at(1))).await);
    let settlement = Settlement::new(lease, done());
    is_closed(soon("settle", rig.settle(vec![settlement], at(1))).await);
    is_closed(soon("result", rig.result(id(1))).await);
    is_closed(soon("get", rig.get(id(1))).await);
    is_closed(soon("list", rig.list(Filter::default(), None, 1)).await);
    is_closed(soon("cancel", rig.cancel(id(1), None, at(1))).await);
    is_closed(soon("redrive", rig.redrive(id(1), refetch(0), at(1))).await);
    is_closed(soon("sweep", rig.sweep(at(1), 1)).await);
    is_closed(soon("flush", rig.flush()).await);
    is_closed(rig.health());
    // Closing twice hurts nobody.
    let _: Result<()> = soon("a second end", rig.close()).await;
}

/// A call that is under way while the store closes is answered, one way or the other.
pub(super) async fn closing_answers_what_was_under_way<B: Backend>() {
    let rig = Rig::<B>::new();
    let mut tasks = tokio::task::JoinSet::new();
    for s in 0..16 {
        let store = rig.store();
        tasks.spawn(async move {
            for n in 0.. {
                match store.submit(vec![job(s * 10_000 + n)], at(0)).await {
                    Ok(_) => tokio::task::yield_now().await,
                    Err(error) => return error.kind(),
                }
                let lease = Lease { id: id(n), epoch: 1 };
                let settlement = Settlement::new(lease, done());
                if let Err(error) = store.settle(vec![settlement], at(0)).await {
                    return error.kind();
                }
            }
            unreachable!("the loop ends with the store")
        });
    }
    while rig.counts().live() < 50 {
        tokio::task::yield_now().await;
    }
    soon("the end", rig.close()).await.expect("closed");
    for kind in soon("every answer", tasks.join_all()).await {
        assert_eq!(kind, ErrorKind::Closed);
    }
}
