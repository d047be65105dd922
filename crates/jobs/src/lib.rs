//! The durable staged job queue.

mod config;
mod error;
mod job;
mod lane;
mod memory;
mod scheduler;
mod stage_queue;
mod store;
mod time;
mod transition;

pub use config::Config;
pub use error::{Error, ErrorKind, Result};
pub use job::{
    Claimed, Idempotency, InvalidJobId, JobId, LaneKey, Lease, NewJob, Next, Outcome, Record,
    Settled, Settlement, Stage, State, Submitted, Verdict,
};
pub use memory::MemoryStore;
pub use store::{
    Bounds, Cancelled, Counts, Filter, LaneLimit, LaneView, Redrive, Redriven, StageConfig,
    StageCounts, Store, Swept,
};
pub use time::{Clock, SystemClock, Timestamp};
pub use transition::{Change, Event, Refusal, Row, transition};
