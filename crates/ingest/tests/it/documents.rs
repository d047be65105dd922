//! A store whose documents can be looked at, be slow, and fail.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use ingest::{SINKS, SinkSpec};
use jobs::{
    Cancelled, Claimed, Counts, Error, ErrorKind, Filter, Group, JobId, LaneKey, LaneNews,
    LaneView, Lease, MemoryStore, NewJob, Next, Note, Record, Redrive, Redriven, Result, Settled,
    Settlement, Stage, Store, Submitted, Swept, Timestamp,
};
use tokio::sync::{Notify, Semaphore};

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Keeps documents by itself, and leaves all else to a memory store.
pub(crate) struct Documents {
    inner: Arc<MemoryStore>,
    kept: Mutex<BTreeMap<(&'static str, String), Bytes>>,
    /// Whether keeping fails.
    pub(crate) full: AtomicBool,
    /// One permit for each document that may be put; closed for as many as there are.
    pub(crate) turns: Semaphore,
    /// One permit for each submission that may be accepted; closed for as many as there are.
    pub(crate) accepting: Semaphore,
    /// How many jobs came together, each time.
    pub(crate) groups: Mutex<Vec<usize>>,
}

/// For as many as there are.
fn open() -> Semaphore {
    let turns = Semaphore::new(0);
    turns.close();
    turns
}

impl Documents {
    fn with(inner: Arc<MemoryStore>, turns: Semaphore, accepting: Semaphore) -> Arc<Self> {
        Arc::new(Self {
            inner,
            kept: Mutex::default(),
            full: AtomicBool::new(false),
            turns,
            accepting,
            groups: Mutex::default(),
        })
    }

    pub(crate) fn new(inner: Arc<MemoryStore>) -> Arc<Self> {
        Self::with(inner, open(), open())
    }

    /// As new, but a document is put only when there is a permit.
    pub(crate) fn in_turns(inner: Arc<MemoryStore>) -> Arc<Self> {
        Self::with(inner, Semaphore::new(0), open())
    }

    /// As new, but jobs are accepted only when there is a permit.
    pub(crate) fn accepting_in_turns(inner: Arc<MemoryStore>) -> Arc<Self> {
        Self::with(inner, open(), Semaphore::new(0))
    }

    /// The stored sink of this name.
    pub(crate) fn sink(&self, name: &str) -> Option<SinkSpec> {
        let kept = self.kept.lock().unwrap();
        let bytes = kept.get(&(SINKS, name.to_owned()))?;
        Some(SinkSpec::from_bytes(bytes).unwrap())
    }
}

impl Store for Documents {
    fn put_document(
        &self,
        space: &'static str,
        key: String,
        value: Option<Bytes>,
    ) -> Answer<'_, Result<()>> {
        Box::pin(async move {
            if let Ok(turn) = self.turns.acquire().await {
                turn.forget();
            }
            if self.full.load(Ordering::Relaxed) {
                return Err(Error::new(ErrorKind::NoSpace, "no room"));
            }
            let mut kept = self.kept.lock().unwrap();
            match value {
                Some(value) => kept.insert((space, key), value),
                None => kept.remove(&(space, key)),
            };
            Ok(())
        })
    }

    fn document(&self, space: &'static str, key: String) -> Answer<'_, Result<Option<Bytes>>> {
        let found = self.kept.lock().unwrap().get(&(space, key)).cloned();
        Box::pin(async move { Ok(found) })
    }

    fn documents(&self, space: &'static str) -> Answer<'_, Result<Vec<(String, Bytes)>>> {
        let kept = self.kept.lock().unwrap();
        let of_space = kept.iter().filter(|((in_space, _), _)| *in_space == space);
        let all = of_space.map(|((_, key), value)| (key.clone(), value.clone())).collect();
        Box::pin(async move { Ok(all) })
    }

    fn submit(&self, jobs: Vec<NewJob>, now: Timestamp) -> Answer<'_, Result<Vec<Submitted>>> {
        Box::pin(async move {
            if let Ok(turn) = self.accepting.acquire().await {
                turn.forget();
            }
            self.groups.lock().unwrap().push(jobs.len());
            self.inner.submit(jobs, now).await
        })
    }

    fn claim(
        &self,
        stage: &Stage,
        max: usize,
        until: Timestamp,
        now: Timestamp,
    ) -> Answer<'_, Result<Vec<Claimed>>> {
        self.inner.claim(stage, max, until, now)
    }

    fn claim_lane(
        &self,
        stage: &Stage,
        lane: &LaneKey,
        max: usize,
        until: Timestamp,
        now: Timestamp,
    ) -> Answer<'_, Result<Vec<Claimed>>> {
        self.inner.claim_lane(stage, lane, max, until, now)
    }

    fn tell(
        &self,
        stage: &Stage,
        lane: &LaneKey,
        news: LaneNews,
        now: Timestamp,
    ) -> Answer<'_, Result<()>> {
        self.inner.tell(stage, lane, news, now)
    }

    fn relimit(&self, stage: &Stage) {
        self.inner.relimit(stage);
    }

    fn extend(
        &self,
        leases: Vec<Lease>,
        until: Timestamp,
        now: Timestamp,
    ) -> Answer<'_, Result<Vec<bool>>> {
        self.inner.extend(leases, until, now)
    }

    fn settle(
        &self,
        outcomes: Vec<Settlement>,
        now: Timestamp,
    ) -> Answer<'_, Result<Vec<Settled>>> {
        self.inner.settle(outcomes, now)
    }

    fn result(&self, id: JobId) -> Answer<'_, Result<Option<Bytes>>> {
        self.inner.result(id)
    }

    fn attempts(&self, id: JobId) -> Answer<'_, Result<Option<Vec<Bytes>>>> {
        self.inner.attempts(id)
    }

    fn note(&self, space: &'static str, key: [u8; 32]) -> Answer<'_, Result<Option<Note>>> {
        self.inner.note(space, key)
    }

    fn get(&self, id: JobId) -> Answer<'_, Result<Option<Record>>> {
        self.inner.get(id)
    }

    fn list(
        &self,
        filter: Filter,
        before: Option<JobId>,
        limit: usize,
    ) -> Answer<'_, Result<Vec<Record>>> {
        self.inner.list(filter, before, limit)
    }

    fn cancel(
        &self,
        id: JobId,
        next: Option<Next>,
        now: Timestamp,
    ) -> Answer<'_, Result<Cancelled>> {
        self.inner.cancel(id, next, now)
    }

    fn redrive(&self, id: JobId, to: Redrive, now: Timestamp) -> Answer<'_, Result<Redriven>> {
        self.inner.redrive(id, to, now)
    }

    fn group(&self, id: JobId) -> Option<Group> {
        self.inner.group(id)
    }

    fn groups_signal(&self) -> Arc<Notify> {
        self.inner.groups_signal()
    }

    fn forget_group(&self, id: JobId) -> Answer<'_, Result<()>> {
        self.inner.forget_group(id)
    }

    fn sweep(&self, before: Timestamp, max: usize) -> Answer<'_, Result<Swept>> {
        self.inner.sweep(before, max)
    }

    fn flush(&self) -> Answer<'_, Result<()>> {
        self.inner.flush()
    }

    fn close(&self) -> Answer<'_, Result<()>> {
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

    fn failed(&self) -> Answer<'_, String> {
        self.inner.failed()
    }
}
