//! The one thread that writes: group commit of what is accepted, write-behind of what is decided.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;
use tracing::{error, warn};

use crate::document::Place;
use crate::ledger::Ledger;
use crate::sqlite::checkpoint::Wal;
use crate::sqlite::failure::{Doing, io_error, sqlite_error};
use crate::sqlite::ram::{Dirty, Lanes, Over};
use crate::sqlite::rows;
use crate::sqlite::segments::{AppendError, Pointer, Segments};
use crate::sqlite::shared::Shared;
use crate::transition::{Event, transition};
use crate::{
    Error, ErrorKind, Group, JobId, NewJob, Redrive, Redriven, Result, Submitted, Swept, Timestamp,
};

/// Something only the writer does.
#[derive(Debug)]
pub(super) enum Command {
    /// There are decisions to write.
    Poke,
    Submit(Submission),
    Document(NewDocument),
    Redrive {
        id: JobId,
        to: Redrive,
        now: Timestamp,
        reply: Reply<Redriven>,
    },
    ForgetGroup {
        id: JobId,
        reply: Reply<()>,
    },
    Sweep {
        before: Timestamp,
        max: usize,
        reply: Reply<Swept>,
    },
    Flush {
        reply: Reply<()>,
    },
    Close {
        reply: Reply<()>,
    },
}

/// Jobs that were admitted, to be written before anybody hears of them.
#[derive(Debug)]
pub(super) struct Submission {
    /// One per job asked for; `Some` where the answer is known already.
    pub(super) answers: Vec<Option<Submitted>>,
    /// Those still to be written, in the order of the open answers.
    pub(super) jobs: Vec<NewJob>,
    pub(super) now: Timestamp,
    pub(super) reply: oneshot::Sender<Result<Vec<Submitted>>>,
    /// Room in the channel, so that sending never blocks.
    pub(super) _permit: OwnedSemaphorePermit,
}

/// A document to be written, or removed, before anybody hears of it.
#[derive(Debug)]
pub(super) struct NewDocument {
    pub(super) place: Place,
    pub(super) value: Option<Bytes>,
    pub(super) reply: Reply<()>,
}

pub(super) type Reply<T> = oneshot::Sender<Result<T>>;

/// Jobs in one accepting transaction, at most (a submission is never split).
const GROUP: usize = 1024;
/// Least time between two flushes of decisions.
const FLUSH_EVERY: Duration = Duration::from_millis(50);
/// The same while the disk is full.
const FULL_DISK_EVERY: Duration = Duration::from_millis(500);
/// A decision that is not the last of its job may be passed by this often.
const PATIENCE: u8 = 1;

/// How many notes there are, and may be.
#[derive(Clone, Copy)]
pub(super) struct NotesOnDisk {
    pub(super) count: u64,
    pub(super) most: u64,
}

pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) db: Connection,
    pub(super) segments: Segments,
    pub(super) over: Over,
    pub(super) notes: NotesOnDisk,
    pub(super) wal: Wal,
    pub(super) commands: Receiver<Command>,
}

impl Writer {
    /// Works until the store is closed or dropped.
    pub(super) fn run(mut self) {
        let mut last_flush = Instant::now();
        loop {
            let first = match self.wait(last_flush) {
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let Gathered { submissions, documents, others } = self.gather(first);
            if !submissions.is_empty() || !documents.is_empty() {
                self.accept(submissions, documents);
            }
            let every = self.flush_every();
            let hurried = every == FLUSH_EVERY && self.shared.is_pressed();
            if hurried || last_flush.elapsed() >= every {
                last_flush = Instant::now();
                // A failure was reported where it happened; what could not be written waits.
                let _ = self.flush(hurried);
            }
            self.wal.keep_bounded(&self.db, &self.shared);
            for command in others {
                if let Command::Close { reply } = command {
                    let flushed = self.flush(true);
                    self.finish();
                    let _ = reply.send(flushed);
                    return;
                }
                self.serve(command);
            }
        }
        let _ = self.flush(true);
        self.finish();
    }

    /// A full disk is not written to over and over.
    fn flush_every(&self) -> Duration {
        if self.shared.look(|ram| ram.disk_full) { FULL_DISK_EVERY } else { FLUSH_EVERY }
    }

    fn wait(&self, last_flush: Instant) -> std::result::Result<Command, RecvTimeoutError> {
        let unwritten = self.shared.look(|ram| {
            ram.expected = !ram.dirty.is_empty() || !ram.lanes.is_empty();
            ram.expected
        });
        if unwritten && self.shared.failure().is_none() {
            let left = self.flush_every().saturating_sub(last_flush.elapsed());
            return self.commands.recv_timeout(left);
        }
        self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected)
    }

