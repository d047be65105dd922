//! Moving house: everything of a store as lines of text, from one store that nobody uses to
//! another that is empty, of whatever backend.
//!
//! [`export`] writes what a [`Source`] holds, [`import`] fills a [`Target`] with it. Both keep a few
//! megabytes in memory, and one job with its result if that is more. An export of a store that did
//! not change is the same to the byte, and so is that of a store it was imported into: jobs that
//! wait or were in hand, what is over, results, ledgers, idempotency keys, groups' counts, what is
//! known of lanes, notes and documents are all there. What is derived is not (shards, partitions,
//! segments, tallies): the target makes it anew.
//!
//! An import commits a few hundred lines at a time, and with them how far it has come; run again
//! with the same lines it goes on there. A store into which an import is not finished does not
//! open.
//!
//! # The lines
//! Each is a JSON object with two members: what it is, and `crc32`, the CRC-32 (IEEE) of all that
//! was written up to the comma before it, in eight hexadecimal digits. So damage, a lost line and
//! two that changed places are noticed where they are. First comes `pagewire_store` with the number
//! of the format, then any number of [`Item`]s by kind and key, last `end` with how many there were.
//!
//! # Failure
//! * The lines are cut off, damaged, of a newer format, or not known to the target:
//!   [`Failed::Lines`], with the number of the line.
//! * A store is in use, holds something else, cannot be read or written: [`Failed::Store`].

mod blob;
mod item;
mod line;

use std::io::{BufRead, Write};

use futures_util::future::BoxFuture;

pub use self::blob::Blob;
pub use self::item::{Document, Group, Item, Job, Key, Kind, Lane, Note, Stand};
use self::line::{End, Reader, Writer};
use crate::{Error, ErrorKind, Result, Stage};

/// A store to be read, which nobody else uses meanwhile.
pub trait Source: Send {
    /// The next few items of this kind, by key; none when that was all. Kinds are asked for one
    /// after the other.
    fn read(&mut self, kind: Kind) -> BoxFuture<'_, Result<Vec<Item>>>;
}

/// A store to be filled, which nobody else uses meanwhile.
pub trait Target: Send {
    /// What is there already.
    fn standing(&mut self) -> BoxFuture<'_, Result<Standing>>;

    /// Writes items and how far they go, all of it or nothing, to disk. `Err` of
    /// [`ErrorKind::Invalid`] when the target cannot hold them.
    fn put(&mut self, items: Vec<Numbered>, position: Position) -> BoxFuture<'_, Result<()>>;

    /// That was all: from now on it is a store like any other.
    fn finish(&mut self, position: Position) -> BoxFuture<'_, Result<()>>;
}

/// An item with the number of its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The line, from 1.
    pub line: u64,
    /// What it says.
    pub item: Item,
}

/// A place between two lines of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Lines before it.
    pub lines: u64,
    /// The CRC-32 of these, which tells one export from another.
    pub crc32: u32,
}

/// What a target holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Empty,
    /// An import that was not finished.
    Begun(Position),
    /// What was imported, and what became of it since.
    Finished(Position),
    /// Something of its own.
    Occupied,
}

/// How much was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Lines of the export, the first and the last among them.
    pub lines: u64,
    /// Bytes of these lines.
    pub bytes: u64,
    /// Documents.
    pub documents: u64,
    /// Groups.
    pub groups: u64,
    /// Lanes of which something is known.
    pub lanes: u64,
    /// Notes.
    pub notes: u64,
    /// Jobs, whatever became of them.
    pub jobs: u64,
    /// Jobs among them that are not over.
    pub waiting: u64,
    /// Lines that an earlier import had written.
    pub resumed: u64,
    /// Whether an earlier import had written everything, so that there was nothing to do.
    pub already: bool,
}

impl Moved {
    fn count(&mut self, item: &Item) {
        if let Item::Job(job) = item
            && job.state == Stand::Waiting
        {
            self.waiting += 1;
        }
        *self.of(item.kind()) += 1;
    }

    const fn of(&mut self, kind: Kind) -> &mut u64 {
        match kind {
            Kind::Document => &mut self.documents,
            Kind::Group => &mut self.groups,
            Kind::Lane => &mut self.lanes,
            Kind::Note => &mut self.notes,
            Kind::Job => &mut self.jobs,
        }
    }

    const fn end(&self) -> End {
        let Self { documents, groups, lanes, notes, jobs, waiting, .. } = *self;
        End { documents, groups, lanes, notes, jobs, waiting }
    }
}

/// Why something could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The lines: what they say, or reading or writing them.
    #[error("{0}")]
    Lines(#[source] Error),
    /// The store.
    #[error("{0}")]
    Store(#[source] Error),
}

/// Items that are written in one go, at most.
pub(crate) const BATCH: usize = 512;
/// And their bytes, as soon as which there are no more.
pub(crate) const BATCH_BYTES: usize = 4 << 20;

/// Writes everything that `source` holds, and the documents `also`, which are not in it, to `out`.
/// `progress` is told now and then how much that was.
///
/// # Errors
/// The source cannot be read, or `out` not be written to.
pub async fn export(
    source: &mut dyn Source,
    mut also: Vec<Document>,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(&Moved),
) -> Result<Moved, Failed> {
    let mut out = Writer::new(out);
    let mut moved = Moved::default();
    out.head().map_err(unwritten)?;
    // The last is the next.
    also.sort_by(|a, b| (&b.space, &b.key).cmp(&(&a.space, &a.key)));
    for kind in Kind::ALL {
        loop {
            let items = source.read(kind).await.map_err(Failed::Store)?;
            let last = items.is_empty();
            for item in items {
                if let Item::Document(document) = &item {
                    let place = (&document.space, &document.key);
                    while let Some(next) = also.pop_if(|a| (&a.space, &a.key) < place) {
                        write(&mut out, &Item::Document(next), &mut moved)?;
                    }
                }
                write(&mut out, &item, &mut moved)?;
            }
            progress(&moved);
            if last {
                break;
            }
        }
        while let Some(next) = also.pop() {
            write(&mut out, &Item::Document(next), &mut moved)?;
        }
    }
    out.end(moved.end()).map_err(unwritten)?;
    (moved.lines, moved.bytes) = (out.lines(), out.bytes());
    Ok(moved)
}

fn write(out: &mut Writer<'_>, item: &Item, moved: &mut Moved) -> Result<(), Failed> {
    out.item(item).map_err(unwritten)?;
    moved.count(item);
    (moved.lines, moved.bytes) = (out.lines(), out.bytes());
    Ok(())
}

fn unwritten(error: std::io::Error) -> Failed {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
        _ => ErrorKind::Unavailable,
    };
    Failed::Lines(Error::new(kind, format!("cannot write the export: {error}")).because(error))
}

