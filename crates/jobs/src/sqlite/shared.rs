use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use crate::sqlite::directory::Directory;
use crate::sqlite::ram::Ram;
use crate::sqlite::readers::Readers;
use crate::{Error, ErrorKind, Result};

/// What the reactor, the writer and the checkpointer have in common.
#[derive(Debug)]
pub(super) struct Shared {
    ram: Mutex<Ram>,
    pub(super) directory: Directory,
    pub(super) readers: Arc<Readers>,
    pub(super) hot_limit: u64,
    /// Signalled when results have gone to disk.
    pub(super) room: Notify,
    failure: OnceLock<String>,
    failed: Notify,
}

impl Shared {
    pub(super) fn new(ram: Ram, directory: Directory, hot_limit: u64) -> Self {
        let readers = Arc::new(Readers::new(directory.database()));
        Self {
            ram: Mutex::new(ram),
            directory,
            readers,
            hot_limit,
            room: Notify::new(),
            failure: OnceLock::new(),
            failed: Notify::new(),
        }
    }

    /// Looks at, or changes, what is in memory; never waits inside.
    pub(super) fn look<T>(&self, f: impl FnOnce(&mut Ram) -> T) -> T {
        f(&mut self.ram.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether results in memory must go to disk without delay.
    pub(super) fn is_pressed(&self) -> bool {
        self.look(|ram| ram.is_pressed(self.hot_limit))
    }

    /// From now on nothing is acknowledged.
    pub(super) fn fail(&self, error: &Error) {
        let _ = self.failure.set(error.to_string());
        self.failed.notify_waiters();
        self.room.notify_waiters();
    }

    /// The reason for which the store has failed for good.
    pub(super) fn failure(&self) -> Option<Error> {
        let reason = self.failure.get()?;
        Some(Error::new(ErrorKind::Unavailable, format!("the store has failed: {reason}")))
    }

    /// An error when nothing can be asked of the store any more.
    pub(super) fn check(&self) -> Result<()> {
        if let Some(error) = self.failure() {
            return Err(error);
        }
        if self.look(|ram| ram.closed) {
            return Err(Error::closed());
        }
        Ok(())
    }

    pub(super) fn failed(&self) -> BoxFuture<'_, String> {
        async {
            loop {
                let failed = self.failed.notified();
                tokio::pin!(failed);
                failed.as_mut().enable();
                if let Some(reason) = self.failure.get() {
                    return reason.clone();
                }
                failed.await;
            }
        }
        .boxed()
    }
}
