use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};
use tokio::sync::Notify;

use crate::document::{self, Place};
use crate::idempotency::{Holder, Standing};
use crate::kin::Kin;
use crate::ledger::Ledger;
use crate::notes::Notes;
use crate::scheduler::{Decision, Found, Scheduler, Taken};
use crate::transition::{Event, Row, transition};
use crate::{
    Cancelled, Claimed, Config, Counts, Error, Filter, Group, Idempotency, JobId, LaneKey,
    LaneNews, LaneView, Lease, NewJob, Next, Note, Priority, Record, Redrive, Redriven, Result,
    Settled, Settlement, Stage, State, Store, Submitted, Swept, Timestamp,
};

/// A store that forgets everything with the process: for tests and for jobs that may be lost.
/// It passes the same contract as the durable ones, but for what a restart is about.
#[derive(Debug)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    scheduler: Scheduler,
    jobs: BTreeMap<JobId, Kept>,
    keys: HashMap<String, JobId>,
    notes: Notes,
    documents: BTreeMap<Place, Bytes>,
    closed: bool,
}

#[derive(Debug)]
struct Kept {
    /// The job once it is over; while it lives the scheduler has it.
    over: Option<Row>,
    created_at: Timestamp,
    updated_at: Timestamp,
    spec: Bytes,
    result: Option<Bytes>,
    note: Option<String>,
    idempotency: Option<Idempotency>,
    kin: Kin,
    priority: Priority,
    ledger: Ledger,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(config: Config) -> Arc<Self> {
        let Config { stages, bounds } = config;
        let inner = Inner {
            scheduler: Scheduler::new(stages, bounds),
            jobs: BTreeMap::new(),
            keys: HashMap::new(),
            notes: Notes::new(bounds.notes),
            documents: BTreeMap::new(),
            closed: false,
        };
        Arc::new(Self { inner: Mutex::new(inner) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `f` at once; nothing here ever waits.
    fn with<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Inner) -> Result<T>,
    ) -> BoxFuture<'_, Result<T>> {
        let mut inner = self.lock();
        let answer = if inner.closed { Err(Error::closed()) } else { f(&mut inner) };
        future::ready(answer).boxed()
    }
}

impl Inner {
    fn submit(&mut self, job: NewJob, now: Timestamp) -> Result<Submitted> {
        let holder = job.idempotency.as_ref().and_then(|i| self.holder(&i.key));
        if let (Some(idempotency), Some(holder)) = (&job.idempotency, &holder)
            && let Some(answer) = idempotency.answer(holder)
        {
            return Ok(answer);
        }
        if let Some(kept) = self.jobs.get(&job.id) {
            return Ok(Submitted::Existing { id: job.id, created_at: kept.created_at });
        }
        let spec_bytes = job.spec.len() as u64;
        if !self.scheduler.admit(spec_bytes) {
            return Ok(Submitted::Full);
        }
        self.scheduler.unadmit(spec_bytes);
        self.scheduler.enter_fresh(std::iter::once(&job), now);
        if let Some(idempotency) = &job.idempotency {
            self.keys.insert(idempotency.key.clone(), job.id);
        }
        if let Some(before) = holder.and_then(|holder| self.jobs.get_mut(&holder.id)) {
            before.idempotency = None;
        }
        let kept = Kept {
            over: None,
            created_at: now,
            updated_at: now,
            kin: Kin::of(&job),
            priority: job.priority,
            spec: job.spec,
            result: None,
            note: None,
            idempotency: job.idempotency,
            ledger: Ledger::default(),
        };
        self.jobs.insert(job.id, kept);
        Ok(Submitted::Created)
    }

    /// The job that has an idempotency key.
    fn holder(&self, key: &str) -> Option<Holder> {
        let id = *self.keys.get(key)?;
        let kept = self.jobs.get(&id)?;
        let fingerprint = kept.idempotency.as_ref()?.fingerprint;
        let row = kept.over.clone().or_else(|| self.scheduler.row(id))?;
        let standing = Standing::of(&row);
        Some(Holder { id, created_at: kept.created_at, fingerprint, standing })
    }

    fn keep(&mut self, decision: Decision, now: Timestamp) {
        let Some(kept) = self.jobs.get_mut(&decision.id) else {
            return;
        };
        let Decision { change, ledger, notes, .. } = decision;
        notes.into_iter().for_each(|note| self.notes.keep(note));
        kept.ledger.append(ledger);
        kept.updated_at = now;
        kept.over = change.row.state.is_terminal().then_some(change.row);
        kept.result = change.result.or_else(|| kept.result.take());
        kept.note = change.note.or_else(|| kept.note.take());
    }

