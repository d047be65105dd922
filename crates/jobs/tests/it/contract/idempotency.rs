//! Idempotency keys: who has one, and until when.

use jobs::{Bounds, Idempotency, NewJob, Next, Outcome, Submitted, Verdict};
use tokio::task::JoinSet;

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{
    Differently, MANY, Rig, advance, at, dead, done, id, job, next, refetch, retry, soon,
};

fn existing(n: u64) -> Submitted {
    Submitted::Existing { id: id(n), created_at: at(0) }
}

fn done_as(verdict: Verdict) -> Outcome {
    Outcome::Done { verdict: Some(verdict), result: None, note: None }
}

fn on_as(verdict: Verdict) -> Next {
    Next { verdict, ..next(0, b"") }
}

/// A job whose key is free of jobs that were accepted before `ms`.
fn since(n: u64, fingerprint: u8, ms: u64) -> NewJob {
    let new = job(n).key("k", fingerprint);
    let idempotency = new.idempotency.map(|i| Idempotency { since: at(ms), ..i });
    NewJob { idempotency, ..new }
}

pub(super) async fn a_key_is_free_again_once_its_job_is_swept<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).key("k", 1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, done(), 1).await;
    assert_eq!(rig.sweep(at(2), MANY).await.expect("swept").jobs, 1);
    assert_eq!(rig.offer(job(2).key("k", 2)).await, Submitted::Created);
}

/// Ends job 1, which has the key, in the `way`-th way that frees it; `false` when there are no more.
async fn end_badly<B: Backend>(rig: &Rig<B>, way: usize) -> bool {
    let outcomes = [dead(), done_as(Verdict::Failed), Outcome::Advance(on_as(Verdict::Failed))];
    match (outcomes.get(way), way) {
        (Some(outcome), _) => {
            rig.end(rig.take_one(&FETCH, 0).await.lease, outcome.clone(), 1).await;
        }
        (None, 3) => drop(rig.cancel(id(1), None, at(1)).await.expect("answered")),
        (None, 4) => {
            let next = Some(on_as(Verdict::Cancelled));
            rig.cancel(id(1), next, at(1)).await.expect("answered");
        }
        _ => return false,
    }
    true
}

pub(super) async fn a_key_is_free_again_when_its_job_fails_or_is_called_off<B: Backend>() {
    for (way, flushed) in (0..).flat_map(|way| [(way, false), (way, true)]) {
        let rig = Rig::<B>::new();
        rig.accept([job(1).key("k", 1)]).await;
        if !end_badly(&rig, way).await {
            assert_eq!(way, 5, "all of them were tried");
            return;
        }
        if flushed {
            rig.flush().await.expect("flushed");
        }
        let batch = vec![job(2).key("k", 2), job(3).key("k", 2), job(4).key("k", 1)];
        let answers = rig.submit(batch, at(0)).await.expect("answered");
        let conflict = Submitted::Conflict { id: id(2) };
        assert_eq!(answers, [Submitted::Created, existing(2), conflict], "{way}");
        assert_eq!(rig.all().await.len(), 2, "both are kept");
    }
}

pub(super) async fn a_key_stays_with_a_job_that_goes_well_or_goes_on<B: Backend>() {
    let rig = Rig::<B>::new();
    let outcomes = [
        done(),
        done_as(Verdict::Succeeded),
        done_as(Verdict::Unchanged),
        advance(b"page"),
        retry(9_999),
    ];
    for (n, outcome) in (0..).zip(outcomes) {
        rig.accept([job(n).key("k", 1)]).await;
        rig.end(rig.take_one(&FETCH, 0).await.lease, outcome, 1).await;
        assert_eq!(rig.offer(job(100).key("k", 1)).await, existing(n));
        assert_eq!(rig.offer(job(100).key("k", 2)).await, Submitted::Conflict { id: id(n) });
        rig.flush().await.expect("flushed");
        assert_eq!(rig.offer(job(100).key("k", 1)).await, existing(n));
        rig.cancel(id(n), None, at(2)).await.expect("answered");
        rig.sweep(at(10), MANY).await.expect("swept");
    }
}

