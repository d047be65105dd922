//! The binary, run as `pagewire get`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Took;
use super::pages::Page;

/// What is asked for: what the peer makes too.
const FORMATS: &str = "text,markdown,metadata";
/// And what hostile pages are put through.
const ALL_FORMATS: &str = "text,markdown,links,metadata,json_ld";
/// So many pages go to one process: arguments have a bound.
const BATCH: usize = 500;

/// The binary that is measured.
pub(super) struct Ours {
    binary: PathBuf,
}

impl Ours {
    pub(super) fn new(binary: &Path) -> Self {
        Self { binary: binary.to_owned() }
    }

    fn command(&self, formats: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(["get", "--time", "--json", "--formats", formats]).stdin(Stdio::null());
        command
    }

    /// Text, Markdown and metadata of each page, thrown away.
    pub(super) fn all(&self, pages: &[Page]) -> Result<Took> {
        let mut sum = Took::default();
        for batch in pages.chunks(BATCH) {
            let mut command = self.command(FORMATS);
            for page in batch {
                command.args(["--base-url", &page.url]).arg(&page.path);
            }
            let took = took(command.stdout(Stdio::null()))?;
            sum.pages += took.pages;
            sum.bytes += took.bytes;
            sum.clock_us += took.clock_us;
            sum.cpu_us += took.cpu_us;
            sum.peak_rss_bytes = sum.peak_rss_bytes.max(took.peak_rss_bytes);
        }
        Ok(sum)
    }

    /// The same, as lines of JSON.
    pub(super) fn lines(&self, pages: &[Page]) -> Result<Vec<serde_json::Value>> {
        let mut lines = Vec::new();
        for batch in pages.chunks(BATCH) {
            let mut command = self.command(FORMATS);
            for page in batch {
                command.args(["--base-url", &page.url]).arg(&page.path);
            }
            let out = command.output().context("cannot start the binary")?;
            for line in out.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                lines.push(serde_json::from_slice(line).context("a line is no JSON")?);
            }
        }
        Ok(lines)
    }

    /// Everything of one file, with further arguments.
    pub(super) fn file(&self, path: &Path, more: &[String]) -> Result<Took> {
        let mut command = self.command(ALL_FORMATS);
        command.args(["--base-url", "https://site.example/a/b"]).args(more).arg(path);
        took(command.stdout(Stdio::null()))
    }

    /// Everything of a short text.
    pub(super) fn one_line(&self, page: &str) -> Result<Took> {
        let mut command = self.command(FORMATS);
        let mut child = command
            .args(["--content-type", "text/html", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start the binary")?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(page.as_bytes())?;
        }
        let out = child.wait_with_output()?;
        told(&out.stderr)
    }
}

/// Runs it to its end: what it says it took.
fn took(command: &mut Command) -> Result<Took> {
    let out = command.stderr(Stdio::piped()).output().context("cannot start the binary")?;
    if !out.status.success() {
        bail!("the binary failed ({}): {}", out.status, String::from_utf8_lossy(&out.stderr));
    }
    told(&out.stderr)
}

fn told(stderr: &[u8]) -> Result<Took> {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().rev().find(|line| line.starts_with('{'));
    let line = line.with_context(|| format!("the binary did not say what it took: {text}"))?;
    serde_json::from_str(line).context("the binary says what it took in another way")
}
