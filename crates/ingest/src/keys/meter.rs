use std::fmt::Write as _;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use jobs::Timestamp;
use serde::{Deserialize, Serialize};

use super::allowance::Allowance;

/// draft-ietf-httpapi-ratelimit-headers-10.
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How many jobs a key has submitted, and how many it still may.
#[derive(Debug)]
pub(crate) struct Meter {
    rate: Option<Bucket>,
    quota: Option<Window>,
}

/// What a key is limited by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Rate,
    Quota,
}

impl Limit {
    /// As it is called in a key, and in the header fields.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Quota => "quota",
        }
    }
}

/// There is not as much left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Short {
    /// The one in the way.
    pub(crate) limit: Limit,
    pub(crate) allowance: Allowance,
    /// When there will be.
    pub(crate) wait: Duration,
}

/// What of a quota was used, as it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// When the window began.
    start_ms: u64,
    used: u64,
}

impl Meter {
    pub(crate) fn new(rate: Option<Allowance>, quota: Option<Allowance>, usage: Usage) -> Self {
        let window = |allowance| Window { allowance, usage, stored: usage };
        Self { rate: rate.map(Bucket::full), quota: quota.map(window) }
    }

    /// Takes `n`, or nothing.
    pub(crate) fn charge(&mut self, n: u64, now: Timestamp) -> Result<(), Short> {
        let waits = [
            self.rate.as_mut().and_then(|bucket| bucket.short(n, now)),
            self.quota.as_mut().and_then(|window| window.short(n, now)),
        ];
        if let Some(short) = waits.into_iter().flatten().max_by_key(|short| short.wait) {
            return Err(short);
        }
        if let Some(bucket) = &mut self.rate {
            bucket.full_at_ns += n * bucket.interval_ns();
        }
        if let Some(window) = &mut self.quota {
            window.usage.used += n;
        }
        Ok(())
    }

    /// Gives back what was taken for jobs that were not accepted.
    pub(crate) fn give_back(&mut self, n: u64) {
        if let Some(bucket) = &mut self.rate {
            bucket.full_at_ns = bucket.full_at_ns.saturating_sub(n * bucket.interval_ns());
        }
        if let Some(window) = &mut self.quota {
            window.usage.used = window.usage.used.saturating_sub(n);
        }
    }

    /// What is to be stored of the quota; `None` when that is stored already.
    pub(crate) fn unstored(&self) -> Option<Usage> {
        let window = self.quota.as_ref()?;
        (window.usage != window.stored).then_some(window.usage)
    }

    pub(crate) fn stored(&mut self, usage: Usage) {
        if let Some(window) = &mut self.quota {
            window.stored = usage;
        }
    }

    /// Says in an answer what there is and what is left of it; nothing when there is no limit.
    pub(crate) fn tell(&mut self, headers: &mut HeaderMap, now: Timestamp) {
        let limits = [
            self.rate.as_mut().map(|bucket| (Limit::Rate, bucket.allowance, bucket.state(now))),
            self.quota.as_mut().map(|window| (Limit::Quota, window.allowance, window.state(now))),
        ];
        let (mut policies, mut states) = (String::new(), String::new());
        for (limit, Allowance { count, window }, (left, full_in)) in limits.into_iter().flatten() {
            let separator = if policies.is_empty() { "" } else { ", " };
            let (name, window_s) = (limit.name(), window.as_secs());
            let _ = write!(policies, "{separator}\"{name}\";q={count};w={window_s}");
            let _ = write!(states, "{separator}\"{name}\";r={left};t={}", seconds(full_in));
        }
        if policies.is_empty() {
            return;
        }
        let value = |text| HeaderValue::try_from(text).expect("names and digits are ASCII");
        headers.insert(RATE_LIMIT_POLICY, value(policies));
        headers.insert(RATE_LIMIT, value(states));
    }
}

/// Whole seconds, never too few.
pub(crate) fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// A rate: the generic cell rate algorithm (ITU-T I.371), which needs one number. As many as fit
/// the window may come at once; the next ones as the earlier ones age. (The `governor` crate can
/// neither give back what a refused job took nor say what is left after a refusal.)
#[derive(Debug)]
struct Bucket {
    allowance: Allowance,
    /// When everything that was taken has aged, in nanoseconds since the Unix epoch.
    full_at_ns: u64,
}

impl Bucket {
    const fn full(allowance: Allowance) -> Self {
        Self { allowance, full_at_ns: 0 }
    }

    fn interval_ns(&self) -> u64 {
        (nanos(self.allowance.window) / self.allowance.count).max(1)
    }

    /// Brings the state to `now`. A clock that was set back must not hold up anybody for longer
    /// than a window.
    fn age(&mut self, now: Timestamp) -> u64 {
        let now_ns = now.as_millis().saturating_mul(1_000_000);
        let window_ns = self.interval_ns() * self.allowance.count;
        self.full_at_ns = self.full_at_ns.clamp(now_ns, now_ns.saturating_add(window_ns));
        now_ns
    }

    fn short(&mut self, n: u64, now: Timestamp) -> Option<Short> {
        let now_ns = self.age(now);
        let (interval, count) = (self.interval_ns(), self.allowance.count);
        let after = self.full_at_ns.saturating_add(n.saturating_mul(interval));
        let wait_ns = after.saturating_sub(now_ns.saturating_add(interval * count));
        let wait = Duration::from_nanos(wait_ns);
        (wait_ns > 0).then_some(Short { limit: Limit::Rate, allowance: self.allowance, wait })
    }

