//! The embedded store as one end of a move.

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::moving::{
    self, BATCH, BATCH_BYTES, Blob, Document, Group, Item, Job, Key, Kind, Lane, Note, Numbered,
    Position, Source, Stand, Standing, Target,
};
use crate::sqlite::directory::Directory;
use crate::sqlite::failure::{Doing, io_error, sqlite_error};
use crate::sqlite::ram::Over;
use crate::sqlite::rows::{int, uint};
use crate::sqlite::segments::{self, AppendError, Pointer, Segments};
use crate::sqlite::{SqliteConfig, rows, schema};
use crate::{Error, ErrorKind, JobId, Result};

type Sql<T> = rusqlite::Result<T>;

/// The store in a directory, to be read. Blocks: for a thread that may be blocked.
#[derive(Debug)]
pub struct SqliteSource {
    // Before the directory: the lock goes last.
    db: Connection,
    directory: Directory,
    kind: Kind,
    after: Place,
}

/// After what the next batch begins: two columns, or one and nothing.
#[derive(Debug, Default)]
struct Place {
    space: String,
    key: Vec<u8>,
}

impl SqliteSource {
    /// Takes the store in `dir`, which nobody uses. One of an older version is taken to this
    /// version's schema, as a start would.
    ///
    /// # Errors
    /// [`ErrorKind::Unusable`] when there is none, it was written by a newer version, or an import
    /// into it is not finished; [`ErrorKind::InUse`]; or it cannot be read.
    pub fn open(dir: &Path) -> Result<Self> {
        if !Directory::database_in(dir).is_file() {
            let what = format!("there is no store in {}", dir.display());
            return Err(Error::new(ErrorKind::Unusable, what));
        }
        let directory = Directory::open(dir)?;
        let db = schema::open_writer(&directory.database())?;
        check_finished(&db, &directory)?;
        Ok(Self { db, directory, kind: Kind::Document, after: Place::default() })
    }

    fn next(&mut self, kind: Kind) -> Result<Vec<Item>> {
        if self.kind != kind {
            (self.kind, self.after) = (kind, Place::default());
        }
        let items = match kind {
            Kind::Document => self.page(
                "SELECT space, key, value FROM documents WHERE (space, key) > (?1, CAST(?2 AS TEXT)) \
                 ORDER BY space, key LIMIT ?3",
                document,
            ),
            Kind::Group => self.page("SELECT * FROM groups WHERE id > ?2 ORDER BY id LIMIT ?3", group),
            Kind::Lane => self.page(
                "SELECT * FROM lanes WHERE (stage, lane) > (?1, CAST(?2 AS TEXT)) \
                 ORDER BY stage, lane LIMIT ?3",
                lane,
            ),
            Kind::Note => self.page(
                "SELECT * FROM notes WHERE (space, key) > (?1, ?2) ORDER BY space, key LIMIT ?3",
                note,
            ),
            Kind::Job => self.jobs(),
        }?;
        if let Some(last) = items.last() {
            self.after = Place::of(last);
        }
        Ok(items)
    }

