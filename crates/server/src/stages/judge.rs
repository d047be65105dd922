//! What follows from an attempt at a delivery: over, again later, or a dead letter; and what it
//! tells of the sink.

use std::time::Duration;

use forward::{Answer, NextTry, Receipt};
use jobs::{Finish, Health, LaneNews, Outcome, Timestamp};

use super::sinks::{HELD, Sink, held};

/// Longest that a sink's `Retry-After` or `RateLimit` holds back the other jobs of its lane.
const MAX_LANE_PAUSE: Duration = Duration::from_secs(3600);

/// An attempt that was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    /// 1 for the first.
    pub(super) attempt: u32,
    /// When the job came to be: what goes first in a lane that is ordered.
    pub(super) created_at: Timestamp,
    /// When the attempt was over.
    pub(super) at: Timestamp,
}

/// What follows, for a job whose event stands as it is.
pub(super) fn judge(sink: &Sink, made: Made, receipt: &Receipt) -> Finish {
    let lane = news(receipt, made.at);
    if receipt.outcome == Answer::Accepted {
        let done = Outcome::Done { verdict: None, result: None, note: None };
        return Finish { lane, ..done.into() };
    }
    let note = receipt.to_string();
    if receipt.outcome == Answer::Gone {
        return gone(sink, made, note);
    }
    match sink.schedule.next(made.attempt, receipt, &mut rand::rng()) {
        NextTry::After(wait) => {
            let again = again(sink, made.created_at, made.at + wait);
            let pause_until = lane.pause_until.max(again.lane_until);
            let outcome = Outcome::Retry { at: again.at, note };
            Finish { lane: LaneNews { pause_until, ..lane }, ..outcome.into() }
        }
        NextTry::GiveUp => Finish { lane, ..Outcome::Dead { note }.into() },
    }
}

/// When a job is put back to, and until when its lane waits with it.
pub(super) struct Again {
    /// For the job.
    pub(super) at: Timestamp,
    /// For the lane.
    pub(super) lane_until: Option<Timestamp>,
}

/// The job once more at `at`. In an ordered lane it keeps its place, before all that came after it,
/// and it is the lane that waits.
pub(super) fn again(sink: &Sink, created_at: Timestamp, at: Timestamp) -> Again {
    match sink.ordered {
        true => Again { at: created_at, lane_until: Some(at) },
        false => Again { at, lane_until: None },
    }
}

/// The sink is gone for good, as it says. What waits for a sink with a name goes on once somebody
/// enables it, this job included. An address that a job brought is nobody's to enable: this job
/// becomes a dead letter, and delivering it again opens the lane for the others.
fn gone(sink: &Sink, made: Made, note: String) -> Finish {
    let outcome = match sink.name {
        Some(_) => Outcome::Retry { at: made.created_at, note },
        None => Outcome::Dead { note },
    };
    Finish { lane: held(), ..outcome.into() }
}

/// What an answer tells of the sink.
fn news(receipt: &Receipt, now: Timestamp) -> LaneNews {
    // Whoever asks for a pause gets it for all that is sent there.
    let asked = match receipt.status {
        Some(429 | 503) => receipt.retry_after.max(receipt.pause),
        _ => receipt.pause,
    };
    LaneNews {
        pause_until: asked.map(|wait| now + wait.min(MAX_LANE_PAUSE)),
        health: health(receipt),
        ..LaneNews::default()
    }
}

/// A receiver that refuses an event is alive and well.
fn health(receipt: &Receipt) -> Option<Health> {
    match (receipt.outcome, receipt.status) {
        (Answer::Accepted | Answer::Declined, _) => Some(Health::Good),
        (Answer::Refused, Some(400..=499)) => Some(Health::Good),
        (Answer::Retryable, None | Some(429 | 500..=599)) => Some(Health::Bad),
        // Too early, too slow, elsewhere: it says nothing of how it fares. Nothing was sent.
        (Answer::Retryable | Answer::Refused | Answer::Forbidden, _) => None,
        (Answer::Gone, _) => Some(Health::Bad),
    }
}

