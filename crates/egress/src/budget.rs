use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Permits are counted in units of this many bytes, so that a `u32` of them reaches 4 TiB.
const UNIT_BYTES: u64 = 1024;
/// The largest reservation that is served from the small class.
const SMALL_BYTES: u64 = 64 * 1024;
/// The largest reservation that is served from the middle class.
const MIDDLE_BYTES: u64 = 1024 * 1024;
/// What a body that outgrew the small class is given first.
const FIRST_STEP_BYTES: u64 = 256 * 1024;
/// Below this a budget is raised: one small and one large body have to fit.
const MIN_TOTAL_BYTES: u64 = 4 * SMALL_BYTES;
/// Below this a budget has no middle class: one middle body has to fit into its share.
const MIN_MIDDLE_TOTAL_BYTES: u64 = 4 * MIDDLE_BYTES;
/// One part in this many of the budget is kept for small reservations, and as much for middle ones.
const SHARE: u64 = 4;

/// How many bytes of bodies may be in memory at once.
///
/// Two classes with a first-in-first-out queue each: reservations up to 64 KiB come out of a
/// quarter of the budget, larger ones out of the other three. So a few huge bodies never hold up
/// the small ones, and nothing deadlocks: a holder of a small reservation may wait for a large one
/// ([`Reservation::grow_to`]), a holder of a large one never waits, so it finishes and gives back.
/// [`Budget::with_middle`] has a third class in between, under the same rule: who holds of a class
/// waits only for a higher one.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let budget = egress::Budget::new(128 << 20);
/// let mut body = budget.reserve(64 << 10).await; // length unknown: start small
/// body.grow_to(10 << 20).await; // it goes on: the cap, once
/// body.shrink_to(300_000); // it is over: keep what it needs
/// assert!(budget.in_use() < 301_000);
/// drop(body);
/// assert_eq!(budget.in_use(), 0);
/// # });
/// ```
#[derive(Clone)]
pub struct Budget {
    pools: Arc<Pools>,
}

struct Pools {
    /// From the lowest to the highest.
    classes: Vec<Class>,
    used_units: AtomicU64,
}

struct Class {
    semaphore: Arc<Semaphore>,
    units: u32,
    /// The largest reservation served from it.
    most_bytes: u64,
}

impl Class {
    fn new(bytes: u64, most_bytes: u64) -> Self {
        let units = to_units_down(bytes);
        Self { semaphore: Arc::new(Semaphore::new(units as usize)), units, most_bytes }
    }

    async fn acquire(&self, units: u32) -> OwnedSemaphorePermit {
        let semaphore = Arc::clone(&self.semaphore);
        semaphore.acquire_many_owned(units).await.expect("the semaphores are never closed")
    }
}

impl Budget {
    /// A budget of `bytes`; at least 256 KiB and at most about 4 TiB.
    pub fn new(bytes: u64) -> Self {
        let bytes = bytes.max(MIN_TOTAL_BYTES);
        let small = bytes / SHARE;
        Self::of(vec![Class::new(small, SMALL_BYTES), Class::new(bytes - small, u64::MAX)])
    }

    /// A budget of `bytes` with a class for reservations between 64 KiB and 1 MiB, which have a
    /// quarter of it for themselves; larger ones have half. For bodies whose length is not known:
    /// most are done with far less than they might need. Below 4 MiB it is a [`Budget::new`].
    pub fn with_middle(bytes: u64) -> Self {
        if bytes < MIN_MIDDLE_TOTAL_BYTES {
            return Self::new(bytes);
        }
        let share = bytes / SHARE;
        Self::of(vec![
            Class::new(share, SMALL_BYTES),
            Class::new(share, MIDDLE_BYTES),
            Class::new(bytes - 2 * share, u64::MAX),
        ])
    }

    fn of(classes: Vec<Class>) -> Self {
        Self { pools: Arc::new(Pools { classes, used_units: AtomicU64::new(0) }) }
    }

    /// Waits until `bytes` are free and takes them, rounded up to whole KiB. A reservation of more
    /// than [`Budget::largest`] is clamped to it, so that a giant gets through when it is alone:
    /// ask [`Reservation::bytes`] what was granted.
    ///
    /// Cancel-safe. Do not call it while holding a large reservation of the same budget.
    pub async fn reserve(&self, bytes: u64) -> Reservation {
        let class = self.pools.class_of(bytes);
        let of = &self.pools.classes[class];
        let permit = of.acquire(to_units_up(bytes).min(of.units)).await;
        Reservation::new(Arc::clone(&self.pools), permit, class)
    }

    /// Bytes reserved now.
    pub fn in_use(&self) -> u64 {
        self.pools.used_units.load(Ordering::Acquire) * UNIT_BYTES
    }

    /// Bytes there are.
    pub fn total(&self) -> u64 {
        self.pools.classes.iter().map(|class| u64::from(class.units)).sum::<u64>() * UNIT_BYTES
    }

