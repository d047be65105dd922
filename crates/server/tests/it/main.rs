//! The binary from outside, and what the repository says of itself.

#![expect(
    clippy::unwrap_used,
    reason = "test code outside #[test] functions fails by panicking too"
)]

mod arrows;
mod configuration;
mod console;
mod daemon;
mod documents;
mod flags;
mod moving;
mod start;
mod verify;