/// When the next attempt is made, for the ledger.
pub(super) fn next_at(finish: &Finish) -> Option<Timestamp> {
    match &finish.outcome {
        Outcome::Retry { at, .. } => {
            let at = finish.lane.pause_until.map_or(*at, |until| until.max(*at));
            (at < HELD).then_some(at)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::sinks::tests::{plain, sink};

    const CREATED: Timestamp = Timestamp::from_millis(500_000);
    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const MINUTE: Duration = Duration::from_secs(60);
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

    fn made(attempt: u32) -> Made {
        Made { attempt, created_at: CREATED, at: NOW }
    }

    fn judged(attempt: u32, receipt: &Receipt) -> Finish {
        judge(&plain("https://sink.example/in"), made(attempt), receipt)
    }

    #[test]
    fn what_was_accepted_is_over_with_its_verdict_and_event_untouched() {
        let finish = judged(1, &receipt(Answer::Accepted, Some(204), None));
        let untouched = Outcome::Done { verdict: None, result: None, note: None };
        assert_eq!(format!("{:?}", finish.outcome), format!("{untouched:?}"));
        assert_eq!((finish.lane.pause_until, finish.lane.health), (None, Some(Health::Good)));
    }

    #[test]
    fn trouble_is_tried_again_until_the_schedule_is_spent() {
        let trouble = receipt(Answer::Retryable, Some(500), None);
        let finish = judged(1, &trouble);
        let next = next_at(&finish).expect("another");
        let Outcome::Retry { at, note } = finish.outcome else { panic!("no retry") };
        assert!(at > NOW && at < NOW + Duration::from_secs(10), "{at}");
        assert_eq!(next, at);
        assert!(note.contains("500") && note.contains("why"), "{note}");
        assert!(matches!(judged(9, &trouble).outcome, Outcome::Retry { .. }));
        let last = judged(10, &trouble);
        assert!(matches!(last.outcome, Outcome::Dead { .. }) && next_at(&last).is_none());
    }

    #[test]
    fn who_forbids_or_declines_is_not_asked_again() {
        for outcome in [Answer::Forbidden, Answer::Declined] {
            let finish = judged(1, &receipt(outcome, None, None));
            assert!(matches!(finish.outcome, Outcome::Dead { .. }), "{finish:?}");
            assert_eq!(finish.lane.pause_until, None);
        }
    }

    #[test]
    fn a_sink_that_is_gone_is_left_alone_and_its_jobs_wait() {
        let gone = receipt(Answer::Gone, Some(410), None);
        let bare = judged(1, &gone);
        assert!(matches!(bare.outcome, Outcome::Dead { .. }), "{bare:?}");
        let named = judge(&sink("crm", "https://crm.example/", |_| ()), made(1), &gone);
        let Outcome::Retry { at, .. } = named.outcome else { panic!("{named:?}") };
        assert_eq!(at, CREATED, "it goes first when the sink is enabled");
        assert_eq!(next_at(&named), None, "nobody knows when");
        for finish in [bare, named] {
            assert_eq!(finish.lane.pause_until, Some(HELD));
        }
    }

    #[test]
    fn a_sink_that_asks_for_a_pause_gets_it_for_its_lane_up_to_a_cap() {
        let asked = |status: u16, wait: Duration| {
            judged(1, &receipt(Answer::Retryable, Some(status), Some(wait))).lane.pause_until
        };
        assert_eq!(asked(503, MINUTE), Some(NOW + MINUTE));
        assert_eq!(asked(429, DAY), Some(NOW + MAX_LANE_PAUSE));
        assert_eq!(asked(500, MINUTE), None);
        let spent = Receipt { pause: Some(MINUTE), ..receipt(Answer::Accepted, Some(200), None) };
        assert_eq!(judged(1, &spent).lane.pause_until, Some(NOW + MINUTE), "whatever it answered");
    }

    #[test]
    fn a_sink_is_unwell_when_it_breaks_and_not_when_it_refuses() {
        let health = |outcome, status| judged(1, &receipt(outcome, status, None)).lane.health;
        for status in [None, Some(500), Some(503), Some(429)] {
            assert_eq!(health(Answer::Retryable, status), Some(Health::Bad), "{status:?}");
        }
        for status in [400, 401, 404, 422] {
            assert_eq!(health(Answer::Refused, Some(status)), Some(Health::Good), "{status}");
        }
        assert_eq!(health(Answer::Declined, Some(500)), Some(Health::Good));
        assert_eq!(health(Answer::Retryable, Some(408)), None);
        assert_eq!(health(Answer::Refused, Some(302)), None);
        assert_eq!(health(Answer::Forbidden, None), None);
    }

    #[test]
    fn in_an_ordered_lane_the_same_job_goes_first_and_the_lane_waits() {
        let ordered = sink("crm", "https://crm.example/", |spec| spec.ordered = true);
        let trouble = receipt(Answer::Retryable, Some(500), None);
        let finish = judge(&ordered, made(1), &trouble);
        let Outcome::Retry { at, .. } = &finish.outcome else { panic!("{finish:?}") };
        assert_eq!(*at, CREATED);
        let until = finish.lane.pause_until.expect("the lane waits");
        assert!(until > NOW && until < NOW + Duration::from_secs(10), "{until}");
        assert_eq!(next_at(&finish), Some(until));

        let asked = receipt(Answer::Retryable, Some(503), Some(MINUTE));
        let until = judge(&ordered, made(1), &asked).lane.pause_until.expect("the lane waits");
        assert!(until >= NOW + MINUTE, "the later of both: {until}");
    }
}
