//! A lane's circuit breaker, and the slow start after it.

use std::time::Duration;

use jobs::{Bounds, Breaker, Circuit, Claimed, LaneLimit, LaneNews, LaneView, Why};

use super::health::{BAD, GOOD};
use crate::backend::{Backend, FETCH, config};
use crate::rig::{MANY, Rig, at, done, job, retry};

pub(super) fn breaking(concurrency: u32, window: u32, failures: u32) -> LaneLimit {
    let breaker = Some(Breaker { window, failures });
    LaneLimit { concurrency, breaker, ..LaneLimit::default() }
}

/// A store with a hundred jobs in lane `a`, whose circuit opens at 3 failures of 5.
async fn broken_at_three<B: Backend>(concurrency: u32) -> Rig<B> {
    let rig = Rig::configured(config(breaking(concurrency, 5, 3), Bounds::default()));
    rig.accept((0..100).map(job)).await;
    rig
}

pub(super) fn view<B: Backend>(rig: &Rig<B>, now: u64) -> LaneView {
    rig.lanes(1, at(now)).pop().expect("the lane has jobs")
}

fn circuit<B: Backend>(rig: &Rig<B>, now: u64) -> Circuit {
    view(rig, now).circuit
}

pub(super) async fn tell<B: Backend>(rig: &Rig<B>, claimed: &Claimed, news: LaneNews, now: u64) {
    rig.tell(claimed.lease, retry(now), news, now).await;
}

/// One job after the other tells this.
async fn in_turn<B: Backend>(rig: &Rig<B>, news: &[LaneNews], now: u64) {
    for news in news {
        let claimed = rig.take_one(&FETCH, now).await;
        tell(rig, &claimed, *news, now).await;
    }
}

/// When the pause of an open circuit is over.
fn probe_time<B: Backend>(rig: &Rig<B>, now: u64) -> u64 {
    assert_eq!(circuit(rig, now), Circuit::Open);
    let until = view(rig, now).paused_until.expect("it is paused");
    until.since(at(0)).as_millis() as u64
}

pub(super) async fn a_circuit_opens_at_enough_failures_of_the_latest<B: Backend>() {
    let rig = broken_at_three::<B>(10).await;
    in_turn(&rig, &[BAD, BAD, GOOD, GOOD, GOOD, BAD, GOOD, BAD], 0).await;
    assert_eq!(circuit(&rig, 0), Circuit::Closed, "two of the latest five");
    let others = rig.take(&FETCH, 9, 0).await;
    assert_eq!(others.len(), 9, "and nothing is held back");
    for c in others {
        rig.end(c.lease, retry(0), 0).await;
    }
    in_turn(&rig, &[BAD], 0).await;
    let until = probe_time(&rig, 0);
    assert!((800..=1_200).contains(&until), "its first pause is the usual one: {until}");
    assert!(rig.take(&FETCH, MANY, until - 1).await.is_empty());
    assert_eq!(rig.next_due(&FETCH), Some(at(until)));
}

pub(super) async fn work_that_says_nothing_does_not_count<B: Backend>() {
    let rig = broken_at_three::<B>(10).await;
    let nothing = LaneNews::default();
    in_turn(&rig, &[BAD, nothing, nothing, BAD, nothing, nothing, nothing], 0).await;
    assert_eq!(circuit(&rig, 0), Circuit::Closed);
    in_turn(&rig, &[BAD], 0).await;
    assert_eq!(circuit(&rig, 0), Circuit::Open);
}

pub(super) async fn a_lane_without_a_breaker_opens_at_the_first_failure<B: Backend>() {
    let rig = Rig::<B>::lanes(10, 0);
    rig.accept((0..9).map(job)).await;
    assert_eq!(circuit(&rig, 0), Circuit::Closed);
    in_turn(&rig, &[BAD], 0).await;
    let until = probe_time(&rig, 0);
    let probe = rig.take_one(&FETCH, until).await;
    assert_eq!(circuit(&rig, until), Circuit::HalfOpen);
    tell(&rig, &probe, GOOD, until).await;
    assert_eq!(circuit(&rig, until), Circuit::Closed);
    assert_eq!(rig.take(&FETCH, MANY, until).await.len(), 9, "and there is no slow start");
}

