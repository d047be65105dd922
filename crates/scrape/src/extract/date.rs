//! Dates as pages write them, in ISO 8601.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::{rfc2822, strtime};

/// Dates in words and in other orders; where day and month could be mixed up there is none.
const PATTERNS: [&str; 7] =
    ["%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y"];

/// Longer strings are no dates.
const MAX_BYTES: usize = 64;

/// `written` in ISO 8601: a date, a local date and time, or one with its offset from UTC. None
/// when it is no date, or one that is not sure.
pub(super) fn normal(written: &str) -> Option<String> {
    let written = written.trim();
    if written.len() < 8 || written.len() > MAX_BYTES || !written.is_ascii() {
        return None;
    }
    if written.starts_with(|c: char| c.is_ascii_digit()) {
        let iso = written.replacen(' ', "T", 1).replace(' ', "");
        if iso.parse::<Timestamp>().is_ok() {
            return Some(iso);
        }
        if iso.len() == 10
            && let Ok(date) = iso.parse::<Date>()
        {
            return Some(date.to_string());
        }
        if let Some(at) = iso.strip_suffix("+0000").or_else(|| iso.strip_suffix("-0000"))
            && at.contains('T')
            && let Ok(at) = at.parse::<DateTime>()
        {
            return Some(format!("{at}Z"));
        }
        if iso.contains('T')
            && let Ok(at) = iso.parse::<DateTime>()
        {
            return Some(at.to_string());
        }
    }
    if let Ok(at) = rfc2822::parse(written) {
        return Some(at.timestamp().to_string());
    }
    PATTERNS
        .iter()
        .find_map(|pattern| strtime::parse(pattern, written).ok()?.to_date().ok())
        .map(|date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_met_in_the_wild() {
        let cases = [
            ("2024-05-06", Some("2024-05-06")),
            ("2024-05-06T07:08:09Z", Some("2024-05-06T07:08:09Z")),
            ("2024-05-06T07:08:09+02:00", Some("2024-05-06T07:08:09+02:00")),
            ("2024-05-06 07:08:09", Some("2024-05-06T07:08:09")),
            ("2024-05-06T07:08", Some("2024-05-06T07:08:00")),
            ("Mon, 06 May 2024 07:08:09 GMT", Some("2024-05-06T07:08:09Z")),
            ("May 6, 2024", Some("2024-05-06")),
            ("6 May 2024", Some("2024-05-06")),
            ("2024/05/06", Some("2024-05-06")),
            ("06/05/2024", None),
            ("2024-13-06", None),
            ("yesterday", None),
            ("", None),
        ];
        for (written, expected) in cases {
            assert_eq!(normal(written).as_deref(), expected, "{written}");
        }
    }
}
