//! A lane's back-off.

use std::time::Duration;

use jobs::{Claimed, Health, LaneNews};

use crate::backend::{Backend, FETCH};
use crate::rig::{Differently, MANY, Rig, at, done, id, job, retry};

pub(super) const BAD: LaneNews = told(Health::Bad);
pub(super) const GOOD: LaneNews = told(Health::Good);

const fn told(health: Health) -> LaneNews {
    LaneNews { pause_until: None, interval: None, resume: false, health: Some(health) }
}

/// One job of the lane goes badly at `now`; answers until when the lane is paused.
pub(super) async fn fail<B: Backend>(rig: &Rig<B>, now: u64) -> u64 {
    let claimed = rig.take_one(&FETCH, now).await;
    rig.tell(claimed.lease, retry(now), BAD, now).await;
    paused_until(rig, now).expect("it is paused")
}

fn paused_until<B: Backend>(rig: &Rig<B>, now: u64) -> Option<u64> {
    let lanes = rig.lanes(MANY, at(now));
    let lane = lanes.iter().find(|lane| lane.key.as_str() == "a").expect("the lane has jobs");
    lane.paused_until.map(|until| until.since(at(0)).as_millis() as u64)
}

fn failures<B: Backend>(rig: &Rig<B>) -> u32 {
    rig.lanes(1, at(0))[0].failures
}

pub(super) async fn a_failing_lane_is_paused_ever_longer<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept((0..5).map(job)).await;
    rig.accept([job(9).lane("b")]).await;
    let mut now = 0;
    for usual in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000_u64] {
        let until = fail(&rig, now).await;
        let pause = until - now;
        assert!((usual * 4 / 5..=usual * 6 / 5).contains(&pause), "{pause} ms for {usual} ms");
        if now == 0 {
            let other = rig.take_one(&FETCH, 0).await;
            assert_eq!(other.lease.id, id(9), "others go on");
            rig.end(other.lease, done(), 0).await;
        }
        assert!(rig.take(&FETCH, MANY, until - 1).await.is_empty());
        assert_eq!(rig.next_due(&FETCH), Some(at(until)));
        now = until;
    }
}

pub(super) async fn a_failing_lane_is_probed_by_one_job<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept((0..5).map(job)).await;
    let until = fail(&rig, 0).await;
    let probe = rig.take(&FETCH, MANY, until).await;
    assert_eq!(probe.len(), 1);
    assert!(rig.take(&FETCH, MANY, until + 30_000).await.is_empty());
    rig.tell(probe[0].lease, done(), GOOD, until + 30_000).await;
    assert_eq!(rig.take(&FETCH, MANY, until + 30_000).await.len(), 4);
}

pub(super) async fn what_was_claimed_before_the_back_off_does_not_count_again<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept((0..5).map(job)).await;
    let claimed = rig.take(&FETCH, MANY, 0).await;
    let tell = async |c: &Claimed, now| rig.tell(c.lease, retry(now), BAD, now).await;
    tell(&claimed[0], 10).await;
    let until = paused_until(&rig, 10).expect("it is paused");
    for c in &claimed[1..3] {
        tell(c, 20).await;
    }
    assert_eq!((failures(&rig), paused_until(&rig, 20)), (1, Some(until)));
    // Nor when the pause is over by then.
    for c in &claimed[3..] {
        tell(c, until + 5_000).await;
    }
    assert_eq!((failures(&rig), paused_until(&rig, until + 5_000)), (1, None));
    fail(&rig, until + 5_000).await;
    assert_eq!(failures(&rig), 2, "what was claimed since does");
}

pub(super) async fn good_health_takes_the_back_off_back<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept((0..5).map(job)).await;
    let claimed = rig.take(&FETCH, 2, 0).await;
    rig.tell(claimed[0].lease, retry(0), BAD, 0).await;
    assert!(rig.take(&FETCH, MANY, 1).await.is_empty());
    rig.tell(claimed[1].lease, done(), GOOD, 2).await;
    assert_eq!((failures(&rig), paused_until(&rig, 2)), (0, None));
    assert_eq!(rig.take(&FETCH, MANY, 2).await.len(), 4);
    rig.accept([job(9)]).await;
    let until = fail(&rig, 3).await;
    assert!(until <= 1_203, "it begins anew: {until}");
}

pub(super) async fn a_pause_that_was_asked_for_outlasts_good_health<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept((0..5).map(job)).await;
    let claimed = rig.take(&FETCH, 2, 0).await;
    let both = LaneNews { pause_until: Some(at(9_000)), ..BAD };
    rig.tell(claimed[0].lease, retry(0), both, 0).await;
    rig.tell(claimed[1].lease, done(), GOOD, 1).await;
    assert!(rig.take(&FETCH, MANY, 8_999).await.is_empty());
    assert_eq!(rig.take(&FETCH, MANY, 9_000).await.len(), 4, "and no longer one at a time");
}

pub(super) async fn a_failing_lane_is_told_as_such<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept((0..3).map(job)).await;
    let lane = rig.lanes(1, at(0)).remove(0);
    assert_eq!((lane.failures, lane.failing_since, lane.interval), (0, None, Duration::ZERO));
    let until = fail(&rig, 500).await;
    fail(&rig, until).await;
    let lane = rig.lanes(1, at(until)).remove(0);
    assert_eq!((lane.failures, lane.failing_since), (2, Some(at(500))));
}

pub(super) async fn a_lane_that_recovers_signals<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept((0..5).map(job)).await;
    let claimed = rig.take(&FETCH, 2, 0).await;
    rig.tell(claimed[0].lease, retry(0), BAD, 0).await;
    let signal = rig.signal(&FETCH);
    // Whatever was signalled so far is heard now.
    while tokio::time::timeout(Duration::from_millis(1), signal.notified()).await.is_ok() {}
    let signalled = signal.notified();
    rig.tell(claimed[1].lease, done(), GOOD, 2).await;
    crate::rig::soon("signalled", signalled).await;
}
