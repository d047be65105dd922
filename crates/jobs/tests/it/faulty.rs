//! A store that fails on demand, in front of one that works.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use jobs::{
    Cancelled, Claimed, Counts, Error, ErrorKind, Filter, Group, JobId, LaneKey, LaneNews,
    LaneView, Lease, NewJob, Next, Note, Record, Redrive, Redriven, Result, Settled, Settlement,
    Stage, Store, Submitted, Swept, Timestamp,
};
use tokio::sync::Notify;

/// A call that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Claim,
    Extend,
    Settle,
}

#[derive(Debug, Default)]
struct Plan {
    calls: u32,
    failures: Option<(u32, ErrorKind)>,
}

/// Fails the planned calls, hands the others on.
pub(crate) struct FaultyStore {
    inner: Arc<dyn Store>,
    plans: Mutex<HashMap<Call, Plan>>,
}

impl FaultyStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { inner, plans: Mutex::default() })
    }

    /// The next `times` calls fail with `kind`.
    pub(crate) fn fail(&self, call: Call, times: u32, kind: ErrorKind) {
        self.plans().entry(call).or_default().failures = Some((times, kind));
    }

    /// How often it was called.
    pub(crate) fn calls(&self, call: Call) -> u32 {
        self.plans().get(&call).map_or(0, |plan| plan.calls)
    }

    fn plans(&self) -> MutexGuard<'_, HashMap<Call, Plan>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn or_fail<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        go_on: impl FnOnce(&'a dyn Store) -> BoxFuture<'a, Result<T>>,
    ) -> BoxFuture<'a, Result<T>> {
        let mut plans = self.plans();
        let plan = plans.entry(call).or_default();
        plan.calls += 1;
        if let Some((left, kind)) = &mut plan.failures
            && *left > 0
        {
            *left -= 1;
            return ready(Err(Error::new(*kind, "as planned"))).boxed();
        }
        drop(plans);
        go_on(&*self.inner)
    }
}

impl Store for FaultyStore {
    fn submit(&self, jobs: Vec<NewJob>, now: Timestamp) -> BoxFuture<'_, Result<Vec<Submitted>>> {
        self.inner.submit(jobs, now)
    }

    fn claim(
        &self,
        stage: &Stage,
        max: usize,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Claimed>>> {
        let stage = stage.clone();
        self.or_fail(Call::Claim, move |store| store.claim(&stage, max, until, now))
    }

    fn extend(
        &self,
        leases: Vec<Lease>,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<bool>>> {
        self.or_fail(Call::Extend, move |store| store.extend(leases, until, now))
    }

    fn settle(
        &self,
        outcomes: Vec<Settlement>,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Settled>>> {
        self.or_fail(Call::Settle, move |store| store.settle(outcomes, now))
    }

    fn result(&self, id: JobId) -> BoxFuture<'_, Result<Option<Bytes>>> {
        self.inner.result(id)
    }

    fn attempts(&self, id: JobId) -> BoxFuture<'_, Result<Option<Vec<Bytes>>>> {
        self.inner.attempts(id)
    }

    fn note(&self, space: &'static str, key: [u8; 32]) -> BoxFuture<'_, Result<Option<Note>>> {
        self.inner.note(space, key)
    }

    fn get(&self, id: JobId) -> BoxFuture<'_, Result<Option<Record>>> {
        self.inner.get(id)
    }

    fn list(
        &self,
        filter: Filter,
        before: Option<JobId>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Record>>> {
        self.inner.list(filter, before, limit)
    }

    fn cancel(
        &self,
        id: JobId,
        next: Option<Next>,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Cancelled>> {
        self.inner.cancel(id, next, now)
    }

    fn redrive(&self, id: JobId, to: Redrive, now: Timestamp) -> BoxFuture<'_, Result<Redriven>> {
        self.inner.redrive(id, to, now)
    }

    fn claim_lane(
        &self,
        stage: &Stage,
        lane: &LaneKey,
        max: usize,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Claimed>>> {
        self.inner.claim_lane(stage, lane, max, until, now)
    }

    fn tell(
        &self,
        stage: &Stage,
        lane: &LaneKey,
        news: LaneNews,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<()>> {
        self.inner.tell(stage, lane, news, now)
    }

    fn relimit(&self, stage: &Stage) {
        self.inner.relimit(stage);
    }

    fn put_document(
        &self,
        space: &'static str,
        key: String,
        value: Option<Bytes>,
    ) -> BoxFuture<'_, Result<()>> {
        self.inner.put_document(space, key, value)
    }

    fn document(&self, space: &'static str, key: String) -> BoxFuture<'_, Result<Option<Bytes>>> {
        self.inner.document(space, key)
    }

    fn documents(&self, space: &'static str) -> BoxFuture<'_, Result<Vec<(String, Bytes)>>> {
        self.inner.documents(space)
    }

    fn group(&self, id: JobId) -> Option<Group> {
        self.inner.group(id)
    }

    fn groups_signal(&self) -> Arc<Notify> {
        self.inner.groups_signal()
    }

    fn forget_group(&self, id: JobId) -> BoxFuture<'_, Result<()>> {
        self.inner.forget_group(id)
    }

    fn sweep(&self, before: Timestamp, max: usize) -> BoxFuture<'_, Result<Swept>> {
        self.inner.sweep(before, max)
    }

    fn flush(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.flush()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.close()
    }

    fn signal(&self, stage: &Stage) -> Arc<Notify> {
        self.inner.signal(stage)
    }

    fn next_due(&self, stage: &Stage) -> Option<Timestamp> {
        self.inner.next_due(stage)
    }

    fn counts(&self) -> Counts {
        self.inner.counts()
    }

    fn oldest_due(&self, stage: &Stage) -> Option<Timestamp> {
        self.inner.oldest_due(stage)
    }

    fn lanes(&self, limit: usize, now: Timestamp) -> Vec<LaneView> {
        self.inner.lanes(limit, now)
    }

    fn health(&self) -> Result<()> {
        self.inner.health()
    }

    fn failed(&self) -> BoxFuture<'_, String> {
        self.inner.failed()
    }
}
