//! When a job may start, and when it is too late.

use std::time::Duration;

use jobs::Timestamp;

use crate::problem::Fault;
use crate::quantity;
use crate::validate::Rules;

pub(crate) const NOT_A_TIME: &str = "not an RFC 3339 time such as \"2026-11-22T10:00:00Z\"";

impl Rules<'_> {
    /// Not before this: now, unless the job asks for later.
    pub(crate) fn due(
        &self,
        delay: Option<Duration>,
        not_before: Option<&str>,
        faults: &mut Vec<Fault>,
    ) -> Timestamp {
        let (pointer, due) = match (delay, not_before) {
            (None, None) => return self.now,
            (Some(delay), None) => ("/delay", Some(self.now + delay)),
            (None, Some(text)) => ("/not_before", instant(text)),
            (Some(_), Some(_)) => {
                faults.push(Fault::at("/delay", "give `delay` or `not_before`, not both"));
                return self.now;
            }
        };
        let most = self.limits.max_delay;
        match due {
            None => faults.push(Fault::at(pointer, NOT_A_TIME)),
            Some(due) if due.since(self.now) > most => {
                let detail = format!("farther away than this server's limit of {}", days(most));
                faults.push(Fault::at(pointer, detail));
            }
            Some(due) => return due.max(self.now),
        }
        self.now
    }

    /// When the job becomes worthless; later than it may start.
    pub(crate) fn deadline(
        &self,
        given: Option<&str>,
        due: Timestamp,
        faults: &mut Vec<Fault>,
    ) -> Option<Timestamp> {
        let text = given?;
        let deadline =
            quantity::duration(text).map_or_else(|| instant(text), |d| Some(self.now + d));
        let most = self.limits.max_deadline;
        let detail = match deadline {
            None => "neither a duration such as \"5m\" nor an RFC 3339 time".to_owned(),
            Some(deadline) if deadline <= due => "before the job may start".to_owned(),
            Some(deadline) if deadline.since(self.now) > most => {
                format!("farther away than this server's limit of {}", days(most))
            }
            Some(deadline) => return Some(deadline),
        };
        faults.push(Fault::at("/deadline", detail));
        None
    }
}

/// An RFC 3339 time; before 1970 counts as 1970.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_millis(u64::try_from(at.as_millisecond()).unwrap_or(0)))
}

/// A long duration for people.
fn days(duration: Duration) -> String {
    const DAY_S: u64 = 24 * 60 * 60;
    match duration.as_secs() {
        s if s >= DAY_S && s % DAY_S == 0 => format!("{} d", s / DAY_S),
        _ => format!("{duration:?}"),
    }
}
