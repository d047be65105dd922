//! What tags do in a page's body (HTML standard, section 13.2.6.4.7).

use crate::name::Tag;

use super::kinds::{self, Barrier};
use super::stack::{Content, Name};
use super::tokens::StartTag;
use super::tree::Tree;

/// The elements whose start tag alone ends the one before.
const RUBY: [Tag; 4] = [Tag::Rb, Tag::Rp, Tag::Rt, Tag::Rtc];

impl Tree<'_> {
    pub(super) fn body_start(&mut self, start: &StartTag) {
        let tag = start.name.tag;
        match tag {
            Tag::Html | Tag::Body => return self.merge_late(start),
            Tag::Head => return self.forget(start),
            Tag::Form if self.stack.last(Tag::Form) > self.stack.barrier(Barrier::Sealed) => {
                return self.forget(start);
            }
            Tag::Noscript if self.stack.last(Tag::Noscript) > 0 => return self.forget(start),
            Tag::Image => return self.leaf(Tag::Img, start),
            Tag::Table => self.close_table_in_table(),
            _ if kinds::is_table_part(tag) => return self.table_part_start(start),
            _ => {}
        }
        self.end_what_cannot_hold(tag);
        match tag {
            _ if tag.is_void() => self.leaf(tag, start),
            Tag::Svg | Tag::Math if start.is_self_closing => self.leaf(tag, start),
            Tag::Svg | Tag::Math => self.open(start, Content::Foreign),
            _ if super::holds_text_only(tag) => self.open_raw(start),
            Tag::Template if self.value(start, "shadowrootmode").is_some() => {
                self.open_shadow(start);
            }
            _ => self.open(start, Content::Html),
        }
    }

    /// Closes elements that a start tag implies the end of.
    fn end_what_cannot_hold(&mut self, tag: Tag) {
        match tag {
            Tag::Li => self.close_item(&[Tag::Li]),
            Tag::Dd | Tag::Dt => self.close_item(&[Tag::Dd, Tag::Dt]),
            Tag::Button => self.close_in_scope(Tag::Button, Barrier::Scope),
            Tag::Select => self.close_in_scope(Tag::Select, Barrier::Scope),
            Tag::Input | Tag::Textarea => self.close_in_scope(Tag::Select, Barrier::Scope),
            Tag::Nobr => self.close_formatting(Tag::Nobr),
            Tag::A if self.stack.last(Tag::A) > self.stack.barrier(Barrier::Marker) => {
                self.close_formatting(Tag::A);
            }
            Tag::Option | Tag::Optgroup | Tag::Hr => self.close_options(tag),
            _ if RUBY.contains(&tag) => self.close_ruby(tag),
            _ => {}
        }
        if kinds::closes_paragraph(tag) {
            self.close_in_scope(Tag::P, Barrier::Button);
        }
        if tag.is_heading() && self.stack.top_tag().is_heading() {
            self.close(self.stack.len() - 1);
        }
    }

    pub(super) fn body_end(&mut self, name: Name) {
        if self.stack.unskip(name) {
            return;
        }
        match name.tag {
            Tag::Html | Tag::Head | Tag::Body => {}
            Tag::Br => self.imply_leaf(Tag::Br),
            Tag::P => match self.stack.find(Tag::P, Barrier::Button) {
                Some(place) => self.close(place - 1),
                None => self.imply_leaf(Tag::P),
            },
            Tag::Li => self.close_in_scope(name, Barrier::List),
            tag if kinds::is_sealed(tag) => self.close_in_scope(name, Barrier::Sealed),
            Tag::Table => self.close_in_scope(name, Barrier::Table),
            Tag::Form => self.end_form(),
            tag if tag.is_heading() => self.end_heading(),
            tag if kinds::is_table_part(tag) => self.close_in_scope(name, Barrier::Table),
            tag if kinds::is_formatting(tag) => self.close_formatting(tag),
            tag if kinds::ends_to_scope(tag) => self.close_in_scope(name, Barrier::Scope),
            _ => self.close_in_scope(name, Barrier::Special),
        }
    }

    /// Closes the innermost element of a name with all in it, unless a barrier is in between.
    pub(super) fn close_in_scope(&mut self, name: impl Into<Name>, barrier: Barrier) {
        if let Some(place) = self.stack.find(name, barrier) {
            self.close(place - 1);
        }
    }

    /// Closes a formatting element. One that has blocks open in it ends when they have: the
    /// standard would split it ("adoption agency"), and the blocks must not end with it.
    fn close_formatting(&mut self, tag: Tag) {
        if let Some(place) = self.stack.find(tag, Barrier::Scope) {
            if self.stack.barrier(Barrier::Special) > place {
                self.stack.end_later(place);
            } else {
                self.close(place - 1);
            }
        }
    }

    /// Closes the list item that a new one ends.
    fn close_item(&mut self, tags: &[Tag]) {
        let place = tags.iter().filter_map(|&tag| self.stack.find(tag, Barrier::Item)).max();
        if let Some(place) = place {
            self.close(place - 1);
        }
    }

    fn close_options(&mut self, tag: Tag) {
        if self.stack.top_tag() == Tag::Option {
            self.close(self.stack.len() - 1);
        }
        if tag != Tag::Option && self.stack.top_tag() == Tag::Optgroup {
            self.close(self.stack.len() - 1);
        }
    }

    fn close_ruby(&mut self, tag: Tag) {
        if self.stack.find(Tag::Ruby, Barrier::Scope).is_some() {
            let keeps = matches!(tag, Tag::Rp | Tag::Rt).then_some(Tag::Rtc);
            self.close_implied(keeps);
        }
    }

    /// Closes elements that end by themselves, but none of `keeps`.
    fn close_implied(&mut self, keeps: Option<Tag>) {
        while kinds::has_implied_end(self.stack.top_tag()) && Some(self.stack.top_tag()) != keeps {
            self.close(self.stack.len() - 1);
        }
    }

    /// Any heading's end tag ends whichever heading is open.
    fn end_heading(&mut self) {
        let headings = [Tag::H1, Tag::H2, Tag::H3, Tag::H4, Tag::H5, Tag::H6];
        let open = headings.into_iter().filter_map(|tag| self.stack.find(tag, Barrier::Scope));
        if let Some(place) = open.max() {
            self.close(place - 1);
        }
    }

    /// A form's end tag ends no other blocks.
    fn end_form(&mut self) {
        self.close_implied(None);
        self.close_formatting(Tag::Form);
    }
}
