//! Append-only files for results. A body is written once; SQLite keeps only where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::JobId;
use crate::sqlite::directory;

/// Where a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    pub(super) segment: u64,
    /// Of the first byte of the body.
    pub(super) offset: u64,
    pub(super) length: u64,
    /// CRC-32 (IEEE) of the body.
    pub(super) crc: u32,
}

/// What is known of one segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Size of the file.
    pub(super) bytes: u64,
    /// Bodies in it that are still named by a job.
    pub(super) live: u64,
    /// Their bytes.
    pub(super) live_bytes: u64,
}

/// Before each body: magic, length, CRC, and the job's id, so that a segment explains itself.
const HEADER: usize = 4 + 4 + 4 + 16;
const MAGIC: [u8; 4] = *b"PWb1";

/// The segments of one data directory. One writer; reading needs only the path.
#[derive(Debug)]
pub(super) struct Segments {
    path: PathBuf,
    roll_at: u64,
    open: Option<Open>,
    usage: BTreeMap<u64, Usage>,
    next: u64,
    /// Segments that could not be read through: left as they are.
    damaged: BTreeSet<u64>,
}

#[derive(Debug)]
struct Open {
    number: u64,
    file: File,
    length: u64,
}

impl Segments {
    /// Takes up a directory whose live segments are `usage`; files that nothing names are removed.
    /// Writing always begins with a new segment, so that a torn tail is never written after.
    pub(super) fn open(
        path: PathBuf,
        roll_at: u64,
        usage: BTreeMap<u64, Usage>,
    ) -> io::Result<Self> {
        let mut next = usage.keys().next_back().map_or(1, |last| last + 1);
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            let Some(number) = number(&entry.path()) else {
                continue;
            };
            next = next.max(number + 1);
            if usage.get(&number).is_none_or(|u| u.live == 0) {
                fs::remove_file(entry.path())?;
            }
        }
        let usage = usage.into_iter().filter(|(_, u)| u.live > 0).collect();
        Ok(Self { path, roll_at, open: None, usage, next, damaged: BTreeSet::new() })
    }

    /// Appends bodies and syncs them; a failure leaves what was there as it was.
    pub(super) fn append<'a>(
        &mut self,
        bodies: impl Iterator<Item = (JobId, &'a [u8])>,
    ) -> Result<Vec<Pointer>, AppendError> {
        let mut pointers = Vec::new();
        let start = self.opened().map_err(AppendError::Write)?.length;
        let written = self.write(bodies, &mut pointers);
        let open = self.open.as_mut().expect("opened above");
        if let Err(error) = written {
            // Back to the last good length, so that a full disk does not fill with tails.
            open.length = start;
            let _ = open.file.set_len(start);
            return Err(AppendError::Write(error));
        }
        open.file.sync_data().map_err(AppendError::Sync)?;
        for pointer in &pointers {
            let usage = self.usage.entry(pointer.segment).or_default();
            usage.bytes = open.length;
            usage.live += 1;
            usage.live_bytes += pointer.length;
        }
        Ok(pointers)
    }

    fn write<'a>(
        &mut self,
        bodies: impl Iterator<Item = (JobId, &'a [u8])>,
        pointers: &mut Vec<Pointer>,
    ) -> io::Result<()> {
        let open = self.open.as_mut().expect("the caller opened it");
        for (id, body) in bodies {
            let crc = crc32fast::hash(body);
            let length = u32::try_from(body.len())
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a body over 4 GiB"))?;
            let mut header = [0; HEADER];
            header[..4].copy_from_slice(&MAGIC);
            header[4..8].copy_from_slice(&length.to_le_bytes());
            header[8..12].copy_from_slice(&crc.to_le_bytes());
            header[12..].copy_from_slice(id.as_bytes());
            open.file.write_all_at(&header, open.length)?;
            let offset = open.length + HEADER as u64;
            open.file.write_all_at(body, offset)?;
            open.length = offset + u64::from(length);
            pointers.push(Pointer { segment: open.number, offset, length: u64::from(length), crc });
        }
        Ok(())
    }

    fn opened(&mut self) -> io::Result<&Open> {
        if self.open.as_ref().is_none_or(|open| open.length >= self.roll_at) {
            let number = self.next;
            // Taken even if what follows fails: the file may be there already.
            self.next += 1;
            let file =
                File::options().create_new(true).write(true).open(file(&self.path, number))?;
            directory::sync(&self.path)?;
            self.open = Some(Open { number, file, length: 0 });
        }
        Ok(self.open.as_ref().expect("just opened"))
    }

    /// A transaction that would have named these bodies was rolled back.
    pub(super) fn forget(&mut self, pointers: &[Pointer]) {
        for pointer in pointers {
            self.release(pointer.segment, pointer.length);
        }
    }

    /// One body is no longer named.
    pub(super) fn release(&mut self, segment: u64, length: u64) {
        if let Some(usage) = self.usage.get_mut(&segment) {
            usage.live = usage.live.saturating_sub(1);
            usage.live_bytes = usage.live_bytes.saturating_sub(length);
        }
    }

    /// Takes a [`Self::release`] back.
    pub(super) fn unrelease(&mut self, old: Pointer) {
        let usage = self.usage.entry(old.segment).or_default();
        usage.live += 1;
        usage.live_bytes += old.length;
    }

    /// Bodies of a segment that `named` still points to, up to `max` bytes (but at least one).
    pub(super) fn living(
        &self,
        segment: u64,
        max: u64,
        named: impl Fn(JobId) -> Option<Pointer>,
    ) -> io::Result<Vec<(JobId, Pointer, Vec<u8>)>> {
        let source = File::open(file(&self.path, segment))?;
        let end = source.metadata()?.len();
        let mut living = Vec::new();
        let (mut at, mut bytes) = (0, 0);
        while at + HEADER as u64 <= end && bytes < max {
            let mut header = [0; HEADER];
            source.read_exact_at(&mut header, at)?;
            let (id, length) = parse(&header)?;
            let offset = at + HEADER as u64;
            at = offset + length;
            let here = |p: &Pointer| p.segment == segment && p.offset == offset;
            if let Some(pointer) = named(id).filter(here)
                && let Some(body) = read(&self.path, pointer)?
            {
                bytes += length;
                living.push((id, pointer, body));
            }
        }
        Ok(living)
    }

    pub(super) fn usage(&self, segment: u64) -> Usage {
        self.usage.get(&segment).copied().unwrap_or_default()
    }

    /// Segments with nothing alive in them. Call after the transaction that let go of the last
    /// body is committed. The segment being written to is closed when it is among them.
    pub(super) fn dead(&mut self) -> Vec<u64> {
        let dead: Vec<_> =
            self.usage.iter().filter(|(_, u)| u.live == 0).map(|(number, _)| *number).collect();
        if self.open.as_ref().is_some_and(|open| dead.contains(&open.number)) {
            self.open = None;
        }
        dead
    }

    /// Removes a dead segment's file; answers its size.
    pub(super) fn unlink(&mut self, segment: u64) -> io::Result<u64> {
        let path = file(&self.path, segment);
        let bytes = fs::metadata(&path).map_or(0, |m| m.len());
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.usage.remove(&segment);
        Ok(bytes)
    }

    /// Not to be compacted again.
    pub(super) fn set_damaged(&mut self, segment: u64) {
        self.damaged.insert(segment);
    }

    /// The closed segment that wastes most, when less than a quarter of it is alive.
    pub(super) fn sparse(&self) -> Option<u64> {
        let open = self.open.as_ref().map(|open| open.number);
        self.usage
            .iter()
            .filter(|(number, _)| Some(**number) != open && !self.damaged.contains(number))
            .filter(|(_, u)| u.live_bytes * 4 < u.bytes)
            .max_by_key(|(_, u)| u.bytes - u.live_bytes)
            .map(|(number, _)| *number)
    }
}

