//! A schedule as people write it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jobs::{JobId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::rule;
use super::stored::{Known, Missed, Schedule, tag};
use crate::accept::Ready;
use crate::auth::Caller;
use crate::definition::{NAME_RULE, is_name};
use crate::problem::{Fault, Kind, Problem};
use crate::quantity::{self, DurationText, duration_text};
use crate::schedule::{NOT_A_TIME, instant};
use crate::validate::millis;
use crate::view::rfc3339;
use crate::{parse, strict::Strict};

/// Longest job in bytes.
const MAX_JOB_BYTES: usize = 16 << 10;
/// From one run to the next.
const MIN_PERIOD: Duration = Duration::from_secs(1);
const MAX_PERIOD: Duration = Duration::from_hours(366 * 24);
const MAX_JITTER: Duration = Duration::from_hours(24);

/// A schedule to be made.
#[derive(Deserialize, ToSchema)]
#[schema(as = ScheduleDefinition)]
#[serde(
    deny_unknown_fields,
    expecting = "an object such as {\"name\": \"daily\", \"cron\": \"0 6 * * *\", \"job\": \
                 {\"url\": \"https://example.com\"}}"
)]
pub(crate) struct Definition<'a> {
    /// 1 to 64 of `a-z`, `0-9`, `-` and `_`. Its jobs have the tag `schedule:<name>`.
    #[serde(borrow)]
    #[schema(value_type = String, example = "daily")]
    name: Option<Cow<'a, str>>,
    /// Five fields, six with seconds in front, or a name such as `@hourly`.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = "0 6 * * MON-FRI")]
    cron: Option<Cow<'a, str>>,
    /// The zone that `cron` is read in, by its IANA name; UTC when it is left out.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = "Europe/Berlin")]
    time_zone: Option<Cow<'a, str>>,
    /// Instead of `cron`: from one run to the next, such as `15m`.
    #[schema(value_type = Option<String>)]
    every: Option<DurationText>,
    /// Each run is later by up to this, always by the same.
    #[schema(value_type = Option<String>)]
    jitter: Option<DurationText>,
    /// What becomes of runs that fell in a time when no server ran, or the schedule was paused.
    missed: Option<Missed>,
    /// No run before this.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, format = DateTime)]
    start_at: Option<Cow<'a, str>>,
    /// No run after this.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, format = DateTime)]
    end_at: Option<Cow<'a, str>>,
    /// Whether it waits to be resumed.
    paused: Option<bool>,
    /// What is submitted at each run, as in `POST /v1/jobs`.
    #[serde(borrow)]
    #[schema(value_type = Object)]
    job: Option<&'a RawValue>,
}

impl Definition<'_> {
    /// The schedule that is defined, or everything that is wrong with it. `judge` says what is
    /// wrong with the job.
    fn check(
        self,
        now_ms: u64,
        judge: impl FnOnce(&str, &RawValue) -> Result<(), Problem>,
    ) -> Result<Schedule, Problem> {
        let mut faults = Vec::new();
        let name = self.name.unwrap_or_default().into_owned();
        if !is_name(&name) {
            let detail = if name.is_empty() { "is required" } else { NAME_RULE };
            faults.push(Fault::at("/name", detail));
        }
        beat(self.cron.as_deref(), self.every, &mut faults);
        let time_zone = zone(self.time_zone.as_deref(), self.every.is_some(), &mut faults);
        let jitter_ms = self.jitter.map(|jitter| {
            bounded("/jitter", jitter.0, Duration::ZERO, MAX_JITTER, &mut faults);
            millis(jitter.0)
        });
        let start_ms = moment("/start_at", self.start_at.as_deref(), &mut faults);
        let end_ms = moment("/end_at", self.end_at.as_deref(), &mut faults);
        if start_ms.zip(end_ms).is_some_and(|(start, end)| start > end) {
            faults.push(Fault::at("/end_at", "is before `start_at`"));
        }
        let job = match self.job {
            Some(job) => {
                judged(judge(&name, job), &mut faults)?;
                job.to_owned()
            }
            None => {
                faults.push(Fault::at("/job", "is required"));
                RawValue::NULL.to_owned()
            }
        };
        if !faults.is_empty() {
            return Err(invalid(faults));
        }
        Ok(Schedule {
            name,
            owner: None,
            cron: self.cron.map(Cow::into_owned),
            time_zone,
            every_ms: self.every.map(|every| millis(every.0)),
            jitter_ms: jitter_ms.filter(|ms| *ms > 0),
            missed: self.missed.unwrap_or_default(),
            start_ms,
            end_ms,
            paused_ms: self.paused.unwrap_or_default().then_some(now_ms),
            job,
            created_ms: now_ms,
            updated_ms: now_ms,
            since_ms: now_ms,
            after_ms: now_ms,
            awake_ms: 0,
            last: None,
        })
    }
}

