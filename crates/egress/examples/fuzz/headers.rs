//! Delays that headers ask for: never a panic, never more than the bound, and what a plain reader
//! of the plain forms makes of them.

use std::time::Duration;

use egress::{rate_limit, retry_after};
use http::{HeaderMap, HeaderName, HeaderValue};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

const NAMES: [&str; 7] = [
    "retry-after",
    "ratelimit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "ratelimit-policy",
];

pub(crate) fn try_one(random: &mut StdRng) -> (String, Result<(), String>) {
    let mut headers = HeaderMap::new();
    for _ in 0..random.random_range(1..5) {
        let name = NAMES.choose(random).expect("there are names");
        if let Ok(value) = HeaderValue::from_bytes(&value(random)) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    let now_s = match random.random_range(0..4) {
        0 => random.random(),
        1 => 0,
        _ => random.random_range(0..4_000_000_000),
    };
    let result = hold(&headers, now_s);
    (format!("at {now_s}: {headers:?}"), result)
}

fn hold(headers: &HeaderMap, now_s: i64) -> Result<(), String> {
    let (retry, rate) = (retry_after(headers, now_s), rate_limit(headers, now_s));
    for (what, delay) in [("retry-after", retry), ("rate limit", rate)] {
        if delay.is_some_and(|delay| delay > LONGEST || delay.subsec_nanos() > 0) {
            return Err(format!("{what}: {delay:?}"));
        }
    }
    // A number is that many seconds.
    if let Some(number) = headers.get("retry-after").and_then(plain) {
        let expected = Some(Duration::from_secs(number).min(LONGEST));
        if retry != expected {
            return Err(format!("retry-after {number} s is {retry:?}"));
        }
    }
    if retry.is_some() && !headers.contains_key("retry-after") {
        return Err(format!("nobody asked for {retry:?}"));
    }
    let zero = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| text.contains('0') && text.contains(['r', '0']))
    };
    // Somebody has to have said that nothing is left.
    if rate.is_some() && !headers.values().any(zero) {
        return Err(format!("nothing is used up, but {rate:?}"));
    }
    if let (Some(0), Some(reset)) = (number(headers, NAMES[2]), number(headers, NAMES[3]))
        && reset < 1_000_000_000
        && rate.is_none_or(|delay| delay < Duration::from_secs(reset))
    {
        return Err(format!("in {reset} s there is more, not in {rate:?}"));
    }
    Ok(())
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name).and_then(plain)
}

/// Digits and nothing else.
fn plain(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?;
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

const WORDS: &[&str] = &[
    "0",
    "1",
    "30",
    "100",
    "4294967295",
    "4294967296",
    "1700000000",
    "1700000000000",
    "18446744073709551616",
    "99999999999999999999999",
    "-1",
    "+1",
    "1.5",
    "0.0",
    ".5",
    "1e9",
    "\"default\"",
    "\"a\\\"b\"",
    "\"",
    "default",
    ";r=0",
    ";r=1",
    ";t=30",
    ";t=0",
    ";r",
    ";t",
    ";w=60",
    ", ",
    ",",
    ";",
    "=",
    "limit=100",
    "remaining=0",
    "reset=30",
    "reset=",
    " ",
    "\t",
    "?1",
    "(",
    ")",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Mon, 30 Feb 2026 25:61:61 GMT",
];

fn value(random: &mut StdRng) -> Vec<u8> {
    match random.random_range(0..6) {
        0 => (0..random.random_range(0..30)).map(|_| random.random()).collect(),
        1 => random
            .random::<u64>()
            .checked_shr(random.random_range(0..64))
            .map_or(vec![], |n| n.to_string().into_bytes()),
        2 => b"0".to_vec(),
        3 => format!("\"p\";r={};t={}", random.random_range(0..2), random.random::<u32>())
            .into_bytes(),
        _ => {
            let words =
                (0..random.random_range(1..7)).filter_map(|_| WORDS.choose(random).copied());
            words.collect::<String>().into_bytes()
        }
    }
}
