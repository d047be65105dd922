//! What came back.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use extract::Page;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use sha2::{Digest, Sha256};
use url::Url;

/// A site's final answer and what was made of it.
#[derive(Clone, Debug)]
pub struct Response {
    /// Where the page was found, after redirects, without credentials.
    pub final_url: Url,
    /// The final status: 2xx, or 304 where `not_modified` says so.
    pub status: StatusCode,
    /// The final answer's headers as received.
    pub headers: HeaderMap,
    /// The `content-type` header as received.
    pub content_type: Option<String>,
    /// The page is still the version that the request's [`Validators`](crate::Validators) are of:
    /// the answer was 304 and has no body, and there is nothing in `page`.
    pub not_modified: bool,
    /// What was made of the body.
    pub page: Page,
    /// The decompressed body, when [`Format::Raw`](crate::Format::Raw) was asked for.
    pub raw: Option<Bytes>,
    /// Length of the body in bytes, after decompression.
    pub bytes: u64,
    /// Redirects followed.
    pub redirects: u32,
    /// From the start of the first hop to the last byte of the body.
    pub fetch: Duration,
    /// Decompression, decoding and extraction, without the wait for a thread.
    pub extract: Duration,
    /// The address that gave the final answer; the proxy's, where there was one.
    pub remote_addr: Option<SocketAddr>,
    /// What the robots.txt of the first hop's origin asks to be kept between two fetches
    /// (`crawl-delay`, not in RFC 9309), at most ten minutes. `None` where it asks for nothing, or
    /// was not asked.
    pub crawl_delay: Option<Duration>,
    /// How long the site asks to be left alone although it answered: its rate limit is used up.
    pub rate_limit: Option<Duration>,
    /// SHA-256 of the body, where nothing that [`Response::content_hash`] could compare was asked
    /// for or found.
    pub body_hash: Option<[u8; 32]>,
}

impl Response {
    /// A SHA-256 by which two answers for the same [`Options`](crate::Options) can be compared: the
    /// same for a page whose content has not changed. It is of the title, the text, the Markdown and
    /// the selected fields; where there is none of these, of links, metadata and JSON-LD; else of
    /// the HTML; else of the body. So what changes with every request, as tokens in the markup do,
    /// changes nothing as long as there is something better to go by.
    #[must_use]
    pub fn content_hash(&self) -> [u8; 32] {
        let Page { title, text, markdown, html, links, metadata, json_ld, fields, .. } = &self.page;
        let mut hash = Sha256::new();
        // What nothing can be made of is told apart from nothing by its number.
        let mut part = |number: u8, bytes: &[u8]| {
            hash.update([number]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        if text.is_some() || markdown.is_some() || fields.is_some() {
            part(1, title.as_deref().unwrap_or_default().as_bytes());
            part(2, text.as_deref().unwrap_or_default().as_bytes());
            part(3, markdown.as_deref().unwrap_or_default().as_bytes());
            part(4, &json(fields));
        } else if links.is_some() || metadata.is_some() || json_ld.is_some() {
            part(5, &json(links));
            part(6, &json(metadata));
            part(7, &json(json_ld));
        } else if let Some(html) = html {
            part(8, html.as_bytes());
        } else if let Some(raw) = &self.raw {
            part(9, &Sha256::digest(raw));
        } else {
            part(9, self.body_hash.as_ref().map_or(&[][..], |hash| hash));
        }
        hash.finalize().into()
    }
}

fn json(part: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(part).expect("its keys are strings and its values are plain")
}

/// Whether a page has anything that can be compared.
pub(crate) fn is_bare(page: &Page) -> bool {
    let Page { text, markdown, html, links, metadata, json_ld, fields, .. } = page;
    let written = text.is_some() || markdown.is_some() || html.is_some();
    let read = links.is_some() || metadata.is_some() || json_ld.is_some() || fields.is_some();
    !written && !read
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(page: Page, raw: Option<&'static [u8]>) -> [u8; 32] {
        let response = Response {
            final_url: "http://a.example/".parse().unwrap(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            content_type: None,
            not_modified: false,
            page,
            raw: raw.map(Bytes::from_static),
            bytes: 0,
            redirects: 0,
            fetch: Duration::ZERO,
            extract: Duration::ZERO,
            remote_addr: None,
            crawl_delay: None,
            rate_limit: None,
            body_hash: None,
        };
        response.content_hash()
    }

    #[test]
    fn the_hash_is_of_the_content_and_not_of_its_dress() {
        let some = |text: &str| Some(text.to_owned());
        let page = |text, html| Page { text: some(text), html: some(html), ..Page::default() };
        let tea = of(page("tea", "<p nonce=1>tea"), Some(b"<p nonce=1>tea"));
        assert_eq!(tea, of(page("tea", "<p nonce=2>tea"), Some(b"<p nonce=2>tea")));
        assert_ne!(tea, of(page("tee", "<p nonce=1>tea"), Some(b"<p nonce=1>tea")));
        // A title is no text, and Markdown is not either.
        let title = Page { title: some("tea"), text: some(""), ..Page::default() };
        let markdown = Page { markdown: some("tea"), ..Page::default() };
        let html = |html| Page { html: some(html), ..Page::default() };
        let hashes =
            [tea, of(title, None), of(markdown, None), of(html("tea"), None), of(html("x"), None)];
        for (n, one) in hashes.iter().enumerate() {
            assert!(hashes[n + 1..].iter().all(|other| other != one), "{n}");
        }
        assert_ne!(of(Page::default(), Some(b"a")), of(Page::default(), Some(b"b")));
    }
}
