//! The jobs and outcomes that tests speak of.

use std::time::Duration;

use bytes::Bytes;
use jobs::{
    Idempotency, JobId, LaneKey, NewJob, Next, Outcome, Priority, Redrive, Stage, Timestamp,
    Verdict,
};

use crate::backend::{DELIVER, FETCH};

/// `ms` milliseconds after these tests' beginning of time.
pub(crate) fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + ms)
}

/// The id of the `n`-th job: a UUIDv7 drawn before the beginning, in the order of `n`.
pub(crate) fn id(n: u64) -> JobId {
    let mut bytes = *JobId::floor(at(0) - Duration::from_secs(1)).as_bytes();
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    bytes[6] = 0x70;
    bytes[8] = 0x80;
    JobId::from_bytes(bytes)
}

/// The `n`-th job: due at the beginning, in lane `a` of the first stage.
pub(crate) fn job(n: u64) -> NewJob {
    NewJob::new(id(n), FETCH.clone(), LaneKey::new("a"), at(0), Bytes::from(format!("spec {n}")))
}

/// The id of the `n`-th group.
pub(crate) fn group(n: u64) -> JobId {
    id(1_000_000 + n)
}

/// What a test wants to be different about a job.
pub(crate) trait Differently: Sized {
    fn lane(self, key: &str) -> Self;
    fn due(self, ms: u64) -> Self;
    fn spec_of(self, bytes: usize) -> Self;
    fn key(self, key: &str, fingerprint: u8) -> Self;
    fn stage(self, stage: &Stage) -> Self;
    fn owner(self, name: &str) -> Self;
    fn group(self, n: u64) -> Self;
    fn priority(self, priority: Priority) -> Self;
}

impl Differently for NewJob {
    fn lane(self, key: &str) -> Self {
        Self { lane: LaneKey::new(key), ..self }
    }

    fn due(self, ms: u64) -> Self {
        Self { due: at(ms), ..self }
    }

    fn spec_of(self, bytes: usize) -> Self {
        Self { spec: Bytes::from(vec![b's'; bytes]), ..self }
    }

    fn key(self, key: &str, fingerprint: u8) -> Self {
        let idempotency =
            Idempotency { key: key.to_owned(), fingerprint: [fingerprint; 32], since: at(0) };
        Self { idempotency: Some(idempotency), ..self }
    }

    fn stage(self, stage: &Stage) -> Self {
        Self { stage: stage.clone(), ..self }
    }

    fn owner(self, name: &str) -> Self {
        Self { owner: Some(name.into()), ..self }
    }

    fn group(self, n: u64) -> Self {
        Self { group: Some(group(n)), ..self }
    }

    fn priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }
}

/// On to delivery in lane `sink`, due at `ms`.
pub(crate) fn next(ms: u64, result: &'static [u8]) -> Next {
    Next {
        stage: DELIVER.clone(),
        lane: LaneKey::new("sink"),
        due: at(ms),
        verdict: Verdict::Succeeded,
        result: Bytes::from_static(result),
    }
}

/// [`Outcome::Advance`] to delivery at once.
pub(crate) fn advance(result: &'static [u8]) -> Outcome {
    Outcome::Advance(next(0, result))
}

/// [`Outcome::Done`] with nothing new to say.
pub(crate) fn done() -> Outcome {
    Outcome::Done { verdict: None, result: None, note: None }
}

/// [`Outcome::Dead`].
pub(crate) fn dead() -> Outcome {
    Outcome::Dead { note: "given up".to_owned() }
}

/// [`Outcome::Retry`] not before `ms`.
pub(crate) fn retry(ms: u64) -> Outcome {
    Outcome::Retry { at: at(ms), note: "try again".to_owned() }
}

/// [`Outcome::Release`] not before `ms`.
pub(crate) fn release(ms: u64) -> Outcome {
    Outcome::Release { at: at(ms) }
}

/// Back to the first stage's lane `a` at `ms`.
pub(crate) fn refetch(ms: u64) -> Redrive {
    Redrive { stage: FETCH.clone(), lane: LaneKey::new("a"), due: at(ms) }
}
