use metrics::{Counter, counter};

use crate::problem::Kind;

/// The crate's counters, looked up once: the recorder must be installed before the router is made.
pub(crate) struct Meters {
    pub(crate) accepted: Counter,
    pub(crate) replayed: Counter,
    refused: [Counter; Kind::ALL.len()],
}

impl Meters {
    pub(crate) fn new() -> Self {
        metrics::describe_counter!("pagewire_jobs_accepted_total", "Jobs answered with 202.");
        metrics::describe_counter!(
            "pagewire_jobs_replayed_total",
            "Repeated submissions answered with the first one's job."
        );
        metrics::describe_counter!(
            "pagewire_requests_refused_total",
            "Submissions refused and requests without a valid key, by reason."
        );
        Self {
            accepted: counter!("pagewire_jobs_accepted_total"),
            replayed: counter!("pagewire_jobs_replayed_total"),
            refused: Kind::ALL
                .map(|kind| counter!("pagewire_requests_refused_total", "reason" => kind.slug())),
        }
    }

    pub(crate) fn refused(&self, kind: Kind) {
        self.refused[kind as usize].increment(1);
    }
}
