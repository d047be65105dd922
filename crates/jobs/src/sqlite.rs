//! The embedded store: SQLite for state, append-only segments for results.

mod admission;
mod checkpoint;
mod directory;
mod failure;
mod list;
mod moving;
mod ram;
mod readers;
mod retention;
mod rows;
mod schema;
mod segments;
mod shared;
mod unwritten_notes;
mod writer;

pub use self::moving::{SqliteSource, SqliteTarget};

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use crossbeam_channel::{Sender, bounded};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use crate::document;
use crate::scheduler::{Decision, LaneChange, Scheduler, Taken};
use crate::sqlite::admission::Admission;
use crate::sqlite::checkpoint::Wal;
use crate::sqlite::directory::Directory;
use crate::sqlite::failure::{Doing, io_error, sqlite_error};
use crate::sqlite::ram::Ram;
use crate::sqlite::segments::Segments;
use crate::sqlite::shared::Shared;
use crate::sqlite::writer::{Command, NewDocument, NotesOnDisk, Submission, Writer};
use crate::{
    Cancelled, Claimed, Clock, Config, Counts, Error, ErrorKind, Filter, Group, JobId, LaneKey,
    LaneNews, LaneView, Lease, NewJob, Next, Note, Outcome, Record, Redrive, Redriven, Result,
    Settled, Settlement, Stage, Store, Submitted, Swept, SystemClock, Timestamp,
};

/// How the embedded store uses memory and disk.
#[derive(Clone, Copy, Debug)]
pub struct SqliteConfig {
    /// Bytes of results, ledger entries and notes in memory that are not on disk yet; `settle`
    /// waits above it.
    /// Default 64 MiB.
    pub hot_bytes: u64,
    /// Size at which a segment is closed and the next begun. Default 128 MiB.
    pub segment_bytes: u64,
}

impl Default for SqliteConfig {
    fn default() -> Self {
        Self { hot_bytes: 64 << 20, segment_bytes: 128 << 20 }
    }
}

/// The durable store in one directory, for one process.
///
/// Accepted jobs and documents are committed in groups, `synchronous=FULL`, by one writer thread.
/// Decisions
/// (`settle`, `cancel`, what is learned of lanes, notes) take effect in memory at once and are on disk within about
/// 100 ms; a result and the decision that follows it often become one write. A sync that fails
/// is final: everything answers [`ErrorKind::Unavailable`] until the directory is opened again.
/// A full disk is not: `submit` answers [`ErrorKind::NoSpace`] until there is space, and
/// decisions wait in memory, up to [`SqliteConfig::hot_bytes`].
#[derive(Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
    commands: Option<Sender<Command>>,
    /// As many as the channel has places beyond the one for a poke.
    permits: Arc<Semaphore>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// Calls that wait for the writer at once; more wait for a permit.
const CHANNEL: usize = 4096;
/// Specs read in one go when they are not in memory any more.
const SPECS_AT_ONCE: usize = 64;
/// Places in the channel for pokes, which take no permit; one that finds none is not needed.
const POKES: usize = 16;

impl SqliteStore {
    /// Opens or makes the store in `dir` with the default [`SqliteConfig`].
    pub fn open(dir: &Path, config: Config) -> Result<Arc<Self>> {
        Self::open_with(dir, config, SqliteConfig::default())
    }

