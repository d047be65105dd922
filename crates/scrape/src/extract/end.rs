//! What an end tag does, and what the end of an element does.

use super::stack::{Open, Role};
use super::start::format_index;
use super::tag::Tag;
use super::walker::{LastList, Walker};

impl Walker {
    pub(super) fn end(&mut self, tag: Tag) {
        match tag {
            Tag::A => self.end_link(),
            Tag::Strong | Tag::Em | Tag::Del | Tag::Code => {
                let open = &mut self.open_formats[format_index(tag)];
                *open = open.saturating_sub(1);
                self.restyle();
            }
            Tag::Table | Tag::Rows | Tag::Tr | Tag::Td | Tag::Th | Tag::Caption => {
                self.close_within(tag, |other| other == Tag::Table && tag != Tag::Table);
            }
            _ if tag.heading().is_some() => self.end_heading(),
            Tag::Br => self.start(tag),
            Tag::P => {
                self.close_paragraph();
                self.flush();
            }
            _ => self.close_within(tag, Tag::is_scope),
        }
    }

    /// Any heading's end tag ends whichever heading is open.
    fn end_heading(&mut self) {
        if self.heading.is_some() {
            let end = self.stack.find(|tag| tag.heading().is_some(), Tag::is_scope);
            self.pop_to(end);
        }
        self.flush();
    }

    pub(super) fn close_paragraph(&mut self) {
        if self.stack.count(Tag::P) > 0 {
            self.close_within(Tag::P, Tag::is_scope);
        }
    }

    /// Closes the innermost `tag` and all within it, unless `barrier` is in between.
    pub(super) fn close_within(&mut self, tag: Tag, barrier: impl Fn(Tag) -> bool) {
        if self.stack.count(tag) > 0 {
            let end = self.stack.find(|open| open == tag, barrier);
            self.pop_to(end);
        }
    }

    /// Closes all within the innermost element that `wanted` accepts.
    pub(super) fn close_up_to(&mut self, wanted: impl Fn(Tag) -> bool) {
        let end = self.stack.find(wanted, |_| false).map(|at| at + 1);
        self.pop_to(end);
    }

    fn pop_to(&mut self, length: Option<usize>) {
        while self.stack.len() > length.unwrap_or(usize::MAX) {
            self.pop();
        }
    }

    /// Ends the innermost open element.
    pub(super) fn pop(&mut self) {
        let Some(open) = self.stack.pop() else {
            return;
        };
        if open.tag == Tag::Pre && self.stack.count(Tag::Pre) == 0 {
            self.end_pre();
        }
        if matches!(open.role, Role::Cell) && self.end_cell() {
            // It was one of data.
        } else {
            self.flush();
        }
        self.leave(&open);
    }

    fn leave(&mut self, open: &Open) {
        match open.role {
            Role::Container => self.blocks.close(),
            Role::List { next, alternate, .. } => {
                self.last_list = Some(LastList {
                    depth: self.blocks.depth(),
                    ordered: next.is_some(),
                    alternate,
                    written: self.blocks.written(),
                });
            }
            Role::None | Role::Cell => {}
        }
        match open.tag {
            Tag::Table => self.end_table(),
            Tag::Td | Tag::Th => {
                self.open_formats = open.formats;
                self.restyle();
            }
            tag if tag.heading().is_some() => self.heading = None,
            _ => {}
        }
    }

    fn end_pre(&mut self) {
        if let Some(pre) = self.pre.take() {
            self.blocks.code(&pre.language, self.inline.text());
            self.inline.clear();
        }
    }

    /// Hands the text to the table; false when there is no table of data.
    fn end_cell(&mut self) -> bool {
        let Some(table) = self.table.as_mut().filter(|table| table.in_cell()) else {
            return false;
        };
        let is_data = table.close_cell(&self.inline, self.formats.markdown);
        self.inline.clear();
        if !is_data && let Some(table) = self.table.take() {
            self.write_cells(&table);
        }
        true
    }

    fn end_table(&mut self) {
        if let Some(table) = self.table.take() {
            match table.is_data() {
                true => self.blocks.table(&table),
                false => self.write_cells(&table),
            }
        }
    }
}
