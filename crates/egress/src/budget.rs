use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Permits are counted in units of this many bytes, so that a `u32` of them reaches 4 TiB.
const UNIT_BYTES: u64 = 1024;
/// The largest reservation that is served from the small class.
const SMALL_BYTES: u64 = 64 * 1024;
/// Below this a budget is raised: one small and one large body have to fit.
const MIN_TOTAL_BYTES: u64 = 4 * SMALL_BYTES;
/// One part in this many of the budget is kept for small reservations.
const SMALL_SHARE: u64 = 4;

/// How many bytes of bodies may be in memory at once.
///
/// Two classes with a first-in-first-out queue each: reservations up to 64 KiB come out of a
/// quarter of the budget, larger ones out of the other three. So a few huge bodies never hold up
/// the small ones, and nothing deadlocks: a holder of a small reservation may wait for a large one
/// ([`Reservation::grow_to`]), a holder of a large one never waits, so it finishes and gives back.
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
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    small_units: u32,
    large_units: u32,
    used_units: AtomicU64,
}

impl Budget {
    /// A budget of `bytes`; at least 256 KiB and at most about 4 TiB.
    pub fn new(bytes: u64) -> Self {
        let bytes = bytes.max(MIN_TOTAL_BYTES);
        let small_units = to_units_down(bytes / SMALL_SHARE);
        let large_units = to_units_down(bytes - bytes / SMALL_SHARE);
        let pool = |units: u32| Arc::new(Semaphore::new(units as usize));
        Self {
            pools: Arc::new(Pools {
                small: pool(small_units),
                large: pool(large_units),
                small_units,
                large_units,
                used_units: AtomicU64::new(0),
            }),
        }
    }

    /// Waits until `bytes` are free and takes them, rounded up to whole KiB. A reservation of more
    /// than [`Budget::largest`] is clamped to it, so that a giant gets through when it is alone:
    /// ask [`Reservation::bytes`] what was granted.
    ///
    /// Cancel-safe. Do not call it while holding a large reservation of the same budget.
    pub async fn reserve(&self, bytes: u64) -> Reservation {
        let small = bytes <= SMALL_BYTES;
        let (pool, most) = match small {
            true => (&self.pools.small, self.pools.small_units),
            false => (&self.pools.large, self.pools.large_units),
        };
        let permit = Arc::clone(pool)
            .acquire_many_owned(to_units_up(bytes).min(most))
            .await
            .expect("the semaphores are never closed");
        Reservation::new(Arc::clone(&self.pools), permit, small)
    }

    /// Bytes reserved now.
    pub fn in_use(&self) -> u64 {
        self.pools.used_units.load(Ordering::Acquire) * UNIT_BYTES
    }

    /// Bytes there are.
    pub fn total(&self) -> u64 {
        (u64::from(self.pools.small_units) + u64::from(self.pools.large_units)) * UNIT_BYTES
    }

    /// Bytes of the largest reservation that is ever granted: three quarters of the total.
    pub fn largest(&self) -> u64 {
        u64::from(self.pools.large_units) * UNIT_BYTES
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
    small: bool,
}

impl Reservation {
    fn new(pools: Arc<Pools>, permit: OwnedSemaphorePermit, small: bool) -> Self {
        pools.used_units.fetch_add(permit.num_permits() as u64, Ordering::AcqRel);
        Self { pools, permit, small }
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

    /// Makes it hold `bytes` (clamped to [`Budget::largest`]) and says whether it does. A small
    /// reservation waits for its turn in the large class and keeps what it has meanwhile; a large
    /// one never waits, and gets `false` when there is not enough at once. Cancel-safe.
    pub async fn grow_to(&mut self, bytes: u64) -> bool {
        let wanted = to_units_up(bytes).min(self.pools.large_units);
        let missing = wanted.saturating_sub(self.permit.num_permits() as u32);
        if missing == 0 {
            return true;
        }
        if self.small {
            let permit = Arc::clone(&self.pools.large)
                .acquire_many_owned(wanted)
                .await
                .expect("the semaphores are never closed");
            // Assigning drops the small one.
            *self = Self::new(Arc::clone(&self.pools), permit, false);
            return true;
        }
        match Arc::clone(&self.pools.large).try_acquire_many_owned(missing) {
            Ok(more) => {
                self.pools.used_units.fetch_add(u64::from(missing), Ordering::AcqRel);
                self.permit.merge(more);
                true
            }
            Err(_) => false,
        }
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
    // Half of the range: the two classes together stay within it as well.
    (bytes / UNIT_BYTES).min(u64::from(u32::MAX / 2)) as u32
}
