//! What there is in a store, backend or not.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Blob;
use crate::{JobId, Priority, State, Verdict};

/// One thing in a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// A document.
    Document(Document),
    /// How the jobs of a group went.
    Group(Group),
    /// What is known of a lane.
    Lane(Lane),
    /// A note.
    Note(Note),
    /// A job.
    Job(Box<Job>),
}

/// The kinds of items, in the order in which they are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Item::Document`]
    Document,
    /// [`Item::Group`]
    Group,
    /// [`Item::Lane`]
    Lane,
    /// [`Item::Note`]
    Note,
    /// [`Item::Job`]
    Job,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Document, Self::Group, Self::Lane, Self::Note, Self::Job];
}

impl Item {
    /// What it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Document(_) => Kind::Document,
            Self::Group(_) => Kind::Group,
            Self::Lane(_) => Kind::Lane,
            Self::Note(_) => Kind::Note,
            Self::Job(_) => Kind::Job,
        }
    }

    /// Its size, roughly.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Document(document) => document.value.0.len(),
            Self::Note(note) => note.value.0.len(),
            Self::Job(job) => {
                let result = job.result.as_ref().map_or(0, |result| result.0.len());
                let ledger = job.ledger.as_ref().map_or(0, |ledger| ledger.0.len());
                job.spec.0.len() + result + ledger
            }
            Self::Group(_) | Self::Lane(_) => 0,
        }
    }
}

/// A document ([`crate::Store::put_document`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What the key is a key of.
    pub space: String,
    /// Under what it is found.
    pub key: String,
    /// What it says.
    pub value: Blob,
}

/// How the jobs of a group went ([`crate::Group`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Which group.
    #[serde(with = "id")]
    pub id: JobId,
    /// Jobs that were accepted.
    pub jobs: u64,
    /// Those first judged to have succeeded.
    pub succeeded: u64,
    /// To have failed.
    pub failed: u64,
    /// To be called off.
    pub cancelled: u64,
    /// To have found nothing new.
    pub unchanged: u64,
}

/// What is known of a lane. Times are milliseconds since the Unix epoch, 0 for never.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// Its stage.
    pub stage: String,
    /// Its key.
    pub lane: String,
    /// The end of a pause that was asked for.
    pub paused: u64,
    /// The end of a back-off.
    pub backoff: u64,
    /// Least milliseconds between claims that were asked for.
    pub interval: u64,
    /// Back-offs in a row.
    pub failures: u32,
    /// Since when it has been failing.
    pub failing: u64,
    /// When any of this was last told.
    pub heard: u64,
}

/// A note ([`crate::Store::note`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// What the key is a key of.
    pub space: String,
    /// Under what it is found: 32 bytes.
    pub key: Blob,
    /// What is remembered.
    pub value: Blob,
    /// Until when, in milliseconds since the Unix epoch.
    pub expires: u64,
}

/// A job with everything of it. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Its identity.
    #[serde(with = "id")]
    pub id: JobId,
    /// Where it is in its life; what was in hand waits.
    pub state: Stand,
    /// The stage it is or was last in.
    pub stage: String,
    /// Its lane there.
    pub lane: String,
    /// When it was accepted.
    pub created: u64,
    /// When it last changed.
    pub updated: u64,
    /// When it may next be claimed.
    pub due: u64,
    /// How often it was claimed, or more.
    pub epoch: u32,
    /// Attempts charged in this stage.
    pub attempts: u32,
    /// When its time is up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// What was judged of it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "verdict")]
    pub verdict: Option<Verdict>,
    /// The last failure, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The group it is counted in.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_id")]
    pub group: Option<JobId>,
    /// Which of the jobs that are due goes first.
    #[serde(default, skip_serializing_if = "is_normal", with = "priority")]
    pub priority: Priority,
    /// Whether it was over before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redriven: bool,
    /// Its idempotency key, if it still holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// What attempts left behind, as it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Blob>,
    /// What was accepted.
    pub spec: Blob,
    /// What was made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Blob>,
}

/// An idempotency key that a job holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The caller's key.
    pub key: String,
    /// The digest of what was asked for.
    pub fingerprint: Blob,
}

/// Where a job is in its life, as far as that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    /// Not over.
    Waiting,
    /// Ended as it should.
    Done,
    /// Given up.
    Dead,
    /// Called off.
    Cancelled,
}

impl From<State> for Stand {
    /// A lease does not last.
    fn from(state: State) -> Self {
        match state {
            State::Waiting | State::Leased => Self::Waiting,
            State::Done => Self::Done,
            State::Dead => Self::Dead,
            State::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Stand> for State {
    fn from(stand: Stand) -> Self {
        match stand {
            Stand::Waiting => Self::Waiting,
            Stand::Done => Self::Done,
            Stand::Dead => Self::Dead,
            Stand::Cancelled => Self::Cancelled,
        }
    }
}

/// An id as it is written everywhere else.
mod id {
    use super::*;

    pub(super) fn serialize<S: Serializer>(id: &JobId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<JobId, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

mod some_id {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        id: &Option<JobId>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        id.map(|id| id.to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<JobId>, D::Error> {
        id::deserialize(from).map(Some)
    }
}

/// The names of verdicts.
mod verdict {
    use super::*;

    const VERDICTS: [Verdict; 4] =
        [Verdict::Succeeded, Verdict::Failed, Verdict::Cancelled, Verdict::Unchanged];
    const NAMES: [&str; 4] = ["succeeded", "failed", "cancelled", "unchanged"];

    pub(super) fn serialize<S: Serializer>(
        verdict: &Option<Verdict>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let name = |of: Verdict| VERDICTS.iter().position(|v| *v == of).map(|at| NAMES[at]);
        verdict.and_then(name).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Verdict>, D::Error> {
        let text = String::deserialize(from)?;
        let at = NAMES.iter().position(|name| *name == text);
        let unknown = || serde::de::Error::unknown_variant(&text, &NAMES);
        at.map(|at| Some(VERDICTS[at])).ok_or_else(unknown)
    }
}

fn is_normal(priority: &Priority) -> bool {
    *priority == Priority::Normal
}

/// The names of priorities.
mod priority {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        priority: &Priority,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match priority {
            Priority::Low => "low",
            Priority::Normal => "normal",
            Priority::High => "high",
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Priority, D::Error> {
        match String::deserialize(from)?.as_str() {
            "low" => Ok(Priority::Low),
            "normal" => Ok(Priority::Normal),
            "high" => Ok(Priority::High),
            other => Err(serde::de::Error::unknown_variant(other, &["low", "normal", "high"])),
        }
    }
}
