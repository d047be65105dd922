//! Turns a claimed job into a delivery, and its receipt into the job's next step.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use egress::{Budget, Reservation};
use forward::{Answer, Delivery, Forwarder, NextTry, Receipt, Schedule, Secret};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jobs::{Claimed, Clock, ErrorKind, Finish, LaneNews, Outcome, Store, Timestamp, Work};
use metrics::{counter, histogram};

use super::ledger::Entry;
use super::{Destination, Order, spec_of, unreadable};
use crate::logs::millis;
use crate::metrics::{DELIVERIES, DELIVERY_SECONDS};

/// Longest that a sink's `Retry-After` holds back the other jobs of its lane.
const MAX_LANE_PAUSE: Duration = Duration::from_secs(3600);
/// How long a job is put back for when its result could not be read just now.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The work of the deliver stage.
#[derive(Clone)]
pub(crate) struct DeliverWork {
    /// Where jobs go.
    pub(crate) order: Arc<Order>,
    /// Sends.
    pub(crate) forwarder: Forwarder,
    /// Has the results.
    pub(crate) store: Arc<dyn Store>,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Bounds the bytes of results in memory at once.
    pub(crate) budget: Budget,
    /// When a delivery is tried again.
    pub(crate) schedule: Arc<Schedule>,
    /// Sign.
    pub(crate) secrets: Arc<[Secret]>,
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
        let Some(to) = self.order.destination(&spec) else {
            return dead("there is no sink: the job names none and --forward-to is not set");
        };
        // Held until the delivery is over.
        let (body, _held) = match self.read(&job).await {
            Ok(read) => read,
            Err(finish) => return finish,
        };
        let receipt = self.forwarder.deliver(self.delivery(&job, &to, body)).await;
        self.observe(&job, &to, &receipt);
        let now = self.clock.now();
        let finish = judge(&self.schedule, job.attempt, &receipt, now);
        Finish { attempt: Some(entry(job.attempt, &receipt, &finish.outcome, now)), ..finish }
    }

    /// The event to send, once there is room for it in memory.
    async fn read(&self, job: &Claimed) -> Result<(Bytes, Reservation), Finish> {
        let held = self.budget.reserve(job.result_bytes).await;
        match self.store.result(job.lease.id).await {
            Ok(Some(body)) => Ok((body, held)),
            Ok(None) => Err(dead("there is no result to deliver")),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                tracing::error!(job.id = %job.lease.id, %error, "a stored result is damaged");
                Err(dead(&format!("the stored result is damaged: {error}; refetch the job")))
            }
            Err(error) => {
                tracing::warn!(job.id = %job.lease.id, %error, "a stored result could not be read; trying again");
                let at = self.clock.now() + READ_AGAIN_AFTER;
                Err(Outcome::Release { at }.into())
            }
        }
    }

    fn delivery(&self, job: &Claimed, to: &Destination<'_>, body: Bytes) -> Delivery {
        Delivery {
            id: job.lease.id.to_string(),
            sink: to.url.clone(),
            trusted: to.trusted,
            headers: to.headers.clone(),
            body,
            content_type: forward::JSON,
            secrets: self.secrets.to_vec(),
            timeout: None,
            gzip: false,
            batch: None,
            timestamp_s: i64::try_from(self.clock.now().as_millis() / 1000).unwrap_or(i64::MAX),
        }
    }

    fn observe(&self, job: &Claimed, to: &Destination<'_>, receipt: &Receipt) {
        counter!(DELIVERIES, "outcome" => receipt.outcome.as_str()).increment(1);
        histogram!(DELIVERY_SECONDS).record(receipt.duration);
        let duration_ms = millis(receipt.duration);
        let host = to.url.host_str();
        if receipt.outcome == Answer::Accepted {
            tracing::debug!(job.id = %job.lease.id, url.host = host, attempt = job.attempt, duration_ms, "delivered");
        } else {
            tracing::info!(job.id = %job.lease.id, url.host = host, attempt = job.attempt, duration_ms, receipt = %receipt, "delivery failed");
        }
    }
}

