use bytes::Bytes;
use memchr::memchr;

/// Cuts what arrives into lines. It holds on to no more than a piece as it came, and one line.
pub(crate) struct Lines {
    /// Longest line that is kept, in bytes.
    max: usize,
    piece: Bytes,
    /// Where the rest of the piece begins.
    from: usize,
    /// The beginning of a line whose end is not there yet.
    begun: Vec<u8>,
    /// What was begun was given out.
    is_spent: bool,
    /// The line is longer than any that is kept.
    is_too_long: bool,
    /// Of the last line that was given out.
    number: u64,
}

/// A line that is not blank, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Whole(&'a [u8]),
    /// It was thrown away as it came.
    TooLong,
}

impl Lines {
    pub(crate) const fn new(max: usize) -> Self {
        Self {
            max,
            piece: Bytes::new(),
            from: 0,
            begun: Vec::new(),
            is_spent: false,
            is_too_long: false,
            number: 0,
        }
    }

    /// The next piece; the one before has no more lines.
    pub(crate) fn feed(&mut self, piece: Bytes) {
        self.piece = piece;
        self.from = 0;
    }

    /// The next line with its number, which counts blank ones too; `None` until more is fed.
    pub(crate) fn next(&mut self) -> Option<(u64, Line<'_>)> {
        loop {
            self.clear_spent();
            let Some(length) = memchr(b'\n', &self.piece[self.from..]) else {
                self.put_by();
                return None;
            };
            let (start, end) = (self.from, self.from + length);
            self.from = end + 1;
            self.number += 1;
            if self.is_too_long || self.begun.len() + length > self.max {
                self.is_too_long = false;
                self.begun.clear();
                return Some((self.number, Line::TooLong));
            }
            if self.begun.is_empty() {
                if is_blank(&self.piece[start..end]) {
                    continue;
                }
                return Some((self.number, Line::Whole(&self.piece[start..end])));
            }
            self.begun.extend_from_slice(&self.piece[start..end]);
            self.is_spent = true;
            if !is_blank(&self.begun) {
                return Some((self.number, Line::Whole(&self.begun)));
            }
        }
    }

    /// What stands after the last line end: the last line, when nothing more comes.
    pub(crate) fn last(&mut self) -> Option<(u64, Line<'_>)> {
        self.clear_spent();
        self.is_spent = true;
        self.number += 1;
        if std::mem::take(&mut self.is_too_long) {
            return Some((self.number, Line::TooLong));
        }
        (!is_blank(&self.begun)).then_some((self.number, Line::Whole(&self.begun)))
    }

    fn clear_spent(&mut self) {
        if std::mem::take(&mut self.is_spent) {
            self.begun.clear();
        }
    }

    /// Keeps the rest of the piece, unless the line is too long already.
    fn put_by(&mut self) {
        let rest = &self.piece[self.from..];
        if self.is_too_long || self.begun.len() + rest.len() > self.max {
            self.is_too_long = true;
            self.begun = Vec::new();
        } else {
            self.begun.extend_from_slice(rest);
        }
        self.feed(Bytes::new());
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 8;

    /// Each line with its number; `None` for one that is too long.
    type Read = Vec<(u64, Option<Vec<u8>>)>;

    fn owned((number, line): (u64, Line<'_>)) -> (u64, Option<Vec<u8>>) {
        match line {
            Line::Whole(line) => (number, Some(line.to_vec())),
            Line::TooLong => (number, None),
        }
    }

    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
        let mut lines = Lines::new(MAX);
        let mut read = Vec::new();
        for piece in pieces {
            lines.feed(Bytes::copy_from_slice(piece));
            while let Some(line) = lines.next() {
                read.push(owned(line));
            }
            assert!(lines.begun.len() <= MAX, "it holds on to too much");
        }
        read.extend(lines.last().map(owned));
        read
    }

    /// The same of a text that is there as a whole.
    fn expected(text: &[u8]) -> Read {
        let lines = text.split(|byte| *byte == b'\n');
        let lines = (1..).zip(lines).filter(|(_, line)| line.len() > MAX || !is_blank(line));
        lines.map(|(n, line)| (n, (line.len() <= MAX).then(|| line.to_vec()))).collect()
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_they_come(
            text in "[ab \n]{0,80}",
            size in 1_usize..30,
        ) {
            prop_assert_eq!(read(text.as_bytes().chunks(size)), expected(text.as_bytes()));
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_told_of_and_spoils_nothing() {
        let read = read([&b"one\nthis is"[..], b" too ", b"long\n\ntwo"]);
        assert_eq!(read, [(1, Some(b"one".to_vec())), (2, None), (4, Some(b"two".to_vec()))]);
    }
}