    /// How many may come at once, and when it will be as many as ever.
    fn state(&mut self, now: Timestamp) -> (u64, Duration) {
        let taken_ns = self.full_at_ns.max(self.age(now)) - self.age(now);
        let left = self.allowance.count - taken_ns.div_ceil(self.interval_ns());
        (left, Duration::from_nanos(taken_ns))
    }
}

/// A quota: a count that begins anew with each window of UTC.
#[derive(Debug)]
struct Window {
    allowance: Allowance,
    usage: Usage,
    /// What is on disk of it.
    stored: Usage,
}

impl Window {
    /// Brings the state to `now`; answers when the window ends. A clock that was set back gives
    /// nobody a new quota.
    fn roll(&mut self, now: Timestamp) -> Duration {
        let now_ms = now.as_millis();
        let window_ms = u64::try_from(self.allowance.window.as_millis()).unwrap_or(u64::MAX);
        let start_ms = now_ms - now_ms % window_ms;
        if start_ms > self.usage.start_ms {
            self.usage = Usage { start_ms, used: 0 };
        }
        Duration::from_millis(start_ms + window_ms - now_ms)
    }

    fn short(&mut self, n: u64, now: Timestamp) -> Option<Short> {
        let wait = self.roll(now);
        let fits = self.usage.used.saturating_add(n) <= self.allowance.count;
        (!fits).then_some(Short { limit: Limit::Quota, allowance: self.allowance, wait })
    }

    fn state(&mut self, now: Timestamp) -> (u64, Duration) {
        let ends_in = self.roll(now);
        (self.allowance.count.saturating_sub(self.usage.used), ends_in)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T10:00:00Z
    const START: Timestamp = Timestamp::from_millis(1_795_341_600_000);

    fn meter(rate: Option<&str>, quota: Option<&str>) -> Meter {
        let read = |text: &str| text.parse().unwrap();
        Meter::new(rate.map(read), quota.map(read), Usage::default())
    }

    fn told(meter: &mut Meter, now: Timestamp) -> (String, String) {
        let mut headers = HeaderMap::new();
        meter.tell(&mut headers, now);
        let text = |name| headers.get(name).map_or("", |v| v.to_str().unwrap()).to_owned();
        (text(RATE_LIMIT_POLICY), text(RATE_LIMIT))
    }

    #[test]
    fn a_rate_lets_a_burst_through_and_then_as_many_as_it_says() {
        let mut meter = meter(Some("10/s"), None);
        for _ in 0..10 {
            meter.charge(1, START).unwrap();
        }
        let short = meter.charge(1, START).unwrap_err();
        assert_eq!((short.limit, short.wait), (Limit::Rate, Duration::from_millis(100)));
        let later = START + Duration::from_millis(99);
        assert!(meter.charge(1, later).is_err());
        let later = START + Duration::from_millis(100);
        meter.charge(1, later).unwrap();
        assert!(meter.charge(1, later).is_err());
        let mut taken = 0;
        for ms in 100..10_100 {
            taken += u64::from(meter.charge(1, START + Duration::from_millis(ms)).is_ok());
        }
        assert!((99..=100).contains(&taken), "{taken} in ten seconds");
    }

    #[test]
    fn a_quota_begins_anew_with_each_window_of_utc() {
        let mut meter = meter(None, Some("3/h"));
        let late = START + Duration::from_mins(59);
        meter.charge(3, late).unwrap();
        let short = meter.charge(1, late).unwrap_err();
        assert_eq!((short.limit, short.wait), (Limit::Quota, Duration::from_mins(1)));
        meter.charge(1, START + Duration::from_mins(60)).unwrap();
        assert!(meter.charge(3, START).is_err(), "a clock that was set back gives nothing");
    }

    #[test]
    fn what_is_refused_takes_nothing_and_what_is_given_back_counts() {
        let mut meter = meter(Some("5/s"), Some("4/d"));
        assert!(meter.charge(5, START).is_err(), "the quota is in the way");
        meter.charge(4, START).unwrap();
        meter.give_back(1);
        meter.charge(1, START).unwrap();
        assert!(meter.charge(1, START).is_err());
        assert!(meter.charge(u64::MAX, START).is_err());
    }

    #[test]
    fn what_is_left_is_told_as_the_draft_says() {
        let mut unlimited = meter(None, None);
        let mut meter = meter(Some("100/s"), Some("1e6/d"));
        let policy = "\"rate\";q=100;w=1, \"quota\";q=1000000;w=86400".to_owned();
        let left = "\"rate\";r=100;t=0, \"quota\";r=1000000;t=50400".to_owned();
        assert_eq!(told(&mut meter, START), (policy.clone(), left));
        meter.charge(1, START).unwrap();
        let left = "\"rate\";r=99;t=1, \"quota\";r=999999;t=50400".to_owned();
        assert_eq!(told(&mut meter, START), (policy, left));
        assert_eq!(told(&mut unlimited, START), Default::default());
    }

    #[test]
    fn a_clock_that_is_set_back_holds_up_nobody_for_longer_than_a_window() {
        let mut meter = meter(Some("1/s"), None);
        meter.charge(1, START + Duration::from_hours(1)).unwrap();
        let short = meter.charge(1, START).unwrap_err();
        assert_eq!(short.wait, Duration::from_secs(1));
    }
}
