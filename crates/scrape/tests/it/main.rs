//! Tests of the crate from outside: real connections on loopback, golden pages, hostile bytes.

mod bounds;
mod charsets;
mod codings;
mod golden;
mod hostile;
mod origin;
mod pages;
mod redirects;
