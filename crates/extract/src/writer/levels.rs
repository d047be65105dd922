//! The quotes and list items that the current block is in.

use std::fmt::Write as _;

/// Lists and quotations one within another that are kept apart; the prefix of a line grows with
/// each, so without a limit the output could grow with the square of the input.
const MAX_LEVELS: usize = 16;

/// Ordinals have at most nine digits (CommonMark 0.31, section 5.2).
pub(super) const MAX_ORDINAL: u32 = 999_999_999;

/// How an item is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// `alternate` keeps a list apart from one of the same kind just before it.
    Bullet {
        alternate: bool,
    },
    Ordinal {
        number: u32,
        alternate: bool,
    },
}

/// What indents the lines of a block.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Quote,
    Item {
        marker: Marker,
        /// The first of its list.
        first: bool,
    },
}

#[derive(Clone, Copy, Debug)]
struct Level {
    kind: Kind,
    started: bool,
}

/// The open quotes and items, outermost first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Levels {
    open: Vec<Level>,
    /// Those that are not in `open`, since it was full.
    too_deep: usize,
    /// How many were open when the last block was written.
    last_depth: usize,
}

impl Levels {
    /// How many are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len() + self.too_deep
    }

    pub(super) fn open_quote(&mut self) {
        self.open(Kind::Quote);
    }

    pub(super) fn open_item(&mut self, marker: Marker, first: bool) {
        self.open(Kind::Item { marker, first });
    }

    fn open(&mut self, kind: Kind) {
        match self.open.len() < MAX_LEVELS {
            true => self.open.push(Level { kind, started: false }),
            false => self.too_deep += 1,
        }
    }

    /// Ends the innermost one.
    pub(super) fn close(&mut self) {
        match self.too_deep {
            0 => {
                self.open.pop();
                self.last_depth = self.last_depth.min(self.open.len() + 1);
            }
            _ => self.too_deep -= 1,
        }
    }

    /// Whether the innermost one is an item without content so far.
    pub(super) fn is_fresh_item(&self) -> bool {
        self.too_deep == 0
            && self
                .open
                .last()
                .is_some_and(|level| !level.started && matches!(level.kind, Kind::Item { .. }))
    }

    /// How many have content.
    pub(super) fn started(&self) -> usize {
        self.open.iter().take_while(|level| level.started).count()
    }

    /// The outermost ones.
    pub(super) fn outer(&self, depth: usize) -> Self {
        let open = self.open[..depth.min(self.open.len())].to_vec();
        Self { open, too_deep: 0, last_depth: self.last_depth }
    }

    /// A block has been written at this depth.
    pub(super) fn written(&mut self, depth: usize) {
        let depth = depth.min(self.open.len());
        for level in &mut self.open[..depth] {
            level.started = true;
        }
        self.last_depth = depth;
    }

    /// Whether the next block follows the one before without a blank line: as an item after an
    /// item, or as the first item of a list within another.
    pub(crate) fn is_tight(&self) -> bool {
        let Some(fresh) = self.open.iter().position(|level| !level.started) else {
            return false;
        };
        let Kind::Item { marker, first } = self.open[fresh].kind else { return false };
        if !first {
            return self.last_depth > fresh;
        }
        // Only lists that start with 1 may follow a paragraph without a blank line (CommonMark
        // 0.31, section 5.3).
        let interrupts = !matches!(marker, Marker::Ordinal { number, .. } if number != 1);
        let within = fresh > 0 && matches!(self.open[fresh - 1].kind, Kind::Item { .. });
        within && interrupts
    }

    /// Appends what the next line starts with.
    pub(crate) fn indent(&self, first_line: bool, out: &mut String) {
        for level in &self.open {
            level.indent(!first_line || level.started, out);
        }
    }

    /// Appends a blank line between the last block and the next.
    pub(crate) fn blank_line(&self, out: &mut String) {
        let from = out.len();
        for level in self.open.iter().take_while(|level| level.started) {
            level.indent(true, out);
        }
        out.truncate(from + out[from..].trim_end().len());
        out.push('\n');
    }
}

impl Level {
    fn indent(&self, again: bool, out: &mut String) {
        let Kind::Item { marker, .. } = self.kind else {
            out.push_str("> ");
            return;
        };
        let from = out.len();
        // Writing to a string cannot fail.
        let _ = match marker {
            Marker::Bullet { alternate: false } => out.write_str("- "),
            Marker::Bullet { alternate: true } => out.write_str("* "),
            Marker::Ordinal { number, alternate: false } => write!(out, "{number}. "),
            Marker::Ordinal { number, alternate: true } => write!(out, "{number}) "),
        };
        if again {
            let width = out.len() - from;
            out.truncate(from);
            out.extend(std::iter::repeat_n(' ', width));
        }
    }
}
