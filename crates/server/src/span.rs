//! Lengths of time as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Units, largest first, in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A length of time written as `30s`, `500ms`, `1h30m` or `2d`; a bare `0` is no time at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

/// The text is not a length of time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidSpan;

impl fmt::Display for InvalidSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a length of time with its unit, such as 500ms, 30s, 15m, 1h30m or 2d")
    }
}

impl std::error::Error for InvalidSpan {}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        if text == "0" {
            return Ok(Self(Duration::ZERO));
        }
        let mut total_ms: u64 = 0;
        let mut rest = text;
        let mut units = UNITS.iter();
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let count: u64 = rest[..digits].parse().map_err(|_| InvalidSpan)?;
            rest = &rest[digits..];
            let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            // The iterator goes on from the last unit, so units must come in falling order.
            let (_, unit_ms) =
                units.find(|(unit, _)| *unit == &rest[..letters]).ok_or(InvalidSpan)?;
            rest = &rest[letters..];
            let part = count.checked_mul(*unit_ms).ok_or(InvalidSpan)?;
            total_ms = total_ms.checked_add(part).ok_or(InvalidSpan)?;
        }
        if text.is_empty() {
            return Err(InvalidSpan);
        }
        Ok(Self(Duration::from_millis(total_ms)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if left == 0 {
            return f.write_str("0");
        }
        // Hours are the largest unit printed: schedules read better as 24h than as 1d.
        for (unit, unit_ms) in &UNITS[1..] {
            let count = left / unit_ms;
            left %= unit_ms;
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_print_as_people_write_them() {
        for (text, ms) in [
            ("0", 0),
            ("5s", 5_000),
            ("500ms", 500),
            ("15m", 900_000),
            ("1h30m", 5_400_000),
            ("24h", 86_400_000),
            ("1m500ms", 60_500),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.0, Duration::from_millis(ms), "{text}");
            assert_eq!(span.to_string(), text);
        }
        assert_eq!("2d".parse::<Span>().unwrap().to_string(), "48h");
    }

    #[test]
    fn spans_without_unit_or_sense_are_refused() {
        for text in [
            "",
            "5",
            "s",
            "-1s",
            "1.5s",
            "5 s",
            "30m1h",
            "1s1s",
            "5x",
            "99999999999999999999s",
            "99999999999999999d",
        ] {
            assert_eq!(text.parse::<Span>(), Err(InvalidSpan), "{text}");
        }
    }
}
