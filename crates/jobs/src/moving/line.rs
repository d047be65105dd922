//! Lines, each with the checksum of everything up to it.

use std::io::{self, BufRead, Read, Write};

use crc32fast::Hasher;
use serde::{Deserialize, Serialize};

use super::{Item, Position};
use crate::{Error, ErrorKind, Result};

/// The format that is written; older ones are read too, once there are any.
const FORMAT: u64 = 1;
/// Longer lines are not read: no job is that large.
const LONGEST: u64 = 1 << 30;

/// The first line.
#[derive(Serialize, Deserialize)]
struct HeadLine {
    pagewire_store: Head,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: u64,
    /// Of the program that wrote it, for people.
    version: String,
}

/// The last line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    end: End,
}

/// How much there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) documents: u64,
    pub(super) groups: u64,
    pub(super) lanes: u64,
    pub(super) notes: u64,
    pub(super) jobs: u64,
    pub(super) waiting: u64,
}

/// Where a line's checksum is.
const SEAL: &[u8] = b",\"crc32\":\"";
const SEAL_BYTES: usize = SEAL.len() + 8 + 2;

fn seal(crc: &Hasher) -> String {
    format!(",\"crc32\":\"{:08x}\"}}", crc.clone().finalize())
}

/// Writes lines.
pub(super) struct Writer<'a> {
    out: &'a mut dyn Write,
    crc: Hasher,
    lines: u64,
    bytes: u64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, crc: Hasher::new(), lines: 0, bytes: 0 }
    }

    pub(super) fn head(&mut self) -> io::Result<()> {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        self.line(&HeadLine { pagewire_store: Head { format: FORMAT, version } })
    }

    pub(super) fn item(&mut self, item: &Item) -> io::Result<()> {
        self.line(item)
    }

    pub(super) fn end(&mut self, end: End) -> io::Result<()> {
        self.line(&EndLine { end })?;
        self.out.flush()
    }

    fn line<T: Serialize>(&mut self, object: &T) -> io::Result<()> {
        let mut line = serde_json::to_vec(object)?;
        // Its closing brace comes after the checksum.
        line.pop();
        self.crc.update(&line);
        let mut seal = seal(&self.crc);
        seal.push('\n');
        self.crc.update(seal.as_bytes());
        self.out.write_all(&line)?;
        self.out.write_all(seal.as_bytes())?;
        self.lines += 1;
        self.bytes += (line.len() + seal.len()) as u64;
        Ok(())
    }

    pub(super) const fn lines(&self) -> u64 {
        self.lines
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// What a line after the first may be.
pub(super) enum Line {
    Item(Item),
    End(End),
}

/// Reads lines.
pub(super) struct Reader<'a> {
    input: &'a mut dyn BufRead,
    crc: Hasher,
    lines: u64,
    bytes: u64,
    /// The line that was read last.
    buffer: Vec<u8>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a mut dyn BufRead) -> Self {
        Self { input, crc: Hasher::new(), lines: 0, bytes: 0, buffer: Vec::new() }
    }

    /// The place after the last line that was read.
    pub(super) fn position(&self) -> Position {
        Position { lines: self.lines, crc32: self.crc.clone().finalize() }
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads the first line.
    pub(super) fn head(&mut self) -> Result<()> {
        if !self.fill()? {
            return Err(Error::new(ErrorKind::Corrupt, "the export is empty"));
        }
        // Looked at before its checksum: a newer format may have another.
        let Ok(HeadLine { pagewire_store: head }) = serde_json::from_slice(&self.buffer) else {
            let what = "line 1 is not the first line of an export, {\"pagewire_store\":…";
            return Err(Error::new(ErrorKind::Corrupt, what));
        };
        if head.format != FORMAT {
            let (found, by) = (head.format, head.version);
            let what = format!(
                "the export is of format {found}, written by version {by}, and this program knows \
                 format {FORMAT}: import it with the version that wrote it, or a newer one"
            );
            return Err(Error::new(ErrorKind::Unusable, what));
        }
        self.open().map(|_| ())
    }

    /// Reads the next line.
    pub(super) fn line(&mut self) -> Result<Line> {
        if !self.fill()? {
            let what = format!(
                "the export was cut off: it ends after line {} without its last line",
                self.lines
            );
            return Err(Error::new(ErrorKind::Corrupt, what));
        }
        let object = self.open()?;
        let parsed = if object.starts_with(b"{\"end\":") {
            serde_json::from_slice(object).map(|EndLine { end }| Line::End(end))
        } else {
            serde_json::from_slice(object).map(Line::Item)
        };
        parsed.map_err(|error| self.damaged(&error.to_string()))
    }

    /// Nothing may come after the last line.
    pub(super) fn nothing_more(&mut self) -> Result<()> {
        if self.fill()? {
            return Err(self.damaged("it comes after the last line of the export"));
        }
        Ok(())
    }

    /// Reads a line into the buffer; `false` when there is none.
    fn fill(&mut self) -> Result<bool> {
        self.buffer.clear();
        let read = self.input.take(LONGEST).read_until(b'\n', &mut self.buffer);
        let read = read.map_err(|error| {
            let what = format!("cannot read the export after line {}: {error}", self.lines);
            Error::new(ErrorKind::Unavailable, what).because(error)
        })?;
        if read == 0 {
            return Ok(false);
        }
        self.lines += 1;
        self.bytes += read as u64;
        match self.buffer.pop() {
            Some(b'\n') => Ok(true),
            _ if read as u64 == LONGEST => Err(self.damaged("it is longer than 1 GiB")),
            _ => {
                let what = format!("the export was cut off in line {}", self.lines);
                Err(Error::new(ErrorKind::Corrupt, what))
            }
        }
    }

    /// Checks the line, and answers it without its checksum.
    fn open(&mut self) -> Result<&[u8]> {
        let at = self.buffer.len().saturating_sub(SEAL_BYTES);
        self.crc.update(&self.buffer[..at]);
        if self.buffer[at..] != *seal(&self.crc).as_bytes() {
            return Err(self.damaged(
                "its checksum does not fit: it was changed, or is not where it was written",
            ));
        }
        self.crc.update(&self.buffer[at..]);
        self.crc.update(b"\n");
        self.buffer[at] = b'}';
        Ok(&self.buffer[..=at])
    }

    fn damaged(&self, why: &str) -> Error {
        Error::new(ErrorKind::Corrupt, format!("line {} is damaged: {why}", self.lines))
    }
}
