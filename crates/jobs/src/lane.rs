use std::collections::BTreeSet;
use std::time::Duration;

use crate::lane_memo::{Memo, whole_millis};
use crate::{JobId, LaneKey, LaneLimit, Timestamp};

/// Where a lane stands in its stage's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    /// Nothing to give, or no room.
    No,
    /// In the ring of lanes that can give a job now.
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
    /// Jobs that are due, oldest first.
    pub(crate) due: BTreeSet<(Timestamp, JobId)>,
    /// Jobs that wait, due or not.
    pub(crate) waiting: u64,
    pub(crate) in_flight: u64,
    /// Leased jobs that were given out to be ended: they take no place.
    pub(crate) ending: u64,
    /// When a job was last given out to be worked on.
    pub(crate) last_start: Timestamp,
    /// Grows whenever a back-off begins: tells what was claimed before it.
    pub(crate) era: u32,
    pub(crate) listed: Listed,
    /// Its latest place in the ring; an older one is void.
    pub(crate) ticket: u64,
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
        let limit = LaneLimit { interval: whole_millis(limit.interval), ..limit };
        Self {
            key,
            limit,
            memo: Memo::default(),
            due: BTreeSet::new(),
            waiting: 0,
            in_flight: 0,
            ending: 0,
            last_start,
            era: 0,
            listed: Listed::No,
            ticket: 0,
            indexed: Indexed::default(),
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
        self.is_idle() && !self.memo.outlasts_pauses() && self.open() <= now
    }

    /// Whether there is no job that needs it.
    pub(crate) const fn is_idle(&self) -> bool {
        self.waiting == 0 && self.in_flight == 0 && self.ending == 0
    }

    /// Under what it is to be found.
    pub(crate) fn index(&self, give_up_after: Option<Duration>) -> Indexed {
        let first_due = self.due.first().map(|first| first.0);
        let failing = (self.memo.failures > 0).then_some(self.memo.failing_since);
        let gives_up = match (first_due, failing, give_up_after) {
            (Some(due), Some(since), Some(after)) => Some(due.max(since) + after),
            _ => None,
        };
        let heard = self.memo.outlasts_pauses().then_some(self.memo.heard);
        Indexed { first_due, gives_up, heard }
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
        // A lane in trouble is probed by one job at a time.
        let most = if self.memo.failures > 0 { 1 } else { self.limit.concurrency.max(1) };
        !self.due.is_empty() && self.in_flight < u64::from(most)
    }
}