    /// The next rows of a small kind.
    fn page(&self, sql: &str, item_of: fn(&Row<'_>) -> Sql<Item>) -> Result<Vec<Item>> {
        let Place { space, key } = &self.after;
        let path = self.directory.database();
        let read = || {
            let mut query = self.db.prepare_cached(sql)?;
            // Not every one of these names the first.
            query.raw_bind_parameter(1, space)?;
            query.raw_bind_parameter(2, key)?;
            query.raw_bind_parameter(3, BATCH as i64)?;
            query.raw_query().mapped(item_of).collect::<Sql<Vec<_>>>()
        };
        read().map_err(|e| sqlite_error(&e, Doing(&path, "read database")))
    }

    /// The next jobs, with their results.
    fn jobs(&self) -> Result<Vec<Item>> {
        let path = self.directory.database();
        let failed = |e: rusqlite::Error| sqlite_error(&e, Doing(&path, "read database"));
        let mut query = self
            .db
            .prepare_cached("SELECT * FROM jobs WHERE id > ? ORDER BY id LIMIT ?")
            .map_err(failed)?;
        let mut rows = query.query(params![self.after.key, BATCH as i64]).map_err(failed)?;
        let (mut jobs, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES
            && let Some(row) = rows.next().map_err(failed)?
        {
            let (mut job, codes, pointer) = job(row).map_err(failed)?;
            codes.decode(&mut job)?;
            job.result = pointer.map(|pointer| self.result(job.id, pointer)).transpose()?;
            let item = Item::Job(Box::new(job));
            bytes += item.bytes();
            jobs.push(item);
        }
        Ok(jobs)
    }

    fn result(&self, id: JobId, pointer: Pointer) -> Result<Blob> {
        let path = self.directory.segments();
        let read = segments::read(&path, pointer);
        let body = read.map_err(|e| io_error(e, Doing(&path, "read a result in")))?;
        let gone = || {
            let what = format!("the result of job {id} is not in {}", path.display());
            Error::new(ErrorKind::Corrupt, what)
        };
        body.map(|body| Blob(Bytes::from(body))).ok_or_else(gone)
    }
}

impl Source for SqliteSource {
    fn read(&mut self, kind: Kind) -> BoxFuture<'_, Result<Vec<Item>>> {
        let items = self.next(kind);
        std::future::ready(items).boxed()
    }
}

impl Place {
    fn of(item: &Item) -> Self {
        let (space, key) = match item {
            Item::Document(document) => (document.space.as_str(), document.key.as_bytes()),
            Item::Lane(lane) => (lane.stage.as_str(), lane.lane.as_bytes()),
            Item::Note(note) => (note.space.as_str(), note.key.0.as_ref()),
            Item::Group(group) => ("", group.id.as_bytes().as_slice()),
            Item::Job(job) => ("", job.id.as_bytes().as_slice()),
        };
        Self { space: space.to_owned(), key: key.to_vec() }
    }
}

fn document(row: &Row<'_>) -> Sql<Item> {
    let (space, key) = (row.get("space")?, row.get("key")?);
    Ok(Item::Document(Document { space, key, value: blob(row, "value")? }))
}

fn group(row: &Row<'_>) -> Sql<Item> {
    Ok(Item::Group(Group {
        id: JobId::from_bytes(row.get("id")?),
        jobs: uint(row, "jobs")?,
        succeeded: uint(row, "succeeded")?,
        failed: uint(row, "failed")?,
        cancelled: uint(row, "cancelled")?,
        unchanged: uint(row, "unchanged")?,
    }))
}

fn lane(row: &Row<'_>) -> Sql<Item> {
    Ok(Item::Lane(Lane {
        stage: row.get("stage")?,
        lane: row.get("lane")?,
        paused: uint(row, "paused")?,
        backoff: uint(row, "backoff")?,
        interval: uint(row, "interval")?,
        failures: row.get("failures")?,
        failing: uint(row, "failing")?,
        heard: uint(row, "heard")?,
    }))
}

fn note(row: &Row<'_>) -> Sql<Item> {
    Ok(Item::Note(Note {
        space: row.get("space")?,
        key: blob(row, "key")?,
        value: blob(row, "value")?,
        expires: uint(row, "expires")?,
    }))
}

/// What may not be understood in a row.
struct Codes {
    state: i64,
    verdict: Option<i64>,
    priority: Option<i64>,
}

impl Codes {
    fn decode(self, job: &mut Job) -> Result<()> {
        let known_verdict = |code| known(rows::verdict_of, code, "verdict");
        let known_priority = |code| known(rows::known_priority, code, "priority");
        job.state = known(rows::known_state, self.state, "state")?.into();
        job.verdict = self.verdict.map(known_verdict).transpose()?;
        job.priority = self.priority.map(known_priority).transpose()?.unwrap_or_default();
        Ok(())
    }
}

/// What a code means. Working with a store makes the best of one that is not known; a copy does not.
fn known<T>(of: fn(i64) -> Option<T>, code: i64, what: &str) -> Result<T> {
    of(code).ok_or_else(|| {
        Error::new(ErrorKind::Corrupt, format!("a job has a {what} that is not known: {code}"))
    })
}

/// A job but for its result, and where that is.
fn job(row: &Row<'_>) -> Sql<(Job, Codes, Option<Pointer>)> {
    let codes = Codes {
        state: row.get("state")?,
        verdict: row.get("verdict")?,
        priority: row.get("priority")?,
    };
    let key: Option<String> = row.get("idem")?;
    let key = match key {
        Some(key) => Some(Key { key, fingerprint: blob(row, "fingerprint")? }),
        None => None,
    };
    let ledger = some::<Vec<u8>>(row, "ledger")?;
    let job = Job {
        id: JobId::from_bytes(row.get("id")?),
        state: Stand::Waiting,
        stage: row.get("stage")?,
        lane: row.get("lane")?,
        created: uint(row, "created")?,
        updated: uint(row, "updated")?,
        due: uint(row, "due")?,
        epoch: row.get("epoch")?,
        attempts: row.get("attempts")?,
        expires: some::<i64>(row, "expires")?.map(|ms| u64::try_from(ms).unwrap_or(0)),
        verdict: None,
        note: row.get("note")?,
        owner: row.get("owner")?,
        group: some(row, "grp")?.map(JobId::from_bytes),
        priority: crate::Priority::Normal,
        redriven: some::<i64>(row, "redriven")?.is_some(),
        key,
        ledger: ledger.map(|ledger| Blob(Bytes::from(ledger))),
        spec: blob(row, "spec")?,
        result: None,
    };
    Ok((job, codes, rows::pointer_of(row)?))
}

fn some<T: FromSql>(row: &Row<'_>, column: &str) -> Sql<Option<T>> {
    row.get(column)
}

fn blob(row: &Row<'_>, column: &str) -> Sql<Blob> {
    Ok(Blob(Bytes::from(row.get::<_, Vec<u8>>(column)?)))
}

/// A new store in a directory, to be filled. Blocks: for a thread that may be blocked.
#[derive(Debug)]
pub struct SqliteTarget {
    db: Connection,
    segments: Segments,
    over: Over,
    directory: Directory,
}

/// Pages of the write-ahead log after which it is taken into the database.
const CHECKPOINT_PAGES: i64 = 4_000;

impl SqliteTarget {
    /// Takes the store in `dir`, or makes one.
    ///
    /// # Errors
    /// As [`crate::SqliteStore::open_with`].
    pub fn open(dir: &Path) -> Result<Self> {
        let directory = Directory::open(dir)?;
        let path = directory.database();
        let db = schema::open_writer(&path)?;
        let read_failed = |e: rusqlite::Error| sqlite_error(&e, Doing(&path, "read database"));
        db.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(read_failed)?;
        directory.sync().map_err(|e| io_error(e, Doing(dir, "sync")))?;
        let over = rows::over(&db).map_err(read_failed)?;
        let usage = rows::usage(&db).map_err(read_failed)?;
        let roll_at = SqliteConfig::default().segment_bytes;
        let segments = Segments::open(directory.segments(), roll_at, usage)
            .map_err(|e| io_error(e, Doing(dir, "open segments in")))?;
        Ok(Self { db, segments, over, directory })
    }

