//! The public function, from bytes to page.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod feeds;
mod golden;
mod hostile;
mod links;
mod pdf;
mod round_trip;
mod select;
mod short;
mod shown;
