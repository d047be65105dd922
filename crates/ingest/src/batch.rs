//! Batches as they are kept: which there are, and in what state.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jobs::{Group, JobId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::{Notify, OnceCell};
use tokio_util::sync::CancellationToken;

use crate::Sink;
use crate::auth::Caller;
use crate::problem::{Kind, Problem};
use crate::router::{Api, store_problem};
use crate::submit::key_busy;

/// The space of the store's documents that batches are kept in, by their ids.
pub(crate) const BATCHES: &str = "batches";
/// Batches that are kept at once: those under way, and those completed not long ago.
const MOST: usize = 10_000;
/// Batches received at once: each holds a few MiB.
const RECEIVED_AT_ONCE: usize = 8;
/// What a caller waits while as many are received as may be, in seconds.
const RECEIVED_RETRY_S: u64 = 5;
/// What a caller waits while as many are kept as may be, in seconds.
const KEPT_RETRY_S: u64 = 60;

/// A batch, as it is stored. How its jobs went is the store's to tell ([`jobs::Store::group`]).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// When it began; milliseconds since the Unix epoch.
    pub(crate) created_ms: u64,
    /// The id of the key it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    /// Where `batch.completed` goes; `None` for a named or the server's default sink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sink: Option<Sink>,
    /// The name of the sink where it goes; never together with `sink`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sink_name: Option<String>,
    /// The owner's, told back with the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<Box<RawValue>>,
    /// Lines that were refused.
    #[serde(default)]
    pub(crate) refused: u64,
    /// Whether no more jobs come to it.
    #[serde(default)]
    pub(crate) is_closed: bool,
    /// When its last job's outcome was known and `batch.completed` was accepted for delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) completed_ms: Option<u64>,
    /// Whether it ended before its owner said that it was whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_interrupted: bool,
    /// How many jobs it had when it was completed: with more it is to be completed again.
    #[serde(default)]
    pub(crate) completed_jobs: u64,
}

impl Batch {
    /// An empty one that begins at `created_ms`.
    pub(crate) const fn new(created_ms: u64) -> Self {
        Self {
            created_ms,
            owner: None,
            sink: None,
            sink_name: None,
            metadata: None,
            refused: 0,
            is_closed: false,
            completed_ms: None,
            is_interrupted: false,
            completed_jobs: 0,
        }
    }
}

/// Where a batch is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Jobs come to it.
    Open,
    /// None do any more.
    Closed,
    /// It is just being completed.
    Completing,
    /// Every outcome was known at this time, in milliseconds since the Unix epoch.
    Completed(u64),
}

impl Phase {
    const fn of(batch: &Batch) -> Self {
        match (batch.completed_ms, batch.is_closed) {
            (Some(at), _) => Self::Completed(at),
            (None, true) => Self::Closed,
            (None, false) => Self::Open,
        }
    }
}

/// Which batches there are. What is in memory is little; the rest is in the store.
#[derive(Default)]
pub(crate) struct Batches {
    table: Mutex<Table>,
    loaded: OnceCell<()>,
    /// A batch may be complete.
    pub(crate) news: Notify,
}

#[derive(Default)]
struct Table {
    known: HashMap<JobId, Known>,
    /// By the time they began.
    order: BTreeSet<(u64, JobId)>,
    receiving: usize,
}

struct Known {
    created_ms: u64,
    owner: Option<Arc<str>>,
    phase: Phase,
    /// [`Batch::completed_jobs`].
    completed_jobs: u64,
    /// Set while it is received.
    upload: Option<Upload>,
    /// Whether somebody is calling its jobs off.
    is_called_off: bool,
}

impl Known {
    fn new(batch: &Batch) -> Self {
        Self {
            created_ms: batch.created_ms,
            owner: batch.owner.as_deref().map(Into::into),
            phase: Phase::of(batch),
            completed_jobs: batch.completed_jobs,
            upload: None,
            is_called_off: false,
        }
    }
}

/// A batch being received, for others than who receives it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upload {
    /// Ends it.
    pub(crate) stop: CancellationToken,
    /// It has ended.
    pub(crate) over: CancellationToken,
}

impl Table {
    fn insert(&mut self, id: JobId, known: Known) {
        self.order.insert((known.created_ms, id));
        self.known.insert(id, known);
    }

    fn remove(&mut self, id: JobId) {
        if let Some(known) = self.known.remove(&id) {
            self.order.remove(&(known.created_ms, id));
        }
    }
}

