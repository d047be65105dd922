//! Jobs that are given out to be ended: their time is up, or their lane fails for too long.

use std::collections::BTreeSet;
use std::time::Duration;

use jobs::{Bounds, Claimed, Config, JobId, LaneLimit, NewJob, Redriven, Why};

use super::health::{BAD, GOOD, fail};
use crate::backend::{Backend, DELIVER, FETCH, config};
use crate::rig::{
    Differently, LEASE_MS, MANY, Rig, advance, at, dead, done, id, job, refetch, release, retry,
};

const PATIENCE_MS: u64 = 100_000;

fn impatient<B: Backend>(concurrency: u32) -> Rig<B> {
    let limit = LaneLimit { concurrency, interval: Duration::ZERO, ..LaneLimit::default() };
    let Config { mut stages, bounds } = config(limit, Bounds::default());
    stages[0].give_up_after = Some(Duration::from_millis(PATIENCE_MS));
    Rig::configured(Config { stages, bounds })
}

fn expiring(n: u64, ms: u64) -> NewJob {
    NewJob { expires: Some(at(ms)), ..job(n) }
}

fn to_end(claimed: &[Claimed], why: Why) -> BTreeSet<JobId> {
    let ended = claimed.iter().filter(|c| c.without_work == Some(why));
    ended.map(|c| c.lease.id).collect()
}

pub(super) async fn an_expired_job_is_given_out_at_that_very_moment<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([expiring(1, 5_000).due(90_000), expiring(2, 7_000).due(90_000)]).await;
    assert_eq!(rig.next_due(&FETCH), Some(at(5_000)));
    assert!(rig.take(&FETCH, MANY, 4_999).await.is_empty());
    let claimed = rig.take(&FETCH, MANY, 5_000).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!((claimed[0].lease.id, claimed[0].without_work), (id(1), Some(Why::Expired)));
    assert_eq!((claimed[0].attempt, &claimed[0].spec[..]), (1, &b"spec 1"[..]));
    rig.end(claimed[0].lease, done(), 5_000).await;
    assert_eq!(rig.next_due(&FETCH), Some(at(7_000)));
    rig.counts_add_up().await;
}

pub(super) async fn an_expired_job_is_given_out_whatever_its_lane_says<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 60_000);
    let lanes = ["paused", "full", "within its interval"];
    for (n, lane) in (0..).zip(lanes) {
        rig.accept([job(n).lane(lane), expiring(10 + n, 500).lane(lane).due(1)]).await;
    }
    for claimed in rig.take(&FETCH, MANY, 0).await {
        assert_eq!(claimed.without_work, None);
        match claimed.lane.as_str() {
            "paused" => rig.pause(claimed.lease, done(), 0, 90_000).await,
            "full" => {}
            _ => rig.end(claimed.lease, done(), 0).await,
        }
    }
    assert!(rig.take(&FETCH, MANY, 499).await.is_empty());
    let claimed = rig.take(&FETCH, MANY, 500).await;
    assert_eq!(to_end(&claimed, Why::Expired), (10..13).map(id).collect());
}

pub(super) async fn an_ended_job_takes_no_place_and_no_start_of_its_lane<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 1_000);
    rig.accept([expiring(1, 100).due(50_000), expiring(2, 100).due(50_000), job(3)]).await;
    let claimed = rig.take(&FETCH, MANY, 100).await;
    assert_eq!(to_end(&claimed, Why::Expired), [id(1), id(2)].into());
    assert_eq!(claimed.len(), 3, "the other one is worked on all the same");
    rig.accept([job(4)]).await;
    for c in claimed.iter().filter(|c| c.without_work.is_some()) {
        rig.end(c.lease, done(), 1_100).await;
    }
    assert!(rig.take(&FETCH, MANY, 1_100).await.is_empty(), "the lane is still full");
    let work = claimed.iter().find(|c| c.without_work.is_none()).expect("one of three");
    rig.end(work.lease, done(), 1_100).await;
    assert_eq!(rig.take(&FETCH, MANY, 1_100).await.len(), 1);
    rig.counts_add_up().await;
}

