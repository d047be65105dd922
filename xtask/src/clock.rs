//! The one place of this program that asks for the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A monotonic instant.
#[expect(clippy::disallowed_methods, reason = "xtask measures real processes in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Microseconds since the Unix epoch: the one clock that all processes of a benchmark share.
#[expect(clippy::disallowed_methods, reason = "xtask measures real processes in real time")]
pub(crate) fn unix_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
