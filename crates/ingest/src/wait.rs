//! Waiting for a job's outcome, for many callers at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jobs::{JobId, Record};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::Feed;
use crate::auth::Caller;
use crate::connection::Peer;
use crate::problem::Problem;
use crate::router::{store_problem, unknown};

/// A job that nobody told of is looked at after so long; each time later, up to the second one.
const UNTOLD: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// One that was told of is on its way into the store: it is looked at again after so long.
const TOLD: Duration = Duration::from_millis(2);
/// Events read from the feed at once.
const EVENTS_AT_ONCE: usize = 256;

/// Those who wait for jobs.
pub(crate) struct Waits {
    places: Semaphore,
    waiting: Mutex<HashMap<JobId, Waiting>>,
}

struct Waiting {
    news: Arc<Notify>,
    callers: usize,
}

impl Waits {
    /// With room for so many at once.
    pub(crate) fn new(places: usize) -> Self {
        let places = Semaphore::new(places.min(Semaphore::MAX_PERMITS));
        Self { places, waiting: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those whose jobs the feed tells of, until `stop`. Without it they look by themselves.
    pub(crate) async fn dispatch(&self, feed: &Feed, stop: &CancellationToken) {
        let mut at = feed.last();
        loop {
            let news = feed.news();
            tokio::pin!(news);
            news.as_mut().enable();
            at = self.wake(feed, at);
            tokio::select! {
                () = stop.cancelled() => return,
                () = news => {}
            }
        }
    }

    /// Wakes those whose jobs are told of after number `at`; gives the number of the last event.
    fn wake(&self, feed: &Feed, mut at: u64) -> u64 {
        loop {
            if self.lock().is_empty() {
                return feed.last();
            }
            let (from, events) = feed.read(at, EVENTS_AT_ONCE);
            if events.is_empty() {
                return from;
            }
            at = from + events.len() as u64;
            let waiting = self.lock();
            for told in &events {
                if let Some(waiting) = waiting.get(&told.id) {
                    waiting.news.notify_waiters();
                }
            }
        }
    }

    fn watch(&self, id: JobId) -> Watch<'_> {
        let mut waiting = self.lock();
        let entry = waiting.entry(id);
        let entry = entry.or_insert_with(|| Waiting { news: Arc::default(), callers: 0 });
        entry.callers += 1;
        let news = Arc::clone(&entry.news);
        drop(waiting);
        Watch { waits: self, id, news }
    }
}

/// One caller's interest in a job.
struct Watch<'a> {
    waits: &'a Waits,
    id: JobId,
    news: Arc<Notify>,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut waiting = self.waits.lock();
        if let Some(entry) = waiting.get_mut(&self.id) {
            entry.callers -= 1;
            if entry.callers == 0 {
                waiting.remove(&self.id);
            }
        }
    }
}

/// Waits until a job's outcome is known: until it has a verdict, or is over. Its event may still
/// be on the way. `None` when that is not so by `until`, or at once when too many wait already.
pub(crate) async fn outcome(
    caller: &Caller,
    id: JobId,
    until: Instant,
) -> Result<Option<Record>, Problem> {
    let Ok(_place) = caller.waits.places.try_acquire() else {
        return Ok(None);
    };
    let watch = caller.waits.watch(id);
    let mut pause = UNTOLD.0;
    loop {
        let told = watch.news.notified();
        tokio::pin!(told);
        // Before the look, so that nothing is missed in between.
        told.as_mut().enable();
        let found = caller.store.get(id).await.map_err(|error| store_problem(&error))?;
        let seen = found.filter(|record| caller.may_see(record.owner.as_deref()));
        let record = seen.ok_or_else(|| unknown(id))?;
        if record.verdict.is_some() || record.state.is_terminal() {
            return Ok(Some(record));
        }
        let now = Instant::now();
        if now >= until {
            return Ok(None);
        }
        tokio::select! {
            () = told => pause = TOLD,
            () = sleep_until(until.min(now + pause)) => pause = UNTOLD.1.min(pause * 2),
        }
    }
}

/// What `waiting` comes to; `None` when the peer goes away, or the server stops, before.
pub(crate) async fn unless_gone<T>(
    peer: Option<&Peer>,
    waiting: impl Future<Output = T>,
) -> Option<T> {
    let Some(peer) = peer else {
        return Some(waiting.await);
    };
    tokio::select! {
        biased;
        over = waiting => Some(over),
        () = peer.gone() => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn whoever_waits_for_a_job_is_told_and_nobody_is_left_behind() {
        let (waits, feed) = (Waits::new(10), Feed::default());
        let (mine, other) = (JobId::draw(), JobId::draw());
        let (first, second) = (waits.watch(mine), waits.watch(mine));
        let theirs = waits.watch(other);
        let mut told = [&first, &second, &theirs].map(|watch| Box::pin(watch.news.notified()));
        told.iter_mut().for_each(|told| {
            told.as_mut().enable();
        });
        feed.publish("job.succeeded", mine, None, Bytes::from_static(b"{}"));
        assert_eq!(waits.wake(&feed, 0), 1);
        let woken = told.map(|told| told.now_or_never().is_some());
        assert_eq!(woken, [true, true, false]);
        drop((first, second));
        assert_eq!(waits.lock().len(), 1);
        drop(theirs);
        assert!(waits.lock().is_empty());
    }
}
