//! News of lanes that no settlement brings, and limits that change.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jobs::{
    Bounds, Circuit, ErrorKind, LaneKey, LaneLimit, LaneLimits, LaneNews, Stage, Timestamp,
};

use super::breaker::{rounds, view};
use super::health::{BAD, GOOD};
use super::pace::every;
use super::signal::signalled;
use crate::backend::{Backend, DELIVER, FETCH, config};
use crate::rig::{Differently, MANY, Rig, at, done, id, job};

/// Takes back what was asked for.
pub(super) const RESUME: LaneNews =
    LaneNews { pause_until: None, interval: None, resume: true, health: None };
/// As good as for ever.
pub(super) const FOR_EVER: Timestamp = Timestamp::from_millis(u64::MAX);

/// Tells of lane `a` of the first stage.
pub(super) async fn told<B: Backend>(rig: &Rig<B>, news: LaneNews, now: u64) {
    rig.store().tell(&FETCH, &LaneKey::new("a"), news, at(now)).await.expect("told");
}

pub(super) async fn a_lane_is_paused_and_resumed_without_a_settlement<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept([job(1), job(2).lane("b")]).await;
    told(&rig, LaneNews::paused(Some(FOR_EVER)), 0).await;
    assert_eq!(rig.taken(&FETCH, MANY, 1_000_000).await, BTreeSet::from([id(2)]));
    told(&rig, RESUME, 1_000_000).await;
    assert_eq!(rig.taken(&FETCH, MANY, 1_000_000).await, BTreeSet::from([id(1)]));
}

pub(super) async fn news_of_a_lane_without_jobs_waits_for_them<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    told(&rig, LaneNews::paused(Some(at(5_000))), 0).await;
    assert!(rig.lanes(MANY, at(0)).is_empty(), "a lane without jobs is not told");
    rig.accept([job(1)]).await;
    assert!(rig.take(&FETCH, MANY, 4_999).await.is_empty());
    assert_eq!(rig.take(&FETCH, MANY, 5_000).await.len(), 1);
}

pub(super) async fn resuming_takes_back_what_was_asked_for_and_nothing_else<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept((0..5).map(job)).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    let both = LaneNews { pause_until: Some(at(90_000)), ..BAD };
    rig.tell(claimed.lease, done(), both, 0).await;
    told(&rig, RESUME, 1).await;
    let lane = view(&rig, 1);
    assert_eq!((lane.circuit, lane.failures), (Circuit::Open, 1), "it still fails");
    assert!(lane.paused_until.is_some_and(|until| until <= at(1_200)), "{lane:?}");
    told(&rig, every(400), 2).await;
    told(&rig, RESUME, 3).await;
    assert_eq!(view(&rig, 3).interval, Duration::from_millis(400));
}

pub(super) async fn a_pause_can_be_shortened_by_resuming_with_another<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept([job(1)]).await;
    told(&rig, LaneNews::paused(Some(FOR_EVER)), 0).await;
    told(&rig, LaneNews { pause_until: Some(at(3_000)), ..RESUME }, 0).await;
    assert_eq!(rig.next_due(&FETCH), Some(at(3_000)));
    assert!(rig.take(&FETCH, MANY, 2_999).await.is_empty());
    assert_eq!(rig.take(&FETCH, MANY, 3_000).await.len(), 1);
}

pub(super) async fn a_lane_that_is_resumed_drains_in_order_and_starts_slowly<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    told(&rig, LaneNews::paused(Some(FOR_EVER)), 0).await;
    // By due time, and by id where that is the same.
    rig.accept((0..40).map(|n| job(n).due(if n % 2 == 0 { 10 } else { 5 }))).await;
    told(&rig, RESUME, 1_000).await;
    let mut order = Vec::new();
    let mut sizes = Vec::new();
    while order.len() < 40 {
        let claimed = rig.take(&FETCH, MANY, 1_000).await;
        assert!(!claimed.is_empty(), "{order:?}");
        sizes.push(claimed.len());
        for c in claimed {
            order.push(c.lease.id);
            rig.tell(c.lease, done(), GOOD, 1_000).await;
        }
    }
    assert_eq!(sizes, [1, 2, 4, 8, 10, 10, 5]);
    let expected = (0..40).filter(|n| n % 2 == 1).chain((0..40).filter(|n| n % 2 == 0));
    assert_eq!(order, expected.map(id).collect::<Vec<_>>());
}

pub(super) async fn resuming_what_is_not_paused_changes_nothing<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    told(&rig, RESUME, 0).await;
    rig.accept((0..40).map(job)).await;
    told(&rig, RESUME, 0).await;
    assert_eq!(rounds(&rig, GOOD, 0).await, [10, 10, 10, 10, 0]);
}

