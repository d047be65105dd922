//! What the system tests and the benchmarks are made of: hostile origins, verifying sinks, a load
//! generator, and the real binary as a process. It links no product crate: what it says of the
//! product it has seen from outside.
//!
//! - [`Origin`] serves pages that can be verified, and fails in every way a site can.
//! - [`HostileOrigin`] does harm in every way that is known, each under an address of its own.
//! - [`Sink`] receives webhooks, checks their signatures and contents on its own, and can be down,
//!   slow, rude, or as hostile as a sink can be.
//! - [`Inbox`] keeps whatever is posted to it as it came, for deliveries in other forms.
//! - [`Upload`] sends a batch line by line and reads the verdicts meanwhile.
//! - [`Secure`] asks over TLS.
//! - [`EventStream`] listens to server-sent events.
//! - [`Server`] is the binary: started, watched, killed, measured.
//! - [`FaultFs`] is the storage seam under it: power cuts, failing syncs, full disks.
//! - [`Load`] submits jobs and writes each answer into a [`Ledger`].
//! - [`Ledger::verdict`] is the oracle: conservation. Every acknowledged job has exactly one kind of
//!   terminal event; missing = spurious = corrupted = 0; duplicates are counted.
//!
//! [`Origin`] and [`Sink`] answer `GET /report` with their report as JSON, so that they can live in
//! processes of their own ([`OriginReport`], [`SinkReport`] deserialize it).
//!
//! # Environment
//! `PAGEWIRE_E2E_SEED` seeds what is random (printed by [`seed`]), `PAGEWIRE_E2E_KEEP=1` keeps
//! scratch directories, `PAGEWIRE_E2E_CYCLES` is the number of kill cycles (default 25),
//! `PAGEWIRE_E2E_HOSTILE` a part of the names of the hostile behaviours to meet alone.

mod answers;
mod env;
mod event;
mod faultfs;
mod hostile;
mod http;
mod inbox;
mod ledger;
mod load;
mod origin;
pub mod page;
mod proc;
mod server;
mod signature;
mod sink;
mod sse;
mod tls;
mod treatment;
mod upload;
mod wait;
mod wire;

pub use hyper::Method;

pub use crate::env::{Scratch, cycles, rng, say, seed};
pub use crate::event::Event;
pub use crate::faultfs::FaultFs;
pub use crate::hostile::{Behaviour, Expected, HostileOrigin};
pub use crate::http::{Answer, Connection, Failure};
pub use crate::inbox::{Inbox, Post, Reply};
pub use crate::ledger::{Accepted, Entries, Ledger, Verdict};
pub use crate::load::{Load, LoadReport, Stop, percentile};
pub use crate::origin::{HostReport, Origin, OriginConfig, OriginReport, Robots};
pub use crate::proc::Usage;
pub use crate::server::{Server, ServerConfig};
pub use crate::signature::verify;
pub use crate::sink::{Mode, Sink, SinkConfig, SinkReport};
pub use crate::sse::{EventStream, Told};
pub use crate::tls::Secure;
pub use crate::upload::Upload;
pub use crate::wait::{eventually, unix_micros};
