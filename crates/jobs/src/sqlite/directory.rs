use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind, Result};

/// A data directory that belongs to this process for as long as this value lives.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    lock: File,
}

impl Directory {
    /// Makes the directory when it is missing, and locks it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let unusable = |what: &str, error: io::Error| {
            Error::new(ErrorKind::Unusable, format!("cannot {what} data directory {shown}"))
                .because(error)
        };
        if path.exists() && !path.is_dir() {
            let what = format!("data directory {shown} is not a directory");
            return Err(Error::new(ErrorKind::Unusable, what));
        }
        fs::create_dir_all(path.join("segments")).map_err(|e| unusable("create", e))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(|e| unusable("write to", e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let what = format!("data directory {shown} is in use by another process");
                return Err(Error::new(ErrorKind::InUse, what));
            }
            Err(TryLockError::Error(error)) => return Err(unusable("lock", error)),
        }
        let directory = Self { path: path.to_owned(), lock };
        sync(path).map_err(|e| unusable("sync", e))?;
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            sync(parent).map_err(|e| unusable("sync the parent of", e))?;
        }
        Ok(directory)
    }

    /// Lets another process have it.
    pub(super) fn unlock(&self) {
        // A lock that cannot be given back now goes with the file.
        let _ = self.lock.unlock();
    }

    /// Where the database is in `path`, if there is one.
    pub(super) fn database_in(path: &Path) -> PathBuf {
        path.join("pagewire.db")
    }

    pub(super) fn database(&self) -> PathBuf {
        Self::database_in(&self.path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn segments(&self) -> PathBuf {
        self.path.join("segments")
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        sync(&self.path)
    }
}

/// Makes the names in a directory last.
pub(super) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
