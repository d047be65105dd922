//! The harness held to its own promises.

mod faultfs;
mod servers;
