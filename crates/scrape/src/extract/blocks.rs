//! Writes blocks, one after the other, as Markdown and as plain text.

use super::inline::Inline;
use super::render::{Place, longest_backticks, render};
use super::table::Table;

/// Lists and quotations one within another that are kept apart; the prefix of a line grows with
/// each, so without a limit the output could grow with the square of the input.
const MAX_CONTAINERS: usize = 16;

/// What indents the lines of a block.
#[derive(Debug)]
enum Container {
    Quote,
    Item {
        marker: String,
        /// The first of its list.
        first: bool,
        /// May follow a paragraph without a blank line (CommonMark 0.31, section 5.3).
        interrupts: bool,
    },
}

#[derive(Debug)]
struct Level {
    container: Container,
    started: bool,
}

/// The document written so far.
#[derive(Debug)]
pub(super) struct Blocks {
    markdown: Option<String>,
    text: Option<String>,
    levels: Vec<Level>,
    /// Containers that are not in `levels`, since it was full.
    too_deep: usize,
    /// Depth at which the last block was written.
    last_depth: usize,
    written: usize,
    cap: usize,
    truncated: bool,
    /// The block under construction, kept for its allocation.
    scratch: String,
}

impl Blocks {
    /// Each output has at most `cap` bytes.
    pub(super) fn new(markdown: bool, text: bool, cap: usize) -> Self {
        Self {
            markdown: markdown.then(String::new),
            text: text.then(String::new),
            levels: Vec::new(),
            too_deep: 0,
            last_depth: 0,
            written: 0,
            cap,
            truncated: false,
            scratch: String::new(),
        }
    }

    /// Markdown, text, and whether something is missing.
    pub(super) fn finish(self) -> (Option<String>, Option<String>, bool) {
        (self.markdown, self.text, self.truncated)
    }

    /// Blocks written so far.
    pub(super) fn written(&self) -> usize {
        self.written
    }

    /// Containers open now.
    pub(super) fn depth(&self) -> usize {
        self.levels.len() + self.too_deep
    }

    pub(super) fn open_quote(&mut self) {
        self.open(Container::Quote);
    }

    /// `marker` ends with a blank; `interrupts` unless it is an ordinal other than 1.
    pub(super) fn open_item(&mut self, marker: String, first: bool, interrupts: bool) {
        self.open(Container::Item { marker, first, interrupts });
    }

    fn open(&mut self, container: Container) {
        match self.levels.len() < MAX_CONTAINERS {
            true => self.levels.push(Level { container, started: false }),
            false => self.too_deep += 1,
        }
    }

    /// Ends the innermost quotation or item.
    pub(super) fn close(&mut self) {
        match self.too_deep {
            0 => {
                self.levels.pop();
                self.last_depth = self.last_depth.min(self.levels.len() + 1);
            }
            _ => self.too_deep -= 1,
        }
    }

    pub(super) fn paragraph(&mut self, inline: &Inline) {
        let mut body = std::mem::take(&mut self.scratch);
        body.clear();
        if self.markdown.is_some() {
            render(inline, Place::Paragraph, self.cap, &mut body);
        }
        self.block(&body, &inline.visible());
        self.scratch = body;
    }

    pub(super) fn heading(&mut self, level: u8, inline: &Inline) {
        let mut body = std::mem::take(&mut self.scratch);
        body.clear();
        if self.markdown.is_some() {
            body.push_str(&"######"[..usize::from(level.clamp(1, 6))]);
            body.push(' ');
            render(inline, Place::Heading, self.cap, &mut body);
        }
        self.block(&body, &inline.visible());
        self.scratch = body;
    }

    /// A fenced code block. `language` is a bare word.
    pub(super) fn code(&mut self, language: &str, code: &str) {
        let code = code.strip_prefix('\n').unwrap_or(code).trim_end();
        if code.is_empty() {
            return;
        }
        let mut body = String::new();
        if self.markdown.is_some() {
            let fence = "`".repeat((longest_backticks(code) + 1).max(3));
            body = format!("{fence}{language}\n{code}\n{fence}");
        }
        self.block(&body, code);
    }

    /// `___`: the other forms could be read as a list's marker.
    pub(super) fn rule(&mut self) {
        if self.markdown.is_some() {
            self.block("___", "");
        }
    }

    /// A paragraph of a table's cell, rendered already.
    pub(super) fn cell(&mut self, markdown: &str, text: &str) {
        self.block(markdown, text);
    }

    pub(super) fn table(&mut self, table: &Table) {
        let markdown =
            if self.markdown.is_some() { table.markdown(self.cap) } else { String::new() };
        let text = if self.text.is_some() { table.text(self.cap) } else { String::new() };
        self.block(&markdown, &text);
    }

    fn block(&mut self, markdown: &str, text: &str) {
        if markdown.is_empty() && text.is_empty() {
            return;
        }
        let tight = self.is_tight();
        if self.text.is_some() && !text.is_empty() {
            self.put_text(text, tight);
        }
        if self.markdown.is_some() && !markdown.is_empty() {
            self.put_markdown(markdown, tight);
        }
        for level in &mut self.levels {
            level.started = true;
        }
        self.last_depth = self.levels.len();
        self.written += 1;
    }

    /// Whether the block follows the one before without a blank line.
    fn is_tight(&self) -> bool {
        let Some(fresh) = self.levels.iter().position(|level| !level.started) else {
            return false;
        };
        let within_item =
            fresh > 0 && matches!(self.levels[fresh - 1].container, Container::Item { .. });
        match self.levels[fresh].container {
            Container::Item { first: false, .. } => self.last_depth > fresh,
            Container::Item { interrupts, .. } => within_item && interrupts,
            Container::Quote => false,
        }
    }

    fn put_text(&mut self, body: &str, tight: bool) {
        let text = self.text.as_mut().expect("asked for");
        if text.len() + body.len() + 2 > self.cap {
            self.truncated = true;
            return;
        }
        if !text.is_empty() {
            text.push_str(if tight { "\n" } else { "\n\n" });
        }
        text.push_str(body);
    }

    fn put_markdown(&mut self, body: &str, tight: bool) {
        let out = self.markdown.as_mut().expect("asked for");
        if out.len() + body.len() > self.cap {
            self.truncated = true;
            return;
        }
        if !out.is_empty() && !tight {
            blank_line(out, &self.levels);
        }
        for (nth, line) in body.split('\n').enumerate() {
            let from = out.len();
            for level in &self.levels {
                level.indent(nth > 0 || level.started, out);
            }
            if line.is_empty() {
                out.truncate(from + out[from..].trim_end().len());
            }
            out.push_str(line);
            out.push('\n');
        }
        if out.len() > self.cap {
            self.truncated = true;
        }
    }
}

fn blank_line(out: &mut String, levels: &[Level]) {
    let from = out.len();
    for level in levels.iter().take_while(|level| level.started) {
        level.indent(true, out);
    }
    out.truncate(from + out[from..].trim_end().len());
    out.push('\n');
}

impl Level {
    fn indent(&self, again: bool, out: &mut String) {
        match &self.container {
            Container::Quote => out.push_str("> "),
            Container::Item { marker, .. } if again => {
                out.extend(std::iter::repeat_n(' ', marker.len()));
            }
            Container::Item { marker, .. } => out.push_str(marker),
        }
    }
}
