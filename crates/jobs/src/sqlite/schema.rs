use std::path::Path;
use std::time::Duration;

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OpenFlags};

use crate::ledger::Ledger;
use crate::sqlite::failure::{Doing, sqlite_error};
use crate::{Error, ErrorKind, Result};

/// Each step takes the schema one version further; `user_version` counts them. Never edit a step
/// that was released: add one.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE jobs (
        id          BLOB PRIMARY KEY,      -- UUIDv7: in order of acceptance
        created     INTEGER NOT NULL,      -- all times: ms since the Unix epoch
        updated     INTEGER NOT NULL,
        state       INTEGER NOT NULL,      -- 0 not over, 1 done, 2 dead, 3 cancelled
        stage       TEXT NOT NULL,
        lane        TEXT NOT NULL,
        due         INTEGER NOT NULL,
        epoch       INTEGER NOT NULL,
        attempts    INTEGER NOT NULL,
        verdict     INTEGER,               -- 1 succeeded, 2 failed, 3 cancelled
        segment     INTEGER,               -- where the result is
        offset      INTEGER,
        length      INTEGER,
        crc         INTEGER,
        note        TEXT,
        idem        TEXT,
        fingerprint BLOB,
        spec        BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX jobs_live ON jobs (id) WHERE state = 0;
    -- The few that people look for among the many that went well.
    CREATE INDEX jobs_odd ON jobs (state, verdict, id) WHERE state > 1 OR verdict > 1;
    CREATE UNIQUE INDEX jobs_idem ON jobs (idem) WHERE idem IS NOT NULL;
    CREATE TABLE segments (
        segment     INTEGER PRIMARY KEY,
        bytes       INTEGER NOT NULL,
        live        INTEGER NOT NULL,
        live_bytes  INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE pauses (
        stage       TEXT NOT NULL,
        lane        TEXT NOT NULL,
        until       INTEGER NOT NULL,
        PRIMARY KEY (stage, lane)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE counters (
        name        TEXT PRIMARY KEY,
        n           INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO counters VALUES ('opened', 0), ('done', 0), ('dead', 0), ('cancelled', 0);
",
    "
    ALTER TABLE jobs ADD COLUMN expires INTEGER;
    ALTER TABLE jobs ADD COLUMN ledger BLOB;    -- see ledger.rs
    CREATE TABLE lanes (
        stage       TEXT NOT NULL,
        lane        TEXT NOT NULL,
        paused      INTEGER NOT NULL,           -- until when, because it was asked for
        backoff     INTEGER NOT NULL,           -- until when, because it fails
        interval    INTEGER NOT NULL,           -- ms between claims that was asked for
        failures    INTEGER NOT NULL,
        failing     INTEGER NOT NULL,           -- since when
        heard       INTEGER NOT NULL,           -- when any of this was last told
        PRIMARY KEY (stage, lane)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO lanes SELECT stage, lane, until, 0, 0, 0, 0, 0 FROM pauses;
    DROP TABLE pauses;
    CREATE TABLE notes (
        space       TEXT NOT NULL,
        key         BLOB NOT NULL,
        value       BLOB NOT NULL,
        expires     INTEGER NOT NULL,
        PRIMARY KEY (space, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX notes_expires ON notes (expires);
",
    "
    CREATE TABLE documents (
        space       TEXT NOT NULL,
        key         TEXT NOT NULL,
        value       BLOB NOT NULL,
        PRIMARY KEY (space, key)
    ) STRICT, WITHOUT ROWID;
",
    "
    ALTER TABLE jobs ADD COLUMN owner TEXT;
    ALTER TABLE jobs ADD COLUMN grp BLOB;
    ALTER TABLE jobs ADD COLUMN priority INTEGER;   -- 0 low, 2 high; null for normal
    ALTER TABLE jobs ADD COLUMN redriven INTEGER;   -- 1 when it was over before
    CREATE INDEX jobs_owner ON jobs (owner, id) WHERE owner IS NOT NULL;
    CREATE INDEX jobs_group ON jobs (grp, id) WHERE grp IS NOT NULL;
    CREATE TABLE groups (                           -- see `Group`
        id          BLOB PRIMARY KEY,
        jobs        INTEGER NOT NULL,
        succeeded   INTEGER NOT NULL,
        failed      INTEGER NOT NULL,
        cancelled   INTEGER NOT NULL,
        unchanged   INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
];

/// Pages of the writer's cache, in KiB.
const WRITER_CACHE_KIB: i64 = 16 * 1024;
const READER_CACHE_KIB: i64 = 2 * 1024;
/// Only a checkpoint can hold the write lock against the writer, and only for a moment.
const BUSY: Duration = Duration::from_secs(10);

/// The one connection that writes.
pub(super) fn open_writer(path: &Path) -> Result<Connection> {
    let doing = Doing(path, "open database");
    let mut db = Connection::open(path).map_err(|e| sqlite_error(&e, doing))?;
    configure(&db, WRITER_CACHE_KIB).map_err(|e| sqlite_error(&e, doing))?;
    add_functions(&db).map_err(|e| sqlite_error(&e, doing))?;
    migrate(&mut db).map_err(|e| match e {
        Migration::Newer(found) => Error::new(
            ErrorKind::Unusable,
            format!(
                "database {} has schema version {found}, newer than this program's {}; \
                 use the version that wrote it, or a newer one",
                path.display(),
                MIGRATIONS.len()
            ),
        ),
        Migration::Failed(e) => sqlite_error(&e, Doing(path, "migrate database")),
    })?;
    Ok(db)
}

/// A connection that only reads.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    configure(&db, READER_CACHE_KIB)?;
    db.pragma_update(None, "query_only", true)?;
    Ok(db)
}

/// A connection that checkpoints the write-ahead log beside the writer.
pub(super) fn open_checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    configure(&db, READER_CACHE_KIB)?;
    Ok(db)
}

fn configure(db: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    // The writer decides when; see `checkpoint.rs`.
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    db.pragma_update(None, "cache_size", -cache_kib)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// What the writer's statements call: `ledger_join(stored, more)` adds entries to a job's ledger
/// within the one statement that writes a decision.
fn add_functions(db: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    db.create_scalar_function("ledger_join", 2, flags, |call| {
        let blob = |at| call.get_raw(at).as_blob_or_null();
        let mut ledger = Ledger::decode(blob(0)?.unwrap_or_default());
        ledger.append(Ledger::decode(blob(1)?.unwrap_or_default()));
        Ok(ledger.encode())
    })
}

enum Migration {
    Newer(usize),
    Failed(rusqlite::Error),
}

fn migrate(db: &mut Connection) -> std::result::Result<(), Migration> {
    let failed = Migration::Failed;
    let found: i64 =
        db.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    if found > MIGRATIONS.len() {
        return Err(Migration::Newer(found));
    }
    let step = db.transaction().map_err(failed)?;
    for (version, sql) in MIGRATIONS.iter().enumerate().skip(found) {
        step.execute_batch(sql).map_err(failed)?;
        step.pragma_update(None, "user_version", i64::try_from(version + 1).unwrap_or(i64::MAX))
            .map_err(failed)?;
    }
    // Written at each start: a disk that cannot be written or synced is found out here, before
    // anything is accepted.
    step.execute("UPDATE counters SET n = n + 1 WHERE name = 'opened'", []).map_err(failed)?;
    step.commit().map_err(failed)
}
