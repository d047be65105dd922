//! How close together a lane's jobs start: limits by key, and intervals that were asked for.

use std::time::Duration;

use jobs::{Bounds, LaneLimit, LaneLimits, LaneNews};

use crate::backend::{Backend, FETCH, config};
use crate::rig::{Differently, MANY, Rig, at, done, id, job, retry};

pub(super) fn every(ms: u64) -> LaneNews {
    LaneNews { interval: Some(Duration::from_millis(ms)), ..LaneNews::default() }
}

pub(super) async fn a_lane_has_the_limit_of_its_key<B: Backend>() {
    let usual = LaneLimit { concurrency: 2, interval: Duration::ZERO, ..LaneLimit::default() };
    let limits = LaneLimits::same(usual).with(move |key| match key.as_str() {
        "wide" => Some(LaneLimit { concurrency: 5, ..usual }),
        "slow" => Some(LaneLimit {
            concurrency: 5,
            interval: Duration::from_millis(300),
            ..LaneLimit::default()
        }),
        _ => None,
    });
    let rig = Rig::<B>::configured(config(limits, Bounds::default()));
    for (lane, first) in [("usual", 0), ("wide", 10), ("slow", 20)] {
        rig.accept((first..first + 9).map(|n| job(n).lane(lane))).await;
    }
    let mut taken = rig.take(&FETCH, MANY, 0).await;
    taken.extend(rig.take(&FETCH, MANY, 299).await);
    let of = |lane| taken.iter().filter(|c| c.lane.as_str() == lane).count();
    assert_eq!([of("usual"), of("wide"), of("slow")], [2, 5, 1]);
    let later = rig.take(&FETCH, MANY, 300).await;
    assert_eq!(later.iter().map(|c| c.lane.as_str()).collect::<Vec<_>>(), ["slow"]);
}

pub(super) async fn an_interval_that_was_asked_for_counts_from_the_last_claim<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept((0..4).map(job)).await;
    let first = rig.take_one(&FETCH, 100).await;
    assert_eq!(first.interval, Duration::ZERO);
    rig.tell(first.lease, done(), every(500), 250).await;
    assert_eq!(rig.next_due(&FETCH), Some(at(600)));
    assert!(rig.take(&FETCH, MANY, 599).await.is_empty());
    let claimed = rig.take(&FETCH, MANY, 600).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].interval, Duration::from_millis(500), "the worker is told of it");
    assert_eq!(rig.lanes(1, at(600))[0].interval, Duration::from_millis(500), "and people");
    assert!(rig.take(&FETCH, MANY, 1_099).await.is_empty());
    assert_eq!(rig.take(&FETCH, MANY, 1_100).await.len(), 1);
}

pub(super) async fn the_longer_of_two_intervals_holds<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 400);
    rig.accept((0..4).map(job)).await;
    let first = rig.take_one(&FETCH, 0).await;
    rig.tell(first.lease, done(), every(100), 0).await;
    assert!(rig.take(&FETCH, MANY, 399).await.is_empty());
    let second = rig.take_one(&FETCH, 400).await;
    assert_eq!(second.interval, Duration::from_millis(100), "what was asked for, not what holds");
    rig.tell(second.lease, done(), every(900), 400).await;
    assert!(rig.take(&FETCH, MANY, 1_299).await.is_empty());
    assert_eq!(rig.take(&FETCH, MANY, 1_300).await.len(), 1);
}

pub(super) async fn an_interval_that_was_asked_for_can_be_taken_back<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept((0..5).map(job)).await;
    let first = rig.take_one(&FETCH, 0).await;
    rig.tell(first.lease, retry(0), every(500), 0).await;
    let second = rig.take_one(&FETCH, 500).await;
    rig.tell(second.lease, retry(0), LaneNews::default(), 500).await;
    assert!(rig.take(&FETCH, MANY, 999).await.is_empty(), "no news leaves it as it is");
    let third = rig.take_one(&FETCH, 1_000).await;
    rig.tell(third.lease, done(), every(0), 1_001).await;
    let claimed = rig.take(&FETCH, MANY, 1_001).await;
    assert_eq!(claimed.len(), 4);
    assert!(claimed.iter().all(|c| c.interval.is_zero()));
}

