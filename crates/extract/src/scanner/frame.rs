//! The elements that every page has, once each: html, head and body (HTML standard, sections
//! 13.2.6.4.2 to 13.2.6.4.6).

use crate::document::{Attribute, MAX_ATTRIBUTES, NodeId};
use crate::name::Tag;

use super::kinds;
use super::stack::{Name, Place};
use super::tokens::StartTag;
use super::tree::Tree;

/// Late `<html>` and `<body>` tags that may add attributes; each costs a copy of the old ones.
const MAX_MERGES: u8 = 8;

/// How far the frame is built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    #[default]
    BeforeHtml,
    BeforeHead,
    /// The head is open; its end tag does not close it, as what belongs in a head still goes there
    /// until the body begins.
    InHead,
    InBody,
}

/// Html, head and body as far as they are there.
#[derive(Debug, Default)]
pub(super) struct Frame {
    phase: Phase,
    html: NodeId,
    /// Where the head is in the stack.
    head: Place,
    body: NodeId,
    merges: u8,
}

impl<'s> Tree<'s> {
    pub(super) fn is_before_body(&self) -> bool {
        self.frame.phase < Phase::InBody
    }

    /// Whether the body has not begun and nothing is open but html and head.
    pub(super) fn is_in_frame(&self) -> bool {
        match self.frame.phase {
            Phase::BeforeHtml | Phase::BeforeHead => true,
            Phase::InHead => self.stack.len() <= self.frame.head,
            Phase::InBody => false,
        }
    }

    /// What a start tag does while the body has not begun.
    pub(super) fn frame_start(&mut self, start: &StartTag) {
        match start.name.tag {
            Tag::Html if self.frame.phase == Phase::BeforeHtml => {
                return self.enter_html(Some(start));
            }
            Tag::Html => return self.merge(self.frame.html, start),
            Tag::Head if self.frame.phase < Phase::InHead => return self.enter_head(Some(start)),
            Tag::Head => return self.forget(start),
            Tag::Body => return self.leave_head(Some(start)),
            _ => self.enter_head(None),
        }
        if self.is_in_frame() && !kinds::is_of_head(start.name.tag) {
            self.leave_head(None);
        }
        self.content_start(start);
    }

    /// What an end tag does while the body has not begun.
    pub(super) fn frame_end(&mut self, name: Name) {
        match name.tag {
            Tag::Head => {
                self.enter_head(None);
                self.close(self.frame.head);
            }
            Tag::Html | Tag::Body | Tag::Br if self.is_in_frame() => {
                self.leave_head(None);
                self.content_end(name);
            }
            _ if self.is_in_frame() => {}
            _ => self.content_end(name),
        }
    }

    fn enter_html(&mut self, start: Option<&StartTag>) {
        if self.frame.phase == Phase::BeforeHtml {
            self.frame.html = self.open_with(Tag::Html, start);
            self.frame.phase = Phase::BeforeHead;
        }
    }

    fn enter_head(&mut self, start: Option<&StartTag>) {
        self.enter_html(None);
        if self.frame.phase == Phase::BeforeHead {
            self.open_with(Tag::Head, start);
            self.frame.head = self.stack.len();
            self.frame.phase = Phase::InHead;
        }
    }

    /// Closes the head and opens the body.
    pub(super) fn leave_head(&mut self, start: Option<&StartTag>) {
        if self.frame.phase < Phase::InBody {
            self.enter_head(None);
            self.close(self.frame.head - 1);
            self.frame.body = self.open_with(Tag::Body, start);
            self.frame.phase = Phase::InBody;
        }
    }

    /// Gives a late html or body tag's attributes to the element that is there, if they are new.
    pub(super) fn merge_late(&mut self, start: &StartTag) {
        let is_html = start.name.tag == Tag::Html;
        self.merge(if is_html { self.frame.html } else { self.frame.body }, start);
    }

    fn merge(&mut self, node: NodeId, start: &StartTag) {
        let (first, last) = (start.first as usize, start.last as usize);
        if self.frame.merges < MAX_MERGES && first < last {
            self.frame.merges += 1;
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
}
