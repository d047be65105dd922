//! Tokens in, nodes out: where each one hangs (HTML standard, section 13.2.6).

use std::ops::Range;

use crate::document::{Attribute, Document, MAX_NODES, Node, NodeId};
use crate::name::Tag;

use super::attributes::is_space;
use super::frame::Frame;
use super::stack::{Content, Name, Place, Stack};
use super::tokens::StartTag;

/// So many nodes may be added for one token.
const NODES_PER_TOKEN: usize = 8;

/// A document that is being built.
#[derive(Debug)]
pub(super) struct Tree<'s> {
    pub(super) document: Document<'s>,
    pub(super) stack: Stack,
    pub(super) frame: Frame,
}

impl<'s> Tree<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        let root = Node { tag: Tag::Root, depth: 0, parent: 0, end: 1, first: 0, last: 0 };
        let document =
            Document { source, nodes: vec![root], attributes: Vec::new(), truncated: false };
        Self { document, stack: Stack::new(), frame: Frame::default() }
    }

    /// Whether no more nodes may be added.
    pub(super) fn is_full(&self) -> bool {
        self.document.nodes.len() + NODES_PER_TOKEN > MAX_NODES
            || self.document.attributes.len() > MAX_NODES
    }

    pub(super) fn is_foreign(&self) -> bool {
        self.stack.top().is_some_and(|top| top.content == Content::Foreign)
    }

    /// Ends everything; a page without any of them gets its html, head and body.
    pub(super) fn finish(mut self) -> Document<'s> {
        self.leave_head(None);
        self.close(0);
        self.document.nodes[0].end = self.document.len();
        self.document
    }

    /// Adds text that lies anywhere.
    pub(super) fn text(&mut self, range: Range<usize>) {
        if self.is_in_frame() {
            let text = &self.document.source[range.clone()];
            // A stray byte-order mark would end the head.
            let rest = text.trim_start_matches(|c: char| {
                u8::try_from(c).is_ok_and(is_space) || c == '\u{feff}'
            });
            if rest.is_empty() {
                return;
            }
            self.leave_head(None);
            return self.add_text(range.end - rest.len()..range.end);
        }
        self.add_text(range);
    }

    /// Adds text to the innermost open element.
    fn add_text(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.add(Tag::Text, range.start as u32, range.end as u32);
        }
    }

    /// The innermost open element if only its own end tag can end it.
    pub(super) fn text_only(&self) -> Option<Tag> {
        let top = self.stack.top().filter(|top| top.content == Content::Html)?;
        super::holds_text_only(top.name.tag).then_some(top.name.tag)
    }

    /// Adds the whole text of such an element and closes it.
    pub(super) fn end_text_only(&mut self, range: Range<usize>) {
        self.add_text(range);
        self.close(self.stack.len() - 1);
    }

    pub(super) fn start(&mut self, start: &StartTag) {
        if self.is_before_body() {
            self.frame_start(start);
        } else {
            self.content_start(start);
        }
    }

    pub(super) fn content_start(&mut self, start: &StartTag) {
        if self.is_foreign() {
            self.foreign_start(start);
        } else {
            self.body_start(start);
        }
    }

    pub(super) fn end(&mut self, name: Name) {
        if self.is_before_body() {
            self.frame_end(name);
        } else {
            self.content_end(name);
        }
    }

    pub(super) fn content_end(&mut self, name: Name) {
        if self.stack.top().is_some_and(|top| top.content != Content::Html) {
            self.foreign_end(name);
        } else {
            self.body_end(name);
        }
    }

    /// Opens an element with the attributes of a tag; without one, it has none.
    pub(super) fn open_with(&mut self, tag: Tag, start: Option<&StartTag>) -> NodeId {
        let (first, last) = start.map_or((0, 0), |start| (start.first, start.last));
        let node = self.add(tag, first, last);
        self.stack.push(node, tag.into(), Content::Html);
        node
    }

    /// Opens an element that the markup implies.
    pub(super) fn imply(&mut self, tag: Tag) {
        if self.stack.has_room() {
            self.open_with(tag, None);
        }
    }

    /// Takes back the attributes of a tag that is ignored.
    pub(super) fn forget(&mut self, start: &StartTag) {
        self.document.attributes.truncate(start.first as usize);
    }

    /// Adds an element without content.
    pub(super) fn leaf(&mut self, tag: Tag, start: &StartTag) {
        self.add(tag, start.first, start.last);
    }

    /// Adds an element without content that the markup implies.
    pub(super) fn imply_leaf(&mut self, tag: Tag) {
        self.add(tag, 0, 0);
    }

    /// Opens an element; too deep, it stays empty and what follows becomes its sibling.
    pub(super) fn open(&mut self, start: &StartTag, content: Content) {
        let node = self.add(start.name.tag, start.first, start.last);
        if self.stack.has_room() {
            self.stack.push(node, start.name, content);
        } else {
            self.stack.skip(start.name);
        }
    }

    /// Opens a template that is shown as part of the element around it ("declarative shadow
    /// root"). It counts as an element of no known kind, so that nobody takes it for hidden.
    pub(super) fn open_shadow(&mut self, start: &StartTag) {
        let (name, name_bytes) = start.place;
        let name = Attribute { name, name_bytes, value: 0, value_bytes: 0 };
        self.document.attributes.insert(start.first as usize, name);
        let node = self.add(Tag::Other, start.first, start.last + 1);
        if self.stack.has_room() {
            self.stack.push(node, start.name, Content::Html);
        } else {
            self.stack.skip(start.name);
        }
    }

    /// Opens an element of raw text, which its own end tag ends before any other element begins.
    pub(super) fn open_raw(&mut self, start: &StartTag) {
        let node = self.add(start.name.tag, start.first, start.last);
        self.stack.push(node, start.name, Content::Html);
    }

    /// Adds a node to the innermost open element.
    fn add(&mut self, tag: Tag, first: u32, last: u32) -> NodeId {
        let id = self.document.len();
        let parent = self.stack.top().map_or(0, |top| top.node);
        let depth = self.stack.len() as u16 + 1;
        self.document.nodes.push(Node { tag, depth, parent, end: id + 1, first, last });
        id
    }

    /// Closes open elements until `above` are left, and those that ended before and now are on
    /// top.
    pub(super) fn close(&mut self, above: Place) {
        while self.stack.len() > above || self.stack.top_has_ended() {
            let Some(node) = self.stack.pop() else { return };
            self.document.nodes[node as usize].end = self.document.len();
        }
    }
}
