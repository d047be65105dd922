//! Whether readers see a name.

use crate::document::Document;
use crate::name::Tag;

/// Occurrences of one word that are looked at.
const MAX_TRIES: usize = 64;

/// Whether the longest word of `name` stands in a text of the page, capitals or not.
pub(super) fn is_visible(document: &Document<'_>, name: &str) -> bool {
    let Some(word) = name.split_whitespace().max_by_key(|word| word.len()) else { return false };
    let upper = word.to_uppercase();
    occurs(document, word) || upper != word && occurs(document, &upper)
}

fn occurs(document: &Document<'_>, word: &str) -> bool {
    let found = memchr::memmem::find_iter(document.source.as_bytes(), word.as_bytes());
    found.take(MAX_TRIES).any(|at| is_text(document, at as u32))
}

/// Whether a place of the source is within a text that is shown.
fn is_text(document: &Document<'_>, at: u32) -> bool {
    // Nodes are in the order of the source; only texts have places in it, so that the search
    // steps back to the text before whatever it meets.
    let (mut low, mut high) = (0, document.nodes.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let text = document.nodes[low..=middle].iter().rposition(|node| node.tag == Tag::Text);
        let Some(text) = text.map(|text| low + text) else {
            low = middle + 1;
            continue;
        };
        let node = &document.nodes[text];
        if at < node.first {
            high = text;
        } else if at >= node.last {
            low = middle + 1;
        } else {
            let parent = document.tag(node.parent);
            return !matches!(
                parent,
                Tag::Script
                    | Tag::Style
                    | Tag::Title
                    | Tag::Textarea
                    | Tag::Noscript
                    | Tag::Template
            );
        }
    }
    false
}