    fn write(&mut self, items: &[Numbered], position: Position) -> Result<()> {
        let bodies = items.iter().filter_map(|numbered| match &numbered.item {
            Item::Job(job) => job.result.as_ref().map(|result| (job.id, result.0.as_ref())),
            _ => None,
        });
        let path = self.directory.segments();
        let pointers = self.segments.append(bodies).map_err(|error| match error {
            AppendError::Write(e) => io_error(e, Doing(&path, "write results in")),
            AppendError::Sync(e) => io_error(e, Doing(&path, "sync results in")),
        })?;
        let mut over = self.over;
        for numbered in items {
            if let Item::Job(job) = &numbered.item {
                over.add(job.state.into());
            }
        }
        let path = self.directory.database();
        let failed = |e: rusqlite::Error| sqlite_error(&e, Doing(&path, "write database"));
        let step =
            self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let mut results = pointers.iter().copied();
        for Numbered { line, item } in items {
            insert(&step, item, &mut results).map_err(|e| misfit(*line, &e, &path))?;
        }
        let touched: BTreeSet<_> = pointers.iter().map(|pointer| pointer.segment).collect();
        for segment in touched {
            rows::set_usage(&step, segment, self.segments.usage(segment)).map_err(failed)?;
        }
        rows::set_over(&step, over).map_err(failed)?;
        set_progress(&step, position, false).map_err(failed)?;
        step.commit().map_err(failed)?;
        self.over = over;
        Ok(())
    }

    fn look(&self) -> Sql<Standing> {
        let (position, done) = progress(&self.db)?;
        if let Some(position) = position {
            return Ok(if done { Standing::Finished(position) } else { Standing::Begun(position) });
        }
        let any = "SELECT EXISTS (SELECT 1 FROM jobs) OR EXISTS (SELECT 1 FROM documents) \
                   OR EXISTS (SELECT 1 FROM notes) OR EXISTS (SELECT 1 FROM lanes) \
                   OR EXISTS (SELECT 1 FROM groups)";
        let any: bool = self.db.query_row(any, [], |row| row.get(0))?;
        Ok(if any { Standing::Occupied } else { Standing::Empty })
    }

    fn end(&self, position: Position) -> Sql<()> {
        set_progress(&self.db, position, true)?;
        // Left tidy: what is in the log is in the database, too.
        self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }
}

impl Target for SqliteTarget {
    fn standing(&mut self) -> BoxFuture<'_, Result<Standing>> {
        let path = self.directory.database();
        let standing = self.look().map_err(|e| sqlite_error(&e, Doing(&path, "read database")));
        std::future::ready(standing).boxed()
    }

