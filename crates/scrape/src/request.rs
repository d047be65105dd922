//! What to fetch.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use url::Url;

use crate::{Config, Formats, Options};

/// One page to fetch and the limits of this fetch.
#[derive(Clone, Debug)]
pub struct Request {
    /// http or https.
    pub url: Url,
    /// The method of the first hop; a redirect may turn it into GET.
    pub method: Method,
    /// Headers of the first hop. Hop-by-hop headers, `host`, `content-length` and
    /// `accept-encoding` are left out. When a redirect leaves the origin only `accept`,
    /// `accept-language` and `user-agent` go along.
    pub headers: HeaderMap,
    /// The body of the first hop; empty for none.
    pub body: Bytes,
    /// Time for the network's part of the fetch: every hop and the body.
    pub timeout: Duration,
    /// Largest body in bytes, after decompression.
    pub max_bytes: u64,
    /// Most redirects that are followed.
    pub max_redirects: u32,
    /// What is to be made of the page.
    pub options: Options,
    /// Bytes that the caller adds to what is made of the page; reserved with it.
    pub extra_bytes: u64,
}

impl Request {
    /// A GET of `url` under the default limits of [`Config`], for Markdown and metadata of the
    /// main content.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self::with_limits(url, &Config::default())
    }

    /// A GET of `url` under the limits of `config`, for Markdown and metadata of the
    /// main content.
    #[must_use]
    pub fn with_limits(url: Url, config: &Config) -> Self {
        Self {
            url,
            method: Method::GET,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: config.timeout,
            max_bytes: config.max_bytes,
            max_redirects: config.max_redirects,
            options: Options { formats: Formats::default(), ..Options::default() },
            extra_bytes: 0,
        }
    }
}
