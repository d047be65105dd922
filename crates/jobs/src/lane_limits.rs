use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::LaneKey;

/// How many jobs of one lane may be in flight, and how close together they may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneLimit {
    /// Jobs of the lane in flight at once; at least 1.
    pub concurrency: u32,
    /// Least time between two claims of the lane, in whole milliseconds (a fraction counts as
    /// one more); zero for none.
    pub interval: Duration,
    /// When the lane's circuit opens; `None` for at the first failure.
    pub breaker: Option<Breaker>,
    /// Its jobs go by due time and then id alone, whatever their [`crate::Priority`]; in the
    /// choice of lanes they are as usual.
    pub in_order: bool,
}

/// When a lane's circuit opens: when this many of the latest outcomes were bad. It stays as
/// [`crate::Health::Bad`] says, and closes with the first [`crate::Health::Good`] of what was
/// claimed since; then the lane starts slowly: with one job in flight, and twice as many after
/// each round that goes well. What it looks back on is forgotten with a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Outcomes looked back on: 1 to 64.
    pub window: u32,
    /// How many of them have to be bad: 1 to `window`.
    pub failures: u32,
}

/// Whether a lane's jobs are given out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Circuit {
    /// As its limit allows.
    #[default]
    Closed,
    /// Not at all, until its back-off's pause ends.
    Open,
    /// One at a time, to see how the other side fares.
    HalfOpen,
}

impl Default for LaneLimit {
    fn default() -> Self {
        Self { concurrency: 4, interval: Duration::ZERO, breaker: None, in_order: false }
    }
}

/// The limit of each lane of a stage: a usual one, and exceptions by key.
///
/// A lane's limit is looked up when its first job comes, and kept for as long as the lane is, or
/// until [`crate::Store::relimit`].
#[derive(Clone, Default)]
pub struct LaneLimits {
    /// Of every lane that is no exception.
    pub usual: LaneLimit,
    by_key: Option<Arc<Exceptions>>,
}

type Exceptions = dyn Fn(&LaneKey) -> Option<LaneLimit> + Send + Sync;

impl LaneLimits {
    /// Every lane has this limit.
    pub const fn same(limit: LaneLimit) -> Self {
        Self { usual: limit, by_key: None }
    }

    /// Lanes for which `exception` answers a limit have that one; it is asked under the store's
    /// lock, so it must be quick and must not call the store. Replaces an earlier one.
    #[must_use]
    pub fn with(
        self,
        exception: impl Fn(&LaneKey) -> Option<LaneLimit> + Send + Sync + 'static,
    ) -> Self {
        Self { by_key: Some(Arc::new(exception)), ..self }
    }

    /// The limit of the lane with this key.
    pub fn of(&self, key: &LaneKey) -> LaneLimit {
        let exception = self.by_key.as_ref().and_then(|exception| exception(key));
        exception.unwrap_or(self.usual)
    }
}

impl From<LaneLimit> for LaneLimits {
    fn from(limit: LaneLimit) -> Self {
        Self::same(limit)
    }
}

impl fmt::Debug for LaneLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneLimits")
            .field("usual", &self.usual)
            .field("has_exceptions", &self.by_key.is_some())
            .finish()
    }
}
