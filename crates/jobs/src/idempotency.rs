use crate::transition::Row;
use crate::{Idempotency, JobId, State, Submitted, Timestamp, Verdict};

/// The job that holds an idempotency key.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) id: JobId,
    pub(crate) created_at: Timestamp,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) standing: Standing,
}

/// As much of a job as tells whether it holds its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) state: State,
    pub(crate) verdict: Option<Verdict>,
}

impl Idempotency {
    /// The answer to a job with this key; `None` when it may have the key itself.
    pub(crate) fn answer(&self, holder: &Holder) -> Option<Submitted> {
        let &Holder { id, created_at, .. } = holder;
        if holder.standing.frees_key() || created_at < self.since {
            return None;
        }
        Some(if holder.fingerprint == self.fingerprint {
            Submitted::Existing { id, created_at }
        } else {
            Submitted::Conflict { id }
        })
    }
}

impl Standing {
    pub(crate) const fn of(row: &Row) -> Self {
        Self { state: row.state, verdict: row.verdict }
    }

    /// Whether it failed or was called off, be it that others are yet to be told.
    const fn frees_key(self) -> bool {
        matches!(self.state, State::Dead | State::Cancelled)
            || matches!(self.verdict, Some(Verdict::Failed | Verdict::Cancelled))
    }
}