    /// Opens or makes the store in `dir`. Blocks: call it before serving.
    ///
    /// # Errors
    /// [`ErrorKind::InUse`] when another process has the directory; [`ErrorKind::Unusable`] when
    /// it cannot be used, was written by a newer version, or an import into it is not finished;
    /// [`ErrorKind::NoSpace`];
    /// [`ErrorKind::Corrupt`]; [`ErrorKind::Unavailable`] when it cannot be synced.
    pub fn open_with(dir: &Path, config: Config, sqlite: SqliteConfig) -> Result<Arc<Self>> {
        let Config { stages, bounds } = config;
        let directory = Directory::open(dir)?;
        let path = directory.database();
        let read_failed = |e: rusqlite::Error| sqlite_error(&e, Doing(&path, "read database"));
        let mut db = schema::open_writer(&path)?;
        moving::check_finished(&db, &directory)?;
        directory.sync().map_err(|e| io_error(e, Doing(dir, "sync")))?;
        let now = SystemClock.now();
        let mut scheduler = Scheduler::new(stages, bounds);
        if rows::times_opened(&db).map_err(read_failed)? > 1 {
            scheduler.reopened(now);
        }
        rows::each_group(&db, |id, group| scheduler.groups.restore(id, group))
            .map_err(read_failed)?;
        let mut stray = None;
        rows::each_live(&db, |found| {
            stray = scheduler.enter(&found, now).err().or(stray.take());
        })
        .map_err(read_failed)?;
        if let Some(error) = stray {
            // A job whose stage nobody works on would wait for ever, unseen.
            return Err(Error::new(ErrorKind::Unusable, error.to_string()));
        }
        rows::each_lane(&db, |stage, key, memo| scheduler.restore_lane(&stage, &key, memo, now))
            .map_err(read_failed)?;
        let over = rows::over(&db).map_err(read_failed)?;
        let usage = rows::usage(&db).map_err(read_failed)?;
        let segments = Segments::open(directory.segments(), sqlite.segment_bytes, usage)
            .map_err(|e| io_error(e, Doing(dir, "open segments in")))?;
        let shared = Arc::new(Shared::new(Ram::new(scheduler, over), directory, sqlite.hot_bytes));
        let wal = Wal::start(&mut db, path.clone(), shared.clone())?;
        let (commands, receiver) = bounded(CHANNEL + POKES);
        let notes =
            NotesOnDisk { count: rows::count_notes(&db).map_err(read_failed)?, most: bounds.notes };
        let writer =
            Writer { shared: shared.clone(), db, segments, over, notes, wal, commands: receiver };
        let thread = thread::Builder::new()
            .name("jobs-writer".into())
            .spawn(move || guard(writer))
            .map_err(|e| Error::new(ErrorKind::Unavailable, "cannot start a thread").because(e))?;
        Ok(Arc::new(Self {
            shared,
            commands: Some(commands),
            permits: Arc::new(Semaphore::new(CHANNEL)),
            writer: Mutex::new(Some(thread)),
        }))
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        self.shared.check()?;
        let closed = |_| Error::closed();
        self.permits.clone().acquire_owned().await.map_err(closed)
    }

