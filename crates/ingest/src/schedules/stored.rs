//! A schedule as it is kept.

use std::time::Duration;

use bytes::Bytes;
use jiff::tz::TimeZone;
use jobs::{JobId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::rule::{self, Beat, Rule, Run};

/// The space of the store's documents that schedules are kept in, by their ids.
pub(crate) const SCHEDULES: &str = "schedules";

/// What becomes of runs whose time fell in a time when no server ran, or the schedule was paused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = MissedRuns)]
pub(crate) enum Missed {
    /// They are left out.
    Skip,
    /// The latest of them is made up for.
    #[default]
    Once,
    /// Each of them is made up for, at most the latest hundred.
    All,
}

/// What came of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ScheduleRunOutcome)]
pub(crate) enum Outcome {
    /// Its job was accepted.
    Submitted,
    /// Its job cannot be accepted any more; the schedule goes on.
    Refused,
    /// It was missed, and left out.
    Skipped,
    /// Its job could not be accepted yet, and is tried again.
    Retrying,
}

/// The latest run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Last {
    pub(crate) at_ms: u64,
    /// `None` when it was asked for by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) planned_ms: Option<u64>,
    pub(crate) outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

/// A schedule. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Schedule {
    pub(crate) name: String,
    /// The id of the key it was made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    /// Never together with `every_ms`, and one of them is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cron: Option<String>,
    /// An IANA name; `None` for UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) every_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jitter_ms: Option<u64>,
    pub(crate) missed: Missed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) start_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) paused_ms: Option<u64>,
    /// The submission, byte for byte as it came.
    pub(crate) job: Box<RawValue>,
    pub(crate) created_ms: u64,
    pub(crate) updated_ms: u64,
    /// What `every_ms` counts from when there is no `start_ms`.
    pub(crate) since_ms: u64,
    /// Runs planned up to here are dealt with.
    pub(crate) after_ms: u64,
    /// Runs before this were missed, if they were not made.
    pub(crate) awake_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last: Option<Last>,
}

/// Why a kept schedule is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("not what was written")]
    Damaged(#[from] serde_json::Error),
    #[error("{0}")]
    Rule(String),
}

impl Schedule {
    pub(crate) fn to_bytes(&self) -> Bytes {
        let bytes = serde_json::to_vec(self);
        Bytes::from(bytes.expect("every key is a string and a Vec takes every byte"))
    }

    /// What its runs are planned by.
    fn rule(&self, id: JobId) -> Result<Rule, String> {
        let beat = match (&self.cron, self.every_ms) {
            (Some(text), _) => {
                let zone = self.time_zone.as_deref().map_or(Ok(TimeZone::UTC), TimeZone::get);
                Beat::Cron(rule::cron(text)?, zone.map_err(|error| error.to_string())?)
            }
            (None, Some(period)) => Beat::Every {
                period: Duration::from_millis(period),
                from: Timestamp::from_millis(self.start_ms.unwrap_or(self.since_ms)),
            },
            (None, None) => return Err("neither `cron` nor `every`".to_owned()),
        };
        Ok(Rule {
            beat,
            start: self.start_ms.map(Timestamp::from_millis),
            end: self.end_ms.map(Timestamp::from_millis),
            jitter: Duration::from_millis(self.jitter_ms.unwrap_or_default()),
            id,
        })
    }

    /// Starts anew where a changed rule begins to hold: nothing before was missed.
    pub(crate) const fn restart(&mut self, now_ms: u64) {
        self.after_ms = now_ms;
    }

    pub(crate) fn pause(&mut self, now_ms: u64) {
        self.paused_ms.get_or_insert(now_ms);
    }

    /// What fell in the pause was missed.
    pub(crate) fn resume(&mut self, now_ms: u64) {
        if self.paused_ms.take().is_some() {
            self.awake_ms = now_ms;
        }
    }
}

/// What every job of a schedule can be found by.
pub(crate) fn tag(name: &str) -> String {
    format!("schedule:{name}")
}

/// A schedule that can be run.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) id: JobId,
    pub(crate) schedule: Schedule,
    pub(crate) rule: Rule,
    /// The first run that is not dealt with.
    next: Option<Run>,
}

impl Known {
    pub(crate) fn new(id: JobId, schedule: Schedule) -> Result<Self, String> {
        let rule = schedule.rule(id)?;
        let next = rule.next(Timestamp::from_millis(schedule.after_ms));
        Ok(Self { id, schedule, rule, next })
    }

    pub(crate) fn from_bytes(id: JobId, bytes: &[u8]) -> Result<Self, Unreadable> {
        Self::new(id, serde_json::from_slice(bytes)?).map_err(Unreadable::Rule)
    }

    /// The same after what `change` does to it, which leaves its rule as it is.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Schedule)) -> Self {
        let mut known = self.clone();
        change(&mut known.schedule);
        if known.schedule.after_ms != self.schedule.after_ms {
            known.next = known.rule.next(Timestamp::from_millis(known.schedule.after_ms));
        }
        known
    }

    /// Runs planned up to here are dealt with. Not what is to come: when the clock was ahead, runs
    /// may be dealt with that are to come once more, and are found to be there.
    pub(crate) fn after(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(self.schedule.after_ms).min(now)
    }

    /// The first run that is not dealt with.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Run> {
        if self.schedule.after_ms <= now.as_millis() { self.next } else { self.rule.next(now) }
    }
}