pub(super) async fn a_job_that_was_claimed_in_time_is_worked_on<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([expiring(1, 500)]).await;
    let claimed = rig.take_one(&FETCH, 499).await;
    assert_eq!(claimed.without_work, None);
    assert!(rig.take(&FETCH, MANY, 600).await.is_empty());
    rig.end(claimed.lease, retry(90_000), 600).await;
    assert!(rig.take(&FETCH, MANY, 89_999).await.is_empty(), "put back after its time was up");
    let again = rig.take_one(&FETCH, 90_000).await;
    assert_eq!(again.without_work, Some(Why::Expired));
}

pub(super) async fn a_retry_that_would_come_too_late_does_not_wait_for_it<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([expiring(1, 500)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.end(claimed.lease, retry(90_000), 0).await;
    assert_eq!(rig.next_due(&FETCH), Some(at(500)));
    let again = rig.take_one(&FETCH, 500).await;
    assert_eq!((again.without_work, again.attempt), (Some(Why::Expired), 2));
}

pub(super) async fn an_expired_job_that_is_put_back_waits_until_then<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([expiring(1, 500).due(90_000)]).await;
    let claimed = rig.take_one(&FETCH, 500).await;
    rig.end(claimed.lease, release(2_000), 500).await;
    assert!(rig.take(&FETCH, MANY, 1_999).await.is_empty());
    assert_eq!(rig.take_one(&FETCH, 2_000).await.without_work, Some(Why::Expired));
    let again = rig.take(&FETCH, MANY, 2_000 + LEASE_MS).await;
    assert_eq!(to_end(&again, Why::Expired), [id(1)].into(), "a lost lease changes nothing");
}

pub(super) async fn a_job_that_goes_on_does_not_expire<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept((1..=4).map(|n| expiring(n, 500).lane(&format!("{n}")))).await;
    let claimed = rig.take(&FETCH, MANY, 0).await;
    for c in &claimed {
        match c.lease.id {
            n if n == id(1) => rig.end(c.lease, advance(b"page"), 0).await,
            n if n == id(2) => rig.end(c.lease, dead(), 0).await,
            n if n == id(3) => {
                rig.cancel(n, Some(crate::rig::next(9_000, b"off")), at(0))
                    .await
                    .expect("answered");
            }
            n => {
                rig.cancel(n, None, at(0)).await.expect("answered");
            }
        }
    }
    assert_eq!(rig.redrive(id(2), refetch(90_000), at(0)).await.expect("answered"), Redriven::Yes);
    assert_eq!(rig.next_due(&FETCH), Some(at(90_000)));
    assert!(rig.take(&FETCH, MANY, 89_999).await.is_empty(), "a new life has no end yet");
    let delivered = rig.take(&DELIVER, MANY, 8_999).await;
    assert_eq!(delivered.len(), 1);
    assert_eq!(delivered[0].without_work, None);
}

pub(super) async fn an_expired_job_that_is_called_off_is_not_given_out<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([expiring(1, 500), expiring(2, 500).due(9_000)]).await;
    for n in [1, 2] {
        rig.cancel(id(n), None, at(1)).await.expect("answered");
    }
    assert_eq!(rig.next_due(&FETCH), None);
    assert!(rig.take(&FETCH, MANY, 10_000).await.is_empty());
    rig.counts_add_up().await;
}

pub(super) async fn submitting_what_expires_signals<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).due(10_000)]).await;
    let signal = rig.signal(&FETCH);
    while tokio::time::timeout(Duration::from_millis(1), signal.notified()).await.is_ok() {}
    let signalled = signal.notified();
    rig.accept([expiring(2, 500).due(20_000)]).await;
    crate::rig::soon("signalled", signalled).await;
}

/// Fails the lane again and again, until `end` at least; answers when its pause is over.
async fn fail_until<B: Backend>(rig: &Rig<B>, end: u64) -> u64 {
    let mut now = fail(rig, 0).await;
    while now < end {
        now = fail(rig, now).await;
    }
    now
}

