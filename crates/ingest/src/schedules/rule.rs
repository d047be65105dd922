//! When a schedule's runs are.

use std::collections::VecDeque;
use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jobs::{JobId, Timestamp};
use sha2::{Digest, Sha256};

use crate::derived;
use crate::view::rfc3339;

/// How far back the latest runs are looked for first; then four times as far, and so on.
const FIRST_LOOK: Duration = Duration::from_mins(1);
/// Longest cron expression in bytes.
const MAX_CRON_BYTES: usize = 256;

/// What runs are planned by.
#[derive(Clone, Debug)]
pub(crate) enum Beat {
    /// By the clock on the wall of a time zone.
    Cron(Box<Cron>, TimeZone),
    /// This long from one to the next, counted from a moment that may be a run itself.
    Every {
        /// At least a millisecond.
        period: Duration,
        /// Where it counts from.
        from: Timestamp,
    },
}

/// When runs are planned, and how much later each of them is.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) beat: Beat,
    /// No run is planned before this.
    pub(crate) start: Option<Timestamp>,
    /// Nor after this.
    pub(crate) end: Option<Timestamp>,
    /// A run is at most this much later than planned.
    pub(crate) jitter: Duration,
    /// What the delays are derived from: those of two schedules differ.
    pub(crate) id: JobId,
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Its time by the rule; no two runs share it.
    pub(crate) planned: Timestamp,
    /// The same with its delay.
    pub(crate) at: Timestamp,
}

/// Reads five fields, six with seconds in front, or a name such as `@hourly`.
pub(crate) fn cron(text: &str) -> Result<Box<Cron>, String> {
    if text.len() > MAX_CRON_BYTES {
        return Err(format!("longer than {MAX_CRON_BYTES} bytes"));
    }
    let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
    parser.parse(text).map(Box::new).map_err(|error| {
        format!("not a cron expression such as \"0 6 * * MON-FRI\" or \"@hourly\": {error}")
    })
}

impl Rule {
    /// The first run that is planned after this.
    pub(crate) fn next(&self, after: Timestamp) -> Option<Run> {
        let planned = self.planned(after)?;
        Some(Run { planned, at: planned + self.delay(planned) })
    }

    /// The next runs that are planned after this.
    pub(crate) fn following(&self, after: Timestamp) -> impl Iterator<Item = Run> {
        std::iter::successors(self.next(after), |run| self.next(run.planned))
    }

    /// Those planned after `after` whose time has come, oldest first; the latest `most` of them.
    pub(crate) fn due(&self, after: Timestamp, now: Timestamp, most: usize) -> Vec<Run> {
        // The latest one that is planned may have to wait for its delay.
        let planned = self.latest(after, now, most + 1);
        let runs = planned.into_iter().map(|p| Run { planned: p, at: p + self.delay(p) });
        let due: Vec<_> = runs.filter(|run| run.at <= now).collect();
        due[due.len().saturating_sub(most)..].to_vec()
    }

    /// Looks from the end: after a long time there may be millions.
    fn latest(&self, after: Timestamp, now: Timestamp, most: usize) -> VecDeque<Timestamp> {
        let mut reach = FIRST_LOOK;
        loop {
            let from = after.max(now - reach);
            let mut found = VecDeque::with_capacity(most);
            let runs = std::iter::successors(self.planned(from), |run| self.planned(*run));
            for run in runs.take_while(|run| *run <= now) {
                if found.len() == most {
                    found.pop_front();
                }
                found.push_back(run);
            }
            if from == after || found.len() == most {
                return found;
            }
            reach = reach.saturating_mul(4);
        }
    }

    fn planned(&self, after: Timestamp) -> Option<Timestamp> {
        let before_start = |start: Timestamp| start - Duration::from_millis(1);
        let after = self.start.map_or(after, |start| after.max(before_start(start)));
        let planned = match &self.beat {
            Beat::Cron(cron, zone) => {
                let after = rfc3339(after).to_zoned(zone.clone());
                let next = cron.find_next_occurrence(&after, false).ok()?;
                let next = u64::try_from(next.timestamp().as_millisecond()).ok()?;
                Timestamp::from_millis(next)
            }
            Beat::Every { period, from } if *from > after => {
                if self.start.is_some() {
                    *from
                } else {
                    *from + *period
                }
            }
            Beat::Every { period, from } => {
                let period = u64::try_from(period.as_millis()).ok()?.max(1);
                let passed = after.as_millis() - from.as_millis();
                let next = (passed / period + 1).checked_mul(period)?;
                *from + Duration::from_millis(next)
            }
        };
        let is_within = planned > after && self.end.is_none_or(|end| planned <= end);
        is_within.then_some(planned)
    }

