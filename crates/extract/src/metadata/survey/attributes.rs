//! What the attributes of an element say.

use super::super::hint::Hints;
use super::Property;
use crate::document::{Document, NodeId};

/// What the attributes of an element say.
#[derive(Default)]
pub(super) struct Attributes<'s> {
    pub(super) hints: Hints,
    pub(super) property: Property,
    pub(super) scope: Option<&'s str>,
    /// It has `datetime` or something like it.
    pub(super) datetime: bool,
    /// It may lead to a feed or a sitemap.
    pub(super) feed: bool,
    /// Its `itemprop` is one of comments or reviews.
    pub(super) comment: bool,
}

impl<'s> Attributes<'s> {
    pub(super) fn of(document: &Document<'s>, id: NodeId) -> Self {
        let mut found = Self::default();
        for (name, value) in document.attributes(id) {
            match name.len() {
                2 if name.eq_ignore_ascii_case("id") => {
                    found.hints = found.hints.with(Hints::of(value));
                }
                3 if name.eq_ignore_ascii_case("rel")
                    && words(value).any(|word| word.eq_ignore_ascii_case("author")) =>
                {
                    found.property = Property::RelAuthor;
                }
                4 if name.eq_ignore_ascii_case("href") => {
                    if found.property == Property::None && leads_to_author(value) {
                        found.property = Property::LinkAuthor;
                    }
                    found.feed = super::super::feeds::may_lead(value);
                }
                5 if name.eq_ignore_ascii_case("class") => {
                    found.hints = found.hints.with(Hints::of(value));
                }
                7 if name.eq_ignore_ascii_case("pubdate") => found.property = Property::Published,
                8 if name.eq_ignore_ascii_case("itemprop")
                    || name.eq_ignore_ascii_case("property") =>
                {
                    found.properties(value);
                }
                8 if name.eq_ignore_ascii_case("itemtype") => found.scope = Some(value),
                8 if name.eq_ignore_ascii_case("datetime") => found.datetime = true,
                11 if name.eq_ignore_ascii_case("data-testid")
                    || name.eq_ignore_ascii_case("data-qa") =>
                {
                    found.hints = found.hints.with(Hints::of(value));
                }
                _ => {}
            }
        }
        found
    }

    fn properties(&mut self, value: &str) {
        for word in words(value).take(8) {
            let word = word.rsplit(':').next().unwrap_or(word);
            self.property = match word.to_ascii_lowercase().as_str() {
                "datepublished" | "datecreated" | "uploaddate" => Property::Published,
                "datemodified" => Property::Modified,
                "author" | "creator" => Property::Author,
                "headline" => Property::Headline,
                "name" => Property::Name,
                "comment" | "review" | "reviews" | "comments" | "suggestedanswer"
                | "acceptedanswer" => {
                    self.comment = true;
                    continue;
                }
                _ => continue,
            };
        }
    }
}

fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split_ascii_whitespace()
}

/// Whether an address is that of an author's page: `/author/jane`, `/autor/…`, `/people/…`.
fn leads_to_author(address: &str) -> bool {
    const FOLDERS: [&str; 14] = [
        "author",
        "authors",
        "autor",
        "autoren",
        "autores",
        "auteur",
        "auteurs",
        "autori",
        "contributor",
        "contributors",
        "writers",
        "journalist",
        "redacteur",
        "byline",
    ];
    let path = address.split(['?', '#']).next().unwrap_or("");
    let mut parts = path.split('/').take(16);
    parts.any(|part| FOLDERS.iter().any(|folder| part.eq_ignore_ascii_case(folder)))
        && parts.next().is_some_and(|name| !name.is_empty())
}