    /// Has the writer do something, and waits for its answer.
    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T>>) -> Command,
    ) -> Result<T> {
        let permit = self.permit().await?;
        let (reply, answer) = oneshot::channel();
        self.send(command(reply))?;
        let answer = answer.await;
        drop(permit);
        answer.unwrap_or_else(|_| Err(Error::closed()))
    }

    fn send(&self, command: Command) -> Result<()> {
        let sent = self.commands.as_ref().map(|commands| commands.try_send(command));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(Error::closed()),
        }
    }

    /// Keeps decisions for the writer.
    fn keep(&self, decisions: impl IntoIterator<Item = Decision>, ram: &mut Ram, now: Timestamp) {
        let mut any = false;
        for decision in decisions {
            ram.keep(decision, now);
            any = true;
        }
        if any {
            self.poke(ram);
        }
    }

    /// Keeps what is known of lanes for the writer.
    fn keep_lanes(&self, changes: Vec<LaneChange>, ram: &mut Ram) {
        if !changes.is_empty() {
            ram.keep_lanes(changes);
            self.poke(ram);
        }
    }

    /// Has the writer look for what there is to write, unless it will by itself.
    fn poke(&self, ram: &mut Ram) {
        let pressed = ram.is_pressed(self.shared.hot_limit) && !ram.hurried;
        if !ram.expected || pressed {
            ram.expected = true;
            ram.hurried |= pressed;
            // A full channel means that the writer is awake and looks by itself.
            let _ = self.send(Command::Poke);
        }
    }

    /// Waits while results come faster than the disk takes them.
    async fn room(&self, bytes: u64) -> Result<()> {
        loop {
            let room = self.shared.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            self.shared.check()?;
            if self.shared.look(|ram| ram.has_room(bytes, self.shared.hot_limit)) {
                return Ok(());
            }
            room.await;
        }
    }

    async fn submit_all(&self, jobs: Vec<NewJob>, now: Timestamp) -> Result<Vec<Submitted>> {
        let permit = self.permit().await?;
        let Admission { answers, admitted, repeats } =
            self.shared.look(|ram| Admission::of(jobs, ram))?;
        // Sent before anything else is waited for: what was admitted holds room, and only the
        // writer gives it back when this future is dropped.
        let writing = if admitted.is_empty() {
            Err(answers)
        } else {
            let (reply, written) = oneshot::channel();
            let submission = Submission { answers, jobs: admitted, now, reply, _permit: permit };
            self.submit_now(submission)?;
            Ok(written)
        };
        let known = self.recognise(repeats).await;
        let mut answers: Vec<_> = match writing {
            Err(answers) => answers.into_iter().flatten().collect(),
            Ok(written) => written.await.unwrap_or_else(|_| Err(Error::closed()))?,
        };
        for (at, answer) in known? {
            answers[at] = answer;
        }
        Ok(answers)
    }

    fn submit_now(&self, submission: Submission) -> Result<()> {
        let commands = self.commands.as_ref().ok_or_else(Error::closed)?;
        let Err(unsent) = commands.try_send(Command::Submit(submission)) else { return Ok(()) };
        if let Command::Submit(submission) = unsent.into_inner() {
            // The writer is gone, and will not give the room back.
            self.shared.look(|ram| ram.scheduler.unadmit_all(&submission.jobs));
        }
        Err(Error::closed())
    }

    /// Repeats are answered as such even when there is no room for anything new.
    async fn recognise(&self, repeats: Vec<(usize, NewJob)>) -> Result<Vec<(usize, Submitted)>> {
        if repeats.is_empty() {
            return Ok(Vec::new());
        }
        let shared = self.shared.clone();
        let known = self.shared.readers.read(move |db| {
            let news = |id| shared.look(|ram| ram.standing(id));
            let known =
                |(at, job)| Ok((at, rows::known(db, &job, &news)?.unwrap_or(Submitted::Full)));
            repeats.into_iter().map(known).collect::<rusqlite::Result<Vec<_>>>()
        });
        known.await
    }

    async fn claim_some(
        &self,
        stage: Stage,
        claim: impl FnOnce(&mut Scheduler, &Stage) -> Result<(Vec<Taken>, Vec<Decision>)>,
        now: Timestamp,
    ) -> Result<Vec<Claimed>> {
        self.shared.check()?;
        let (found, missing) = self.shared.look(|ram| {
            let (taken, expired) = claim(&mut ram.scheduler, &stage)?;
            self.keep(expired, ram, now);
            let mut found = Vec::with_capacity(taken.len());
            let mut missing = Vec::new();
            for (at, taken) in taken.into_iter().enumerate() {
                match ram.specs.get(taken.lease.id) {
                    Some(spec) => found.push(taken.into_claimed(&stage, spec)),
                    None => missing.push((at, taken)),
                }
            }
            Ok::<_, Error>((found, missing))
        })?;
        if missing.is_empty() {
            return Ok(found);
        }
        let leases: Vec<_> =
            found.iter().map(|c| c.lease).chain(missing.iter().map(|(_, t)| t.lease)).collect();
        let (places, missing): (Vec<_>, Vec<_>) = missing.into_iter().unzip();
        match self.read_specs(&stage, missing).await {
            Ok(read) => {
                // In the order in which they were given out.
                let mut claimed = found;
                places.into_iter().zip(read).for_each(|(at, read)| claimed.insert(at, read));
                Ok(claimed)
            }
            Err(error) => {
                // Nobody will work on these: they must not stay leased until their time is up.
                self.shared.look(|ram| {
                    for lease in leases {
                        let outcome = Outcome::Release { at: now };
                        let settlement = Settlement::new(lease, outcome);
                        let decision = ram.scheduler.settle(settlement, now);
                        self.keep(decision, ram, now);
                    }
                });
                Err(error)
            }
        }
    }

    /// Reads what was accepted, a few at a time: each read has its own limit of time.
    async fn read_specs(&self, stage: &Stage, taken: Vec<Taken>) -> Result<Vec<Claimed>> {
        let mut claimed = Vec::with_capacity(taken.len());
        let mut taken = taken.into_iter();
        loop {
            let slice: Vec<_> = taken.by_ref().take(SPECS_AT_ONCE).collect();
            if slice.is_empty() {
                return Ok(claimed);
            }
            let ids: Vec<_> = slice.iter().map(|t| t.lease.id).collect();
            let read = self.shared.readers.read(move |db| rows::specs(db, &ids));
            let slice = slice.into_iter().zip(read.await?);
            claimed.extend(slice.map(|(taken, spec)| taken.into_claimed(stage, spec)));
        }
    }

    async fn settle_all(&self, outcomes: Vec<Settlement>, now: Timestamp) -> Result<Vec<Settled>> {
        self.shared.check()?;
        self.shared.look(|ram| ram.scheduler.check_stages(&outcomes))?;
        let limit = self.shared.hot_limit;
        let mut answers = Vec::with_capacity(outcomes.len());
        let mut rest = outcomes.into_iter().peekable();
        while let Some(next) = rest.peek() {
            self.room(next.bytes()).await?;
            self.shared.look(|ram| {
                while let Some(settlement) = rest.next_if(|s| ram.has_room(s.bytes(), limit)) {
                    let decision = ram.scheduler.settle(settlement, now);
                    answers.push(match decision {
                        Some(_) => Settled::Recorded,
                        None => Settled::LeaseLost,
                    });
                    self.keep(decision, ram, now);
                }
            });
        }
        Ok(answers)
    }

    async fn read_result(&self, id: JobId) -> Result<Option<Bytes>> {
        self.shared.check()?;
        if let Some(result) = self.shared.look(|ram| ram.result(id)) {
            return Ok(Some(result));
        }
        // A result may be moved or swept away between the two reads: then look again, once.
        for _ in 0..2 {
            let Some(pointer) = self.shared.readers.read(move |db| rows::pointer(db, id)).await?
            else {
                return Ok(None);
            };
            let path = self.shared.directory.segments();
            let read = tokio::task::spawn_blocking(move || {
                segments::read(&path, pointer)
                    .map_err(|e| io_error(e, Doing(&path, "read a result in")))
            });
            let body = read.await.map_err(|e| {
                Error::new(ErrorKind::Unavailable, "a result read did not finish").because(e)
            })??;
            if let Some(body) = body {
                return Ok(Some(Bytes::from(body)));
            }
        }
        Ok(None)
    }

    async fn cancel_one(&self, id: JobId, next: Option<Next>, now: Timestamp) -> Result<Cancelled> {
        self.shared.check()?;
        let bytes = next.as_ref().map_or(0, |next| next.result.len() as u64);
        if self.shared.look(|ram| ram.disk_full && !ram.has_room(bytes, self.shared.hot_limit)) {
            return Err(Error::new(ErrorKind::NoSpace, "the disk is full"));
        }
        self.room(bytes).await?;
        let live = self.shared.look(|ram| {
            let decision = ram.scheduler.cancel(id, next, now)?;
            let live = decision.is_some();
            self.keep(decision, ram, now);
            Ok::<_, Error>(live)
        })?;
        if live {
            return Ok(Cancelled::Yes);
        }
        let known = self.shared.readers.read(move |db| rows::found(db, id)).await?.is_some();
        Ok(if known { Cancelled::Over } else { Cancelled::Unknown })
    }

    async fn close_all(&self) -> Result<()> {
        let answer = self.ask(|reply| Command::Close { reply }).await;
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            debug_assert!(matches!(joined, Ok(Ok(()))), "the writer does not panic");
        }
        self.shared.readers.close();
        self.shared.directory.unlock();
        answer
    }
}