    /// The same for the same run always, and shorter than the time to the next one: runs keep
    /// their order.
    fn delay(&self, planned: Timestamp) -> Duration {
        if self.jitter.is_zero() {
            return Duration::ZERO;
        }
        let most = self.planned(planned).map_or(self.jitter, |next| next.since(planned));
        let most = u64::try_from(most.min(self.jitter).as_millis()).unwrap_or(u64::MAX).max(1);
        let [a, b, c, d, e, f, g, h, ..] = self.digest(planned);
        Duration::from_millis(u64::from_be_bytes([a, b, c, d, e, f, g, h]) % most)
    }

    /// The id of a run's job: the same for the same run always, so that one that is submitted
    /// again is there already. A UUIDv7 of the run's time (RFC 9562 §5.7).
    pub(crate) fn job_id(&self, planned: Timestamp) -> JobId {
        let mut bytes = *JobId::floor(planned).as_bytes();
        bytes[6..].copy_from_slice(&self.digest(planned)[8..18]);
        derived::id(bytes, derived::BY_TIME)
    }

    fn digest(&self, planned: Timestamp) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.id.as_bytes());
        digest.update(planned.as_millis().to_be_bytes());
        digest.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(text: &str) -> Timestamp {
        crate::schedule::instant(text).unwrap()
    }

    fn rule(beat: Beat) -> Rule {
        let id = JobId::from_bytes([7; 16]);
        Rule { beat, start: None, end: None, jitter: Duration::ZERO, id }
    }

    fn by_cron(text: &str, zone: &str) -> Rule {
        rule(Beat::Cron(cron(text).unwrap(), TimeZone::get(zone).unwrap()))
    }

    fn every(period: Duration, from: &str) -> Rule {
        rule(Beat::Every { period, from: at(from) })
    }

    fn told(rule: &Rule, after: &str, count: usize) -> Vec<String> {
        let runs = rule.following(at(after)).take(count);
        runs.map(|run| rfc3339(run.planned).to_string()).collect()
    }

    #[test]
    fn cron_fields_are_read_with_and_without_seconds_and_by_name() {
        for (text, next) in [
            ("0 6 * * *", "2026-11-23T06:00:00Z"),
            ("*/15 * * * *", "2026-11-22T10:15:00Z"),
            ("*/10 * * * * *", "2026-11-22T10:00:10Z"),
            ("@hourly", "2026-11-22T11:00:00Z"),
            ("@weekly", "2026-11-29T00:00:00Z"),
            ("0 0 L * *", "2026-11-30T00:00:00Z"),
            ("30 9 * jan MON#2", "2027-01-11T09:30:00Z"),
        ] {
            assert_eq!(told(&by_cron(text, "UTC"), "2026-11-22T10:00:00Z", 1), [next], "{text}");
        }
        for text in
            ["", "* * * *", "60 * * * *", "* * * * * * *", "@reboot", "a b c d e", "0 24 * * *"]
        {
            assert!(cron(text).is_err(), "{text}");
        }
        assert!(cron(&"1,".repeat(200)).is_err());
    }

    #[test]
    fn a_time_of_day_is_the_zone_s() {
        let rule = by_cron("0 6 * * *", "America/New_York");
        assert_eq!(told(&rule, "2026-11-22T10:00:00Z", 1), ["2026-11-22T11:00:00Z"]);
        let summer = told(&rule, "2026-07-01T00:00:00Z", 1);
        assert_eq!(summer, ["2026-07-01T10:00:00Z"]);
    }

    #[test]
    fn a_time_that_the_clocks_leave_out_is_the_first_moment_after_and_not_lost() {
        // In Berlin, 2026-03-29 has no 02:30: after 01:59:59 (UTC+1) comes 03:00:00 (UTC+2).
        let rule = by_cron("30 2 * * *", "Europe/Berlin");
        let runs = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
        assert_eq!(told(&rule, "2026-03-27T12:00:00Z", 3), runs);
    }

    #[test]
    fn a_time_that_comes_twice_is_the_first_of_the_two() {
        // In Berlin, 2026-10-25 has 02:30 at UTC+2 and again at UTC+1.
        let rule = by_cron("30 2 * * *", "Europe/Berlin");
        let runs = ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
        assert_eq!(told(&rule, "2026-10-23T12:00:00Z", 3), runs);
        let between = told(&rule, "2026-10-25T00:45:00Z", 1);
        assert_eq!(between, ["2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn what_runs_several_times_a_day_follows_the_clock_on_the_wall() {
        let rule = by_cron("*/30 * * * *", "Europe/Berlin");
        let spring = ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"];
        assert_eq!(told(&rule, "2026-03-29T00:00:00Z", 3), spring);
        let autumn = [
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T02:00:00Z",
        ];
        assert_eq!(told(&rule, "2026-10-25T00:00:00Z", 4), autumn);
    }

    #[test]
    fn an_expression_that_never_comes_is_found_out() {
        assert_eq!(by_cron("0 0 30 2 *", "UTC").next(at("2026-01-01T00:00:00Z")), None);
    }

    #[test]
    fn a_period_counts_from_its_start() {
        let rule = every(Duration::from_mins(15), "2026-11-22T10:07:00Z");
        let runs = ["2026-11-22T10:22:00Z", "2026-11-22T10:37:00Z"];
        assert_eq!(told(&rule, "2026-11-22T10:07:00Z", 2), runs);
        assert_eq!(told(&rule, "2026-11-22T09:00:00Z", 2), runs);
        let start = Some(at("2026-11-22T10:07:00Z"));
        let rule = Rule { start, ..rule };
        assert_eq!(told(&rule, "2026-11-22T09:00:00Z", 1), ["2026-11-22T10:07:00Z"]);
    }

    #[test]
    fn nothing_runs_before_its_start_or_after_its_end() {
        let start = Some(at("2026-11-22T12:00:00Z"));
        let end = Some(at("2026-11-22T14:00:00Z"));
        let rule = Rule { start, end, ..by_cron("0 * * * *", "UTC") };
        let runs = ["2026-11-22T12:00:00Z", "2026-11-22T13:00:00Z", "2026-11-22T14:00:00Z"];
        assert_eq!(told(&rule, "2026-11-22T10:00:00Z", 9), runs);
    }

    #[test]
    fn delays_are_the_same_each_time_and_keep_the_order() {
        let rule = Rule { jitter: Duration::from_mins(5), ..by_cron("* * * * *", "UTC") };
        let runs: Vec<_> = rule.following(at("2026-11-22T10:00:00Z")).take(500).collect();
        assert_eq!(rule.following(at("2026-11-22T10:00:00Z")).take(500).collect::<Vec<_>>(), runs);
        for pair in runs.windows(2) {
            assert!(pair[0].planned <= pair[0].at && pair[0].at < pair[1].planned, "{pair:?}");
        }
        let delays: std::collections::HashSet<_> =
            runs.iter().map(|run| run.at.since(run.planned)).collect();
        assert!(delays.len() > 400, "they are spread: {}", delays.len());
        let other = Rule { id: JobId::from_bytes([8; 16]), ..rule.clone() };
        assert_ne!(other.next(runs[0].planned), rule.next(runs[0].planned));
    }

    #[test]
    fn the_latest_of_very_many_are_found_soon() {
        let rule = every(SECOND, "2020-01-01T00:00:00Z");
        let now = at("2026-11-22T10:00:00Z");
        let due = rule.due(at("2020-01-01T00:00:00Z"), now, 100);
        assert_eq!((due.len(), due[99].planned, due[0].planned), (100, now, now - SECOND * 99));
        let daily = by_cron("0 0 * * *", "UTC");
        assert_eq!(daily.due(at("2020-01-01T00:00:00Z"), now, 100).len(), 100);
        assert_eq!(daily.due(now - Duration::from_hours(50), now, 100).len(), 2);
        assert!(daily.due(now, now, 100).is_empty());
    }

    #[test]
    fn a_run_is_not_due_before_its_delay_is_over() {
        let rule = Rule { jitter: Duration::from_mins(30), ..by_cron("0 * * * *", "UTC") };
        let run = rule.next(at("2026-11-22T10:00:00Z")).unwrap();
        assert!(run.at > run.planned, "this one has a delay");
        let before = run.at - Duration::from_millis(1);
        assert!(rule.due(at("2026-11-22T10:00:00Z"), before, 9).is_empty());
        assert_eq!(rule.due(at("2026-11-22T10:00:00Z"), run.at, 9), [run]);
    }

    #[test]
    fn a_run_s_job_has_an_id_of_its_own_that_is_always_the_same() {
        let rule = by_cron("* * * * *", "UTC");
        let run = at("2026-11-22T10:01:00Z");
        let id = rule.job_id(run);
        assert_eq!(id, rule.clone().job_id(run));
        assert_ne!(id, rule.job_id(run + SECOND));
        assert_ne!(id, Rule { id: JobId::from_bytes([8; 16]), ..rule }.job_id(run));
        assert!(id >= JobId::floor(run) && id < JobId::floor(run + Duration::from_millis(1)));
        let uuid = uuid::Uuid::from_bytes(*id.as_bytes());
        assert_eq!(uuid.get_version_num(), 7);
        assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None, ..ProptestConfig::with_cases(2000)
        })]

        #[test]
        fn no_text_breaks_the_reader_and_what_it_reads_goes_on(
            fields in "[-0-9*/,#LW?@+ A-Za-z\u{e9}]{0,24}",
            simple in prop::collection::vec("(\\*|[0-9]{1,2}|\\*/[0-9]{1,2})", 5..7),
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
        ) {
            for text in [fields, simple.join(" ")] {
                let Ok(cron) = cron(&text) else { continue };
                let rule = rule(Beat::Cron(cron, TimeZone::get(zone).unwrap()));
                let mut after = at("2026-03-28T23:59:59Z");
                for run in rule.following(after).take(3) {
                    prop_assert!(run.planned > after, "{text}");
                    after = run.planned;
                }
            }
        }
    }
}
