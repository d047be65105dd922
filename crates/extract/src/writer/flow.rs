//! What the start and the end of an element do.

use super::code::Code;
use super::inline::{CODE, DELETED, EMPHASIS, STRONG};
use super::kind::Kind;
use super::table::{Align, Table};
use super::{Frame, Look, Writer};
use crate::document::NodeId;
use crate::markdown::MAX_URL_BYTES;
use crate::name::Tag;

/// Text after which a number in a superscript is an exponent is looked for in so many nodes.
const MAX_PEEKED_NODES: u32 = 8;

impl Writer<'_, '_> {
    /// Starts an element whose frame is open.
    pub(super) fn enter(&mut self, id: NodeId, kind: Kind) {
        if let Some(code) = &mut self.code {
            if kind.is_block() {
                code.end_line();
            }
            return;
        }
        if kind.is_block() {
            self.boundary();
        }
        match kind {
            Kind::Heading(level) if !self.in_cell && self.heading.is_none() => {
                self.heading = Some(level);
            }
            Kind::List { ordered } => self.start_list(id, ordered),
            Kind::Item => self.start_item(id),
            Kind::Quote if self.is_flow() => {
                self.output.levels.open_quote();
                self.frame().level = true;
            }
            Kind::Code if self.is_flow() => self.code = Some(Code::new(self.language(id))),
            Kind::Code => self.look.style |= CODE,
            Kind::Table if self.is_flow() && self.facts.is_data(id) => {
                self.table = Some(Table::default());
            }
            Kind::Cell if self.table.is_some() => self.in_cell = true,
            Kind::Term if self.is_flow() => self.look.style |= STRONG,
            // Code has no other style within.
            Kind::Style(_) if self.look.style & CODE != 0 => {}
            Kind::Style(style) => self.look.style |= style,
            Kind::Link => self.start_link(id),
            Kind::Apart => self.inline.space(),
            Kind::Quotation => self.quotation(true),
            Kind::Reading => self.mark("("),
            Kind::Superscript => self.exponent(id),
            _ => {}
        }
    }

    /// Ends the innermost element.
    pub(super) fn leave(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        if self.code.is_some() {
            self.leave_code(&frame);
            return;
        }
        match frame.kind {
            Kind::Cell if self.in_cell => self.end_cell(&frame),
            Kind::Row => {
                if let Some(table) = &mut self.table {
                    table.end_row();
                }
            }
            Kind::Heading(_) if self.heading.is_some() && !self.has_heading_frame() => {
                self.flush();
                self.heading = None;
            }
            Kind::Table if self.table.is_some() => {
                self.flush();
                if let Some(mut table) = self.table.take() {
                    table.end_row();
                    self.output.table(&table);
                }
            }
            Kind::Style(CODE) => self.inline.seal(),
            Kind::Apart => self.inline.space(),
            Kind::Quotation => self.quotation(false),
            Kind::Reading => self.mark(")"),
            _ => {}
        }
        if frame.kind.is_block() {
            self.boundary();
        }
        if frame.kind == Kind::Link {
            self.link_is_heading = false;
        }
        self.look = frame.look;
        if frame.level {
            self.output.close();
        }
        self.end_list(&frame);
    }

    fn leave_code(&mut self, frame: &Frame) {
        let Some(code) = &mut self.code else { return };
        if frame.kind == Kind::Code && !self.frames.iter().any(|frame| frame.kind == Kind::Code) {
            let (language, text) = code.take();
            self.code = None;
            self.output.code(&language, &text);
            self.look = frame.look;
        } else if frame.kind.is_block() {
            code.end_line();
        }
    }

    fn has_heading_frame(&self) -> bool {
        self.frames.iter().rev().any(|frame| matches!(frame.kind, Kind::Heading(_)))
    }

