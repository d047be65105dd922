//! Maps from numbers that a page decides on.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A map whose keys are single numbers or pairs.
pub(crate) type Map<K, V> = HashMap<K, V, Seeded>;

/// Multiplies keys by a secret: a few cycles each, and no page can know which keys meet.
#[derive(Clone, Debug)]
pub(crate) struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0) | 1)
    }
}

impl BuildHasher for Seeded {
    type Hasher = Product;

    fn build_hasher(&self) -> Product {
        Product { state: 0, seed: self.0 }
    }
}

/// The hasher of [`Seeded`].
#[derive(Debug)]
pub(crate) struct Product {
    state: u64,
    seed: u64,
}

impl Hasher for Product {
    fn finish(&self) -> u64 {
        self.state
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        let product =
            u128::from(self.state ^ value ^ self.seed.rotate_left(32)) * u128::from(self.seed);
        self.state = product as u64 ^ (product >> 64) as u64;
    }
}
