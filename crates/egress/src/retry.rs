use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;
use rand::{Rng, RngExt};

/// About 136 years: what a larger delay is cut to, so that callers can add it to a time.
pub(crate) const MAX_DELAY_S: u64 = u32::MAX as u64;

/// The delay asked for by `Retry-After` (RFC 9110 section 10.2.3), seen at `now_s` seconds of Unix
/// time: a number of seconds or an HTTP date in any of the three forms of section 5.6.7. A date in
/// the past is a delay of zero. `None` without the header or with one that is neither. The caller
/// caps it.
pub fn retry_after(headers: &HeaderMap, now_s: i64) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // Only an overflow can fail here, and that is a long time.
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds.min(MAX_DELAY_S)));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    let at_s = at.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let delay_s = i128::from(at_s) - i128::from(now_s);
    let delay_s = u64::try_from(delay_s.max(0)).unwrap_or(u64::MAX);
    Some(Duration::from_secs(delay_s.min(MAX_DELAY_S)))
}

/// How long to wait after the `attempt`-th failure (1-based; 0 counts as 1): evenly between zero
/// and `base` doubled with each attempt, at most `cap`. "Full jitter", from "Exponential Backoff
/// And Jitter", AWS Architecture Blog, 2015: the clients of a recovered server spread the most.
pub fn backoff(attempt: u32, base: Duration, cap: Duration, rng: &mut impl Rng) -> Duration {
    let doubled = 2_u32.checked_pow(attempt.saturating_sub(1));
    let window = doubled.and_then(|factor| base.checked_mul(factor)).map_or(cap, |w| w.min(cap));
    let ns = rng.random_range(0..=window.as_nanos());
    Duration::new((ns / NS_PER_S) as u64, (ns % NS_PER_S) as u32)
}

const NS_PER_S: u128 = 1_000_000_000;
