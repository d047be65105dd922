//! ISO 8601 and what is meant to be.

use super::Stamp;

/// Reads a date that begins with the year in four digits, month and day in two: `2024-05-06`,
/// `2024-05-06T07:08:09.123+02:00`, `2024/05/06 07:08`, `20240506T070809Z`.
pub(super) fn read(written: &str) -> Option<Stamp> {
    let mut rest = Cursor(written.as_bytes());
    let year = rest.digits(4)?;
    let separator = rest.one_of(b"-/.");
    let month = rest.digits(2)?;
    if separator.is_some() && rest.one_of(b"-/.") != separator {
        return None;
    }
    let day = rest.digits(2)?;
    if rest.0.first().is_some_and(u8::is_ascii_digit) {
        // Twelve and fourteen digits without anything between are a date and a time.
        let digits = rest.0.iter().take_while(|b| b.is_ascii_digit()).count();
        if separator.is_some() || !matches!(digits, 4 | 6) {
            return None;
        }
    }
    let day = Stamp::day(year, month, day)?;
    Some(time(day, rest).unwrap_or(day))
}

/// The day at the time that follows.
fn time(day: Stamp, mut rest: Cursor<'_>) -> Option<Stamp> {
    rest.blanks();
    rest.one_of(b"Tt");
    rest.blanks();
    let hour = rest.digits(2)?;
    rest.one_of(b":.");
    let minute = rest.digits(2)?;
    let second = match rest.one_of(b":.") {
        Some(_) => rest.digits(2)?,
        None => rest.digits(2).unwrap_or(0),
    };
    if rest.one_of(b".,:").is_some() {
        while rest.one_of(b"0123456789").is_some() {}
    }
    rest.blanks();
    Some(day.at(hour, minute, second, offset(rest)))
}

/// Minutes east of UTC.
fn offset(mut rest: Cursor<'_>) -> Option<i16> {
    if rest.one_of(b"Zz").is_some() {
        return Some(0);
    }
    for name in ["UTC", "GMT"] {
        if rest.0.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes())) {
            rest.0 = &rest.0[3..];
            if rest.0.is_empty() {
                return Some(0);
            }
        }
    }
    let negative = rest.one_of(b"+-")? == b'-';
    let hours = rest.digits(2).or_else(|| rest.digits(1))?;
    rest.one_of(b":");
    let minutes = rest.digits(2).unwrap_or(0);
    let minutes = i16::try_from(hours * 60 + minutes).ok()?;
    Some(if negative { -minutes } else { minutes })
}

/// What is still to be read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// A number of exactly so many digits; more may follow.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let digits = self.0.get(..count).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
        self.0 = &self.0[count..];
        Some(digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
    }

    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let first = *self.0.first().filter(|first| bytes.contains(first))?;
        self.0 = &self.0[1..];
        Some(first)
    }

    fn blanks(&mut self) {
        self.0 = self.0.trim_ascii_start();
    }
}
