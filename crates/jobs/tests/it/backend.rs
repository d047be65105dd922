//! The backends that the contract is held against.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jobs::{
    Bounds, Config, LaneLimit, LaneLimits, MemoryStore, SqliteStore, Stage, StageConfig, Store,
};
use tempfile::TempDir;

/// The stage that jobs of these tests start in.
pub(crate) static FETCH: Stage = Stage::from_static("fetch");
/// The stage that they advance to.
pub(crate) static DELIVER: Stage = Stage::from_static("deliver");

/// A configuration in which only what a test sets is narrow.
pub(crate) fn config(lanes: impl Into<LaneLimits>, bounds: Bounds) -> Config {
    let lanes = lanes.into();
    Config {
        stages: [&FETCH, &DELIVER]
            .map(|stage| StageConfig::new(stage.clone(), lanes.clone()))
            .to_vec(),
        bounds,
    }
}

/// A configuration in which nothing is narrow.
pub(crate) fn roomy() -> Config {
    let lane = LaneLimit { concurrency: 1_000, interval: Duration::ZERO, ..LaneLimit::default() };
    config(lane, Bounds::default())
}

/// A store under test.
pub(crate) trait Backend: Sized + Send + 'static {
    /// Opens a fresh, empty store.
    fn start(config: Config) -> Self;

    /// The store.
    fn store(&self) -> &Arc<dyn Store>;
}

/// A store that outlives its process.
pub(crate) trait Durable: Backend {
    /// Closes the store and opens it again from what it left behind.
    fn reopen(self) -> impl Future<Output = Self> + Send;

    /// Where it keeps its files.
    fn dir(&self) -> &Path;
}

/// [`MemoryStore`].
pub(crate) struct Memory(Arc<dyn Store>);

impl Backend for Memory {
    fn start(config: Config) -> Self {
        Self(MemoryStore::new(config))
    }

    fn store(&self) -> &Arc<dyn Store> {
        &self.0
    }
}

/// [`SqliteStore`] in a directory of its own.
pub(crate) struct Sqlite {
    store: Arc<dyn Store>,
    config: Config,
    dir: TempDir,
}

impl Backend for Sqlite {
    fn start(config: Config) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let store = SqliteStore::open(dir.path(), config.clone()).expect("a fresh store opens");
        Self { store, config, dir }
    }

    fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }
}

impl Durable for Sqlite {
    async fn reopen(self) -> Self {
        let Self { store, config, dir } = self;
        store.close().await.expect("the store closes");
        drop(store);
        let store = SqliteStore::open(dir.path(), config.clone()).expect("the store reopens");
        Self { store, config, dir }
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }
}

/// Bytes of all files below `dir`.
pub(crate) fn disk_bytes(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).expect("the directory can be read");
    entries
        .map(|entry| {
            let entry = entry.expect("the directory can be read");
            let meta = entry.metadata().expect("a file of the store has metadata");
            if meta.is_dir() { disk_bytes(&entry.path()) } else { meta.len() }
        })
        .sum()
}

/// The database of the store in `dir`.
pub(crate) fn database(dir: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(dir).expect("read").map(|e| e.expect("read").path());
    entries.find(|path| path.extension().is_some_and(|e| e == "db")).expect("a database")
}