pub(super) async fn an_open_circuit_is_probed_ever_more_seldom<B: Backend>() {
    let rig = broken_at_three::<B>(10).await;
    in_turn(&rig, &[BAD, BAD, BAD], 0).await;
    let mut now = probe_time(&rig, 0);
    for _ in 0..120 {
        let usual = (now / 16).clamp(1_000, 60_000);
        assert_eq!(circuit(&rig, now), Circuit::HalfOpen, "its time has come");
        let probe = rig.take(&FETCH, MANY, now).await;
        assert_eq!(probe.len(), 1);
        assert_eq!(circuit(&rig, now), Circuit::HalfOpen, "it is under way");
        tell(&rig, &probe[0], BAD, now).await;
        let until = probe_time(&rig, now);
        let pause = until - now;
        assert!((usual * 4 / 5..=usual * 6 / 5).contains(&pause), "{pause} ms for {usual} ms");
        now = until;
    }
    assert!(now > 960_000, "a minute is the most: {now}");
    let lane = view(&rig, now);
    assert_eq!((lane.failures, lane.failing_since), (121, Some(at(0))));
}

pub(super) async fn what_was_claimed_before_it_opened_neither_counts_nor_closes_it<B: Backend>() {
    let rig = broken_at_three::<B>(10).await;
    let claimed = rig.take(&FETCH, 9, 0).await;
    for c in &claimed[..3] {
        tell(&rig, c, BAD, 10).await;
    }
    let until = probe_time(&rig, 10);
    tell(&rig, &claimed[3], BAD, 20).await;
    tell(&rig, &claimed[4], GOOD, 20).await;
    assert_eq!(probe_time(&rig, 20), until);
    tell(&rig, &claimed[5], GOOD, until).await;
    tell(&rig, &claimed[6], BAD, until).await;
    let lane = view(&rig, until);
    assert_eq!((lane.circuit, lane.failures), (Circuit::HalfOpen, 1));
    for c in &claimed[7..] {
        rig.end(c.lease, retry(until), until).await;
    }
    in_turn(&rig, &[GOOD], until).await;
    assert_eq!(circuit(&rig, until), Circuit::Closed);
}

pub(super) async fn a_circuit_that_closes_looks_back_on_nothing<B: Backend>() {
    let rig = broken_at_three::<B>(1).await;
    in_turn(&rig, &[BAD, BAD, BAD], 0).await;
    let now = probe_time(&rig, 0);
    in_turn(&rig, &[GOOD, BAD, BAD], now).await;
    assert_eq!(circuit(&rig, now), Circuit::Closed, "two since it closed");
    in_turn(&rig, &[BAD], now).await;
    let until = probe_time(&rig, now);
    assert!(until - now <= 1_200, "and its pauses begin anew: {}", until - now);
}

pub(super) async fn a_window_outlives_the_jobs_that_filled_it<B: Backend>() {
    let rig = Rig::<B>::configured(config(breaking(10, 5, 3), Bounds::default()));
    for (n, news) in (0..).zip([BAD, GOOD, BAD, GOOD, BAD]) {
        // Each is alone in its lane.
        rig.accept([job(n)]).await;
        let claimed = rig.take_one(&FETCH, n).await;
        rig.tell(claimed.lease, done(), news, n).await;
    }
    rig.accept([job(9)]).await;
    assert_eq!(circuit(&rig, 10), Circuit::Open);
}

pub(super) async fn since_when_a_lane_fails_is_told_before_its_circuit_opens<B: Backend>() {
    let rig = broken_at_three::<B>(10).await;
    in_turn(&rig, &[BAD], 100).await;
    in_turn(&rig, &[BAD], 200).await;
    let lane = view(&rig, 200);
    assert_eq!((lane.circuit, lane.failures), (Circuit::Closed, 0));
    assert_eq!(lane.failing_since, Some(at(100)));
    in_turn(&rig, &[GOOD], 300).await;
    assert_eq!(view(&rig, 300).failing_since, None);
    in_turn(&rig, &[BAD], 400).await;
    let lane = view(&rig, 400);
    assert_eq!((lane.circuit, lane.failing_since), (Circuit::Open, Some(at(400))));
}

