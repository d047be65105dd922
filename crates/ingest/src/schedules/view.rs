//! A schedule as its owner sees it.

use std::collections::BTreeMap;

use jobs::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::stored::{Known, Last, Missed, Outcome};
use crate::quantity::duration_text;
use crate::view::{rfc3339, status_url};

/// Runs to come that are shown.
const SHOWN: usize = 5;
/// Members of a job that may hold secrets.
const HIDDEN: [&str; 5] = ["headers", "cookies", "body", "body_base64", "proxy"];

/// A schedule.
#[derive(Serialize, ToSchema)]
#[schema(as = Schedule)]
pub(crate) struct ScheduleView {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter: Option<String>,
    missed: Missed,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    start_at: Option<jiff::Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    end_at: Option<jiff::Timestamp>,
    paused: bool,
    /// What is submitted, without what may hold secrets: header fields, cookies, the body and the
    /// proxy. Left out in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    job: Option<Box<RawValue>>,
    /// The next runs, in a list only the next one; none while it is paused or when it is over.
    #[schema(value_type = Vec<String>)]
    next_at: Vec<jiff::Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<LastView>,
    #[schema(value_type = String, format = DateTime)]
    created_at: jiff::Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: jiff::Timestamp,
}

/// The latest run.
#[derive(Serialize, ToSchema)]
#[schema(as = ScheduleRun)]
pub(crate) struct LastView {
    #[schema(value_type = String, format = DateTime)]
    at: jiff::Timestamp,
    /// Its time by the rule; absent when it was asked for by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    planned_at: Option<jiff::Timestamp>,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_url: Option<String>,
    /// Why there is no job.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl LastView {
    fn new(last: &Last) -> Self {
        Self {
            at: time(last.at_ms),
            planned_at: last.planned_ms.map(time),
            outcome: last.outcome,
            job_id: last.job.clone(),
            status_url: last.job.as_deref().and_then(|id| id.parse().ok()).map(status_url),
            detail: last.detail.clone(),
        }
    }
}

fn time(ms: u64) -> jiff::Timestamp {
    rfc3339(Timestamp::from_millis(ms))
}

impl ScheduleView {
    /// The whole.
    pub(super) fn new(known: &Known, now: Timestamp) -> Self {
        let job = Some(without_secrets(&known.schedule.job));
        Self { job, ..Self::shown(known, now, SHOWN) }
    }

    /// One of many.
    pub(super) fn brief(known: &Known, now: Timestamp) -> Self {
        Self::shown(known, now, 1)
    }

    fn shown(known: &Known, now: Timestamp, runs: usize) -> Self {
        let schedule = &known.schedule;
        let runs = if schedule.paused_ms.is_some() { 0 } else { runs };
        let next = known.rule.following(known.after(now)).take(runs);
        Self {
            id: known.id.to_string(),
            name: schedule.name.clone(),
            cron: schedule.cron.clone(),
            time_zone: schedule.time_zone.clone(),
            every: schedule.every_ms.map(duration_text),
            jitter: schedule.jitter_ms.map(duration_text),
            missed: schedule.missed,
            start_at: schedule.start_ms.map(time),
            end_at: schedule.end_ms.map(time),
            paused: schedule.paused_ms.is_some(),
            job: None,
            next_at: next.map(|run| rfc3339(run.at)).collect(),
            last: schedule.last.as_ref().map(LastView::new),
            created_at: time(schedule.created_ms),
            updated_at: time(schedule.updated_ms),
        }
    }
}

type Members = BTreeMap<String, Box<RawValue>>;

fn without_secrets(job: &RawValue) -> Box<RawValue> {
    let shown = members(job).and_then(|mut job| {
        job.retain(|name, _| !HIDDEN.contains(&name.as_str()));
        if let Some(mut sink) = job.get("sink").and_then(|sink| members(sink)) {
            sink.remove("headers");
            job.insert("sink".to_owned(), raw(&sink)?);
        }
        raw(&job)
    });
    shown.unwrap_or_else(|| RawValue::NULL.to_owned())
}

fn members(object: &RawValue) -> Option<Members> {
    serde_json::from_str(object.get()).ok()
}

fn raw(members: &Members) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(members).ok()
}