pub(super) async fn an_interval_outlives_the_jobs_that_brought_it<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept([job(1)]).await;
    let first = rig.take_one(&FETCH, 0).await;
    rig.tell(first.lease, done(), every(500), 0).await;
    assert!(rig.take(&FETCH, MANY, 60_000).await.is_empty());
    rig.accept([job(2), job(3)]).await;
    let claimed = rig.take(&FETCH, MANY, 60_000).await;
    assert_eq!((claimed.len(), claimed[0].interval), (1, Duration::from_millis(500)));
}

pub(super) async fn claims_are_never_closer_than_the_interval_however_late_they_come<B: Backend>() {
    let interval = Duration::from_nanos(333_333_333);
    let rig = Rig::<B>::with(1_000, interval, Bounds::default());
    rig.accept((0..300).map(job)).await;
    let (mut now, mut last) = (0, None::<u64>);
    for step in 0..300_u64 {
        let due = rig.next_due(&FETCH).filter(|_| step > 0).unwrap_or(at(0));
        // Late by up to half an interval; now and then nobody comes for long.
        let late = (step * 7_919) % 160 + if step % 50 == 49 { 10_000 } else { 0 };
        now = due.since(at(0)).as_millis() as u64 + late;
        let claimed = rig.take(&FETCH, MANY, now).await;
        assert_eq!(claimed.len(), 1);
        rig.end(claimed[0].lease, done(), now).await;
        if let Some(last) = last {
            let apart = Duration::from_millis(now - last);
            assert!(apart >= interval, "{apart:?}");
        }
        last = Some(now);
    }
    assert!(now > 300 * 333);
}

pub(super) async fn what_is_known_of_lanes_without_jobs_is_bounded<B: Backend>() {
    let bounds = Bounds { lanes: 10, ..Bounds::default() };
    let rig = Rig::<B>::with(10, Duration::ZERO, bounds);
    for n in 0..30 {
        let lane = format!("{n}");
        rig.accept([job(n).lane(&lane)]).await;
        let claimed = rig.take_one(&FETCH, n).await;
        rig.tell(claimed.lease, done(), every(500), n).await;
    }
    rig.accept((0..30).map(|n| job(100 + n).lane(&format!("{n}")))).await;
    let claimed = rig.take(&FETCH, MANY, 60_000).await;
    assert_eq!(claimed.len(), 30);
    let known = claimed.iter().filter(|c| !c.interval.is_zero()).map(|c| c.lease.id);
    assert_eq!(known.collect::<Vec<_>>(), (120..130).map(id).collect::<Vec<_>>(), "the latest");
}

pub(super) async fn what_is_known_of_lanes_that_are_not_used_is_swept<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    for (n, lane) in [(1, "old"), (2, "used"), (3, "new")] {
        rig.accept([job(n).lane(lane)]).await;
        let claimed = rig.take_one(&FETCH, n).await;
        rig.tell(claimed.lease, done(), every(500), n * 1_000).await;
    }
    rig.accept([job(4).lane("used").due(5_000)]).await;
    rig.sweep(at(2_500), MANY).await.expect("swept");
    rig.accept([job(5).lane("old"), job(6).lane("new")]).await;
    let claimed = rig.take(&FETCH, MANY, 10_000).await;
    let known = claimed.iter().filter(|c| !c.interval.is_zero()).map(|c| c.lane.as_str());
    let mut known: Vec<_> = known.collect();
    known.sort_unstable();
    assert_eq!((claimed.len(), known), (3, vec!["new", "used"]));
}
