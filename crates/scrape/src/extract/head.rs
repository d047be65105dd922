//! What a page says about itself: `<title>`, `<meta>`, `<link>`, `<time>`, JSON-LD.
//!
//! Each field has sources of different worth; the best one that says anything wins, and of equal
//! ones the first.

use super::attributes::{Attr, Attributes};
use super::links::{Resolver, cut};
use super::{date, json_ld};
use crate::Metadata;

/// Longest value of a field.
const MAX_FIELD_BYTES: usize = 4 * 1024;

/// A value and the worth of its source; 0 is the best.
#[derive(Debug, Default)]
struct Field {
    value: String,
    worth: u8,
}

impl Field {
    fn offer(&mut self, worth: u8, value: &str) {
        if !self.value.is_empty() && self.worth <= worth {
            return;
        }
        let value = squeeze(value);
        if !value.is_empty() {
            *self = Self { value, worth };
        }
    }

    fn take(self) -> Option<String> {
        (!self.value.is_empty()).then_some(self.value)
    }
}

/// The fields found so far.
#[derive(Debug, Default)]
pub(super) struct Head {
    title: Field,
    author: Field,
    published: Field,
    modified: Field,
    language: Field,
    description: Field,
    site_name: Field,
    canonical: Field,
    image: Field,
}

impl Head {
    /// `<title>`.
    pub(super) fn title(&mut self, title: &str) {
        self.title.offer(3, title);
    }

    /// The first `<h1>`.
    pub(super) fn headline(&mut self, headline: &str) {
        self.title.offer(4, headline);
    }

    /// `<html lang>`.
    pub(super) fn language(&mut self, language: &str) {
        self.language.offer(0, language);
    }

    /// `<time datetime>`, with the property it stands for.
    pub(super) fn time(&mut self, attributes: &Attributes) {
        let Some(date) = attributes.get(Attr::Datetime).and_then(date::normal) else {
            return;
        };
        match attributes.get(Attr::Itemprop) {
            Some("datePublished") => self.published.offer(2, &date),
            Some("dateModified") => self.modified.offer(2, &date),
            Some(_) => {}
            None => self.published.offer(6, &date),
        }
    }

    /// `<link rel href>`.
    pub(super) fn link(&mut self, attributes: &Attributes) {
        let (Some(rel), Some(href)) = (attributes.get(Attr::Rel), attributes.get(Attr::Href))
        else {
            return;
        };
        for rel in rel.split_ascii_whitespace() {
            if rel.eq_ignore_ascii_case("canonical") {
                self.canonical.offer(0, href);
            } else if rel.eq_ignore_ascii_case("image_src") {
                self.image.offer(3, href);
            }
        }
    }

    /// `<meta name|property|itemprop|http-equiv content>`.
    pub(super) fn meta(&mut self, attributes: &Attributes) {
        let Some(content) = attributes.get(Attr::Content).filter(|content| !content.is_empty())
        else {
            return;
        };
        for name in [Attr::Property, Attr::Name, Attr::Itemprop, Attr::HttpEquiv] {
            if let Some(name) = attributes.get(name).filter(|name| name.len() < 64) {
                self.property(&name.trim().to_ascii_lowercase(), content);
            }
        }
    }

    fn property(&mut self, name: &str, content: &str) {
        match name {
            "og:title" => self.title.offer(0, content),
            "twitter:title" => self.title.offer(1, content),
            "author" | "parsely-author" | "sailthru.author" => self.author.offer(1, content),
            "article:author" | "og:article:author" if !content.contains("://") => {
                self.author.offer(2, content);
            }
            "dc.creator" | "dcterms.creator" | "citation_author" | "byl" => {
                self.author.offer(3, content);
            }
            "article:published_time" | "og:article:published_time" => self.published(0, content),
            "datepublished" | "parsely-pub-date" | "citation_publication_date" => {
                self.published(3, content);
            }
            "date" | "pubdate" | "publish-date" | "publishdate" | "sailthru.date" | "dc.date"
            | "dc.date.issued" | "dcterms.date" | "dcterms.created" | "dcterms.issued" => {
                self.published(4, content);
            }
            "article:modified_time" | "og:article:modified_time" => self.modified(0, content),
            "og:updated_time" | "datemodified" | "dcterms.modified" | "last-modified" => {
                self.modified(3, content);
            }
            "content-language" => self.language.offer(1, content),
            "og:locale" => self.language.offer(2, &content.replace('_', "-")),
            "language" | "dc.language" => self.language.offer(3, content),
            "description" => self.description.offer(0, content),
            "og:description" => self.description.offer(1, content),
            "twitter:description" | "dc.description" => self.description.offer(2, content),
            "og:site_name" => self.site_name.offer(0, content),
            "application-name" => self.site_name.offer(1, content),
            "og:url" => self.canonical.offer(1, content),
            "og:image" | "og:image:url" | "og:image:secure_url" => self.image.offer(0, content),
            "twitter:image" | "twitter:image:src" => self.image.offer(1, content),
            _ => {}
        }
    }

    fn published(&mut self, worth: u8, content: &str) {
        if let Some(date) = date::normal(content) {
            self.published.offer(worth, &date);
        }
    }

    fn modified(&mut self, worth: u8, content: &str) {
        if let Some(date) = date::normal(content) {
            self.modified.offer(worth, &date);
        }
    }

    /// `<script type="application/ld+json">`.
    pub(super) fn json_ld(&mut self, script: &str) {
        let found = json_ld::read(script);
        self.title.offer(2, &found.headline);
        self.author.offer(0, &found.authors.join("; "));
        self.published(1, &found.published);
        self.modified(1, &found.modified);
        self.description.offer(3, &found.description);
        self.site_name.offer(2, &found.publisher);
        self.image.offer(2, &found.image);
    }

    /// The title and the metadata, addresses absolute.
    pub(super) fn finish(self, resolver: &mut Resolver) -> (Option<String>, Metadata) {
        let mut absolute = |field: Field| {
            let address = resolver.resolve(&field.take()?, &["http", "https"])?;
            Some(address.to_string())
        };
        let metadata = Metadata {
            canonical: absolute(self.canonical),
            image: absolute(self.image),
            author: self.author.take(),
            published: self.published.take(),
            modified: self.modified.take(),
            language: self.language.take().filter(|language| is_language(language)),
            description: self.description.take(),
            site_name: self.site_name.take(),
        };
        (self.title.take(), metadata)
    }
}

/// Looks like a BCP 47 tag.
fn is_language(tag: &str) -> bool {
    tag.len() <= 35
        && tag.starts_with(|c: char| c.is_ascii_alphabetic())
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Blanks collapsed, trimmed, cut.
fn squeeze(value: &str) -> String {
    let mut out = String::new();
    for word in value.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        let room = MAX_FIELD_BYTES.saturating_sub(out.len() + 1);
        if room == 0 {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(cut(word, room));
    }
    out
}
