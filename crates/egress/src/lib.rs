//! Talking to strangers safely.
//!
//! A service that fetches URLs on behalf of others is asked, sooner or later, to fetch
//! `http://169.254.169.254/`. This crate is the one place where Pagewire opens connections to
//! addresses that somebody else chose. It holds
//!
//! - [`Policy`]: which addresses may be talked to. By default none of the IANA special-purpose
//!   blocks, in whatever spelling; exemptions ([`Allow`]) are the operator's.
//! - [`Client`]: one guarded HTTP hop. The URL is checked, the resolver hands out permitted
//!   addresses only, and the address actually connected to is asserted once more.
//! - [`Response`]: a body that is read with a cap, and an error when it was cut short.
//! - [`Budget`]: how many bytes of bodies are in memory at once.
//! - [`Proxy`]: a way around that obeys the same policy, and so does what lies behind it.
//! - [`retry_after`], [`rate_limit`] and [`backoff`]: when to come back.
//!
//! What it never does: follow a redirect (each hop is a new [`Client::send`], checked anew), use a
//! proxy that the caller did not name, decompress, keep cookies, retry, or know what is fetched and
//! why.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use bytes::Bytes;
//! use egress::{Client, ClientConfig, Kind, Policy};
//!
//! # async fn demo() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(Policy::public_only(), ClientConfig::default())?;
//!
//! // However it is spelt, this is 127.0.0.1, and it is refused before a packet is sent.
//! let request = http::Request::get("http://0x7f.1/admin").body(Bytes::new())?;
//! let refused = client.send(request, Duration::from_secs(10)).await.unwrap_err();
//! assert_eq!(refused.kind(), Kind::Refused);
//! assert!(!refused.is_transient());
//!
//! # if false {
//! let request = http::Request::get("https://example.com/").body(Bytes::new())?;
//! let response = client.send(request, Duration::from_secs(10)).await?;
//! let (body, truncated) = response.read_capped(1 << 20).await?;
//! assert!(truncated || body.len() <= 1 << 20);
//! # }
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(demo()).unwrap();
//! ```
//!
//! # Failure modes
//!
//! Every failure is an [`Error`] with a [`Kind`] to decide by. A policy refusal is [`Kind::Refused`]
//! at each of the three lines of defence and is never worth a retry. A network that translates
//! IPv4 by an operator-chosen prefix (RFC 6052 section 2.2) cannot be recognised from the address:
//! on such a network, firewall the prefix.

mod address;
mod allow;
mod budget;
mod classify;
mod client;
mod direct;
mod error;
mod fault;
mod guard;
mod policy;
mod port;
mod proxy;
mod rate;
mod resolver;
mod response;
mod retry;
mod stream;
mod tls;
mod transport;
mod turns;

pub use address::{Block, special_block};
pub use allow::{Allow, ParseAllowError};
pub use budget::{Budget, Reservation};
pub use client::{Client, ClientConfig};
pub use error::{Error, Kind, Result};
pub use fault::TlsFault;
pub use policy::{Policy, Refused, Route};
pub use port::is_bad_port;
pub use proxy::{ParseProxyError, Proxy};
pub use rate::rate_limit;
pub use resolver::{Lookup, LookupError, LookupFailure, Resolver, ResolverConfig};
pub use response::Response;
pub use retry::{backoff, retry_after};
