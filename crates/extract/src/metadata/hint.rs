//! What class and id say about an element.

/// A set of hints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hints(u16);

impl Hints {
    pub(crate) const AUTHOR: Self = Self(1);
    pub(crate) const DATE: Self = Self(1 << 1);
    pub(crate) const PUBLISHED: Self = Self(1 << 2);
    pub(crate) const MODIFIED: Self = Self(1 << 3);
    pub(crate) const TITLE: Self = Self(1 << 4);
    /// Comments and reviews of readers.
    pub(crate) const COMMENT: Self = Self(1 << 5);
    /// Lists of other pages, side bars.
    pub(crate) const RELATED: Self = Self(1 << 6);
    /// Biography, picture, box or count of an author, not a name.
    pub(crate) const BOX: Self = Self(1 << 7);
    /// A line with author and date.
    pub(crate) const BYLINE: Self = Self(1 << 8);
    /// The name of the site.
    pub(crate) const BRAND: Self = Self(1 << 9);

    /// A line with date, section, author and more.
    pub(crate) const META_LINE: Self = Self(1 << 10);
    /// A name in a visiting card (microformats).
    pub(crate) const VCARD: Self = Self(1 << 11);

    pub(crate) fn has(self, hint: Self) -> bool {
        self.0 & hint.0 != 0
    }

    pub(crate) fn with(self, hint: Self) -> Self {
        Self(self.0 | hint.0)
    }

    /// Reads the value of `class` or `id`.
    pub(crate) fn of(value: &str) -> Self {
        let bytes = &value.as_bytes()[..value.len().min(MAX_BYTES)];
        let mut hints = Self::default();
        for (at, pair) in bytes.windows(2).enumerate() {
            let byte = pair[0];
            let start = STARTS[usize::from(byte % LETTERS)];
            if start.seconds >> (pair[1] % LETTERS) & 1 == 0 {
                continue;
            }
            let rest = &bytes[at..];
            let begins = at == 0
                || !bytes[at - 1].is_ascii_alphabetic()
                || byte.is_ascii_uppercase() && bytes[at - 1].is_ascii_lowercase();
            for (word, hint, whole) in &WORDS[usize::from(start.first)..usize::from(start.last)] {
                if (begins || !whole)
                    && rest.len() >= word.len()
                    && rest[..word.len()].eq_ignore_ascii_case(word.as_bytes())
                {
                    hints = hints.with(*hint);
                }
            }
        }
        hints
    }
}

/// Longer values are generated and say no more.
const MAX_BYTES: usize = 256;

