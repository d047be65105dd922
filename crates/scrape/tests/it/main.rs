//! Tests of the crate from outside: real connections on loopback, golden pages, hostile bytes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod charsets;
mod codings;
mod golden;
mod hostile;
mod origin;
mod pages;
mod redirects;
