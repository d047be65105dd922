//! Walks the page once and writes what is wanted of it, as text and as Markdown.
//!
//! Text and Markdown are made of the same blocks, so that they say the same.

mod code;
mod facts;
mod flow;
pub(crate) mod image;
pub(crate) mod inline;
mod kind;
pub(crate) mod levels;
mod list;
mod math;
mod output;
pub(crate) mod table;
mod typed;

use url::Url;

use crate::document::{Document, NodeId};
use crate::keep::{Keep, is_hidden};
use crate::markdown::{Markdown, Target};
use crate::name::Tag;
use crate::text::Text;
use code::Code;
use facts::Facts;
use inline::{Inline, Look};
use kind::{Kind, kind};
use list::{LastList, List};
use output::Output;
use table::Table;
use typed::Typed;

/// Which forms are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wants {
    pub(crate) text: bool,
    pub(crate) markdown: bool,
}

/// The forms that were wanted.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) text: Option<String>,
    pub(crate) markdown: Option<String>,
    /// Something is missing, since a form would have become too long.
    pub(crate) cut: bool,
}

/// Writes the wanted part of the page, each form with at most `most_bytes`. Addresses are made
/// absolute by `base`.
pub(crate) fn write(
    document: &Document<'_>,
    keep: &Keep,
    base: &Url,
    wants: Wants,
    most_bytes: usize,
) -> Written {
    let target = Target { document, base };
    let output = Output::new(
        wants.text.then(|| Text::new(most_bytes)),
        wants.markdown.then(|| Markdown::new(target, most_bytes)),
    );
    Writer::new(document, keep, output).write()
}

/// An open element and what was before it.
#[derive(Debug)]
struct Frame {
    id: NodeId,
    tag: Tag,
    kind: Kind,
    end: NodeId,
    /// The style and link around it.
    look: Look,
    /// Images directly in it are wanted.
    images: bool,
    /// It opened a quote or an item.
    level: bool,
    list: Option<List>,
}

struct Writer<'d, 's> {
    document: &'d Document<'s>,
    keep: &'d Keep,
    facts: Facts<'s>,
    output: Output<'d, 's>,
    frames: Vec<Frame>,
    inline: Inline,
    /// How the next text looks; its link may be spent.
    look: Look,
    /// A link that has its text: one that goes on over several blocks is written once.
    spent: NodeId,
    /// The link holds a heading, which becomes its text.
    link_is_heading: bool,
    heading: Option<u8>,
    code: Option<Code>,
    table: Option<Table>,
    in_cell: bool,
    last_list: Option<LastList>,
    typed: Option<Typed>,
    /// The node that is next.
    at: NodeId,
    /// Numbers of lines are looked for after this node again.
    no_gutter_until: NodeId,
    quotations: u32,
    /// A formula around has no TeX.
    no_formula_until: NodeId,
    /// Where the last formula's element ends.
    formula_end: NodeId,
}

impl<'d, 's> Writer<'d, 's> {
    fn new(document: &'d Document<'s>, keep: &'d Keep, output: Output<'d, 's>) -> Self {
        Self {
            document,
            keep,
            facts: Facts::of(document, keep),
            output,
            frames: Vec::new(),
            inline: Inline::default(),
            look: Look::default(),
            spent: 0,
            link_is_heading: false,
            heading: None,
            code: None,
            table: None,
            in_cell: false,
            last_list: None,
            typed: None,
            at: 1,
            no_gutter_until: 0,
            quotations: 0,
            no_formula_until: 0,
            formula_end: 0,
        }
    }

    fn write(mut self) -> Written {
        let mut id = 1;
        while id < self.document.len() {
            self.at = id;
            while self.frames.last().is_some_and(|frame| frame.end <= id) {
                self.leave();
            }
            if self.output.is_full() {
                break;
            }
            id = match self.document.is_text(id) {
                true => {
                    self.text(id);
                    id + 1
                }
                false => self.element(id),
            };
        }
        self.at = self.document.len();
        while !self.frames.is_empty() {
            self.leave();
        }
        self.flush();
        self.output.finish()
    }

    fn text(&mut self, id: NodeId) {
        let source = self.document.source_text(id);
        let blank = source.bytes().all(|byte| byte.is_ascii_whitespace());
        // Blank text separates words whether it is wanted or not.
        if !blank && !self.keep.text(id) {
            return;
        }
        if let Some(code) = &mut self.code {
            code.push(&self.document.text(id));
        } else if blank {
            self.inline.space();
        } else {
            let look = self.look();
            self.separate_links(look.link, source);
            self.inline.push(&self.document.text(id), look);
        }
    }

    /// How text looks here.
    fn look(&self) -> Look {
        let spent = self.look.link == self.spent
            || (self.link_is_heading && self.heading.is_none() && !self.in_cell);
        Look { link: if spent { 0 } else { self.look.link }, ..self.look }
    }

    /// Two links without anything between are kept apart by the page's style.
    fn separate_links(&mut self, link: NodeId, next: &str) {
        let last = self.inline.last_link();
        if link != 0
            && last != 0
            && link != last
            && self.inline.touching().is_some_and(char::is_alphanumeric)
            && next.starts_with(char::is_alphanumeric)
        {
            self.inline.space();
        }
    }

    /// Enters an element, or passes by it; says which node is next.
    fn element(&mut self, id: NodeId) -> NodeId {
        let document = self.document;
        let node = document.node(id);
        let kind = kind(node.tag);
        match kind {
            Kind::Break => self.line_break(),
            Kind::Rule => self.rule(),
            Kind::Image => self.image(id),
            Kind::Input => self.task(id),
            _ => return self.container(id, kind),
        }
        node.end
    }

    fn container(&mut self, id: NodeId, kind: Kind) -> NodeId {
        let document = self.document;
        let node = document.node(id);
        let around = self.frames.last().is_none_or(|frame| frame.images);
        let images = self.facts.is_wanted(document, id).unwrap_or(around);
        if !self.keep.any(document.subtree(id)) {
            let empty = node.end == id + 1;
            if empty || !images || kind == Kind::Unseen || is_hidden(document, id) {
                self.pass_by(id, kind);
                return node.end;
            }
        }
        let classes = document.raw_attribute(id, "class").unwrap_or("");
        if self.is_passed(id, kind, classes) {
            return node.end;
        }
        let kind = if code::is_highlighter(classes) { Kind::Code } else { kind };
        if kind == Kind::Math {
            return self.math(id);
        }
        self.frames.push(Frame {
            id,
            tag: node.tag,
            kind,
            end: node.end,
            look: self.look,
            images,
            level: false,
            list: None,
        });
        self.enter(id, kind);
        id + 1
    }

    /// Keeps apart what is before and after an element that is not written.
    fn pass_by(&mut self, id: NodeId, kind: Kind) {
        let blank = |id| self.document.source_text(id).bytes().all(|b| b.is_ascii_whitespace());
        if kind.is_block() {
            self.boundary();
        } else if self.document.subtree(id).len() > 1
            && self.document.is_text(id + 1)
            && blank(id + 1)
        {
            self.inline.space();
        }
    }
}
