//! Whether readers see a name.

use super::super::survey::Survey;
use crate::name::Tag;

/// Occurrences of one word that are looked at.
const MAX_TRIES: usize = 64;

/// Whether the longest word of `name` stands in a text of the page, capitals or not.
pub(super) fn is_visible(survey: &Survey<'_, '_>, name: &str) -> bool {
    let Some(word) = name.split_whitespace().max_by_key(|word| word.len()) else { return false };
    let upper = word.to_uppercase();
    occurs(survey, word) || upper != word && occurs(survey, &upper)
}

fn occurs(survey: &Survey<'_, '_>, word: &str) -> bool {
    let source = survey.document.source.as_bytes();
    let found = memchr::memmem::find_iter(source, word.as_bytes());
    found.take(MAX_TRIES).any(|at| is_text(survey, at))
}

/// Whether a place of the source is within a text that is shown.
fn is_text(survey: &Survey<'_, '_>, at: usize) -> bool {
    let document = survey.document;
    let behind = survey.texts.partition_point(|&id| document.node(id).first as usize <= at);
    let Some(&id) = behind.checked_sub(1).and_then(|before| survey.texts.get(before)) else {
        return false;
    };
    let node = document.node(id);
    at < node.last as usize
        && !matches!(
            document.tag(node.parent),
            Tag::Script | Tag::Style | Tag::Title | Tag::Textarea | Tag::Noscript | Tag::Template
        )
}
