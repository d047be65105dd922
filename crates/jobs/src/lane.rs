use std::collections::BTreeSet;

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
    /// Jobs that are due, oldest first.
    pub(crate) due: BTreeSet<(Timestamp, JobId)>,
    /// Jobs that wait, due or not.
    pub(crate) waiting: u64,
    pub(crate) in_flight: u64,
    /// The interval's end: no claim before this.
    pub(crate) next_start: Timestamp,
    pub(crate) paused_until: Timestamp,
    pub(crate) listed: Listed,
}

impl Lane {
    pub(crate) const fn new(key: LaneKey) -> Self {
        Self {
            key,
            due: BTreeSet::new(),
            waiting: 0,
            in_flight: 0,
            next_start: Timestamp::from_millis(0),
            paused_until: Timestamp::from_millis(0),
            listed: Listed::No,
        }
    }

    /// Where the lane belongs now.
    pub(crate) fn place(&self, limit: LaneLimit, now: Timestamp) -> Listed {
        let open = self.next_start.max(self.paused_until);
        let idle = self.waiting == 0 && self.in_flight == 0;
        if open > now && (idle || self.has_work(limit)) {
            // An idle lane is kept until its pause is over, so that a pause outlives the jobs
            // that caused it.
            return Listed::Until(open);
        }
        if self.has_work(limit) { Listed::Ready } else { Listed::No }
    }

    /// Whether the lane can be forgotten.
    pub(crate) fn is_spent(&self, now: Timestamp) -> bool {
        let open = self.next_start.max(self.paused_until);
        self.waiting == 0 && self.in_flight == 0 && open <= now
    }

    fn has_work(&self, limit: LaneLimit) -> bool {
        !self.due.is_empty() && self.in_flight < u64::from(limit.concurrency.max(1))
    }
}
