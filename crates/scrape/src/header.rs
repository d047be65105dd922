//! What several parts read in an answer's headers.

use std::time::Duration;

use http::StatusCode;
use http::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};

/// The delay the site asks for. A date is taken relative to the answer's own `date`, so that
/// neither side's clock has to be right.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let is_seconds = |v: &HeaderValue| v.as_bytes().trim_ascii().iter().all(u8::is_ascii_digit);
    if headers.get(RETRY_AFTER).is_some_and(is_seconds) {
        return egress::retry_after(headers, 0);
    }
    egress::retry_after(headers, answered_s(headers)?)
}

/// How long the site asks to be left alone with an answer of `status`: by `retry-after`, and where
/// it refuses for too many requests also by its rate limit.
pub(crate) fn wait(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let limit = matches!(status.as_u16(), 429 | 503).then(|| rate_limit(headers)).flatten();
    retry_after(headers).max(limit)
}

/// The time until a rate limit that is used up lets more through. A moment is taken relative to the
/// answer's own `date`, and means nothing without one.
pub(crate) fn rate_limit(headers: &HeaderMap) -> Option<Duration> {
    let now_s = answered_s(headers).unwrap_or(END_OF_TIME_S);
    egress::rate_limit(headers, now_s).filter(|wait| !wait.is_zero())
}

/// In a billion years every limit is over.
const END_OF_TIME_S: i64 = 1 << 55;

/// When the answer was given by its own account, in seconds of Unix time.
pub(crate) fn answered_s(headers: &HeaderMap) -> Option<i64> {
    date_s(headers.get(DATE)?)
}

/// A date in seconds of Unix time.
pub(crate) fn date_s(value: &HeaderValue) -> Option<i64> {
    let date = jiff::fmt::rfc2822::parse(value.to_str().ok()?.trim()).ok()?;
    Some(date.timestamp().as_second())
}

/// A whole number of seconds (RFC 9111, section 1.2.2); one that is too large is a long time.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))))
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    #[test]
    fn a_rate_limit_counts_where_the_site_refuses_for_it() {
        let mut headers = HeaderMap::new();
        let mut set = |name, value| {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            let waits = [429, 503, 500].map(|status| {
                wait(StatusCode::from_u16(status).unwrap(), &headers).map(|wait| wait.as_secs())
            });
            (rate_limit(&headers).map(|wait| wait.as_secs()), waits)
        };
        assert_eq!(set("x-ratelimit-remaining", "0"), (None, [None; 3]));
        assert_eq!(set("x-ratelimit-reset", "30"), (Some(30), [Some(30), Some(30), None]));
        assert_eq!(set("retry-after", "60"), (Some(30), [Some(60), Some(60), Some(60)]));
        assert_eq!(set("retry-after", "9"), (Some(30), [Some(30), Some(30), Some(9)]));
        // A moment, with and without a time to go by.
        assert_eq!(set("x-ratelimit-reset", "1795341630"), (None, [Some(9); 3]));
        let (limit, _) = set("date", "Sun, 22 Nov 2026 10:00:00 GMT");
        assert_eq!(limit, Some(30));
    }

    #[test]
    fn a_retry_date_is_relative_to_the_answer() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(retry_after(&headers), None);
        headers.insert(DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:07 GMT"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(30)));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("120"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(120)));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("soon"));
        assert_eq!(retry_after(&headers), None);
    }
}
