//! `pagewire store export | import`: everything in a store as lines of JSON, and back. The lines are
//! [`jobs::moving`]'s; here are the files, the secrets beside the store, and what is said of it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, IsTerminal as _, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, anyhow};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jobs::moving::{
    Blob, Document, Failed, Item, Moved, Numbered, Position, Standing, Target, export, import,
};
use jobs::{ErrorKind, SqliteSource, SqliteTarget, Stage};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::cli::{Export, Import, Moving};
use crate::exit::Failure;
use crate::open::refused;
use crate::secret;
use crate::stages::{DELIVER, PULL, SCRAPE};

/// Documents of this space are files beside the store.
const FILES: &str = "files";
/// How often it is said how far it has come.
const SAY_EVERY: Duration = Duration::from_millis(200);
/// Bytes read and written at once.
const BUFFER: usize = 256 * 1024;

/// Moves what there is.
///
/// # Errors
/// [`Failure::Storage`] when it is the store's fault, [`Failure::Runtime`] when it is that of the
/// lines or the file that holds them.
pub(crate) fn run(command: &Moving) -> Result<(), Failure> {
    match command {
        Moving::Export(flags) => take_out(flags),
        Moving::Import(flags) => bring_in(flags),
    }
}

fn take_out(flags: &Export) -> Result<(), Failure> {
    let dir = &flags.dir;
    let mut source = SqliteSource::open(dir).map_err(|error| refused(dir, error))?;
    let beside = secret::kept(dir).map_err(Failure::Storage)?;
    let beside = beside.into_iter().map(|(name, text)| Document {
        space: FILES.to_owned(),
        key: name.to_owned(),
        value: Blob::of(text.as_bytes()),
    });
    let mut out = Output::open(flags.out.as_deref())?;
    let mut said = Said::new("exported");
    let mut progress = |moved: &Moved| said.tell(moved);
    let exported =
        runtime()?.block_on(export(&mut source, beside.collect(), &mut out.to, &mut progress));
    said.clear();
    let moved = exported.map_err(|failed| told(failed, dir))?;
    out.finish()?;
    say(&mut io::stderr(), "exported", &moved, flags.json);
    Ok(())
}

fn bring_in(flags: &Import) -> Result<(), Failure> {
    let dir = &flags.dir;
    let from: Box<dyn io::Read> = match &flags.file {
        Some(path) => {
            let opened = File::open(path);
            Box::new(opened.with_context(|| format!("reading --file {}", path.display()))?)
        }
        None => Box::new(io::stdin().lock()),
    };
    let target = SqliteTarget::open(dir).map_err(|error| refused(dir, error))?;
    let mut target = WithFiles { inner: target, dir: dir.clone() };
    let mut said = Said::new("imported");
    let mut progress = |moved: &Moved| said.tell(moved);
    let mut lines = BufReader::with_capacity(BUFFER, from);
    let stages: [Stage; 3] = [SCRAPE, DELIVER, PULL];
    let imported = runtime()?.block_on(import(&mut lines, &mut target, &stages, &mut progress));
    said.clear();
    let moved = imported.map_err(|failed| told(failed, dir))?;
    say(&mut io::stdout(), "imported", &moved, flags.json);
    Ok(())
}

fn runtime() -> Result<Runtime, Error> {
    Builder::new_current_thread().build().context("starting the asynchronous runtime")
}

fn told(failed: Failed, dir: &Path) -> Failure {
    match failed {
        Failed::Lines(error) => Failure::Runtime(anyhow!(error)),
        Failed::Store(error) if error.kind() == ErrorKind::Unusable => {
            let doing = format!("cannot use the store in {}", dir.display());
            Failure::Storage(anyhow!(error).context(doing))
        }
        Failed::Store(error) => refused(dir, error),
    }
}

/// Where the lines go: a file gets its name when they are whole.
struct Output {
    to: BufWriter<Box<dyn Write>>,
    file: Option<(File, PathBuf, PathBuf)>,
}

