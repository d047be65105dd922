use crate::Priority;

/// Whose turn it is among priorities: the highest first, but of every four that are given out at
/// least one is of those below it, when there are any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Turns {
    /// Of each but the lowest: how many in a row were given out while lower ones had to wait.
    in_a_row: [u8; Priority::ALL.len() - 1],
}

/// After so many in a row it is a lower one's turn.
const IN_A_ROW: u8 = 3;

impl Priority {
    /// The highest first.
    pub(crate) const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// Its place in [`Priority::ALL`].
    pub(crate) const fn rank(self) -> usize {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }
}

impl Turns {
    /// The next of those that are `ready`, by rank.
    pub(crate) fn next(self, ready: [bool; 3]) -> Option<Priority> {
        let mut left = Priority::ALL.into_iter().filter(|p| ready[p.rank()]).peekable();
        while let Some(priority) = left.next() {
            let has_run = self.in_a_row.get(priority.rank()).is_some_and(|run| *run >= IN_A_ROW);
            if !has_run || left.peek().is_none() {
                return Some(priority);
            }
        }
        None
    }

    /// One was given out, of those that were `ready`.
    pub(crate) fn given(&mut self, priority: Priority, ready: [bool; 3]) {
        let rank = priority.rank();
        for run in &mut self.in_a_row[..rank] {
            *run = 0;
        }
        if let Some(run) = self.in_a_row.get_mut(rank) {
            let others_wait = ready[rank + 1..].contains(&true);
            *run = if others_wait { run.saturating_add(1) } else { 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use Priority::{High, Low, Normal};
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn given(turns: &mut Turns, ready: [bool; 3]) -> Option<Priority> {
        let next = turns.next(ready)?;
        turns.given(next, ready);
        Some(next)
    }

    #[test]
    fn the_highest_goes_first_and_the_others_are_not_forgotten() {
        let mut turns = Turns::default();
        let order: Vec<_> = (0..17).filter_map(|_| given(&mut turns, [true; 3])).collect();
        let round = [High, High, High, Normal];
        let last = [High, High, High, Low, High];
        assert_eq!(order, [&round[..], &round, &round, &last].concat());
    }

    #[test]
    fn nobody_gives_way_to_nobody() {
        let mut turns = Turns::default();
        assert!((0..9).all(|_| given(&mut turns, [true, false, false]) == Some(High)));
        assert_eq!(given(&mut turns, [true; 3]), Some(High), "that was no run");
        assert_eq!(given(&mut turns, [false; 3]), None);
    }

    proptest! {
        #[test]
        fn of_every_four_one_is_of_those_that_wait(ready in vec(any::<[bool; 3]>(), 1..200)) {
            let (mut turns, mut runs) = (Turns::default(), [0; 2]);
            for ready in ready {
                let Some(next) = given(&mut turns, ready) else {
                    prop_assert_eq!(ready, [false; 3]);
                    continue;
                };
                prop_assert!(ready[next.rank()]);
                for (rank, run) in runs.iter_mut().enumerate() {
                    let passed_over = next.rank() == rank && ready[rank + 1..].contains(&true);
                    match next.rank() {
                        of if of < rank => {}
                        _ => *run = if passed_over { *run + 1 } else { 0 },
                    }
                    prop_assert!(*run <= IN_A_ROW);
                }
            }
        }
    }
}
