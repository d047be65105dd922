//! Durations, sizes and rates as people write them.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Units of time, largest first, in milliseconds. Longer names come before their prefixes.
const TIME_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("ms", 1), ("m", 60_000), ("s", 1_000)];

/// Units of size in bytes: decimal as in SI, binary as in IEC 80000-13.
const SIZE_UNITS: [(&str, u64); 8] = [
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Reads `"30s"`, `"1h30m"`, `"500ms"`: whole numbers with a unit, each smaller than the one
/// before.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total_ms = 0_u64;
    let mut last_unit_ms = u64::MAX;
    loop {
        let (number, after) = leading_number(rest)?;
        let (name, unit_ms) = TIME_UNITS.into_iter().find(|(name, _)| after.starts_with(name))?;
        if unit_ms >= last_unit_ms {
            return None;
        }
        total_ms = total_ms.checked_add(number.checked_mul(unit_ms)?)?;
        last_unit_ms = unit_ms;
        rest = &after[name.len()..];
        if rest.is_empty() {
            return Some(Duration::from_millis(total_ms));
        }
    }
}

/// Reads `"10MB"`, `"64 KiB"`, `"512"`.
fn size(text: &str) -> Option<u64> {
    let (number, unit) = leading_number(text)?;
    let unit = unit.trim_start_matches(' ');
    if unit.is_empty() {
        return Some(number);
    }
    let (_, bytes) = SIZE_UNITS.into_iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(bytes)
}

/// Units that a rate may be per, in microseconds.
const RATE_UNITS: [(&str, u64); 3] = [("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000)];

/// Reads `"10/s"`, `"30/m"`, `"5/h"`: the least time between two, in microseconds; never more of
/// them than was written.
fn interval_us(text: &str) -> Option<u64> {
    let (number, unit) = leading_number(text)?;
    let unit = unit.strip_prefix('/')?;
    let (_, unit_us) = RATE_UNITS.into_iter().find(|(name, _)| *name == unit)?;
    (1..=unit_us).contains(&number).then(|| unit_us.div_ceil(number))
}

/// Writes what [`interval_us`] read.
pub(crate) fn rate_text(interval_us: u64) -> String {
    let interval_us = interval_us.max(1);
    let written = RATE_UNITS.into_iter().find_map(|(name, unit_us)| {
        let number = unit_us.div_ceil(interval_us);
        (unit_us.div_ceil(number) == interval_us).then(|| format!("{number}/{name}"))
    });
    written.unwrap_or_else(|| "1/h".to_owned())
}

/// Writes what [`duration`] read.
pub(crate) fn duration_text(mut ms: u64) -> String {
    use fmt::Write as _;
    let mut text = String::new();
    let mut units = TIME_UNITS;
    units.sort_unstable_by_key(|(_, unit_ms)| std::cmp::Reverse(*unit_ms));
    for (name, unit_ms) in units {
        if ms >= unit_ms {
            write!(text, "{}{name}", ms / unit_ms).expect("a String takes every text");
            ms %= unit_ms;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

fn leading_number(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    Some((number.parse().ok()?, rest))
}

/// A duration in a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DurationText(pub(crate) Duration);

impl<'de> Deserialize<'de> for DurationText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = DurationText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"30s\", \"1h30m\" or \"500ms\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<DurationText, E> {
                let unread = || E::invalid_value(serde::de::Unexpected::Str(text), &self);
                duration(text).map(DurationText).ok_or_else(unread)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// A number of bytes in a body: an integer, or a string with a unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SizeText(pub(crate) u64);

impl<'de> Deserialize<'de> for SizeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = SizeText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of bytes, or a size such as \"10MB\" or \"64KiB\"")
            }

            fn visit_u64<E: Error>(self, bytes: u64) -> Result<SizeText, E> {
                Ok(SizeText(bytes))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<SizeText, E> {
                let unread = || E::invalid_value(serde::de::Unexpected::Str(text), &self);
                size(text).map(SizeText).ok_or_else(unread)
            }
        }

        deserializer.deserialize_any(Text)
    }
}

/// A rate in a body, as the least time between two, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateText(pub(crate) u64);

impl<'de> Deserialize<'de> for RateText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = RateText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rate such as \"10/s\", \"30/m\" or \"5/h\", at most 1000000/s")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<RateText, E> {
                let unread = || E::invalid_value(serde::de::Unexpected::Str(text), &self);
                interval_us(text).map(RateText).ok_or_else(unread)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_people_write() {
        for (text, ms) in [
            ("30s", 30_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("1m500ms", 60_500),
            ("2d", 172_800_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_durations() {
        for text in
            ["", "30", "s", "-1s", "1.5s", "30S", "1m1h", "1s1s", "1h 30m", " 1s", "1s ", "+1s"]
        {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(duration("18446744073709551615d"), None);
        assert_eq!(duration("99999999999999999999s"), None);
    }

    #[test]
    fn sizes_people_write() {
        for (text, bytes) in
            [("10MB", 10_000_000), ("64KiB", 65_536), ("1 GB", 1_000_000_000), ("512", 512)]
        {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in ["", "MB", "10mb", "1.5MB", "-1", "99999999999GB"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn rates_people_write() {
        for (text, us) in [
            ("10/s", 100_000),
            ("1/s", 1_000_000),
            ("30/m", 2_000_000),
            ("7/m", 8_571_429),
            ("1/h", 3_600_000_000),
            ("1000000/s", 1),
            ("700000/s", 2),
        ] {
            assert_eq!(interval_us(text), Some(us), "{text}");
        }
        for text in ["", "10", "/s", "0/s", "10/d", "10 /s", "1.5/s", "-1/s", "1000001/s", "1/s "] {
            assert_eq!(interval_us(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for number in (1..2000).chain([999_983, 1_000_000]) {
            for unit in ["s", "m", "h"] {
                let us = interval_us(&format!("{number}/{unit}")).unwrap();
                assert_eq!(interval_us(&rate_text(us)), Some(us), "{number}/{unit}");
            }
        }
        for (ms, text) in [
            (0, "0s"),
            (500, "500ms"),
            (60_500, "1m500ms"),
            (5_400_000, "1h30m"),
            (86_400_000, "1d"),
        ] {
            assert_eq!(duration_text(ms), text);
            assert_eq!(duration(text), Some(Duration::from_millis(ms)));
        }
    }
}
