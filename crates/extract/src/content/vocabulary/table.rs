//! Finding the groups of a word.

use std::sync::LazyLock;

use super::{NAME_GROUPS, TEXT_GROUPS};

/// Words to sets of groups.
pub(crate) struct Table {
    /// Hash and groups; a set of no groups is an empty place.
    places: Vec<(u64, u64)>,
    shift: u32,
}

impl Table {
    fn of(groups: &[&str]) -> Self {
        let words: usize = groups.iter().map(|group| group.split_whitespace().count()).sum();
        let size = (4 * words).next_power_of_two();
        let mut table = Self { places: vec![(0, 0); size], shift: 64 - size.ilog2() };
        for (bit, group) in groups.iter().enumerate() {
            for word in group.split_whitespace() {
                let hash = hash(word);
                let mut place = table.place(hash);
                while table.places[place].1 != 0 && table.places[place].0 != hash {
                    place = (place + 1) & (size - 1);
                }
                table.places[place].0 = hash;
                table.places[place].1 |= 1 << bit;
            }
        }
        table
    }

    fn place(&self, hash: u64) -> usize {
        (hash.wrapping_mul(SPREAD) >> self.shift) as usize
    }

    /// The groups of the word with this [`hash`].
    pub(crate) fn groups(&self, hash: u64) -> u64 {
        let mut place = self.place(hash);
        loop {
            let (own, groups) = self.places[place];
            if own == hash || groups == 0 {
                return groups;
            }
            place = (place + 1) & (self.places.len() - 1);
        }
    }
}

/// Odd and without a pattern: spreads hashes over a table (the golden ratio).
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Words of text.
pub(crate) static TEXT: LazyLock<Table> = LazyLock::new(|| Table::of(&TEXT_GROUPS));

/// Words of names.
static NAMES: LazyLock<Table> = LazyLock::new(|| Table::of(&NAME_GROUPS));

/// Where a hash of no bytes starts (FNV-1a).
pub(crate) const HASH_START: u64 = 0xCBF2_9CE4_8422_2325;

/// Adds a byte to a hash (FNV-1a).
pub(crate) fn hash_byte(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
}

/// The hash of a word in lower case (FNV-1a, 64 bits).
pub(crate) fn hash(word: &str) -> u64 {
    word.bytes().fold(HASH_START, hash_byte)
}

/// Words of a name that are longer have no meaning here.
const LONGEST_WORD: usize = 40;

/// The groups of all words in a name such as `articleBody main-content`.
pub(crate) fn name_groups(name: &str) -> u64 {
    let mut groups = 0;
    let mut word = [0_u8; LONGEST_WORD];
    let mut length = 0;
    let mut lower_before = false;
    for byte in name.bytes() {
        let upper = byte.is_ascii_uppercase();
        if !byte.is_ascii_alphabetic() || upper && lower_before {
            groups |= word_groups(&word[..length.min(LONGEST_WORD)]);
            length = 0;
        }
        lower_before = byte.is_ascii_lowercase();
        if byte.is_ascii_alphabetic() {
            if length < LONGEST_WORD {
                word[length] = byte.to_ascii_lowercase();
            }
            length += 1;
        }
    }
    groups | word_groups(&word[..length.min(LONGEST_WORD)])
}

/// The shortest word that is looked for inside a longer one, such as `post` in `postbody`.
const SHORTEST_PART: usize = 4;

fn word_groups(word: &[u8]) -> u64 {
    let table = &*NAMES;
    let of = |word: &[u8]| table.groups(word.iter().copied().fold(HASH_START, hash_byte));
    let whole = of(word);
    if whole != 0 || word.len() < 2 * SHORTEST_PART || word.len() >= LONGEST_WORD {
        return whole;
    }
    (SHORTEST_PART..=word.len() - SHORTEST_PART)
        .map(|cut| of(&word[..cut]) | of(&word[cut..]))
        .fold(0, |all, part| all | part)
}

#[cfg(test)]
mod tests {
    use super::super::{NAME_LABELS, TEXT_LABELS};
    use super::*;

    fn labels(name: &str) -> Vec<&'static str> {
        let groups = name_groups(name);
        (0..NAME_LABELS.len())
            .filter(|bit| groups >> bit & 1 == 1)
            .map(|b| NAME_LABELS[b])
            .collect()
    }

    #[test]
    fn names_fall_apart_into_words() {
        assert_eq!(labels("articleBody"), ["article", "text"]);
        assert_eq!(labels("mainarticle"), ["article", "main"]);
        assert_eq!(labels("js-related_posts2"), ["post", "related"]);
        assert_eq!(labels("xyz"), Vec::<&str>::new());
        assert_eq!(labels("header"), ["header"]);
        assert_eq!(labels(&"a".repeat(1000)), Vec::<&str>::new());
    }

    #[test]
    fn text_words_are_found() {
        let function = 1 << (TEXT_LABELS.len() - 1);
        assert_eq!(TEXT.groups(hash("the")), function);
        assert_eq!(TEXT.groups(hash("zebra")), 0);
        assert_ne!(TEXT.groups(hash("комментарии")), 0);
    }
}
