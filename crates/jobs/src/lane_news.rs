use std::time::Duration;

use crate::Timestamp;

/// What a worker learned about the lane of the job that it settles. Durable: it holds after a
/// restart. The default is no news.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneNews {
    /// Nothing of the lane is claimed before this (a `Retry-After`). A pause only ever grows: the
    /// later of two wins.
    pub pause_until: Option<Timestamp>,
    /// Least time between two claims of the lane that the other side asked for (a `crawl-delay`),
    /// in whole milliseconds (a fraction counts as one more). The longer of it and the limit's
    /// own holds; [`Duration::ZERO`] takes it back, `None` leaves it as it is.
    pub interval: Option<Duration>,
    /// Takes back a pause that was asked for, before `pause_until` is looked at. A lane that was
    /// paused starts slowly then: with one job in flight, and twice as many after each round that
    /// goes well.
    pub resume: bool,
    /// How the other side fared; `None` when the work says nothing about that.
    pub health: Option<Health>,
}

impl LaneNews {
    /// Nothing of the lane is to be claimed before this, when there is such a time.
    pub fn paused(until: Option<Timestamp>) -> Self {
        Self { pause_until: until, ..Self::default() }
    }
}

/// How the other side of a lane fared: drives the lane's back-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answered as it should. The back-off ends and its pause is taken back (in a lane with a
    /// [`crate::Breaker`], only when the work was claimed since it began); a pause that was asked
    /// for by [`LaneNews::pause_until`] stays.
    Good,
    /// It did not answer, or said that it is overloaded. The lane is paused, each time in a row
    /// twice as long, from 1 s up to 60 s (± 20 %), and has one job in flight at a time until
    /// the next [`Health::Good`]. What was claimed before the back-off began does not count
    /// again. A lane with a [`crate::Breaker`] goes on until enough of its work went badly; then it
    /// is paused for a sixteenth of the time for which it has been failing, within the same bounds.
    Bad,
}