pub(super) async fn a_key_is_free_again_when_its_job_is_old<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.submit(vec![job(1).key("k", 1)], at(50)).await.expect("accepted");
    let first = Submitted::Existing { id: id(1), created_at: at(50) };
    let answers = rig.submit(vec![since(2, 1, 50)], at(60)).await.expect("answered");
    assert_eq!(answers, [first]);
    let batch = vec![since(3, 2, 51), since(4, 2, 51)];
    let answers = rig.submit(batch, at(60)).await.expect("answered");
    let second = Submitted::Existing { id: id(3), created_at: at(60) };
    assert_eq!(answers, [Submitted::Created, second], "whatever its fingerprint");
    assert_eq!(rig.taken(&FETCH, MANY, 60).await, [1, 3].map(id).into(), "both go on");
}

pub(super) async fn a_freed_key_goes_to_one_of_many<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).key("k", 1)]).await;
    rig.end(rig.take_one(&FETCH, 0).await.lease, dead(), 1).await;
    let mut tasks = JoinSet::new();
    for n in 0..32 {
        let store = rig.store();
        tasks.spawn(async move {
            let batch = vec![job(100 + n), job(200 + n).key("k", 2)];
            store.submit(batch, at(0)).await.expect("answered").remove(1)
        });
    }
    let answers = soon("every answer", tasks.join_all()).await;
    let created = answers.iter().filter(|a| **a == Submitted::Created).count();
    assert_eq!(created, 1, "{answers:?}");
    let all = rig.all().await;
    assert_eq!(all.len(), 1 + 32 + 1);
    let winner = all.iter().find(|r| r.id >= id(200)).expect("one has it").id;
    let told = Submitted::Existing { id: winner, created_at: at(0) };
    assert_eq!(answers.iter().filter(|a| **a == told).count(), 31, "{answers:?}");
}

pub(super) async fn a_key_stays_with_who_took_it_over<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).key("k", 1)]).await;
    rig.end(rig.take_one(&FETCH, 0).await.lease, dead(), 1).await;
    rig.accept([job(2).key("k", 1)]).await;
    rig.redrive(id(1), refetch(0), at(2)).await.expect("redriven");
    assert_eq!(rig.offer(job(3).key("k", 1)).await, existing(2));
    rig.cancel(id(1), None, at(3)).await.expect("answered");
    assert_eq!(rig.sweep(at(10), MANY).await.expect("swept").jobs, 1);
    assert_eq!(rig.offer(job(3).key("k", 1)).await, existing(2));
}

pub(super) async fn a_job_that_is_redriven_before_anybody_else_comes_has_its_key_again<
    B: Backend,
>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).key("k", 1)]).await;
    rig.end(rig.take_one(&FETCH, 0).await.lease, dead(), 1).await;
    rig.redrive(id(1), refetch(0), at(2)).await.expect("redriven");
    assert_eq!(rig.offer(job(2).key("k", 1)).await, existing(1));
    assert_eq!(rig.offer(job(2).key("k", 2)).await, Submitted::Conflict { id: id(1) });
}

pub(super) async fn a_job_that_is_there_already_takes_no_key_over<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).key("k", 1), job(2).lane("b").due(9_999)]).await;
    rig.end(rig.take_one(&FETCH, 0).await.lease, dead(), 1).await;
    assert_eq!(rig.offer(job(1).key("k", 1)).await, existing(1), "the same id");
    assert_eq!(rig.offer(job(2).key("k", 1)).await, existing(2));
    rig.redrive(id(1), refetch(0), at(2)).await.expect("redriven");
    assert_eq!(rig.offer(job(3).key("k", 1)).await, existing(1), "it has its key yet");
}

pub(super) async fn a_repeat_is_told_from_what_may_have_the_key_when_full<B: Backend>() {
    let bounds = Bounds { jobs: 2, ..Bounds::default() };
    let rig = Rig::<B>::with(100, std::time::Duration::ZERO, bounds);
    rig.accept([job(1).key("k", 1), job(2).key("l", 1).due(9_999)]).await;
    assert_eq!(rig.offer(job(4).key("k", 1)).await, existing(1));
    let lease = rig.take_one(&FETCH, 0).await.lease;
    rig.end(lease, Outcome::Advance(on_as(Verdict::Failed)), 1).await;
    assert_eq!(rig.offer(job(4).key("k", 1)).await, Submitted::Full, "it is free, but no room is");
    assert_eq!(rig.offer(job(4).key("l", 1)).await, existing(2));
    rig.end(rig.take_one(&DELIVER, 1).await.lease, done(), 2).await;
    assert_eq!(rig.offer(job(4).key("k", 1)).await, Submitted::Created);
}
