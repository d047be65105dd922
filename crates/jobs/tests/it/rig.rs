//! Short words for the calls that the contract makes.

mod words;

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use jobs::{
    Bounds, Claimed, Config, Counts, Filter, JobId, LaneLimit, LaneNews, Lease, NewJob, Outcome,
    Record, Settled, Settlement, Stage, StageCounts, State, Store, Submitted,
};
use tokio::time::timeout;

use crate::backend::{Backend, DELIVER, Durable, FETCH, config};

pub(crate) use words::{
    Differently, advance, at, dead, done, group, id, job, next, refetch, release, retry,
};

/// How long a lease of these tests lasts, in milliseconds.
pub(crate) const LEASE_MS: u64 = 60_000;
/// How long a test waits for something that must happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// More than any test has jobs.
pub(crate) const MANY: usize = 10_000;

/// A backend and the calls on it, with times in milliseconds after the beginning.
pub(crate) struct Rig<B> {
    backend: B,
}

impl<B: Backend> Rig<B> {
    /// A store with room for anything.
    pub(crate) fn new() -> Self {
        Self::with(100, Duration::ZERO, Bounds::default())
    }

    /// A store with this limit of lanes.
    pub(crate) fn lanes(concurrency: u32, interval_ms: u64) -> Self {
        Self::with(concurrency, Duration::from_millis(interval_ms), Bounds::default())
    }

    /// A store with this limit of lanes and these bounds.
    pub(crate) fn with(concurrency: u32, interval: Duration, bounds: Bounds) -> Self {
        Self::configured(config(
            LaneLimit { concurrency, interval, ..LaneLimit::default() },
            bounds,
        ))
    }

    /// A store with this configuration.
    pub(crate) fn configured(config: Config) -> Self {
        Self { backend: B::start(config) }
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(self.backend.store())
    }

    /// Submits jobs that must be created.
    pub(crate) async fn accept(&self, jobs: impl IntoIterator<Item = NewJob>) {
        let jobs: Vec<_> = jobs.into_iter().collect();
        let count = jobs.len();
        let answers = self.submit(jobs, at(0)).await.expect("jobs are accepted");
        assert_eq!(answers, vec![Submitted::Created; count]);
    }

    /// Submits one job at the beginning.
    pub(crate) async fn offer(&self, job: NewJob) -> Submitted {
        let answers = self.submit(vec![job], at(0)).await.expect("a job is answered");
        assert_eq!(answers.len(), 1);
        answers.into_iter().next().expect("one answer")
    }

    /// Claims at `now`, for [`LEASE_MS`].
    pub(crate) async fn take(&self, stage: &Stage, max: usize, now: u64) -> Vec<Claimed> {
        self.claim(stage, max, at(now + LEASE_MS), at(now)).await.expect("a claim is answered")
    }

    /// Claims one job that must be there.
    pub(crate) async fn take_one(&self, stage: &Stage, now: u64) -> Claimed {
        self.take(stage, 1, now).await.pop().expect("a job is claimable")
    }

    /// Which jobs a claim gives, in order of their ids.
    pub(crate) async fn taken(&self, stage: &Stage, max: usize, now: u64) -> BTreeSet<JobId> {
        let claimed = self.take(stage, max, now).await;
        let ids: BTreeSet<_> = claimed.iter().map(|c| c.lease.id).collect();
        assert_eq!(ids.len(), claimed.len(), "a claim gives no job twice");
        ids
    }

    /// Settles one lease.
    pub(crate) async fn say(&self, lease: Lease, outcome: Outcome, now: u64) -> Settled {
        let settlement = Settlement::new(lease, outcome);
        self.settle(vec![settlement], at(now)).await.expect("a settlement is answered")[0]
    }

    /// Settles one lease that must be good.
    pub(crate) async fn end(&self, lease: Lease, outcome: Outcome, now: u64) {
        assert_eq!(self.say(lease, outcome, now).await, Settled::Recorded);
    }

    /// Settles one lease that must be good, with news of its lane.
    pub(crate) async fn tell(&self, lease: Lease, outcome: Outcome, lane: LaneNews, now: u64) {
        let settlement = Settlement { lane, ..Settlement::new(lease, outcome) };
        let answer = self.settle(vec![settlement], at(now)).await.expect("it is answered");
        assert_eq!(answer, [Settled::Recorded]);
    }

    /// Settles one lease that must be good, and pauses its lane.
    pub(crate) async fn pause(&self, lease: Lease, outcome: Outcome, now: u64, until: u64) {
        self.tell(lease, outcome, LaneNews::paused(Some(at(until))), now).await;
    }

    /// The record of job `n`, which must be there.
    pub(crate) async fn record(&self, n: u64) -> Record {
        self.get(id(n)).await.expect("a record is read").expect("the job is there")
    }

    /// Every job, newest first.
    pub(crate) async fn all(&self) -> Vec<Record> {
        self.list(Filter::default(), None, MANY).await.expect("jobs are listed")
    }

    /// Holds the counters against the listing.
    pub(crate) async fn counts_add_up(&self) {
        let all = self.all().await;
        let of = |s: State| all.iter().filter(|r| r.state == s).count() as u64;
        let in_stage = |stage: &Stage, s: State| {
            all.iter().filter(|r| r.state == s && r.stage == *stage).count() as u64
        };
        let live_bytes = all
            .iter()
            .filter(|r| !r.state.is_terminal())
            .map(|r| r.spec.len() as u64 + r.result_bytes.unwrap_or(0))
            .sum();
        let stages = [&FETCH, &DELIVER].map(|stage| StageCounts {
            stage: stage.clone(),
            waiting: in_stage(stage, State::Waiting),
            leased: in_stage(stage, State::Leased),
        });
        let expected = Counts {
            stages: stages.to_vec(),
            done: of(State::Done),
            dead: of(State::Dead),
            cancelled: of(State::Cancelled),
            live_bytes,
        };
        assert_eq!(self.counts(), expected);
    }
}

impl<B: Durable> Rig<B> {
    /// The same store, from what it left behind.
    pub(crate) async fn reopened(self) -> Self {
        Self { backend: self.backend.reopen().await }
    }

    pub(crate) const fn backend(&self) -> &B {
        &self.backend
    }
}

impl<B: Backend> Deref for Rig<B> {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &**self.backend.store()
    }
}

/// Waits for `what`, and fails the test when it does not come.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not within {DEADLINE:?}"),
    }
}
