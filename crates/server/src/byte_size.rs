//! Amounts of bytes as people write them.

use std::fmt;
use std::str::FromStr;

/// Units, largest first within each family.
const UNITS: [(&str, u64); 8] = [
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

/// An amount of bytes written as `64MB` (10⁶) or `64MiB` (2²⁰); a bare number counts bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ByteSize(pub(crate) u64);

/// The text is not an amount of bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidByteSize;

impl fmt::Display for InvalidByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a whole number with its unit, such as 500KB, 64MB, 64MiB or 1GB")
    }
}

impl std::error::Error for InvalidByteSize {}

impl FromStr for ByteSize {
    type Err = InvalidByteSize;

    fn from_str(text: &str) -> Result<Self, InvalidByteSize> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = text[..digits].parse().map_err(|_| InvalidByteSize)?;
        let unit = &text[digits..];
        let factor = UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .map(|(_, factor)| *factor)
            .or_else(|| unit.is_empty().then_some(1))
            .ok_or(InvalidByteSize)?;
        count.checked_mul(factor).map(Self).ok_or(InvalidByteSize)
    }
}

impl fmt::Display for ByteSize {
    /// The largest unit that divides it, so that it reads back as the same number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS
            .iter()
            .find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor))
            .unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_and_print_as_people_write_them() {
        for (text, bytes) in [
            ("0B", 0),
            ("1B", 1),
            ("500KB", 500_000),
            ("64KiB", 65_536),
            ("10MB", 10_000_000),
            ("1MiB", 1_048_576),
            ("1GB", 1_000_000_000),
            ("2TB", 2_000_000_000_000),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!(size.0, bytes, "{text}");
            assert_eq!(size.to_string(), text);
        }
        assert_eq!("64mb".parse(), Ok(ByteSize(64_000_000)));
        assert_eq!("1500".parse(), Ok(ByteSize(1_500)));
    }

    #[test]
    fn sizes_without_sense_are_refused() {
        for text in [
            "",
            "MB",
            "-1",
            "1.5GB",
            "64 MB",
            "64M",
            "64Mb/s",
            "99999999999999999999",
            "99999999999TB",
        ] {
            assert_eq!(text.parse::<ByteSize>(), Err(InvalidByteSize), "{text}");
        }
    }
}
