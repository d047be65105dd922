//! The HTTP API over a job queue: an [`axum::Router`] that accepts jobs, shows them and manages
//! them, and [`serve`], the loop that serves it to strangers under limits.
//!
//! It never fetches, never delivers and knows no database: jobs go into a [`jobs::Store`], and
//! what the stages of a job are is told by the [`Pipeline`] of whoever composes the parts.
//!
//! # Failure modes
//! Whatever a client sends ends in an answer below 500 with `application/problem+json` (RFC 9457)
//! that names the fault's place. A full queue, a full disk and a broken store are 503 with
//! `Retry-After`. A job answered with 202 is on disk; a client that goes away after its request
//! was received does not take it back.

mod auth;
mod body;
mod budget;
mod config;
mod connection;
mod fields;
mod list;
mod manage;
mod meters;
mod ops;
mod parse;
mod pipeline;
mod problem;
mod quantity;
mod read;
mod router;
mod serve;
mod spec;
mod strict;
mod submission;
mod submit;
mod validate;
mod view;

pub use config::{Config, Limits, ServeConfig};
pub use pipeline::{Pipeline, Status, UnknownStatus};
pub use router::router;
pub use serve::serve;
pub use spec::{Format, InvalidSpec, JobSpec, Sink};
