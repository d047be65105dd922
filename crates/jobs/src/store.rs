use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use crate::{
    Circuit, Claimed, JobId, LaneKey, LaneLimits, LaneNews, Lease, NewJob, Next, Note, Record,
    Result, Settled, Settlement, Stage, State, Submitted, Timestamp, Verdict,
};

/// One stage and what holds for its lanes.
#[derive(Clone, Debug)]
pub struct StageConfig {
    /// The stage.
    pub stage: Stage,
    /// What each of its lanes is held to.
    pub lanes: LaneLimits,
    /// When a lane has been failing ([`crate::Health::Bad`]) for this long, its jobs that have
    /// been due for as long are given out to be ended ([`crate::Why::LaneFailing`]); `None`
    /// for never.
    pub give_up_after: Option<Duration>,
}

impl StageConfig {
    /// A stage whose lanes have these limits and are never given up.
    pub fn new(stage: Stage, lanes: impl Into<LaneLimits>) -> Self {
        Self { stage, lanes: lanes.into(), give_up_after: None }
    }
}

/// How much may wait. Above the bound of jobs or bytes `submit` answers [`Submitted::Full`].
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Jobs that are not over; default 1,000,000.
    pub jobs: u64,
    /// Bytes of their specs and results; default 1 GB.
    pub bytes: u64,
    /// Notes ([`crate::NewNote`]) that are kept; beyond it those go that expire first. Default
    /// 1,000,000.
    pub notes: u64,
    /// Lanes without jobs, per stage, of which more is known than a pause; beyond it those are
    /// forgotten that were not heard of for longest. Default 100,000.
    pub lanes: usize,
}

impl Bounds {
    /// Bytes of one document ([`Store::put_document`]).
    pub const DOCUMENT_BYTES: usize = 64 * 1024;
}

impl Default for Bounds {
    fn default() -> Self {
        Self { jobs: 1_000_000, bytes: 1_000_000_000, notes: 1_000_000, lanes: 100_000 }
    }
}

/// Which jobs to list. Empty means all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Any of these; empty for every state.
    pub states: Vec<State>,
    /// Only this stage.
    pub stage: Option<Stage>,
    /// Only this verdict.
    pub verdict: Option<Verdict>,
    /// Only this lane.
    pub lane: Option<LaneKey>,
    /// Only jobs accepted at this time or later, by their ids ([`JobId::floor`]).
    pub since: Option<Timestamp>,
    /// Only jobs accepted before this time, by their ids.
    pub until: Option<Timestamp>,
    /// Only this owner's ([`NewJob::owner`]).
    pub owner: Option<Arc<str>>,
    /// Only this group's ([`NewJob::group`]).
    pub group: Option<JobId>,
}

impl Filter {
    /// Whether a job matches.
    pub fn matches(&self, record: &Record) -> bool {
        self.ids(None).contains(&record.id)
            && self.admits_kin(record.owner.as_ref(), record.group)
            && self.admits(record.state, (&record.stage, &record.lane), record.verdict)
    }

    /// Whether a job matches, but for its id.
    pub(crate) fn admits(
        &self,
        state: State,
        (stage, lane): (&Stage, &LaneKey),
        verdict: Option<Verdict>,
    ) -> bool {
        (self.states.is_empty() || self.states.contains(&state))
            && self.stage.as_ref().is_none_or(|wanted| wanted == stage)
            && self.lane.as_ref().is_none_or(|wanted| wanted == lane)
            && self.verdict.is_none_or(|wanted| verdict == Some(wanted))
    }

    /// Whether a job of this owner and group matches, but for the rest.
    pub(crate) fn admits_kin(&self, owner: Option<&Arc<str>>, group: Option<JobId>) -> bool {
        self.owner.as_ref().is_none_or(|wanted| owner == Some(wanted))
            && self.group.is_none_or(|wanted| group == Some(wanted))
    }

    /// Where the ids of jobs that match are, of those older than `before`.
    pub(crate) fn ids(&self, before: Option<JobId>) -> Range<JobId> {
        let start = self.since.map_or(JobId::from_bytes([0; 16]), JobId::floor);
        let end = self.until.map_or(JobId::from_bytes([0xff; 16]), JobId::floor);
        start..before.map_or(end, |before| before.min(end))
    }
}

/// How many jobs there are, by where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Per stage, in the order of the configuration.
    pub stages: Vec<StageCounts>,
    /// Jobs kept that ended as they should.
    pub done: u64,
    /// Jobs kept that were given up.
    pub dead: u64,
    /// Jobs kept that were called off.
    pub cancelled: u64,
    /// Bytes that count against [`Bounds::bytes`].
    pub live_bytes: u64,
}

impl Counts {
    /// Jobs that are not over.
    pub fn live(&self) -> u64 {
        self.stages.iter().map(|s| s.waiting + s.leased).sum()
    }
}

