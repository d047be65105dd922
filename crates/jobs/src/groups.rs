use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::transition::Row;
use crate::{Group, JobId, State, Verdict};

/// How the jobs of every group went.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    by_id: HashMap<JobId, Group>,
    pub(crate) signal: Arc<Notify>,
}

/// The first judgement on a job, which is counted in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) group: JobId,
    pub(crate) verdict: Verdict,
}

impl Groups {
    pub(crate) fn get(&self, id: JobId) -> Option<Group> {
        self.by_id.get(&id).copied()
    }

    /// Takes up what was counted before this process began.
    pub(crate) fn restore(&mut self, id: JobId, group: Group) {
        self.by_id.insert(id, group);
    }

    /// Jobs of the group were accepted.
    pub(crate) fn add(&mut self, id: JobId, jobs: u64) {
        self.by_id.entry(id).or_default().jobs += jobs;
    }

    /// Counts a judgement; `false` when the group is forgotten.
    pub(crate) fn judge(&mut self, judged: Judged) -> bool {
        let Some(group) = self.by_id.get_mut(&judged.group) else {
            return false;
        };
        group.count(judged.verdict);
        if group.open() == 0 {
            self.signal.notify_waiters();
            // Also for who is about to wait.
            self.signal.notify_one();
        }
        true
    }

    pub(crate) fn forget(&mut self, id: JobId) {
        self.by_id.remove(&id);
    }
}

impl Group {
    pub(crate) const fn count(&mut self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Succeeded => &mut self.succeeded,
            Verdict::Failed => &mut self.failed,
            Verdict::Cancelled => &mut self.cancelled,
            Verdict::Unchanged => &mut self.unchanged,
        };
        *counter += 1;
    }
}

impl Row {
    /// What was judged of it: its verdict, or what its end amounts to without one.
    pub(crate) fn judgement(&self) -> Option<Verdict> {
        self.verdict.or(match self.state {
            State::Waiting | State::Leased => None,
            State::Done => Some(Verdict::Succeeded),
            State::Dead => Some(Verdict::Failed),
            State::Cancelled => Some(Verdict::Cancelled),
        })
    }
}