pub(super) async fn a_lane_that_fails_for_long_is_given_up_open_or_not<B: Backend>() {
    const PATIENCE_MS: u64 = 100_000;
    for failures in [1, 2] {
        let mut config = config(breaking(10, 2, failures), Bounds::default());
        config.stages[0].give_up_after = Some(Duration::from_millis(PATIENCE_MS));
        let rig = Rig::<B>::configured(config);
        rig.accept((0..3).map(job)).await;
        in_turn(&rig, &[BAD], 500).await;
        let is_open = circuit(&rig, 500) == Circuit::Open;
        assert_eq!(is_open, failures == 1);
        // Held up, so that only giving up gives anything out.
        let held = LaneNews::paused(Some(at(9 * PATIENCE_MS)));
        rig.store().tell(&FETCH, &view(&rig, 500).key, held, at(500)).await.expect("told");
        assert!(rig.take(&FETCH, MANY, 499 + PATIENCE_MS).await.is_empty());
        assert_eq!(rig.next_due(&FETCH), Some(at(500 + PATIENCE_MS)));
        let claimed = rig.take(&FETCH, MANY, 500 + PATIENCE_MS).await;
        assert_eq!(claimed.len(), 3);
        assert!(claimed.iter().all(|c| c.without_work == Some(Why::LaneFailing)));
    }
}

/// Opens the lane's circuit, and closes it by a probe; answers when.
async fn opened_and_closed<B: Backend>(rig: &Rig<B>) -> u64 {
    in_turn(rig, &[BAD, BAD, BAD], 0).await;
    let now = probe_time(rig, 0);
    in_turn(rig, &[GOOD], now).await;
    assert_eq!(circuit(rig, now), Circuit::Closed);
    now
}

/// Round by round, how many a claim of everything gives, when all of it tells this.
pub(super) async fn rounds<B: Backend>(rig: &Rig<B>, news: LaneNews, now: u64) -> [usize; 5] {
    let mut sizes = [0; 5];
    for size in &mut sizes {
        let claimed = rig.take(&FETCH, MANY, now).await;
        *size = claimed.len();
        for c in &claimed {
            rig.tell(c.lease, done(), news, now).await;
        }
    }
    sizes
}

pub(super) async fn a_circuit_that_closes_starts_slowly<B: Backend>() {
    let rig = broken_at_three::<B>(10).await;
    let now = opened_and_closed(&rig).await;
    assert_eq!(rounds(&rig, GOOD, now).await, [1, 2, 4, 8, 10]);
    assert_eq!(rig.take(&FETCH, MANY, now).await.len(), 10, "and that is its limit");
}

pub(super) async fn work_that_is_done_and_says_nothing_speeds_a_slow_start_up<B: Backend>() {
    let rig = broken_at_three::<B>(10).await;
    let now = opened_and_closed(&rig).await;
    assert_eq!(rounds(&rig, LaneNews::default(), now).await, [1, 2, 4, 8, 10]);
}

pub(super) async fn failures_do_not_speed_a_slow_start_up<B: Backend>() {
    let rig = broken_at_three::<B>(10).await;
    let now = opened_and_closed(&rig).await;
    in_turn(&rig, &[GOOD, BAD, BAD], now).await;
    assert_eq!(rig.take(&FETCH, MANY, now).await.len(), 2);
    let later = now + 2 * crate::rig::LEASE_MS;
    assert_eq!(rig.take(&FETCH, MANY, later).await.len(), 2, "nor do lost leases");
}

pub(super) async fn a_place_that_a_slow_start_frees_signals<B: Backend>() {
    let rig = broken_at_three::<B>(10).await;
    let now = opened_and_closed(&rig).await;
    let claimed = rig.take_one(&FETCH, now).await;
    assert!(rig.take(&FETCH, MANY, now).await.is_empty());
    super::signal::signalled(&rig, &FETCH, tell(&rig, &claimed, GOOD, now)).await;
    assert_eq!(rig.take(&FETCH, MANY, now).await.len(), 2);
}
