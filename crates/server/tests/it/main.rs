//! The binary from outside, and what the repository says of itself.

mod arrows;
mod configuration;
mod daemon;
mod documents;
mod flags;
mod start;
