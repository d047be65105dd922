//! How hard one host may be asked.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use jobs::LaneLimit;

/// A lane's limit written as `N` (at once), `R/s` (starts a second) or `R/s,N` (both). `R` may be
/// a fraction: `0.5/s` is one start every two seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace(pub(crate) LaneLimit);

/// The slowest rate there is: one start a day.
const LONGEST_INTERVAL: Duration = Duration::from_secs(86_400);

/// The text is not a pace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidPace;

impl fmt::Display for InvalidPace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "expected N (at once), R/s (starts a second) or R/s,N, such as 4, 2/s or 0.5/s,1",
        )
    }
}

impl std::error::Error for InvalidPace {}

impl FromStr for Pace {
    type Err = InvalidPace;

    fn from_str(text: &str) -> Result<Self, InvalidPace> {
        let (rate, count) = match text.split_once(',') {
            Some((rate, count)) => (Some(rate), Some(count)),
            None if text.contains('/') => (Some(text), None),
            None => (None, Some(text)),
        };
        let mut limit = LaneLimit::default();
        if let Some(count) = count {
            limit.concurrency = count.parse::<NonZeroU32>().map_err(|_| InvalidPace)?.get();
        }
        if let Some(rate) = rate {
            let per_second = rate.strip_suffix("/s").and_then(|r| r.parse::<f64>().ok());
            let per_second = per_second.filter(|r| r.is_finite() && *r > 0.0).ok_or(InvalidPace)?;
            limit.interval = Duration::try_from_secs_f64(1.0 / per_second)
                .ok()
                .filter(|interval| *interval <= LONGEST_INTERVAL)
                .ok_or(InvalidPace)?;
        }
        Ok(Self(limit))
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.interval.is_zero() {
            write!(f, "{}/s,", 1.0 / self.0.interval.as_secs_f64())?;
        }
        write!(f, "{}", self.0.concurrency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_a_count_a_rate_or_both() {
        let pace = |text: &str| text.parse::<Pace>().map(|p| (p.0.concurrency, p.0.interval));
        let usual = LaneLimit::default().concurrency;
        assert_eq!(pace("7"), Ok((7, Duration::ZERO)));
        assert_eq!(pace("2/s"), Ok((usual, Duration::from_millis(500))));
        assert_eq!(pace("0.5/s,1"), Ok((1, Duration::from_secs(2))));
        assert_eq!("0.5/s,1".parse::<Pace>().unwrap().to_string(), "0.5/s,1");
        assert_eq!("7".parse::<Pace>().unwrap().to_string(), "7");
    }

    #[test]
    fn a_pace_without_sense_is_refused() {
        for text in [
            "", "0", "-1", "/s", "0/s", "inf/s", "NaN/s", "-2/s", "1/s,", "1/s,0", "1/m", "1e-9/s",
            "x",
        ] {
            assert_eq!(text.parse::<Pace>(), Err(InvalidPace), "{text}");
        }
    }
}
