//! A set of hashes.

/// Hashes with bits. A hash that finds no place soon is dropped: what a page says cannot make
/// this slow.
#[derive(Debug, Default)]
pub(super) struct Set {
    places: Vec<(u64, u8)>,
    pub(super) count: usize,
}

/// How many places are tried for a hash.
const PROBES: usize = 16;

impl Set {
    pub(super) fn get(&self, hash: u64) -> u8 {
        if self.places.is_empty() {
            return 0;
        }
        for (own, bits) in self.probe(hash).map(|place| self.places[place]) {
            if bits == 0 {
                return 0;
            }
            if own == hash {
                return bits;
            }
        }
        0
    }

    fn probe(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.places.len() - 1;
        let start = (hash ^ hash >> 29).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        (0..PROBES).map(move |probe| (start as usize + probe) & mask)
    }

    pub(super) fn add(&mut self, hash: u64, bits: u8) {
        if 2 * self.count >= self.places.len() {
            self.grow();
        }
        for place in self.probe(hash) {
            let (own, old) = self.places[place];
            if old == 0 || own == hash {
                self.count += usize::from(old == 0);
                self.places[place] = (hash, old | bits);
                return;
            }
        }
    }

    fn grow(&mut self) {
        let size = (2 * self.places.len()).max(128);
        let old = std::mem::replace(&mut self.places, vec![(0, 0); size]);
        self.count = 0;
        for (hash, bits) in old.into_iter().filter(|&(_, bits)| bits != 0) {
            for place in self.probe(hash) {
                if self.places[place].1 == 0 {
                    self.places[place] = (hash, bits);
                    self.count += 1;
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_a_hash_add_up() {
        let mut set = Set::default();
        assert_eq!(set.get(7), 0);
        for hash in 0..1000 {
            set.add(hash, 1);
        }
        set.add(7, 2);
        assert_eq!((set.get(7), set.get(8), set.get(1000)), (3, 1, 0));
        assert_eq!(set.count, 1000);
    }
}