/// Adds what is wrong with a job; what cannot even be read is a problem by itself.
fn judged(judgement: Result<(), Problem>, faults: &mut Vec<Fault>) -> Result<(), Problem> {
    let Err(problem) = judgement else {
        return Ok(());
    };
    if matches!(problem.kind(), Kind::Unreadable) {
        return Err(problem);
    }
    faults.extend(problem.into_faults().into_iter().map(|fault| fault.below("/job")));
    Ok(())
}

fn beat(cron: Option<&str>, every: Option<DurationText>, faults: &mut Vec<Fault>) {
    match (cron, every) {
        (None, None) => faults.push(Fault::at("/cron", "give `cron` or `every`")),
        (Some(_), Some(_)) => {
            faults.push(Fault::at("/every", "give `cron` or `every`, not both"));
        }
        (Some(text), None) => {
            if let Err(detail) = rule::cron(text) {
                faults.push(Fault::at("/cron", detail));
            }
        }
        (None, Some(every)) => bounded("/every", every.0, MIN_PERIOD, MAX_PERIOD, faults),
    }
}

/// A time zone's name as the database writes it.
fn zone(given: Option<&str>, is_period: bool, faults: &mut Vec<Fault>) -> Option<String> {
    let name = given?;
    if is_period {
        faults.push(Fault::at("/time_zone", "is for `cron`: a period has no zone"));
        return None;
    }
    let zone = TimeZone::get(name).ok();
    let known = zone.as_ref().and_then(TimeZone::iana_name).map(ToOwned::to_owned);
    if known.is_none() {
        let detail = "not a time zone of the IANA database such as \"Europe/Berlin\"";
        faults.push(Fault::at("/time_zone", detail));
    }
    known
}

fn bounded(at: &str, given: Duration, least: Duration, most: Duration, faults: &mut Vec<Fault>) {
    let text = |bound| duration_text(millis(bound));
    if given < least {
        faults.push(Fault::at(at, format!("must be at least {}", text(least))));
    } else if given > most {
        faults.push(Fault::at(at, format!("over this server's limit of {}", text(most))));
    }
}

fn moment(at: &str, given: Option<&str>, faults: &mut Vec<Fault>) -> Option<u64> {
    let moment = instant(given?);
    if moment.is_none() {
        faults.push(Fault::at(at, NOT_A_TIME));
    }
    moment.map(Timestamp::as_millis)
}

/// Makes a job of what a schedule submits.
pub(super) fn ready(caller: &Caller, name: &str, job: &RawValue) -> Result<Ready, Problem> {
    let mut given = parse::submission(job.get().as_bytes())?;
    let mut faults = Vec::new();
    if job.get().len() > MAX_JOB_BYTES {
        faults.push(Fault::at("", format!("a schedule's job has at most {MAX_JOB_BYTES} bytes")));
    }
    if given.not_before.is_some() {
        faults.push(Fault::at("/not_before", "each run has its own time; give `delay`"));
    }
    if given.deadline.as_deref().is_some_and(|text| quantity::duration(text).is_none()) {
        faults.push(Fault::at("/deadline", "give a duration such as \"5m\", from each run"));
    }
    if !faults.is_empty() {
        return Err(Problem::faulty(Kind::Invalid, faults));
    }
    let tags = given.tags.get_or_insert_default();
    let tag = tag(name);
    if !tags.contains(&tag) {
        tags.push(tag);
    }
    caller.prepare(given, None, caller.clock.now())
}

/// Reads a new schedule, and has it judged.
pub(super) fn new(caller: &Caller, body: &[u8]) -> Result<Known, Problem> {
    let given: Definition<'_> = parse::object(body, Kind::InvalidRequest)?;
    let now = caller.clock.now();
    let mut schedule =
        given.check(now.as_millis(), |name, job| ready(caller, name, job).map(drop))?;
    schedule.owner = caller.owner().map(|owner| owner.as_ref().to_owned());
    coming(JobId::draw(), schedule, now)
}

