//! What has to be known of a page before it is written: one pass over its nodes.

use std::collections::HashSet;

use super::table::MAX_COLUMNS;
use crate::document::{Document, NodeId};
use crate::keep::Keep;
use crate::name::Tag;

/// A cell with more text holds a part of the page, not a datum; twice as much where the table has
/// heads.
const MAX_CELL_BYTES: usize = 2_000;

/// A cell with as many blocks does as well.
const MAX_CELL_BLOCKS: u32 = 4;

/// So many addresses of links are known, more than pages have that are made for readers.
const MAX_LINKED: usize = 10_000;

/// What is known of a page.
#[derive(Debug, Default)]
pub(super) struct Facts<'s> {
    /// Before each node: bytes of wanted text less bytes of other text. Empty when all is wanted.
    balance: Vec<i32>,
    /// The headings with wanted text.
    headings: Vec<NodeId>,
    /// Addresses, as written, of links with wanted text.
    linked: HashSet<&'s str>,
    /// The tables with wanted text.
    tables: Vec<Shape>,
}

/// What is known of a table.
#[derive(Debug, Default)]
struct Shape {
    id: NodeId,
    end: NodeId,
    /// Rows with wanted text.
    rows: u32,
    /// The most cells with wanted text in a row.
    columns: usize,
    /// Has `<th>`.
    heads: bool,
    /// Has what no cell of data has: another table, code, a role that says so.
    layout: bool,
    /// Has a heading in a `<td>`.
    headings: bool,
    /// The most text and blocks in a cell.
    bytes: usize,
    blocks: u32,
    /// Of the current row and cell.
    row_columns: usize,
    cell_bytes: usize,
    cell_blocks: u32,
    in_head: bool,
}

impl<'s> Facts<'s> {
    pub(super) fn of(document: &Document<'s>, keep: &Keep) -> Self {
        let mut facts = Self::default();
        // Positions in `tables` of those that are open.
        let mut open: Vec<usize> = Vec::new();
        let mut unseen_until = 0;
        let mut balance = 0;
        if !keep.is_whole() {
            facts.balance.reserve_exact(document.nodes.len() + 1);
        }
        for id in 0..document.len() {
            if !keep.is_whole() {
                facts.balance.push(balance);
            }
            let node = document.node(id);
            while open.last().is_some_and(|&at| facts.tables[at].end <= id) {
                open.pop();
            }
            if node.tag == Tag::Text {
                if id < unseen_until {
                    continue;
                }
                let bytes = document.source_text(id).trim_ascii().len();
                let wanted = keep.text(id);
                balance += if wanted { bytes as i32 } else { -(bytes as i32) };
                if wanted && let Some(&table) = open.last() {
                    facts.tables[table].text(bytes);
                }
            } else if keep.any(document.subtree(id)) {
                facts.element(document, id, &mut open);
            } else if is_unseen(node.tag) {
                unseen_until = unseen_until.max(node.end);
            }
        }
        if !keep.is_whole() {
            facts.balance.push(balance);
        }
        facts
    }

    /// An element with wanted text.
    fn element(&mut self, document: &Document<'s>, id: NodeId, open: &mut Vec<usize>) {
        let tag = document.tag(id);
        match tag {
            Tag::A if self.linked.len() < MAX_LINKED => {
                self.linked.extend(document.raw_attribute(id, "href"));
            }
            Tag::Table => {
                if let Some(&outer) = open.last() {
                    self.tables[outer].layout = true;
                }
                open.push(self.tables.len());
                self.tables.push(Shape::new(document, id));
            }
            _ if tag.heading().is_some() => self.headings.push(id),
            _ => {}
        }
        let Some(&table) = open.last() else { return };
        let shape = &mut self.tables[table];
        match tag {
            Tag::Tr => shape.row(),
            Tag::Td | Tag::Th => shape.cell(tag),
            Tag::Pre | Tag::Listing | Tag::Xmp => shape.layout = true,
            Tag::P | Tag::Li | Tag::Blockquote | Tag::Dd => shape.block(),
            _ if tag.heading().is_some() => {
                shape.block();
                shape.headings |= !shape.in_head;
            }
            _ => {}
        }
    }

    /// Whether most of the text of a subtree is wanted; `None` if it has no text.
    pub(super) fn is_wanted(&self, document: &Document<'_>, id: NodeId) -> Option<bool> {
        if self.balance.is_empty() {
            return Some(true);
        }
        let range = document.subtree(id);
        let balance = self.balance[range.end as usize] - self.balance[range.start as usize];
        (balance != 0).then_some(balance > 0)
    }

    /// Whether an element has a heading below it.
    pub(super) fn has_heading(&self, document: &Document<'_>, id: NodeId) -> bool {
        let next = self.headings.partition_point(|heading| *heading <= id);
        self.headings.get(next).is_some_and(|heading| *heading < document.node(id).end)
    }

    /// Whether the page has text that links to `href`.
    pub(super) fn is_linked(&self, href: &str) -> bool {
        self.linked.contains(href)
    }

    /// Whether a table holds data, and is not there for the layout.
    pub(super) fn is_data(&self, id: NodeId) -> bool {
        let found = self.tables.binary_search_by_key(&id, |shape| shape.id);
        found.is_ok_and(|at| self.tables[at].is_data())
    }
}

impl Shape {
    fn new(document: &Document<'_>, id: NodeId) -> Self {
        let role = document.raw_attribute(id, "role").unwrap_or("");
        let layout = matches!(role, "presentation" | "none");
        Self { id, end: document.node(id).end, layout, ..Self::default() }
    }

    fn row(&mut self) {
        self.row_columns = 0;
        self.cell_bytes = 0;
    }

    fn cell(&mut self, tag: Tag) {
        self.in_head = tag == Tag::Th;
        self.heads |= self.in_head;
        (self.cell_bytes, self.cell_blocks) = (0, 0);
    }

    fn text(&mut self, bytes: usize) {
        if bytes > 0 && self.cell_bytes == 0 {
            self.row_columns += 1;
            self.columns = self.columns.max(self.row_columns);
            self.rows += u32::from(self.row_columns == 1);
        }
        self.cell_bytes += bytes;
        self.bytes = self.bytes.max(self.cell_bytes);
    }

    fn block(&mut self) {
        self.cell_blocks += 1;
        self.blocks = self.blocks.max(self.cell_blocks);
    }

    fn is_data(&self) -> bool {
        let fits = if self.heads {
            self.bytes <= 2 * MAX_CELL_BYTES
        } else {
            self.bytes <= MAX_CELL_BYTES && !self.headings && self.blocks < MAX_CELL_BLOCKS
        };
        let rows = if self.heads { 1 } else { 2 };
        fits && !self.layout && self.rows >= rows && (2..=MAX_COLUMNS).contains(&self.columns)
    }
}

/// Elements whose text nobody sees, by their kind.
fn is_unseen(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Head
            | Tag::Script
            | Tag::Style
            | Tag::Template
            | Tag::Title
            | Tag::Noscript
            | Tag::Noembed
            | Tag::Noframes
            | Tag::Iframe
            | Tag::Object
            | Tag::Svg
            | Tag::Select
            | Tag::Textarea
    )
}
