use std::time::Duration;

use tokio::time::sleep;

/// The first wait.
const FIRST: Duration = Duration::from_millis(500);
/// The longest.
const LONGEST: Duration = Duration::from_secs(30);

/// Waits between attempts to reach a server: each twice the one before.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// There was progress.
    pub(crate) const fn reset(&mut self) {
        self.attempts = 0;
    }

    /// Attempts since there was progress.
    pub(crate) const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How long to wait now, at least as long as `least`.
    pub(crate) fn next(&mut self, least: Duration) -> Duration {
        let wait = FIRST.saturating_mul(1 << self.attempts.min(16)).min(LONGEST);
        self.attempts += 1;
        wait.max(least)
    }

    /// Waits.
    pub(crate) async fn wait(&mut self, least: Duration) {
        sleep(self.next(least)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_begin_anew_with_progress() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..8).map(|_| backoff.next(Duration::ZERO).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        backoff.reset();
        assert_eq!(backoff.next(Duration::from_secs(7)), Duration::from_secs(7));
    }
}
