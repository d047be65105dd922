//! Tokens in, nodes out: where each one hangs (HTML standard, section 13.2.6).

use std::ops::Range;

use crate::document::{Attribute, Document, MAX_ATTRIBUTES, MAX_NODES, Node, NodeId};
use crate::name::Tag;

use super::attributes::is_space;
use super::kinds;
use super::stack::{Content, Name, Place, Stack};
use super::tokens::StartTag;

/// Late `<html>` and `<body>` tags that may add attributes; each costs a copy of the old ones.
const MAX_MERGES: u8 = 8;

/// So many nodes may be added for one token.
const NODES_PER_TOKEN: usize = 8;

/// How far the page's frame is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    BeforeHtml,
    BeforeHead,
    /// The head is open.
    InHead,
    /// The head has been ended, but what belongs in a head still goes there.
    AfterHead,
    InBody,
}

/// A document that is being built.
#[derive(Debug)]
pub(super) struct Tree<'s> {
    pub(super) document: Document<'s>,
    pub(super) stack: Stack,
    phase: Phase,
    html: NodeId,
    /// Where the head is in the stack.
    head: Place,
    body: NodeId,
    merges: u8,
}

impl<'s> Tree<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        let root = Node { tag: Tag::Root, depth: 0, parent: 0, end: 1, first: 0, last: 0 };
        let document =
            Document { source, nodes: vec![root], attributes: Vec::new(), truncated: false };
        let stack = Stack::new();
        Self { document, stack, phase: Phase::BeforeHtml, html: 0, head: 0, body: 0, merges: 0 }
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
        if self.phase < Phase::InBody {
            self.start_of_page(start);
        } else if self.is_foreign() {
            self.foreign_start(start);
        } else {
            self.body_start(start);
        }
    }

    pub(super) fn end(&mut self, name: Name) {
        if self.is_in_frame() {
            match name.tag {
                Tag::Head if self.phase == Phase::InHead => self.phase = Phase::AfterHead,
                Tag::Head if self.phase < Phase::InHead => {
                    self.enter_head(None);
                    self.phase = Phase::AfterHead;
                }
                Tag::Html | Tag::Body | Tag::Br => self.leave_head(None),
                _ => return,
            }
        }
        if self.phase < Phase::InBody && name.tag == Tag::Head {
            self.close(self.head);
            self.phase = Phase::AfterHead;
        } else if self.stack.top().is_some_and(|top| top.content != Content::Html) {
            self.foreign_end(name);
        } else {
            self.body_end(name);
        }
    }

    fn start_of_page(&mut self, start: &StartTag) {
        match start.name.tag {
            Tag::Html if self.phase == Phase::BeforeHtml => return self.enter_html(Some(start)),
            Tag::Html => return self.merge(self.html, start),
            Tag::Head if self.phase < Phase::InHead => return self.enter_head(Some(start)),
            Tag::Head => return self.forget(start),
            Tag::Body => return self.leave_head(Some(start)),
            _ => self.enter_head(None),
        }
        let is_inside = !self.is_in_frame();
        if is_inside && self.is_foreign() {
            self.foreign_start(start);
        } else {
            if !is_inside && !kinds::is_of_head(start.name.tag) {
                self.leave_head(None);
            }
            self.body_start(start);
        }
    }

    /// Whether the body has not begun and nothing is open but html and head.
    fn is_in_frame(&self) -> bool {
        self.phase < Phase::InHead || self.phase < Phase::InBody && self.stack.len() <= self.head
    }

    fn enter_html(&mut self, start: Option<&StartTag>) {
        if self.phase == Phase::BeforeHtml {
            self.html = self.open_with(Tag::Html, start);
            self.phase = Phase::BeforeHead;
        }
    }

    fn enter_head(&mut self, start: Option<&StartTag>) {
        self.enter_html(None);
        if self.phase == Phase::BeforeHead {
            self.open_with(Tag::Head, start);
            self.head = self.stack.len();
            self.phase = Phase::InHead;
        }
    }

    /// Closes the head and opens the body.
    fn leave_head(&mut self, start: Option<&StartTag>) {
        if self.phase < Phase::InBody {
            self.enter_head(None);
            self.close(self.head - 1);
            self.body = self.open_with(Tag::Body, start);
            self.phase = Phase::InBody;
        }
    }

    /// Opens an element with the attributes of a tag; without one, it has none.
    fn open_with(&mut self, tag: Tag, start: Option<&StartTag>) -> NodeId {
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

    /// Gives a late html or body tag's attributes to the element that is there, if they are new.
    pub(super) fn merge_late(&mut self, start: &StartTag) {
        let node = if start.name.tag == Tag::Html { self.html } else { self.body };
        self.merge(node, start);
    }

    fn merge(&mut self, node: NodeId, start: &StartTag) {
        let (first, last) = (start.first as usize, start.last as usize);
        if self.merges < MAX_MERGES && first < last {
            self.merges += 1;
            let own = *self.document.node(node);
            let late = self.document.attributes.split_off(first);
            let begin = self.document.attributes.len();
            self.document.attributes.extend_from_within(own.first as usize..own.last as usize);
            for attribute in late {
                let name = self.attribute_name(&attribute);
                let is_new = self.document.attributes[begin..]
                    .iter()
                    .all(|other| !self.attribute_name(other).eq_ignore_ascii_case(name));
                if is_new && self.document.attributes.len() < begin + MAX_ATTRIBUTES {
                    self.document.attributes.push(attribute);
                }
            }
            let node = &mut self.document.nodes[node as usize];
            (node.first, node.last) = (begin as u32, self.document.attributes.len() as u32);
        } else {
            self.forget(start);
        }
    }

    fn attribute_name(&self, attribute: &Attribute) -> &'s str {
        let start = attribute.name as usize;
        &self.document.source[start..start + attribute.name_bytes as usize]
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
