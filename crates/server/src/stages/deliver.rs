//! Turns a claimed job into a delivery, and its receipt into the job's next step.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use egress::{Budget, Reservation};
use forward::{Answer, Delivery, Forwarder, Receipt, Secret};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ingest::{EventFormat, JobSpec};
use jobs::{
    Claimed, Clock, ErrorKind, Finish, LaneNews, Outcome, Store, Timestamp, Verdict, Why, Work,
};
use metrics::{counter, histogram};

use super::body::Bodies;
use super::judge::{Made, again, judge, next_at};
use super::ledger::Entry;
use super::sinks::{Destination, Registry, Sink, Switch, held, missing, moved};
use super::{spec_of, unreadable};
use crate::event::firecrawl;
use crate::logs::millis;
use crate::metrics::{DELIVERIES, DELIVERY_SECONDS};
use crate::span::Span;

/// How long a job is put back for when its result could not be read just now.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The work of the deliver stage.
#[derive(Clone)]
pub(crate) struct DeliverWork {
    /// Where jobs go.
    pub(crate) registry: Arc<Registry>,
    /// Disables sinks.
    pub(crate) switch: Arc<Switch>,
    /// What is sent.
    pub(crate) bodies: Arc<Bodies>,
    /// Sends.
    pub(crate) forwarder: Forwarder,
    /// Has the results.
    pub(crate) store: Arc<dyn Store>,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Bounds the bytes of results in memory at once.
    pub(crate) budget: Budget,
    /// Sign for sinks that have no secrets of their own.
    pub(crate) secrets: Arc<[Secret]>,
    /// How long a delivery waits for a sink that fails.
    pub(crate) give_up_after: Duration,
}

impl Work for DeliverWork {
    fn run(&self, job: Claimed) -> BoxFuture<'static, Finish> {
        let work = self.clone();
        async move { work.deliver(job).await }.boxed()
    }
}

impl DeliverWork {
    async fn deliver(&self, job: Claimed) -> Finish {
        let spec = match spec_of(&job) {
            Ok(spec) => spec,
            Err(note) => return unreadable(note),
        };
        let sink = match self.registry.of_job(&job.lane, &spec) {
            Destination::Sink(sink) => sink,
            Destination::Missing(name) => return dead(missing(&name)),
            Destination::Nobody => {
                return dead("there is no sink: the job names none and --forward-to is not set");
            }
        };
        if sink.is_pull() {
            return self.moved(&job, &sink).await;
        }
        if let Some(why) = job.without_work {
            return self.given_up(&sink, why);
        }
        if sink.disabled.is_some() {
            // As if it had not been claimed, and nothing more is until it is enabled.
            let at = again(&sink, job.created_at, self.clock.now()).at;
            return Finish { lane: held(), ..Outcome::Release { at }.into() };
        }
        self.attempt(&job, &spec, &sink).await
    }

    async fn attempt(&self, job: &Claimed, spec: &Arc<JobSpec>, sink: &Arc<Sink>) -> Finish {
        // Held until the delivery is over.
        let (event, _held) = match self.read(job, spec, sink).await {
            Ok(read) => read,
            Err(finish) => return finish,
        };
        let body = self.bodies.made(sink, job.lease.id, spec, event.clone()).await;
        let mut headers = sink.headers.clone();
        headers.extend(body.headers);
        let mut delivery = Delivery {
            headers,
            body: body.bytes,
            content_type: body.content_type,
            ..self.delivery(job, sink)
        };
        if sink.format == EventFormat::Firecrawl
            && let Some(signature) = firecrawl::signature(&delivery.secrets, &delivery.body).await
        {
            delivery.headers.insert(firecrawl::SIGNATURE, signature);
        }
        let receipt = self.forwarder.deliver(delivery).await;
        self.observe(job, sink, &receipt);
        let now = self.clock.now();
        let made = Made { attempt: job.attempt, created_at: job.created_at, at: now };
        let mut finish = judge(sink, made, &receipt);
        if receipt.outcome == Answer::Gone {
            self.switch.disable(&sink.lane, "410 Gone".to_owned()).await;
        }
        if let (Outcome::Done { verdict, result, .. }, true) =
            (&mut finish.outcome, spec.notice.is_some())
        {
            // It was never fetched: this is its first result.
            (*verdict, *result) = (Some(Verdict::Succeeded), Some(event));
        }
        Finish { attempt: Some(entry(job.attempt, &receipt, next_at(&finish), now)), ..finish }
    }

