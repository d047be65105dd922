//! What came back.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use extract::Page;
use http::{HeaderMap, StatusCode};
use url::Url;

/// A site's final answer and what was made of it.
#[derive(Clone, Debug)]
pub struct Response {
    /// Where the page was found, after redirects, without credentials.
    pub final_url: Url,
    /// The final status; always 2xx.
    pub status: StatusCode,
    /// The final answer's headers as received.
    pub headers: HeaderMap,
    /// The `content-type` header as received.
    pub content_type: Option<String>,
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
    /// The address that gave the final answer.
    pub remote_addr: Option<SocketAddr>,
}
