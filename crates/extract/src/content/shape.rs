//! What a block's text looks like: counts of words, characters and marks.

use std::ops::Range;

use super::references::References;
use super::vocabulary::{HASH_START, TEXT, TEXT_GROUPS, hash_byte};

/// Marks that are counted, each on its own.
const MARKS: [char; 14] =
    ['.', ',', '?', '!', ':', ';', '"', '|', '/', '@', '#', '(', '-', '\u{bb}'];

/// Counts of a text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) chars: u32,
    pub(crate) words: u32,
    pub(crate) longest_word: u32,
    pub(crate) letters: u32,
    pub(crate) upper: u32,
    pub(crate) digits: u32,
    /// Words that begin with a capital, and words with digits.
    pub(crate) capitalised: u32,
    pub(crate) numbers: u32,
    pub(crate) wide: u32,
    /// Ends of sentences: a full stop and the like before white space or the end.
    pub(crate) sentences: u32,
    pub(crate) marks: [u32; MARKS.len()],
    pub(crate) quotes: u32,
    pub(crate) currency: u32,
    pub(crate) symbols: u32,
    pub(crate) groups: [u32; TEXT_GROUPS.len()],
    pub(crate) first_groups: u64,
    pub(crate) all_groups: u64,
    /// Words that each reference has too.
    pub(crate) shared: [u32; References::COUNT],
    /// Runs of three words that the page's structured data have too.
    pub(crate) shared_runs: u32,
    pub(crate) first: Kind,
    pub(crate) last: Kind,
    /// Its long words that carry meaning, as a range of the page's.
    pub(crate) topics: Range<u32>,
    /// Of the words, in order.
    pub(crate) hash: u64,
}

/// What stands at the start or end of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    #[default]
    Other,
    Lower,
    Upper,
    Digit,
    /// `.`, `!`, `?` and their like in other scripts.
    Stop,
    Comma,
    Colon,
    Ellipsis,
    Quote,
    Open,
    Close,
    Currency,
    Wide,
    Arrow,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            'a'..='z' => Self::Lower,
            'A'..='Z' => Self::Upper,
            '0'..='9' => Self::Digit,
            '.' | '!' | '?' | '。' | '！' | '？' | '।' | '؟' => Self::Stop,
            ',' | ';' | '、' | '，' => Self::Comma,
            ':' | '：' => Self::Colon,
            '…' => Self::Ellipsis,
            '"' | '\'' | '“' | '”' | '‘' | '’' | '«' | '„' => Self::Quote,
            '(' | '[' | '{' => Self::Open,
            ')' | ']' | '}' => Self::Close,
            '»' | '›' | '→' | '>' | '<' | '‹' | '←' | '↑' | '↓' | '+' => Self::Arrow,
            '$' | '€' | '£' | '¥' | '₹' => Self::Currency,
            _ if is_wide(c) => Self::Wide,
            _ if c.is_lowercase() => Self::Lower,
            _ if c.is_uppercase() => Self::Upper,
            _ => Self::Other,
        }
    }
}

/// Scripts written without spaces: every character counts as a word.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{2ffff}')
}

/// Shorter words say little about what a text is about, in characters.
const SHORTEST_TOPIC: u32 = 4;

/// The shape of a text, compared with what the page says of itself.
///
/// Adds the hashes of its long words to `topics`.
pub(crate) fn shape(text: &str, references: &References, topics: &mut Vec<u64>) -> Shape {
    let start = topics.len() as u32;
    let mut scan = Scan {
        shape: Shape { hash: HASH_START, ..Shape::default() },
        topics,
        references,
        word: Word::default(),
        before: [0; 2],
    };
    let mut last = ' ';
    for c in text.chars() {
        scan.character(c, last);
        last = c;
    }
    scan.end_word();
    let Scan { mut shape, .. } = scan;
    shape.topics = start..topics.len() as u32;
    shape.sentences += u32::from(Kind::of(last) == Kind::Stop);
    shape.first = text.chars().next().map_or(Kind::Other, Kind::of);
    shape.last = Kind::of(last);
    if text.ends_with("...") {
        shape.last = Kind::Ellipsis;
    }
    shape
}

#[derive(Default)]
struct Word {
    hash: u64,
    chars: u32,
    capital: bool,
    digits: bool,
}

struct Scan<'r> {
    shape: Shape,
    topics: &'r mut Vec<u64>,
    references: &'r References,
    word: Word,
    /// Hashes of the last two words.
    before: [u64; 2],
}

