//! A page as a tree: one array of nodes in document order.
//!
//! A node's descendants follow it directly, so a subtree is a range of indices and every question
//! about one is a loop, never a recursion. Text and attributes are ranges of the source; their
//! character references are replaced when they are read.

use std::borrow::Cow;
use std::ops::Range;

use crate::name::Tag;
use crate::reference;

/// An element below this many ancestors becomes its parent's sibling instead.
pub(crate) const MAX_DEPTH: usize = 512;

/// Attributes of one element beyond this many are dropped.
pub(crate) const MAX_ATTRIBUTES: usize = 256;

/// Nodes, and attributes, of one page; what follows is left out. Pages of 10 MB have some 500,000.
pub(crate) const MAX_NODES: usize = 4_000_000;

/// Place of a node; node 0 is the document.
pub(crate) type NodeId = u32;

/// One element or run of text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) tag: Tag,
    /// Ancestors, the document included; at most [`MAX_DEPTH`].
    pub(crate) depth: u16,
    /// The parent; the document's is itself.
    pub(crate) parent: NodeId,
    /// One past the last descendant.
    pub(crate) end: NodeId,
    /// Elements: the first attribute. Text: where it begins in the source.
    pub(crate) first: u32,
    /// Elements: one past the last attribute. Text: where it ends in the source.
    pub(crate) last: u32,
}

/// One attribute: ranges of the source. Names are as written; compare without case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: u32,
    pub(crate) name_bytes: u32,
    pub(crate) value: u32,
    pub(crate) value_bytes: u32,
}

/// The tree of one page.
#[derive(Debug)]
pub(crate) struct Document<'s> {
    pub(crate) source: &'s str,
    pub(crate) nodes: Vec<Node>,
    pub(crate) attributes: Vec<Attribute>,
    /// Nodes were left out because there were too many.
    pub(crate) truncated: bool,
}

impl<'s> Document<'s> {
    /// How many nodes there are, the document included.
    pub(crate) fn len(&self) -> NodeId {
        self.nodes.len() as NodeId
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub(crate) fn tag(&self, id: NodeId) -> Tag {
        self.nodes[id as usize].tag
    }

    /// The parent; `None` for the document.
    pub(crate) fn parent(&self, id: NodeId) -> Option<NodeId> {
        (id != 0).then(|| self.node(id).parent)
    }

    /// The node and all below it.
    pub(crate) fn subtree(&self, id: NodeId) -> Range<NodeId> {
        id..self.node(id).end
    }

    /// All below the node.
    pub(crate) fn descendants(&self, id: NodeId) -> Range<NodeId> {
        id + 1..self.node(id).end
    }

    /// The next sibling.
    pub(crate) fn next_sibling(&self, id: NodeId) -> Option<NodeId> {
        let node = self.node(id);
        (id != 0 && node.end < self.node(node.parent).end).then_some(node.end)
    }

    /// Direct children, texts included.
    pub(crate) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let end = self.node(id).end;
        let mut next = id + 1;
        std::iter::from_fn(move || {
            let here = (next < end).then_some(next)?;
            next = self.node(here).end;
            Some(here)
        })
    }

    /// The node's ancestors from its parent up, the document last.
    pub(crate) fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.parent(id), |&id| self.parent(id))
    }

    /// Whether the node is text.
    pub(crate) fn is_text(&self, id: NodeId) -> bool {
        self.tag(id) == Tag::Text
    }

    /// An element's name as written; empty for text and the document.
    pub(crate) fn name(&self, id: NodeId) -> &'s str {
        let node = self.node(id);
        if node.tag != Tag::Other {
            return node.tag.name();
        }
        // An element without a number keeps its name as a first attribute without a value.
        let name = self.attributes[node.first as usize];
        self.slice(name.name, name.name_bytes)
    }

    /// A text node's characters, references replaced, line ends normalised; empty for elements.
    /// The text of `script`, `style` and the like has no references.
    pub(crate) fn text(&self, id: NodeId) -> Cow<'s, str> {
        let node = self.node(id);
        if node.tag != Tag::Text {
            return Cow::Borrowed("");
        }
        let raw = &self.source[node.first as usize..node.last as usize];
        match self.tag(node.parent) {
            Tag::Title | Tag::Textarea => reference::text_only(raw),
            parent if is_raw(parent) => reference::raw_text(raw),
            _ => reference::text(raw),
        }
    }

    /// A text node's characters as written in the source; empty for elements.
    pub(crate) fn source_text(&self, id: NodeId) -> &'s str {
        let node = self.node(id);
        if node.tag != Tag::Text {
            return "";
        }
        &self.source[node.first as usize..node.last as usize]
    }

    /// All text below an element, as [`Document::text`], joined without anything between.
    pub(crate) fn text_content(&self, id: NodeId) -> String {
        let mut out = String::new();
        for below in self.subtree(id) {
            if self.is_text(below) {
                out.push_str(&self.text(below));
            }
        }
        out
    }

    /// The attributes of an element, name and value as written.
    pub(crate) fn attributes(&self, id: NodeId) -> impl Iterator<Item = (&'s str, &'s str)> + '_ {
        let node = self.node(id);
        let range = match node.tag {
            Tag::Text | Tag::Root => 0..0,
            Tag::Other => node.first as usize + 1..node.last as usize,
            _ => node.first as usize..node.last as usize,
        };
        self.attributes[range].iter().map(|attribute| {
            (
                self.slice(attribute.name, attribute.name_bytes),
                self.slice(attribute.value, attribute.value_bytes),
            )
        })
    }

    /// An attribute's value as written, by its name in lower case; the first one wins.
    pub(crate) fn raw_attribute(&self, id: NodeId, name: &str) -> Option<&'s str> {
        self.attributes(id).find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// An attribute's value with its references replaced, by its name in lower case.
    pub(crate) fn attribute(&self, id: NodeId, name: &str) -> Option<Cow<'s, str>> {
        self.raw_attribute(id, name).map(reference::attribute)
    }

    fn slice(&self, start: u32, bytes: u32) -> &'s str {
        &self.source[start as usize..(start + bytes) as usize]
    }
}

/// Elements whose text has no character references (HTML standard, "raw text" and scripts).
pub(crate) fn is_raw(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Script
            | Tag::Style
            | Tag::Xmp
            | Tag::Iframe
            | Tag::Noembed
            | Tag::Noframes
            | Tag::Plaintext
    )
}
