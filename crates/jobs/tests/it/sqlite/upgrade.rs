//! A directory that an older version left behind.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use jobs::{Filter, SqliteStore, State, Store, Verdict};
use rusqlite::{Connection, params};

use super::{dir, roomy};
use crate::backend::{DELIVER, FETCH};
use crate::rig::{Differently, LEASE_MS, MANY, at, group, id, job};

/// The schema of version 1, as it was released.
const VERSION_1: &str = "
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
";

/// Beyond the clock that opens the store.
const FAR: u64 = 100 * 365 * 24 * 3_600_000;

/// One job that waits, one that waits for its paused lane, one that is over.
fn leave_behind(dir: &Path) {
    let db = Connection::open(dir.join("pagewire.db")).expect("made");
    db.pragma_update(None, "journal_mode", "WAL").expect("set");
    db.execute_batch(VERSION_1).expect("the schema of version 1");
    db.pragma_update(None, "user_version", 1).expect("set");
    db.execute("UPDATE counters SET n = 1 WHERE name IN ('opened', 'done')", []).expect("counted");
    let mut insert = db
        .prepare(
            "INSERT INTO jobs (id, created, updated, state, stage, lane, due, epoch, attempts, \
             verdict, note, spec) VALUES (?1, ?2, ?2, ?3, 'fetch', ?4, ?2, 4, 2, ?5, ?6, ?7)",
        )
        .expect("a statement");
    let ms = i64::try_from(at(0).as_millis()).expect("a time");
    for (n, state, lane, verdict, note) in
        [(1, 0, "a", None, Some("trouble")), (2, 0, "b", None, None), (3, 1, "a", Some(1), None)]
    {
        let spec = format!("spec {n}").into_bytes();
        let id = id(n);
        insert.execute(params![id.as_bytes(), ms, state, lane, verdict, note, spec]).expect("in");
    }
    let until = i64::try_from(at(FAR).as_millis()).expect("a time");
    db.execute("INSERT INTO pauses VALUES ('fetch', 'b', ?)", [until]).expect("in");
}

async fn taken(store: &dyn Store, now: u64) -> BTreeSet<u64> {
    let claimed = store.claim(&FETCH, MANY, at(now + LEASE_MS), at(now)).await.expect("claimed");
    let number = |c: &jobs::Claimed| (1..=3).find(|n| id(*n) == c.lease.id).expect("one of three");
    claimed.iter().map(number).collect()
}

#[tokio::test]
async fn a_directory_of_version_1_is_taken_over_with_all_that_is_in_it() {
    let dir = dir();
    leave_behind(dir.path());
    for round in 0..2 {
        let store: Arc<dyn Store> = SqliteStore::open(dir.path(), roomy()).expect("it opens");
        let waits = store.get(id(1)).await.expect("read").expect("it is there");
        assert_eq!((waits.state, waits.attempts), (State::Waiting, 2));
        assert_eq!((&waits.spec[..], waits.note.as_deref()), (&b"spec 1"[..], Some("trouble")));
        let over = store.get(id(3)).await.expect("read").expect("it is there");
        assert_eq!((over.state, over.verdict), (State::Done, Some(Verdict::Succeeded)));
        assert_eq!(store.attempts(id(1)).await.expect("read"), Some(Vec::<Bytes>::new()));
        assert_eq!(store.counts().done, 1);
        let documents = store.documents("settings").await.expect("read");
        assert_eq!(documents.len(), round, "there is room for what is new");
        let of_a_group = job(10 + round as u64).stage(&DELIVER).owner("o").group(1);
        store.submit(vec![of_a_group], at(0)).await.expect("accepted");
        assert_eq!(store.group(group(1)).map(|group| group.jobs), Some(1 + round as u64));
        let owned = Filter { owner: Some("o".into()), ..Filter::default() };
        let owned = store.list(owned, None, MANY).await.expect("listed");
        assert_eq!(owned.len(), 1 + round, "those of before are nobody's");
        let put = store.put_document("settings", "a".to_owned(), Some(Bytes::new())).await;
        put.expect("put");
        if round > 0 {
            assert_eq!(taken(&*store, FAR - 1).await, [1].into(), "the other lane is paused");
            assert_eq!(taken(&*store, FAR).await, [2].into());
        }
        store.close().await.expect("closed");
    }
}
