//! What is kept of a job's attempts.

use bytes::Bytes;

use crate::Settlement;

/// What one attempt left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The epoch of the lease it was told under: grows from entry to entry.
    epoch: u32,
    bytes: Bytes,
}

impl Entry {
    /// Cut off when it is too long.
    pub(crate) fn new(epoch: u32, bytes: Bytes) -> Self {
        let most = Settlement::MAX_ATTEMPT_BYTES;
        // Copied, so that the rest is not kept alive.
        let bytes = if bytes.len() > most { Bytes::copy_from_slice(&bytes[..most]) } else { bytes };
        Self { epoch, bytes }
    }
}

/// The entries of one job, oldest first: the first few and the latest, within bounds. Leaving out
/// what is too much early or late makes no difference to what is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger(Vec<Entry>);

impl Ledger {
    const MOST: usize = 64;
    const MOST_BYTES: usize = 64 * 1024;
    /// Never left out: how it began is worth more than how it went on.
    const FIRST: usize = 8;
    /// Epoch and length, little-endian, before each entry.
    const HEAD: usize = 4 + 2;

    pub(crate) fn of(entry: Option<Entry>) -> Self {
        Self(entry.into_iter().collect())
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|entry| entry.bytes.len()).sum()
    }

    /// Adds what was told after it. What is there already is not added again.
    pub(crate) fn append(&mut self, later: Self) {
        let last = self.0.last().map(|entry| entry.epoch);
        self.0.extend(later.0.into_iter().filter(|entry| last.is_none_or(|l| entry.epoch > l)));
        self.trim();
    }

    fn trim(&mut self) {
        let mut left = self.0.len();
        let mut bytes = self.bytes();
        let mut end = Self::FIRST;
        while (left > Self::MOST || bytes > Self::MOST_BYTES) && end < self.0.len() {
            bytes -= self.0[end].bytes.len();
            left -= 1;
            end += 1;
        }
        self.0.drain(Self::FIRST.min(self.0.len())..end.min(self.0.len()));
    }

    pub(crate) fn into_attempts(self) -> Vec<Bytes> {
        self.0.into_iter().map(|entry| entry.bytes).collect()
    }

    /// As it is stored.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut stored = Vec::with_capacity(self.bytes() + self.0.len() * Self::HEAD);
        for entry in &self.0 {
            let length = u16::try_from(entry.bytes.len()).expect("entries are cut off");
            stored.extend_from_slice(&entry.epoch.to_le_bytes());
            stored.extend_from_slice(&length.to_le_bytes());
            stored.extend_from_slice(&entry.bytes);
        }
        stored
    }

    /// Reads back what was stored, as far as it is whole.
    pub(crate) fn decode(mut stored: &[u8]) -> Self {
        let mut entries = Vec::new();
        while let Some((epoch, rest)) = stored.split_first_chunk::<4>()
            && let Some((length, rest)) = rest.split_first_chunk::<2>()
            && let Some((bytes, rest)) = rest.split_at_checked(u16::from_le_bytes(*length).into())
        {
            let bytes = Bytes::copy_from_slice(bytes);
            entries.push(Entry { epoch: u32::from_le_bytes(*epoch), bytes });
            stored = rest;
        }
        Self(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(epoch: u32, length: usize) -> Entry {
        Entry::new(epoch, Bytes::from(vec![epoch as u8; length]))
    }

    fn ledger(entries: impl IntoIterator<Item = Entry>) -> Ledger {
        Ledger(entries.into_iter().collect())
    }

    /// A few short ones among long ones, so that both bounds are met.
    fn lengths(seed: u32) -> impl Iterator<Item = Entry> {
        (1..200).map(move |n| entry(n, ((n * 7_919 * (seed + 1)) % 3_000) as usize))
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let mut kept = Ledger::default();
        kept.append(ledger([entry(3, 0), entry(5, 2_048), entry(9, 17)]));
        assert_eq!(Ledger::decode(&kept.encode()), kept);
        let stored = kept.encode();
        assert_eq!(Ledger::decode(&stored[..stored.len() - 1]).0, kept.0[..2]);
    }

    #[test]
    fn it_does_not_matter_when_the_middle_is_left_out() {
        for seed in 0..20 {
            let mut at_once = Ledger::default();
            at_once.append(ledger(lengths(seed)));
            let mut one_by_one = Ledger::default();
            lengths(seed).for_each(|e| one_by_one.append(ledger([e])));
            let (mut halves, mut second) = (Ledger::default(), Ledger::default());
            halves.append(ledger(lengths(seed).take(90)));
            second.append(ledger(lengths(seed).skip(90)));
            assert_eq!(at_once, one_by_one);
            // The first few of a part are not the first few of the whole.
            halves.append(second);
            assert!(halves.0.len() <= Ledger::MOST && halves.bytes() <= Ledger::MOST_BYTES);
            assert!(at_once.0.len() <= Ledger::MOST && at_once.bytes() <= Ledger::MOST_BYTES);
        }
    }

    #[test]
    fn what_is_there_already_is_not_added_again() {
        let mut kept = ledger([entry(1, 1), entry(2, 2)]);
        kept.append(ledger([entry(2, 2), entry(3, 3)]));
        assert_eq!(kept, ledger([entry(1, 1), entry(2, 2), entry(3, 3)]));
    }
}
