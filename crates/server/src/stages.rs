//! The order of the pipeline: the only place that knows what comes after what.
//!
//! `scrape → deliver`. A job without a sink ends after the first stage, with its result kept.

mod deliver;
mod host;
mod lane;
mod ledger;
mod memory;
mod options;
mod proxy;
mod scrape;

use std::sync::Arc;

use bytes::Bytes;
use egress::{Allow, Policy};
use http::HeaderMap;
use ingest::{JobSpec, Pipeline, Refusal, Status};
use jobs::{
    Filter, JobId, LaneKey, Next, Outcome, Record, Redrive, Stage, State, Timestamp, Verdict,
};
use url::Url;

pub(crate) use self::deliver::DeliverWork;
pub(crate) use self::lane::without_secrets;
pub(crate) use self::scrape::{ScrapeWork, Terms};
use crate::cli::RobotsRule;
use crate::event::{self, About};

/// Fetching and extraction; a lane is an origin, `host:port`.
pub(crate) const SCRAPE: Stage = Stage::from_static("scrape");
/// Telling the receiver; a lane is a sink, its URL without credentials and query.
pub(crate) const DELIVER: Stage = Stage::from_static("deliver");

/// Where jobs go, and where they may not go.
pub(crate) struct Order {
    /// The sink of jobs that name none.
    pub(crate) forward_to: Option<Url>,
    /// What may be fetched.
    pub(crate) fetch_policy: Policy,
    /// Where jobs may have their results sent.
    pub(crate) sink_policy: Policy,
    /// What robots.txt is worth.
    pub(crate) robots: RobotsRule,
    /// The proxies that jobs may name.
    pub(crate) proxies: Vec<Allow>,
}

/// Where an event goes.
pub(crate) struct Destination<'a> {
    url: &'a Url,
    headers: HeaderMap,
    /// Named by the operator, not by a job.
    trusted: bool,
}

impl Order {
    fn destination<'a>(&'a self, spec: &'a JobSpec) -> Option<Destination<'a>> {
        match &spec.sink {
            Some(sink) => {
                Some(Destination { url: &sink.url, headers: sink.header_map(), trusted: false })
            }
            None => self.forward_to.as_ref().map(|url| Destination {
                url,
                headers: HeaderMap::new(),
                trusted: true,
            }),
        }
    }

    /// Whether robots.txt is asked for a job.
    fn robots(&self, spec: &JobSpec) -> ::scrape::Robots {
        let obeyed = match (self.robots, spec.robots) {
            (RobotsRule::Obey, _) => true,
            (RobotsRule::Optional, asked) => asked != Some(ingest::Robots::Ignore),
            (RobotsRule::Ignore, asked) => asked == Some(ingest::Robots::Obey),
        };
        if obeyed { ::scrape::Robots::Obey } else { ::scrape::Robots::Ignore }
    }

    /// What follows the first stage, however it went: the event is delivered, or kept when there
    /// is nobody to tell.
    fn after_scrape(
        &self,
        spec: &JobSpec,
        verdict: Verdict,
        event: Bytes,
        note: Option<String>,
        now: Timestamp,
    ) -> Outcome {
        match self.destination(spec) {
            Some(to) => Outcome::Advance(told(to.url, verdict, event, now)),
            None => Outcome::Done { verdict: Some(verdict), result: Some(event), note },
        }
    }
}

fn told(sink: &Url, verdict: Verdict, event: Bytes, now: Timestamp) -> Next {
    Next { stage: DELIVER, lane: lane::of_sink(sink), due: now, verdict, result: event }
}

impl Pipeline for Order {
    fn first(&self, spec: &JobSpec) -> (Stage, LaneKey) {
        (SCRAPE, lane::of_origin(&spec.url))
    }

    fn cancelled(&self, id: JobId, spec: &JobSpec, now: Timestamp) -> Option<Next> {
        let to = self.destination(spec)?;
        let event = event::cancelled(About { id, spec, at: now });
        Some(told(to.url, Verdict::Cancelled, event, now))
    }