    fn gather(&self, first: Option<Command>) -> Gathered {
        let mut gathered = Gathered::default();
        let mut jobs = 0;
        let mut next = first;
        while let Some(command) = next {
            match command {
                Command::Poke => {}
                Command::Submit(submission) => {
                    jobs += submission.jobs.len();
                    gathered.submissions.push(submission);
                }
                Command::Document(document) => {
                    jobs += 1;
                    gathered.documents.push(document);
                }
                other => gathered.others.push(other),
            }
            next = if jobs < GROUP { self.commands.try_recv().ok() } else { None };
        }
        gathered
    }

    /// One transaction for all that were waiting; answers are given after its commit is synced.
    fn accept(&mut self, group: Vec<Submission>, documents: Vec<NewDocument>) {
        let written = match self.shared.failure() {
            Some(error) => Err(error),
            None => self.insert(&group, &documents).map_err(|e| self.sqlite_failed(&e, "write")),
        };
        for document in documents {
            let answer = written.as_ref().map(|_| ()).map_err(Error::told_again);
            let _ = document.reply.send(answer);
        }
        match written {
            Ok(answers) => {
                self.shared.look(|ram| ram.disk_full = false);
                for (submission, answers) in group.into_iter().zip(answers) {
                    self.answer(submission, answers);
                }
            }
            Err(error) => {
                for submission in group {
                    self.shared.look(|ram| ram.scheduler.unadmit_all(&submission.jobs));
                    let _ = submission.reply.send(Err(error.told_again()));
                }
            }
        }
    }

    fn insert(
        &mut self,
        group: &[Submission],
        documents: &[NewDocument],
    ) -> rusqlite::Result<Vec<Vec<Submitted>>> {
        let step = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut answers = Vec::with_capacity(group.len());
        let news = |id| self.shared.look(|ram| ram.standing(id));
        for submission in group {
            let inserted = rows::insert(&step, &submission.jobs, submission.now, &news)?;
            add_to_groups(&step, &submission.jobs, &inserted)?;
            answers.push(inserted);
        }
        for document in documents {
            rows::set_document(&step, &document.place, document.value.as_ref())?;
        }
        step.commit()?;
        Ok(answers)
    }

    fn answer(&self, submission: Submission, written: Vec<Submitted>) {
        let Submission { mut answers, jobs, now, reply, .. } = submission;
        self.shared.look(|ram| {
            ram.scheduler.unadmit_all(&jobs);
            let created = created(&jobs, &written);
            for job in created.clone() {
                ram.specs.insert(job.id, job.spec.clone());
            }
            ram.scheduler.enter_fresh(created, now);
        });
        let mut written = written.into_iter();
        for answer in &mut answers {
            if answer.is_none() {
                *answer = written.next();
            }
        }
        // Whoever hung up is not told; the job is accepted all the same.
        let _ = reply.send(Ok(answers.into_iter().flatten().collect()));
    }

    /// Writes decisions: bodies first, synced, then one transaction that names them.
    pub(super) fn flush(&mut self, all: bool) -> Result<()> {
        if let Some(error) = self.shared.failure() {
            return Err(error);
        }
        let (batch, lanes) = self.shared.look(|ram| {
            ram.hurried = false;
            let patience = if all { 0 } else { PATIENCE };
            (ram.take(all, patience), std::mem::take(&mut ram.lanes))
        });
        if batch.is_empty() && lanes.is_empty() {
            return Ok(());
        }
        let written = self.write(&batch, &lanes);
        drop(batch);
        match written {
            Ok(()) => {
                self.shared.look(|ram| {
                    ram.written();
                    ram.disk_full = false;
                });
                self.shared.room.notify_waiters();
                self.drop_dead_segments();
                Ok(())
            }
            Err(error) => {
                self.shared.look(|ram| {
                    ram.unwritten();
                    for (lane, memo) in lanes {
                        ram.lanes.entry(lane).or_insert(memo);
                    }
                });
                Err(error)
            }
        }
    }

