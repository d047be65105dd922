//! A lane with a breaker, in any sequence of good and bad: never more of it in flight than its
//! circuit and its slow start allow, and it always comes to its end.

use std::sync::Arc;

use futures_util::FutureExt;
use jobs::{
    Bounds, Breaker, Circuit, Claimed, Health, LaneKey, LaneLimit, LaneNews, LaneView, MemoryStore,
    Settlement, Store,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::backend::{FETCH, config};
use crate::rig::{MANY, at, done, job, retry};

#[derive(Clone, Copy, Debug)]
enum Step {
    Claim(usize),
    Settle(Index, Option<Health>),
    Pass(u64),
    Pause(u64),
    Resume,
}

fn step() -> impl Strategy<Value = Step> {
    let health = prop_oneof![
        4 => Just(Some(Health::Good)),
        2 => Just(Some(Health::Bad)),
        1 => Just(None),
    ];
    prop_oneof![
        4 => (0_usize..20).prop_map(Step::Claim),
        8 => (any::<Index>(), health).prop_map(|(which, health)| Step::Settle(which, health)),
        2 => (0_u64..3_000).prop_map(Step::Pass),
        1 => (0_u64..20_000).prop_map(Step::Pause),
        1 => Just(Step::Resume),
    ]
}

/// A lane, and what is expected of it.
struct Lane {
    store: Arc<MemoryStore>,
    now: u64,
    concurrency: u64,
    in_hand: Vec<Claimed>,
    /// How much went well since the slow start began, if it did.
    successes: Option<u64>,
}

impl Lane {
    fn new(concurrency: u32, breaker: Breaker) -> Self {
        let limit = LaneLimit { concurrency, breaker: Some(breaker), ..LaneLimit::default() };
        let store = MemoryStore::new(config(limit, Bounds::default()));
        let jobs = (0..200).map(job).collect();
        store.submit(jobs, at(0)).now_or_never().expect("at once").expect("accepted");
        let concurrency = concurrency.into();
        Self { store, now: 0, concurrency, in_hand: Vec::new(), successes: None }
    }

    fn view(&self) -> LaneView {
        self.store.lanes(1, at(self.now)).pop().expect("there are jobs left")
    }

    /// How many may be in flight.
    fn allowed(&self) -> u64 {
        match (self.view().circuit, self.successes) {
            (Circuit::Open, _) => 0,
            (Circuit::HalfOpen, _) => 1,
            (Circuit::Closed, Some(successes)) => (1 + successes).min(self.concurrency),
            (Circuit::Closed, None) => self.concurrency,
        }
    }

    fn claim(&mut self, max: usize) {
        let before = self.in_hand.len() as u64;
        let allowed = if self.is_paused() { 0 } else { self.allowed() };
        let claimed = self.get(max) as u64;
        let expected = allowed.saturating_sub(before).min(max as u64);
        assert_eq!(claimed, expected, "{before} in flight, {allowed} allowed");
    }

    /// Takes what there is in hand; answers how many.
    fn get(&mut self, max: usize) -> usize {
        let (until, now) = (at(self.now + 1_000_000_000), at(self.now));
        let claimed = self.store.claim(&FETCH, max, until, now).now_or_never();
        let claimed = claimed.expect("at once").expect("claimed");
        let count = claimed.len();
        self.in_hand.extend(claimed);
        count
    }

    fn is_paused(&self) -> bool {
        self.view().paused_until.is_some()
    }

    fn settle(&mut self, which: usize, health: Option<Health>) {
        let was = self.view().circuit;
        let lease = self.in_hand.swap_remove(which).lease;
        // What says nothing is put back, so that jobs do not run out.
        let outcome = if health == Some(Health::Good) { done() } else { retry(0) };
        let lane = LaneNews { health, ..LaneNews::default() };
        let settlement = Settlement { lane, ..Settlement::new(lease, outcome) };
        let settled = self.store.settle(vec![settlement], at(self.now)).now_or_never();
        settled.expect("at once").expect("settled");
        let closes = was != Circuit::Closed && self.view().circuit == Circuit::Closed;
        if closes {
            self.successes = Some(0);
        } else if health == Some(Health::Good) && was == Circuit::Closed {
            self.successes = self.successes.map(|n| n + 1).filter(|n| *n < self.concurrency);
        }
    }

    fn tell(&mut self, news: LaneNews) {
        let told = self.store.tell(&FETCH, &LaneKey::new("a"), news, at(self.now)).now_or_never();
        told.expect("at once").expect("told");
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Claim(max) => self.claim(max),
            Step::Settle(..) if self.in_hand.is_empty() => {}
            Step::Settle(which, health) => self.settle(which.index(self.in_hand.len()), health),
            Step::Pass(ms) => self.now += ms,
            Step::Pause(ms) => self.tell(LaneNews::paused(Some(at(self.now + ms)))),
            Step::Resume => self.resume(),
        }
    }

    fn resume(&mut self) {
        if self.view().circuit == Circuit::Open {
            // Whether there is a pause under that of the back-off cannot be seen.
            return;
        }
        let was_paused = self.is_paused();
        self.tell(LaneNews { resume: true, ..LaneNews::default() });
        assert!(!self.is_paused());
        if was_paused {
            self.successes = Some(0);
        }
    }

    /// From here on all goes well.
    fn drain(mut self) {
        for _ in 0..2_000 {
            if self.store.counts().live() == 0 {
                return;
            }
            if self.in_hand.is_empty() && self.get(MANY) == 0 {
                let due = self.store.next_due(&FETCH).expect("what waits is due some time");
                self.now = due.since(at(0)).as_millis() as u64;
                continue;
            }
            let last = self.in_hand.pop().expect("some are in hand");
            let lane = LaneNews { health: Some(Health::Good), ..LaneNews::default() };
            let settlement = Settlement { lane, ..Settlement::new(last.lease, done()) };
            let settled = self.store.settle(vec![settlement], at(self.now)).now_or_never();
            settled.expect("at once").expect("settled");
        }
        panic!("jobs are stuck: {:?}", self.view());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_flight_never_exceeds_what_circuit_and_slow_start_allow(
        concurrency in 1_u32..12,
        window in 1_u32..8,
        failures in 1_u32..8,
        steps in vec(step(), 1..150),
    ) {
        let mut lane = Lane::new(concurrency, Breaker { window, failures: failures.min(window) });
        for step in steps {
            lane.take(step);
        }
        lane.drain();
    }
}