pub(super) async fn jobs_of_a_lane_that_fails_for_long_are_given_up<B: Backend>() {
    let rig = impatient::<B>(4);
    rig.accept((0..500).map(|n| job(n).due(n))).await;
    rig.accept([job(900).due(50_000), job(901).lane("b").due(60_000)]).await;
    let mut now = fail(&rig, 0).await;
    while now < PATIENCE_MS - 70_000 {
        now = fail(&rig, now).await;
    }
    rig.take_one(&FETCH, now).await;
    assert!(rig.take(&FETCH, MANY, 59_999).await.is_empty(), "one is in flight, which is all");
    // The first that was put back is due again later than the others.
    assert_eq!(rig.next_due(&FETCH), Some(at(60_000)));
    let others = rig.take(&FETCH, MANY, 60_000).await;
    assert_eq!(others.iter().map(|c| c.lease.id).collect::<Vec<_>>(), [id(901)]);
    let lane = rig.lanes(1, at(0)).remove(0);
    assert!(lane.failures > 0);
    let mut given_up = BTreeSet::new();
    let mut at_ms = PATIENCE_MS;
    while at_ms <= PATIENCE_MS + 600 {
        for c in rig.take(&FETCH, 50, at_ms).await {
            if c.without_work == Some(Why::LaneFailing) {
                given_up.insert(c.lease.id);
                rig.end(c.lease, done(), at_ms).await;
            }
        }
        at_ms += 20;
    }
    assert!(given_up.len() >= 490, "{}", given_up.len());
    assert!(!given_up.contains(&id(900)), "it has not been due for long");
    rig.counts_add_up().await;
}

pub(super) async fn the_moment_of_giving_up_is_told<B: Backend>() {
    let rig = impatient::<B>(4);
    rig.accept([job(1), job(2), job(3).due(40_000)]).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.tell(claimed.lease, done(), BAD, 10).await;
    // Held up by something else than its back-off.
    let probe = rig.take_one(&FETCH, 5_000).await;
    rig.pause(probe.lease, done(), 5_000, 500_000).await;
    rig.accept([job(4)]).await;
    assert_eq!(rig.take(&FETCH, MANY, 40_000).await.len(), 0);
    assert_eq!(rig.next_due(&FETCH), Some(at(10 + PATIENCE_MS)));
    assert!(rig.take(&FETCH, MANY, 9 + PATIENCE_MS).await.is_empty());
    let claimed = rig.take(&FETCH, MANY, 10 + PATIENCE_MS).await;
    assert_eq!(to_end(&claimed, Why::LaneFailing), [id(4)].into());
    assert_eq!(rig.next_due(&FETCH), Some(at(40_000 + PATIENCE_MS)));
}

pub(super) async fn a_lane_that_recovers_gives_nothing_up<B: Backend>() {
    let rig = impatient::<B>(1);
    rig.accept((0..10).map(job)).await;
    let now = fail_until(&rig, PATIENCE_MS - 20_000).await;
    let probe = rig.take_one(&FETCH, now).await;
    rig.tell(probe.lease, done(), GOOD, now).await;
    let claimed = rig.take(&FETCH, MANY, now + 2 * PATIENCE_MS).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].without_work, None);
}

pub(super) async fn a_lane_that_only_waits_gives_nothing_up<B: Backend>() {
    let rig = impatient::<B>(1);
    rig.accept((0..10).map(job)).await;
    let claimed = rig.take_one(&FETCH, 0).await;
    rig.pause(claimed.lease, retry(0), 0, 10 * PATIENCE_MS).await;
    assert!(rig.take(&FETCH, MANY, 9 * PATIENCE_MS).await.is_empty());
}

pub(super) async fn work_and_ends_do_not_hold_each_other_up<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept((0..100).map(|n| expiring(n, 10))).await;
    rig.accept((100..200).map(|n| job(n).lane("b"))).await;
    let claimed = rig.take(&FETCH, 40, 10).await;
    let (ends, work): (Vec<_>, Vec<_>) = claimed.iter().partition(|c| c.without_work.is_some());
    assert!(ends.len() >= 20 && work.len() >= 10, "{} ends, {} work", ends.len(), work.len());
    // With room for one at a time they take turns.
    let mut work = 0;
    for _ in 0..8 {
        work += usize::from(rig.take_one(&FETCH, 10).await.lane.as_str() == "b");
    }
    assert!((2..=6).contains(&work), "{work} of 8");
}
