//! Pages and the trees that they make, in a short form: `name[attribute=value](children)`, text
//! in quotes.

mod hostile;
mod pages;
mod tokens;
mod trees;

use super::scan;
use crate::document::{Document, NodeId};
use crate::name::Tag;

/// The tree below a node.
fn show(document: &Document<'_>, top: NodeId) -> String {
    let mut out = String::new();
    let mut ends: Vec<NodeId> = Vec::new();
    for id in document.descendants(top) {
        while ends.last().is_some_and(|&end| end <= id) {
            ends.pop();
            out.push(')');
        }
        if !out.is_empty() && !out.ends_with('(') {
            out.push(' ');
        }
        if document.is_text(id) {
            out.push_str(&format!("{:?}", document.text(id)));
            continue;
        }
        out.push_str(&document.name(id).to_ascii_lowercase());
        for (name, _) in document.attributes(id) {
            let value = document.attribute(id, &name.to_ascii_lowercase()).unwrap();
            out.push_str(&format!("[{name}={value}]"));
        }
        if document.node(id).end > id + 1 {
            out.push('(');
            ends.push(document.node(id).end);
        }
    }
    out.extend(ends.iter().map(|_| ')'));
    out
}

/// The whole tree of a page.
fn page(source: &str) -> String {
    show(&scan(source), 0)
}

/// What is in the body.
fn body(source: &str) -> String {
    let document = scan(source);
    let body = (0..document.len()).find(|&id| document.tag(id) == Tag::Body).unwrap();
    show(&document, body)
}

#[track_caller]
fn bodies(table: &[(&str, &str)]) {
    for (source, tree) in table {
        assert_eq!(body(source), *tree, "{source:?}");
    }
}
