//! The order of the pipeline: the only place that knows what comes after what.
//!
//! `scrape → deliver`, or `scrape → pull` for sinks whose events are fetched. A job without a sink,
//! or with one that does not want to be told of it, ends after the first stage with its result kept.
//! A notice of the server's own begins where it is told.

pub(crate) mod body;
mod deliver;
mod host;
mod judge;
mod lane;
mod ledger;
mod memory;
mod options;
mod proxy;
mod scrape;
pub(crate) mod sinks;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use egress::{Allow, Policy};
use ingest::{Feed, JobSpec, Pipeline, Refusal, Status};
use jobs::{
    Filter, JobId, LaneKey, Next, Outcome, Record, Redrive, Stage, State, Timestamp, Verdict,
};
use url::Url;

pub(crate) use self::body::Bodies;
pub(crate) use self::deliver::DeliverWork;
pub(crate) use self::lane::without_secrets;
pub(crate) use self::scrape::{ScrapeWork, Terms};
use self::sinks::{Destination, Registry};
use crate::cli::RobotsRule;
use crate::event::{self, About};

/// Fetching and extraction; a lane is an origin, `host:port`.
pub(crate) const SCRAPE: Stage = Stage::from_static("scrape");
/// Telling the receiver; a lane is a sink, its URL without credentials and query.
pub(crate) const DELIVER: Stage = Stage::from_static("deliver");
/// Waiting for whoever fetches the events of a sink; a lane is a sink. Nobody works here.
pub(crate) const PULL: Stage = Stage::from_static("pull");

/// Where jobs go, and where they may not go.
pub(crate) struct Order {
    /// Where events go.
    pub(crate) sinks: Arc<Registry>,
    /// Whoever watches is told of what is over.
    pub(crate) feed: Feed,
    /// What may be fetched.
    pub(crate) fetch_policy: Policy,
    /// Where jobs may have their results sent.
    pub(crate) sink_policy: Policy,
    /// What robots.txt is worth.
    pub(crate) robots: RobotsRule,
    /// The proxies that jobs may name.
    pub(crate) proxies: Vec<Allow>,
}

impl Order {
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
        match self.told(spec, verdict, event.clone(), now) {
            Some(next) => Outcome::Advance(next),
            None => Outcome::Done { verdict: Some(verdict), result: Some(event), note },
        }
    }

    /// Tells whoever watches.
    fn publish(
        &self,
        verdict: Verdict,
        about: About<'_>,
        page: Option<&event::Page>,
        reason: Option<&event::Reason<'_>>,
    ) {
        let kind = kind(verdict);
        let owner = about.spec.owner.as_deref();
        self.feed.publish(kind, about.id, owner, event::brief(kind, about, page, reason));
    }

    /// Where an event is told, when anybody wants to know of it.
    fn told(
        &self,
        spec: &JobSpec,
        verdict: Verdict,
        result: Bytes,
        due: Timestamp,
    ) -> Option<Next> {
        let to = self.sinks.of_spec(spec);
        let (stage, lane) = to.place().filter(|_| to.wants(kind(verdict)))?;
        let first = match &to {
            Destination::Sink(sink) if !sink.is_pull() => sink.schedule.first(),
            _ => Duration::ZERO,
        };
        Some(Next { stage, lane, due: due + first, verdict, result })
    }
}

/// The type of the event that tells of a verdict.
pub(crate) const fn kind(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Succeeded => "job.succeeded",
        Verdict::Failed => "job.failed",
        Verdict::Cancelled => "job.cancelled",
        Verdict::Unchanged => "job.unchanged",
    }
}

impl Pipeline for Order {
    fn first(&self, spec: &JobSpec) -> (Stage, LaneKey) {
        // What waits to be pulled has a result, which a notice gets on the way there.
        let told = spec.notice.as_ref().and_then(|_| self.sinks.of_spec(spec).place());
        match told {
            Some((_, lane)) => (DELIVER, lane),
            None => (SCRAPE, lane::of_origin(&spec.url)),
        }
    }

    fn cancelled(&self, id: JobId, spec: &JobSpec, now: Timestamp) -> Option<Next> {
        let about = About { id, spec, at: now };
        self.publish(Verdict::Cancelled, about, None, None);
        self.told(spec, Verdict::Cancelled, event::cancelled(about), now)
    }

    fn refetch(&self, spec: &JobSpec, now: Timestamp) -> Redrive {
        let (stage, lane) = self.first(spec);
        Redrive { stage, lane, due: now }
    }

    fn redeliver(&self, spec: &JobSpec, to: Option<&str>, now: Timestamp) -> Option<Redrive> {
        let to = match to {
            Some(name) => Destination::Sink(self.sinks.named(name)?),
            None => self.sinks.of_spec(spec),
        };
        let (stage, lane) = to.place()?;
        // Whoever asks for it again says that it is there again.
        self.sinks.reopen(&lane);
        Some(Redrive { stage, lane, due: now })
    }

    fn told_at(&self, spec: &JobSpec, kind: &str) -> Option<Url> {
        let to = self.sinks.of_spec(spec);
        match &to {
            Destination::Sink(sink) if sink.wants(kind) => Some(lane::bare(&sink.url)),
            // There it is said what is wrong.
            Destination::Missing(_) => Some(spec.url.clone()),
            Destination::Sink(_) | Destination::Nobody => None,
        }
    }

    fn status(&self, record: &Record) -> Status {
        let delivering = record.stage != SCRAPE;
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
        // A filter knows one stage; where there are two, `status` picks.
        let telling = || Some(DELIVER).filter(|_| !self.sinks.has_pull());
        match status {
            Status::Queued => of(&[State::Waiting], Some(SCRAPE), None),
            Status::Fetching => of(&[State::Leased], Some(SCRAPE), None),
            Status::Delivering => of(&[State::Waiting, State::Leased], telling(), None),
            Status::Delivered => of(&[State::Done], telling(), Some(Verdict::Succeeded)),
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