    fn write(&mut self, batch: &[(JobId, Arc<Dirty>)], lanes: &Lanes) -> Result<()> {
        let bodies = batch.iter().filter_map(|(id, d)| Some((*id, d.result.as_deref()?)));
        let pointers = if batch.iter().any(|(_, d)| d.result.is_some()) {
            self.segments.append(bodies).map_err(|e| self.append_failed(e))?
        } else {
            Vec::new()
        };
        let mut released = Vec::new();
        let (mut over, mut notes) = (self.over, self.notes);
        let named = self.name(batch, &pointers, lanes, &mut released, (&mut over, &mut notes));
        if let Err(error) = named {
            self.segments.forget(&pointers);
            for old in released {
                self.segments.unrelease(old);
            }
            return Err(self.sqlite_failed(&error, "write"));
        }
        (self.over, self.notes) = (over, notes);
        Ok(())
    }

    /// The transaction of a flush.
    fn name(
        &mut self,
        batch: &[(JobId, Arc<Dirty>)],
        pointers: &[Pointer],
        lanes: &Lanes,
        released: &mut Vec<Pointer>,
        (over, notes): (&mut Over, &mut NotesOnDisk),
    ) -> rusqlite::Result<()> {
        let step = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut touched = BTreeSet::new();
        let mut groups: BTreeMap<JobId, Group> = BTreeMap::new();
        let mut next = pointers.iter();
        for (id, dirty) in batch {
            let pointer = if dirty.result.is_some() { next.next().copied() } else { None };
            if let Some(pointer) = pointer {
                touched.insert(pointer.segment);
                if dirty.had_result
                    && let Some(old) = rows::pointer(&step, *id)?
                {
                    self.segments.release(old.segment, old.length);
                    released.push(old);
                    touched.insert(old.segment);
                }
            }
            rows::update(&step, *id, dirty, pointer)?;
            over.add(dirty.row.state);
            if let Some(judged) = dirty.judged {
                groups.entry(judged.group).or_default().count(judged.verdict);
            }
        }
        for (id, counted) in &groups {
            rows::count_in_group(&step, *id, counted)?;
        }
        for segment in touched {
            rows::set_usage(&step, segment, self.segments.usage(segment))?;
        }
        for ((stage, key), memo) in lanes {
            rows::set_lane(&step, stage, key, memo.as_ref())?;
        }
        let new = batch.iter().flat_map(|(_, dirty)| &dirty.notes);
        for numbered in self.shared.look(|ram| ram.notes.to_write(new)) {
            notes.count += u64::from(rows::set_note(&step, &numbered.note)?);
        }
        if notes.count > notes.most {
            notes.count -= rows::drop_notes(&step, notes.count - notes.most)?;
        }
        if *over != self.over {
            rows::set_over(&step, *over)?;
        }
        step.commit()
    }

    fn serve(&mut self, command: Command) {
        match command {
            Command::Redrive { id, to, now, reply } => {
                let _ = reply.send(self.redrive(id, to, now));
            }
            Command::ForgetGroup { id, reply } => {
                let _ = reply.send(self.forget_group(id));
            }
            Command::Sweep { before, max, reply } => {
                let _ = reply.send(self.sweep(before, max));
            }
            Command::Flush { reply } => {
                let _ = reply.send(self.flush(true));
            }
            Command::Poke | Command::Submit(_) | Command::Document(_) | Command::Close { .. } => {}
        }
    }

    fn redrive(&mut self, id: JobId, to: Redrive, now: Timestamp) -> Result<Redriven> {
        // With everything on disk, the disk alone decides.
        self.flush(true)?;
        if self.shared.look(|ram| ram.scheduler.is_live(id)) {
            return Ok(Redriven::Live);
        }
        let found = rows::found(&self.db, id).map_err(|e| self.sqlite_failed(&e, "read"))?;
        let Some(mut found) = found else {
            return Ok(Redriven::Unknown);
        };
        let Ok(change) = transition(&found.row, Event::Redrive(to), now) else {
            return Ok(Redriven::Live);
        };
        found.redriven = true;
        let ended = std::mem::replace(&mut found.row, change.row).state;
        let dirty = Dirty {
            row: found.row.clone(),
            updated_at: now,
            note: None,
            result: None,
            ledger: Ledger::default(),
            notes: Vec::new(),
            had_result: false,
            judged: None,
            age: 0,
        };
        let mut over = self.over;
        over.take(ended);
        self.redriven(id, &dirty, over).map_err(|e| self.sqlite_failed(&e, "write"))?;
        self.over = over;
        self.shared.look(|ram| {
            ram.over.take(ended);
            ram.scheduler.enter(&found, now)
        })?;
        Ok(Redriven::Yes)
    }

