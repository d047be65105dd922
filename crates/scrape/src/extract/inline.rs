//! The content of one block: text with its looks, blanks collapsed.

use std::rc::Rc;

/// Bits of a [`Look`]'s style.
pub(super) const STRONG: u8 = 1;
pub(super) const EMPHASIS: u8 = 2;
pub(super) const DELETED: u8 = 4;
pub(super) const CODE: u8 = 8;

/// More changes of look than this in one block are not followed.
const MAX_RUNS: usize = 50_000;

/// How a run of text looks.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    pub(super) style: u8,
    /// The target; the same allocation for all runs of one `<a>`.
    pub(super) link: Option<Rc<str>>,
    /// The source of an image, whose alternative text the run is.
    pub(super) image: Option<Rc<str>>,
}

impl Look {
    fn is(&self, other: &Self) -> bool {
        self.style == other.style
            && self.image.is_none()
            && other.image.is_none()
            && same_link(self, other)
    }

    fn common(&self, other: &Self) -> Self {
        let link = self.link.clone().filter(|_| same_link(self, other));
        // A blank at the edge of a code span is not part of it.
        Self { style: self.style & other.style, link, image: None }
    }
}

/// Whether two runs are of the same link, or of none.
pub(super) fn same_link(one: &Look, other: &Look) -> bool {
    match (&one.link, &other.link) {
        (None, None) => true,
        (Some(one), Some(other)) => Rc::ptr_eq(one, other),
        _ => false,
    }
}

/// Text of one look.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Where it ends in the text; it starts where the one before ends.
    pub(super) end: usize,
    pub(super) look: Look,
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
pub(super) struct Inline {
    text: String,
    runs: Vec<Run>,
    gap: Gap,
}

impl Inline {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.runs.is_empty()
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.runs.clear();
        self.gap = Gap::None;
    }

    /// The runs with their text.
    pub(super) fn runs(&self) -> impl Iterator<Item = (usize, &Run)> {
        let starts = std::iter::once(0).chain(self.runs.iter().map(|run| run.end));
        starts.zip(&self.runs)
    }

    /// Appends text, blanks collapsed.
    pub(super) fn push(&mut self, text: &str, look: &Look) {
        for (nth, word) in text.split(is_blank).enumerate() {
            if nth > 0 {
                self.space();
            }
            if !word.is_empty() {
                self.close_gap(look);
                self.push_word(word);
                self.extend(look);
            }
        }
    }

    /// Appends text as it is, without looks.
    pub(super) fn push_preformatted(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Appends an image.
    pub(super) fn push_image(&mut self, alt: &str, look: &Look) {
        if self.runs.len() >= MAX_RUNS {
            return;
        }
        self.close_gap(look);
        for (nth, word) in alt.split_whitespace().enumerate() {
            if nth > 0 {
                self.text.push(' ');
            }
            self.push_word(word);
        }
        self.runs.push(Run { end: self.text.len(), look: look.clone() });
    }

    /// Separates what follows by a blank.
    pub(super) fn space(&mut self) {
        self.gap = self.gap.max(Gap::Space);
    }

    /// Separates what follows by a line break; says whether it is the second one on end.
    pub(super) fn line_break(&mut self) -> bool {
        let again = self.gap == Gap::Break;
        self.gap = Gap::Break;
        again && !self.is_empty()
    }

    fn push_word(&mut self, word: &str) {
        if word.bytes().any(|b| b.is_ascii_control()) {
            self.text.extend(word.chars().filter(|c| !c.is_ascii_control()));
        } else {
            self.text.push_str(word);
        }
    }

    fn close_gap(&mut self, next: &Look) {
        let gap = std::mem::take(&mut self.gap);
        let Some(last) = self.runs.last() else {
            return;
        };
        if gap != Gap::None {
            let common = last.look.common(next);
            self.text.push(if gap == Gap::Break { '\n' } else { ' ' });
            self.extend(&common);
        }
    }

    /// Gives the text up to here `look`.
    fn extend(&mut self, look: &Look) {
        let (end, full) = (self.text.len(), self.runs.len() >= MAX_RUNS);
        match self.runs.last_mut() {
            Some(last) if last.look.image.is_none() && (full || last.look.is(look)) => {
                last.end = end;
            }
            _ => self.runs.push(Run { end, look: look.clone() }),
        }
    }

    /// The text without the images' alternative texts.
    pub(super) fn visible(&self) -> std::borrow::Cow<'_, str> {
        if self.runs.iter().all(|run| run.look.image.is_none()) {
            return self.text.as_str().into();
        }
        let mut visible = String::with_capacity(self.text.len());
        for (start, run) in self.runs() {
            if run.look.image.is_none() {
                let text = &self.text[start..run.end];
                let doubled = visible.is_empty() || visible.ends_with([' ', '\n']);
                visible.push_str(if doubled { text.trim_start_matches(is_blank) } else { text });
            }
        }
        visible.truncate(visible.trim_end().len());
        visible.into()
    }
}

/// What collapses: the blanks of HTML, and the no-break space, which pages use for padding.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c' | '\u{a0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_collapse_and_belong_to_what_both_sides_share() {
        let mut inline = Inline::default();
        let (plain, strong) = (Look::default(), Look { style: STRONG, ..Look::default() });
        inline.push("  one ", &plain);
        inline.push("\n two\u{a0}", &strong);
        inline.push("", &plain);
        inline.push("\0three ", &strong);
        assert_eq!(inline.text(), "one two three");
        let ends: Vec<_> =
            inline.runs().map(|(start, run)| (start, run.end, run.look.style)).collect();
        assert_eq!(ends, [(0, 4, 0), (4, 13, STRONG)]);
    }

    #[test]
    fn two_breaks_are_told() {
        let mut inline = Inline::default();
        assert!(!inline.line_break());
        assert!(!inline.line_break());
        inline.push("x", &Look::default());
        assert!(!inline.line_break());
        assert!(inline.line_break());
    }
}
