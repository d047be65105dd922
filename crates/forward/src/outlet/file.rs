use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde::de::IgnoredAny;

use super::lines::{Line, Out};

/// Bytes gathered for one write. A longer line is written by itself.
const BUFFER_BYTES: usize = 256 * 1024;

/// Where the torn end of a file is looked for, a piece at a time.
const TAIL_BYTES: u64 = 64 * 1024;

/// A file of lines, and when it is put aside for a new one.
#[derive(Clone, Debug)]
pub(super) struct Rotation {
    pub(super) path: PathBuf,
    /// It does not grow beyond this, unless a single group of lines is longer.
    pub(super) max_bytes: u64,
    /// From its first line on.
    pub(super) max_age: Option<Duration>,
    /// How many that were put aside are kept; `None` for all.
    pub(super) keep: Option<usize>,
}

impl Rotation {
    pub(super) const MAX_BYTES: u64 = 128 * 1024 * 1024;
}

/// Appends lines to a file and syncs them. What is not known to be on disk is not in the file:
/// after a failure it is cut back to what was synced, and opened anew.
pub(super) struct Log {
    rotation: Rotation,
    open: Option<Open>,
    buffer: Vec<u8>,
}

struct Open {
    file: File,
    /// Synced.
    size: u64,
    /// When its first line came, in seconds since the Unix epoch.
    since_s: Option<i64>,
}

impl Log {
    /// # Errors
    /// When the file, or another beside it, cannot be written.
    pub(super) fn open(rotation: Rotation) -> Result<Self, String> {
        let told = |e: &io::Error| {
            format!(
                "the sink's file {} cannot be written: {e}; its directory has to be there, and \
                 writable",
                rotation.path.display()
            )
        };
        let open = Open::at(&rotation.path).map_err(|e| told(&e))?;
        // Rotation will need a second file there: better known now.
        let probe = rotation.path.with_file_name(format!(".pagewire-{}", std::process::id()));
        File::create(&probe).and_then(|_| fs::remove_file(&probe)).map_err(|e| told(&e))?;
        Ok(Self { open: Some(open), buffer: Vec::with_capacity(BUFFER_BYTES), rotation })
    }

    fn try_append(&mut self, lines: &[Line]) -> io::Result<()> {
        let bytes: u64 = lines.iter().map(|line| line.text.len() as u64 + 1).sum();
        let now_s = lines.iter().map(|line| line.now_s).max().unwrap_or_default();
        // Somebody else may have moved or removed the file.
        self.open = self.open.take().filter(|open| open.is_still(&self.rotation.path));
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::at(&self.rotation.path)?,
        };
        if open.is_due(&self.rotation, bytes, now_s) {
            self.put_aside(now_s)?;
            open = Open::at(&self.rotation.path)?;
        }
        match write(&mut open.file, &mut self.buffer, lines) {
            Ok(()) => {
                open.size += bytes;
                open.since_s.get_or_insert(now_s);
                self.open = Some(open);
                Ok(())
            }
            Err(error) => {
                // Opened anew next time, which mends what this leaves.
                let _ = open.file.set_len(open.size).and_then(|()| open.file.sync_data());
                Err(error)
            }
        }
    }

    fn put_aside(&self, now_s: i64) -> io::Result<()> {
        let path = &self.rotation.path;
        let name = Name::of(path)?;
        fs::rename(path, name.next_aside(now_s, path)?)?;
        sync_directory_of(path)?;
        if let Some(keep) = self.rotation.keep
            && let Err(error) = name.remove_all_but(keep, path)
        {
            tracing::warn!(%error, "an old file of events could not be removed");
        }
        Ok(())
    }
}

impl Out for Log {
    fn append(&mut self, lines: &[Line]) -> Result<(), String> {
        self.try_append(lines)
            .map_err(|e| format!("cannot write {}: {e}", self.rotation.path.display()))
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        // Never opened: to open a pipe that nobody reads waits for ever.
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let size = mend(&mut file)?;
        file.sync_all()?;
        sync_directory_of(path)?;
        let since_s = if size == 0 { None } else { born_s(&file) };
        Ok(Self { file, size, since_s })
    }

    fn is_still(&self, path: &Path) -> bool {
        let (Ok(ours), Ok(there)) = (self.file.metadata(), fs::metadata(path)) else {
            return false;
        };
        (ours.dev(), ours.ino(), ours.len()) == (there.dev(), there.ino(), self.size)
    }