    fn record(&self, id: JobId) -> Option<Record> {
        let kept = self.jobs.get(&id)?;
        let row = kept.over.clone().or_else(|| self.scheduler.row(id))?;
        Some(Record {
            id,
            state: row.state,
            stage: row.stage,
            lane: row.lane,
            due: row.due,
            attempts: row.attempts,
            verdict: row.verdict,
            created_at: kept.created_at,
            updated_at: kept.updated_at,
            spec: kept.spec.clone(),
            result_bytes: kept.result.as_ref().map(|r| r.len() as u64),
            note: kept.note.clone(),
            owner: kept.kin.owner.clone(),
            group: kept.kin.group,
        })
    }

    /// Keeps what a claim decided; answers what it gave.
    fn claimed(
        &mut self,
        stage: &Stage,
        (taken, expired): (Vec<Taken>, Vec<Decision>),
        now: Timestamp,
    ) -> Vec<Claimed> {
        for decision in expired {
            self.keep(decision, now);
        }
        let claimed = |taken: Taken| {
            let spec = self.jobs.get(&taken.lease.id).map(|k| k.spec.clone()).unwrap_or_default();
            taken.into_claimed(stage, spec)
        };
        taken.into_iter().map(claimed).collect()
    }

    fn put_document(&mut self, place: Place, value: Option<Bytes>) -> Result<()> {
        document::check(&place, value.as_ref())?;
        match value {
            Some(value) => self.documents.insert(place, value),
            None => self.documents.remove(&place),
        };
        Ok(())
    }

    fn redrive(&mut self, id: JobId, to: Redrive, now: Timestamp) -> Result<Redriven> {
        self.scheduler.index(&to.stage)?;
        let Some(kept) = self.jobs.get_mut(&id) else {
            return Ok(Redriven::Unknown);
        };
        let Some(row) = &kept.over else {
            return Ok(Redriven::Live);
        };
        let Ok(change) = transition(row, Event::Redrive(to), now) else {
            return Ok(Redriven::Live);
        };
        kept.over = None;
        kept.updated_at = now;
        let found = Found {
            id,
            row: change.row,
            created_at: kept.created_at,
            spec_bytes: kept.spec.len() as u64,
            result_bytes: kept.result.as_ref().map(|r| r.len() as u64),
            kin: kept.kin.clone(),
            priority: kept.priority,
            redriven: true,
        };
        self.scheduler.enter(&found, now)?;
        Ok(Redriven::Yes)
    }

    fn sweep(&mut self, before: Timestamp, max: usize) -> Swept {
        let notes = self.notes.sweep(before, max);
        self.scheduler.forget_lanes(before, max);
        let over = |kept: &Kept| kept.over.is_some() && kept.updated_at < before;
        let ids: Vec<_> =
            self.jobs.iter().filter(|(_, k)| over(k)).map(|(id, _)| *id).take(max).collect();
        let mut swept = Swept { notes, ..Swept::default() };
        for id in ids {
            let Some(kept) = self.jobs.remove(&id) else {
                continue;
            };
            if let Some(idempotency) = kept.idempotency {
                self.keys.remove(&idempotency.key);
            }
            swept.jobs += 1;
            swept.bytes += kept.result.map_or(0, |r| r.len() as u64);
        }
        swept
    }

    fn count(&self, state: State) -> u64 {
        let is = |kept: &&Kept| kept.over.as_ref().is_some_and(|row| row.state == state);
        self.jobs.values().filter(is).count() as u64
    }
}

