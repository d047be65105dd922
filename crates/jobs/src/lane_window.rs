use crate::Breaker;

/// How a lane's latest work went: one bit each, the latest lowest, set when it went badly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window(u64);

impl Window {
    pub(crate) const fn push(&mut self, bad: bool) {
        self.0 = self.0 << 1 | bad as u64;
    }

    /// How many of those that `breaker` looks back on went badly.
    pub(crate) fn bad(self, breaker: Breaker) -> u32 {
        (self.0 << (u64::BITS - breaker.window.clamp(1, u64::BITS))).count_ones()
    }

    /// Whether they are as many as open a circuit.
    pub(crate) fn opens(self, breaker: Breaker) -> bool {
        let window = breaker.window.clamp(1, u64::BITS);
        self.bad(breaker) >= breaker.failures.clamp(1, window)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_counts_the_latest(told in vec(any::<bool>(), 0..200), window in 1_u32..=64) {
            let mut kept = Window::default();
            told.iter().for_each(|bad| kept.push(*bad));
            let latest = told.iter().rev().take(window as usize);
            let bad = latest.filter(|bad| **bad).count();
            prop_assert_eq!(kept.bad(Breaker { window, failures: 1 }), bad as u32);
            for failures in 1..=window {
                let opens = kept.opens(Breaker { window, failures });
                prop_assert_eq!(opens, bad as u32 >= failures);
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_brought_into_bounds() {
        let mut kept = Window::default();
        assert!(!kept.opens(Breaker { window: 0, failures: 0 }), "nothing went badly");
        kept.push(true);
        assert!(kept.opens(Breaker { window: 0, failures: 9 }), "the one of one");
        assert!(!kept.opens(Breaker { window: 1_000, failures: 1_000 }));
        (0..63).for_each(|_| kept.push(true));
        assert!(kept.opens(Breaker { window: 1_000, failures: 1_000 }), "64 of 64");
    }
}
