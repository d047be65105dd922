//! What is known of the robots.txt of each origin: bounded, and asked for once at a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use egress::Proxy;
use tokio::time::Instant;
use url::Origin;

use super::rules::Rules;
use crate::error::Error;

/// Memory for the rules of all origins. They take a few hundred bytes each, but for the few that
/// would take a megabyte.
const MAX_BYTES: usize = 32 << 20;

/// Whose robots.txt it is. What a site says to a proxy it need not say to us, and it may be that
/// only one of the two gets there.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) origin: Origin,
    pub(super) via: Option<Proxy>,
}

/// The robots.txt files of the origins that were used last.
pub(super) struct Cache {
    most: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    places: HashMap<Key, Place>,
    /// By when they were used last.
    order: BTreeMap<u64, Key>,
    uses: u64,
    bytes: usize,
}

struct Place {
    entry: Arc<Entry>,
    used: u64,
    bytes: usize,
}

/// What is known of one origin.
#[derive(Default)]
pub(super) struct Entry {
    /// Held by the one who asks the origin. Whoever gives up lets go of it, and the next one asks.
    pub(super) turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    copy: Option<(Arc<Rules>, Instant)>,
    failure: Option<Failure>,
}

/// It could not be had.
struct Failure {
    error: Error,
    at: Instant,
    until: Instant,
}

impl Cache {
    /// Room for `most` origins, one at least.
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), known: Mutex::default() }
    }

    /// The entry of an origin, which is now the one used last.
    pub(super) fn entry(&self, key: Key) -> Arc<Entry> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = &mut *known;
        known.uses += 1;
        let place = known.places.entry(key.clone()).or_insert_with(|| {
            let bytes = OVERHEAD_BYTES;
            known.bytes += bytes;
            Place { entry: Arc::default(), used: 0, bytes }
        });
        known.order.remove(&place.used);
        place.used = known.uses;
        known.order.insert(place.used, key);
        let entry = Arc::clone(&place.entry);
        known.shrink(self.most);
        entry
    }

    /// Keeps what was learned of an origin.
    pub(super) fn learn(&self, key: &Key, entry: &Arc<Entry>, rules: Rules, fresh: Duration) {
        let bytes = OVERHEAD_BYTES + rules.bytes();
        entry.state().copy = Some((Arc::new(rules), Instant::now() + fresh));
        entry.state().failure = None;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = &mut *known;
        // It may have been forgotten meanwhile.
        if let Some(place) = known.places.get_mut(key).filter(|p| Arc::ptr_eq(&p.entry, entry)) {
            known.bytes = known.bytes - place.bytes + bytes;
            place.bytes = bytes;
        }
        known.shrink(self.most);
    }
}

/// An entry without rules, with its two places.
const OVERHEAD_BYTES: usize = size_of::<Entry>() + size_of::<Place>() + 3 * size_of::<Key>();

impl Known {
    /// Forgets those not used for longest.
    fn shrink(&mut self, most: usize) {
        while self.places.len() > most || (self.bytes > MAX_BYTES && self.places.len() > 1) {
            let Some((_, key)) = self.order.pop_first() else {
                return;
            };
            if let Some(place) = self.places.remove(&key) {
                self.bytes -= place.bytes;
            }
        }
    }
}

impl Entry {
    /// What is to be said to somebody who asked at `asked`; `None` when the origin has to be asked.
    /// A copy that is no longer fresh is better than none: RFC 9309, section 2.3.1.4.
    pub(super) fn answer(&self, asked: Instant) -> Option<Result<Arc<Rules>, Error>> {
        let state = self.state();
        let now = Instant::now();
        let copy = state.copy.as_ref();
        if let Some((rules, fresh_until)) = copy
            && now < *fresh_until
        {
            return Some(Ok(Arc::clone(rules)));
        }
        // Whoever waited while another one failed has failed with it.
        let failure = state.failure.as_ref().filter(|f| now < f.until || asked <= f.at)?;
        let stale = copy.map(|(rules, _)| Arc::clone(rules));
        Some(stale.ok_or_else(|| failure.error.again(failure.until.saturating_duration_since(now))))
    }

