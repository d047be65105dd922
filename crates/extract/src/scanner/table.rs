//! Tables and their parts (HTML standard, sections 13.2.6.4.9 to 13.2.6.4.15).

use crate::name::Tag;

use super::kinds::{self, Barrier};
use super::stack::{Content, Place};
use super::tokens::StartTag;
use super::tree::Tree;

impl Tree<'_> {
    /// A table between the cells of another ends that one.
    pub(super) fn close_table_in_table(&mut self) {
        let part = self.stack.get(self.stack.barrier(Barrier::Part)).map(|open| open.name.tag);
        if matches!(
            part,
            Some(Tag::Table | Tag::Tbody | Tag::Thead | Tag::Tfoot | Tag::Tr | Tag::Colgroup)
        ) {
            self.close_in_scope(Tag::Table, Barrier::Table);
        }
    }

    /// Ends the parts of the innermost table that cannot hold the new one, adds those that it
    /// implies, and opens it. Outside a table there are no parts.
    pub(super) fn table_part_start(&mut self, start: &StartTag) {
        let table = self.stack.barrier(Barrier::Table);
        if table == 0 {
            return self.forget(start);
        }
        match start.name.tag {
            Tag::Col => {
                self.enter(table, &[Tag::Colgroup], Tag::Colgroup);
                return self.leaf(Tag::Col, start);
            }
            Tag::Tr => self.enter_section(table),
            Tag::Td | Tag::Th => self.enter_row(table),
            _ => self.close(table),
        }
        self.open(start, Content::Html);
    }

    fn enter_section(&mut self, table: Place) {
        self.enter(table, &[Tag::Tbody, Tag::Thead, Tag::Tfoot], Tag::Tbody);
    }

    fn enter_row(&mut self, table: Place) {
        if let Some(row) = self.inside(table, &[Tag::Tr]) {
            return self.close(row);
        }
        self.enter_section(table);
        if !kinds::is_sealed(self.stack.top_tag()) {
            self.imply(Tag::Tr);
        }
    }

    /// Closes all within the innermost of `parts`, or within the table and opens `implied`.
    fn enter(&mut self, table: Place, parts: &[Tag], implied: Tag) {
        let inside = self.inside(table, parts);
        self.close(inside.unwrap_or(table));
        if inside.is_none() && self.stack.top_tag() == Tag::Table {
            self.imply(implied);
        }
    }

    fn inside(&self, table: Place, parts: &[Tag]) -> Option<Place> {
        parts.iter().map(|&part| self.stack.last(part)).filter(|&place| place > table).max()
    }
}
