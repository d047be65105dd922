//! Names of authors out of bylines.

mod lead;
mod name;
mod tail;

use super::squeeze::{folded, squeeze, without_tags};

/// Names of one page.
pub(crate) const MAX_NAMES: usize = 16;

/// A byline is cut to this.
const MAX_BYTES: usize = 300;

/// The names in a byline, an attribute or a JSON-LD value, as they are to be shown.
///
/// Leading words ("By", "Posted by"), roles, dates, mail addresses, handles and repetitions are
/// dropped. What is no name gives nothing.
pub(crate) fn names(written: &str) -> Vec<String> {
    let written = squeeze(&without_tags(written));
    let written = &written[..super::squeeze::floor(&written, MAX_BYTES)];
    let mut names = Names::default();
    let written = lead::strip(written);
    // "Doe, Jane" is one name written backwards, but "Jane Doe, John Roe" are two.
    for part in tail::cut(written).split([';', '|', '•', '·', '／', '、', '\u{2028}']) {
        for part in conjunctions(part) {
            names.list(part);
        }
    }
    names.found
}

/// What stands behind the word that leads to a name: at the beginning ("By Jane Doe") or in a short
/// line ("Posted on May 6 by Jane Doe").
pub(crate) fn behind_lead(line: &str) -> Option<&str> {
    lead::behind_any(line)
}

/// Whether a line is there to say who wrote the text: it begins with such a word and a name of two
/// words or more follows, or the end.
pub(crate) fn is_byline(line: &str) -> bool {
    if !lead::is_byline(line) {
        return false;
    }
    let rest = lead::behind_any(line).unwrap_or("");
    rest.trim().is_empty()
        || names(rest).iter().all(|name| name::is_full(name)) && !names(rest).is_empty()
}

/// Whether a name is that of an account rather than of a person.
pub(crate) fn is_account(name: &str) -> bool {
    name::is_account(name)
}

/// Whether a text that is not marked as one looks like a name.
pub(crate) fn is_likely(name: &str) -> bool {
    name::is_likely(name)
}

/// Whether a name has a given name and a family name.
pub(crate) fn is_full(name: &str) -> bool {
    name::is_full(name)
}

/// Joins lists of names from one kind of source, each name once.
pub(crate) fn union(lists: impl IntoIterator<Item = Vec<String>>) -> Vec<String> {
    let mut names = Names::default();
    for name in lists.into_iter().flatten() {
        names.add(name);
    }
    names.found
}

#[derive(Default)]
struct Names {
    found: Vec<String>,
    folded: Vec<String>,
}

impl Names {
    /// The parts of a list with commas; roles and degrees among them are dropped.
    fn list(&mut self, written: &str) {
        for (place, part) in written.split([',', '，']).take(MAX_NAMES).enumerate() {
            // Behind a comma stand degrees, roles, places and employers as well.
            if place > 0 && !name::is_second(part) {
                continue;
            }
            if let Some(name) = name::clean(part) {
                self.add(name);
            }
        }
    }

    fn add(&mut self, name: String) {
        let key = folded(&name);
        if self.found.len() == MAX_NAMES || key.is_empty() || self.folded.contains(&key) {
            return;
        }
        self.folded.push(key);
        self.found.push(name);
    }
}

/// Words and signs between two names.
#[rustfmt::skip]
const CONJUNCTIONS: &[&str] = &[
    " and ", " und ", " et ", " y ", " & ", " e ", " och ", " og ", " en ", " oraz ", " и ",
    " та ", " ve ", " και ", " și ", " / ", " with ", " avec ", " mit ", " con ", " + ", "/",
];

/// Splits at words that join names; a part that would be empty or a single letter stays whole.
fn conjunctions(written: &str) -> Vec<&str> {
    let mut parts = vec![written];
    for word in CONJUNCTIONS {
        parts = parts
            .into_iter()
            .flat_map(|part| {
                // "Tom and Jerry Smith" is rare; "Smith & Sons" is told by its short halves.
                let mut split: Vec<&str> = split_ignoring_case(part, word);
                let whole = |half: &&str| half.trim().chars().count() > 1;
                if !split.iter().all(whole) {
                    split = vec![part];
                }
                split
            })
            .take(MAX_NAMES * 2)
            .collect();
    }
    parts
}

fn split_ignoring_case<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while parts.len() < MAX_NAMES
        && let Some(at) = find_ignoring_case(rest, word)
    {
        parts.push(&rest[..at]);
        rest = &rest[at + word.len()..];
    }
    parts.push(rest);
    parts
}

/// Where `word`, in lower case, first stands; only ASCII letters are compared without case.
fn find_ignoring_case(text: &str, word: &str) -> Option<usize> {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let first = *word.first()?;
    memchr::memchr(first, text)?;
    (0..(text.len() + 1).saturating_sub(word.len()))
        .find(|&at| text[at..at + word.len()].eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests;
