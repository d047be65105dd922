//! Lanes: concurrency, interval, turns and pauses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jobs::{Claimed, LaneKey, LaneView, Outcome};

use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{
    Differently, LEASE_MS, MANY, Rig, advance, at, dead, done, id, job, release, retry,
};

fn per_lane(claimed: &[Claimed]) -> BTreeMap<&str, usize> {
    let mut lanes = BTreeMap::new();
    for c in claimed {
        *lanes.entry(c.lane.as_str()).or_default() += 1;
    }
    lanes
}

pub(super) async fn lane_concurrency_is_never_exceeded<B: Backend>() {
    let rig = Rig::<B>::lanes(3, 0);
    rig.accept((0..10).map(job)).await;
    rig.accept((10..20).map(|n| job(n).lane("b"))).await;
    let claimed = rig.take(&FETCH, MANY, 0).await;
    assert_eq!(per_lane(&claimed), BTreeMap::from([("a", 3), ("b", 3)]));
    assert!(rig.take(&FETCH, MANY, 0).await.is_empty());
    let of_a = claimed.iter().find(|c| c.lane.as_str() == "a").expect("a job of a");
    rig.end(of_a.lease, done(), 0).await;
    let claimed = rig.take(&FETCH, MANY, 0).await;
    assert_eq!(per_lane(&claimed), BTreeMap::from([("a", 1)]));
}

pub(super) async fn every_outcome_frees_a_place_in_the_lane<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 0);
    let outcomes: [Outcome; 5] = [advance(b"r"), retry(9_999), release(9_999), done(), dead()];
    rig.accept((0..6).map(job)).await;
    for outcome in outcomes {
        let claimed = rig.take(&FETCH, MANY, 0).await;
        assert_eq!(claimed.len(), 1, "before {outcome:?}");
        assert!(rig.take(&FETCH, MANY, 0).await.is_empty());
        rig.end(claimed[0].lease, outcome, 0).await;
    }
    assert_eq!(rig.take(&FETCH, MANY, 0).await.len(), 1);
}

pub(super) async fn an_expired_lease_frees_a_place_in_the_lane<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 0);
    rig.accept([job(1), job(2)]).await;
    let first = rig.take(&FETCH, MANY, 0).await;
    assert_eq!(first.len(), 1);
    let second = rig.take(&FETCH, MANY, LEASE_MS + 1).await;
    assert_eq!(second.len(), 1, "one place, so one job");
    rig.end(second[0].lease, done(), LEASE_MS + 2).await;
    assert_eq!(rig.take(&FETCH, MANY, LEASE_MS + 3).await.len(), 1);
}

pub(super) async fn lane_interval_is_kept<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 1_000);
    rig.accept((0..4).map(job)).await;
    rig.accept([job(9).lane("b")]).await;
    let claimed = rig.take(&FETCH, MANY, 0).await;
    assert_eq!(per_lane(&claimed), BTreeMap::from([("a", 1), ("b", 1)]));
    assert!(rig.take(&FETCH, MANY, 999).await.is_empty());
    assert_eq!(rig.take(&FETCH, MANY, 1_000).await.len(), 1);
    // A lane that was idle for long has not saved up starts.
    assert_eq!(rig.take(&FETCH, MANY, 10_000).await.len(), 1);
    assert!(rig.take(&FETCH, MANY, 10_999).await.is_empty());
    assert_eq!(rig.take(&FETCH, MANY, 11_000).await.len(), 1);
}

pub(super) async fn lanes_are_served_in_turn<B: Backend>() {
    let rig = Rig::<B>::new();
    for (n, lane) in (0..12).zip(["a", "a", "a", "b", "b", "b", "c", "c", "c", "d", "d", "d"]) {
        rig.accept([job(n).lane(lane)]).await;
    }
    for _ in 0..3 {
        let claimed = rig.take(&FETCH, 4, 0).await;
        let expected = BTreeMap::from([("a", 1), ("b", 1), ("c", 1), ("d", 1)]);
        assert_eq!(per_lane(&claimed), expected);
    }
}

pub(super) async fn a_long_lane_does_not_starve_another<B: Backend>() {
    let rig = Rig::<B>::lanes(1_000, 0);
    rig.accept((0..500).map(job)).await;
    rig.accept([job(900).lane("small").due(50)]).await;
    assert_eq!(rig.take(&FETCH, 10, 100).await.len(), 10);
    let mut seen = 0;
    // Both lanes are ready: the small one gets its turn within one claim for each of them.
    for _ in 0..2 {
        let claimed = rig.take(&FETCH, 1, 100).await;
        seen += usize::from(claimed[0].lane.as_str() == "small");
    }
    let in_the_first_ten = rig.record(900).await.state == jobs::State::Leased;
    assert!(in_the_first_ten || seen == 1, "the small lane was starved");
}