    /// The event to send, once there is room for it in memory.
    async fn read(
        &self,
        job: &Claimed,
        spec: &JobSpec,
        sink: &Sink,
    ) -> Result<(Bytes, Reservation), Finish> {
        let held = self.budget.reserve(job.result_bytes.saturating_mul(copies(sink))).await;
        match self.store.result(job.lease.id).await {
            Ok(Some(event)) => Ok((event, held)),
            Ok(None) => match &spec.notice {
                Some(notice) => Ok((Bytes::from(notice.get().to_owned()), held)),
                None => Err(dead("there is no result to deliver")),
            },
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                tracing::error!(job.id = %job.lease.id, %error, "a stored result is damaged");
                Err(dead(format!("the stored result is damaged: {error}; refetch the job")))
            }
            Err(error) => {
                tracing::warn!(job.id = %job.lease.id, %error, "a stored result could not be read; trying again");
                Err(self.put_back(job, sink))
            }
        }
    }

    /// Again in a moment, at no charge.
    fn put_back(&self, job: &Claimed, sink: &Sink) -> Finish {
        let again = again(sink, job.created_at, self.clock.now() + READ_AGAIN_AFTER);
        let lane = LaneNews::paused(again.lane_until);
        Finish { lane, ..Outcome::Release { at: again.at }.into() }
    }

    /// The sink is one to pull from by now.
    async fn moved(&self, job: &Claimed, sink: &Sink) -> Finish {
        let held = self.budget.reserve(job.result_bytes).await;
        match moved(self.store.as_ref(), job, sink, self.clock.now()).await {
            Some(outcome) => Finish { held: Some(Box::new(held)), ..outcome.into() },
            None => self.put_back(job, sink),
        }
    }

    /// The queue gave the job out to be ended: nothing may be sent.
    fn given_up(&self, sink: &Sink, why: Why) -> Finish {
        let waited = Span(self.give_up_after);
        dead(match (&sink.disabled, why) {
            (Some(disabled), _) => format!(
                "the sink is disabled ({}), and this delivery has waited for {waited}",
                disabled.reason
            ),
            (None, Why::LaneFailing) => {
                format!("the sink has failed for {waited}, and this delivery has waited as long")
            }
            (None, Why::Expired) => "its time was up before it could be delivered".to_owned(),
        })
    }

    /// What is the same for every format.
    fn delivery(&self, job: &Claimed, sink: &Sink) -> Delivery {
        let now = self.clock.now();
        Delivery {
            id: job.lease.id.to_string(),
            sink: sink.url.clone(),
            trusted: sink.trusted,
            headers: http::HeaderMap::new(),
            body: Bytes::new(),
            content_type: forward::JSON,
            secrets: sink.secrets_at(now, &self.secrets),
            timeout: sink.timeout,
            gzip: sink.gzip,
            batch: sink.batch.clone(),
            timestamp_s: i64::try_from(now.as_millis() / 1000).unwrap_or(i64::MAX),
        }
    }

    fn observe(&self, job: &Claimed, sink: &Sink, receipt: &Receipt) {
        counter!(DELIVERIES, "outcome" => receipt.outcome.as_str()).increment(1);
        histogram!(DELIVERY_SECONDS).record(receipt.duration);
        let duration_ms = millis(receipt.duration);
        let (host, name) = (sink.url.host_str(), sink.name.as_deref());
        if receipt.outcome == Answer::Accepted {
            tracing::debug!(job.id = %job.lease.id, url.host = host, sink = name, attempt = job.attempt, duration_ms, "delivered");
        } else {
            tracing::info!(job.id = %job.lease.id, url.host = host, sink = name, attempt = job.attempt, duration_ms, receipt = %receipt, "delivery failed");
        }
    }
}

/// How many times an event is in memory at once.
fn copies(sink: &Sink) -> u64 {
    match (sink.format, &sink.batch, sink.gzip) {
        (EventFormat::Standard, None, false) => 1,
        _ => 2,
    }
}

/// What the ledger keeps of this attempt.
fn entry(attempt: u32, receipt: &Receipt, next_at: Option<Timestamp>, now: Timestamp) -> Bytes {
    let good = receipt.outcome == Answer::Accepted;
    let entry = Entry {
        stage: "deliver",
        attempt,
        at: Timestamp::from_millis(now.as_millis().saturating_sub(millis(receipt.duration))),
        took: receipt.duration,
        outcome: if good { "ok" } else { receipt.outcome.as_str() },
        status: receipt.status,
        detail: Some(&*receipt.detail).filter(|detail| !detail.is_empty()),
        next_at,
    };
    entry.to_bytes()
}

fn dead(note: impl Into<String>) -> Finish {
    Outcome::Dead { note: note.into() }.into()
}

#[cfg(test)]
mod tests;
