//! Where a store can be.

use std::sync::Arc;

use jobs::moving::{Source, Target};
use jobs::{Result, SqliteSource, SqliteStore, SqliteTarget, Store};
use tempfile::TempDir;

use crate::backend::roomy;

/// A place for a store, empty at first.
pub(super) trait Place: Sized + Send + Sync {
    async fn new() -> Self;

    /// The store, to work with.
    async fn open(&self) -> Result<Arc<dyn Store>>;

    /// The store, to be exported.
    async fn source(&self) -> Result<Box<dyn Source>>;

    /// The store, to be imported into.
    async fn target(&self) -> Result<Box<dyn Target>>;
}

/// In a directory.
pub(super) struct InSqlite(TempDir);

impl Place for InSqlite {
    async fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    async fn open(&self) -> Result<Arc<dyn Store>> {
        Ok(SqliteStore::open(self.0.path(), roomy())?)
    }

    async fn source(&self) -> Result<Box<dyn Source>> {
        // There may be none yet.
        if !self.0.path().join("pagewire.db").exists() {
            drop(SqliteStore::open(self.0.path(), roomy())?);
        }
        Ok(Box::new(SqliteSource::open(self.0.path())?))
    }

    async fn target(&self) -> Result<Box<dyn Target>> {
        Ok(Box::new(SqliteTarget::open(self.0.path())?))
    }
}