/// Sorted by the first letter. Parts of names, what they hint at, and whether they must stand at the beginning of a word.
const WORDS: &[(&str, Hints, bool)] = &[
    ("article__meta", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("article-info", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("auteur", Hints::AUTHOR, true),
    ("article-meta", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("author", Hints::AUTHOR, false),
    ("avatar", Hints::BOX, true),
    ("autor", Hints::AUTHOR, true),
    ("bio", Hints::BOX, true),
    ("brand", Hints::BRAND, true),
    ("box", Hints::BOX, true),
    ("blog-title", Hints::BRAND, true),
    ("byline", Hints::BYLINE, false),
    ("contributor", Hints::AUTHOR, true),
    ("comment", Hints::COMMENT, true),
    ("creator", Hints::AUTHOR, true),
    ("disqus", Hints::COMMENT, true),
    ("datum", Hints::DATE, true),
    ("dtreviewed", Hints::PUBLISHED, true),
    ("date", Hints::DATE, true),
    ("dateline", Hints::DATE, true),
    ("desc", Hints::BOX, true),
    ("entry-meta", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("entry-date", Hints::PUBLISHED, true),
    ("fecha", Hints::DATE, true),
    ("firma", Hints::AUTHOR, true),
    ("fn", Hints::VCARD, true),
    ("headline", Hints::TITLE, false),
    ("heading", Hints::TITLE, true),
    ("img", Hints::BOX, true),
    ("image", Hints::BOX, true),
    ("journalist", Hints::AUTHOR, true),
    ("job", Hints::BOX, true),
    ("kommentar", Hints::COMMENT, true),
    ("lastmod", Hints::MODIFIED, true),
    ("latest", Hints::RELATED, true),
    ("logo", Hints::BRAND, true),
    ("most-read", Hints::RELATED, true),
    ("more-", Hints::RELATED, true),
    ("meta-info", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("modified", Hints::MODIFIED, true),
    ("postedby", Hints::BYLINE, true),
    ("posted-on", Hints::DATE, true),
    ("p-author", Hints::AUTHOR, true),
    ("promotion", Hints::RELATED, true),
    ("posted_by", Hints::BYLINE, true),
    ("postdate", Hints::DATE, true),
    ("photo", Hints::BOX, true),
    ("post-meta", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("post-info", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("pubdate", Hints::DATE, true),
    ("postmeta", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("popular", Hints::RELATED, true),
    ("promo-", Hints::RELATED, true),
    ("post_meta", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("post-date", Hints::PUBLISHED, true),
    ("publish", Hints::DATE.with_const(Hints::PUBLISHED), true),
    ("pubdate", Hints::PUBLISHED, true),
    ("position", Hints::BOX, true),
    ("posted-by", Hints::BYLINE, true),
    ("reporter", Hints::AUTHOR, true),
    ("recent", Hints::RELATED, true),
    ("related", Hints::RELATED, true),
    ("recommend", Hints::RELATED, true),
    ("review", Hints::COMMENT, true),
    ("role", Hints::BOX, true),
    ("respond", Hints::COMMENT, true),
    ("repl", Hints::COMMENT, true),
    ("recirc", Hints::RELATED, true),
    ("social", Hints::BOX, true),
    ("sitename", Hints::BRAND, true),
    ("site-name", Hints::BRAND, true),
    ("signature", Hints::AUTHOR, true),
    ("site-title", Hints::BRAND, true),
    ("sidebar", Hints::RELATED, true),
    ("submitted", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("trending", Hints::RELATED, true),
    ("timestamp", Hints::DATE, false),
    ("title", Hints::TITLE, true),
    ("time", Hints::DATE, true),
    ("username", Hints::AUTHOR, true),
    ("updated", Hints::MODIFIED, true),
    ("vcard", Hints::AUTHOR, true),
    ("writtenby", Hints::BYLINE, true),
    ("written-by", Hints::BYLINE, true),
    ("writer", Hints::AUTHOR, true),
];

/// The place of a letter in the alphabet is its byte modulo this, capital or not.
const LETTERS: u8 = 32;

/// The words with one first letter.
#[derive(Clone, Copy)]
struct Start {
    /// Where they begin and end in [`WORDS`].
    first: u8,
    last: u8,
    /// Their second letters, a bit for each.
    seconds: u32,
}

const STARTS: [Start; LETTERS as usize] = {
    let mut starts = [Start { first: 0, last: 0, seconds: 0 }; LETTERS as usize];
    let mut at = 0;
    while at < WORDS.len() {
        let word = WORDS[at].0.as_bytes();
        let start = &mut starts[(word[0] % LETTERS) as usize];
        if start.seconds == 0 {
            start.first = at as u8;
        }
        start.last = at as u8 + 1;
        start.seconds |= 1 << (word[1] % LETTERS);
        at += 1;
    }
    starts
};

impl Hints {
    const fn with_const(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_by_their_first_letter() {
        assert!(WORDS.windows(2).all(|pair| pair[0].0.as_bytes()[0] <= pair[1].0.as_bytes()[0]));
        assert!(WORDS.len() < 256 && WORDS.iter().all(|(word, ..)| *word == word.to_lowercase()));
    }

    #[test]
    fn classes() {
        assert!(Hints::of("post__author-name").has(Hints::AUTHOR));
        assert!(Hints::of("ArticleByline").has(Hints::BYLINE));
        assert!(Hints::of("entry-date published").has(Hints::PUBLISHED));
        assert!(Hints::of("postDate").has(Hints::DATE));
        assert!(!Hints::of("candidate update-list").has(Hints::DATE));
        assert!(Hints::of("comments-area").has(Hints::COMMENT));
    }
}