/// A writer that is gone must not be taken for one that is slow.
fn guard(writer: Writer) {
    let shared = writer.shared.clone();
    if std::panic::catch_unwind(AssertUnwindSafe(|| writer.run())).is_err() {
        shared.fail(&Error::new(ErrorKind::Unavailable, "the writer thread panicked"));
    }
}

impl Drop for SqliteStore {
    /// Waits for the writer, so that the directory is free for whoever opens it next.
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

impl Store for SqliteStore {
    fn submit(&self, jobs: Vec<NewJob>, now: Timestamp) -> BoxFuture<'_, Result<Vec<Submitted>>> {
        self.submit_all(jobs, now).boxed()
    }

    fn claim(
        &self,
        stage: &Stage,
        max: usize,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Claimed>>> {
        let claim =
            move |scheduler: &mut Scheduler, stage: &Stage| scheduler.claim(stage, max, until, now);
        self.claim_some(stage.clone(), claim, now).boxed()
    }

    fn claim_lane(
        &self,
        stage: &Stage,
        lane: &LaneKey,
        max: usize,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Claimed>>> {
        let lane = lane.clone();
        let claim = move |scheduler: &mut Scheduler, stage: &Stage| {
            scheduler.claim_lane(stage, &lane, max, (until, now))
        };
        self.claim_some(stage.clone(), claim, now).boxed()
    }

    fn extend(
        &self,
        leases: Vec<Lease>,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<bool>>> {
        let answer = self.shared.check().map(|()| {
            self.shared.look(|ram| {
                leases.into_iter().map(|l| ram.scheduler.extend(l, until, now)).collect()
            })
        });
        futures_util::future::ready(answer).boxed()
    }

    fn settle(
        &self,
        outcomes: Vec<Settlement>,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<Settled>>> {
        self.settle_all(outcomes, now).boxed()
    }

    fn result(&self, id: JobId) -> BoxFuture<'_, Result<Option<Bytes>>> {
        self.read_result(id).boxed()
    }

    fn attempts(&self, id: JobId) -> BoxFuture<'_, Result<Option<Vec<Bytes>>>> {
        list::attempts(&self.shared, id).boxed()
    }

    fn note(&self, space: &'static str, key: [u8; 32]) -> BoxFuture<'_, Result<Option<Note>>> {
        list::note(&self.shared, (space, key)).boxed()
    }

    fn get(&self, id: JobId) -> BoxFuture<'_, Result<Option<Record>>> {
        list::get(&self.shared, id).boxed()
    }

    fn list(
        &self,
        filter: Filter,
        before: Option<JobId>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Record>>> {
        list::list(&self.shared, filter, before, limit).boxed()
    }

    fn cancel(
        &self,
        id: JobId,
        next: Option<Next>,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Cancelled>> {
        self.cancel_one(id, next, now).boxed()
    }

    fn redrive(&self, id: JobId, to: Redrive, now: Timestamp) -> BoxFuture<'_, Result<Redriven>> {
        async move {
            self.shared.look(|ram| ram.scheduler.index(&to.stage).map(|_| ()))?;
            self.ask(|reply| Command::Redrive { id, to, now, reply }).await
        }
        .boxed()
    }

    fn tell(
        &self,
        stage: &Stage,
        lane: &LaneKey,
        news: LaneNews,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<()>> {
        let answer = self.shared.check().and_then(|()| {
            self.shared.look(|ram| {
                let changes = ram.scheduler.tell(stage, lane, news, now)?;
                self.keep_lanes(changes, ram);
                Ok(())
            })
        });
        futures_util::future::ready(answer).boxed()
    }

    fn relimit(&self, stage: &Stage) {
        self.shared.look(|ram| ram.scheduler.relimit(stage));
    }

    fn put_document(
        &self,
        space: &'static str,
        key: String,
        value: Option<Bytes>,
    ) -> BoxFuture<'_, Result<()>> {
        async move {
            let place = (space, key);
            document::check(&place, value.as_ref())?;
            self.ask(|reply| Command::Document(NewDocument { place, value, reply })).await
        }
        .boxed()
    }

    fn document(&self, space: &'static str, key: String) -> BoxFuture<'_, Result<Option<Bytes>>> {
        list::document(&self.shared, (space, key)).boxed()
    }

    fn documents(&self, space: &'static str) -> BoxFuture<'_, Result<Vec<(String, Bytes)>>> {
        list::documents(&self.shared, space).boxed()
    }

    fn group(&self, id: JobId) -> Option<Group> {
        self.shared.look(|ram| ram.scheduler.groups.get(id))
    }

    fn groups_signal(&self) -> Arc<Notify> {
        self.shared.look(|ram| ram.scheduler.groups.signal.clone())
    }

    fn forget_group(&self, id: JobId) -> BoxFuture<'_, Result<()>> {
        self.ask(move |reply| Command::ForgetGroup { id, reply }).boxed()
    }

    fn sweep(&self, before: Timestamp, max: usize) -> BoxFuture<'_, Result<Swept>> {
        self.ask(move |reply| Command::Sweep { before, max, reply }).boxed()
    }

    fn flush(&self) -> BoxFuture<'_, Result<()>> {
        self.ask(|reply| Command::Flush { reply }).boxed()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        self.close_all().boxed()
    }

    fn signal(&self, stage: &Stage) -> Arc<Notify> {
        self.shared.look(|ram| ram.scheduler.signal(stage))
    }

    fn next_due(&self, stage: &Stage) -> Option<Timestamp> {
        self.shared.look(|ram| ram.scheduler.next_due(stage))
    }

    fn counts(&self) -> Counts {
        self.shared.look(|ram| Counts {
            stages: ram.scheduler.stage_counts(),
            done: ram.over.done,
            dead: ram.over.dead,
            cancelled: ram.over.cancelled,
            live_bytes: ram.scheduler.live_bytes(),
        })
    }

    fn oldest_due(&self, stage: &Stage) -> Option<Timestamp> {
        self.shared.look(|ram| ram.scheduler.oldest_due(stage))
    }

    fn lanes(&self, limit: usize, now: Timestamp) -> Vec<LaneView> {
        self.shared.look(|ram| ram.scheduler.lanes(limit, now))
    }

    fn health(&self) -> Result<()> {
        self.shared.check()?;
        if self.shared.look(|ram| ram.disk_full) {
            return Err(Error::new(ErrorKind::NoSpace, "the disk is full"));
        }
        Ok(())
    }

    fn failed(&self) -> BoxFuture<'_, String> {
        self.shared.failed()
    }
}
