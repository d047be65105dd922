use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::PathBuf;

use bytes::Bytes;
use tempfile::NamedTempFile;

use crate::failure::{Failure, Result};

/// A longer line is refused here: no server takes a job of that size.
const MAX_LINE_BYTES: u64 = 4 << 20;
/// Read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Lines that can be read as often as need be.
pub(super) enum Source {
    /// They are in memory.
    Held(Bytes),
    /// They are in a file.
    File(PathBuf),
    /// They came by a pipe, and were put aside.
    Aside(NamedTempFile),
}

/// A line that stands for a job.
pub(super) struct Line {
    /// Where it is in the file, from 1.
    pub(super) number: u64,
    pub(super) text: Text,
}

/// What is on it.
pub(super) type Text = std::result::Result<String, &'static str>;

impl Source {
    pub(super) fn of_lines(lines: &[String]) -> Self {
        Self::Held(lines.join("\n").into())
    }

    /// A file, or standard input by the name `-`.
    pub(super) fn open(name: &str) -> Result<Self> {
        let usage = |error: io::Error| Failure::Usage(format!("--file {name}: {error}"));
        if name == "-" {
            return aside(io::stdin().lock()).map_err(usage);
        }
        let kind = fs::metadata(name).map_err(usage)?;
        match (kind.is_file(), kind.is_dir()) {
            (_, true) => Err(Failure::Usage(format!("--file {name}: it is a directory"))),
            (true, _) => {
                File::open(name).map_err(usage)?;
                Ok(Self::File(name.into()))
            }
            // A pipe gives its lines once.
            _ => File::open(name).and_then(aside).map_err(usage),
        }
    }

    /// The lines from the first on.
    pub(super) fn lines(&self) -> Result<Lines> {
        let lost =
            |error: io::Error| Failure::Failed(format!("cannot read the lines again: {error}"));
        let from: Box<dyn Read + Send> = match self {
            Self::Held(bytes) => Box::new(Cursor::new(bytes.clone())),
            Self::File(path) => Box::new(File::open(path).map_err(lost)?),
            Self::Aside(file) => Box::new(file.reopen().map_err(lost)?),
        };
        Ok(Lines { from: BufReader::with_capacity(BUFFER_BYTES, from), number: 0 })
    }
}

fn aside(mut from: impl Read) -> io::Result<Source> {
    let mut file = NamedTempFile::new()?;
    io::copy(&mut from, &mut file)?;
    Ok(Source::Aside(file))
}

/// The lines of a source that stand for jobs.
pub(super) struct Lines {
    from: BufReader<Box<dyn Read + Send>>,
    number: u64,
}

impl Iterator for Lines {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<io::Result<Line>> {
        loop {
            let mut bytes = Vec::new();
            match self.from.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
            self.number += 1;
            if bytes.len() as u64 == MAX_LINE_BYTES && !bytes.ends_with(b"\n") {
                if let Err(error) = self.from.skip_until(b'\n') {
                    return Some(Err(error));
                }
                return Some(Ok(Line { number: self.number, text: Err("longer than 4 MiB") }));
            }
            let text = match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(_) => {
                    return Some(Ok(Line { number: self.number, text: Err("not UTF-8") }));
                }
            };
            // A file from Windows may begin with a byte order mark.
            let text = text.trim_start_matches('\u{feff}').trim();
            if !text.is_empty() && !text.starts_with('#') {
                return Some(Ok(Line { number: self.number, text: Ok(text.to_owned()) }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<(u64, Text)> {
        let source = aside(text).unwrap();
        // As often as need be.
        assert_eq!(source.lines().unwrap().count(), source.lines().unwrap().count());
        source.lines().unwrap().map(|line| line.unwrap()).map(|l| (l.number, l.text)).collect()
    }

    #[test]
    fn comments_and_empty_lines_are_passed_over_and_counted() {
        let lines = read(b"\xef\xbb\xbfone\r\n\n# two\n  three\n\xff\nfour");
        let text = |text: &str| Ok(text.to_owned());
        assert_eq!(
            lines,
            [(1, text("one")), (4, text("three")), (5, Err("not UTF-8")), (6, text("four"))]
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_one_line_and_not_kept() {
        let mut bytes = vec![b'x'; (MAX_LINE_BYTES * 2) as usize];
        bytes.extend(b"\nnext");
        assert_eq!(read(&bytes), [(1, Err("longer than 4 MiB")), (2, Ok("next".to_owned()))]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for name in ["/", "/nowhere/urls.txt"] {
            let error = Source::open(name).err().unwrap();
            assert!(matches!(&error, Failure::Usage(text) if text.contains(name)), "{error:?}");
        }
    }
}