    /// Bytes of the largest reservation that is ever granted: three quarters of the total, or half
    /// of it where there is a middle class.
    pub fn largest(&self) -> u64 {
        u64::from(self.pools.classes[self.pools.highest()].units) * UNIT_BYTES
    }
}

impl Pools {
    /// The class that serves a reservation of `bytes`.
    fn class_of(&self, bytes: u64) -> usize {
        let fitting = self.classes.iter().position(|class| bytes <= class.most_bytes);
        fitting.unwrap_or(self.highest())
    }

    fn highest(&self) -> usize {
        self.classes.len() - 1
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (in_use, total) = (self.in_use(), self.total());
        f.debug_struct("Budget").field("in_use", &in_use).field("total", &total).finish()
    }
}

/// Bytes held out of a [`Budget`]; they go back when it is dropped.
#[must_use = "dropped at once, it reserves nothing"]
pub struct Reservation {
    pools: Arc<Pools>,
    permit: OwnedSemaphorePermit,
    class: usize,
}

impl Reservation {
    fn new(pools: Arc<Pools>, permit: OwnedSemaphorePermit, class: usize) -> Self {
        pools.used_units.fetch_add(permit.num_permits() as u64, Ordering::AcqRel);
        Self { pools, permit, class }
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.permit.num_permits() as u64 * UNIT_BYTES
    }

    /// Gives back all but `bytes`, rounded up to whole KiB. Does nothing if it holds less.
    pub fn shrink_to(&mut self, bytes: u64) {
        let surplus = self.permit.num_permits().saturating_sub(to_units_up(bytes) as usize);
        if let Some(surplus) = self.permit.split(surplus) {
            give_back(&self.pools, surplus);
        }
    }

    /// Makes it hold `bytes` (clamped to [`Budget::largest`]) and says whether it does. What its own
    /// class serves it gets at once or not at all. Otherwise it waits for its turn in a higher class
    /// and keeps what it has meanwhile; a large one never waits, and gets `false` when there is not
    /// enough. For a body of unknown length there is [`Reservation::grow_for`]. Cancel-safe.
    pub async fn grow_to(&mut self, bytes: u64) -> bool {
        if self.try_grow_to(bytes) {
            return true;
        }
        let class = self.pools.class_of(bytes).max(self.class + 1);
        let Some(of) = self.pools.classes.get(class) else {
            return false;
        };
        let permit = of.acquire(to_units_up(bytes).min(of.units)).await;
        // Assigning drops what it had.
        *self = Self::new(Arc::clone(&self.pools), permit, class);
        true
    }

    /// Makes it hold `bytes` or some more, for a body that may come to `most`: by doubling as long as
    /// there is a middle class that has as much, else `most` at once, since a large one could not
    /// wait again. Says whether it does. Cancel-safe.
    pub async fn grow_for(&mut self, bytes: u64, most: u64) -> bool {
        let step = bytes.next_power_of_two().max(FIRST_STEP_BYTES).min(most);
        let class = self.pools.class_of(step).max(self.class);
        let is_low = class < self.pools.highest();
        if is_low && (class > self.class || self.try_grow_to(step)) {
            return self.grow_to(step).await;
        }
        self.grow_to(most).await
    }

    /// Makes it hold `bytes` (clamped to [`Budget::largest`]) if its own class serves as much and has
    /// it, without waiting; says whether it does.
    pub fn try_grow_to(&mut self, bytes: u64) -> bool {
        let own = &self.pools.classes[self.class];
        let wanted = match self.class == self.pools.highest() {
            true => to_units_up(bytes).min(own.units),
            false => to_units_up(bytes),
        };
        let missing = wanted.saturating_sub(self.permit.num_permits() as u32);
        if missing == 0 {
            return true;
        }
        if bytes > own.most_bytes {
            return false;
        }
        let Ok(more) = Arc::clone(&own.semaphore).try_acquire_many_owned(missing) else {
            return false;
        };
        self.pools.used_units.fetch_add(u64::from(missing), Ordering::AcqRel);
        self.permit.merge(more);
        true
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(all) = self.permit.split(self.permit.num_permits()) {
            give_back(&self.pools, all);
        }
    }
}

/// Counted down first: `in_use` never shows more than the total.
fn give_back(pools: &Pools, permit: OwnedSemaphorePermit) {
    pools.used_units.fetch_sub(permit.num_permits() as u64, Ordering::AcqRel);
    drop(permit);
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("bytes", &self.bytes()).finish()
    }
}

fn to_units_up(bytes: u64) -> u32 {
    bytes.div_ceil(UNIT_BYTES).max(1).try_into().unwrap_or(u32::MAX)
}

fn to_units_down(bytes: u64) -> u32 {
    // Half of the range: the classes together stay within it as well.
    (bytes / UNIT_BYTES).min(u64::from(u32::MAX / 2)) as u32
}
