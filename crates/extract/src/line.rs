//! The text of a part of a page on one line.

use std::ops::Range;

use crate::composed;
use crate::content::is_block;
use crate::document::{Document, NodeId};
use crate::keep::is_hidden;
use crate::name::Tag;

/// Bytes that are read in the time of one step.
const BYTES_PER_STEP: usize = 32;

/// What a browser shows of a range of nodes, runs of white space as single blanks, in
/// normalization form C; at most `most_bytes`. `spend` says whether so many more steps may be taken.
///
/// The second is whether some was left out.
pub(crate) fn of(
    document: &Document<'_>,
    range: Range<NodeId>,
    most_bytes: usize,
    spend: impl Fn(u64) -> bool,
) -> (String, bool) {
    let mut line = Line { text: String::new(), is_apart: false, most_bytes };
    // Ends of the blocks we are in.
    let mut ends: Vec<NodeId> = Vec::new();
    let mut id = range.start;
    while id < range.end && !line.is_full() {
        let node = document.node(id);
        if !spend(1 + u64::from(node.last - node.first) / BYTES_PER_STEP as u64) {
            return (line.finish(), true);
        }
        while ends.last().is_some_and(|&end| end <= id) {
            ends.pop();
            line.is_apart = true;
        }
        if document.is_text(id) {
            line.push(&document.text(id));
        } else if is_hidden(document, id) {
            id = node.end;
            continue;
        } else if is_apart(node.tag) {
            line.is_apart = true;
            ends.push(node.end);
        }
        id += 1;
    }
    let is_cut = line.is_full();
    (line.finish(), is_cut)
}

/// Text being put together.
struct Line {
    text: String,
    /// What comes next is not part of the last word.
    is_apart: bool,
    most_bytes: usize,
}

impl Line {
    fn push(&mut self, text: &str) {
        self.is_apart |= text.starts_with(is_space);
        for word in text.split(is_space).filter(|word| !word.is_empty()) {
            if self.is_apart && !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(word);
            self.is_apart = true;
            if self.is_full() {
                return;
            }
        }
        self.is_apart = text.ends_with(is_space) || (text.is_empty() && self.is_apart);
    }

    fn is_full(&self) -> bool {
        self.text.len() > self.most_bytes
    }

    fn finish(self) -> String {
        let mut text = composed(self.text);
        text.truncate(cut(&text, self.most_bytes).len());
        text
    }
}

/// The first `most_bytes` of a text, or a little less: neither half a character nor a blank at the
/// end.
pub(crate) fn cut(text: &str, most_bytes: usize) -> &str {
    if text.len() <= most_bytes {
        return text;
    }
    text[..text.floor_char_boundary(most_bytes)].trim_end()
}

/// White space as people see it: no-break spaces are used as spaces.
fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// Elements that stand apart from the words around them; unknown ones do not.
fn is_apart(tag: Tag) -> bool {
    let is_single = matches!(tag, Tag::Br | Tag::Hr | Tag::Img | Tag::Input | Tag::Option);
    is_single || is_block(tag)
}
