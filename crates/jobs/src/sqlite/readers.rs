use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::sqlite::failure::{Doing, sqlite_error};
use crate::sqlite::schema;
use crate::{Error, ErrorKind, Result};

/// Connections that read beside the writer, on tokio's blocking threads.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    places: Semaphore,
}

/// A reader that goes on for longer keeps the write-ahead log from being reset.
const LONGEST: Duration = Duration::from_secs(5);
/// Virtual machine steps between two looks at the clock: some tens of microseconds.
const STEPS: i32 = 10_000;
const KEPT: usize = 4;
/// Connections at once; more reads wait. Each has some descriptors and a cache.
const MOST: usize = 8;

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()), places: Semaphore::new(MOST) }
    }

    /// Runs `query` on a connection of its own, off the reactor, for 5 s at most.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let unfinished = |e: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Unavailable, "a database read did not finish").because(e)
        };
        let _place = self.places.acquire().await.map_err(|e| unfinished(e.into()))?;
        let readers = self.clone();
        tokio::task::spawn_blocking(move || readers.read_now(query))
            .await
            .map_err(|e| unfinished(e.into()))?
    }

    fn read_now<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let error = |e| sqlite_error(&e, Doing(&self.path, "read database"));
        let idle = self.lock().pop();
        let mut db = match idle {
            Some(db) => db,
            None => schema::open_reader(&self.path).map_err(error)?,
        };
        let until = Instant::now() + LONGEST;
        db.progress_handler(STEPS, Some(move || Instant::now() > until)).map_err(error)?;
        let answer = query(&db).map_err(error)?;
        let mut idle = self.lock();
        if idle.len() < KEPT {
            idle.push(db);
        }
        Ok(answer)
    }

    pub(super) fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
