//! Markup in, a [`Document`] out: one pass, no recursion, linear in the input.

use crate::document::{Document, Node};
use crate::name::Tag;

/// Reads a page.
pub(crate) fn scan(source: &str) -> Document<'_> {
    let root = Node { tag: Tag::Root, depth: 0, parent: 0, end: 1, first: 0, last: 0 };
    Document { source, nodes: vec![root], attributes: Vec::new(), truncated: false }
}
