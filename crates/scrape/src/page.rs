//! What came back.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

/// One link of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Absolute, http or https.
    pub url: String,
    /// The text of the link, or what stands for it (an image's alternative text, a label); at
    /// most 1 KiB.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The `rel` attribute, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rel: Option<String>,
}

/// What a page says about itself. Strings are trimmed and at most 4 KiB long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Who wrote it; several names are joined with "; ".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
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
}

/// The forms made of one body; the answer of [`extract`](crate::extract).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// The page's title, at most 4 KiB. HTML only.
    pub title: Option<String>,
    /// The visible text of HTML; the whole of JSON, XML and plain text.
    pub text: Option<String>,
    /// The body as GitHub-flavoured Markdown; a fenced block for JSON, XML and plain text.
    pub markdown: Option<String>,
    /// The HTML document as UTF-8.
    pub html: Option<String>,
    /// The links, in document order, at most 10,000. HTML only.
    pub links: Option<Vec<Link>>,
    /// What the page says about itself. HTML only.
    pub metadata: Option<Metadata>,
    /// The encoding the text was read in, as its WHATWG name in lower case. None for a binary
    /// body and where the text was not asked for.
    pub charset: Option<String>,
    /// An output cap was reached: something after it is missing.
    pub truncated: bool,
}

/// A fetched page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where the page was found, after redirects, without credentials.
    pub final_url: Url,
    /// The final status; always 2xx.
    pub status: StatusCode,
    /// The final answer's headers as received.
    pub headers: HeaderMap,
    /// The `content-type` header as received.
    pub content_type: Option<String>,
    /// See [`Extracted::charset`].
    pub charset: Option<String>,
    /// See [`Extracted::title`].
    pub title: Option<String>,
    /// See [`Extracted::text`].
    pub text: Option<String>,
    /// See [`Extracted::markdown`].
    pub markdown: Option<String>,
    /// See [`Extracted::html`].
    pub html: Option<String>,
    /// The decompressed body.
    pub raw: Option<Bytes>,
    /// See [`Extracted::links`].
    pub links: Option<Vec<Link>>,
    /// See [`Extracted::metadata`].
    pub metadata: Option<Metadata>,
    /// Length of the body in bytes, after decompression.
    pub bytes: u64,
    /// See [`Extracted::truncated`].
    pub truncated: bool,
    /// Redirects followed.
    pub redirects: u32,
    /// From the start of the first hop to the last byte of the body.
    pub fetch: Duration,
    /// Decompression, decoding and extraction, without the wait for a thread.
    pub extract: Duration,
    /// The address that gave the final answer.
    pub remote_addr: Option<SocketAddr>,
}
