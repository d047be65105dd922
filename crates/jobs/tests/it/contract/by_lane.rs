//! `claim_lane`: a stage from which nobody claims but by lane.

use jobs::{Claimed, ErrorKind, JobId, LaneKey, LaneNews, Stage};
use tokio::task::JoinSet;

use super::signal::signalled;
use super::tell::{FOR_EVER, told};
use crate::backend::{Backend, DELIVER, FETCH};
use crate::rig::{
    Differently, LEASE_MS, MANY, Rig, advance, at, done, id, job, next, release, retry, soon,
};

/// Claims from this lane of the first stage, for [`LEASE_MS`].
async fn pull<B: Backend>(rig: &Rig<B>, lane: &str, max: usize, now: u64) -> Vec<Claimed> {
    let (lane, until) = (LaneKey::new(lane), at(now + LEASE_MS));
    rig.claim_lane(&FETCH, &lane, max, until, at(now)).await.expect("answered")
}

fn ids(claimed: &[Claimed]) -> Vec<JobId> {
    claimed.iter().map(|c| c.lease.id).collect()
}

pub(super) async fn only_the_named_lane_is_claimed_in_its_order<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 0);
    rig.accept([job(1).due(30), job(2).due(20), job(3).due(20), job(4).due(90)]).await;
    rig.accept([job(5).lane("b"), job(6).stage(&DELIVER)]).await;
    assert_eq!(ids(&pull(&rig, "a", 2, 50).await), [2, 3].map(id));
    assert_eq!(ids(&pull(&rig, "a", MANY, 50).await), [id(1)], "beside its limit, when due");
    assert!(pull(&rig, "a", MANY, 89).await.is_empty());
    assert_eq!(ids(&pull(&rig, "a", MANY, 90).await), [id(4)]);
    assert!(pull(&rig, "c", MANY, 90).await.is_empty());
    assert_eq!(ids(&pull(&rig, "b", MANY, 90).await), [id(5)]);
    rig.counts_add_up().await;
}

pub(super) async fn a_claim_by_lane_carries_what_was_accepted<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.submit(vec![job(1)], at(4)).await.expect("accepted");
    let claimed = pull(&rig, "a", 1, 9).await.remove(0);
    assert_eq!((&claimed.stage, claimed.lane.as_str(), claimed.attempt), (&FETCH, "a", 1));
    assert_eq!((claimed.created_at, &claimed.spec[..]), (at(4), &b"spec 1"[..]));
    rig.end(claimed.lease, advance(b"page"), 10).await;
    let lane = LaneKey::new("sink");
    let told = rig.claim_lane(&DELIVER, &lane, 1, at(99), at(10)).await.expect("answered");
    assert_eq!((told.len(), told[0].result_bytes), (1, 4));
}

pub(super) async fn neither_pause_nor_interval_holds_back_who_claims_by_lane<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 60_000);
    rig.accept((0..4).map(job)).await;
    told(&rig, LaneNews::paused(Some(FOR_EVER)), 0).await;
    assert_eq!(pull(&rig, "a", 3, 1).await.len(), 3);
    assert_eq!(pull(&rig, "a", 3, 1).await.len(), 1);
}

pub(super) async fn what_is_claimed_by_lane_is_settled_as_ever<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 0);
    rig.accept((0..3).map(job)).await;
    let claimed = pull(&rig, "a", MANY, 0).await;
    rig.end(claimed[0].lease, done(), 1).await;
    rig.end(claimed[1].lease, retry(500), 1).await;
    rig.end(claimed[2].lease, release(0), 1).await;
    let again = pull(&rig, "a", MANY, 1).await;
    assert_eq!((ids(&again), again[0].attempt), (vec![id(2)], 1));
    let again = pull(&rig, "a", MANY, 500).await;
    assert_eq!((ids(&again), again[0].attempt), (vec![id(1)], 2));
    rig.counts_add_up().await;
    for c in again {
        rig.end(c.lease, done(), 501).await;
    }
    // The lane's places are free again for who keeps to them.
    rig.end(rig.take_one(&FETCH, 1 + LEASE_MS).await.lease, done(), 2 + LEASE_MS).await;
    assert_eq!(rig.counts().live(), 0);
}

