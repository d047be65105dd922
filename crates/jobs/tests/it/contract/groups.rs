//! Groups: how many jobs that belong together went.

use std::sync::Arc;

use futures_util::FutureExt;
use jobs::{ErrorKind, Filter, Group, Outcome, State, Submitted, Verdict};
use tokio::task::JoinSet;

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{
    Differently, MANY, Rig, advance, at, dead, done, group, id, job, next, refetch, retry, soon,
};

fn done_as(verdict: Verdict) -> Outcome {
    Outcome::Done { verdict: Some(verdict), result: None, note: None }
}

fn of(jobs: u64) -> Group {
    Group { jobs, ..Group::default() }
}

/// Seven jobs of a group, on six of which judgement was passed, with what the group counts then.
pub(super) async fn one_of_each_judgement<B: Backend>() -> (Rig<B>, Group) {
    let rig = Rig::<B>::new();
    rig.accept((0..6).map(|n| job(n).group(7)).chain([job(6).due(9_999).group(7)])).await;
    let failed = Outcome::Advance(jobs::Next { verdict: Verdict::Failed, ..next(0, b"") });
    let outcomes =
        [done_as(Verdict::Succeeded), failed, dead(), done_as(Verdict::Unchanged), done()];
    for (n, outcome) in (0..).zip(outcomes) {
        let claimed = rig.take_one(&FETCH, 0).await;
        assert_eq!(claimed.lease.id, id(n));
        rig.end(claimed.lease, outcome, 1).await;
    }
    rig.cancel(id(5), Some(jobs::Next { verdict: Verdict::Cancelled, ..next(0, b"") }), at(1))
        .await
        .expect("answered");
    let expected = Group { jobs: 7, succeeded: 2, failed: 2, cancelled: 1, unchanged: 1 };
    assert_eq!(rig.group(group(7)), Some(expected));
    assert_eq!(expected.open(), 1);
    (rig, expected)
}

pub(super) async fn a_group_counts_the_jobs_that_were_accepted<B: Backend>() {
    let rig = Rig::<B>::new();
    assert_eq!(rig.group(group(1)), None);
    rig.accept([job(1).group(1), job(2).group(2).key("k", 1), job(3), job(4).group(1)]).await;
    assert_eq!(rig.group(group(1)), Some(of(2)));
    let repeats = vec![job(1).group(1), job(5).group(2).key("k", 1), job(6).group(2).key("k", 2)];
    let answers = rig.submit(repeats, at(0)).await.expect("answered");
    assert!(answers.iter().all(|a| *a != Submitted::Created), "{answers:?}");
    assert_eq!((rig.group(group(1)), rig.group(group(2))), (Some(of(2)), Some(of(1))));
    rig.accept([job(7).group(1)]).await;
    assert_eq!(rig.group(group(1)), Some(of(3)));
    assert_eq!(rig.group(group(3)), None);
}

pub(super) async fn each_job_is_counted_once_by_its_first_judgement<B: Backend>() {
    let (rig, expected) = one_of_each_judgement::<B>().await;
    let told = rig.take(&DELIVER, MANY, 2).await;
    assert_eq!(told.len(), 2);
    let lease = told[0].lease;
    rig.end(lease, retry(2), 2).await;
    rig.end(rig.take_one(&DELIVER, 2).await.lease, done_as(Verdict::Succeeded), 3).await;
    rig.end(told[1].lease, dead(), 3).await;
    assert_eq!(rig.group(group(7)), Some(expected), "what comes later changes nothing");
    rig.cancel(id(6), None, at(4)).await.expect("answered");
    let expected = Group { cancelled: 2, ..expected };
    assert_eq!(rig.group(group(7)), Some(expected));
    assert_eq!(expected.open(), 0);
}

pub(super) async fn a_redriven_job_is_not_counted_again<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept((0..3).map(|n| job(n).group(7))).await;
    let outcomes = [dead(), done_as(Verdict::Failed)];
    for (lease, outcome) in rig.take(&FETCH, 2, 0).await.iter().map(|c| c.lease).zip(outcomes) {
        rig.end(lease, outcome, 1).await;
    }
    rig.cancel(id(2), None, at(1)).await.expect("answered");
    let counted = Group { failed: 2, cancelled: 1, ..of(3) };
    assert_eq!(rig.group(group(7)), Some(counted));
    for outcome in [advance(b"page"), dead(), done()] {
        for n in 0..3 {
            rig.redrive(id(n), refetch(2), at(2)).await.expect("answered");
        }
        for claimed in rig.take(&FETCH, MANY, 2).await {
            rig.end(claimed.lease, outcome.clone(), 3).await;
        }
        for claimed in rig.take(&DELIVER, MANY, 3).await {
            rig.end(claimed.lease, done_as(Verdict::Succeeded), 4).await;
        }
        assert_eq!(rig.group(group(7)), Some(counted));
    }
}