/// What follows from an attempt: over, again later, or a dead letter.
fn judge(schedule: &Schedule, attempt: u32, receipt: &Receipt, now: Timestamp) -> Finish {
    if receipt.outcome == Answer::Accepted {
        return Outcome::Done { verdict: None, result: None, note: None }.into();
    }
    // Whoever asks for a pause gets it for all that is sent there.
    let pause_until = match receipt.status {
        Some(429 | 503) => receipt.retry_after.map(|wait| now + wait.min(MAX_LANE_PAUSE)),
        _ => None,
    };
    let note = receipt.to_string();
    let outcome = match schedule.next(attempt, receipt, &mut rand::rng()) {
        NextTry::After(wait) => Outcome::Retry { at: now + wait, note },
        NextTry::GiveUp => Outcome::Dead { note },
    };
    Finish { lane: LaneNews::paused(pause_until), ..outcome.into() }
}

/// What the ledger keeps of this attempt.
fn entry(attempt: u32, receipt: &Receipt, outcome: &Outcome, now: Timestamp) -> Bytes {
    let good = receipt.outcome == Answer::Accepted;
    let entry = Entry {
        stage: "deliver",
        attempt,
        at: Timestamp::from_millis(now.as_millis().saturating_sub(millis(receipt.duration))),
        took: receipt.duration,
        outcome: if good { "ok" } else { receipt.outcome.as_str() },
        status: receipt.status,
        detail: (!good).then_some(&*receipt.detail),
        next_at: match outcome {
            Outcome::Retry { at, .. } => Some(*at),
            _ => None,
        },
    };
    entry.to_bytes()
}

fn dead(note: &str) -> Finish {
    Outcome::Dead { note: note.to_owned() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    fn receipt(outcome: Answer, status: Option<u16>, retry_after: Option<Duration>) -> Receipt {
        Receipt {
            outcome,
            status,
            duration: Duration::ZERO,
            retry_after,
            pause: None,
            detail: "why".into(),
        }
    }

    fn judged(attempt: u32, receipt: &Receipt) -> Finish {
        judge(&Schedule::default(), attempt, receipt, NOW)
    }

    #[test]
    fn what_was_accepted_is_over_with_its_verdict_and_event_untouched() {
        let finish = judged(1, &receipt(Answer::Accepted, Some(204), None));
        let untouched = Outcome::Done { verdict: None, result: None, note: None };
        assert_eq!(format!("{:?}", finish.outcome), format!("{untouched:?}"));
        assert_eq!(finish.lane.pause_until, None);
    }

    #[test]
    fn trouble_is_tried_again_until_the_schedule_is_spent() {
        let trouble = receipt(Answer::Retryable, Some(500), None);
        let Outcome::Retry { at, note } = judged(1, &trouble).outcome else { panic!("no retry") };
        assert!(at > NOW && at < NOW + Duration::from_secs(10), "{at}");
        assert!(note.contains("500") && note.contains("why"), "{note}");
        assert!(matches!(judged(9, &trouble).outcome, Outcome::Retry { .. }));
        assert!(matches!(judged(10, &trouble).outcome, Outcome::Dead { .. }));
    }

    #[test]
    fn gone_and_forbidden_sinks_are_not_asked_again() {
        for outcome in [Answer::Gone, Answer::Forbidden] {
            let finish = judged(1, &receipt(outcome, None, None));
            assert!(matches!(finish.outcome, Outcome::Dead { .. }), "{finish:?}");
        }
    }

    #[test]
    fn a_sink_that_asks_for_a_pause_gets_it_for_its_lane_up_to_a_cap() {
        let asked = |status: u16, wait: Duration| {
            judged(1, &receipt(Answer::Retryable, Some(status), Some(wait))).lane.pause_until
        };
        let minute = Duration::from_secs(60);
        assert_eq!(asked(503, minute), Some(NOW + minute));
        assert_eq!(asked(429, DAY), Some(NOW + MAX_LANE_PAUSE));
        assert_eq!(asked(500, minute), None);
    }
}
