use std::time::Duration;

use crate::due::Due;
use crate::lane_memo::{Memo, Turn, whole_millis};
use crate::lane_window::Window;
use crate::{Circuit, Health, JobId, LaneKey, LaneLimit, LaneNews, Priority, Timestamp};

/// Where a lane stands in its stage's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    /// Nothing to give, or no room.
    No,
    /// In the rings of lanes that can give a job now.
    Ready,
    /// To be looked at again at this time.
    Until(Timestamp),
}

/// The jobs of one stage that share a key, and what holds them back.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) key: LaneKey,
    limit: LaneLimit,
    pub(crate) memo: Memo,
    /// Jobs that are due.
    pub(crate) due: Due,
    /// Jobs that wait, due or not.
    pub(crate) waiting: u64,
    pub(crate) in_flight: u64,
    /// Leased jobs that were given out to be ended: they take no place.
    pub(crate) ending: u64,
    /// When a job was last given out to be worked on.
    pub(crate) last_start: Timestamp,
    /// Grows whenever a back-off begins: tells what was claimed before it.
    pub(crate) era: u32,
    /// What its breaker goes by; not kept across restarts.
    window: Window,
    /// How many may be in flight while it starts slowly; 0 when it does not.
    ramp: u32,
    pub(crate) listed: Listed,
    /// Its latest places in the rings; older ones are void.
    pub(crate) ticket: u64,
    /// In which rings it has them, by rank.
    pub(crate) queued: [bool; Priority::ALL.len()],
    /// Under what the stage's indexes have it.
    pub(crate) indexed: Indexed,
}

/// Moments by which a stage finds a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Indexed {
    /// When its first due job became due.
    pub(crate) first_due: Option<Timestamp>,
    /// When its first due job is to be given up.
    pub(crate) gives_up: Option<Timestamp>,
    /// When that was last told for which it is kept when it has no jobs.
    pub(crate) heard: Option<Timestamp>,
}

impl Lane {
    /// `last_start` is when it may have been served before it was known.
    pub(crate) fn new(key: LaneKey, limit: LaneLimit, last_start: Timestamp) -> Self {
        let mut lane = Self {
            key,
            limit,
            memo: Memo::default(),
            due: Due::default(),
            waiting: 0,
            in_flight: 0,
            ending: 0,
            last_start,
            era: 0,
            window: Window::default(),
            ramp: 0,
            listed: Listed::No,
            ticket: 0,
            queued: [false; Priority::ALL.len()],
            indexed: Indexed::default(),
        };
        lane.relimit(limit);
        lane
    }

    /// Has another limit from now on.
    pub(crate) fn relimit(&mut self, limit: LaneLimit) {
        self.limit = LaneLimit { interval: whole_millis(limit.interval), ..limit };
        if limit.in_order {
            self.due.level();
        }
    }

    /// A job has become due.
    pub(crate) fn add_due(&mut self, priority: Priority, due: Timestamp, id: JobId) {
        let priority = if self.limit.in_order { Priority::default() } else { priority };
        self.due.insert(priority, due, id);
    }

    /// Takes in news; answers whether the memo has to be kept anew. `current` is false for work
    /// that was claimed before the last back-off began: that it went badly too is no news.
    pub(crate) fn hear(&mut self, news: LaneNews, current: bool, now: Timestamp) -> bool {
        let was_open = self.memo.circuit(now) != Circuit::Closed;
        let was_paused = self.memo.paused_until > now;
        let turn = news.health.and_then(|health| self.judge(health, current, now));
        let changed = self.memo.hear(news, turn, &self.key, now);
        match turn {
            Some(Turn::BackOff | Turn::Open) => self.era = self.era.wrapping_add(1),
            Some(Turn::Well) if was_open && self.limit.breaker.is_some() => {
                self.window = Window::default();
                self.ramp = 1;
            }
            Some(Turn::Well) => self.speed_up(),
            Some(Turn::Ill) | None => {}
        }
        if news.resume && was_paused {
            self.ramp = 1;
        }
        changed
    }