pub(super) async fn an_expired_lease_is_claimable_by_lane_again<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1), job(2)]).await;
    let first = pull(&rig, "a", 1, 0).await.remove(0);
    let second = pull(&rig, "a", 1, 0).await.remove(0);
    let kept = rig.extend(vec![second.lease], at(3 * LEASE_MS), at(10)).await.expect("answered");
    assert_eq!(kept, [true]);
    assert_eq!(rig.next_due(&FETCH), Some(at(LEASE_MS)));
    assert!(pull(&rig, "a", MANY, LEASE_MS - 1).await.is_empty());
    let again = pull(&rig, "a", MANY, LEASE_MS).await;
    assert_eq!((ids(&again), again[0].attempt), (vec![first.lease.id], 1));
    assert_eq!(rig.say(first.lease, done(), LEASE_MS).await, jobs::Settled::LeaseLost);
    assert_eq!(rig.say(second.lease, done(), LEASE_MS).await, jobs::Settled::Recorded);
}

pub(super) async fn concurrent_claims_by_lane_never_share_a_job<B: Backend>() {
    const JOBS: u64 = 200;
    let rig = Rig::<B>::lanes(1, 0);
    rig.accept((0..JOBS).map(job)).await;
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let store = rig.store();
        tasks.spawn(async move {
            let (lane, mut mine) = (LaneKey::new("a"), Vec::new());
            loop {
                let claimed = store.claim_lane(&FETCH, &lane, 3, at(LEASE_MS), at(0)).await;
                let claimed = claimed.expect("claimed");
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(ids(&claimed));
                tokio::task::yield_now().await;
            }
        });
    }
    let mut all = soon("every claim", tasks.join_all()).await.concat();
    all.sort_unstable();
    assert_eq!(all, (0..JOBS).map(id).collect::<Vec<_>>());
}

pub(super) async fn every_arrival_signals_those_who_claim_by_lane<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 0);
    rig.accept([job(1), job(2), job(3).lane("b")]).await;
    // In flight, beyond the limit, paused, and with more that waits: nothing a turn would name.
    pull(&rig, "a", 1, 0).await;
    signalled(&rig, &FETCH, rig.accept([job(4)])).await;
    pull(&rig, "a", MANY, 0).await;
    signalled(&rig, &FETCH, rig.accept([job(5)])).await;
    told(&rig, LaneNews::paused(Some(FOR_EVER)), 0).await;
    signalled(&rig, &FETCH, rig.accept([job(6)])).await;
    signalled(&rig, &FETCH, rig.accept([job(7).lane("b")])).await;
    let held = pull(&rig, "b", 1, 0).await.remove(0);
    signalled(&rig, &FETCH, rig.end(held.lease, release(0), 1)).await;
}

pub(super) async fn all_who_wait_hear_of_an_arrival<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 0);
    assert!(pull(&rig, "a", 1, 0).await.is_empty());
    let signal = rig.signal(&FETCH);
    while futures_util::FutureExt::now_or_never(signal.notified()).is_some() {}
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(signal.notified())).collect();
    for notified in &mut waiting {
        notified.as_mut().enable();
    }
    rig.accept([job(1)]).await;
    for notified in waiting {
        soon("the signal", notified).await;
    }
}

/// Who waits until `next_due` and then claims must not find that it is still due.
pub(super) async fn next_due_of_a_stage_claimed_by_lane_is_never_past<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 1_000);
    rig.accept((0..6).map(|n| job(n).lane(if n % 2 == 0 { "a" } else { "b" }).due(n * 100))).await;
    let expires = Some(at(300));
    rig.accept([jobs::NewJob { expires, ..job(9).lane("b").due(90_000) }]).await;
    told(&rig, LaneNews::paused(Some(at(2_000))), 0).await;
    let (mut now, mut claimed) = (0, 0);
    for _ in 0..20 {
        claimed += pull(&rig, "a", 1, now).await.len();
        let Some(due) = rig.next_due(&FETCH) else { break };
        assert!(due > at(now), "at {now} it is {due}");
        now = due.since(at(0)).as_millis() as u64;
    }
    assert!(claimed > 3, "leases ran out and were given again");
    assert_eq!(rig.record(9).await.state, jobs::State::Waiting);
}

pub(super) async fn claiming_by_lane_from_an_unknown_stage_is_invalid<B: Backend>() {
    let rig = Rig::<B>::new();
    let (stage, lane) = (Stage::from_static("no such stage"), LaneKey::new("a"));
    let error = rig.claim_lane(&stage, &lane, 1, at(1), at(0)).await.expect_err("unknown");
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

pub(super) async fn a_job_that_is_claimed_by_lane_can_be_called_off<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 0);
    rig.accept([job(1), job(2)]).await;
    let claimed = pull(&rig, "a", MANY, 0).await;
    rig.cancel(id(1), None, at(1)).await.expect("answered");
    rig.cancel(id(2), Some(next(0, b"off")), at(1)).await.expect("answered");
    for c in &claimed {
        assert_eq!(rig.say(c.lease, done(), 2).await, jobs::Settled::LeaseLost);
    }
    rig.counts_add_up().await;
}
