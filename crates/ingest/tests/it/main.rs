//! The API from outside: the router by calls, and `serve` by sockets.

#![expect(
    clippy::unwrap_used,
    reason = "what a test calls may fail it; the linter exempts test functions only"
)]

mod accepted;
mod access;
mod access_limits;
mod access_owners;
mod access_sites;
mod bad_sinks;
mod batching;
mod bodies;
mod description;
mod desk;
mod documents;
mod edits;
mod firecrawl;
mod following;
mod keyed;
mod keys;
mod linked;
mod listing;
mod managing;
mod ops;
mod pulling;
mod redriving;
mod refused;
mod scheduling;
mod scraper_api;
mod served;
mod sinks;
mod streaming;
mod tls;
mod waiting;
mod world;
