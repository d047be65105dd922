use std::time::Duration;

use http::HeaderMap;

use crate::retry::MAX_DELAY_S;

/// The pairs of headers that say how many requests are left and when there will be more: of the
/// drafts before 08 (<https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-06>)
/// and from before there was any.
const PAIRS: [[&str; 2]; 2] =
    [["ratelimit-remaining", "ratelimit-reset"], ["x-ratelimit-remaining", "x-ratelimit-reset"]];

/// The delay asked for by the headers of a rate limit that is used up, seen at `now_s` seconds of
/// Unix time; the longest, if there are several. `None` while requests are left, when it is not
/// said for how long there are none, and without such headers.
///
/// Understood are `RateLimit: "default";r=0;t=30` (draft-ietf-httpapi-ratelimit-headers, a list of
/// structured fields, RFC 9651), its older form `limit=10, remaining=0, reset=30`, and
/// `RateLimit-Remaining: 0` with `RateLimit-Reset: 30`, with or without `X-` before them. A reset
/// is a number of seconds, or a Unix time in seconds or milliseconds if it is as large as one. The
/// caller caps it.
pub fn rate_limit(headers: &HeaderMap, now_s: i64) -> Option<Duration> {
    let fields = headers.get_all("ratelimit").into_iter().filter_map(|value| value.to_str().ok());
    let of_fields = fields.filter_map(|value| delay_of_field(value, now_s)).max();
    let of_pairs = PAIRS.iter().filter_map(|[remaining, reset]| {
        let number = |name: &str| first_number(headers.get(name)?.to_str().ok()?);
        (number(remaining)? == 0).then(|| Some(delay(number(reset)?, now_s)))?
    });
    of_fields.max(of_pairs.max())
}

/// Of one `RateLimit`, whichever draft it follows.
fn delay_of_field(value: &str, now_s: i64) -> Option<Duration> {
    let members = || split(value, b',');
    // draft 07: a dictionary of three numbers
    let old = |key| members().find_map(|member| number_of(member, key));
    if let (Some(0), Some(reset)) = (old("remaining"), old("reset")) {
        return Some(delay(reset, now_s));
    }
    let delay_of_policy = |member| {
        let parameter = |key| split(member, b';').skip(1).find_map(|part| number_of(part, key));
        (parameter("r")? == 0).then(|| Some(delay(parameter("t")?, now_s)))?
    };
    members().filter_map(delay_of_policy).max()
}

/// The parts of `text` between separators that are not inside a quoted string.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        let inside = quoted;
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        !inside && c == char::from(separator)
    })
    .map(str::trim)
}

/// The number behind `key=`.
fn number_of(part: &str, key: &str) -> Option<u64> {
    let (name, value) = part.split_once('=')?;
    if name.trim_end() == key { first_number(value) } else { None }
}

/// A number that a value consists of, or that the first member of a list does (`100, 100;w=60`);
/// a fraction counts as a whole second.
fn first_number(value: &str) -> Option<u64> {
    let value = value.split([',', ';']).next()?.trim();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    // Only an overflow can fail here, and that is a long time.
    let number = whole.parse().unwrap_or(u64::MAX);
    let rest = fraction.bytes().any(|b| b != b'0');
    Some(number.saturating_add(rest.into()))
}

/// From here on a number is a Unix time: in seconds, this is the year 2001.
const EPOCH_S: u64 = 1_000_000_000;
/// The same moment in milliseconds.
const EPOCH_MS: u64 = EPOCH_S * 1000;

fn delay(reset: u64, now_s: i64) -> Duration {
    let until = |at_s: u64| {
        let delay_s = i128::from(at_s) - i128::from(now_s);
        u64::try_from(delay_s.max(0)).unwrap_or(u64::MAX)
    };
    let delay_s = match reset {
        EPOCH_MS.. => until(reset.div_ceil(1000)),
        EPOCH_S.. => until(reset),
        _ => reset,
    };
    Duration::from_secs(delay_s.min(MAX_DELAY_S))
}
