use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::Context;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// The seed of this run: `PAGEWIRE_E2E_SEED`, or one drawn now. Printed the first time, so that a
/// failing run can be repeated.
pub fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let given = std::env::var("PAGEWIRE_E2E_SEED").ok();
        let seed = match given.as_deref().map(str::parse) {
            Some(Ok(seed)) => seed,
            Some(Err(error)) => panic!("PAGEWIRE_E2E_SEED is not a number: {error}"),
            None => u64::from(rand::random::<u32>()),
        };
        say(&format!("PAGEWIRE_E2E_SEED={seed}"));
        seed
    })
}

/// A generator for `purpose`: the same for the same seed, whatever else runs.
pub fn rng(purpose: &str) -> StdRng {
    StdRng::seed_from_u64(seed() ^ crate::page::hash(purpose.as_bytes()))
}

/// Kill cycles to run: `PAGEWIRE_E2E_CYCLES`, 25 when it is not set.
pub fn cycles() -> u32 {
    match std::env::var("PAGEWIRE_E2E_CYCLES") {
        Ok(cycles) => cycles.parse().expect("PAGEWIRE_E2E_CYCLES must be a number"),
        Err(_) => 25,
    }
}

/// A line for whoever watches the test.
#[expect(clippy::print_stderr, reason = "test output, captured by the test runner")]
pub fn say(line: &str) {
    eprintln!("{line}");
}

/// A directory for one test, removed when dropped unless `PAGEWIRE_E2E_KEEP=1`.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// Removes the directory when dropped.
    guard: Option<tempfile::TempDir>,
}

impl Scratch {
    /// A new empty directory whose name contains `name`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(name: &str) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix(&format!("pagewire-{name}-")).tempdir();
        let dir = dir.context("making a scratch directory")?;
        let path = dir.path().canonicalize().context("resolving the scratch directory")?;
        if std::env::var("PAGEWIRE_E2E_KEEP").is_ok_and(|keep| keep != "0") {
            say(&format!("keeping {}", path.display()));
            drop(dir.keep());
            return Ok(Self { path, guard: None });
        }
        Ok(Self { path, guard: Some(dir) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the directory after all, for a look at what went wrong.
    pub fn keep(&mut self) {
        if let Some(dir) = self.guard.take() {
            say(&format!("keeping {}", dir.keep().display()));
        }
    }
}
