//! Starts the child and listens to it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use super::child::{DIR, ENTRY, SUBMITTERS, WORKERS};

/// How long a child may take to do what it is waited for.
const DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(2);

/// A child at work.
pub(super) struct Run {
    child: Child,
    said: PathBuf,
    _scratch: TempDir,
}

/// How many tasks the child has.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub(super) submitters: usize,
    pub(super) workers: usize,
}

impl Run {
    /// A child on the store in `dir`.
    pub(super) fn start(dir: &Path, load: Load) -> Self {
        Self::start_with(dir, load, |_| {})
    }

    /// The same, with what `prepare` does to the command.
    pub(super) fn start_with(dir: &Path, load: Load, prepare: impl FnOnce(&mut Command)) -> Self {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let said = scratch.path().join("said");
        let out = File::create(&said).expect("a file");
        let exe = std::env::current_exe().expect("this test's own path");
        let mut command = Command::new(exe);
        command
            .args(["--exact", ENTRY, "--nocapture", "--test-threads=1"])
            .env(DIR, dir)
            .env(SUBMITTERS, load.submitters.to_string())
            .env(WORKERS, load.workers.to_string())
            .stdin(Stdio::null())
            .stdout(out);
        prepare(&mut command);
        let child = command.spawn().expect("the child starts");
        Self { child, said, _scratch: scratch }
    }

    /// The complete lines so far.
    pub(super) fn said(&self) -> Vec<String> {
        let said = fs::read(&self.said).expect("what the child said");
        let said = String::from_utf8_lossy(&said);
        let complete = said.rfind('\n').map_or("", |end| &said[..end]);
        complete.lines().map(str::to_owned).collect()
    }

    /// Waits until `enough` of what was said.
    pub(super) fn wait_until(&mut self, what: &str, enough: impl Fn(&[String]) -> bool) {
        let mut waited = Duration::ZERO;
        loop {
            let said = self.said();
            if enough(&said) {
                return;
            }
            let ended = self.child.try_wait().expect("its state");
            assert!(ended.is_none(), "the child ended ({ended:?}) before {what}: {said:?}");
            assert!(waited < DEADLINE, "{what}: not within {DEADLINE:?}: {said:?}");
            sleep(POLL);
            waited += POLL;
        }
    }

    /// Lets it work for `time`.
    pub(super) fn go_on_for(&self, time: Duration) {
        sleep(time);
    }

    /// SIGKILL; answers what it had said.
    pub(super) fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("its end");
        self.said()
    }

    /// Waits for its own end, or kills it at the deadline; answers what it had said.
    pub(super) fn end(mut self) -> (Option<ExitStatus>, Vec<String>) {
        let mut waited = Duration::ZERO;
        while waited < DEADLINE {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return (Some(status), self.said());
            }
            sleep(POLL);
            waited += POLL;
        }
        (None, self.kill())
    }
}
