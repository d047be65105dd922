//! For how long a robots.txt is fresh.

use std::time::Duration;

use http::header::{AGE, CACHE_CONTROL, EXPIRES, HeaderMap};

use crate::header;

/// How long a file counts as fresh that says nothing of it, and at most: section 2.4.
pub(crate) const MAX: Duration = Duration::from_secs(24 * 3600);

/// And at least, so that a site that wants nothing kept is not asked before every page.
pub(crate) const MIN: Duration = Duration::from_secs(300);

/// How long an answer is fresh (RFC 9111, section 4.2.1), within our bounds.
pub(crate) fn of(headers: &HeaderMap) -> Duration {
    lifetime(headers).map_or(MAX, |fresh| fresh.clamp(MIN, MAX))
}

fn lifetime(headers: &HeaderMap) -> Option<Duration> {
    let mut max_age = None;
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().unwrap_or_default().split(',').map(str::trim) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim_end().to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" => return Some(Duration::ZERO),
                "max-age" => max_age = header::seconds(value.trim().trim_matches('"')).or(max_age),
                _ => {}
            }
        }
    }
    if let Some(max_age) = max_age {
        let age = headers.get(AGE).and_then(|age| header::seconds(age.to_str().ok()?));
        return Some(max_age.saturating_sub(age.unwrap_or_default()));
    }
    let expires = header::date_s(headers.get(EXPIRES)?);
    // What is no date is in the past: RFC 9111, section 5.3.
    let left_s = expires.zip(header::answered_s(headers)).map_or(0, |(end, now)| end - now);
    Some(Duration::from_secs(left_s.max(0).unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn freshness_is_what_the_answer_says_within_bounds() {
        let fresh_s = |lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            of(&headers).as_secs()
        };
        let date = ("date", "Sun, 06 Nov 1994 08:00:00 GMT");
        assert_eq!(fresh_s(&[]), 86_400);
        assert_eq!(fresh_s(&[("cache-control", "public, Max-Age=3600")]), 3_600);
        assert_eq!(fresh_s(&[("cache-control", "max-age=\"3600\""), ("age", "600")]), 3_000);
        assert_eq!(fresh_s(&[("cache-control", "max-age=3600"), ("age", "9999")]), 300);
        assert_eq!(fresh_s(&[("cache-control", "max-age=1")]), 300);
        assert_eq!(fresh_s(&[("cache-control", "max-age=99999999999999999999")]), 86_400);
        assert_eq!(fresh_s(&[("cache-control", "max-age=x"), ("cache-control", "public")]), 86_400);
        assert_eq!(
            fresh_s(&[("cache-control", "max-age=3600"), ("cache-control", "no-cache")]),
            300
        );
        assert_eq!(fresh_s(&[("expires", "Sun, 06 Nov 1994 09:00:00 GMT"), date]), 3_600);
        assert_eq!(fresh_s(&[("expires", "Sun, 06 Nov 1994 07:00:00 GMT"), date]), 300);
        assert_eq!(fresh_s(&[("expires", "0"), date]), 300);
        let both = [("expires", "0"), ("cache-control", "max-age=600"), date];
        assert_eq!(fresh_s(&both), 600);
    }
}
