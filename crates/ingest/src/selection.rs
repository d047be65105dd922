use std::sync::Arc;
use std::time::Duration;

use jobs::{Filter, JobId, Record, State, Timestamp};
use url::{Host, Url};

use crate::{JobSpec, Pipeline, Status, quantity, schedule};

/// Longest text that jobs are picked by, in bytes.
const MAX_TEXT_BYTES: usize = 2048;

/// Which jobs are meant: all that fit everything that is set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Any of these; empty for all.
    pub(crate) statuses: Vec<Status>,
    /// A sink's name, its URL or its lane.
    pub(crate) sink: Option<String>,
    /// The host of the job's URL, as URLs have it.
    pub(crate) host: Option<String>,
    /// One of the job's tags.
    pub(crate) tag: Option<String>,
    /// Accepted at this time or later, by their ids.
    pub(crate) since: Option<Timestamp>,
    /// Accepted before this time, by their ids.
    pub(crate) until: Option<Timestamp>,
    /// Accepted with this batch.
    pub(crate) batch: Option<JobId>,
    /// This owner's; `None` for everybody's.
    pub(crate) owner: Option<Arc<str>>,
}

impl Selection {
    /// What the store can pick by: it may match more.
    pub(crate) fn filter(&self, pipeline: &dyn Pipeline) -> Filter {
        let filter = match self.statuses.as_slice() {
            [] => Filter::default(),
            [only] => pipeline.filter(*only),
            several if several.iter().all(|status| status.is_over()) => {
                let states = vec![State::Done, State::Dead, State::Cancelled];
                Filter { states, ..Filter::default() }
            }
            _ => Filter::default(),
        };
        let owner = self.owner.clone();
        Filter { since: self.since, until: self.until, group: self.batch, owner, ..filter }
    }

    /// Where a walk from the newest to the oldest begins: before this job.
    pub(crate) fn begin(&self, cursor: Option<JobId>) -> Option<JobId> {
        match (cursor, self.until.map(JobId::floor)) {
            (Some(cursor), Some(end)) => Some(cursor.min(end)),
            (cursor, end) => cursor.or(end),
        }
    }

    /// Whether such a walk is over at this job.
    pub(crate) fn is_past(&self, id: JobId) -> bool {
        self.since.is_some_and(|since| id < JobId::floor(since))
    }

    /// Whether most of what the store gives may turn out not to fit.
    pub(crate) const fn is_narrow(&self) -> bool {
        self.sink.is_some() || self.host.is_some() || self.tag.is_some()
    }

    /// Whether the job is meant, as far as its record tells.
    pub(crate) fn admits(&self, pipeline: &dyn Pipeline, record: &Record) -> bool {
        self.owner.as_ref().is_none_or(|own| record.owner.as_ref() == Some(own))
            && (self.statuses.is_empty() || self.statuses.contains(&pipeline.status(record)))
            && !self.is_past(record.id)
            && self.until.is_none_or(|until| record.id < JobId::floor(until))
    }

    /// Whether it is, as far as what it asked for tells.
    pub(crate) fn admits_spec(&self, record: &Record, spec: &JobSpec) -> bool {
        self.sink.as_deref().is_none_or(|sink| goes_to(sink, record, spec))
            && self.host.as_deref().is_none_or(|host| spec.url.host_str() == Some(host))
            && self.tag.as_ref().is_none_or(|tag| spec.tags.contains(tag))
    }
}

/// Whether a job's event goes, or was last sent, to this sink.
fn goes_to(sink: &str, record: &Record, spec: &JobSpec) -> bool {
    spec.sink_name.as_deref() == Some(sink)
        || record.lane.as_str() == sink
        || spec.sink.as_ref().is_some_and(|own| own.url.as_str() == sink || bare(&own.url) == sink)
}

/// The URL without its query, which may hold secrets that a caller does not want to repeat.
fn bare(url: &Url) -> &str {
    let end = url.as_str().find(['?', '#']).unwrap_or(url.as_str().len());
    &url.as_str()[..end]
}

/// The name of a sink, or its URL in the spelling that URLs are kept in.
pub(crate) fn sink(text: &str) -> Result<String, &'static str> {
    let text = words(text)?;
    match Url::parse(&text) {
        Ok(url) if text.contains("://") => Ok(url.into()),
        _ => Ok(text),
    }
}

/// A host in the spelling that URLs are kept in.
pub(crate) fn host(text: &str) -> Result<String, &'static str> {
    match Host::parse(text) {
        Ok(host) => Ok(host.to_string()),
        Err(_) => Err("not a host such as example.com; give it without a port"),
    }
}

/// A tag, or what else is a text of its owner's.
pub(crate) fn words(text: &str) -> Result<String, &'static str> {
    match text.len() {
        1..=MAX_TEXT_BYTES => Ok(text.to_owned()),
        _ => Err("must have 1 to 2048 bytes"),
    }
}

/// A time as callers write it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    At(Timestamp),
    Ago(Duration),
}

impl Moment {
    pub(crate) fn read(text: &str) -> Result<Self, &'static str> {
        let ago = quantity::duration(text).map(Self::Ago);
        ago.or_else(|| schedule::instant(text).map(Self::At)).ok_or(
            "neither a duration before now such as \"24h\" nor an RFC 3339 time such as \
             \"2026-11-22T10:00:00Z\"",
        )
    }

    pub(crate) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(time) => now - time,
        }
    }
}
