//! A durable queue of jobs that pass through named stages.
//!
//! A job is accepted into a stage ([`Store::submit`]), waits in a lane of that stage, is claimed
//! under a lease, and is settled: on to another stage, again later, done, or dead. What each of
//! these means is decided by one pure function, [`transition()`]; the stores differ only in how
//! they make it last: [`MemoryStore`] not at all, [`SqliteStore`] on this machine's disk.
//! [`drive`] is the loop that claims, keeps leases alive, settles and drains.
//!
//! A **lane** is what jobs of one stage with the same key share: a limit of jobs in flight, a
//! least interval between starts, pauses, and a back-off while the other side fails, at once or
//! when a [`Breaker`] has seen enough of it. Workers tell of it when they settle ([`LaneNews`]),
//! others by [`Store::tell`]. Lanes are served in turn, so a long one holds nobody up, and jobs of a
//! higher [`Priority`] go first, but not all the time, so that the others are not forgotten;
//! and a job whose time is up, or whose lane fails for too long, is given out beside its lane's
//! limits so that its end can be told ([`Claimed::without_work`]).
//!
//! A job may have an owner, to be listed by, and a **group**, in which it is counted once, when the
//! first judgement is passed on it ([`Store::group`]).
//!
//! Beside its result a job keeps what workers told of its attempts ([`Store::attempts`]); beside
//! the jobs there are notes, which are forgotten some day ([`Store::note`]), and documents, which
//! are not ([`Store::put_document`]).
//!
//! [`moving`] carries everything from one store to another.
//!
//! This crate knows nothing of HTTP, of pages or of webhooks: a stage is a name, a spec and a
//! result are bytes.
//!
//! # Failure
//! * The process dies: what was accepted is there at the next start; what was in hand is given
//!   out again. Work must be safe to repeat.
//! * A worker stalls: its lease ends, the job goes to another, and the late outcome is answered
//!   with [`Settled::LeaseLost`].
//! * The disk is full: [`ErrorKind::NoSpace`] until there is space.
//! * A sync fails: [`ErrorKind::Unavailable`] until the store is opened again, because what the
//!   kernel dropped cannot be known.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//! use bytes::Bytes;
//! use futures_util::future::{BoxFuture, FutureExt};
//! use jobs::*;
//!
//! struct Shout;
//! impl Work for Shout {
//!     fn run(&self, job: Claimed) -> BoxFuture<'static, Finish> {
//!         let loud = job.spec.to_ascii_uppercase();
//!         let verdict = Some(Verdict::Succeeded);
//!         let done = Outcome::Done { verdict, result: Some(Bytes::from(loud)), note: None };
//!         std::future::ready(Finish::from(done)).boxed()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let stage = Stage::from_static("shout");
//! let stages = vec![StageConfig::new(stage.clone(), LaneLimit::default())];
//! let store: Arc<dyn Store> = MemoryStore::new(Config { stages, bounds: Bounds::default() });
//!
//! let stop = tokio_util::sync::CancellationToken::new();
//! let clock = Arc::new(SystemClock);
//! let config = DriverConfig::default();
//! let running =
//!     drive(store.clone(), clock, stage.clone(), Arc::new(Shout), config, stop.clone());
//!
//! let (id, now) = (JobId::draw(), SystemClock.now());
//! let spec = Bytes::from("hello");
//! let lane = LaneKey::new("anyone");
//! let job = NewJob::new(id, stage, lane, now, spec);
//! store.submit(vec![job], now).await?;
//!
//! while store.get(id).await?.is_some_and(|job| !job.state.is_terminal()) {
//!     tokio::task::yield_now().await;
//! }
//! assert_eq!(store.result(id).await?.as_deref(), Some(b"HELLO".as_slice()));
//! stop.cancel();
//! running.await?;
//! # Ok(())
//! # }
//! ```

mod config;
mod document;
mod driver;
mod due;
mod error;
mod groups;
mod idempotency;
mod job;
mod kin;
mod lane;
mod lane_limits;
mod lane_memo;
mod lane_news;
mod lane_window;
mod ledger;
mod memory;
pub mod moving;
mod note;
mod notes;
mod scheduler;
mod sqlite;
mod stage_queue;
mod store;
mod time;
mod transition;
mod turns;

pub use config::Config;
pub use driver::{Drained, DriverConfig, Finish, Running, Work, drive};
pub use error::{Error, ErrorKind, Result};
pub use job::{
    Claimed, Idempotency, InvalidJobId, JobId, LaneKey, Lease, NewJob, Next, Outcome, Priority,
    Record, Settled, Settlement, Stage, State, Submitted, Verdict, Why,
};
pub use lane_limits::{Breaker, Circuit, LaneLimit, LaneLimits};
pub use lane_news::{Health, LaneNews};
pub use memory::MemoryStore;
pub use note::{NewNote, Note};
pub use sqlite::{SqliteConfig, SqliteSource, SqliteStore, SqliteTarget};
pub use store::{
    Bounds, Cancelled, Counts, Filter, Group, LaneView, Redrive, Redriven, StageConfig,
    StageCounts, Store, Swept,
};
pub use time::{Clock, SystemClock, Timestamp};
pub use transition::{Change, Event, Refusal, Row, transition};
