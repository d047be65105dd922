//! CommonMark with GitHub's tables, strikethrough and task lists.

mod address;
mod escape;
mod inline;
mod table;

use url::Url;

use crate::document::{Document, NodeId};
use crate::reference;
use crate::writer::image;
use crate::writer::inline::Inline;
use crate::writer::levels::Levels;
use crate::writer::table::Table;
pub(crate) use address::MAX_URL_BYTES;
use escape::{Place, longest_run};

/// Schemes of links; images have the first two.
const SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];

/// Alternative texts are cut here: some pages put the whole article into one.
const MAX_ALT_BYTES: usize = 1000;

/// Longest address as written that is looked at: more than an address may have, and all of that
/// may be character references.
const MAX_HREF_BYTES: usize = 32 * 1024;

/// A text with more grave accents in a row stands between tildes, if it has fewer of these.
const MAX_TICKS: usize = 80;

/// A fenced block of a text that is no HTML, with the name of its language.
pub(crate) fn fenced(language: &str, text: &str) -> String {
    let mut out = String::new();
    let text = text.trim_end_matches(['\r', '\n']);
    if !text.is_empty() {
        fence(language, text, &mut out);
        out.push('\n');
    }
    out
}

/// Appends a fenced block without a last line end (CommonMark 0.31, section 4.5).
fn fence(language: &str, code: &str, out: &mut String) {
    let (ticks, tildes) = (longest_run(code, '`'), longest_run(code, '~'));
    // The shorter one, for a text of nothing else: the fences are no longer than it.
    let (mark, run) =
        if ticks > MAX_TICKS && tildes < ticks { ('~', tildes) } else { ('`', ticks) };
    let fence = std::iter::repeat_n(mark, (run + 1).max(3));
    out.extend(fence.clone());
    for part in [language, "\n", code, "\n"] {
        out.push_str(part);
    }
    out.extend(fence);
}

/// What links and images refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'d, 's> {
    pub(crate) document: &'d Document<'s>,
    pub(crate) base: &'d Url,
}

impl Target<'_, '_> {
    /// The address of a link, unless it leads nowhere or is a mere mark: a reference to a note,
    /// or a heading's link to itself.
    fn link(&self, id: NodeId, text: &str, heading: bool) -> Option<String> {
        let href = self.document.raw_attribute(id, "href")?;
        // Every block in the link asks again.
        let href = reference::attribute(&href[..href.floor_char_boundary(MAX_HREF_BYTES)]);
        let href = href.trim();
        if href.starts_with('#') && (heading || href.len() == 1 || is_mark(text)) {
            return None;
        }
        address::absolute(self.base, href, &SCHEMES)
    }

    /// Where an image comes from.
    pub(crate) fn source(&self, id: NodeId) -> Option<String> {
        let source = image::source(self.document, id)?;
        address::absolute(self.base, source.trim(), &SCHEMES[..2])
    }

    fn image(&self, id: NodeId, place: Place, out: &mut String) {
        let Some(source) = self.source(id) else { return };
        let alt = self.document.attribute(id, "alt").unwrap_or_default();
        let mut text = Inline::default();
        text.push(&alt[..alt.floor_char_boundary(MAX_ALT_BYTES)], Default::default());
        out.push_str("![");
        inline::alt(text.text(), place, self, out);
        out.push_str("](");
        address::destination(&source, place, out);
        out.push(')');
    }
}

/// Whether a link's text says nothing by itself, as `[1]` or `^`.
fn is_mark(text: &str) -> bool {
    text.len() < 8 && text.chars().filter(|c| c.is_alphabetic()).count() < 2
}

/// The Markdown written so far.
#[derive(Debug)]
pub(crate) struct Markdown<'d, 's> {
    out: String,
    target: Target<'d, 's>,
    most_bytes: usize,
    /// Something did not fit: nothing is written any more.
    cut: bool,
    /// The block under construction, kept for its allocation.
    body: String,
}

impl<'d, 's> Markdown<'d, 's> {
    pub(crate) fn new(target: Target<'d, 's>, most_bytes: usize) -> Self {
        Self { out: String::new(), target, most_bytes, cut: false, body: String::new() }
    }

    /// The Markdown, and whether something is missing.
    pub(crate) fn finish(self) -> (String, bool) {
        (self.out, self.cut)
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    pub(crate) fn target(&self) -> &Target<'d, 's> {
        &self.target
    }

    /// `task` is the state of the box before the first paragraph of a task.
    pub(crate) fn paragraph(&mut self, inline: &Inline, task: Option<bool>, levels: &Levels) {
        self.body.push_str(match task {
            Some(true) => "[x] ",
            Some(false) => "[ ] ",
            None => "",
        });
        self.render(inline, Place::Paragraph, levels);
    }

    pub(crate) fn heading(&mut self, level: u8, inline: &Inline, levels: &Levels) {
        self.body.push_str(&"######"[..usize::from(level.clamp(1, 6))]);
        self.body.push(' ');
        self.render(inline, Place::Heading, levels);
    }

    fn render(&mut self, inline: &Inline, place: Place, levels: &Levels) {
        let room = self.most_bytes.saturating_sub(self.out.len() + self.body.len());
        let cut = inline::render(inline, place, &self.target, room, &mut self.body);
        self.put(levels);
        self.cut |= cut;
    }

    /// A fenced block. `language` is a bare word.
    pub(crate) fn code(&mut self, language: &str, code: &str, levels: &Levels) {
        fence(language, code, &mut self.body);
        self.put(levels);
    }

    pub(crate) fn rule(&mut self, levels: &Levels) {
        self.body.push_str("---");
        self.put(levels);
    }

    pub(crate) fn table(&mut self, table: &Table, levels: &Levels) {
        table::write(table, &mut self.body);
        self.put(levels);
    }

    /// Appends a cell's content to `out`.
    pub(crate) fn cell(&self, inline: &Inline, out: &mut String) {
        inline::render(inline, Place::Cell, &self.target, self.most_bytes, out);
    }

    /// Writes the block in `body`, its lines after what marks the quotes and items it is in.
    fn put(&mut self, levels: &Levels) {
        if !self.cut && self.out.len() + self.body.len() <= self.most_bytes {
            if !self.out.is_empty() && !levels.is_tight() {
                levels.blank_line(&mut self.out);
            }
            for (nth, line) in self.body.split('\n').enumerate() {
                let from = self.out.len();
                if from + line.len() > self.most_bytes {
                    self.cut = true;
                    break;
                }
                levels.indent(nth == 0, &mut self.out);
                if line.is_empty() {
                    self.out.truncate(from + self.out[from..].trim_end().len());
                }
                self.out.push_str(line);
                self.out.push('\n');
                // Deep in a list, short lines have more marks than content.
                if self.out.len() > self.most_bytes {
                    self.out.truncate(from);
                    self.cut = true;
                    break;
                }
            }
        } else {
            self.cut = true;
        }
        self.body.clear();
    }
}