/// The live jobs of one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageCounts {
    /// The stage.
    pub stage: Stage,
    /// Waiting to be claimed, due or not.
    pub waiting: u64,
    /// In workers' hands.
    pub leased: u64,
}

/// One lane, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneView {
    /// Its stage.
    pub stage: Stage,
    /// Its key.
    pub key: LaneKey,
    /// Jobs waiting in it.
    pub waiting: u64,
    /// Jobs of it in flight.
    pub in_flight: u64,
    /// Set while the lane is paused, because it was asked for or by its back-off.
    pub paused_until: Option<Timestamp>,
    /// What the other side asked to be kept between claims ([`crate::LaneNews::interval`]); zero
    /// for nothing.
    pub interval: Duration,
    /// Failures in a row that drive the lane's back-off ([`crate::Health`]); 0 when it is well,
    /// or not ill enough for its [`crate::Breaker`].
    pub failures: u32,
    /// When [`crate::Health::Bad`] was first told since the last [`crate::Health::Good`].
    pub failing_since: Option<Timestamp>,
    /// Whether its jobs are given out, but for a pause that was asked for.
    pub circuit: Circuit,
}

/// How the jobs of one group went ([`NewJob::group`]). Each is counted once, when its first
/// judgement is passed: a verdict, or its end without one (done counts as succeeded, given up as
/// failed). What becomes of it later, and whether it was swept since, changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Jobs accepted.
    pub jobs: u64,
    /// Of those, the ones that went well.
    pub succeeded: u64,
    /// That failed.
    pub failed: u64,
    /// That were called off.
    pub cancelled: u64,
    /// That found nothing new.
    pub unchanged: u64,
}

impl Group {
    /// Jobs that no judgement was passed on yet.
    pub const fn open(&self) -> u64 {
        let judged = self.succeeded + self.failed + self.cancelled + self.unchanged;
        self.jobs.saturating_sub(judged)
    }
}

/// The answer to a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// Called off; a lease on it is void.
    Yes,
    /// It was over already.
    Over,
    /// There is no such job.
    Unknown,
}

/// Where to send a job that is over once more. Its result and verdict stay as they are.
#[derive(Clone, Debug)]
pub struct Redrive {
    /// The stage to take it up in.
    pub stage: Stage,
    /// The lane to wait in there.
    pub lane: LaneKey,
    /// Not to be claimed before this.
    pub due: Timestamp,
}

/// The answer to a redrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redriven {
    /// It waits again, with all its attempts.
    Yes,
    /// It is not over yet.
    Live,
    /// There is no such job.
    Unknown,
}

/// What a retention sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Jobs removed.
    pub jobs: u64,
    /// Notes removed.
    pub notes: u64,
    /// Bytes given back to the file system so far.
    pub bytes: u64,
}