    /// Whether it has yet to show how much it can take.
    pub(crate) const fn starts_slowly(&self) -> bool {
        self.ramp > 0
    }

    /// Some work went well: a lane that starts slowly may have one more in flight, which doubles
    /// them with each round.
    pub(crate) fn speed_up(&mut self) {
        if self.ramp > 0 {
            self.ramp = if self.ramp < self.limit.concurrency { self.ramp + 1 } else { 0 };
        }
    }

    /// Forgets what is known of it beyond its jobs.
    pub(crate) fn forget_all(&mut self) {
        self.memo = Memo::default();
        self.window = Window::default();
        self.ramp = 0;
    }

    fn judge(&mut self, health: Health, current: bool, now: Timestamp) -> Option<Turn> {
        let paused = self.memo.backoff_until > now;
        let Some(breaker) = self.limit.breaker else {
            return match health {
                Health::Good => Some(Turn::Well),
                Health::Bad => (current && !paused).then_some(Turn::BackOff),
            };
        };
        match (health, self.memo.circuit(now)) {
            (Health::Bad, Circuit::Closed) if current => {
                self.window.push(true);
                Some(if self.window.opens(breaker) { Turn::Open } else { Turn::Ill })
            }
            (Health::Bad, Circuit::HalfOpen) if current => Some(Turn::Open),
            (Health::Bad, _) => None,
            (Health::Good, Circuit::Closed) => {
                self.window.push(false);
                Some(Turn::Well)
            }
            // Of many answers some are good: only one that was asked for since then tells.
            (Health::Good, _) => current.then_some(Turn::Well),
        }
    }

    /// Where the lane belongs now.
    pub(crate) fn place(&self, now: Timestamp) -> Listed {
        let open = self.open();
        if open > now && (self.is_idle() || self.has_work()) {
            // An idle lane is kept until its pause is over, so that a pause outlives the jobs
            // that caused it.
            return Listed::Until(open);
        }
        if self.has_work() { Listed::Ready } else { Listed::No }
    }

    /// Whether the lane can be forgotten.
    pub(crate) fn is_spent(&self, now: Timestamp) -> bool {
        self.is_idle() && !self.outlasts_pauses() && self.open() <= now
    }

    /// Whether there is no job that needs it.
    pub(crate) const fn is_idle(&self) -> bool {
        self.waiting == 0 && self.in_flight == 0 && self.ending == 0
    }

    /// Under what it is to be found.
    pub(crate) fn index(&self, give_up_after: Option<Duration>) -> Indexed {
        let first_due = self.due.first().map(|first| first.0);
        let gives_up = match (first_due, self.memo.failing_since(), give_up_after) {
            (Some(due), Some(since), Some(after)) => Some(due.max(since) + after),
            _ => None,
        };
        let heard = self.outlasts_pauses().then_some(self.memo.heard);
        Indexed { first_due, gives_up, heard }
    }

    /// Whether there is more to know than when a pause ends.
    fn outlasts_pauses(&self) -> bool {
        let looks_back = self.limit.breaker.is_some_and(|breaker| self.window.bad(breaker) > 0);
        self.memo.outlasts_pauses() || looks_back || self.starts_slowly()
    }

    /// Nothing is to be worked on before this.
    fn open(&self) -> Timestamp {
        let interval = self.limit.interval.max(self.memo.interval);
        if interval.is_zero() || self.last_start == Timestamp::default() {
            return self.memo.open();
        }
        self.memo.open().max(self.last_start + interval)
    }

    fn has_work(&self) -> bool {
        !self.due.is_empty() && self.in_flight < u64::from(self.most())
    }

    /// How many may be in flight now.
    fn most(&self) -> u32 {
        match (self.memo.failures, self.ramp) {
            (0, 0) => self.limit.concurrency.max(1),
            (0, ramp) => ramp.min(self.limit.concurrency.max(1)),
            // A lane in trouble is probed by one job at a time.
            _ => 1,
        }
    }
}
