use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

/// Bytes held in memory at once over all connections. Nothing ever waits for it: a caller that
/// does not fit is told to come back.
#[derive(Debug)]
pub(crate) struct Budget {
    total: u64,
    used: AtomicU64,
}

impl Budget {
    pub(crate) fn new(total: u64) -> Arc<Self> {
        Arc::new(Self { total, used: AtomicU64::new(0) })
    }

    /// A reservation of nothing, to be grown.
    pub(crate) fn reservation(self: &Arc<Self>) -> Reservation {
        Reservation { budget: Arc::clone(self), bytes: 0 }
    }
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Reservation {
    /// Adds `bytes`; `false` when they do not fit. What is larger than the whole budget is taken
    /// for all of it, so that it fits when it is alone.
    pub(crate) fn grow(&mut self, bytes: u64) -> bool {
        let total = self.budget.total;
        let bytes = bytes.min(total.saturating_sub(self.bytes));
        let taken = self.budget.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|sum| *sum <= total)
        });
        if taken.is_ok() {
            self.bytes += bytes;
        }
        taken.is_ok()
    }

    /// Ties the reservation to `bytes`: it is given back when their last user lets go.
    pub(crate) fn bind(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Bound { bytes, _held: self })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct Bound {
    bytes: Bytes,
    _held: Reservation,
}

impl AsRef<[u8]> for Bound {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_and_what_is_dropped_comes_back() {
        let budget = Budget::new(10);
        let mut first = budget.reservation();
        let mut second = budget.reservation();
        assert!(first.grow(6) && second.grow(4) && !second.grow(1));
        drop(first);
        assert!(second.grow(6) && !budget.reservation().grow(1));
        let bound = second.bind(Bytes::from_static(b"x"));
        let clone = bound.clone();
        drop(bound);
        assert!(!budget.reservation().grow(1), "a clone still holds it");
        drop(clone);
        assert!(budget.reservation().grow(10));
    }

    #[test]
    fn a_giant_fits_alone() {
        let budget = Budget::new(10);
        let mut giant = budget.reservation();
        assert!(giant.grow(50));
        assert!(!budget.reservation().grow(1));
    }
}
