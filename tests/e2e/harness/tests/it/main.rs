//! The harness held to its own promises.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(target_os = "linux")]
mod faultfs;
#[cfg(target_os = "linux")]
mod servers;
