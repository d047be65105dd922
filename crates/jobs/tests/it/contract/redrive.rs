//! `redrive`.

use jobs::{ErrorKind, Redrive, Redriven, Stage, State, Verdict};

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{Differently, MANY, Rig, advance, at, dead, done, id, job, refetch, retry};

pub(super) async fn a_live_job_is_left_alone<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1), job(2).lane("b").due(50)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    for n in [1, 2] {
        let before = rig.record(n).await;
        let answer = rig.redrive(id(n), refetch(0), at(1)).await.expect("answered");
        assert_eq!(answer, Redriven::Live);
        assert_eq!(rig.record(n).await, before);
    }
    rig.end(claimed.lease, done(), 2).await;
}

pub(super) async fn a_job_not_there_is_unknown<B: Backend>() {
    let rig = Rig::<B>::new();
    let answer = rig.redrive(id(404), refetch(0), at(0)).await.expect("answered");
    assert_eq!(answer, Redriven::Unknown);
    assert!(rig.all().await.is_empty());
}

pub(super) async fn a_dead_job_waits_again_with_all_its_attempts<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let first = rig.take_one(&FETCH, 0).await;
    rig.end(first.lease, retry(0), 0).await;
    let second = rig.take_one(&FETCH, 0).await;
    rig.end(second.lease, dead(), 0).await;
    let answer = rig.redrive(id(1), refetch(0), at(1)).await.expect("answered");
    assert_eq!(answer, Redriven::Yes);
    let record = rig.record(1).await;
    assert_eq!((record.state, record.attempts), (State::Waiting, 0));
    let claimed = rig.take_one(&FETCH, 1).await;
    assert_eq!((claimed.attempt, &claimed.spec[..]), (1, &b"spec 1"[..]));
    assert!(claimed.lease.epoch > second.lease.epoch, "an old lease stays void");
    rig.counts_add_up().await;
}

pub(super) async fn result_and_verdict_stay<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, advance(b"page"), 0).await;
    let claimed = rig.take_one(&DELIVER, 0).await;
    rig.end(claimed.lease, dead(), 0).await;
    let to = Redrive { stage: DELIVER.clone(), ..refetch(0) };
    assert_eq!(rig.redrive(id(1), to, at(1)).await.expect("answered"), Redriven::Yes);
    let record = rig.record(1).await;
    assert_eq!((&record.stage, record.lane.as_str()), (&DELIVER, "a"));
    assert_eq!((record.verdict, record.result_bytes), (Some(Verdict::Succeeded), Some(4)));
    assert_eq!(rig.result(id(1)).await.expect("read").expect("kept"), "page");
    let claimed = rig.take_one(&DELIVER, 1).await;
    assert_eq!((claimed.verdict, claimed.result_bytes), (Some(Verdict::Succeeded), 4));
    rig.end(claimed.lease, done(), 1).await;
    assert_eq!(rig.redrive(id(1), refetch(0), at(2)).await.expect("answered"), Redriven::Yes);
    assert_eq!(rig.result(id(1)).await.expect("read").expect("kept"), "page");
    rig.counts_add_up().await;
}

pub(super) async fn a_cancelled_job_can_be_taken_up<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    rig.cancel(id(1), None, at(0)).await.expect("answered");
    assert_eq!(rig.redrive(id(1), refetch(0), at(1)).await.expect("answered"), Redriven::Yes);
    let again = rig.take_one(&FETCH, 1).await.lease;
    assert_eq!(rig.say(lease, done(), 1).await, jobs::Settled::LeaseLost);
    rig.end(again, done(), 1).await;
}

pub(super) async fn it_waits_until_due<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    rig.cancel(id(1), None, at(0)).await.expect("answered");
    rig.redrive(id(1), refetch(900), at(1)).await.expect("answered");
    assert!(rig.take(&FETCH, MANY, 899).await.is_empty());
    assert_eq!(rig.take(&FETCH, MANY, 900).await.len(), 1);
}

pub(super) async fn an_unknown_stage_is_invalid<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    rig.cancel(id(1), None, at(0)).await.expect("answered");
    let to = Redrive { stage: Stage::from_static("no such stage"), ..refetch(0) };
    let error = rig.redrive(id(1), to, at(1)).await.expect_err("the stage is unknown");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(rig.record(1).await.state, State::Cancelled);
}