/// The durable queue. Object-safe; every call takes a batch where batches make sense; time is an
/// argument. What each call means is decided by [`crate::transition`], the same for every
/// backend; backends differ only in how they make it last.
///
/// # Durability
/// `submit` and `put_document` answer after what they bring is on disk. Everything else is decided at once, seen by every
/// later call, and on disk soon after ([`Store::flush`] waits for it): a crash in between repeats
/// work, it never loses any.
pub trait Store: Send + Sync + 'static {
    /// Accepts jobs: one answer each, in order. Dropping the future does not take them back.
    fn submit(&self, jobs: Vec<NewJob>, now: Timestamp) -> BoxFuture<'_, Result<Vec<Submitted>>>;

    /// Leases up to `max` due jobs of `stage` until `until`, serving ready lanes in turn, those with
    /// jobs of a higher [`crate::Priority`] first, and none beyond its limit. Expired leases are claimable again. Jobs that are to be ended
    /// ([`Claimed::without_work`]) are given out beside their lanes' limits; while there is also
    /// work to do, they are at most about half of what is claimed.
    fn claim(
        &self,
        stage: &Stage,
        max: usize,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Claimed>>>;

    /// Moves the end of leases to `until`; `false` for those that are lost.
    fn extend(
        &self,
        leases: Vec<Lease>,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<bool>>>;

    /// Says how claimed jobs went: one answer each, in order; atomic per job. May wait for room
    /// when results come faster than the disk takes them.
    fn settle(
        &self,
        outcomes: Vec<Settlement>,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Settled>>>;

    /// The stored result of a job, checked against its checksum.
    fn result(&self, id: JobId) -> BoxFuture<'_, Result<Option<Bytes>>>;

    /// What workers told of a job's attempts ([`Settlement::attempt`]), oldest first; `None` when
    /// there is no such job. At most 64 entries and 64 KiB are kept: beyond that the first 8 and
    /// the latest.
    fn attempts(&self, id: JobId) -> BoxFuture<'_, Result<Option<Vec<Bytes>>>>;

    /// What is remembered under this key ([`Settlement::notes`]).
    fn note(&self, space: &'static str, key: [u8; 32]) -> BoxFuture<'_, Result<Option<Note>>>;

    /// One job.
    fn get(&self, id: JobId) -> BoxFuture<'_, Result<Option<Record>>>;

    /// Jobs that match, newest first, older than `before` when given; at most `limit`.
    fn list(
        &self,
        filter: Filter,
        before: Option<JobId>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Record>>>;

    /// Calls a job off. With `next` it goes on to tell of it (that stage's work is all that is
    /// left); without, it is over. A job that is in `next`'s stage already is over either way.
    fn cancel(
        &self,
        id: JobId,
        next: Option<Next>,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Cancelled>>;

    /// Takes up a job that is over once more.
    fn redrive(&self, id: JobId, to: Redrive, now: Timestamp) -> BoxFuture<'_, Result<Redriven>>;

    /// As [`Store::claim`], of one lane, beside its limits and pauses, by due time and then id,
    /// whatever their priority: for a stage that nobody claims from but by lane. [`Store::signal`] wakes all who wait for
    /// such a stage whenever a job comes to it, and [`Store::next_due`] leaves out what is to be
    /// ended without work.
    fn claim_lane(
        &self,
        stage: &Stage,
        lane: &LaneKey,
        max: usize,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Claimed>>>;

    /// News of a lane that no settlement brings, with or without jobs. Durable soon, as a
    /// settlement is.
    fn tell(
        &self,
        stage: &Stage,
        lane: &LaneKey,
        news: LaneNews,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<()>>;

    /// The limits of this stage's lanes changed ([`LaneLimits::with`]): those of known lanes are
    /// looked up anew. What is in flight stays there.
    fn relimit(&self, stage: &Stage);

    /// Keeps a small document under `key` in `space`, in the place of what is there, or removes
    /// it: for what is neither job nor note, such as settings. On disk when it answers; never
    /// swept. A value longer than [`Bounds::DOCUMENT_BYTES`] is [`crate::ErrorKind::Invalid`].
    fn put_document(
        &self,
        space: &'static str,
        key: String,
        value: Option<Bytes>,
    ) -> BoxFuture<'_, Result<()>>;

    /// The document that is kept under `key` in `space`.
    fn document(&self, space: &'static str, key: String) -> BoxFuture<'_, Result<Option<Bytes>>>;

    /// All documents of a space, by key.
    fn documents(&self, space: &'static str) -> BoxFuture<'_, Result<Vec<(String, Bytes)>>>;

    /// How a group's jobs went; `None` when it has none. Kept until [`Store::forget_group`],
    /// also when its jobs are swept. It goes by what is decided, which is on disk soon after: after
    /// a crash the counts are what the jobs that are there say.
    fn group(&self, id: JobId) -> Option<Group>;

    /// Signalled when a group has no open job any more ([`Group::open`]). Register with
    /// `notified()` before you ask, and [`Store::flush`] before you tell others.
    fn groups_signal(&self) -> Arc<Notify>;

    /// Forgets how a group's jobs went. Its jobs stay as they are, and are not counted any more; a
    /// job that is submitted into the same group later begins the count anew.
    fn forget_group(&self, id: JobId) -> BoxFuture<'_, Result<()>>;

    /// Removes up to `max` jobs that were over before `before`, and their results; as many notes
    /// that expired before it; and what was learned of as many lanes that have no jobs and were
    /// not heard of since.
    fn sweep(&self, before: Timestamp, max: usize) -> BoxFuture<'_, Result<Swept>>;

    /// Waits until everything decided so far is on disk.
    fn flush(&self) -> BoxFuture<'_, Result<()>>;

    /// Flushes and lets go of the store. Later calls answer [`crate::ErrorKind::Closed`].
    fn close(&self) -> BoxFuture<'_, Result<()>>;

    /// Signalled when `stage` may have something to claim. Register with `notified()` before you
    /// query.
    fn signal(&self, stage: &Stage) -> Arc<Notify>;

    /// The next moment at which waiting alone makes something of `stage` claimable.
    fn next_due(&self, stage: &Stage) -> Option<Timestamp>;

    /// How many jobs there are.
    fn counts(&self) -> Counts;

    /// When the job that has been due longest in `stage` became due.
    fn oldest_due(&self, stage: &Stage) -> Option<Timestamp>;

    /// The lanes that have jobs, busiest first; at most `limit`.
    fn lanes(&self, limit: usize, now: Timestamp) -> Vec<LaneView>;

    /// Whether accepting works, as far as is known.
    fn health(&self) -> Result<()>;

    /// Resolves when the store has failed for good, with the reason.
    fn failed(&self) -> BoxFuture<'_, String>;
}
