//! Owners: whose jobs are listed.

use jobs::{ErrorKind, Filter, NewJob, State, Verdict};

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{Differently, MANY, Rig, advance, at, dead, done, id, job, refetch};

async fn listed<B: Backend>(rig: &Rig<B>, states: &[State], owner: &str, limit: usize) -> Vec<u64> {
    let filter = Filter { states: states.to_vec(), owner: Some(owner.into()), ..Filter::default() };
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = rig.list(filter.clone(), before, limit).await.expect("listed");
        assert!(page.iter().all(|r| r.owner.as_deref() == Some(owner)), "{page:?}");
        let Some(last) = page.last() else { return found };
        before = Some(last.id);
        let number = |of| (0..100).find(|n| id(*n) == of).expect("a job of this test");
        found.extend(page.iter().map(|r| number(r.id)));
    }
}

pub(super) async fn jobs_are_listed_by_owner<B: Backend>() {
    let rig = Rig::<B>::new();
    let owners = [Some("a"), Some("b"), None];
    rig.accept((0..24).map(|n| match owners[n as usize % 3] {
        Some(owner) => job(n).owner(owner),
        None => job(n),
    }))
    .await;
    for claimed in rig.take(&FETCH, 9, 0).await {
        let outcome = if claimed.lease.id < id(6) { dead() } else { done() };
        rig.end(claimed.lease, outcome, 1).await;
    }
    rig.take(&FETCH, 3, 1).await;
    for limit in [1, 2, MANY] {
        for (states, expected) in [
            (&[][..], &[21, 18, 15, 12, 9, 6, 3, 0][..]),
            (&[State::Waiting], &[21, 18, 15, 12]),
            (&[State::Leased], &[9]),
            (&[State::Done], &[6]),
            (&[State::Dead], &[3, 0]),
            (&[State::Dead, State::Waiting], &[21, 18, 15, 12, 3, 0]),
            (&[State::Cancelled], &[]),
        ] {
            assert_eq!(listed(&rig, states, "a", limit).await, expected, "{states:?}");
        }
        assert!(listed(&rig, &[], "c", limit).await.is_empty());
        rig.flush().await.expect("flushed");
    }
}

pub(super) async fn an_owner_stays_with_its_job<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).owner("a")]).await;
    let owned = async || rig.record(1).await.owner.as_deref() == Some("a");
    assert!(owned().await);
    rig.end(rig.take_one(&FETCH, 0).await.lease, advance(b"page"), 0).await;
    assert!(owned().await);
    rig.end(rig.take_one(&DELIVER, 0).await.lease, dead(), 1).await;
    assert!(owned().await);
    rig.redrive(id(1), refetch(2), at(2)).await.expect("redriven");
    assert!(owned().await);
    assert_eq!(listed(&rig, &[State::Waiting], "a", MANY).await, [1]);
    let filter =
        Filter { owner: Some("a".into()), verdict: Some(Verdict::Succeeded), ..Filter::default() };
    assert_eq!(rig.list(filter, None, MANY).await.expect("listed").len(), 1);
}

pub(super) async fn an_owner_whose_name_is_too_long_is_invalid<B: Backend>() {
    let rig = Rig::<B>::new();
    let longest = "x".repeat(NewJob::OWNER_BYTES);
    let batch = vec![job(1), job(2).owner(&format!("{longest}x"))];
    let error = rig.submit(batch, at(0)).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().ends_with("has 65 bytes, more than 64"), "{error}");
    assert!(rig.all().await.is_empty(), "nothing of it is stored");
    rig.accept([job(3).owner(&longest)]).await;
    assert_eq!(rig.record(3).await.owner.as_deref(), Some(&*longest));
}