    pub(super) fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("called where an element is open")
    }

    /// Whether blocks can be written here: neither a heading nor a cell holds any.
    pub(super) fn is_flow(&self) -> bool {
        self.heading.is_none() && !self.in_cell && self.code.is_none()
    }

    /// What is before is another block than what follows, or at least another word.
    pub(super) fn boundary(&mut self) {
        if let Some(code) = &mut self.code {
            code.end_line();
        } else if self.in_cell {
            self.inline.space();
        } else if self.heading.is_some() {
            self.inline.line_break();
        } else {
            self.flush();
        }
    }

    /// Writes the block under construction.
    pub(super) fn flush(&mut self) {
        if !self.inline.is_empty() {
            match self.heading {
                Some(level) => self.output.heading(level, &mut self.inline),
                None => self.paragraph(),
            }
            self.spend_link();
        }
        self.inline.clear();
    }

    /// A link that has text is not written once more by the next block.
    fn spend_link(&mut self) {
        let link = self.look.link;
        let uses = |run: &super::inline::Run| run.look.link == link && run.look.image == 0;
        if link != 0 && self.inline.runs().iter().any(uses) {
            self.spent = link;
        }
    }

    pub(super) fn line_break(&mut self) {
        if let Some(code) = &mut self.code {
            code.push("\n");
        } else if self.in_cell {
            self.inline.space();
        } else if self.inline.line_break() && self.heading.is_none() {
            // Two on end are meant as a new paragraph.
            self.flush();
        }
    }

    pub(super) fn rule(&mut self) {
        self.boundary();
        if self.is_flow() && self.frames.last().is_none_or(|frame| frame.images) {
            self.output.rule();
        }
    }

    fn start_link(&mut self, id: NodeId) {
        // A longer one would be looked at again for each image in the link.
        let href = self.document.raw_attribute(id, "href");
        if href.is_some_and(|href| href.len() <= MAX_URL_BYTES) {
            self.look.link = id;
            self.link_is_heading =
                self.heading.is_none() && self.facts.has_heading(self.document, id);
        }
    }

    /// Appends characters that the page's style shows.
    fn mark(&mut self, mark: &str) {
        let look = self.look();
        self.inline.push(mark, look);
    }

    fn quotation(&mut self, start: bool) {
        self.quotations = self.quotations.saturating_sub(u32::from(!start));
        let marks = if self.quotations.is_multiple_of(2) { ("“", "”") } else { ("‘", "’") };
        self.mark(if start { marks.0 } else { marks.1 });
        self.quotations += u32::from(start);
    }

    /// 10 to the 6th is not 106.
    fn exponent(&mut self, id: NodeId) {
        let end = self.document.node(id).end.min(id + MAX_PEEKED_NODES);
        let mut texts = (id..end).filter(|&id| self.document.is_text(id) && self.keep.text(id));
        let first = texts.find_map(|id| self.document.source_text(id).trim().chars().next());
        let raised = first.is_some_and(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '−'));
        if raised && self.inline.touching().is_some_and(|c| c.is_ascii_digit()) {
            self.mark("^");
        }
    }

    fn end_cell(&mut self, frame: &Frame) {
        let head = frame.tag == Tag::Th;
        let id = frame.id;
        let number = |name| {
            let value = self.document.raw_attribute(id, name)?;
            value.trim().parse::<u16>().ok()
        };
        let (colspan, rowspan) = (number("colspan").unwrap_or(1), number("rowspan").unwrap_or(1));
        let align = self.align(id);
        if let Some(table) = &mut self.table {
            self.output.cell(&mut self.inline, head, table);
            table.end_cell(colspan.into(), rowspan.into(), align);
        }
        self.inline.clear();
        self.in_cell = false;
    }

    fn align(&self, id: NodeId) -> Align {
        let own = self.document.raw_attribute(id, "align").or_else(|| {
            let style = self.document.raw_attribute(id, "style")?;
            let (_, value) = style.split_once("text-align:")?;
            value.trim_start().split([';', ' ', '!']).next()
        });
        match own.unwrap_or("") {
            "left" => Align::Left,
            "center" => Align::Center,
            "right" => Align::Right,
            _ => Align::None,
        }
    }

    /// Whether an element is left out with all in it, although its text may be wanted: what only
    /// helps to use the page, or says again what has been said.
    pub(super) fn is_passed(&mut self, id: NodeId, kind: Kind, classes: &str) -> bool {
        if self.heading.is_some() && kind == Kind::Link && self.is_permalink(id) {
            return true;
        }
        let has = |class| classes.split_ascii_whitespace().any(|own| own == class);
        self.heading.is_some() && has("mw-editsection")
            || has("katex-html") && id == self.formula_end
            || self.is_gutter(id, classes)
    }

    /// A heading's link to itself, marked by a sign.
    fn is_permalink(&self, id: NodeId) -> bool {
        let document = self.document;
        let leads_here =
            document.raw_attribute(id, "href").is_some_and(|href| href.starts_with('#'));
        let below = document.descendants(id);
        leads_here
            && below.len() <= 4
            && below
                .filter(|&id| document.is_text(id))
                .all(|id| document.text(id).chars().all(|c| !c.is_alphanumeric()))
    }

    /// The styles that code has not.
    pub(super) fn plain(look: Look) -> Look {
        Look { style: look.style & !(STRONG | EMPHASIS | DELETED), ..look }
    }
}
