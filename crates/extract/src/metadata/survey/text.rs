//! The text of an element as a reader sees it.

use crate::document::{Document, NodeId};
use crate::name::Tag;

/// Longest text of one element, in bytes.
const MAX_TEXT_BYTES: usize = 8 * 1024;

/// The text of an element without scripts and styles, a blank at line breaks and between blocks.
pub(super) fn of(document: &Document<'_>, id: NodeId) -> String {
    let mut out = String::new();
    let mut next = id;
    let end = document.node(id).end;
    while next < end && out.len() < MAX_TEXT_BYTES {
        let node = document.node(next);
        match node.tag {
            Tag::Text => out.push_str(&document.text(next)),
            Tag::Script
            | Tag::Style
            | Tag::Svg
            | Tag::Template
            | Tag::Noscript
            | Tag::Select
            | Tag::Button => {
                next = node.end;
                continue;
            }
            tag if is_inline(tag) => {}
            _ => out.push(' '),
        }
        next += 1;
    }
    out
}

/// Elements at whose edge no blank is seen.
fn is_inline(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::A
            | Tag::Abbr
            | Tag::B
            | Tag::Bdi
            | Tag::Bdo
            | Tag::Big
            | Tag::Cite
            | Tag::Code
            | Tag::Data
            | Tag::Dfn
            | Tag::Em
            | Tag::Font
            | Tag::I
            | Tag::Ins
            | Tag::Kbd
            | Tag::Mark
            | Tag::Q
            | Tag::S
            | Tag::Small
            | Tag::Span
            | Tag::Strong
            | Tag::Sub
            | Tag::Sup
            | Tag::Time
            | Tag::Tt
            | Tag::U
            | Tag::Wbr
            | Tag::Other
    )
}