    /// Keeps that it could not be had, for as long as `remembered` and for those who wait.
    pub(super) fn fail(&self, error: Error, remembered: Duration) {
        let at = Instant::now();
        self.state().failure = Some(Failure { error, at, until: at + remembered });
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    const MINUTE: Duration = Duration::from_secs(60);

    fn origin(name: usize) -> Key {
        let origin = url::Url::parse(&format!("http://h{name}.example")).unwrap().origin();
        Key { origin, via: None }
    }

    fn rules(bytes: usize) -> Rules {
        let file = format!("user-agent: *\ndisallow: /{}", "x".repeat(bytes));
        Rules::parse(file.as_bytes(), None)
    }

    #[tokio::test(start_paused = true)]
    async fn a_copy_is_fresh_for_its_time_and_a_stale_one_better_than_none() {
        let cache = Cache::new(10);
        let entry = cache.entry(origin(1));
        assert!(entry.answer(Instant::now()).is_none());
        cache.learn(&origin(1), &entry, rules(1), 5 * MINUTE);
        tokio::time::advance(5 * MINUTE - Duration::from_secs(1)).await;
        assert!(cache.entry(origin(1)).answer(Instant::now()).unwrap().is_ok());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(entry.answer(Instant::now()).is_none());
        entry.fail(Error::new(Kind::RobotsUnreachable, "down"), MINUTE);
        assert!(entry.answer(Instant::now()).unwrap().is_ok());
        tokio::time::advance(MINUTE).await;
        assert!(entry.answer(Instant::now()).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_again_for_its_time_and_to_those_who_waited() {
        let entry = Cache::new(10).entry(origin(1));
        let asked = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        entry.fail(Error::new(Kind::RobotsUnreachable, "down"), MINUTE);
        tokio::time::advance(Duration::from_secs(20)).await;
        let error = entry.answer(Instant::now()).unwrap().unwrap_err();
        assert_eq!(error.kind(), Kind::RobotsUnreachable);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(40)));
        tokio::time::advance(MINUTE).await;
        assert!(entry.answer(Instant::now()).is_none());
        assert!(entry.answer(asked).is_some());
    }

    #[tokio::test]
    async fn those_not_used_for_longest_are_forgotten() {
        let cache = Cache::new(100);
        for name in 0..150 {
            cache.learn(&origin(name), &cache.entry(origin(name)), rules(1), MINUTE);
            cache.entry(origin(0));
        }
        let is_known = |name| cache.entry(origin(name)).answer(Instant::now()).is_some();
        assert!(is_known(0) && is_known(149) && is_known(60));
        assert!(!is_known(1));
        let known = cache.known.lock().unwrap();
        assert_eq!((known.places.len(), known.order.len()), (100, 100));
    }

    #[tokio::test]
    async fn rules_take_no_more_than_their_memory() {
        let cache = Cache::new(10_000);
        for name in 0..200 {
            cache.learn(&origin(name), &cache.entry(origin(name)), rules(400_000), MINUTE);
        }
        let known = cache.known.lock().unwrap();
        assert!(known.bytes <= MAX_BYTES && known.bytes > MAX_BYTES / 2, "{}", known.bytes);
        let counted: usize = known.places.values().map(|place| place.bytes).sum();
        assert_eq!(known.bytes, counted);
        assert!((40..200).contains(&known.places.len()));
    }

    #[tokio::test]
    async fn what_is_learned_through_a_proxy_is_its_own() {
        let cache = Cache::new(10);
        let via = Some(Proxy::parse("http://proxy.example").unwrap());
        let through = Key { via, ..origin(1) };
        cache.learn(&through, &cache.entry(through.clone()), rules(1), MINUTE);
        assert!(cache.entry(origin(1)).answer(Instant::now()).is_none());
        assert!(cache.entry(through).answer(Instant::now()).is_some());
    }
}
