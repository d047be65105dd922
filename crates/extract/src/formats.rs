//! Which forms of a page are wanted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One form of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The body as it came, decompressed, byte for byte.
    Raw,
    /// The HTML document as UTF-8.
    Html,
    /// The visible text.
    Text,
    /// The whole body as GitHub-flavoured Markdown.
    Markdown,
    /// The page's links, absolute.
    Links,
    /// Author, dates, language, description and the like.
    Metadata,
    /// The page's JSON-LD objects as they stand.
    JsonLd,
}

impl Format {
    /// Every format, in the order they are documented.
    pub const ALL: [Self; 7] = [
        Self::Raw,
        Self::Html,
        Self::Text,
        Self::Markdown,
        Self::Links,
        Self::Metadata,
        Self::JsonLd,
    ];

    /// The name by which it is asked for.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Html => "html",
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Links => "links",
            Self::Metadata => "metadata",
            Self::JsonLd => "json_ld",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format {0:?}: use one of raw, html, text, markdown, links, metadata, json_ld")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| UnknownFormat(name.chars().take(40).collect()))
    }
}

/// A set of formats. The default is Markdown and metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Formats {
    /// See [`Format::Raw`].
    pub raw: bool,
    /// See [`Format::Html`].
    pub html: bool,
    /// See [`Format::Text`].
    pub text: bool,
    /// See [`Format::Markdown`].
    pub markdown: bool,
    /// See [`Format::Links`].
    pub links: bool,
    /// See [`Format::Metadata`].
    pub metadata: bool,
    /// See [`Format::JsonLd`].
    pub json_ld: bool,
}

impl Formats {
    /// No format at all: status, headers and final URL only.
    pub const NONE: Self = Self {
        raw: false,
        html: false,
        text: false,
        markdown: false,
        links: false,
        metadata: false,
        json_ld: false,
    };

    /// Every format.
    pub const ALL: Self = Self {
        raw: true,
        html: true,
        text: true,
        markdown: true,
        links: true,
        metadata: true,
        json_ld: true,
    };

    /// Whether `format` is in the set.
    #[must_use]
    pub fn contains(self, format: Format) -> bool {
        match format {
            Format::Raw => self.raw,
            Format::Html => self.html,
            Format::Text => self.text,
            Format::Markdown => self.markdown,
            Format::Links => self.links,
            Format::Metadata => self.metadata,
            Format::JsonLd => self.json_ld,
        }
    }

    /// The set with `format` in it.
    #[must_use]
    pub fn with(mut self, format: Format) -> Self {
        match format {
            Format::Raw => self.raw = true,
            Format::Html => self.html = true,
            Format::Text => self.text = true,
            Format::Markdown => self.markdown = true,
            Format::Links => self.links = true,
            Format::Metadata => self.metadata = true,
            Format::JsonLd => self.json_ld = true,
        }
        self
    }

    /// Bytes that are reserved for a page of `page_bytes` and the set made of it: the page itself,
    /// four thirds of it for base64 when raw, and once more for each of HTML, text, Markdown and
    /// links. Hostile pages can become more.
    ///
    /// ```
    /// # use extract::{Format, Formats};
    /// assert_eq!(Formats::NONE.with(Format::Raw).cost(3_000), 7_000);
    /// assert_eq!(Formats::default().cost(3_000), 6_000); // Markdown and metadata
    /// ```
    #[must_use]
    pub fn cost(self, page_bytes: u64) -> u64 {
        let forms = [self.html, self.text, self.markdown, self.links, self.json_ld];
        let copies = 1 + forms.into_iter().filter(|form| *form).count() as u64;
        let base64 = if self.raw { page_bytes.div_ceil(3).saturating_mul(4) } else { 0 };
        page_bytes.saturating_mul(copies).saturating_add(base64)
    }

    /// Whether the body has to be read as text to serve the set.
    #[must_use]
    pub fn needs_text(self) -> bool {
        self.html || self.needs_tree()
    }

    /// Whether its markup has to be read.
    pub(crate) fn needs_tree(self) -> bool {
        self.text || self.markdown || self.links || self.metadata || self.json_ld
    }
}

impl Default for Formats {
    fn default() -> Self {
        Self { markdown: true, metadata: true, ..Self::NONE }
    }
}

impl FromIterator<Format> for Formats {
    fn from_iter<I: IntoIterator<Item = Format>>(formats: I) -> Self {
        formats.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse::<Format>(), Ok(format));
        }
        assert!("Raw".parse::<Format>().is_err());
        let set: Formats = Format::ALL.into_iter().collect();
        assert_eq!(set, Formats::ALL);
        assert!(Format::ALL.into_iter().all(|format| set.contains(format)));
    }
}
