use std::ops::Range;

/// What a `Range` field (RFC 9110 §14.2) asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of it: there is no such field, or one that counts for nothing because it is of another
    /// unit, is not one, or asks for several parts.
    Whole,
    /// These bytes, at least one.
    Part(Range<usize>),
    /// Bytes that are not there.
    Nothing,
}

/// Reads a `Range` field of a representation of `length` bytes.
pub(crate) fn asked(field: Option<&str>, length: usize) -> Asked {
    field.and_then(parse).map_or(Asked::Whole, |spec| spec.of(length))
}

/// One range as it is written; numbers that are too large stand for the largest.
enum Spec {
    From(u64),
    FromTo(u64, u64),
    Last(u64),
}

fn parse(field: &str) -> Option<Spec> {
    let (unit, range) = field.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    match (first, last) {
        ("", last) => number(last).map(Spec::Last),
        (first, "") => number(first).map(Spec::From),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::FromTo(first, last))
        }
    }
}

fn number(digits: &str) -> Option<u64> {
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| digits.parse().unwrap_or(u64::MAX))
}

impl Spec {
    fn of(self, length: usize) -> Asked {
        let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(length);
        let range = match self {
            Self::From(first) => within(first)..length,
            Self::FromTo(first, last) => within(first)..within(last.saturating_add(1)),
            Self::Last(count) => length - within(count)..length,
        };
        if range.is_empty() { Asked::Nothing } else { Asked::Part(range) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_cut_to_what_there_is() {
        for (field, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-9", 0..10),
            ("bytes=2-4", 2..5),
            ("bytes=9-", 9..10),
            ("bytes=0-", 0..10),
            ("bytes=5-99", 5..10),
            ("bytes=5-99999999999999999999999", 5..10),
            ("bytes=-1", 9..10),
            ("bytes=-10", 0..10),
            ("bytes=-11", 0..10),
            ("Bytes= 2-4 ", 2..5),
        ] {
            assert_eq!(asked(Some(field), 10), Asked::Part(range), "{field}");
        }
    }

    #[test]
    fn what_lies_outside_is_nothing() {
        for field in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(asked(Some(field), 10), Asked::Nothing, "{field}");
        }
        for field in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
            assert_eq!(asked(Some(field), 0), Asked::Nothing, "{field}");
        }
    }

    #[test]
    fn what_is_no_single_range_of_bytes_counts_for_nothing() {
        for field in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=1",
            "bytes=4-2",
            "bytes=1-2-3",
            "bytes=0-1,3-4",
            "bytes=+1-2",
            "bytes=1 -2",
            "lines=1-2",
            "bytes=--1",
            "=1-2",
        ] {
            assert_eq!(asked(Some(field), 10), Asked::Whole, "{field}");
        }
        assert_eq!(asked(None, 10), Asked::Whole);
    }
}