/// Why bodies were not appended.
#[derive(Debug)]
pub(super) enum AppendError {
    /// Nothing was kept; a full disk ends up here.
    Write(io::Error),
    /// The kernel may have dropped what it could not write: nothing after this can be trusted.
    Sync(io::Error),
}

/// Reads a body back. `Ok(None)`: its segment is gone; `InvalidData`: it is not what was written.
pub(super) fn read(path: &Path, pointer: Pointer) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(file(path, pointer.segment)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = usize::try_from(pointer.length)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a body larger than memory"))?;
    let mut body = vec![0; length];
    file.read_exact_at(&mut body, pointer.offset)?;
    if crc32fast::hash(&body) != pointer.crc {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "checksum mismatch"));
    }
    Ok(Some(body))
}

fn parse(header: &[u8; HEADER]) -> io::Result<(JobId, u64)> {
    let field = |at: usize| header[at..at + 4].try_into().expect("four bytes");
    if header[..4] != MAGIC {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not the head of a body"));
    }
    let id = header[12..].try_into().expect("sixteen bytes");
    Ok((JobId::from_bytes(id), u64::from(u32::from_le_bytes(field(4)))))
}

fn file(path: &Path, number: u64) -> PathBuf {
    path.join(format!("{number:010}.seg"))
}

fn number(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(".seg")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(dir: &Path) -> Segments {
        Segments::open(dir.to_owned(), 1000, BTreeMap::new()).unwrap()
    }

    #[test]
    fn bodies_come_back_and_damage_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let mut segments = segments(dir.path());
        let bodies = [b"first".as_slice(), b"", &[7; 3000]];
        let pointers = segments.append(bodies.iter().map(|b| (JobId::draw(), *b))).unwrap();
        for (body, pointer) in bodies.iter().zip(&pointers) {
            assert_eq!(read(dir.path(), *pointer).unwrap().unwrap(), *body);
        }
        let path = file(dir.path(), pointers[2].segment);
        let damaged = File::options().write(true).open(path).unwrap();
        damaged.write_all_at(b"x", pointers[2].offset + 9).unwrap();
        let error = read(dir.path(), pointers[2]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_segment_whose_bodies_are_all_dead_gives_its_space_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut segments = segments(dir.path());
        let kept = segments.append([(JobId::draw(), [1; 1200].as_slice())].into_iter()).unwrap();
        let gone = segments.append([(JobId::draw(), [2; 1200].as_slice())].into_iter()).unwrap();
        assert_ne!(kept[0].segment, gone[0].segment, "rolled over");
        segments.release(gone[0].segment, gone[0].length);
        assert_eq!(segments.dead(), vec![gone[0].segment]);
        assert!(segments.unlink(gone[0].segment).unwrap() > 1200);
        assert!(read(dir.path(), gone[0]).unwrap().is_none());
        assert!(read(dir.path(), kept[0]).unwrap().is_some());
    }
}