    fn is_due(&self, rotation: &Rotation, bytes: u64, now_s: i64) -> bool {
        let too_old = || {
            let (Some(max), Some(since_s)) = (rotation.max_age, self.since_s) else {
                return false;
            };
            u64::try_from(now_s.saturating_sub(since_s)).is_ok_and(|age_s| age_s >= max.as_secs())
        };
        self.size > 0 && (self.size.saturating_add(bytes) > rotation.max_bytes || too_old())
    }
}

/// Writes lines and syncs them.
fn write(file: &mut File, buffer: &mut Vec<u8>, lines: &[Line]) -> io::Result<()> {
    buffer.clear();
    for line in lines {
        if buffer.len() + line.text.len() >= BUFFER_BYTES {
            file.write_all(buffer)?;
            buffer.clear();
        }
        if line.text.len() >= BUFFER_BYTES {
            file.write_all(&line.text)?;
        } else {
            buffer.extend_from_slice(&line.text);
        }
        buffer.push(b'\n');
    }
    file.write_all(buffer)?;
    file.sync_data()
}

/// Sees to it that the file ends with a whole line, and says how long it then is. What a crash
/// left of a line was never acknowledged and is cut off: a broken object, or the zeros that some
/// file systems leave. What looks like neither may be somebody's and only gets its line break.
fn mend(file: &mut File) -> io::Result<u64> {
    let size = file.metadata()?.len();
    let whole = end_of_last_line(file, size)?;
    if whole == size {
        return Ok(size);
    }
    if is_torn(file, whole)? {
        tracing::warn!(bytes = size - whole, "the torn end of a file of events was cut off");
        file.set_len(whole)?;
        return Ok(whole);
    }
    file.write_all(b"\n")?;
    Ok(size + 1)
}

/// Whether what stands from `start` on is the beginning of an object, but no whole one.
fn is_torn(file: &mut File, start: u64) -> io::Result<bool> {
    file.seek(SeekFrom::Start(start))?;
    let mut reader = BufReader::new(file);
    let first = reader.fill_buf()?.first().copied();
    let ours = matches!(first, Some(b'{' | 0));
    Ok(ours && serde_json::from_reader::<_, IgnoredAny>(reader).is_err())
}

