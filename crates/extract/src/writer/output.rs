//! Writes blocks, one after the other, in both forms.

use super::Written;
use super::inline::{CODE, Inline, STRONG};
use super::levels::Levels;
use super::table::Table;
use crate::markdown::Markdown;
use crate::text::Text;

/// A longer text is no heading, whatever its element.
const MAX_HEADING_BYTES: usize = 300;

/// The page written so far.
pub(super) struct Output<'d, 's> {
    text: Option<Text>,
    markdown: Option<Markdown<'d, 's>>,
    pub(super) levels: Levels,
    /// Blocks written so far.
    pub(super) written: usize,
    /// A rule waits for what follows it, at this depth.
    rule: Option<usize>,
    /// The box of a task, for the first paragraph at this depth.
    task: Option<(bool, usize)>,
}

impl<'d, 's> Output<'d, 's> {
    pub(super) fn new(text: Option<Text>, markdown: Option<Markdown<'d, 's>>) -> Self {
        Self { text, markdown, levels: Levels::default(), written: 0, rule: None, task: None }
    }

    pub(super) fn finish(self) -> Written {
        let mut cut = false;
        let mut keep = |(form, is_cut): (String, bool)| {
            cut |= is_cut;
            form
        };
        let text = self.text.map(|text| keep(text.finish()));
        let markdown = self.markdown.map(|markdown| keep(markdown.finish()));
        Written { text, markdown, cut }
    }

    /// Whether no form takes more.
    pub(super) fn is_full(&self) -> bool {
        self.text.as_ref().is_none_or(Text::is_cut)
            && self.markdown.as_ref().is_none_or(Markdown::is_cut)
    }

    /// The Markdown, if images are wanted.
    pub(super) fn markdown(&self) -> Option<&Markdown<'d, 's>> {
        self.markdown.as_ref()
    }

    /// Ends the innermost quote or item.
    pub(super) fn close(&mut self) {
        self.levels.close();
        self.task = None;
        self.rule = self.rule.filter(|depth| *depth <= self.levels.depth());
    }

    /// A rule, if something follows it.
    pub(super) fn rule(&mut self) {
        let depth = self.levels.depth();
        if self.written > 0 && self.levels.started() == depth {
            self.rule = Some(depth);
        }
    }

    pub(super) fn task(&mut self, done: bool) {
        if self.levels.is_fresh_item() {
            self.task = Some((done, self.levels.depth()));
        }
    }

    pub(super) fn paragraph(&mut self, inline: &Inline) {
        self.before_block();
        if let Some(text) = &mut self.text {
            text.inline(inline, &self.levels);
        }
        let depth = self.levels.depth();
        let task = self.task.take().filter(|(_, at)| *at == depth).map(|(done, _)| done);
        if let Some(markdown) = &mut self.markdown {
            markdown.paragraph(inline, task, &self.levels);
        }
        self.after_block();
    }

    /// A heading; an image alone is none, nor is a part of the page where the end of one is missing.
    pub(super) fn heading(&mut self, level: u8, inline: &mut Inline) {
        if inline.text().is_empty() || inline.text().len() > MAX_HEADING_BYTES {
            return self.paragraph(inline);
        }
        inline.join_lines();
        if inline.is_all(STRONG) {
            inline.clear_style(STRONG);
        }
        self.before_block();
        if let Some(text) = &mut self.text {
            text.inline(inline, &self.levels);
        }
        if let Some(markdown) = &mut self.markdown {
            markdown.heading(level, inline, &self.levels);
        }
        self.after_block();
    }

    /// A fenced block. `language` is a bare word.
    pub(super) fn code(&mut self, language: &str, code: &str) {
        if code.is_empty() {
            return;
        }
        self.before_block();
        if let Some(text) = &mut self.text {
            text.code(code, &self.levels);
        }
        if let Some(markdown) = &mut self.markdown {
            markdown.code(language, code, &self.levels);
        }
        self.after_block();
    }

    pub(super) fn table(&mut self, table: &Table) {
        if table.is_empty() {
            return;
        }
        self.before_block();
        if let Some(text) = &mut self.text {
            text.table(table, &self.levels);
        }
        if let Some(markdown) = &mut self.markdown {
            markdown.table(table, &self.levels);
        }
        self.after_block();
    }

    /// Appends a cell's content to `table`.
    pub(super) fn cell(&self, inline: &mut Inline, head: bool, table: &mut Table) {
        if head && inline.is_all(STRONG) && !inline.is_all(CODE) {
            inline.clear_style(STRONG);
        }
        let (markdown, text) = table.room();
        text.extend(inline.text().chars().map(|c| if c == '\n' { ' ' } else { c }));
        if let Some(written) = &self.markdown {
            written.cell(inline, markdown);
        }
    }

    fn before_block(&mut self) {
        if let Some(depth) = self.rule.take()
            && depth == self.levels.started()
            && let Some(markdown) = &mut self.markdown
        {
            markdown.rule(&self.levels.outer(depth));
            self.levels.written(depth);
        }
    }

    fn after_block(&mut self) {
        self.task = None;
        self.levels.written(usize::MAX);
        self.written += 1;
    }
}
