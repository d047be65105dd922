//! URL in, page out.
//!
//! A fetch waits for the network on the caller's tokio runtime, thousands at a time; what costs
//! CPU (decompression, decoding, extraction) runs on a pool of threads of its own. This crate
//! knows nothing of jobs, storage or webhooks; whether and when to try again is the caller's
//! decision, for which an [`Error`] has a [`Kind`].
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use scrape::{Config, Format, Request, Scope};
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
//! # let here = listener.local_addr().unwrap();
//! # let site = async move {
//! #     for status in ["404 Not Found", "200 OK"] {
//! #         let (mut stream, _) = listener.accept().await.unwrap();
//! #         stream.read(&mut [0; 4096]).await.unwrap();
//! #         let head = "connection: close\r\ncontent-length: 9\r\ncontent-type: text/html";
//! #         let answer = format!("HTTP/1.1 {status}\r\n{head}\r\n\r\n<h1>Hello");
//! #         stream.write_all(answer.as_bytes()).await.unwrap();
//! #     }
//! # };
//! # let policy = egress::Policy::public_only().allow(&["127.0.0.1".parse().unwrap()]);
//! # let url = format!("http://{here}/");
//! // Only public addresses are fetched unless the policy says otherwise, and nothing that the
//! // site's robots.txt disallows unless the request says otherwise.
//! let (scraper, running) = scrape::start(Config { policy, ..Config::default() })?;
//!
//! let mut request = Request::get(url.parse().unwrap());
//! request.options.formats = [Format::Markdown, Format::Links].into_iter().collect();
//! request.options.scope = Scope::Page; // not only its main content
//! let fetch = scraper.scrape(request);
//! # let (fetch, ()) = tokio::join!(fetch, site);
//! # let fetch = std::future::ready(fetch);
//! let response = fetch.await?;
//! assert_eq!(response.page.markdown.as_deref(), Some("# Hello\n"));
//!
//! drop(scraper);
//! running.await; // the threads have ended
//! # Ok::<(), scrape::Error>(())
//! # }).unwrap();
//! ```
//!
//! # What bounds it
//! - Time: one deadline over all hops and the body. What a fetch waits for memory and threads of
//!   ours is not charged to it, and ends as [`Kind::Busy`] after ten minutes.
//! - Memory: half of a byte budget is for bodies as they come, from their head's arrival until a
//!   thread takes them; the other half for what they become, [`Options::cost`], until the caller
//!   drops the reservation. Whoever holds of the second half waits for nothing, so nobody waits in
//!   a circle. Before the head a fetch holds no buffer of ours. A thread needs about five times
//!   its page besides, and up to twenty times where a page is little but thousands of small blocks.
//! - Size: a body larger than `max_bytes`, on the wire or decompressed, is an error, never cut.
//! - Addresses: each hop of a redirect passes the [`egress::Policy`].
//! - Manners: each hop passes the robots.txt of its origin (RFC 9309), which is asked for once and
//!   remembered ([`Config::robots_cache`]). How often a site is fetched from is up to the caller:
//!   what the site asks for is in [`Response::crawl_delay`] and [`Response::rate_limit`].
//!
//! # Without a network
//! What a page becomes is decided by [`extract()`], a pure function:
//!
//! ```
//! use scrape::{Options, Scope, extract};
//!
//! let options = Options { scope: Scope::Page, ..Options::default() };
//! let page = b"<title>Tea</title><h1>Tea</h1><p>Green <b>or</b> <a href=/black>black</a>?";
//! let url = "https://example.com/drinks".parse().unwrap();
//! let made = extract(page, Some("text/html; charset=utf-8"), &url, &options);
//!
//! assert_eq!(made.title.as_deref(), Some("Tea"));
//! assert_eq!(
//!     made.markdown.as_deref(),
//!     Some("# Tea\n\nGreen **or** [black](https://example.com/black)?\n")
//! );
//! ```
//!
//! # Failure modes
//! An [`Error`] for anything but a whole 2xx answer. Extraction never fails: bytes that are not
//! what they claim to be give little or no text. A panic in extraction or in the caller's closure
//! is [`Kind::Internal`] for that page alone.

mod body;
mod coding;
mod config;
mod cookie;
mod error;
mod fetch;
mod header;
mod patience;
mod pool;
mod redirect;
mod request;
mod response;
mod robots;
mod scraper;

pub use config::Config;
pub use error::{Error, Kind};
pub use extract::{
    CharsetSource, Feed, Field, Format, Formats, Link, MediaKind, MediaSource, Metadata, Options,
    Page, Refresh, Region, Scope, Select, SelectError, UnknownFormat, Unreadable, extract,
};
pub use request::{Request, Robots, Validators};
pub use response::Response;
pub use scraper::{Load, Running, Scraper, start};