/// Behind the last line break.
fn end_of_last_line(file: &mut File, size: u64) -> io::Result<u64> {
    let mut end = size;
    let mut piece = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(TAIL_BYTES);
        file.seek(SeekFrom::Start(start))?;
        piece.clear();
        Read::by_ref(file).take(end - start).read_to_end(&mut piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

fn born_s(file: &File) -> Option<i64> {
    let metadata = file.metadata().ok()?;
    let born = metadata.created().or_else(|_| metadata.modified()).ok()?;
    i64::try_from(born.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

/// A new name lasts only once its directory is synced.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

/// The name of a file, to be given a time: `events.ndjson`, `events-20261123T164512Z.ndjson`, and
/// `events-20261123T164512Z-1.ndjson` when that one is there already.
struct Name {
    stem: String,
    extension: String,
}

impl Name {
    fn of(path: &Path) -> io::Result<Self> {
        let text = |part: Option<&std::ffi::OsStr>| match part.map(std::ffi::OsStr::to_str) {
            None => Ok(String::new()),
            Some(Some(text)) => Ok(text.to_owned()),
            Some(None) => Err(io::Error::new(ErrorKind::InvalidInput, "its name is not UTF-8")),
        };
        let extension = match text(path.extension())? {
            extension if extension.is_empty() => extension,
            extension => format!(".{extension}"),
        };
        Ok(Self { stem: text(path.file_stem())?, extension })
    }

    fn aside(&self, now_s: i64, number: u32) -> String {
        let Self { stem, extension } = self;
        let time = jiff::Timestamp::from_second(now_s).unwrap_or_default();
        let time = time.strftime("%Y%m%dT%H%M%SZ");
        match number {
            0 => format!("{stem}-{time}{extension}"),
            _ => format!("{stem}-{time}-{number}{extension}"),
        }
    }

    /// What orders the files that were put aside; `None` for any other file.
    fn order(&self, name: &str) -> Option<(String, u32)> {
        let time = name.strip_prefix(&self.stem)?.strip_prefix('-')?;
        let time = time.strip_suffix(&self.extension)?;
        let (time, number) = match time.split_once('-') {
            None => (time, 0),
            Some((time, number)) => (time, number.parse().ok()?),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (day, clock) = time.strip_suffix('Z')?.split_once('T')?;
        let ours = day.len() == 8 && clock.len() == 6 && digits(day) && digits(clock);
        ours.then(|| (time.to_owned(), number))
    }

    /// The files that were put aside before, oldest first.
    fn all_aside(&self, path: &Path) -> io::Result<Vec<((String, u32), PathBuf)>> {
        let mut aside = Vec::new();
        for entry in fs::read_dir(path.parent().unwrap_or(Path::new("/")))? {
            let entry = entry?;
            if let Some(order) = entry.file_name().to_str().and_then(|name| self.order(name)) {
                aside.push((order, entry.path()));
            }
        }
        aside.sort();
        Ok(aside)
    }

    /// Where the file goes now: behind all others of the same second.
    fn next_aside(&self, now_s: i64, path: &Path) -> io::Result<PathBuf> {
        let aside = self.all_aside(path)?;
        let first = self.aside(now_s, 0);
        let second = self.order(&first).map(|(time, _)| time);
        let same = aside.iter().filter(|((time, _), _)| Some(time) == second.as_ref());
        let number = same.map(|((_, number), _)| number.saturating_add(1)).max().unwrap_or(0);
        Ok(path.with_file_name(self.aside(now_s, number)))
    }

    /// Removes the oldest until `keep` are left.
    fn remove_all_but(&self, keep: usize, path: &Path) -> io::Result<()> {
        let aside = self.all_aside(path)?;
        let too_many = aside.len().saturating_sub(keep);
        aside.iter().take(too_many).try_for_each(|(_, path)| fs::remove_file(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_files_are_known_and_in_their_order() {
        let name = Name::of(Path::new("/var/events.ndjson")).unwrap();
        assert_eq!(name.aside(0, 0), "events-19700101T000000Z.ndjson");
        assert_eq!(name.aside(1, 2), "events-19700101T000001Z-2.ndjson");
        let mut names: Vec<_> =
            [(5, 0), (5, 2), (5, 10), (4, 1)].map(|(s, n)| name.order(&name.aside(s, n))).into();
        assert!(names.iter().all(Option::is_some));
        names.sort();
        let numbers: Vec<_> = names.into_iter().flatten().map(|(_, number)| number).collect();
        assert_eq!(numbers, [1, 0, 2, 10]);
        for other in [
            "events.ndjson",
            "events-old.ndjson",
            "events-19700101T000000Z.json",
            "events-1970T00Z.ndjson",
            "my-events-19700101T000000Z.ndjson",
            "events-19700101T000000Z-x.ndjson",
        ] {
            assert_eq!(name.order(other), None, "{other}");
        }
        let bare = Name::of(Path::new("/var/events")).unwrap();
        assert_eq!(bare.aside(0, 0), "events-19700101T000000Z");
        assert!(bare.order("events-19700101T000000Z").is_some());
    }

    #[test]
    fn the_end_of_a_file_is_mended() {
        let long = "y".repeat(3 * TAIL_BYTES as usize);
        for (found, mended) in [
            (String::new(), String::new()),
            ("{}\n".into(), "{}\n".into()),
            ("{}\n{\"a\":".into(), "{}\n".into()),
            ("{\"a\":\"".into(), String::new()),
            ("{}\n\0\0\0".into(), "{}\n".into()),
            (format!("{{}}\n{{\"a\":\"{long}"), "{}\n".into()),
            ("a note".into(), "a note\n".into()),
            ("{}\n{\"a\":1}".into(), "{}\n{\"a\":1}\n".into()),
        ] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(found.as_bytes()).unwrap();
            let size = mend(&mut file).unwrap();
            file.rewind().unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            assert_eq!((text.as_str(), text.len() as u64), (mended.as_str(), size));
        }
    }

    #[test]
    fn long_and_short_lines_are_written_in_order() {
        let text = |n: usize| vec![b'a' + u8::try_from(n % 26).unwrap(); n];
        let sizes = [1, BUFFER_BYTES, 2, BUFFER_BYTES - 1, BUFFER_BYTES + 1, 3, 4];
        let lines = sizes.map(|n| Line { text: text(n).into(), now_s: 0 });
        let mut file = tempfile::tempfile().unwrap();
        write(&mut file, &mut Vec::new(), &lines).unwrap();
        file.rewind().unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        let expected: Vec<u8> =
            sizes.iter().flat_map(|n| [text(*n), b"\n".to_vec()].concat()).collect();
        assert!(bytes == expected, "{} bytes of {}", bytes.len(), expected.len());
    }
}
