//! The content of one block: text with its looks, blanks collapsed.

use std::ops::Range;

use crate::document::NodeId;

/// Bits of a [`Look`]'s style.
pub(crate) const STRONG: u8 = 1;
pub(crate) const EMPHASIS: u8 = 2;
pub(crate) const DELETED: u8 = 4;
pub(crate) const CODE: u8 = 8;

/// How a run of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) style: u8,
    /// The link it is in; 0 for none.
    pub(crate) link: NodeId,
    /// The image that the run is, which has no text then; 0 for none.
    pub(crate) image: NodeId,
}

impl Look {
    /// Whether both are code of one link.
    fn is_code_of(self, other: Self) -> bool {
        self.style & other.style & CODE != 0 && self.link == other.link && self.image == 0
    }

    /// What a blank between two runs has of them: it is not at the edge of a link, an emphasis or
    /// a code span.
    fn common(self, other: Self) -> Self {
        let link = if self.link == other.link { self.link } else { 0 };
        let code = if self == other { 0 } else { CODE };
        Self { style: self.style & other.style & !code, link, image: 0 }
    }
}

/// Text of one look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Where it ends in the text; it starts where the one before ends.
    pub(crate) end: usize,
    pub(crate) look: Look,
}

/// What separates the next word from the text so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Break,
}

/// The content of a block under construction. Text neither starts nor ends with a blank; a line
/// break of the author's is a `\n`.
#[derive(Debug, Default)]
pub(crate) struct Inline {
    text: String,
    runs: Vec<Run>,
    gap: Gap,
    images: bool,
    /// The last code span has ended.
    sealed: bool,
}

impl Inline {
    /// Whether there is neither text nor an image.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn runs(&self) -> &[Run] {
        &self.runs
    }

    pub(crate) fn has_images(&self) -> bool {
        self.images
    }

    /// Whether all text has these bits of style, and there is some.
    pub(crate) fn is_all(&self, style: u8) -> bool {
        !self.text.is_empty() && self.runs.iter().all(|run| run.look.style & style == style)
    }

    /// Whether the text starts with this bit of style.
    pub(crate) fn starts_with(&self, style: u8) -> bool {
        self.runs.first().is_some_and(|run| run.look.style & style != 0)
    }

    /// A part of the text with its looks; without images.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        let text = self.text[range.clone()].to_owned();
        let first = self.runs.partition_point(|run| run.end <= range.start);
        let mut runs = Vec::new();
        for run in &self.runs[first..] {
            let end = run.end.min(range.end) - range.start;
            if runs.last().map_or(0, |last: &Run| last.end) < end {
                runs.push(Run { end, look: run.look });
            }
            if run.end >= range.end {
                break;
            }
        }
        Self { text, runs, ..Self::default() }
    }

    /// Takes bits of style from all runs.
    pub(crate) fn clear_style(&mut self, style: u8) {
        for run in &mut self.runs {
            run.look.style &= !style;
        }
    }

    /// Makes one line of it.
    pub(crate) fn join_lines(&mut self) {
        if self.text.contains('\n') {
            self.text = self.text.replace('\n', " ");
        }
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.runs.clear();
        self.gap = Gap::None;
        self.images = false;
        self.sealed = false;
    }

    /// Keeps the next code span apart from the last one, if there is a blank between them.
    pub(crate) fn seal(&mut self) {
        self.sealed = true;
    }

    /// The last character, if the next text follows it immediately.
    pub(crate) fn touching(&self) -> Option<char> {
        let touches =
            self.gap == Gap::None && self.runs.last().is_some_and(|run| run.look.image == 0);
        if touches { self.text.chars().next_back() } else { None }
    }

    /// The link that the last run is in; 0 for none.
    pub(crate) fn last_link(&self) -> NodeId {
        self.runs.last().map_or(0, |run| run.look.link)
    }

    /// Appends text, blanks collapsed and what has no width left out.
    pub(crate) fn push(&mut self, text: &str, look: Look) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let word = at + bytes[at..].iter().take_while(|byte| is_plain(**byte)).count();
            if word > at {
                self.append(&text[at..word], look);
            }
            at = word;
            let Some(&next) = bytes.get(at) else { return };
            if next == b' ' || next == b'\n' {
                self.space();
                at += 1;
                continue;
            }
            let c = text[at..].chars().next().expect("at is inside, on a boundary");
            if is_blank(c) {
                self.space();
            } else if !is_invisible(c) {
                self.append(&text[at..at + c.len_utf8()], look);
            }
            at += c.len_utf8();
        }
    }

    /// Appends an image.
    pub(crate) fn push_image(&mut self, look: Look) {
        self.close_gap(look);
        self.images = true;
        self.runs.push(Run { end: self.text.len(), look });
    }

    /// Separates what follows by a blank.
    pub(crate) fn space(&mut self) {
        self.gap = self.gap.max(Gap::Space);
    }

    /// Separates what follows by a line break; says whether it is the second one on end.
    pub(crate) fn line_break(&mut self) -> bool {
        let again = self.gap == Gap::Break;
        self.gap = Gap::Break;
        again && !self.is_empty()
    }

    fn append(&mut self, word: &str, look: Look) {
        self.close_gap(look);
        self.sealed = false;
        self.text.push_str(word);
        self.extend(look);
    }

    fn close_gap(&mut self, next: Look) {
        let gap = std::mem::take(&mut self.gap);
        if gap == Gap::None {
            return;
        }
        if let Some(last) = self.runs.last() {
            let mut common = last.look.common(next);
            if self.sealed {
                common.style &= !CODE;
            }
            self.text.push(if gap == Gap::Break { '\n' } else { ' ' });
            self.extend(common);
        }
    }

    /// Gives the text up to here `look`.
    fn extend(&mut self, look: Look) {
        let end = self.text.len();
        match self.runs.last_mut() {
            // Two code spans cannot touch.
            Some(last) if last.look == look || last.look.is_code_of(look) => last.end = end,
            _ => self.runs.push(Run { end, look }),
        }
    }
}

/// Whether the byte belongs to a word, or is a part of a character that certainly does.
fn is_plain(byte: u8) -> bool {
    // C2, E2 and EF start the characters that are looked at one by one.
    byte > b' ' && !matches!(byte, 0x7f | 0xc2 | 0xe2 | 0xef)
}

/// What collapses: the blanks of HTML, the line ends of Unicode, and the no-break space, which
/// pages use for padding.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c' | '\u{a0}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What is not seen and means nothing to a reader: controls, and places for a line break.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control() || matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_collapse_and_belong_to_what_both_sides_share() {
        let mut inline = Inline::default();
        let (plain, strong) = (Look::default(), Look { style: STRONG, ..Look::default() });
        inline.push("  one ", plain);
        inline.push("\n two\u{a0}", strong);
        inline.push("", plain);
        inline.push("\0th\u{ad}ree ", strong);
        assert_eq!(inline.text(), "one two three");
        let runs: Vec<_> = inline.runs().iter().map(|run| (run.end, run.look.style)).collect();
        assert_eq!(runs, [(4, 0), (13, STRONG)]);
    }

    #[test]
    fn two_breaks_are_told() {
        let mut inline = Inline::default();
        assert!(!inline.line_break());
        assert!(!inline.line_break());
        inline.push("x", Look::default());
        assert!(!inline.line_break());
        assert!(inline.line_break());
    }
}