    fn refetch(&self, spec: &JobSpec, now: Timestamp) -> Redrive {
        Redrive { stage: SCRAPE, lane: lane::of_origin(&spec.url), due: now }
    }

    fn redeliver(&self, spec: &JobSpec, _: Option<&str>, now: Timestamp) -> Option<Redrive> {
        let to = self.destination(spec)?;
        Some(Redrive { stage: DELIVER, lane: lane::of_sink(to.url), due: now })
    }

    fn status(&self, record: &Record) -> Status {
        let delivering = record.stage == DELIVER;
        match record.state {
            State::Waiting | State::Leased if delivering => Status::Delivering,
            State::Waiting => Status::Queued,
            State::Leased => Status::Fetching,
            State::Cancelled => Status::Cancelled,
            State::Dead => Status::Undelivered,
            State::Done => match record.verdict {
                Some(Verdict::Failed) => Status::Failed,
                Some(Verdict::Cancelled) => Status::Cancelled,
                Some(Verdict::Unchanged) => Status::Unchanged,
                Some(Verdict::Succeeded) | None if delivering => Status::Delivered,
                Some(Verdict::Succeeded) | None => Status::Fetched,
            },
        }
    }

    fn filter(&self, status: Status) -> Filter {
        let of = |states: &[State], stage: Option<Stage>, verdict: Option<Verdict>| Filter {
            states: states.to_vec(),
            stage,
            verdict,
            ..Filter::default()
        };
        match status {
            Status::Queued => of(&[State::Waiting], Some(SCRAPE), None),
            Status::Fetching => of(&[State::Leased], Some(SCRAPE), None),
            Status::Delivering => of(&[State::Waiting, State::Leased], Some(DELIVER), None),
            Status::Delivered => of(&[State::Done], Some(DELIVER), Some(Verdict::Succeeded)),
            Status::Fetched => of(&[State::Done], Some(SCRAPE), Some(Verdict::Succeeded)),
            Status::Unchanged => of(&[State::Done], None, Some(Verdict::Unchanged)),
            Status::Failed => of(&[State::Done], None, Some(Verdict::Failed)),
            Status::Undelivered => of(&[State::Dead], None, None),
            // Those that were told of it are finished jobs: `status` picks them out.
            Status::Cancelled => of(&[State::Done, State::Cancelled], None, None),
        }
    }

    fn admit_target(&self, url: &Url) -> Result<(), String> {
        admit(&self.fetch_policy, url)
    }

    fn admit_sink(&self, url: &Url) -> Result<(), String> {
        admit(&self.sink_policy, url)
    }

    fn admit_proxy(&self, proxy: &str) -> Result<(), String> {
        proxy::admit(&self.proxies, proxy).map(drop)
    }

    fn admit_robots(&self, robots: ingest::Robots) -> Result<(), String> {
        match (self.robots, robots) {
            (RobotsRule::Obey, ingest::Robots::Ignore) => Err(
                "robots.txt is obeyed here; the operator leaves it to jobs with --robots optional"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }

    fn admit_select(&self, select: &ingest::Select) -> Result<(), Vec<Refusal>> {
        options::compile(select).map(drop).map_err(|refusal| vec![refusal])
    }
}

fn admit(policy: &Policy, url: &Url) -> Result<(), String> {
    policy.check_url(url).map(drop).map_err(|refused| refused.to_string())
}

/// Reads back what was accepted.
fn spec_of(job: &jobs::Claimed) -> Result<Arc<JobSpec>, String> {
    JobSpec::from_bytes(&job.spec).map(Arc::new).map_err(|error| {
        tracing::error!(job.id = %job.lease.id, %error, "a stored job cannot be read");
        format!("the stored job cannot be read: {error}")
    })
}

/// A job that cannot even be understood has nobody to be told to: it is kept for people.
fn unreadable(note: String) -> jobs::Finish {
    Outcome::Dead { note }.into()
}

#[cfg(test)]
mod tests;
