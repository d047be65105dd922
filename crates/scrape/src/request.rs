//! What to fetch.

use std::time::Duration;

use bytes::Bytes;
use egress::Proxy;
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

use crate::{Config, Formats, Options};

/// What the robots.txt of a site has to say in a fetch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Robots {
    /// Nothing is fetched that it disallows (RFC 9309), at any hop, and nothing before it is known.
    #[default]
    Obey,
    /// It is not asked for.
    Ignore,
}

/// What an earlier answer said of the version that it was of (RFC 9110, section 8.8). With any of
/// them the request is conditional, and a page that has not changed comes without its body:
/// [`Response::not_modified`](crate::Response::not_modified). Only of GET and HEAD.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// The `etag`, sent as `if-none-match`.
    pub etag: Option<HeaderValue>,
    /// The `last-modified`, sent as `if-modified-since`, as it was received.
    pub last_modified: Option<HeaderValue>,
    /// The earlier answer's [`final_url`](crate::Response::final_url): they are sent to that URL
    /// alone, since another's `"1"` is another version. `None` stands for the request's own URL.
    pub url: Option<Url>,
}

impl Validators {
    /// Whether there is nothing to be sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

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
    /// Whether robots.txt is obeyed; by default it is.
    pub robots: Robots,
    /// The time that the caller keeps between two fetches of this origin. Where the site's
    /// `crawl-delay` is longer nothing is fetched: [`Kind::Paced`](crate::Kind::Paced).
    pub pace: Duration,
    /// The proxy that every hop and every robots.txt is asked for through; none by default. It obeys
    /// the address policy, and so do the targets.
    pub proxy: Option<Proxy>,
    /// Which version of the page the caller has; none by default.
    pub validators: Validators,
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
            robots: Robots::default(),
            pace: Duration::ZERO,
            proxy: None,
            validators: Validators::default(),
            options: Options { formats: Formats::default(), ..Options::default() },
            extra_bytes: 0,
        }
    }
}
