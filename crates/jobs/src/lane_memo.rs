use std::time::Duration;

use crate::{Circuit, LaneKey, LaneNews, Timestamp};

/// What is known of a lane beyond its jobs; a durable store keeps it across restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memo {
    /// The end of a pause that was asked for.
    pub(crate) paused_until: Timestamp,
    /// The end of the back-off's own pause.
    pub(crate) backoff_until: Timestamp,
    /// Least time between claims that was asked for, in whole milliseconds.
    pub(crate) interval: Duration,
    /// Back-offs since the last [`Health::Good`]; while there are any, the circuit is not closed.
    pub(crate) failures: u32,
    /// When the first [`Health::Bad`] since then was told; the beginning of time when there is none.
    pub(crate) failing_since: Timestamp,
    /// When any of this was last told.
    pub(crate) heard: Timestamp,
}

/// What it means for a lane how the other side fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is well, whatever was before.
    Well,
    /// It fails, but a back-off would be too much.
    Ill,
    /// A back-off begins, or the next one.
    BackOff,
    /// Its circuit opens, or stays open: a back-off that is as short as the trouble was so far.
    Open,
}

/// The back-off's pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// A circuit is open for this part of the time for which the lane has been failing, so that it is
/// soon noticed when a short outage ends.
const OPEN_PART: u32 = 16;
/// The longest that anything makes of it.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The pause is longer or shorter by up to this many thousandths, so that lanes that failed
/// together do not come back together.
const JITTER_PERMILLE: u32 = 200;
/// What is told again unchanged is kept anew after this long, so that it is seen to be in use.
const REFRESH: Duration = Duration::from_secs(3_600);

impl Memo {
    /// Nothing is claimed before this.
    pub(crate) fn open(&self) -> Timestamp {
        self.paused_until.max(self.backoff_until)
    }

    /// Whether there is more to know than when a pause ends.
    pub(crate) const fn outlasts_pauses(&self) -> bool {
        self.failing_since().is_some() || !self.interval.is_zero()
    }

    /// Since when the other side has been failing.
    pub(crate) const fn failing_since(&self) -> Option<Timestamp> {
        if self.failing_since.as_millis() > 0 { Some(self.failing_since) } else { None }
    }

    /// Whether work is given out at `now`, but for a pause that was asked for.
    pub(crate) fn circuit(&self, now: Timestamp) -> Circuit {
        match (self.failures, self.backoff_until > now) {
            (0, _) => Circuit::Closed,
            (_, true) => Circuit::Open,
            (_, false) => Circuit::HalfOpen,
        }
    }

    /// Takes in news, and what it means how the other side fared; answers whether it has to be
    /// kept anew.
    pub(crate) fn hear(
        &mut self,
        news: LaneNews,
        turn: Option<Turn>,
        key: &LaneKey,
        now: Timestamp,
    ) -> bool {
        let before = *self;
        if news.resume {
            self.paused_until = Timestamp::default();
        }
        if let Some(until) = news.pause_until.filter(|until| *until > now) {
            self.paused_until = self.paused_until.max(until);
        }
        if let Some(interval) = news.interval {
            self.interval = whole_millis(interval);
        }
        match turn {
            None => {}
            Some(Turn::Well) => {
                self.failures = 0;
                self.failing_since = Timestamp::default();
                self.backoff_until = Timestamp::default();
            }
            Some(failing) => {
                self.failing_since = self.failing_since().unwrap_or(now);
                if failing != Turn::Ill {
                    self.failures = self.failures.saturating_add(1);
                    let usual = match failing {
                        Turn::Open => now.since(self.failing_since) / OPEN_PART,
                        _ => doubled(self.failures),
                    };
                    self.backoff_until = now + pause(key, self.failures, usual);
                }
            }
        }
        let stale = self.outlasts_pauses() && now.since(self.heard) >= REFRESH;
        let changed = *self != before || (news != LaneNews::default() && stale);
        if changed {
            self.heard = now;
        }
        changed
    }
}

/// How long a lane is left alone after so many failures in a row.
fn doubled(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16))
}

/// What chance makes of a usual pause, within bounds. It is drawn from what is known, so that every
/// store decides alike.
fn pause(key: &LaneKey, failures: u32, usual: Duration) -> Duration {
    let usual = usual.clamp(FIRST_PAUSE, LONGEST_PAUSE);
    let mut seed = crc32fast::Hasher::new();
    seed.update(key.as_str().as_bytes());
    seed.update(&failures.to_le_bytes());
    let permille = 1_000 - JITTER_PERMILLE + seed.finalize() % (2 * JITTER_PERMILLE + 1);
    usual * permille / 1_000
}

/// Rounded up: an interval is never cut short.
pub(crate) fn whole_millis(time: Duration) -> Duration {
    let millis = time.as_nanos().div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pauses of failures in a row, each told right after the pause before it.
    fn pauses(key: &str, count: usize) -> Vec<Duration> {
        let (key, mut memo) = (LaneKey::new(key), Memo::default());
        let mut now = Timestamp::from_millis(1_000_000);
        let pauses = std::iter::repeat_with(|| {
            assert!(memo.hear(LaneNews::default(), Some(Turn::BackOff), &key, now));
            let pause = memo.backoff_until.since(now);
            now = memo.backoff_until;
            pause
        });
        pauses.take(count).collect()
    }

    #[test]
    fn pauses_double_from_a_second_to_a_minute_give_or_take_a_fifth() {
        for key in ["a", "b", "example.com:443"] {
            let usual = [1, 2, 4, 8, 16, 32, 60, 60, 60].map(Duration::from_secs);
            for (pause, usual) in pauses(key, 9).into_iter().zip(usual) {
                assert!(
                    (usual * 4 / 5..=usual * 6 / 5).contains(&pause),
                    "{pause:?} for {usual:?}"
                );
            }
        }
    }

    #[test]
    fn lanes_that_fail_together_do_not_come_back_together() {
        let firsts: std::collections::BTreeSet<_> =
            (0..50).map(|n| pauses(&format!("host {n}"), 1)[0]).collect();
        assert!(firsts.len() > 25, "{firsts:?}");
    }

    #[test]
    fn what_is_told_again_unchanged_is_kept_anew_now_and_then() {
        let (key, mut memo) = (LaneKey::new("a"), Memo::default());
        let news = LaneNews { interval: Some(Duration::from_secs(1)), ..LaneNews::default() };
        let now = Timestamp::from_millis(1_000_000);
        assert!(memo.hear(news, None, &key, now));
        assert!(!memo.hear(news, None, &key, now + REFRESH / 2));
        assert!(memo.hear(news, None, &key, now + REFRESH));
        let nothing = LaneNews::default();
        assert!(!memo.hear(nothing, None, &key, now + REFRESH * 3));
    }

    #[test]
    fn a_fraction_of_a_millisecond_counts_as_one_more() {
        assert_eq!(whole_millis(Duration::from_nanos(333_333_334)), Duration::from_millis(334));
        assert_eq!(whole_millis(Duration::from_millis(200)), Duration::from_millis(200));
        assert_eq!(whole_millis(Duration::ZERO), Duration::ZERO);
    }
}
