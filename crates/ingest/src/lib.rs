//! The HTTP API over a job queue: an [`axum::Router`] that accepts jobs, shows them and manages
//! them, and [`serve`], the loop that serves it to strangers under limits.
//!
//! It never fetches, never delivers and knows no database: jobs go into a [`jobs::Store`], and
//! what the stages of a job are is told by the [`Pipeline`] of whoever composes the parts.
//!
//! ```
//! use std::sync::Arc;
//!
//! use ingest::{
//!     Config, Feed, JobSpec, NoSinks, Parts, Pipeline, Refusal, Robots, Select, ServeConfig, Status,
//! };
//! use jobs::{
//!     Filter, JobId, LaneKey, LaneLimit, MemoryStore, Next, Record, Redrive, Stage, StageConfig,
//!     State, Store, SystemClock, Timestamp,
//! };
//! use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
//! use tokio::net::{TcpListener, TcpStream};
//! use tokio_util::sync::CancellationToken;
//! use url::Url;
//!
//! const FETCH: Stage = Stage::from_static("fetch");
//!
//! /// One stage, and nobody to tell.
//! struct OneStage;
//!
//! fn host(spec: &JobSpec) -> LaneKey {
//!     LaneKey::new(spec.url.host_str().unwrap_or_default())
//! }
//!
//! impl Pipeline for OneStage {
//!     fn first(&self, spec: &JobSpec) -> (Stage, LaneKey) {
//!         (FETCH, host(spec))
//!     }
//!     fn cancelled(&self, _: JobId, _: &JobSpec, _: Timestamp) -> Option<Next> {
//!         None
//!     }
//!     fn refetch(&self, spec: &JobSpec, now: Timestamp) -> Redrive {
//!         Redrive { stage: FETCH, lane: host(spec), due: now }
//!     }
//!     fn redeliver(&self, _: &JobSpec, _: Option<&str>, _: Timestamp) -> Option<Redrive> {
//!         None
//!     }
//!     fn status(&self, record: &Record) -> Status {
//!         match record.state {
//!             State::Waiting => Status::Queued,
//!             State::Leased => Status::Fetching,
//!             State::Done => Status::Fetched,
//!             State::Dead => Status::Failed,
//!             State::Cancelled => Status::Cancelled,
//!         }
//!     }
//!     fn filter(&self, _: Status) -> Filter {
//!         Filter::default()
//!     }
//!     fn admit_target(&self, _: &Url) -> Result<(), String> {
//!         Ok(())
//!     }
//!     fn admit_sink(&self, _: &Url) -> Result<(), String> {
//!         Err("there are no sinks here".to_owned())
//!     }
//!     fn admit_proxy(&self, _: &str) -> Result<(), String> {
//!         Err("there are no proxies here".to_owned())
//!     }
//!     fn admit_robots(&self, _: Robots) -> Result<(), String> {
//!         Ok(())
//!     }
//!     fn admit_select(&self, _: &Select) -> Result<(), Vec<Refusal>> {
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let stages = vec![StageConfig::new(FETCH, LaneLimit::default())];
//! let store = MemoryStore::new(jobs::Config { stages, ..jobs::Config::default() });
//! let parts = Parts {
//!     store: store.clone(),
//!     clock: Arc::new(SystemClock),
//!     pipeline: Arc::new(OneStage),
//!     sinks: Arc::new(NoSinks),
//!     feed: Feed::default(),
//!     metrics: Arc::new(String::new), // none
//! };
//! let (router, upkeep) = ingest::router(parts, Config::default());
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?;
//! let stop = CancellationToken::new();
//! let serving = ingest::serve(listener, router, ServeConfig::default(), stop.clone());
//! let asking = async {
//!     let mut stream = TcpStream::connect(address).await?;
//!     let job = r#"{"url":"https://example.com"}"#;
//!     let head = format!("POST / HTTP/1.0\r\nContent-Length: {}\r\n\r\n", job.len());
//!     stream.write_all((head + job).as_bytes()).await?;
//!     let mut answer = String::new();
//!     stream.read_to_string(&mut answer).await?;
//!     stop.cancel();
//!     std::io::Result::Ok(answer)
//! };
//! let (served, answer, ()) = tokio::join!(serving, asking, upkeep.run(stop.clone()));
//! served?;
//! assert!(answer?.starts_with("HTTP/1.0 202 Accepted"));
//! assert_eq!(store.counts().live(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Failure modes
//! Whatever a client sends ends in an answer below 500 with `application/problem+json` (RFC 9457)
//! that names the fault's place. A full queue, a full disk and a broken store are 503 with
//! `Retry-After`. A job answered with 202 is on disk; a client that goes away after its request
//! was received does not take it back.

mod accept;
mod auth;
mod batch;
mod batches;
mod body;
mod budget;
mod config;
mod connection;
mod definition;
mod derived;
mod description;
mod docs;
mod events;
mod feed;
mod fields;
mod firecrawl;
mod keys;
mod links;
mod list;
mod manage;
mod meters;
mod nearest;
mod ops;
mod parse;
mod pipeline;
mod prefer;
mod problem;
mod pull;
mod quantity;
mod range;
mod read;
mod redrive;
mod router;
mod schedule;
mod schedules;
mod scraper_api;
mod select;
mod selection;
mod serve;
mod shim;
mod sink;
mod sink_file;
mod sink_view;
mod sinks;
mod site;
mod spec;
mod stored;
mod strict;
mod submission;
mod submit;
mod tls;
mod upkeep;
mod validate;
mod view;
mod wait;

pub use config::{Config, Limits, ServeConfig};
pub use feed::Feed;
pub use firecrawl::webhook_body as firecrawl_body;
pub use keys::StoredKeys;
pub use links::Links;
pub use pipeline::{NoSinks, Pipeline, Refusal, Sinks, Status, UnknownStatus};
pub use router::{Parts, router};
pub use scraper_api::callback_body as scraper_api_body;
pub use select::{Pick, Rule, Select};
pub use serve::{serve, serve_tls};
pub use sink::{BatchSpec, Disabled, EventFormat, NamedSink, SINKS, SinkSecret, SinkSpec};
pub use sink_file::sinks_from_toml;
pub use site::{NotAnOrigin, Origin};
pub use spec::{Cache, Format, HtmlName, InvalidSpec, JobSpec, Priority, Robots, Scope, Sink};
pub use tls::{Tls, TlsError};
pub use upkeep::Upkeep;
