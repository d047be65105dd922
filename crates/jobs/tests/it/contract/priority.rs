//! Priorities: what goes first, and what is not forgotten for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jobs::Priority::{self, High, Low, Normal};
use jobs::{Bounds, Claimed, LaneKey, LaneLimit, LaneLimits};

use crate::backend::{Backend, DELIVER, FETCH, config};
use crate::rig::{
    Differently, LEASE_MS, MANY, Rig, advance, at, dead, done, id, job, refetch, release, retry,
};

/// The numbers of claimed jobs, in the order of the claim.
fn numbers(claimed: &[Claimed]) -> Vec<u64> {
    let number = |c: &Claimed| (0..1_000).find(|n| id(*n) == c.lease.id).expect("of this test");
    claimed.iter().map(number).collect()
}

/// Claims one by one, so that each claim decides anew; answers numbers.
async fn one_by_one<B: Backend>(rig: &Rig<B>, count: usize, now: u64) -> Vec<u64> {
    let mut order = Vec::new();
    for _ in 0..count {
        order.extend(numbers(&rig.take(&FETCH, 1, now).await));
    }
    order
}

pub(super) async fn a_higher_priority_goes_first_in_its_lane<B: Backend>() {
    let rig = Rig::<B>::new();
    let of = |n: u64| [Low, Normal, High][n as usize % 3];
    rig.accept((0..6).map(|n| job(n).priority(of(n)))).await;
    assert_eq!(numbers(&rig.take(&FETCH, MANY, 0).await), [2, 5, 1, 4, 0, 3]);
}

pub(super) async fn lanes_with_a_higher_priority_go_first<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).lane("a"), job(2).lane("b").priority(Low)]).await;
    rig.accept([job(3).lane("c").priority(High), job(4).lane("b").priority(High)]).await;
    assert_eq!(one_by_one(&rig, 9, 0).await, [3, 4, 1, 2]);
}

pub(super) async fn of_every_four_one_is_of_a_lower_priority<B: Backend>() {
    let rig = Rig::<B>::new();
    let of = |n: u64| [High, High, High, Normal, Low][n as usize % 5];
    let jobs = (0..500).map(|n| job(n).priority(of(n)).lane(&format!("{}", n % 7)));
    rig.accept(jobs).await;
    let order: Vec<Priority> = one_by_one(&rig, 160, 0).await.into_iter().map(of).collect();
    assert_eq!(order.len(), 160);
    for four in order.windows(4) {
        assert!(four.iter().any(|p| *p != High), "{order:?}");
    }
    let lower: Vec<_> = order.iter().filter(|p| **p != High).collect();
    for four in lower.windows(4) {
        assert!(four.iter().any(|p| **p == Low), "{order:?}");
    }
    assert!(lower.len() < 80, "most are high: {order:?}");
}

pub(super) async fn a_lane_that_is_flooded_does_not_forget_its_others<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 0);
    rig.accept([job(0).lane("a").due(9).priority(Low)]).await;
    rig.accept((1..200).map(|n| {
        let lane = if n % 3 == 0 { "a" } else { "b" };
        job(n).lane(lane).priority(High)
    }))
    .await;
    let mut of_the_lane = 0;
    for now in 10..200 {
        for claimed in rig.take(&FETCH, MANY, now).await {
            if claimed.lane.as_str() == "a" {
                of_the_lane += 1;
            }
            if claimed.lease.id == id(0) {
                assert!(of_the_lane <= 4, "it came as number {of_the_lane} of its lane");
                return;
            }
            rig.end(claimed.lease, done(), now).await;
        }
    }
    panic!("it was forgotten");
}

pub(super) async fn lanes_are_served_in_turn_within_a_priority<B: Backend>() {
    let rig = Rig::<B>::new();
    let lanes = [("a", 0..50), ("b", 50..54), ("c", 54..58)];
    for (lane, range) in &lanes {
        rig.accept(range.clone().map(|n| job(n).lane(lane).priority(High))).await;
        rig.accept([job(100 + range.start).lane(lane)]).await;
    }
    let order = one_by_one(&rig, 12, 0).await;
    for (lane, range) in &lanes[1..] {
        let got = order.iter().filter(|n| range.contains(n)).count();
        assert!(got >= 2, "{lane} had {got} of {order:?}");
    }
    assert_eq!(order.iter().filter(|n| **n >= 100).count(), 3, "{order:?}");
}

pub(super) async fn limits_and_pauses_hold_for_every_priority<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 1_000);
    rig.accept([job(1), job(2), job(3).priority(High), job(4).priority(High)]).await;
    let first = rig.take(&FETCH, MANY, 0).await;
    assert_eq!(numbers(&first), [3]);
    rig.end(first[0].lease, done(), 1).await;
    assert!(rig.take(&FETCH, MANY, 999).await.is_empty(), "the interval");
    let second = rig.take(&FETCH, MANY, 1_000).await;
    assert_eq!(numbers(&second), [4]);
    assert!(rig.take(&FETCH, MANY, 3_000).await.is_empty(), "the place");
    rig.pause(second[0].lease, retry(0), 3_000, 9_000).await;
    assert!(rig.take(&FETCH, MANY, 8_999).await.is_empty(), "the pause");
    assert_eq!(rig.next_due(&FETCH), Some(at(9_000)));
    assert_eq!(rig.take(&FETCH, MANY, 9_000).await.len(), 1);
}

pub(super) async fn no_priority_makes_a_job_due<B: Backend>() {
    let rig = Rig::<B>::new();
    rig.accept([job(1).due(50).priority(High), job(2).priority(Low), job(3).due(40)]).await;
    assert_eq!(rig.oldest_due(&FETCH), Some(at(0)));
    assert_eq!(numbers(&rig.take(&FETCH, MANY, 39).await), [2]);
    assert_eq!(rig.next_due(&FETCH), Some(at(40)));
    assert_eq!(numbers(&rig.take(&FETCH, MANY, 50).await), [1, 3]);
}