pub(super) async fn a_settlement_can_resume_its_lane<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept((0..4).map(job)).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    told(&rig, LaneNews::paused(Some(FOR_EVER)), 0).await;
    rig.tell(claimed.lease, done(), RESUME, 1).await;
    assert_eq!(rig.take(&FETCH, MANY, 1).await.len(), 1, "slowly");
}

pub(super) async fn resuming_signals<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept([job(1)]).await;
    told(&rig, LaneNews::paused(Some(FOR_EVER)), 0).await;
    signalled(&rig, &FETCH, told(&rig, RESUME, 1)).await;
}

pub(super) async fn health_that_is_told_counts<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept((0..4).map(job)).await;
    told(&rig, BAD, 0).await;
    assert_eq!(view(&rig, 0).circuit, Circuit::Open);
    told(&rig, GOOD, 1).await;
    assert_eq!(view(&rig, 1).circuit, Circuit::Closed);
    assert_eq!(rig.take(&FETCH, MANY, 1).await.len(), 4);
}

pub(super) async fn news_for_an_unknown_stage_is_invalid<B: Backend>() {
    let rig = Rig::<B>::new();
    let (stage, lane) = (Stage::from_static("no such stage"), LaneKey::new("a"));
    let error = rig.store().tell(&stage, &lane, RESUME, at(0)).await.expect_err("unknown");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    rig.relimit(&stage);
    rig.close().await.expect("closed");
    let error = rig.store().tell(&FETCH, &lane, RESUME, at(0)).await.expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
}

/// A store whose lane `a` has a limit of its own that can be changed, and how to.
fn changeable<B: Backend>(interval: Duration) -> (Rig<B>, Arc<AtomicU32>) {
    let limit = Arc::new(AtomicU32::new(1));
    let now = Arc::clone(&limit);
    let usual = LaneLimit { concurrency: 2, interval, ..LaneLimit::default() };
    let limits = LaneLimits::same(usual).with(move |key| {
        let concurrency = now.load(Ordering::SeqCst);
        let interval = interval / concurrency;
        (key.as_str() == "a").then_some(LaneLimit { concurrency, interval, ..LaneLimit::default() })
    });
    (Rig::configured(config(limits, Bounds::default())), limit)
}

pub(super) async fn limits_that_change_hold_from_then_on<B: Backend>() {
    let (rig, limit) = changeable::<B>(Duration::ZERO);
    rig.accept((0..20).map(job)).await;
    rig.accept((20..30).map(|n| job(n).lane("b"))).await;
    let mut held = rig.take(&FETCH, MANY, 0).await;
    assert_eq!(held.len(), 1 + 2);
    limit.store(6, Ordering::SeqCst);
    assert!(rig.take(&FETCH, MANY, 0).await.is_empty(), "nobody has said so yet");
    rig.relimit(&FETCH);
    let more = rig.take(&FETCH, MANY, 0).await;
    assert_eq!(more.len(), 5);
    assert!(more.iter().all(|c| c.lane.as_str() == "a"));
    held.extend(more);
    limit.store(2, Ordering::SeqCst);
    rig.relimit(&FETCH);
    held.retain(|c| c.lane.as_str() == "a");
    for (left, c) in (0..held.len()).rev().zip(&held) {
        rig.end(c.lease, done(), 0).await;
        let claimed = rig.take(&FETCH, MANY, 0).await;
        assert_eq!(claimed.len(), usize::from(left < 2), "with {left} of the old ones in flight");
    }
}

pub(super) async fn limits_that_change_are_looked_up_for_lanes_that_wait<B: Backend>() {
    let (rig, limit) = changeable::<B>(Duration::from_millis(1_000));
    rig.accept((0..9).map(job)).await;
    let first = rig.take_one(&FETCH, 0).await;
    rig.end(first.lease, done(), 0).await;
    assert_eq!(rig.next_due(&FETCH), Some(at(1_000)));
    limit.store(10, Ordering::SeqCst);
    rig.relimit(&FETCH);
    assert!(rig.take(&FETCH, MANY, 99).await.is_empty());
    assert_eq!(rig.next_due(&FETCH), Some(at(100)), "what relimiting left is looked at once");
    assert_eq!(rig.take(&FETCH, MANY, 100).await.len(), 1);
}

pub(super) async fn relimiting_signals<B: Backend>() {
    let (rig, limit) = changeable::<B>(Duration::ZERO);
    rig.accept([job(1), job(2)]).await;
    rig.take_one(&FETCH, 0).await;
    assert!(rig.take(&FETCH, MANY, 0).await.is_empty());
    limit.store(2, Ordering::SeqCst);
    signalled(&rig, &FETCH, async { rig.relimit(&FETCH) }).await;
    rig.relimit(&DELIVER);
    assert_eq!(rig.take(&FETCH, MANY, 0).await.len(), 1);
}
