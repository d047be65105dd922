//! trafilatura, in an environment of its own.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Took;
use super::pages::Page;
use crate::command::{succeed, works};

/// What is installed, and how it is called in tables.
pub(super) const NAME: &str = "trafilatura 2.3.1";
/// The second is needed by one of its dependencies, which does not say so any more.
const REQUIREMENTS: [&str; 2] = ["trafilatura==2.3.1", "lxml_html_clean==0.4.6"];

/// One call for each page gives Markdown with metadata; the text is as good as in it.
const SCRIPT: &str = include_str!("peer.py");

/// The environment.
pub(super) struct Peer {
    python: PathBuf,
    script: PathBuf,
}

impl Peer {
    /// Makes the environment unless it is there.
    ///
    /// # Errors
    /// No `python3` with `venv`, or the package cannot be had.
    pub(super) fn install(scratch: &Path) -> Result<Self> {
        let home = scratch.join("peer");
        let python = home.join("bin/python");
        let script = scratch.join("peer.py");
        fs::write(&script, SCRIPT)?;
        let there = |python: &Path| {
            let mut probe = Command::new(python);
            let check = "import sys, trafilatura; sys.exit(trafilatura.__version__ != '2.3.1')";
            probe.args(["-c", check]);
            python.exists() && works(probe)
        };
        if !there(&python) {
            let mut make = Command::new("python3");
            make.args(["-m", "venv"]).arg(&home);
            succeed(make).context(
                "the comparison needs python3 with its venv module (Debian: python3-venv); \
                 --no-baseline leaves it out",
            )?;
            let mut pip = Command::new(&python);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            pip.args(REQUIREMENTS);
            succeed(pip).context("cannot install trafilatura; --no-baseline leaves it out")?;
        }
        Ok(Self { python, script })
    }

    /// Markdown and metadata of each page.
    pub(super) fn all(&self, pages: &[Page]) -> Result<Took> {
        let mut child = Command::new(&self.python)
            .arg(&self.script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start python")?;
        // It reads everything before it writes anything.
        if let Some(mut input) = child.stdin.take() {
            for page in pages {
                // When it is gone already, its end says why.
                if writeln!(input, "{}\t{}", page.url, page.path.display()).is_err() {
                    break;
                }
            }
        }
        let out = child.wait_with_output()?;
        if !out.status.success() {
            bail!("{NAME} failed ({})", out.status);
        }
        serde_json::from_slice(&out.stdout).context("the peer did not say what it took")
    }
}
