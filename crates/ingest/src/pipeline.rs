use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use jobs::{Filter, JobId, LaneKey, Next, Record, Redrive, Stage, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use crate::{JobSpec, NamedSink, Robots, Select, SinkSpec};

/// What only the composition root knows: the order of the stages and the rules of each.
pub trait Pipeline: Send + Sync + 'static {
    /// Where a new job starts.
    fn first(&self, spec: &JobSpec) -> (Stage, LaneKey);

    /// Where a job goes that is called off, with the event that tells of it; `None` when there is
    /// nobody to tell.
    fn cancelled(&self, id: JobId, spec: &JobSpec, now: Timestamp) -> Option<Next>;

    /// Where a job that is over starts again from its URL.
    fn refetch(&self, spec: &JobSpec, now: Timestamp) -> Redrive;

    /// Where the stored event of a job that is over is sent again: to its own sink, or to the one
    /// named `to`; `None` when there is no such sink.
    fn redeliver(&self, spec: &JobSpec, to: Option<&str>, now: Timestamp) -> Option<Redrive>;

    /// Where a job's events go, without what may be secret, if any of this type are sent; `None`
    /// when nobody is told.
    fn told_at(&self, spec: &JobSpec, _kind: &str) -> Option<Url> {
        spec.sink.as_ref().map(|sink| sink.url.clone())
    }

    /// What a job's record means to its owner.
    fn status(&self, record: &Record) -> Status;

    /// The records that may have this status. It may match more than [`Pipeline::status`] says:
    /// the rest is left out of the answer.
    fn filter(&self, status: Status) -> Filter;

    /// Whether this URL may be fetched, as far as its text tells; otherwise why not, for people.
    fn admit_target(&self, url: &Url) -> Result<(), String>;

    /// Whether events may be sent to this URL, as far as its text tells; otherwise why not.
    fn admit_sink(&self, url: &Url) -> Result<(), String>;

    /// Whether pages may be fetched through this proxy; otherwise why not, without repeating it,
    /// since it may hold a password.
    fn admit_proxy(&self, proxy: &str) -> Result<(), String>;

    /// Whether a job may have robots.txt treated like this; otherwise why not.
    fn admit_robots(&self, robots: Robots) -> Result<(), String>;

    /// Whether these fields can be picked: whether each selector and pattern can be read, and is
    /// within bounds. Otherwise everything that is wrong, for people.
    fn admit_select(&self, select: &Select) -> Result<(), Vec<Refusal>>;
}

/// What only the composition root knows of the sinks that have names.
pub trait Sinks: Send + Sync + 'static {
    /// The sinks that have a name, by it.
    fn sinks(&self) -> Vec<NamedSink>;

    /// The sink with this name.
    fn sink(&self, name: &str) -> Option<NamedSink>;

    /// Whether such a sink may be defined through the API: its scheme, its address, its secrets.
    /// Otherwise everything that is wrong, with JSON Pointers into the sink.
    fn admit_sink_spec(&self, spec: &SinkSpec) -> Result<(), Vec<Refusal>>;

    /// A sink was defined or changed (`Some`), or removed, and that is on disk: it holds from now
    /// on. For one of the operator's, only its being disabled counts.
    fn sink_changed(&self, name: &str, spec: Option<SinkSpec>);

    /// A new signing secret, `whsec_…`, or with `asymmetric` `whsk_…`; and what a receiver
    /// verifies with when that is not the secret itself (`whpk_…`).
    fn new_secret(&self, asymmetric: bool) -> (String, Option<String>);

    /// What a receiver verifies with, for a secret of an existing sink: `whpk_…`; `None` for
    /// `whsec_…`, which only its owner has.
    fn public_key(&self, secret: &str) -> Option<String>;

    /// The stage and lane in which the events of this sink wait for whoever pulls them; `None`
    /// when it is not there or not one to pull from.
    fn pulled(&self, name: &str) -> Option<(Stage, LaneKey)>;

    /// The body that this sink's events have: as [`crate::EventFormat`] says, cut down to a link when it
    /// is above the inline limit.
    fn pulled_body(&self, name: &str, id: JobId, event: Bytes) -> Bytes;
}

/// No sink has a name, and none can get one.
#[derive(Clone, Copy, Debug)]
pub struct NoSinks;

impl Sinks for NoSinks {
    fn sinks(&self) -> Vec<NamedSink> {
        Vec::new()
    }

    fn sink(&self, _: &str) -> Option<NamedSink> {
        None
    }

    fn admit_sink_spec(&self, _: &SinkSpec) -> Result<(), Vec<Refusal>> {
        let detail = "there are no named sinks here".to_owned();
        Err(vec![Refusal { pointer: String::new(), detail }])
    }

    fn sink_changed(&self, _: &str, _: Option<SinkSpec>) {}

    fn new_secret(&self, _: bool) -> (String, Option<String>) {
        (String::new(), None)
    }

    fn public_key(&self, _: &str) -> Option<String> {
        None
    }

    fn pulled(&self, _: &str) -> Option<(Stage, LaneKey)> {
        None
    }

    fn pulled_body(&self, _: &str, _: JobId, event: Bytes) -> Bytes {
        event
    }
}

/// What is wrong with one of a job's fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A JSON Pointer (RFC 6901) into what was judged, such as `/price/css`.
    pub pointer: String,
    /// For people.
    pub detail: String,
}

/// A job's place in its life, in its owner's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = JobStatus)]
pub enum Status {
    /// Waits to be fetched.
    Queued,
    /// Is being fetched.
    Fetching,
    /// Its event is on the way, or waits for its next attempt.
    Delivering,
    /// Its event arrived.
    Delivered,
    /// Fetched, with no sink to tell: the result is kept to be read.
    Fetched,
    /// The page is as it was; whoever asked to be told only of changes was told so.
    Unchanged,
    /// Could not be fetched, for good.
    Failed,
    /// Its event could not be delivered; kept and redrivable.
    Undelivered,
    /// Called off.
    Cancelled,
}

impl Status {
    /// All of them, in the order of a job's life.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Fetching,
        Self::Delivering,
        Self::Delivered,
        Self::Fetched,
        Self::Unchanged,
        Self::Failed,
        Self::Undelivered,
        Self::Cancelled,
    ];

    /// Whether the job is over unless somebody redrives it.
    pub(crate) const fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Fetching | Self::Delivering)
    }

    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Fetching => "fetching",
            Self::Delivering => "delivering",
            Self::Delivered => "delivered",
            Self::Fetched => "fetched",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Undelivered => "undelivered",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a status: expected queued, fetching, delivering, delivered, fetched, unchanged, failed, undelivered or cancelled"
)]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(s: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == s).ok_or(UnknownStatus)
    }
}
