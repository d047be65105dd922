//! Dates in embedded state: scripts and attributes that hold JSON.

use super::super::date::{self, Order, Stamp};

/// Names of members, most telling first.
const NAMES: [&str; 8] = [
    "datePublished",
    "published_at",
    "publishedAt",
    "publishDate",
    "created-timestamp",
    "dateCreated",
    "created_at",
    "createdAt",
];

/// Occurrences of one name that are looked at.
const MAX_TRIES: usize = 8;

/// Bytes behind a name in which the value begins.
const REACH_BYTES: usize = 24;

/// The first date that the source gives one of the names; for pages that say nothing elsewhere.
pub(super) fn read(source: &str) -> Option<Stamp> {
    NAMES.iter().find_map(|name| {
        let finder = memchr::memmem::find_iter(source.as_bytes(), name.as_bytes());
        finder.take(MAX_TRIES).find_map(|at| value(source, at + name.len()))
    })
}

/// The date that begins soon behind `at`, after quotes, a colon or an equals sign.
fn value(source: &str, at: usize) -> Option<Stamp> {
    let rest = source.get(at..)?;
    let start = rest.bytes().take(REACH_BYTES).position(|b| b.is_ascii_digit())?;
    let between = &rest[..start];
    // Only marks and the reference of a quote lie between a name and its value.
    let plain = between.replace("&quot;", "").replace("&#34;", "");
    if !plain
        .bytes()
        .all(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b':' | b'=' | b'\\'))
    {
        return None;
    }
    let rest = &rest[start..];
    let length = rest
        .bytes()
        .take(40)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b':' | b'+' | b'.'))
        .count();
    date::value(&rest[..length], Order::default())
}