pub(super) async fn a_group_without_an_open_job_signals<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).group(1), job(2).group(1), job(3).group(2)]).await;
    let signal = rig.groups_signal();
    let mut waiting = JoinSet::new();
    for _ in 0..3 {
        let registered = Arc::clone(&signal).notified_owned();
        waiting.spawn(async move { soon("the signal", registered).await });
    }
    let leases: Vec<_> = rig.take(&FETCH, 2, 0).await.iter().map(|c| c.lease).collect();
    rig.end(leases[0], done(), 1).await;
    assert!(signal.notified().now_or_never().is_none(), "one of it is open yet");
    rig.end(leases[1], advance(b"page"), 1).await;
    waiting.join_all().await;
    assert!(rig.group(group(1)).is_some_and(|group| group.open() == 0));
    signal.notified().now_or_never();
    rig.cancel(id(3), None, at(2)).await.expect("answered");
    soon("what was told before anybody waits", signal.notified()).await;
}

pub(super) async fn a_group_outlives_its_jobs_until_it_is_forgotten<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).group(1), job(2).group(2)]).await;
    for claimed in rig.take(&FETCH, MANY, 0).await {
        rig.end(claimed.lease, done(), 1).await;
    }
    assert_eq!(rig.sweep(at(10), MANY).await.expect("swept").jobs, 2);
    let counted = Group { succeeded: 1, ..of(1) };
    assert_eq!(rig.group(group(1)), Some(counted));
    rig.forget_group(group(1)).await.expect("forgotten");
    rig.forget_group(group(3)).await.expect("there is nothing to forget");
    assert_eq!((rig.group(group(1)), rig.group(group(2))), (None, Some(counted)));
}

pub(super) async fn a_forgotten_group_counts_no_more<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).group(1), job(2).group(1)]).await;
    let claimed = rig.take(&FETCH, 2, 0).await;
    rig.end(claimed[0].lease, done(), 1).await;
    rig.forget_group(group(1)).await.expect("forgotten");
    rig.end(claimed[1].lease, done(), 1).await;
    rig.flush().await.expect("flushed");
    assert_eq!(rig.group(group(1)), None);
    assert_eq!(rig.record(2).await.group, Some(group(1)), "its jobs stay as they are");
    rig.accept([job(3).group(1)]).await;
    assert_eq!(rig.group(group(1)), Some(of(1)), "the count begins anew");
}

pub(super) async fn jobs_are_listed_by_group<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept((0..30).map(|n| match n % 3 {
        0 => job(n),
        of => job(n).group(of).owner(if n % 2 == 0 { "even" } else { "odd" }),
    }))
    .await;
    for claimed in rig.take(&FETCH, 10, 0).await {
        rig.end(claimed.lease, dead(), 1).await;
    }
    let of = |states: &[State], owner: Option<&str>| Filter {
        states: states.to_vec(),
        group: Some(group(1)),
        owner: owner.map(Into::into),
        ..Filter::default()
    };
    type Wanted = fn(u64) -> bool;
    let cases: [(Filter, Wanted); 5] = [
        (of(&[], None), |_| true),
        (of(&[State::Waiting], None), |n| n >= 10),
        (of(&[State::Dead], None), |n| n < 10),
        (of(&[State::Dead, State::Waiting], Some("even")), |n| n % 2 == 0),
        (of(&[State::Dead], Some("odd")), |n| n < 10 && n % 2 == 1),
    ];
    for (filter, is_wanted) in cases {
        let wanted = (0..30).rev().filter(|n| n % 3 == 1 && is_wanted(*n)).map(id);
        let wanted: Vec<_> = wanted.collect();
        let found = rig.list(filter.clone(), None, MANY).await.expect("listed");
        assert_eq!(found.iter().map(|r| r.id).collect::<Vec<_>>(), wanted, "{filter:?}");
        assert!(found.iter().all(|r| r.group == Some(group(1))));
        let few = rig.list(filter, None, 2).await.expect("listed");
        assert_eq!(few, found[..found.len().min(2)]);
    }
}

pub(super) async fn a_closed_store_forgets_no_group<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.close().await.expect("closed");
    let forgotten = rig.forget_group(group(1)).await;
    assert_eq!(forgotten.expect_err("it is closed").kind(), ErrorKind::Closed);
}
