//! What is durable, and what is not yet.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirEntryExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use libc::c_int;

/// Smallest block that is kept or lost as a whole.
const SECTOR: u64 = 512;

/// Bytes copied at a time.
const COPY: usize = 256 * 1024;

/// Ranges of a file kept apart before they are merged.
const MANY_RANGES: usize = 4096;

/// The ranges of each file (by inode) that were written and not synced.
#[derive(Default)]
pub(crate) struct Dirty {
    files: HashMap<u64, Vec<(u64, u64)>>,
}

impl Dirty {
    pub(crate) fn add(&mut self, ino: u64, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let ranges = self.files.entry(ino).or_default();
        match ranges.last_mut() {
            Some(last) if start <= last.1 && end >= last.0 => {
                *last = (last.0.min(start), last.1.max(end));
            }
            _ => ranges.push((start, end)),
        }
        if ranges.len() > MANY_RANGES {
            merge(ranges);
        }
    }

    pub(crate) fn take(&mut self, ino: u64) -> Vec<(u64, u64)> {
        let mut ranges = self.files.remove(&ino).unwrap_or_default();
        merge(&mut ranges);
        ranges
    }
}

fn merge(ranges: &mut Vec<(u64, u64)>) {
    ranges.sort_unstable();
    ranges.dedup_by(|next, last| {
        let touches = next.0 <= last.1;
        if touches {
            last.1 = last.1.max(next.1);
        }
        touches
    });
}

/// The durable image: `inodes/` holds each file's durable content under the number of the real
/// inode, `tree/` holds the durable names as hard links to those.
pub(crate) struct Shadow {
    inodes: PathBuf,
    tree: PathBuf,
}

impl Shadow {
    /// Opens the image at `at`; a new one starts with what is in `real`.
    pub(crate) fn open(at: &Path, real: &Path) -> io::Result<Self> {
        let shadow = Self { inodes: at.join("inodes"), tree: at.join("tree") };
        let fresh = !shadow.tree.exists();
        fs::create_dir_all(&shadow.inodes)?;
        fs::create_dir_all(&shadow.tree)?;
        if fresh {
            shadow.copy_tree(real, &shadow.tree)?;
        }
        Ok(shadow)
    }

    fn copy_tree(&self, real: &Path, tree: &Path) -> io::Result<()> {
        for entry in fs::read_dir(real)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let to = tree.join(entry.file_name());
            if kind.is_dir() {
                fs::create_dir_all(&to)?;
                self.copy_tree(&entry.path(), &to)?;
            } else if kind.is_file() && !is_ignored(&entry.path()) {
                let content = self.content(entry.ino());
                fs::copy(entry.path(), &content)?;
                fs::hard_link(&content, &to)?;
            }
        }
        Ok(())
    }

    fn content(&self, ino: u64) -> PathBuf {
        self.inodes.join(ino.to_string())
    }

    fn open_content(&self, ino: u64) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(false).open(self.content(ino))
    }

    /// The inode is about to go; its number may come back for another file.
    pub(crate) fn forget(&self, ino: u64) {
        let _ = fs::remove_file(self.content(ino));
    }

    /// Makes `ranges` of the file durable, and its length.
    pub(crate) fn sync_file(
        &self,
        fd: c_int,
        ino: u64,
        size: u64,
        ranges: &[(u64, u64)],
    ) -> io::Result<()> {
        let content = self.open_content(ino)?;
        content.set_len(size)?;
        if ranges.is_empty() {
            return Ok(());
        }
        let real = reopen(fd)?;
        let mut buffer = Vec::new();
        for &(start, end) in ranges {
            copy(&real, &content, start, end.min(size), &mut buffer)?;
        }
        Ok(())
    }

    /// Keeps some blocks of a write that nobody synced.
    pub(crate) fn leak(
        &self,
        fd: c_int,
        ino: u64,
        (start, end): (u64, u64),
        random: &mut u64,
    ) -> io::Result<()> {
        let (mut real, mut buffer) = (None, Vec::new());
        let mut at = start;
        while at < end {
            let block = SECTOR << (next(random) % 4);
            let stop = end.min((at / block + 1) * block);
            if next(random).is_multiple_of(2) {
                let (real, content) = match &mut real {
                    Some(pair) => pair,
                    none => none.insert((reopen(fd)?, self.open_content(ino)?)),
                };
                copy(real, content, at, stop, &mut buffer)?;
            }
            at = stop;
        }
        Ok(())
    }

    /// Makes the names in the directory `real` (`inside` the watched one) durable.
    pub(crate) fn sync_directory(&self, real: &Path, inside: &Path) -> io::Result<()> {
        let tree = self.tree.join(inside);
        fs::create_dir_all(&tree)?;
        let mut names = HashSet::new();
        for entry in fs::read_dir(real)? {
            let entry = entry?;
            if is_ignored(&entry.path()) {
                continue;
            }
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let to = tree.join(entry.file_name());
            if kind.is_dir() {
                fs::create_dir_all(&to)?;
            } else if kind.is_file() {
                self.link(entry.ino(), &to)?;
            }
            names.insert(entry.file_name());
        }
        for entry in fs::read_dir(&tree)? {
            let entry = entry?;
            if names.contains(&entry.file_name()) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn link(&self, ino: u64, name: &Path) -> io::Result<()> {
        let content = self.content(ino);
        let wanted = self.open_content(ino)?.metadata()?.ino();
        if fs::symlink_metadata(name).is_ok_and(|meta| meta.ino() == wanted) {
            return Ok(());
        }
        let fresh = self.inodes.join("link");
        let _ = fs::remove_file(&fresh);
        fs::hard_link(content, &fresh)?;
        fs::rename(fresh, name)
    }
}

/// Shared memory of SQLite: rebuilt at every start, never relied upon after a crash.
pub(crate) fn is_ignored(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"-shm")
}

/// A descriptor for reading, whatever the program opened the file for.
fn reopen(fd: c_int) -> io::Result<File> {
    File::open(format!("/proc/self/fd/{fd}"))
}

fn copy(from: &File, to: &File, start: u64, end: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut at = start;
    while at < end {
        let want = usize::try_from(end - at).map_or(COPY, |left| left.min(COPY));
        buffer.resize(want, 0);
        let n = from.read_at(buffer, at)?;
        if n == 0 {
            break;
        }
        to.write_all_at(&buffer[..n], at)?;
        at += n as u64;
    }
    Ok(())
}

/// xorshift64: chance enough for choosing blocks, and the same for the same seed.
pub(crate) fn next(random: &mut u64) -> u64 {
    let mut x = (*random).max(1);
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *random = x;
    x >> 16
}
