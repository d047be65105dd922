//! Keeps the write-ahead log bounded. Unattended it grows for as long as the writer is busy.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::{Connection, ErrorCode};
use tracing::{debug, warn};

use crate::sqlite::failure::{Doing, sqlite_error};
use crate::sqlite::schema;
use crate::sqlite::shared::Shared;
use crate::{Error, ErrorKind};

/// Pages (4 KiB) in the log above which the checkpointer starts copying beside the writer.
const PASSIVE_PAGES: u64 = 1_000;
/// Pages (64 MiB) above which the writer itself stops to have the log begun anew.
const RESTART_PAGES: u64 = 16_384;

/// The writer's side of the log.
#[derive(Debug)]
pub(super) struct Wal {
    /// Pages in the log after the last commit.
    pages: Arc<AtomicU64>,
    asked_at: u64,
    poke: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Wal {
    /// Watches the writer's commits and starts the thread that copies pages back.
    pub(super) fn start(
        db: &mut Connection,
        path: PathBuf,
        shared: Arc<Shared>,
    ) -> Result<Self, Error> {
        let failed = |e| sqlite_error(&e, Doing(&path, "open database"));
        let pages = Arc::new(AtomicU64::new(0));
        let seen = pages.clone();
        db.wal_hook(Some(move |_: &mut _, n: i32| {
            seen.store(u64::try_from(n).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))
        .map_err(failed)?;
        let (poke, poked) = bounded(1);
        let own = schema::open_checkpointer(&path).map_err(failed)?;
        let thread = thread::Builder::new()
            .name("jobs-checkpoint".into())
            .spawn(move || checkpoint(&own, &path, &poked, &shared))
            .map_err(|e| Error::new(ErrorKind::Unavailable, "cannot start a thread").because(e))?;
        Ok(Self { pages, asked_at: 0, poke: Some(poke), thread: Some(thread) })
    }

    /// Called between groups.
    pub(super) fn keep_bounded(&mut self, db: &Connection, shared: &Shared) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages > RESTART_PAGES {
            if let Err(error) = run(db, "RESTART") {
                report(&error, shared);
            }
            self.pages.store(0, Ordering::Relaxed);
            self.asked_at = 0;
        } else if pages >= self.asked_at + PASSIVE_PAGES || pages < self.asked_at {
            self.asked_at = pages;
            if pages >= PASSIVE_PAGES
                && let Some(poke) = &self.poke
            {
                // Full: it is at work already.
                let _ = poke.try_send(());
            }
        }
    }

    /// Leaves the database in one file.
    pub(super) fn finish(&mut self, db: &Connection) {
        self.poke = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if let Err(error) = run(db, "TRUNCATE") {
            debug!(%error, "the write-ahead log stays for the next start");
        }
    }
}

fn checkpoint(db: &Connection, path: &std::path::Path, poked: &Receiver<()>, shared: &Shared) {
    while poked.recv().is_ok() {
        if let Err(error) = run(db, "PASSIVE") {
            let error = sqlite_error(&error, Doing(path, "checkpoint"));
            if error.kind() == ErrorKind::NoSpace {
                warn!(%error, "the disk is full");
            } else {
                shared.fail(&error);
                return;
            }
        }
    }
}

fn report(error: &rusqlite::Error, shared: &Shared) {
    match error.sqlite_error_code() {
        // A reader stands in the way, or there is no space: the log grows on until they pass.
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull) => {
            debug!(%error, "the write-ahead log could not be begun anew");
        }
        _ => {
            let path = shared.directory.database();
            shared.fail(&sqlite_error(error, Doing(&path, "checkpoint")));
        }
    }
}

fn run(db: &Connection, mode: &str) -> rusqlite::Result<()> {
    db.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))
}