impl Batches {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is to be known of a batch that was just stored.
    fn keep(&self, id: JobId, batch: &Batch) {
        let phase = Phase::of(batch);
        let mut table = self.lock();
        match table.known.get_mut(&id) {
            Some(known) => {
                known.phase = phase;
                known.completed_jobs = batch.completed_jobs;
            }
            None => table.insert(id, Known::new(batch)),
        }
        drop(table);
        if phase == Phase::Closed {
            self.news.notify_one();
        }
    }

    /// Begins to receive a batch, or goes on with it.
    fn open(&self, id: JobId, batch: &Batch) -> Result<Upload, Problem> {
        let mut table = self.lock();
        let (kept, receiving) = (table.known.len(), table.receiving);
        let too_many =
            |detail: String, seconds| Err(Problem::new(Kind::TooMany, detail).retry_after(seconds));
        let upload = Upload::default();
        if receiving >= RECEIVED_AT_ONCE {
            let detail = format!("{receiving} batches are being received, as many as may be");
            return too_many(detail, RECEIVED_RETRY_S);
        }
        match table.known.get_mut(&id) {
            Some(Known { phase: Phase::Completing, .. } | Known { upload: Some(_), .. }) => {
                return Err(key_busy("the batch with this key is still being received"));
            }
            Some(known) => {
                known.upload = Some(upload.clone());
            }
            None if kept >= MOST => {
                let detail = format!("{kept} batches are kept, as many as may be");
                return too_many(detail, KEPT_RETRY_S);
            }
            None => {
                let upload = Some(upload.clone());
                table.insert(id, Known { upload, ..Known::new(batch) });
            }
        }
        table.receiving += 1;
        Ok(upload)
    }

    /// Nobody receives a batch any more, which has so many jobs. One that was never stored is not
    /// there.
    fn close(&self, id: JobId, jobs: u64, is_stored: bool) {
        let mut table = self.lock();
        table.receiving -= 1;
        let Some(known) = table.known.get_mut(&id) else {
            return;
        };
        if let Some(upload) = known.upload.take() {
            upload.over.cancel();
        }
        let was_completed = matches!(known.phase, Phase::Completed(_));
        if known.phase == Phase::Open && !is_stored && jobs == 0 {
            table.remove(id);
        } else if !was_completed || known.completed_jobs < jobs {
            known.phase = Phase::Closed;
        }
        drop(table);
        self.news.notify_one();
    }

    /// A batch's place in its life, and whoever receives it.
    pub(crate) fn phase(&self, id: JobId) -> Option<(Phase, Option<Upload>)> {
        self.lock().known.get(&id).map(|known| (known.phase, known.upload.clone()))
    }

    /// Batches to which no more jobs come and that are not completed.
    pub(crate) fn closed(&self) -> Vec<JobId> {
        let table = self.lock();
        let closed = |known: &Known| known.phase == Phase::Closed && known.upload.is_none();
        table.known.iter().filter(|(_, known)| closed(known)).map(|(id, _)| *id).collect()
    }

    /// Takes a batch in hand to complete it; `false` when it is not to be completed just now.
    pub(crate) fn begin_completing(&self, id: JobId) -> bool {
        let mut table = self.lock();
        let known = table
            .known
            .get_mut(&id)
            .filter(|known| known.phase == Phase::Closed && known.upload.is_none());
        known.map(|known| known.phase = Phase::Completing).is_some()
    }

    /// Lets go of one that was in hand to be completed; it may be completed now.
    pub(crate) fn end_completing(&self, id: JobId, completed_ms: Option<u64>) {
        if let Some(known) = self.lock().known.get_mut(&id) {
            known.phase = completed_ms.map_or(Phase::Closed, Phase::Completed);
        }
    }

    /// Batches that were completed before this time, in milliseconds since the Unix epoch.
    pub(crate) fn completed_before(&self, before_ms: u64) -> Vec<JobId> {
        let table = self.lock();
        let old = |known: &Known| matches!(known.phase, Phase::Completed(at) if at < before_ms);
        let old = table.known.iter().filter(|(_, known)| old(known) && known.upload.is_none());
        old.map(|(id, _)| *id).collect()
    }

    /// Begins to call a batch's jobs off; `false` when somebody does so already.
    pub(crate) fn begin_calling_off(&self, id: JobId) -> bool {
        let mut table = self.lock();
        let known = table.known.get_mut(&id).filter(|known| !known.is_called_off);
        known.map(|known| known.is_called_off = true).is_some()
    }

