//! The durable staged job queue.

mod config;
mod driver;
mod error;
mod job;
mod lane;
mod memory;
mod scheduler;
mod sqlite;
mod stage_queue;
mod store;
mod time;
mod transition;

pub use config::Config;
pub use driver::{Drained, DriverConfig, Finish, Running, Work, drive};
pub use error::{Error, ErrorKind, Result};
pub use job::{
    Claimed, Idempotency, InvalidJobId, JobId, LaneKey, Lease, NewJob, Next, Outcome, Record,
    Settled, Settlement, Stage, State, Submitted, Verdict,
};
pub use memory::MemoryStore;
pub use sqlite::{SqliteConfig, SqliteStore};
pub use store::{
    Bounds, Cancelled, Counts, Filter, LaneLimit, LaneView, Redrive, Redriven, StageConfig,
    StageCounts, Store, Swept,
};
pub use time::{Clock, SystemClock, Timestamp};
pub use transition::{Change, Event, Refusal, Row, transition};
