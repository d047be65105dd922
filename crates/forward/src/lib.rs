//! Delivery in, receipt out: POSTs signed webhooks.
//!
//! A tokio task drains a bounded queue of [`Delivery`]s and POSTs each to its sink, with a bounded
//! number in flight, signed as [Standard Webhooks 1.0](https://www.standardwebhooks.com) asks.
//! Every attempt gives a [`Receipt`]; what to do next is up to the caller, for whom [`Schedule`]
//! answers that. Deliveries with a [`Batch`] share a POST, a line each. [`verify`] is the other
//! side: what a receiver does. This crate keeps nothing: a delivery that is to survive a crash has to be stored
//! by whoever calls, and repeated with the same [`Delivery::id`].
//!
//! ```
//! # use std::io::{Read, Write};
//! # let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
//! # let sink: url::Url = format!("http://{}/hook", listener.local_addr().unwrap()).parse().unwrap();
//! # std::thread::spawn(move || {
//! #     let (mut connection, _) = listener.accept().unwrap();
//! #     connection.read(&mut [0; 4096]).unwrap();
//! #     connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
//! # });
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use forward::{Answer, Config, Delivery, Schedule, Secret};
//!
//! // `sink` is the operator's own, on a private address, so it is named as trusted.
//! let config = Config { trusted: vec![sink.clone()], ..Config::default() };
//! let (forwarder, running) = forward::start(config)?;
//!
//! let secret = Secret::generate();
//! let receipt = forwarder
//!     .deliver(Delivery {
//!         id: "evt_1".into(),
//!         sink,
//!         trusted: true,
//!         headers: http::HeaderMap::new(),
//!         body: r#"{"type":"greeting"}"#.into(),
//!         content_type: forward::JSON,
//!         secrets: vec![secret],
//!         timeout: None,
//!         gzip: false,
//!         batch: None,
//!         timestamp_s: 1_790_000_000, // the wall clock
//!     })
//!     .await;
//! assert_eq!(receipt.outcome, Answer::Accepted, "{receipt}");
//!
//! // Had it failed: when to try again.
//! let _next = Schedule::default().next(1, &receipt, &mut rand::rng());
//!
//! drop(forwarder);
//! let drained = running.await?;
//! assert_eq!(drained.attempts, 1);
//! # Ok::<(), forward::Error>(()) }).unwrap();
//! ```
//!
//! # What it never does
//! * knows jobs, storage or HTML;
//! * follows a redirect, or repeats an attempt by itself;
//! * reaches an address outside its policy: see [`Config::sink_policy`] and [`Config::trusted`];
//! * keeps more than a kilobyte of an answer, or waits for one longer than [`Config::timeout`];
//! * reads a wall clock: time is part of a [`Delivery`].
//!
//! # Failure modes
//! * The queue is full: [`Forwarder::deliver`] waits.
//! * The sink is slow, dead, or lies: the receipt says [`Answer::Retryable`]; a sink that keeps
//!   others waiting has to be bounded by who fills the queue.
//! * Everything is dropped while attempts are in flight: they go on; [`Running`] ends after them.

mod batcher;
mod config;
mod control;
mod delivery;
mod error;
mod forwarder;
mod gzip;
mod lines;
mod outlet;
mod post;
mod public_key;
mod receipt;
mod schedule;
mod secret;
mod sign;
mod signed;
mod verifier;
mod verify;
mod version;

pub use config::Config;
pub use control::PAGEWIRE_RETRY;
pub use delivery::{Batch, Delivery, ForbiddenHeader, JSON, check_header_name};
pub use error::{Error, ErrorKind};
pub use forwarder::{Drained, Forwarder, Load, Running, start};
pub use lines::{NDJSON, PAGEWIRE_BATCH_SIZE};
pub use outlet::{InvalidSink, check_sink_url, parse_sink_url};
pub use public_key::{InvalidPublicKey, PublicKey};
pub use receipt::{Answer, MAX_DETAIL_BYTES, Receipt};
pub use schedule::{InvalidSchedule, NextTry, Schedule};
pub use secret::{InvalidSecret, Secret};
pub use sign::{WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP, sign, sign_all};
pub use verifier::{InvalidVerifier, Verifier};
pub use verify::{TOLERANCE_S, Verified, VerifyError, verify, verify_any_age};
pub use version::Version;