/// Fills `target` with what `input` says, or goes on where an earlier import of the same lines was
/// cut short. Jobs that are not over must be in one of `stages`.
///
/// # Errors
/// The lines are not a whole export that this program knows, or not the one that was begun with;
/// the target holds something else, or cannot be written to. What was written until then stays,
/// for the next attempt.
pub async fn import(
    input: &mut dyn BufRead,
    target: &mut dyn Target,
    stages: &[Stage],
    progress: &mut dyn FnMut(&Moved),
) -> Result<Moved, Failed> {
    let mut reader = Reader::new(input);
    reader.head().map_err(Failed::Lines)?;
    let standing = target.standing().await.map_err(Failed::Store)?;
    let done = match standing {
        Standing::Empty => Position::default(),
        Standing::Begun(position) | Standing::Finished(position) => position,
        Standing::Occupied => return Err(occupied()),
    };
    let mut moved = Moved { resumed: done.lines, ..Moved::default() };
    let mut batch = Batch::default();
    let end = loop {
        let parsed = reader.line().map_err(Failed::Lines)?;
        let position = reader.position();
        (moved.lines, moved.bytes) = (position.lines, reader.bytes());
        if position.lines == done.lines && position.crc32 != done.crc32 {
            return Err(another(standing));
        }
        let item = match parsed {
            line::Line::End(end) => break end,
            line::Line::Item(item) => item,
        };
        moved.count(&item);
        if position.lines <= done.lines {
            continue;
        }
        check_stage(&item, stages, position.lines)?;
        batch.push(item, position);
        if batch.is_full() {
            batch.write(target).await?;
            progress(&moved);
        }
    };
    if reader.position().lines < done.lines {
        return Err(another(standing));
    }
    if moved.end() != end {
        let what = "the last line tells of other numbers than there were lines".to_owned();
        return Err(Failed::Lines(Error::new(ErrorKind::Corrupt, what)));
    }
    reader.nothing_more().map_err(Failed::Lines)?;
    if let Standing::Finished(_) = standing {
        moved.already = true;
        return Ok(moved);
    }
    batch.write(target).await?;
    target.finish(reader.position()).await.map_err(Failed::Store)?;
    Ok(moved)
}

/// Lines on their way to the target.
#[derive(Default)]
struct Batch {
    items: Vec<Numbered>,
    bytes: usize,
    position: Position,
}

impl Batch {
    fn push(&mut self, item: Item, position: Position) {
        self.bytes += item.bytes();
        self.items.push(Numbered { line: position.lines, item });
        self.position = position;
    }

    const fn is_full(&self) -> bool {
        self.items.len() >= BATCH || self.bytes >= BATCH_BYTES
    }

    async fn write(&mut self, target: &mut dyn Target) -> Result<(), Failed> {
        let Self { items, position, .. } = std::mem::take(self);
        if items.is_empty() {
            return Ok(());
        }
        let failed = |error: Error| match error.kind() {
            ErrorKind::Invalid => Failed::Lines(error),
            _ => Failed::Store(error),
        };
        target.put(items, position).await.map_err(failed)
    }
}

/// A job whose stage nobody works on would wait for ever, unseen.
fn check_stage(item: &Item, stages: &[Stage], line: u64) -> Result<(), Failed> {
    let Item::Job(job) = item else { return Ok(()) };
    if job.state != Stand::Waiting || stages.iter().any(|s| s.as_str() == job.stage) {
        return Ok(());
    }
    let what = format!(
        "line {line}: job {} waits in stage `{}`, which this version does not know: import it with \
         the version that wrote it, or a newer one",
        job.id, job.stage
    );
    Err(Failed::Lines(Error::new(ErrorKind::Invalid, what)))
}

fn occupied() -> Failed {
    let what = "it is not empty: an export goes into a new data directory or schema, which the \
                import makes";
    Failed::Store(Error::new(ErrorKind::Unusable, what))
}

/// The lines are not those that the target was begun with.
fn another(standing: Standing) -> Failed {
    if let Standing::Finished(_) = standing {
        return occupied();
    }
    let what = "an import of another export was begun there: go on with that one, or choose a new \
                data directory or schema";
    Failed::Store(Error::new(ErrorKind::Unusable, what))
}

/// Why a store into which an import is not finished does not open.
pub(crate) fn unfinished(place: impl std::fmt::Display) -> Error {
    let what = format!(
        "an import into {place} is not finished: run it again with the same export, or remove what \
         is there"
    );
    Error::new(ErrorKind::Unusable, what)
}