impl Scan<'_> {
    fn character(&mut self, c: char, last: char) {
        let shape = &mut self.shape;
        shape.chars += 1;
        if c.is_ascii() {
            if c.is_ascii_alphanumeric() {
                return self.alphanumeric(c);
            }
        } else if is_wide(c) {
            self.end_word();
            self.alphanumeric(c);
            self.shape.wide += 1;
            return self.end_word();
        } else if c.is_alphanumeric() || is_combining(c) {
            return self.alphanumeric(c);
        }
        if c == ' ' {
            shape.sentences += u32::from(Kind::of(last) == Kind::Stop);
        } else if let Some(mark) = MARKS.iter().position(|&mark| mark == c) {
            shape.marks[mark] += 1;
        } else {
            match c {
                '\'' | '’' if self.word.chars > 0 => return,
                '。' | '！' | '？' | '।' => shape.sentences += 1,
                '，' | '、' | '،' => shape.marks[1] += 1,
                '“' | '”' | '«' | '„' | '‘' | '’' => shape.quotes += 1,
                '$' | '€' | '£' | '¥' | '₹' => shape.currency += 1,
                _ => shape.symbols += 1,
            }
        }
        self.end_word();
    }

    fn alphanumeric(&mut self, c: char) {
        let word = &mut self.word;
        if word.chars == 0 {
            word.hash = HASH_START;
        }
        let upper = c.is_uppercase();
        if c.is_numeric() {
            self.shape.digits += 1;
            word.digits = true;
        } else {
            self.shape.letters += 1;
            self.shape.upper += u32::from(upper);
            word.capital |= upper && word.chars == 0;
        }
        word.chars += 1;
        if c.is_ascii() {
            word.hash = hash_byte(word.hash, c.to_ascii_lowercase() as u8);
            return;
        }
        let mut buffer = [0; 4];
        for lower in c.to_lowercase() {
            for &byte in lower.encode_utf8(&mut buffer).as_bytes() {
                word.hash = hash_byte(word.hash, byte);
            }
        }
    }

    fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        if word.chars == 0 {
            return;
        }
        let shape = &mut self.shape;
        let mut groups = TEXT.groups(word.hash);
        if groups == 0 && word.chars >= SHORTEST_TOPIC && !word.digits {
            self.topics.push(word.hash);
        }
        if shape.words == 0 {
            shape.first_groups = groups;
        }
        shape.all_groups |= groups;
        while groups != 0 {
            shape.groups[groups.trailing_zeros() as usize] += 1;
            groups &= groups - 1;
        }
        shape.words += 1;
        shape.longest_word = shape.longest_word.max(word.chars);
        shape.capitalised += u32::from(word.capital);
        shape.numbers += u32::from(word.digits);
        shape.hash = shape.hash.rotate_left(5) ^ word.hash.wrapping_mul(HASH_START | 1);
        let mut shared = self.references.word(word.hash);
        while shared != 0 {
            shape.shared[shared.trailing_zeros() as usize] += 1;
            shared &= shared - 1;
        }
        let [second, first] = self.before;
        shape.shared_runs += u32::from(self.references.run(first, second, word.hash));
        self.before = [word.hash, second];
    }
}

/// Marks that join the letter before them, which Indic scripts and decomposed text have.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{dff}' | '\u{200c}' | '\u{200d}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Shape {
        shape(text, &References::default(), &mut Vec::new())
    }

    #[test]
    fn words_and_sentences_are_counted() {
        let shape = of("It's late. The 3 Cats, of \u{d6}l sat?");
        assert_eq!((shape.words, shape.sentences, shape.capitalised), (8, 2, 4));
        assert_eq!((shape.digits, shape.marks[1], shape.numbers), (1, 1, 1));
        assert_eq!((shape.first, shape.last), (Kind::Upper, Kind::Stop));
    }

    #[test]
    fn scripts_without_spaces_have_words() {
        assert_eq!(of("\u{8336}\u{306f}\u{7dd1}。").words, 3);
        assert_eq!(of("\u{8336}\u{306f}\u{7dd1}。").sentences, 2);
    }

    #[test]
    fn the_hash_is_of_words_only() {
        assert_eq!(of("Read more!").hash, of("read MORE \u{2026}").hash);
        assert_ne!(of("read more").hash, of("more read").hash);
    }
}
