use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What an allowance may be per. The first of each length is how it is written.
const WINDOWS: [(&str, u64); 6] =
    [("s", 1), ("min", 60), ("m", 60), ("h", 3_600), ("d", 86_400), ("day", 86_400)];
/// More than any server accepts in a day.
const MOST: u64 = 1_000_000_000;

/// So many in so much time, as people write it: `100/s`, `10/min`, `1e6/d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Allowance {
    pub(crate) count: u64,
    pub(crate) window: Duration,
}

impl FromStr for Allowance {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text).ok_or(
            "not a number from 1 to 1e9 with a slash and one of s, min, h, d, such as \"100/s\" \
             or \"1e6/d\"",
        )
    }
}

fn read(text: &str) -> Option<Allowance> {
    let (number, unit) = text.split_once('/')?;
    let (_, seconds) = WINDOWS.into_iter().find(|(name, _)| *name == unit.trim())?;
    let number = number.trim();
    let (digits, power) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let count = whole(digits)?.checked_mul(10_u64.checked_pow(whole(power)?.try_into().ok()?)?)?;
    let window = Duration::from_secs(seconds);
    (1..=MOST).contains(&count).then_some(Allowance { count, window })
}

/// Digits and nothing else: `parse` takes a sign too.
fn whole(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.window.as_secs();
        let known = WINDOWS.into_iter().find(|(_, window)| *window == seconds);
        let unit = known.map_or("s", |(name, _)| name);
        write!(f, "{}/{unit}", self.count)
    }
}

impl TryFrom<String> for Allowance {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Allowance> for String {
    fn from(allowance: Allowance) -> Self {
        allowance.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read_and_written() {
        for (text, written) in [
            ("100/s", "100/s"),
            ("10/min", "10/min"),
            ("10/m", "10/min"),
            ("1e6/d", "1000000/d"),
            ("25E2/h", "2500/h"),
            ("1/day", "1/d"),
            ("1e9/d", "1000000000/d"),
        ] {
            assert_eq!(text.parse::<Allowance>().unwrap().to_string(), written);
        }
        for text in [
            "",
            "/",
            "5",
            "5/",
            "/s",
            "0/s",
            "-1/s",
            "+1/s",
            "1.5/s",
            "1e/s",
            "e6/s",
            "1e10/d",
            "1e99999999999/d",
            "99999999999999999999/s",
            "5/week",
            "5/s/s",
            "5 /s x",
        ] {
            assert!(text.parse::<Allowance>().is_err(), "{text}");
        }
    }
}