    fn put(&mut self, items: Vec<Numbered>, position: Position) -> BoxFuture<'_, Result<()>> {
        let written = self.write(&items, position);
        std::future::ready(written).boxed()
    }

    fn finish(&mut self, position: Position) -> BoxFuture<'_, Result<()>> {
        let path = self.directory.database();
        let ended = self.end(position);
        let ended = ended.map_err(|e| sqlite_error(&e, Doing(&path, "write database")));
        std::future::ready(ended).boxed()
    }
}

/// What a statement that wrote one line failed of.
fn misfit(line: u64, error: &rusqlite::Error, path: &Path) -> Error {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => {
            let what = format!("line {line} does not fit what came before it: {error}");
            Error::new(ErrorKind::Invalid, what)
        }
        _ => sqlite_error(error, Doing(path, "write database")),
    }
}

fn insert(db: &Connection, item: &Item, results: &mut dyn Iterator<Item = Pointer>) -> Sql<()> {
    match item {
        Item::Document(Document { space, key, value }) => db
            .prepare_cached("INSERT INTO documents (space, key, value) VALUES (?, ?, ?)")?
            .execute(params![space, key, value.0.as_ref()])?,
        Item::Group(group) => db
            .prepare_cached(
                "INSERT INTO groups (id, jobs, succeeded, failed, cancelled, unchanged) \
                 VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                group.id.as_bytes(),
                int(group.jobs),
                int(group.succeeded),
                int(group.failed),
                int(group.cancelled),
                int(group.unchanged),
            ])?,
        Item::Lane(lane) => db
            .prepare_cached(
                "INSERT INTO lanes (stage, lane, paused, backoff, interval, failures, failing, \
                 heard) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                lane.stage,
                lane.lane,
                int(lane.paused),
                int(lane.backoff),
                int(lane.interval),
                lane.failures,
                int(lane.failing),
                int(lane.heard),
            ])?,
        Item::Note(note) => db
            .prepare_cached("INSERT INTO notes (space, key, value, expires) VALUES (?, ?, ?, ?)")?
            .execute(params![
                note.space,
                note.key.0.as_ref(),
                note.value.0.as_ref(),
                int(note.expires),
            ])?,
        Item::Job(job) => insert_job(db, job, job.result.as_ref().and_then(|_| results.next()))?,
    };
    Ok(())
}

fn insert_job(db: &Connection, job: &Job, result: Option<Pointer>) -> Sql<usize> {
    db.prepare_cached(
        "INSERT INTO jobs (id, created, updated, state, stage, lane, due, epoch, attempts, verdict, \
         segment, offset, length, crc, note, idem, fingerprint, spec, expires, ledger, owner, grp, \
         priority, redriven) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        job.id.as_bytes(),
        int(job.created),
        int(job.updated),
        rows::state_code(job.state.into()),
        job.stage,
        job.lane,
        int(job.due),
        job.epoch,
        job.attempts,
        job.verdict.map(rows::verdict_code),
        result.map(|p| int(p.segment)),
        result.map(|p| int(p.offset)),
        result.map(|p| int(p.length)),
        result.map(|p| p.crc),
        job.note,
        job.key.as_ref().map(|key| &key.key),
        job.key.as_ref().map(|key| key.fingerprint.0.as_ref()),
        job.spec.0.as_ref(),
        job.expires.map(int),
        job.ledger.as_ref().map(|ledger| ledger.0.as_ref()),
        job.owner,
        job.group.as_ref().map(JobId::as_bytes),
        rows::priority_code(job.priority),
        job.redriven.then_some(1),
    ])
}

// How far an import has come is kept among the counters.

/// How far an import has come, if there was one, and whether that is all.
fn progress(db: &Connection) -> Sql<(Option<Position>, bool)> {
    let read = |name: &str| -> Sql<Option<u64>> {
        db.prepare_cached("SELECT n FROM counters WHERE name = ?")?
            .query_row([name], |row| uint(row, "n"))
            .optional()
    };
    let (lines, crc32) = (read("import_lines")?, read("import_crc32")?);
    let position = lines
        .zip(crc32)
        .map(|(lines, crc32)| Position { lines, crc32: u32::try_from(crc32).unwrap_or_default() });
    Ok((position, read("import_done")? == Some(1)))
}

fn set_progress(db: &Connection, position: Position, done: bool) -> Sql<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO counters VALUES \
         ('import_lines', ?), ('import_crc32', ?), ('import_done', ?)",
    )?
    .execute(params![int(position.lines), position.crc32, done])?;
    Ok(())
}

/// Refuses a store into which an import is not finished.
pub(super) fn check_finished(db: &Connection, directory: &Directory) -> Result<()> {
    let path = directory.database();
    match progress(db).map_err(|e| sqlite_error(&e, Doing(&path, "read database")))? {
        (Some(_), false) => Err(moving::unfinished(directory.path().display())),
        _ => Ok(()),
    }
}
