use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use crate::{LaneNews, NewNote, Timestamp};

/// A job's identity: a UUIDv7 (RFC 9562 §5.7), so ids sort by the time they were drawn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(Uuid);

impl JobId {
    /// Draws a new id; ids drawn by one process are strictly increasing.
    pub fn draw() -> Self {
        Self(Uuid::now_v7())
    }

    /// The 16 bytes of the UUID, in network order: their order is the ids' order.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id with these 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The smallest id that could have been drawn at `at` (used to bound scans by time).
    pub fn floor(at: Timestamp) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&at.as_millis().to_be_bytes()[2..]);
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a job id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a job id: expected a hyphenated UUID such as 0190b0c5-0000-7000-8000-000000000000")]
pub struct InvalidJobId;

impl FromStr for JobId {
    type Err = InvalidJobId;

    /// Accepts the hyphenated form only, so that one job has one address.
    fn from_str(s: &str) -> Result<Self, InvalidJobId> {
        if s.len() != 36 {
            return Err(InvalidJobId);
        }
        Uuid::try_parse(s).map(Self).map_err(|_| InvalidJobId)
    }
}

/// The name of a step that a job waits for. Opaque to this crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stage(Cow<'static, str>);

impl Stage {
    /// A stage known at compile time.
    pub const fn from_static(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// A stage named at run time.
    pub const fn new(name: String) -> Self {
        Self(Cow::Owned(name))
    }

    /// The stage's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom a job waits for within its stage: jobs with the same key share one lane.
/// Opaque to this crate (a host, a sink).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneKey(Arc<str>);

impl LaneKey {
    /// The key with this text.
    pub fn new(key: &str) -> Self {
        Self(Arc::from(key))
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LaneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A caller's promise that two submissions mean the same job
/// (draft-ietf-httpapi-idempotency-key-header). The job that was accepted with a key holds it until
/// it fails ([`Verdict::Failed`], [`State::Dead`]) or is called off, was accepted too long ago
/// ([`Idempotency::since`]), or is swept; then the next job that comes with it has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's key, at most 255 bytes.
    pub key: String,
    /// A digest of what was asked for: the same key with another fingerprint is a conflict.
    pub fingerprint: [u8; 32],
    /// The key is free again when the job that holds it was accepted before this.
    pub since: Timestamp,
}

/// Which of the jobs that are due goes first, in its lane and in the choice of lanes. Of every four
/// jobs of a stage that are given out at least one is of a lower priority, when there are any that
/// could be. A lane that keeps its order ([`crate::LaneLimit::in_order`]) and who claims by lane
/// ([`crate::Store::claim_lane`]) know no priorities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// When nothing else is due, and every so often.
    Low,
    /// As usual.
    #[default]
    Normal,
    /// Before the others.
    High,
}

/// A job to be accepted.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Drawn by the caller.
    pub id: JobId,
    /// The stage it starts in; must be one the store was configured with.
    pub stage: Stage,
    /// The lane it waits in.
    pub lane: LaneKey,
    /// Not to be claimed before this.
    pub due: Timestamp,
    /// When it is still waiting in its first stage then, it is given out at once, due or not and
    /// whatever its lane says, so that its end can be told ([`Why::Expired`]). Advancing,
    /// calling off and redriving end it; one that is put back after this all the same is given
    /// out again at the time it is put back to. `None` for never.
    pub expires: Option<Timestamp>,
    /// What to do; opaque. Counts against the store's byte bound.
    pub spec: Bytes,
    /// Set when the caller may repeat the submission.
    pub idempotency: Option<Idempotency>,
    /// Which of the jobs that are due goes first.
    pub priority: Priority,
    /// Whose it is, at most [`NewJob::OWNER_BYTES`]; opaque ([`crate::Filter::owner`]).
    pub owner: Option<Arc<str>>,
    /// The group it is counted in ([`crate::Store::group`]).
    pub group: Option<JobId>,
}

impl NewJob {
    /// Bytes that the name of an [`NewJob::owner`] may have.
    pub const OWNER_BYTES: usize = 64;

    /// A job that is nobody's in particular, and stands alone.
    pub const fn new(id: JobId, stage: Stage, lane: LaneKey, due: Timestamp, spec: Bytes) -> Self {
        Self {
            id,
            stage,
            lane,
            due,
            expires: None,
            spec,
            idempotency: None,
            priority: Priority::Normal,
            owner: None,
            group: None,
        }
    }
}

/// The answer to one submitted job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// Written and synced.
    Created,
    /// A job with this id, or this idempotency key and fingerprint, is there already.
    Existing {
        /// The job that was accepted first.
        id: JobId,
        /// When it was accepted.
        created_at: Timestamp,
    },
    /// The idempotency key is in use for something else.
    Conflict {
        /// The job that holds the key.
        id: JobId,
    },
    /// The queue is at its bound of jobs or bytes; nothing was stored.
    Full,
}

/// How the work went, as far as the queue tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The work was done.
    Succeeded,
    /// The work could not be done, for good.
    Failed,
    /// The work was called off.
    Cancelled,
    /// The work was done and found nothing new.
    Unchanged,
}

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Waits in its stage until it is due and its lane has room.
    Waiting,
    /// Claimed by a worker.
    Leased,
    /// Ended as it should.
    Done,
    /// Given up in its stage; kept, and can be redriven.
    Dead,
    /// Called off, with nothing left to do.
    Cancelled,
}

