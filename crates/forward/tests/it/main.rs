//! The forwarder against real servers on loopback.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod answers;
mod batch;
mod faults;
mod flow;
mod gzip;
mod hostile;
mod outlet_file;
#[cfg(feature = "object-store")]
mod outlet_folder;
#[cfg(feature = "kafka")]
mod outlet_kafka;
#[cfg(feature = "nats")]
mod outlet_nats;
#[cfg(feature = "object-store")]
mod outlet_s3;
mod policy;
mod schedule;
mod signature;
mod sink;
