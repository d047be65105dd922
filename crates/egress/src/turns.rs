use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Names that end in the same two labels (`example.com`, but `co.uk` too) have at most one of this
/// many parts of all turns.
const SHARE_OF_TWO_LABELS: usize = 8;
/// Names that end in the same three labels (`www.example.com`, `example.co.uk`).
const SHARE_OF_THREE_LABELS: usize = 32;

/// Turns to look a name up, shared out so that a zone whose servers do not answer cannot have them
/// all.
///
/// What one owner controls is a domain below a public suffix, and lists of those grow old. This
/// asks for none: a turn counts against the last two labels of the name and against the last three.
/// One owner's zone is either the one or the other, or inside it, and all the domains of `co.uk`
/// together have as much as one of `com` has alone, of which none of them can have more than a
/// quarter.
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    shares: [Shares; 2],
}

/// A part of the turns for each suffix of so many labels.
struct Shares {
    labels: usize,
    turns: usize,
    /// Those that are held or waited for: no more than there are callers.
    suffixes: Arc<Suffixes>,
}

type Suffixes = Mutex<HashMap<Box<str>, (Arc<Semaphore>, usize)>>;

/// A turn; dropped, it is the next one's.
pub(crate) struct Turn {
    _all: OwnedSemaphorePermit,
    _shares: [Option<Share>; 2],
}

impl Turns {
    pub(crate) fn new(concurrency: usize) -> Self {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        let share = |labels: usize, part: usize| Shares {
            labels,
            turns: (concurrency / part).max(1),
            suffixes: Arc::default(),
        };
        Self {
            all: Arc::new(Semaphore::new(concurrency)),
            shares: [share(3, SHARE_OF_THREE_LABELS), share(2, SHARE_OF_TWO_LABELS)],
        }
    }

    /// Waits for a turn for `name`. Whoever waits for a share holds no turn meanwhile.
    pub(crate) async fn take(&self, name: &str) -> Turn {
        let [three, two] = &self.shares;
        let three = three.take(name).await;
        let two = two.take(name).await;
        Turn { _all: acquire(&self.all).await, _shares: [three, two] }
    }
}

async fn acquire(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(semaphore).acquire_owned().await.expect("the semaphore is never closed")
}

impl Shares {
    /// `None` for a name with fewer labels.
    async fn take(&self, name: &str) -> Option<Share> {
        let suffix = suffix(name, self.labels)?;
        // First, so that whoever gives up waiting takes himself off the list.
        let listed = Listed::new(&self.suffixes, suffix, self.turns);
        let permit = acquire(&listed.semaphore).await;
        Some(Share { _permit: permit, _listed: listed })
    }
}

/// The last labels of `name`, if it has as many.
fn suffix(name: &str, labels: usize) -> Option<&str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let mut dots = name.rmatch_indices('.').map(|(at, _)| at);
    match dots.nth(labels - 1) {
        Some(dot) => Some(&name[dot + 1..]),
        None => (name.split('.').count() == labels).then_some(name),
    }
}

struct Share {
    _permit: OwnedSemaphorePermit,
    _listed: Listed,
}

/// Somebody who holds or awaits a share; the last one takes the suffix off the list.
struct Listed {
    suffixes: Arc<Suffixes>,
    suffix: Box<str>,
    semaphore: Arc<Semaphore>,
}

impl Listed {
    fn new(suffixes: &Arc<Suffixes>, suffix: &str, turns: usize) -> Self {
        let suffix: Box<str> = suffix.into();
        let mut listed = suffixes.lock().unwrap_or_else(PoisonError::into_inner);
        let (semaphore, users) =
            listed.entry(suffix.clone()).or_insert_with(|| (Arc::new(Semaphore::new(turns)), 0));
        *users += 1;
        let semaphore = Arc::clone(semaphore);
        drop(listed);
        Self { suffixes: Arc::clone(suffixes), suffix, semaphore }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut listed = self.suffixes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = listed.entry(std::mem::take(&mut self.suffix)) {
            entry.get_mut().1 -= 1;
            if entry.get().1 == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[test]
    fn a_suffix_is_its_last_labels() {
        for (name, two, three) in [
            ("a.b.example.com.", Some("example.com"), Some("b.example.com")),
            ("www.example.com", Some("example.com"), Some("www.example.com")),
            ("example.com.", Some("example.com"), None),
            ("localhost", None, None),
        ] {
            assert_eq!((suffix(name, 2), suffix(name, 3)), (two, three), "{name}");
        }
    }

    /// How many of these names get a turn at once.
    async fn fit(turns: &Turns, name: impl Fn(usize) -> String) -> (usize, Vec<Turn>) {
        let mut held = Vec::new();
        while let Ok(turn) = timeout(Duration::from_millis(1), turns.take(&name(held.len()))).await
        {
            held.push(turn);
        }
        (held.len(), held)
    }

    #[tokio::test(start_paused = true)]
    async fn no_owner_has_more_than_his_share_of_the_turns() {
        let turns = Turns::new(256);
        let (one_name, _a) = fit(&turns, |_| "slow.example.net".to_owned()).await;
        let (one_domain, _b) = fit(&turns, |i| format!("n{i}.example.org")).await;
        let (deep, _c) = fit(&turns, |i| format!("n{i}.www.example.com")).await;
        let (below_two, _d) = fit(&turns, |i| format!("n{i}.example.co.uk")).await;
        let (others_below_two, _e) = fit(&turns, |i| format!("other{i}.co.uk")).await;
        assert_eq!((one_name, one_domain, deep, below_two), (8, 32, 8, 8));
        assert_eq!(others_below_two, 24);
        let (all, _f) = fit(&turns, |i| format!("www.other{i}.example")).await;
        assert_eq!(all, 256 - 8 - 32 - 8 - 8 - 24, "others have all the rest");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_left_of_turns_that_were_held_or_waited_for() {
        let turns = Turns::new(1);
        for _ in 0..3 {
            let (held, _turns) = fit(&turns, |i| format!("n{i}.example.org")).await;
            assert_eq!(held, 1);
        }
        for shares in &turns.shares {
            assert!(shares.suffixes.lock().unwrap().is_empty());
        }
        assert_eq!(turns.all.available_permits(), 1);
    }
}
