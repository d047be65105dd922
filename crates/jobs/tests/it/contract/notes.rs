//! What is remembered beside the jobs.

use std::time::Duration;

use bytes::Bytes;
use jobs::{Bounds, NewNote, Note, Settled, Settlement};

use crate::backend::{Backend, FETCH};
use crate::rig::{MANY, Rig, at, done, id, job, retry};

pub(super) fn note(key: u8, value: impl Into<Bytes>, expires: u64) -> NewNote {
    NewNote { space: "pages", key: [key; 32], value: value.into(), expires: at(expires) }
}

/// Has job `n`, which must be the next, bring these.
pub(super) async fn bring<B: Backend>(rig: &Rig<B>, n: u64, notes: Vec<NewNote>) {
    rig.accept([job(n)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    let settlement = Settlement { notes, ..Settlement::new(lease, done()) };
    let answer = rig.settle(vec![settlement], at(0)).await.expect("answered");
    assert_eq!(answer, [Settled::Recorded]);
}

pub(super) async fn found<B: Backend>(rig: &Rig<B>, key: u8) -> Option<Bytes> {
    rig.note("pages", [key; 32]).await.expect("read").map(|note| note.value)
}

pub(super) async fn a_note_is_seen_at_once_and_later<B: Backend>() {
    let rig = Rig::<B>::new();
    bring(&rig, 1, vec![note(1, "one", 500), note(2, "", 600)]).await;
    for _ in 0..2 {
        let one = rig.note("pages", [1; 32]).await.expect("read");
        assert_eq!(one, Some(Note { value: Bytes::from("one"), expires: at(500) }));
        assert_eq!(found(&rig, 2).await.as_deref(), Some(&b""[..]), "an empty one is one");
        rig.flush().await.expect("flushed");
    }
}

pub(super) async fn an_unknown_note_is_none<B: Backend>() {
    let rig = Rig::<B>::new();
    bring(&rig, 1, vec![note(1, "one", 500)]).await;
    assert_eq!(found(&rig, 9).await, None);
    assert_eq!(rig.note("others", [1; 32]).await.expect("read"), None, "spaces are apart");
}

pub(super) async fn the_later_of_two_notes_stands<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1), job(2), job(3)]).await;
    let claimed = rig.take(&FETCH, MANY, 0).await;
    let say = async |at_index: usize, outcome, value: &'static str| {
        let lease = claimed[at_index].lease;
        let notes = vec![note(1, value, 500)];
        let settlement = Settlement { notes, ..Settlement::new(lease, outcome) };
        rig.settle(vec![settlement], at(0)).await.expect("answered");
    };
    // What is not over yet may be written after what is, though it was said before.
    say(0, retry(90_000), "first").await;
    say(1, done(), "second").await;
    assert_eq!(found(&rig, 1).await.as_deref(), Some(&b"second"[..]));
    rig.flush().await.expect("flushed");
    assert_eq!(found(&rig, 1).await.as_deref(), Some(&b"second"[..]));
    say(2, done(), "third").await;
    rig.flush().await.expect("flushed");
    assert_eq!(found(&rig, 1).await.as_deref(), Some(&b"third"[..]));
}

pub(super) async fn a_note_that_is_too_long_is_not_kept<B: Backend>() {
    let rig = Rig::<B>::new();
    let longest = vec![b'x'; NewNote::MAX_BYTES];
    let longer = vec![b'x'; NewNote::MAX_BYTES + 1];
    bring(&rig, 1, vec![note(1, longest.clone(), 500), note(2, longer, 500)]).await;
    rig.flush().await.expect("flushed");
    assert_eq!(found(&rig, 1).await.as_deref(), Some(&longest[..]));
    assert_eq!(found(&rig, 2).await, None);
}

pub(super) async fn a_lost_lease_leaves_no_note<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    rig.cancel(id(1), None, at(0)).await.expect("answered");
    let settlement =
        Settlement { notes: vec![note(1, "late", 9)], ..Settlement::new(lease, done()) };
    let answer = rig.settle(vec![settlement], at(0)).await.expect("answered");
    assert_eq!(answer, [Settled::LeaseLost]);
    assert_eq!(found(&rig, 1).await, None);
}

pub(super) async fn expired_notes_are_swept<B: Backend>() {
    let rig = Rig::<B>::new();
    bring(&rig, 1, (1..=4).map(|n| note(n, "kept", u64::from(n) * 100)).collect()).await;
    // One of them is brought again, and expires later now.
    bring(&rig, 2, vec![note(1, "anew", 900)]).await;
    assert_eq!(rig.sweep(at(300), 1).await.expect("swept").notes, 1);
    assert_eq!(found(&rig, 2).await, None);
    assert_eq!(rig.sweep(at(300), MANY).await.expect("swept").notes, 0, "3 has not expired before");
    for n in [1, 3, 4] {
        assert!(found(&rig, n).await.is_some(), "{n}");
    }
    assert_eq!(rig.sweep(at(301), MANY).await.expect("swept").notes, 1);
    assert_eq!(found(&rig, 3).await, None);
}

pub(super) async fn beyond_the_bound_those_go_that_expire_first<B: Backend>() {
    let bounds = Bounds { notes: 5, ..Bounds::default() };
    let rig = Rig::<B>::with(100, Duration::ZERO, bounds);
    for n in 1..=12_u8 {
        // In no order; some are brought twice, which makes them no more.
        let expires = u64::from(n * 5 % 13) * 100;
        bring(&rig, u64::from(n) * 2, vec![note(n, "first", expires)]).await;
        bring(&rig, u64::from(n) * 2 + 1, vec![note(n, "again", expires)]).await;
        rig.flush().await.expect("flushed");
    }
    let mut left = Vec::new();
    for n in 1..=12 {
        left.extend(found(&rig, n).await.map(|_| u64::from(n * 5 % 13)));
    }
    left.sort_unstable();
    assert_eq!(left, [8, 9, 10, 11, 12]);
}
