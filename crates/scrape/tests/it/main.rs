//! Tests of the crate from outside: real connections on loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod charsets;
mod codings;
mod cookies;
mod origin;
mod pages;
mod rate;
mod redirects;
mod robots;
mod versions;
mod wire;