impl Store for MemoryStore {
    fn submit(&self, jobs: Vec<NewJob>, now: Timestamp) -> BoxFuture<'_, Result<Vec<Submitted>>> {
        self.with(|inner| {
            inner.scheduler.check_jobs(&jobs)?;
            jobs.into_iter().map(|job| inner.submit(job, now)).collect()
        })
    }

    fn claim(
        &self,
        stage: &Stage,
        max: usize,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Claimed>>> {
        self.with(|inner| {
            let decided = inner.scheduler.claim(stage, max, until, now)?;
            Ok(inner.claimed(stage, decided, now))
        })
    }

    fn claim_lane(
        &self,
        stage: &Stage,
        lane: &LaneKey,
        max: usize,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Claimed>>> {
        self.with(|inner| {
            let decided = inner.scheduler.claim_lane(stage, lane, max, (until, now))?;
            Ok(inner.claimed(stage, decided, now))
        })
    }

    fn extend(
        &self,
        leases: Vec<Lease>,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<bool>>> {
        self.with(|inner| {
            Ok(leases.into_iter().map(|l| inner.scheduler.extend(l, until, now)).collect())
        })
    }

    fn settle(
        &self,
        outcomes: Vec<Settlement>,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Settled>>> {
        self.with(|inner| {
            inner.scheduler.check_stages(&outcomes)?;
            let mut answers = Vec::with_capacity(outcomes.len());
            for settlement in outcomes {
                let decision = inner.scheduler.settle(settlement, now);
                answers.push(if decision.is_some() {
                    Settled::Recorded
                } else {
                    Settled::LeaseLost
                });
                if let Some(decision) = decision {
                    inner.keep(decision, now);
                }
            }
            Ok(answers)
        })
    }

    fn result(&self, id: JobId) -> BoxFuture<'_, Result<Option<Bytes>>> {
        self.with(|inner| Ok(inner.jobs.get(&id).and_then(|k| k.result.clone())))
    }

    fn attempts(&self, id: JobId) -> BoxFuture<'_, Result<Option<Vec<Bytes>>>> {
        self.with(|inner| Ok(inner.jobs.get(&id).map(|kept| kept.ledger.clone().into_attempts())))
    }

    fn note(&self, space: &'static str, key: [u8; 32]) -> BoxFuture<'_, Result<Option<Note>>> {
        self.with(|inner| Ok(inner.notes.get(&(space, key))))
    }

    fn get(&self, id: JobId) -> BoxFuture<'_, Result<Option<Record>>> {
        self.with(|inner| Ok(inner.record(id)))
    }

    fn list(
        &self,
        filter: Filter,
        before: Option<JobId>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Record>>> {
        self.with(|inner| {
            let Range { start, end } = filter.ids(before);
            let ids = inner.jobs.range(start..end.max(start)).rev();
            let records = ids.filter_map(|(id, _)| inner.record(*id));
            Ok(records.filter(|r| filter.matches(r)).take(limit).collect())
        })
    }

    fn cancel(
        &self,
        id: JobId,
        next: Option<Next>,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Cancelled>> {
        self.with(|inner| match inner.scheduler.cancel(id, next, now)? {
            Some(decision) => {
                inner.keep(decision, now);
                Ok(Cancelled::Yes)
            }
            None if inner.jobs.contains_key(&id) => Ok(Cancelled::Over),
            None => Ok(Cancelled::Unknown),
        })
    }

    fn redrive(&self, id: JobId, to: Redrive, now: Timestamp) -> BoxFuture<'_, Result<Redriven>> {
        self.with(|inner| inner.redrive(id, to, now))
    }

    fn tell(
        &self,
        stage: &Stage,
        lane: &LaneKey,
        news: LaneNews,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<()>> {
        self.with(|inner| inner.scheduler.tell(stage, lane, news, now).map(|_| ()))
    }

    fn relimit(&self, stage: &Stage) {
        self.lock().scheduler.relimit(stage);
    }

    fn put_document(
        &self,
        space: &'static str,
        key: String,
        value: Option<Bytes>,
    ) -> BoxFuture<'_, Result<()>> {
        self.with(|inner| inner.put_document((space, key), value))
    }

    fn document(&self, space: &'static str, key: String) -> BoxFuture<'_, Result<Option<Bytes>>> {
        self.with(|inner| Ok(inner.documents.get(&(space, key)).cloned()))
    }

    fn documents(&self, space: &'static str) -> BoxFuture<'_, Result<Vec<(String, Bytes)>>> {
        self.with(|inner| {
            let all = inner.documents.iter().filter(|((of, _), _)| *of == space);
            Ok(all.map(|((_, key), value)| (key.clone(), value.clone())).collect())
        })
    }

    fn group(&self, id: JobId) -> Option<Group> {
        self.lock().scheduler.groups.get(id)
    }

    fn groups_signal(&self) -> Arc<Notify> {
        self.lock().scheduler.groups.signal.clone()
    }

    fn forget_group(&self, id: JobId) -> BoxFuture<'_, Result<()>> {
        self.with(|inner| {
            inner.scheduler.groups.forget(id);
            Ok(())
        })
    }

    fn sweep(&self, before: Timestamp, max: usize) -> BoxFuture<'_, Result<Swept>> {
        self.with(|inner| Ok(inner.sweep(before, max)))
    }

    fn flush(&self) -> BoxFuture<'_, Result<()>> {
        self.with(|_| Ok(()))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        self.lock().closed = true;
        future::ready(Ok(())).boxed()
    }

    fn signal(&self, stage: &Stage) -> Arc<Notify> {
        self.lock().scheduler.signal(stage)
    }

    fn next_due(&self, stage: &Stage) -> Option<Timestamp> {
        self.lock().scheduler.next_due(stage)
    }

    fn counts(&self) -> Counts {
        let inner = self.lock();
        Counts {
            stages: inner.scheduler.stage_counts(),
            done: inner.count(State::Done),
            dead: inner.count(State::Dead),
            cancelled: inner.count(State::Cancelled),
            live_bytes: inner.scheduler.live_bytes(),
        }
    }

    fn oldest_due(&self, stage: &Stage) -> Option<Timestamp> {
        self.lock().scheduler.oldest_due(stage)
    }

    fn lanes(&self, limit: usize, now: Timestamp) -> Vec<LaneView> {
        self.lock().scheduler.lanes(limit, now)
    }

    fn health(&self) -> Result<()> {
        if self.lock().closed {
            return Err(Error::closed());
        }
        Ok(())
    }

    fn failed(&self) -> BoxFuture<'_, String> {
        future::pending().boxed()
    }
}
