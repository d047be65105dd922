//! Opens the store that was asked for, and says what to do when that fails.

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use jobs::{Error, ErrorKind, MemoryStore, SqliteStore, Store};

use crate::check::Settings;
use crate::exit::Failure;

/// Opens the store, which blocks and may take long: for a thread that may be blocked. It answers
/// [`Failure::Storage`] with the directory and the remedy when that fails.
pub(crate) fn store(
    settings: &Settings,
) -> impl FnOnce() -> Result<Arc<dyn Store>, Failure> + Send + use<> {
    let (dir, queue, memory) = (settings.data_dir.clone(), settings.jobs.clone(), settings.sqlite);
    move || match dir {
        None => Ok(MemoryStore::new(queue)),
        Some(dir) => match SqliteStore::open_with(&dir, queue, memory) {
            Ok(store) => Ok(store),
            Err(error) => Err(refused(&dir, error)),
        },
    }
}

/// What is told, and advised, of a store that cannot be used.
pub(crate) fn refused(dir: &Path, error: Error) -> Failure {
    let remedy = match error.kind() {
        ErrorKind::InUse => {
            "another pagewire runs on it: stop that one, or choose another --data-dir"
        }
        ErrorKind::NoSpace => "the disk is full: make room, or choose a --data-dir on another disk",
        ErrorKind::Unusable => {
            "it must be a directory that this user can write, of this version or an older one: see \
             to its path and rights, or choose another --data-dir"
        }
        ErrorKind::Corrupt => {
            "it is damaged: see to the disk, and restore the directory from a copy"
        }
        _ => "see to the disk, or choose another --data-dir",
    };
    let context = format!("cannot open the store in {} ({remedy})", dir.display());
    Failure::Storage(anyhow!(error).context(context))
}
