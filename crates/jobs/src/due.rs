use std::collections::BTreeSet;

use crate::turns::Turns;
use crate::{JobId, Priority, Timestamp};

/// The due jobs of one lane, oldest first within each priority.
#[derive(Debug, Default)]
pub(crate) struct Due {
    by_rank: [BTreeSet<(Timestamp, JobId)>; Priority::ALL.len()],
    turns: Turns,
}

impl Due {
    pub(crate) fn insert(&mut self, priority: Priority, due: Timestamp, id: JobId) {
        self.by_rank[priority.rank()].insert((due, id));
    }

    /// Takes out a job that may be there as another's equal ([`Due::level`]).
    pub(crate) fn remove(&mut self, priority: Priority, due: Timestamp, id: JobId) {
        let usual = Priority::default();
        if !self.by_rank[priority.rank()].remove(&(due, id)) && priority != usual {
            self.by_rank[usual.rank()].remove(&(due, id));
        }
    }

    /// From now on all that are there are equals.
    pub(crate) fn level(&mut self) {
        let mut all: BTreeSet<_> = self.by_rank.iter_mut().flat_map(std::mem::take).collect();
        self.by_rank[Priority::default().rank()].append(&mut all);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_rank.iter().all(BTreeSet::is_empty)
    }

    pub(crate) fn has(&self, priority: Priority) -> bool {
        !self.by_rank[priority.rank()].is_empty()
    }

    /// The oldest, whatever its priority.
    pub(crate) fn first(&self) -> Option<(Timestamp, JobId)> {
        self.by_rank.iter().filter_map(BTreeSet::first).min().copied()
    }

    /// The oldest of one priority.
    pub(crate) fn first_of(&self, priority: Priority) -> Option<(Timestamp, JobId)> {
        self.by_rank[priority.rank()].first().copied()
    }

    /// Takes out the oldest, whatever its priority.
    pub(crate) fn pop_first(&mut self) -> Option<JobId> {
        let ranks = self.by_rank.iter_mut().filter(|rank| !rank.is_empty());
        let oldest = ranks.min_by_key(|rank| rank.first().copied())?;
        oldest.pop_first().map(|(_, id)| id)
    }

    /// Takes out the next of those that are due at `now` and not above `most`.
    pub(crate) fn pop_turn(&mut self, most: Priority, now: Timestamp) -> Option<(Priority, JobId)> {
        let ready = Priority::ALL.map(|priority| {
            priority <= most && self.first_of(priority).is_some_and(|first| first.0 <= now)
        });
        let priority = self.turns.next(ready)?;
        self.turns.given(priority, ready);
        let (_, id) = self.by_rank[priority.rank()].pop_first()?;
        Some((priority, id))
    }

    /// Takes out all of one priority.
    pub(crate) fn take(&mut self, priority: Priority) -> BTreeSet<(Timestamp, JobId)> {
        std::mem::take(&mut self.by_rank[priority.rank()])
    }
}