/// A changed schedule: a merge patch (RFC 7396) of it as it was defined, in which `job` is
/// replaced as a whole.
pub(super) fn patched(caller: &Caller, old: &Known, body: &[u8]) -> Result<Known, Problem> {
    let patch: Members<'_> = members(body)?;
    let written = serde_json::to_vec(&Written::new(&old.schedule)).expect("every key is a string");
    let mut merged: Members<'_> = members(&written)?;
    let is_given = |field: &str| patch.get(field).is_some_and(|value| value.get() != "null");
    if is_given("cron") && !is_given("every") {
        merged.remove("every");
    }
    if is_given("every") && !is_given("cron") {
        merged.remove("cron");
        merged.remove("time_zone");
    }
    let has_job = patch.contains_key("job");
    merged.extend(patch);
    let merged = serde_json::to_vec(&merged).expect("every key is a string");
    let given: Definition<'_> = parse::object(&merged, Kind::InvalidRequest)?;
    let now = caller.clock.now();
    let owner = old.schedule.owner.as_deref().map(Arc::from);
    let on_behalf = Caller::on_behalf(&caller.shared(), owner);
    let judge = |name: &str, job: &RawValue| match has_job {
        true => ready(&on_behalf, name, job).map(drop),
        // A sink that is gone does not stand in the way of a change of something else.
        false => Ok(()),
    };
    let schedule = given.check(now.as_millis(), judge)?;
    if schedule.name != old.schedule.name {
        let detail = "cannot be changed: its jobs are found by it";
        return Err(invalid(vec![Fault::at("/name", detail)]));
    }
    changed(old, schedule, now)
}

/// What is kept of a schedule that another one takes the place of.
fn changed(old: &Known, mut new: Schedule, now: Timestamp) -> Result<Known, Problem> {
    let now_ms = now.as_millis();
    let before = &old.schedule;
    new.owner.clone_from(&before.owner);
    new.created_ms = before.created_ms;
    new.last.clone_from(&before.last);
    new.after_ms = before.after_ms;
    new.awake_ms = before.awake_ms;
    if new.every_ms == before.every_ms {
        new.since_ms = before.since_ms;
    }
    let is_paused = new.paused_ms.is_some();
    new.paused_ms = before.paused_ms;
    if is_paused {
        new.pause(now_ms);
    } else {
        new.resume(now_ms);
    }
    let timing = |of: &Schedule| {
        (of.cron.clone(), of.time_zone.clone(), of.every_ms, of.start_ms, of.end_ms)
    };
    if timing(&new) == timing(before) {
        return Known::new(old.id, new).map_err(unusable);
    }
    new.restart(now_ms);
    coming(old.id, new, now)
}

/// A schedule with a run to come.
fn coming(id: JobId, schedule: Schedule, now: Timestamp) -> Result<Known, Problem> {
    let known = Known::new(id, schedule).map_err(unusable)?;
    if known.next(now).is_none() {
        let (at, detail) = match known.schedule.end_ms {
            Some(_) => ("/end_at", "there is no run before this"),
            None => ("/cron", "this never comes"),
        };
        return Err(invalid(vec![Fault::at(at, detail)]));
    }
    Ok(known)
}

/// What was checked, and cannot be used all the same.
fn unusable(detail: String) -> Problem {
    invalid(vec![Fault::at("", detail)])
}

fn invalid(faults: Vec<Fault>) -> Problem {
    Problem::faulty(Kind::InvalidRequest, faults)
}

/// The members of an object, as they stand.
pub(super) type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

fn members(body: &[u8]) -> Result<Members<'_>, Problem> {
    parse::object::<Strict>(body, Kind::InvalidRequest)?;
    let text = str::from_utf8(body).unwrap_or_default();
    serde_json::from_str(text).map_err(|_| {
        invalid(vec![Fault::at("", "an object such as {\"paused\": true} is expected")])
    })
}

/// A schedule's definition in the words it is given in.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter: Option<String>,
    missed: Missed,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<jiff::Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_at: Option<jiff::Timestamp>,
    paused: bool,
    job: &'a RawValue,
}

impl<'a> Written<'a> {
    fn new(schedule: &'a Schedule) -> Self {
        let time = |ms: u64| rfc3339(Timestamp::from_millis(ms));
        Self {
            name: &schedule.name,
            cron: schedule.cron.as_deref(),
            time_zone: schedule.time_zone.as_deref(),
            every: schedule.every_ms.map(duration_text),
            jitter: schedule.jitter_ms.map(duration_text),
            missed: schedule.missed,
            start_at: schedule.start_ms.map(time),
            end_at: schedule.end_ms.map(time),
            paused: schedule.paused_ms.is_some(),
            job: &schedule.job,
        }
    }
}
