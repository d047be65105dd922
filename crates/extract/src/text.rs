//! Plain text: a line for each item, row and line of verse, a blank line between other blocks.
//!
//! No marks of lists, and nothing that is not in the page: what Markdown shows once its marks are
//! read, and nothing else.

use crate::writer::inline::Inline;
use crate::writer::levels::Levels;
use crate::writer::table::Table;

/// The text written so far.
#[derive(Debug)]
pub(crate) struct Text {
    out: String,
    most_bytes: usize,
    /// Something did not fit: nothing is written any more.
    cut: bool,
}

impl Text {
    pub(crate) fn new(most_bytes: usize) -> Self {
        Self { out: String::new(), most_bytes, cut: false }
    }

    /// The text, and whether something is missing.
    pub(crate) fn finish(self) -> (String, bool) {
        (self.out, self.cut)
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// A paragraph or a heading.
    pub(crate) fn inline(&mut self, inline: &Inline, levels: &Levels) {
        if inline.text().is_empty() {
            return;
        }
        if inline.has_images() {
            self.put(&squeezed(inline.text()), levels);
        } else {
            self.put(inline.text(), levels);
        }
    }

    pub(crate) fn code(&mut self, code: &str, levels: &Levels) {
        self.put(code, levels);
    }

    /// Rows as lines, cells apart by tabs.
    pub(crate) fn table(&mut self, table: &Table, levels: &Levels) {
        for (nth, row) in table.rows().filter(|row| row.has_text()).enumerate() {
            let mut between = "";
            for cell in row.filter(|cell| !cell.text.is_empty()) {
                if nth == 0 && between.is_empty() {
                    self.put(cell.text, levels);
                } else {
                    self.append(if between.is_empty() { "\n" } else { between }, cell.text);
                }
                between = "\t";
            }
        }
    }

    fn put(&mut self, body: &str, levels: &Levels) {
        let between = match (self.out.is_empty(), levels.is_tight()) {
            (true, _) => "",
            (false, true) => "\n",
            (false, false) => "\n\n",
        };
        self.append(between, body);
    }

    fn append(&mut self, between: &str, body: &str) {
        let room = self.most_bytes.saturating_sub(self.out.len() + between.len());
        if self.cut || room == 0 {
            self.cut = true;
            return;
        }
        self.cut = body.len() > room;
        self.out.push_str(between);
        self.out.push_str(&body[..body.floor_char_boundary(room)]);
    }
}

/// Without the second of two blanks, where an image was between.
pub(crate) fn squeezed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let doubled = out.is_empty() || out.ends_with([' ', '\n']);
        if !(doubled && matches!(c, ' ' | '\n')) {
            out.push(c);
        }
    }
    out.truncate(out.trim_end().len());
    out
}