pub(super) async fn a_priority_stays_with_its_job<B: Backend>() {
    let rig = Rig::<B>::new();
    // Younger, so that without its priority it would come last.
    rig.accept([job(1), job(2), job(9).priority(High)]).await;
    let mut now = 0;
    for outcome in [Some(retry(0)), Some(release(0)), None, Some(dead())] {
        let all = rig.take(&FETCH, MANY, now).await;
        assert_eq!(numbers(&all), [9, 1, 2], "before {outcome:?}");
        for claimed in &all[1..] {
            rig.end(claimed.lease, release(0), now).await;
        }
        match outcome {
            Some(outcome) => rig.end(all[0].lease, outcome, now).await,
            None => now += LEASE_MS,
        }
    }
    rig.redrive(id(9), refetch(now), at(now)).await.expect("redriven");
    let all = rig.take(&FETCH, MANY, now).await;
    assert_eq!(numbers(&all), [9, 1, 2], "after it was over");
    for claimed in &all {
        rig.end(claimed.lease, advance(b"page"), now).await;
    }
    let told = rig.take(&DELIVER, MANY, now).await;
    assert_eq!(numbers(&told), [9, 1, 2], "in another stage");
}

/// Lane `a` keeps its order once `is_ordered` says so.
fn ordered<B: Backend>(is_ordered: Arc<AtomicBool>) -> Rig<B> {
    let usual = LaneLimit { concurrency: 1, ..LaneLimit::default() };
    let lanes = LaneLimits::same(usual).with(move |lane| {
        let in_order = lane.as_str() == "a" && is_ordered.load(Ordering::Relaxed);
        Some(LaneLimit { in_order, ..usual })
    });
    Rig::configured(config(lanes, Bounds::default()))
}

/// Works off what is there, one at a time; answers the order.
async fn worked_off<B: Backend>(rig: &Rig<B>) -> Vec<u64> {
    let mut order = Vec::new();
    for _ in 0..20 {
        for claimed in rig.take(&FETCH, 1, 100).await {
            order.extend(numbers(std::slice::from_ref(&claimed)));
            rig.end(claimed.lease, done(), 100).await;
        }
    }
    assert_eq!(rig.counts().live(), 0, "nothing is left behind");
    order
}

pub(super) async fn an_ordered_lane_knows_no_priorities<B: Backend>() {
    let rig = ordered::<B>(Arc::new(AtomicBool::new(true)));
    let of = |n: u64| [Low, Normal, High][n as usize % 3];
    rig.accept((0..6).map(|n| job(n).due(n).priority(of(n)))).await;
    assert!(rig.take(&FETCH, 0, 3).await.is_empty(), "four are due");
    rig.cancel(id(2), None, at(3)).await.expect("answered");
    rig.accept([job(7).lane("b").priority(High)]).await;
    assert_eq!(worked_off(&rig).await, [7, 0, 1, 3, 4, 5]);
}

pub(super) async fn a_lane_may_become_an_ordered_one<B: Backend>() {
    let is_ordered = Arc::new(AtomicBool::new(false));
    for (from, to) in [(false, true), (true, false)] {
        is_ordered.store(from, Ordering::Relaxed);
        let rig = ordered::<B>(Arc::clone(&is_ordered));
        rig.accept((0..4).map(|n| job(n).priority([High, Low][n as usize % 2]))).await;
        rig.accept([job(4).due(50).priority(High), job(5).due(50).priority(Low)]).await;
        is_ordered.store(to, Ordering::Relaxed);
        rig.relimit(&FETCH);
        for n in [1, 2] {
            rig.cancel(id(n), None, at(1)).await.expect("answered");
        }
        rig.accept([job(6).due(60).priority(High)]).await;
        let expected = if to { [0, 3, 4, 5, 6] } else { [4, 6, 0, 3, 5] };
        assert_eq!(worked_off(&rig).await, expected, "ordered: {to}");
        rig.counts_add_up().await;
    }
}

pub(super) async fn who_claims_by_lane_knows_no_priorities<B: Backend>() {
    let rig = Rig::<B>::new();
    let of = |n: u64| [Low, Normal, High][n as usize % 3];
    rig.accept((0..6).map(|n| job(n).due(10 - n).priority(of(n)))).await;
    let lane = LaneKey::new("a");
    let claim = async |max, now| {
        let claimed = rig.claim_lane(&FETCH, &lane, max, at(LEASE_MS), at(now)).await;
        numbers(&claimed.expect("claimed"))
    };
    assert_eq!(claim(2, 8).await, [5, 4]);
    assert_eq!(claim(MANY, 10).await, [3, 2, 1, 0]);
}

pub(super) async fn a_clock_that_steps_back_breaks_no_priority<B: Backend>() {
    let rig = Rig::<B>::lanes(1, 0);
    let jobs = [job(1).due(50).priority(High), job(2).due(60), job(3).priority(Low)];
    rig.accept(jobs).await;
    rig.accept([job(4).lane("b").due(50).priority(Low)]).await;
    assert!(rig.take(&FETCH, 0, 100).await.is_empty(), "all are due");
    let early = rig.take(&FETCH, MANY, 10).await;
    assert_eq!(numbers(&early), [3], "on this clock only one is");
    rig.end(early[0].lease, done(), 10).await;
    rig.cancel(id(2), None, at(10)).await.expect("answered");
    assert!(rig.take(&FETCH, MANY, 49).await.is_empty());
    assert_eq!(numbers(&rig.take(&FETCH, MANY, 50).await), [1, 4]);
    rig.counts_add_up().await;
}
