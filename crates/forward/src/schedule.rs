use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rand::{Rng, RngExt as _};

use crate::receipt::{Answer, Receipt};

/// When a delivery is attempted: the delay before each attempt, the first included.
///
/// Written `0,5s,5m,30m,2h,5h,10h,14h,20h,24h`, which is the default: ten attempts in about 75
/// hours. An entry is `0` or numbers with units, large to small: `d`, `h`, `m`, `s`, `ms`, as in
/// `1h30m`. `Display` writes what `FromStr` reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

/// What to do after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTry {
    /// Try again after this long.
    After(Duration),
    /// Do not try again.
    GiveUp,
}

impl Schedule {
    /// Most attempts a schedule may have.
    pub const MAX_ATTEMPTS: usize = 100;
    /// Longest delay before an attempt: 30 days.
    pub const MAX_DELAY: Duration = Duration::from_secs(30 * 24 * 60 * 60);
    /// Longest `Retry-After` that is honoured: 24 hours, the longest delay of the default
    /// schedule. A sink that asks for more is tried then.
    pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
    /// Each delay is spread by up to a tenth of it, either way, so that what failed together
    /// does not come back together.
    const JITTER_DIVISOR: u64 = 10;

    /// A schedule from the delay before each attempt, the first included. Delays are cut to whole
    /// milliseconds.
    ///
    /// # Errors
    /// When there are none or more than [`MAX_ATTEMPTS`](Self::MAX_ATTEMPTS), or one is longer
    /// than [`MAX_DELAY`](Self::MAX_DELAY).
    pub fn new(delays: impl IntoIterator<Item = Duration>) -> Result<Self, InvalidSchedule> {
        let delays: Vec<Duration> =
            delays.into_iter().take(Self::MAX_ATTEMPTS + 1).map(whole_ms).collect();
        if delays.is_empty() {
            return Err(InvalidSchedule("a schedule has at least one entry, such as `0`".into()));
        }
        if delays.len() > Self::MAX_ATTEMPTS {
            let most = Self::MAX_ATTEMPTS;
            return Err(InvalidSchedule(format!("a schedule has at most {most} entries")));
        }
        match delays.iter().position(|delay| *delay > Self::MAX_DELAY) {
            Some(index) => Err(InvalidSchedule(format!(
                "entry {} of the schedule is longer than 30 days",
                index + 1
            ))),
            None => Ok(Self(delays)),
        }
    }

    /// How many attempts there are at most.
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.0.len()).expect("`new` allows a hundred")
    }

    /// The delay before the first attempt, without jitter.
    pub fn first(&self) -> Duration {
        self.0[0]
    }

    /// What to do after attempt number `attempt` (the first is 1) ended with `receipt`.
    ///
    /// * [`Answer::Retryable`]: the next delay of the schedule, spread by ±10 % with `rng`; or
    ///   `Retry-After`, up to [`MAX_RETRY_AFTER`](Self::MAX_RETRY_AFTER), when that is longer.
    /// * [`Answer::Refused`]: the same after the first attempt; after a later one it is final.
    /// * [`Answer::Gone`], [`Answer::Declined`], [`Answer::Forbidden`]: final. So is [`Answer::Accepted`], of course.
    pub fn next(&self, attempt: u32, receipt: &Receipt, rng: &mut (impl Rng + ?Sized)) -> NextTry {
        let again = match receipt.outcome {
            Answer::Retryable => true,
            Answer::Refused => attempt <= 1,
            Answer::Accepted | Answer::Gone | Answer::Declined | Answer::Forbidden => false,
        };
        let index = usize::try_from(attempt).unwrap_or(usize::MAX);
        match self.0.get(index) {
            Some(delay) if again => NextTry::After(Self::spread(*delay, receipt, rng)),
            _ => NextTry::GiveUp,
        }
    }

    fn spread(delay: Duration, receipt: &Receipt, rng: &mut (impl Rng + ?Sized)) -> Duration {
        let delay_ms = millis(delay);
        let spread_ms = delay_ms / Self::JITTER_DIVISOR;
        let jittered_ms = rng.random_range(delay_ms - spread_ms..=delay_ms + spread_ms);
        let Some(asked) = receipt.retry_after else {
            return Duration::from_millis(jittered_ms);
        };
        // Never earlier than asked, and those who were asked together are spread out after it.
        let asked_ms = millis(asked.min(Self::MAX_RETRY_AFTER));
        let cap_ms = millis(Self::MAX_RETRY_AFTER).max(jittered_ms);
        let later_ms = rng.random_range(0..=asked_ms / Self::JITTER_DIVISOR);
        Duration::from_millis(jittered_ms.max(asked_ms + later_ms).min(cap_ms))
    }
}

fn millis(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}

fn whole_ms(delay: Duration) -> Duration {
    Duration::from_millis(millis(delay))
}

impl Default for Schedule {
    fn default() -> Self {
        const MINUTE_S: u64 = 60;
        const HOUR_S: u64 = 60 * MINUTE_S;
        let seconds = [
            0,
            5,
            5 * MINUTE_S,
            30 * MINUTE_S,
            2 * HOUR_S,
            5 * HOUR_S,
            10 * HOUR_S,
            14 * HOUR_S,
            20 * HOUR_S,
            24 * HOUR_S,
        ];
        Self(seconds.map(Duration::from_secs).to_vec())
    }
}

/// Units by falling size, in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, delay) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            let mut left_ms = millis(*delay);
            if left_ms == 0 {
                f.write_str("0")?;
            }
            // Hours are the largest unit written: a schedule is read as `24h`.
            for (unit, unit_ms) in &UNITS[1..] {
                if left_ms >= *unit_ms {
                    write!(f, "{}{unit}", left_ms / unit_ms)?;
                    left_ms %= unit_ms;
                }
            }
        }
        Ok(())
    }
}

impl FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let delays: Result<Vec<_>, _> = text
            .split(',')
            .take(Self::MAX_ATTEMPTS + 1)
            .enumerate()
            .map(|(index, entry)| {
                parse_delay(entry.trim()).map_err(|why| InvalidSchedule::entry(index, entry, why))
            })
            .collect();
        Self::new(delays?)
    }
}

fn parse_delay(entry: &str) -> Result<Duration, &'static str> {
    const TOO_LONG: &str = "it is too long";
    if entry == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = entry;
    let mut total_ms: u64 = 0;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(|b| !b.is_ascii_digit()).count();
        let (unit, tail) = tail.split_at(letters);
        if digits == 0 || letters == 0 {
            return Err("it has no number and unit");
        }
        let (_, unit_ms) = units
            .find(|(name, _)| *name == unit)
            .ok_or("units are d, h, m, s, ms, in this order")?;
        let number: u64 = number.parse().map_err(|_| TOO_LONG)?;
        total_ms =
            number.checked_mul(*unit_ms).and_then(|ms| total_ms.checked_add(ms)).ok_or(TOO_LONG)?;
        rest = tail;
    }
    if entry.is_empty() { Err("it is empty") } else { Ok(Duration::from_millis(total_ms)) }
}

/// Why something is not a [`Schedule`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSchedule(String);

impl InvalidSchedule {
    fn entry(index: usize, entry: &str, why: &str) -> Self {
        let shown: String = entry.chars().take(20).flat_map(char::escape_debug).collect();
        Self(format!(
            "entry {} of the schedule, `{shown}`: {why}; write it as in `0,5s,5m,1h30m`",
            index + 1
        ))
    }
}
