//! Lists and their items.

use super::code::classes;
use super::kind::Kind;
use super::levels::{MAX_ORDINAL, Marker};
use super::{Frame, Writer};
use crate::document::NodeId;

/// An open list.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    /// The next ordinal; `None` for bullets.
    next: Option<u32>,
    /// Marked otherwise than the list just before.
    alternate: bool,
    /// Has had an item with content.
    begun: bool,
    /// Blocks that were written before it.
    written: usize,
}

/// The list that was closed last.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastList {
    pub(super) depth: usize,
    pub(super) ordered: bool,
    pub(super) alternate: bool,
    /// Blocks that were written when it ended.
    pub(super) written: usize,
}

impl Writer<'_, '_> {
    pub(super) fn start_list(&mut self, id: NodeId, ordered: bool) {
        if !self.is_flow() {
            return;
        }
        let (depth, written) = (self.output.levels.depth(), self.output.written);
        // Two lists on end would be read as one.
        let alternate = self.last_list.take().is_some_and(|last| {
            (last.depth, last.ordered, last.written) == (depth, ordered, written) && !last.alternate
        });
        let next = ordered.then(|| self.number(id, "start").unwrap_or(1));
        self.frame().list = Some(List { next, alternate, begun: false, written });
    }

    /// Opens an item, unless it is a part of the page with a heading of its own.
    pub(super) fn start_item(&mut self, id: NodeId) {
        let value = self.number(id, "value");
        let wanted = self.is_flow()
            && self.keep.any(self.document.subtree(id))
            && !self.facts.has_heading(self.document, id);
        let mut marker = Marker::Bullet { alternate: false };
        let mut first = true;
        if let Some(list) =
            self.frames.iter_mut().rev().nth(1).and_then(|frame| frame.list.as_mut())
        {
            if let Some(next) = &mut list.next {
                let number = value.unwrap_or(*next);
                *next = (number + 1).min(MAX_ORDINAL);
                marker = Marker::Ordinal { number, alternate: list.alternate };
            } else {
                marker = Marker::Bullet { alternate: list.alternate };
            }
            first = !list.begun;
            list.begun |= wanted;
        }
        if wanted {
            self.output.levels.open_item(marker, first);
            self.frame().level = true;
        }
    }

    /// Remembers a list whose element ended.
    pub(super) fn end_list(&mut self, frame: &Frame) {
        let Some(list) = frame.list else { return };
        if self.output.written > list.written {
            self.last_list = Some(LastList {
                depth: self.output.levels.depth(),
                ordered: list.next.is_some(),
                alternate: list.alternate,
                written: self.output.written,
            });
        }
    }

    fn number(&self, id: NodeId, name: &str) -> Option<u32> {
        let value = self.document.raw_attribute(id, name)?;
        value.trim().parse().ok().map(|number: u32| number.min(MAX_ORDINAL))
    }

    /// A box that can be ticked, at the start of a task.
    pub(super) fn task(&mut self, id: NodeId) {
        let document = self.document;
        let is_box = document
            .raw_attribute(id, "type")
            .is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox"));
        if !is_box || !self.inline.is_empty() || !self.is_flow() {
            return;
        }
        // A list of tasks cannot be ticked by whoever reads it; a form can.
        let item = self.frames.iter().rev().find(|frame| frame.kind == Kind::Item);
        let in_task = item
            .is_some_and(|item| classes(document, item.id).any(|class| class == "task-list-item"));
        if in_task || document.raw_attribute(id, "disabled").is_some() {
            self.output.task(document.raw_attribute(id, "checked").is_some());
        }
    }
}
