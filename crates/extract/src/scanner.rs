//! Markup in, a [`Document`] out: one pass, no recursion, linear in the input.

mod attributes;
mod body;
mod foreign;
mod kinds;
mod raw;
mod stack;
mod table;
mod tokens;
mod tree;

use crate::document::{Document, is_raw};
use crate::name::Tag;

use tokens::{Token, Tokens};
use tree::Tree;

/// Places in the source are 32-bit numbers; a longer page is cut here.
const MAX_SOURCE_BYTES: usize = u32::MAX as usize;

/// Reads a page.
pub(crate) fn scan(source: &str) -> Document<'_> {
    let kept = &source[..source.floor_char_boundary(MAX_SOURCE_BYTES)];
    let mut tokens = Tokens::new(kept);
    let mut tree = Tree::new(kept);
    tree.document.truncated = kept.len() < source.len();
    loop {
        let is_foreign = tree.is_foreign();
        let Some(token) = tokens.next(&mut tree.document.attributes, is_foreign) else { break };
        if tree.is_full() {
            tree.document.truncated = true;
            break;
        }
        match token {
            Token::Text(range) => tree.text(range),
            Token::End(name) => tree.end(name),
            Token::Start(start) => {
                tree.start(&start);
                if matches!(start.name.tag, Tag::Pre | Tag::Listing | Tag::Textarea) {
                    tokens.skip_line_end();
                }
                if start.name.tag == Tag::Noscript && tree.stack.top_tag() == Tag::Noscript {
                    tokens.enter_noscript();
                }
                if let Some(tag) = tree.text_only() {
                    let text = tokens.raw_text(tag);
                    tree.end_text_only(text);
                }
            }
        }
    }
    tree.finish()
}

/// Whether an element's content is text up to its own end tag.
fn holds_text_only(tag: Tag) -> bool {
    is_raw(tag) || matches!(tag, Tag::Textarea | Tag::Title)
}

#[cfg(test)]
mod tests;
