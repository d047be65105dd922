use crate::failure::{Failure, Result};

/// A longer line is not the server's.
const MAX_LINE_BYTES: usize = 16 << 20;

/// Lines out of pieces of them.
#[derive(Default)]
pub(crate) struct Lines {
    held: Vec<u8>,
    /// What was handed out.
    done: usize,
}

impl Lines {
    /// Takes a piece.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<()> {
        self.held.drain(..self.done);
        self.done = 0;
        if self.held.len() + piece.len() > MAX_LINE_BYTES && !piece.contains(&b'\n') {
            return Err(Failure::Failed("the server sent a line without end".to_owned()));
        }
        self.held.extend_from_slice(piece);
        Ok(())
    }

    /// The next whole line, without its end.
    pub(crate) fn next(&mut self) -> Option<&[u8]> {
        let rest = &self.held[self.done..];
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let from = self.done;
        self.done += end + 1;
        let line = &self.held[from..from + end];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let text = b"one\r\n\ntwo\nthree";
        for size in 1..=text.len() {
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            for piece in text.chunks(size) {
                lines.push(piece).unwrap();
                while let Some(line) = lines.next() {
                    seen.push(String::from_utf8(line.to_vec()).unwrap());
                }
            }
            assert_eq!(seen, ["one", "", "two"], "in pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; 1 << 20];
        let refused = (0..32).find(|_| lines.push(&piece).is_err());
        assert_eq!(refused, Some(16));
    }
}
