//! Whose time it is: what the network may take, and what we make a fetch wait for ourselves.

use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::{Error, Kind};

/// The longest that one fetch waits for memory and threads of this program, over all such waits.
/// Generous, since it is no fault of the site; who waits longer is told [`Kind::Busy`].
pub(crate) const LONGEST_OWN_WAIT: Duration = Duration::from_secs(600);

/// Ends nobody can wait for are this far away.
pub(crate) const FAR_OFF: Duration = Duration::from_secs(86_400 * 365);

/// The two clocks of one fetch.
pub(crate) struct Patience {
    timeout: Duration,
    network_until: Instant,
    own_left: Duration,
}

impl Patience {
    /// Starts the network's clock.
    pub(crate) fn new(timeout: Duration) -> Self {
        let network_until = Instant::now() + timeout.min(FAR_OFF);
        Self { timeout, network_until, own_left: LONGEST_OWN_WAIT }
    }

    /// What is left of the network's time.
    pub(crate) fn network_left(&self) -> Duration {
        self.network_until.saturating_duration_since(Instant::now())
    }

    /// One with less time for the network, to be [joined](Self::join) when it is done with.
    pub(crate) fn part(&self, timeout: Duration) -> Self {
        Self { own_left: self.own_left, ..Self::new(timeout) }
    }

    /// Takes back a part: what it made wait for ourselves is not the network's.
    pub(crate) fn join(&mut self, part: &Self) {
        self.network_until += self.own_left.saturating_sub(part.own_left);
        self.own_left = part.own_left;
    }

    /// Waits for the network.
    ///
    /// # Errors
    /// [`Kind::Timeout`] when the network's time is over.
    // Not an `async fn`: that would keep room for `answer` twice, and it is large.
    pub(crate) fn network<T>(
        &self,
        answer: impl Future<Output = T>,
    ) -> impl Future<Output = Result<T, Error>> {
        let longest = self.timeout;
        timeout_at(self.network_until, answer).map(move |done| {
            done.map_err(|_| {
                let context = format!("not done within {} ms", longest.as_millis());
                Error::new(Kind::Timeout, context)
            })
        })
    }

    /// Waits for ourselves; the network's clock stands still meanwhile.
    ///
    /// # Errors
    /// [`Kind::Busy`] when it takes longer than [`LONGEST_OWN_WAIT`] in all.
    pub(crate) async fn own<T>(&mut self, ours: impl Future<Output = T>) -> Result<T, Error> {
        let begun = Instant::now();
        let done = timeout(self.own_left, ours).await;
        let waited = begun.elapsed();
        self.network_until += waited;
        self.own_left = self.own_left.saturating_sub(waited);
        done.map_err(|_| Error::busy())
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn the_network_has_its_time_whatever_we_take() {
        let mut patience = Patience::new(3 * SECOND);
        patience.network(sleep(2 * SECOND)).await.unwrap();
        patience.own(sleep(60 * SECOND)).await.unwrap();
        let begun = Instant::now();
        let error = patience.network(pending::<()>()).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (Kind::Timeout, SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_has_less_time_and_gives_back_what_we_took() {
        let mut patience = Patience::new(10 * SECOND);
        let mut part = patience.part(2 * SECOND);
        part.own(sleep(60 * SECOND)).await.unwrap();
        let begun = Instant::now();
        assert!(part.network(pending::<()>()).await.is_err());
        assert_eq!(begun.elapsed(), 2 * SECOND);
        patience.join(&part);
        assert_eq!(patience.network_left(), 8 * SECOND);
        assert_eq!(patience.own_left, LONGEST_OWN_WAIT - 60 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn we_do_not_take_for_ever() {
        let mut patience = Patience::new(SECOND);
        let begun = Instant::now();
        patience.own(sleep(LONGEST_OWN_WAIT - SECOND)).await.unwrap();
        let error = patience.own(pending::<()>()).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (Kind::Busy, true));
        assert_eq!(begun.elapsed(), LONGEST_OWN_WAIT);
    }
}
