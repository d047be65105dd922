//! `signal`: whoever waits for work hears of it.

use jobs::Stage;

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{Rig, advance, at, dead, done, id, job, next, refetch, release, soon};

/// Does `act`, and waits until `stage` is signalled.
pub(super) async fn signalled<B: Backend>(
    rig: &Rig<B>,
    stage: &Stage,
    act: impl Future<Output = ()>,
) {
    let signal = rig.signal(stage);
    // A permit from what went before must not count.
    while futures_util::FutureExt::now_or_never(signal.notified()).is_some() {}
    let notified = signal.notified();
    tokio::pin!(notified);
    notified.as_mut().enable();
    act.await;
    soon("the signal", notified).await;
}

pub(super) async fn submitting_signals<B: Backend>() {
    let rig = Rig::<B>::new();
    signalled(&rig, &FETCH, rig.accept([job(1)])).await;
}

pub(super) async fn advancing_signals_the_next_stage<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    signalled(&rig, &DELIVER, rig.end(lease, advance(b"r"), 0)).await;
}

pub(super) async fn a_freed_place_signals<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 0);
    rig.accept((1..=4).map(job)).await;
    for outcome in [done(), dead(), advance(b"r")] {
        let lease = rig.take_one(&FETCH, 0).await.lease;
        signalled(&rig, &FETCH, rig.end(lease, outcome, 0)).await;
    }
    rig.take_one(&FETCH, 0).await;
    rig.accept([job(5)]).await;
    signalled(&rig, &FETCH, async {
        rig.cancel(id(4), None, at(0)).await.expect("answered");
    })
    .await;
}

pub(super) async fn releasing_signals<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    signalled(&rig, &FETCH, rig.end(lease, release(0), 0)).await;
}

pub(super) async fn redriving_signals<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    rig.end(lease, dead(), 0).await;
    signalled(&rig, &FETCH, async {
        rig.redrive(id(1), refetch(0), at(1)).await.expect("answered");
    })
    .await;
}

pub(super) async fn calling_off_with_next_signals_the_next_stage<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    signalled(&rig, &DELIVER, async {
        rig.cancel(id(1), Some(next(0, b"called off")), at(1)).await.expect("answered");
    })
    .await;
}
