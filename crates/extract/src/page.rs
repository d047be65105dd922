//! What is made of a page.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How the encoding of a body was found, from the strongest evidence to the weakest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CharsetSource {
    /// By a byte-order mark.
    Bom,
    /// By the `charset` of the `content-type`.
    Header,
    /// By a `<meta>` in the first 1,024 bytes.
    Meta,
    /// By an XML declaration.
    Xml,
    /// It is valid UTF-8, or JSON.
    Utf8,
    /// By a declaration in the first 64 KiB.
    LateMeta,
    /// By the letters that occur, and the host's top-level domain.
    Guess,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// HTML or XHTML.
    Html,
    /// XML other than XHTML and feeds.
    Xml,
    /// RSS, Atom or RDF Site Summary.
    Feed,
    /// JSON of any kind.
    Json,
    /// Plain text, and text of any other kind.
    Text,
    /// PDF.
    Pdf,
    /// A picture.
    Image,
    /// Sound or moving pictures.
    Media,
    /// A font.
    Font,
    /// A packed archive.
    Archive,
    /// Anything else.
    Binary,
}

/// How it was found what a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// By its `content-type`.
    Header,
    /// By its first bytes: it has no `content-type`, or one that says nothing or is wrong.
    Sniffed,
}

/// Why there is no text although the body is of a kind that has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unreadable {
    /// A key is needed.
    Encrypted,
    /// No page was found in it.
    Broken,
    /// Its pages are pictures, or their letters have no known meaning.
    NoText,
}

/// Where on the page something stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// In the main content.
    Main,
    /// In the page's header.
    Header,
    /// In a navigation.
    Nav,
    /// In a side bar or another aside.
    Aside,
    /// In the page's footer.
    Footer,
    /// Elsewhere.
    #[default]
    Other,
}

/// One link of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Link {
    /// Absolute, http or https.
    pub url: String,
    /// The text of the link, or what stands for it (an image's alternative text, a label); at
    /// most 1 KiB.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The `rel` attribute, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rel: Option<String>,
    /// Its place among the page's links, from 1.
    pub position: u32,
    /// Where on the page it stands.
    pub region: Region,
}

/// A feed that a page announces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Feed {
    /// Absolute, http or https.
    pub url: String,
    /// Media type, such as `application/rss+xml`.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub media_type: String,
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// Where a page sends its reader by `<meta http-equiv=refresh>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refresh {
    /// Absolute, http or https; the page's own address where none is given.
    pub url: String,
    /// After so many seconds; fractions are left out, as browsers do.
    pub seconds: u32,
}

/// What a page says about itself. Strings are trimmed and at most 4 KiB long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Who wrote it; several names are joined with "; ".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Who wrote it, name by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// When it was published: ISO 8601, a date or a date and time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// When it was last changed: ISO 8601, a date or a date and time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// BCP 47 language tag as the page gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// A summary in the page's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name of the site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_name: Option<String>,
    /// The page's preferred address, absolute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canonical: Option<String>,
    /// The page's picture, absolute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What the page is, in lower case: Open Graph's type, or schema.org's, such as `article` or
    /// `product`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Feeds that the page announces, at most 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<Feed>,
    /// Sitemaps that the page announces, absolute, at most 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sitemaps: Vec<String>,
    /// Where each field (and the page's title) was found: `og:title`, `json-ld`, `time`, `url`, …
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
}

/// The answer of [`extract`](crate::extract).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The page's title, at most 4 KiB. HTML, PDF and feeds.
    pub title: Option<String>,
    /// Where the page sends its reader; nobody has gone there. HTML only.
    pub meta_refresh: Option<Refresh>,
    /// The text of HTML, PDF and feeds, a line for each block; the whole of JSON, other XML and plain
    /// text.
    pub text: Option<String>,
    /// CommonMark with GitHub's tables; a fenced block for JSON, other XML and plain text.
    pub markdown: Option<String>,
    /// The HTML document as UTF-8.
    pub html: Option<String>,
    /// The links of the whole page, in document order, at most 10,000. HTML and feeds.
    pub links: Option<Vec<Link>>,
    /// What the page says about itself. HTML and PDF.
    pub metadata: Option<Metadata>,
    /// Each JSON-LD object of the page as it stands. HTML only.
    pub json_ld: Option<Vec<Value>>,
    /// What the selectors found, by name. HTML only.
    pub fields: Option<BTreeMap<String, Value>>,
    /// What the body is.
    pub media: Option<MediaKind>,
    /// How that was found.
    pub media_source: Option<MediaSource>,
    /// Why there is no text, if there should be some. PDF only.
    pub unreadable: Option<Unreadable>,
    /// The encoding the text was read in, as its WHATWG name in lower case. None for a binary
    /// body and where the text was not asked for.
    pub charset: Option<String>,
    /// How that encoding was found. None where there is none.
    pub charset_source: Option<CharsetSource>,
    /// An output cap was reached: something after it is missing.
    pub truncated: bool,
}