impl State {
    /// Whether the job is over unless somebody redrives it.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Dead | Self::Cancelled)
    }
}

/// The right to settle one job, until somebody else may have it: a lease whose time is up still
/// settles as long as the job was not given out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The job.
    pub id: JobId,
    /// Grows with each claim; an older epoch settles nothing.
    pub epoch: u32,
}

/// A job in a worker's hands.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// What to settle with.
    pub lease: Lease,
    /// The stage it was claimed for.
    pub stage: Stage,
    /// The lane it waited in.
    pub lane: LaneKey,
    /// 1 for the first attempt in this stage; released and lost leases are not counted.
    pub attempt: u32,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// What was accepted.
    pub spec: Bytes,
    /// Set once a stage has passed judgement.
    pub verdict: Option<Verdict>,
    /// Size of the stored result, 0 when there is none. Read it with [`crate::Store::result`].
    pub result_bytes: u64,
    /// What the lane keeps between claims because it was asked to ([`LaneNews::interval`]); zero
    /// for nothing.
    pub interval: Duration,
    /// Set when the job is given out to be ended, not to be worked on: beside the limits of its
    /// lane, so that the other side must not be troubled.
    pub without_work: Option<Why>,
}

/// Why a job is given out to be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// Its time is up ([`NewJob::expires`]).
    Expired,
    /// Its lane has been failing for too long ([`crate::StageConfig::give_up_after`]).
    LaneFailing,
}

/// Where a job goes next, and with what.
#[derive(Clone, Debug)]
pub struct Next {
    /// The stage it moves to.
    pub stage: Stage,
    /// The lane it waits in there.
    pub lane: LaneKey,
    /// Not to be claimed before this.
    pub due: Timestamp,
    /// How the work went.
    pub verdict: Verdict,
    /// The stored result from now on.
    pub result: Bytes,
}

/// What a worker says of a job it claimed.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// On to another stage, with a result; attempts start again at 1.
    Advance(Next),
    /// Again in the same stage; this attempt is charged.
    Retry {
        /// Not before this.
        at: Timestamp,
        /// Why, for people.
        note: String,
    },
    /// Put back as if it had never been claimed; no attempt is charged.
    Release {
        /// Not before this.
        at: Timestamp,
    },
    /// Over.
    Done {
        /// Replaces the verdict when set.
        verdict: Option<Verdict>,
        /// Replaces the stored result when set.
        result: Option<Bytes>,
        /// Kept for people.
        note: Option<String>,
    },
    /// Given up: kept as a dead letter with its result.
    Dead {
        /// Why, for people.
        note: String,
    },
}

impl Outcome {
    /// Bytes of the result it brings.
    pub(crate) fn result_bytes(&self) -> u64 {
        let result = match self {
            Self::Advance(next) => Some(&next.result),
            Self::Done { result, .. } => result.as_ref(),
            Self::Retry { .. } | Self::Release { .. } | Self::Dead { .. } => None,
        };
        result.map_or(0, |bytes| bytes.len() as u64)
    }
}

impl Settlement {
    /// Bytes that are held in memory until it is on disk.
    pub(crate) fn bytes(&self) -> u64 {
        let attempt = self.attempt.as_ref().map_or(0, |a| a.len().min(Self::MAX_ATTEMPT_BYTES));
        let notes: usize = self.notes.iter().map(NewNote::bytes).sum();
        self.outcome.result_bytes() + (attempt + notes) as u64
    }
}

/// An outcome with the lease it is spoken under.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The right to speak.
    pub lease: Lease,
    /// What happened.
    pub outcome: Outcome,
    /// What was learned of the job's lane.
    pub lane: LaneNews,
    /// What to keep of this attempt ([`crate::Store::attempts`]); opaque, a JSON object by
    /// convention. Cut off after [`Settlement::MAX_ATTEMPT_BYTES`].
    pub attempt: Option<Bytes>,
    /// What to remember beside the job ([`crate::Store::note`]).
    pub notes: Vec<NewNote>,
}

impl Settlement {
    /// Bytes of [`Settlement::attempt`] that are kept.
    pub const MAX_ATTEMPT_BYTES: usize = 2 * 1024;

    /// An outcome, and nothing else to tell.
    pub fn new(lease: Lease, outcome: Outcome) -> Self {
        Self { lease, outcome, lane: LaneNews::default(), attempt: None, notes: Vec::new() }
    }
}

/// The answer to one settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The outcome stands.
    Recorded,
    /// The lease was over, revoked or superseded: the outcome is dropped.
    LeaseLost,
}

/// Everything that is known of a job, for reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its identity.
    pub id: JobId,
    /// Where it is in its life.
    pub state: State,
    /// The stage it is or was last in.
    pub stage: Stage,
    /// Its lane there.
    pub lane: LaneKey,
    /// When it may next be claimed; meaningless once it is over.
    pub due: Timestamp,
    /// Attempts charged in this stage.
    pub attempts: u32,
    /// Set once a stage has passed judgement.
    pub verdict: Option<Verdict>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What was accepted.
    pub spec: Bytes,
    /// Size of the stored result; `None` when there is none.
    pub result_bytes: Option<u64>,
    /// The last failure, for people.
    pub note: Option<String>,
    /// Whose it is ([`NewJob::owner`]).
    pub owner: Option<Arc<str>>,
    /// The group it is counted in ([`NewJob::group`]).
    pub group: Option<JobId>,
}