impl Output {
    fn open(path: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = path else {
            return Ok(Self::to(Box::new(io::stdout().lock()), None));
        };
        let mut aside = path.as_os_str().to_owned();
        aside.push(".part");
        let aside = PathBuf::from(aside);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let doing = || format!("writing --output {}", aside.display());
        let file = options.open(&aside).with_context(doing)?;
        let copy = file.try_clone().with_context(doing)?;
        Ok(Self::to(Box::new(copy), Some((file, aside, path.to_owned()))))
    }

    fn to(to: Box<dyn Write>, file: Option<(File, PathBuf, PathBuf)>) -> Self {
        Self { to: BufWriter::with_capacity(BUFFER, to), file }
    }

    /// Everything is written.
    fn finish(mut self) -> Result<(), Error> {
        self.to.flush().context("writing the export")?;
        let Some((file, aside, path)) = self.file else { return Ok(()) };
        file.sync_all().with_context(|| format!("syncing {}", aside.display()))?;
        std::fs::rename(&aside, &path).with_context(|| format!("naming {}", path.display()))
    }
}

/// A target whose directory also takes what is kept beside the store.
struct WithFiles {
    inner: SqliteTarget,
    dir: PathBuf,
}

impl WithFiles {
    /// Writes the files among the items, before anything says that they are there.
    fn keep_files(&self, items: &[Numbered]) -> jobs::Result<()> {
        for Numbered { line, item } in items {
            let Item::Document(Document { space, key, value }) = item else { continue };
            if space != FILES {
                continue;
            }
            let text = std::str::from_utf8(&value.0).unwrap_or_default();
            secret::keep(&self.dir, key, text).map_err(|error| {
                jobs::Error::new(ErrorKind::Invalid, format!("line {line}: {error:#}"))
            })?;
        }
        Ok(())
    }
}

impl Target for WithFiles {
    fn standing(&mut self) -> BoxFuture<'_, jobs::Result<Standing>> {
        self.inner.standing()
    }

    fn put(&mut self, mut items: Vec<Numbered>, at: Position) -> BoxFuture<'_, jobs::Result<()>> {
        if let Err(error) = self.keep_files(&items) {
            return std::future::ready(Err(error)).boxed();
        }
        items.retain(|n| !matches!(&n.item, Item::Document(document) if document.space == FILES));
        self.inner.put(items, at)
    }

    fn finish(&mut self, at: Position) -> BoxFuture<'_, jobs::Result<()>> {
        self.inner.finish(at)
    }
}

/// How far it has come, for whoever watches.
struct Said {
    doing: &'static str,
    last: Option<Instant>,
    watched: bool,
}

impl Said {
    fn new(doing: &'static str) -> Self {
        Self { doing, last: None, watched: io::stderr().is_terminal() }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "how often a person is told is no one's time but theirs"
    )]
    fn tell(&mut self, moved: &Moved) {
        if !self.watched || self.last.is_some_and(|last| last.elapsed() < SAY_EVERY) {
            return;
        }
        self.last = Some(Instant::now());
        let (jobs, megabytes) = (moved.jobs, moved.bytes / 1_000_000);
        let _ = write!(io::stderr(), "\r{} {jobs} jobs, {megabytes} MB", self.doing);
    }

    fn clear(&self) {
        if self.last.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// One line of what was done. A reader that went away has read enough.
fn say(to: &mut dyn Write, done: &str, moved: &Moved, as_json: bool) {
    let Moved { lines, bytes, documents, groups, lanes, notes, jobs, waiting, resumed, already } =
        moved;
    if as_json {
        let said = json!({
            "lines": lines, "bytes": bytes, "documents": documents, "groups": groups,
            "lanes": lanes, "notes": notes, "jobs": jobs, "waiting": waiting,
            "resumed": resumed, "already": already,
        });
        let _ = writeln!(to, "{said}");
        return;
    }
    if *already {
        let _ = writeln!(to, "nothing to do: all {lines} lines were imported before");
        return;
    }
    let begun = match resumed {
        0 => String::new(),
        resumed => format!("; went on after line {resumed}"),
    };
    let _ = writeln!(
        to,
        "{done} {jobs} jobs ({waiting} of them not over), {documents} documents, {groups} groups, \
         {lanes} lanes, {notes} notes: {lines} lines, {bytes} bytes{begun}"
    );
}