    /// Nobody calls its jobs off any more.
    pub(crate) fn end_calling_off(&self, id: JobId) {
        if let Some(known) = self.lock().known.get_mut(&id) {
            known.is_called_off = false;
        }
    }

    /// Leaves a batch out from now on.
    pub(crate) fn forget(&self, id: JobId) {
        self.lock().remove(id);
    }

    /// Those that `caller` may see, newest first, that began before `before`; at most `limit`.
    pub(crate) fn list(
        &self,
        caller: &Caller,
        before: Option<(u64, JobId)>,
        limit: usize,
    ) -> Vec<(u64, JobId)> {
        let table = self.lock();
        let all = match before {
            Some(place) => table.order.range(..place),
            None => table.order.range(..),
        };
        let seen = |(_, id): &&(u64, JobId)| {
            table.known.get(id).is_some_and(|known| caller.may_see(known.owner.as_deref()))
        };
        all.rev().filter(seen).take(limit).copied().collect()
    }
}

/// The right to add jobs to a batch; when it is dropped, nobody does any more.
pub(crate) struct Receiving {
    api: Arc<Api>,
    pub(crate) id: JobId,
    pub(crate) upload: Upload,
    is_stored: bool,
}

impl Receiving {
    /// The batch is on disk.
    pub(crate) const fn stored(&mut self) {
        self.is_stored = true;
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        let jobs = self.api.batch_jobs(self.id).jobs;
        self.api.batches.close(self.id, jobs, self.is_stored);
    }
}

impl Api {
    /// Reads which batches there are, once. Those of an earlier process have all they will get.
    pub(crate) async fn load_batches(&self) -> jobs::Result<()> {
        let read = async {
            for (key, bytes) in self.store.documents(BATCHES).await? {
                let (Ok(id), Ok(batch)) = (key.parse(), serde_json::from_slice::<Batch>(&bytes))
                else {
                    tracing::warn!(key, "a stored batch cannot be read; it is left alone");
                    continue;
                };
                let is_completed = batch.completed_jobs >= self.batch_jobs(id).jobs;
                let completed_ms = batch.completed_ms.filter(|_| is_completed);
                self.batches.keep(id, &Batch { is_closed: true, completed_ms, ..batch });
            }
            Ok(())
        };
        self.batches.loaded.get_or_try_init(|| read).await.copied()
    }

    /// The batch with this id, whosever it is.
    pub(crate) async fn stored_batch(&self, id: JobId) -> Result<Option<Batch>, Problem> {
        let found = self.store.document(BATCHES, id.to_string()).await;
        let Some(bytes) = found.map_err(|error| store_problem(&error))? else {
            return Ok(None);
        };
        let unreadable = |_| Problem::new(Kind::Internal, format!("batch {id} cannot be read"));
        serde_json::from_slice(&bytes).map(Some).map_err(unreadable)
    }

    /// Puts a batch on disk, in the place of what is there.
    pub(crate) async fn store_batch(&self, id: JobId, batch: &Batch) -> Result<(), Problem> {
        self.load_batches().await.map_err(|error| store_problem(&error))?;
        let bytes = serde_json::to_vec(batch).expect("string keys, and a Vec takes every byte");
        let kept = self.store.put_document(BATCHES, id.to_string(), Some(Bytes::from(bytes)));
        kept.await.map_err(|error| store_problem(&error))?;
        self.batches.keep(id, batch);
        Ok(())
    }

    /// How a batch's jobs went so far.
    pub(crate) fn batch_jobs(&self, id: JobId) -> Group {
        self.store.group(id).unwrap_or_default()
    }
}

impl Caller {
    /// Puts a batch on disk, in the place of what is there.
    pub(crate) async fn keep_batch(&self, id: JobId, batch: &Batch) -> Result<(), Problem> {
        self.store_batch(id, batch).await
    }

    /// The batch with this id. Another's is not there.
    pub(crate) async fn batch(&self, id: JobId) -> Result<Batch, Problem> {
        let found = self.stored_batch(id).await?;
        let seen = found.filter(|batch| self.may_see(batch.owner.as_deref()));
        seen.ok_or_else(|| Problem::new(Kind::NotFound, format!("there is no batch {id}")))
    }

    /// Begins to receive a batch, or goes on with it. Only one at a time may.
    pub(crate) async fn receive(&self, id: JobId, batch: &Batch) -> Result<Receiving, Problem> {
        self.load_batches().await.map_err(|error| store_problem(&error))?;
        let upload = self.batches.open(id, batch)?;
        Ok(Receiving { api: self.shared(), id, upload, is_stored: false })
    }
}
