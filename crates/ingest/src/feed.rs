use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jobs::{Clock as _, JobId, SystemClock};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// What is kept: this many events,
const MAX_EVENTS: usize = 10_000;
/// and this many bytes of them.
const MAX_BYTES: usize = 8 << 20;
/// What an event takes besides its data, more or less.
const ENTRY_BYTES: usize = size_of::<Told>();

/// What happens, as it happens: the latest 10,000 events or 8 MiB of them, for `GET /v1/events`.
/// Cheap to clone; clones share it.
///
/// Each event has a number. Whoever tells never waits for whoever listens: a reader that falls
/// behind what is kept is told how much it missed.
#[derive(Clone)]
pub struct Feed(Arc<Inner>);

struct Inner {
    ring: Mutex<Ring>,
    news: Notify,
    /// When this feed began, in milliseconds since the Unix epoch: tells its numbers from those
    /// of another process.
    began_ms: u64,
}

#[derive(Default)]
struct Ring {
    events: VecDeque<Told>,
    bytes: usize,
    /// The number of the latest event; 0 before the first.
    last: u64,
}

/// An event that was told.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) kind: &'static str,
    pub(crate) id: JobId,
    /// Whose job it is; `None` for what only those are told who may see everything.
    pub(crate) owner: Option<Arc<str>>,
    pub(crate) data: Bytes,
}

impl Default for Feed {
    fn default() -> Self {
        let began_ms = SystemClock.now().as_millis();
        Self(Arc::new(Inner { ring: Mutex::default(), news: Notify::new(), began_ms }))
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ring = self.lock();
        let (last, kept) = (ring.last, ring.events.len());
        drop(ring);
        f.debug_struct("Feed").field("last", &last).field("kept", &kept).finish_non_exhaustive()
    }
}

impl Feed {
    /// Tells of an event: its type, such as `job.succeeded`, its job and whose that is, and a JSON
    /// object without line ends to be told of it. Never waits.
    pub fn publish(&self, kind: &'static str, id: JobId, owner: Option<&str>, data: Bytes) {
        let owner = owner.map(Arc::from);
        self.lock().push(Told { kind, id, owner, data });
        self.0.news.notify_waiters();
    }

    /// Resolves with the next event. Enable it before [`Feed::read`].
    pub(crate) fn news(&self) -> Notified<'_> {
        self.0.news.notified()
    }

    /// The number of the latest event.
    pub(crate) fn last(&self) -> u64 {
        self.lock().last
    }

    /// The events after `number`, at most `max` of them, with the number before the first: it is
    /// larger than `number` when those between are not kept any more.
    pub(crate) fn read(&self, number: u64, max: usize) -> (u64, Vec<Told>) {
        let ring = self.lock();
        let before = ring.last - ring.events.len() as u64;
        let from = number.clamp(before, ring.last);
        let skip = usize::try_from(from - before).unwrap_or(usize::MAX);
        (from, ring.events.iter().skip(skip).take(max).cloned().collect())
    }

    /// An event's id to the outside.
    pub(crate) fn name(&self, number: u64) -> String {
        format!("{:x}-{number}", self.0.began_ms)
    }

    /// The number in an id; `Ok(None)` when it is not of this feed, `Err` when it is not an id.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, NotAnEventId> {
        let (began, number) = name.split_once('-').ok_or(NotAnEventId)?;
        let began = u64::from_str_radix(began, 16).map_err(|_| NotAnEventId)?;
        let number: u64 = number.parse().map_err(|_| NotAnEventId)?;
        Ok((began == self.0.began_ms && number <= self.last()).then_some(number))
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text is no id of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAnEventId;

impl Ring {
    fn push(&mut self, told: Told) {
        self.last += 1;
        self.bytes += ENTRY_BYTES + told.data.len();
        self.events.push_back(told);
        while self.events.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.events.pop_front() else {
                return;
            };
            self.bytes -= ENTRY_BYTES + oldest.data.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(feed: &Feed, n: usize) {
        for i in 0..n {
            feed.publish("job.succeeded", JobId::draw(), None, Bytes::from(i.to_string()));
        }
    }

    fn texts(events: &[Told]) -> Vec<&str> {
        events.iter().map(|told| std::str::from_utf8(&told.data).unwrap()).collect()
    }

    #[test]
    fn a_reader_gets_what_came_after_its_number() {
        let feed = Feed::default();
        assert_eq!((feed.last(), feed.read(0, 10).1.len()), (0, 0));
        told(&feed, 5);
        let (from, events) = feed.read(2, 2);
        assert_eq!((from, texts(&events)), (2, vec!["2", "3"]));
        assert!(feed.read(5, 10).1.is_empty() && feed.read(9, 10).1.is_empty());
    }

    #[test]
    fn only_the_latest_are_kept() {
        let feed = Feed::default();
        told(&feed, MAX_EVENTS + 7);
        let (from, events) = feed.read(3, 1);
        assert_eq!((from, texts(&events)), (7, vec!["7"]));
        assert_eq!(feed.read(0, usize::MAX).1.len(), MAX_EVENTS);
    }

    #[test]
    fn large_ones_push_out_more() {
        let feed = Feed::default();
        told(&feed, 5);
        feed.publish("job.failed", JobId::draw(), None, Bytes::from(vec![b'x'; MAX_BYTES / 2]));
        assert_eq!(feed.read(0, 100).0, 0);
        feed.publish(
            "job.failed",
            JobId::draw(),
            None,
            Bytes::from(vec![b'x'; MAX_BYTES / 2 - 100]),
        );
        let (from, events) = feed.read(0, 100);
        assert_eq!((from, events.len()), (6, 1), "the two do not fit together");
        feed.publish("job.failed", JobId::draw(), None, Bytes::from(vec![b'x'; MAX_BYTES]));
        assert_eq!((feed.read(0, 100).0, feed.lock().bytes), (8, 0), "it does not fit at all");
    }

    #[test]
    fn an_id_is_of_one_feed() {
        let feed = Feed::default();
        told(&feed, 3);
        assert_eq!(feed.number(&feed.name(2)), Ok(Some(2)));
        assert_eq!(feed.number(&feed.name(4)), Ok(None), "not told yet");
        assert_eq!(feed.number("1-2"), Ok(None), "of another process");
        for text in ["", "-", "1", "1-", "-1", "x-1", "1-x", "1-99999999999999999999"] {
            assert_eq!(feed.number(text), Err(NotAnEventId), "{text}");
        }
    }
}
