//! The forwarder against real servers on loopback.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod answers;
mod batch;
mod faults;
mod flow;
mod gzip;
mod hostile;
mod policy;
mod schedule;
mod signature;
mod sink;
