//! File descriptors: how many there are, and who gets them.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More than this is never asked for: it is what common systems allow, and some allow a billion.
const WANTED: u64 = 1_048_576;
/// For the store's files, standard streams, the reactor and look-ups.
const RESERVED: u64 = 128;
/// Below this the server would spend its time waiting for descriptors.
pub(crate) const LEAST: u64 = 256;

/// Raises the soft limit as far as the hard limit allows and answers what holds now.
pub(crate) fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(WANTED).min(WANTED);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        // A refusal leaves the old limit, which is read back below.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    getrlimit(Resource::Nofile).current.unwrap_or(WANTED)
}

/// How many descriptors each part may hold at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Connections of clients.
    pub(crate) connections: usize,
    /// Fetches in flight.
    pub(crate) fetches: usize,
    /// Deliveries in flight.
    pub(crate) deliveries: usize,
}

impl Shares {
    /// Cuts what is wanted down to `limit`, in proportion. A fetch and a delivery count twice: a
    /// finished one leaves an idle connection behind for a while.
    pub(crate) fn fit(self, limit: u64) -> Self {
        let there = usize::try_from(limit.saturating_sub(RESERVED)).unwrap_or(usize::MAX);
        let wanted = self.connections + 2 * self.fetches + 2 * self.deliveries;
        if wanted <= there {
            return self;
        }
        let part =
            |share: usize| ((share as u128 * there as u128 / wanted as u128) as usize).max(1);
        Self {
            connections: part(self.connections),
            fetches: part(self.fetches),
            deliveries: part(self.deliveries),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WISH: Shares = Shares { connections: 1_000, fetches: 4_000, deliveries: 250 };

    #[test]
    fn shares_are_left_alone_when_they_fit() {
        assert_eq!(WISH.fit(1_048_576), WISH);
    }

    #[test]
    fn shares_shrink_in_proportion_and_stay_under_the_limit() {
        for limit in [LEAST, 1_024, 4_096] {
            let fitted = WISH.fit(limit);
            let held = fitted.connections + 2 * fitted.fetches + 2 * fitted.deliveries;
            assert!(held as u64 + RESERVED <= limit, "{fitted:?} does not fit {limit}");
            assert!(fitted.connections > 0 && fitted.deliveries > 0);
            assert!(fitted.fetches > fitted.connections);
        }
    }

    #[test]
    fn the_limit_is_raised_to_the_hard_limit() {
        let raised = raise_limit();
        let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(WANTED);
        assert_eq!(raised, hard.min(WANTED).max(raised));
        assert!(raised >= hard.min(WANTED));
    }
}