pub(super) async fn a_full_lane_does_not_block_another<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 0);
    rig.accept((0..100).map(job)).await;
    assert_eq!(rig.take(&FETCH, MANY, 0).await.len(), 1);
    rig.accept([job(200).lane("b").due(10)]).await;
    assert_eq!(rig.taken(&FETCH, 1, 10).await, BTreeSet::from([id(200)]));
}

pub(super) async fn a_paused_lane_is_not_claimed_and_others_are<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 0);
    rig.accept([job(1), job(2), job(3).lane("b").due(5)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.pause(claimed.lease, retry(0), 0, 5_000).await;
    assert_eq!(rig.taken(&FETCH, MANY, 10).await, BTreeSet::from([id(3)]));
    assert!(rig.take(&FETCH, MANY, 4_999).await.is_empty());
    let claimed = rig.take(&FETCH, MANY, 5_000).await;
    assert_eq!(per_lane(&claimed), BTreeMap::from([("a", 1)]));
}

pub(super) async fn a_pause_holds_jobs_that_come_later<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.pause(claimed.lease, done(), 0, 5_000).await;
    // The lane is empty now; its pause is not forgotten.
    rig.accept([job(2)]).await;
    assert!(rig.take(&FETCH, MANY, 4_999).await.is_empty());
    assert_eq!(rig.taken(&FETCH, MANY, 5_000).await, BTreeSet::from([id(2)]));
}

pub(super) async fn a_pause_only_grows<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1), job(2), job(3)]).await;
    let claimed = rig.take(&FETCH, 3, 0).await;
    rig.pause(claimed[0].lease, retry(0), 0, 5_000).await;
    rig.pause(claimed[1].lease, retry(0), 1, 2_000).await;
    assert!(rig.take(&FETCH, MANY, 4_999).await.is_empty());
    rig.pause(claimed[2].lease, retry(0), 2, 7_000).await;
    assert!(rig.take(&FETCH, MANY, 6_999).await.is_empty());
    assert_eq!(rig.take(&FETCH, MANY, 7_000).await.len(), 3);
}

pub(super) async fn a_lane_is_of_one_stage<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 0);
    rig.accept([job(1), job(2), job(3).stage(&DELIVER), job(4).stage(&DELIVER)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    assert_eq!(rig.take(&DELIVER, MANY, 0).await.len(), 1);
    rig.pause(claimed.lease, done(), 0, 5_000).await;
    assert!(rig.take(&FETCH, MANY, 1).await.is_empty(), "paused in its own stage");
    let after = LEASE_MS + 10_000;
    assert_eq!(rig.take(&DELIVER, MANY, after).await.len(), 1);
}

pub(super) async fn lanes_are_told_busiest_first<B: Backend>() {
    let rig = Rig::<B>::lanes(2, 0);
    rig.accept((0..5).map(job)).await;
    rig.accept((10..13).map(|n| job(n).lane("b"))).await;
    rig.accept([job(20).stage(&DELIVER).lane("sink")]).await;
    let claimed = rig.take(&FETCH, MANY, 0).await;
    let of_b = claimed.iter().find(|c| c.lane.as_str() == "b").expect("a job of b");
    rig.pause(of_b.lease, retry(0), 0, 5_000).await;
    let view = |stage: &jobs::Stage, key, waiting, in_flight, paused: Option<u64>| LaneView {
        stage: stage.clone(),
        key: LaneKey::new(key),
        waiting,
        in_flight,
        paused_until: paused.map(at),
        interval: Duration::ZERO,
        failures: 0,
        failing_since: None,
        circuit: jobs::Circuit::Closed,
    };
    let expected = [
        view(&FETCH, "a", 3, 2, None),
        view(&FETCH, "b", 2, 1, Some(5_000)),
        view(&DELIVER, "sink", 1, 0, None),
    ];
    assert_eq!(rig.lanes(MANY, at(0)), expected);
    assert_eq!(rig.lanes(1, at(0)), expected[..1]);
    rig.accept([job(30).lane("c")]).await;
    let lease = rig.take_one(&FETCH, 0).await.lease;
    rig.pause(lease, done(), 0, 5_000).await;
    assert_eq!(rig.lanes(MANY, at(0)), expected, "a lane without jobs is not told");
    let later = rig.lanes(MANY, at(5_000));
    assert!(later.iter().all(|lane| lane.paused_until.is_none()), "the pause is over");
}