    fn redriven(&mut self, id: JobId, dirty: &Dirty, over: Over) -> rusqlite::Result<()> {
        let step = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        rows::update(&step, id, dirty, None)?;
        rows::set_redriven(&step, id)?;
        rows::set_over(&step, over)?;
        step.commit()
    }

    fn forget_group(&self, id: JobId) -> Result<()> {
        if let Some(error) = self.shared.failure() {
            return Err(error);
        }
        rows::forget_group(&self.db, id).map_err(|e| self.sqlite_failed(&e, "write"))?;
        self.shared.look(|ram| ram.forget_group(id));
        Ok(())
    }

    pub(super) fn append_failed(&self, error: AppendError) -> Error {
        let path: PathBuf = self.shared.directory.segments();
        match error {
            AppendError::Write(error) => {
                self.judge(io_error(error, Doing(&path, "append to a segment in")))
            }
            AppendError::Sync(error) => {
                let error = io_error(error, Doing(&path, "sync a segment in"));
                // Whatever the cause, pages may have been dropped.
                self.judge(Error::new(ErrorKind::Unavailable, error.to_string()))
            }
        }
    }

    pub(super) fn sqlite_failed(&self, error: &rusqlite::Error, doing: &'static str) -> Error {
        let path = self.shared.directory.database();
        self.judge(sqlite_error(error, Doing(&path, doing)))
    }

    /// A full disk passes; anything else is final.
    fn judge(&self, error: Error) -> Error {
        if error.kind() == ErrorKind::NoSpace {
            if !self.shared.look(|ram| std::mem::replace(&mut ram.disk_full, true)) {
                warn!(%error, "the disk is full: nothing is accepted until there is space");
            }
        } else {
            error!(%error, "the store has failed: nothing more is acknowledged");
            self.shared.fail(&error);
        }
        error
    }

    fn finish(mut self) {
        self.shared.look(|ram| ram.closed = true);
        self.wal.finish(&self.db);
        // Whoever came too late hears it now, not when the channel is dropped.
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Submit(s) => drop(s.reply.send(Err(Error::closed()))),
                Command::Document(d) => drop(d.reply.send(Err(Error::closed()))),
                Command::Redrive { reply, .. } => drop(reply.send(Err(Error::closed()))),
                Command::ForgetGroup { reply, .. } => drop(reply.send(Err(Error::closed()))),
                Command::Sweep { reply, .. } => drop(reply.send(Err(Error::closed()))),
                Command::Flush { reply } | Command::Close { reply } => {
                    drop(reply.send(Err(Error::closed())));
                }
                Command::Poke => {}
            }
        }
    }
}

/// Those of `jobs` that were created.
fn created<'a>(
    jobs: &'a [NewJob],
    answers: &'a [Submitted],
) -> impl Iterator<Item = &'a NewJob> + Clone {
    let pairs = jobs.iter().zip(answers);
    pairs.filter(|(_, answer)| **answer == Submitted::Created).map(|(job, _)| job)
}

/// Counts what was created in its groups.
fn add_to_groups(db: &Connection, jobs: &[NewJob], answers: &[Submitted]) -> rusqlite::Result<()> {
    let mut groups: BTreeMap<JobId, u64> = BTreeMap::new();
    for group in created(jobs, answers).filter_map(|job| job.group) {
        *groups.entry(group).or_default() += 1;
    }
    for (id, jobs) in groups {
        rows::add_to_group(db, id, jobs)?;
    }
    Ok(())
}

#[derive(Default)]
struct Gathered {
    submissions: Vec<Submission>,
    documents: Vec<NewDocument>,
    others: Vec<Command>,
}
