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
            if STARTS[usize::from(byte % 32)] >> (pair[1] % 32) & 1 == 1 {
                let rest = &bytes[at..];
                let begins = at == 0
                    || !bytes[at - 1].is_ascii_alphabetic()
                    || byte.is_ascii_uppercase() && bytes[at - 1].is_ascii_lowercase();
                for (word, hint, whole) in WORDS {
                    if (begins || !whole)
                        && rest.len() >= word.len()
                        && rest[..word.len()].eq_ignore_ascii_case(word.as_bytes())
                    {
                        hints = hints.with(*hint);
                    }
                }
            }
        }
        hints
    }
}

/// Longer values are generated and say no more.
const MAX_BYTES: usize = 256;

/// Parts of names, what they hint at, and whether they must stand at the beginning of a word.
const WORDS: &[(&str, Hints, bool)] = &[
    ("author", Hints::AUTHOR, false),
    ("autor", Hints::AUTHOR, true),
    ("auteur", Hints::AUTHOR, true),
    ("byline", Hints::BYLINE, false),
    ("writer", Hints::AUTHOR, true),
    ("contributor", Hints::AUTHOR, true),
    ("reporter", Hints::AUTHOR, true),
    ("journalist", Hints::AUTHOR, true),
    ("creator", Hints::AUTHOR, true),
    ("signature", Hints::AUTHOR, true),
    ("firma", Hints::AUTHOR, true),
    ("username", Hints::AUTHOR, true),
    ("vcard", Hints::AUTHOR, true),
    ("fn", Hints::VCARD, true),
    ("p-author", Hints::AUTHOR, true),
    ("postedby", Hints::BYLINE, true),
    ("posted-by", Hints::BYLINE, true),
    ("posted_by", Hints::BYLINE, true),
    ("writtenby", Hints::BYLINE, true),
    ("written-by", Hints::BYLINE, true),
    ("submitted", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("posted-on", Hints::DATE, true),
    ("postmeta", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("post-meta", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("post_meta", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("entry-meta", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("article-meta", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("article__meta", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("post-info", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("article-info", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("meta-info", Hints::BYLINE.with_const(Hints::META_LINE), true),
    ("date", Hints::DATE, true),
    ("postdate", Hints::DATE, true),
    ("pubdate", Hints::DATE, true),
    ("datum", Hints::DATE, true),
    ("fecha", Hints::DATE, true),
    ("dateline", Hints::DATE, true),
    ("time", Hints::DATE, true),
    ("timestamp", Hints::DATE, false),
    ("publish", Hints::DATE.with_const(Hints::PUBLISHED), true),
    ("pubdate", Hints::PUBLISHED, true),
    ("entry-date", Hints::PUBLISHED, true),
    ("post-date", Hints::PUBLISHED, true),
    ("dtreviewed", Hints::PUBLISHED, true),
    ("updated", Hints::MODIFIED, true),
    ("modified", Hints::MODIFIED, true),
    ("lastmod", Hints::MODIFIED, true),
    ("title", Hints::TITLE, true),
    ("headline", Hints::TITLE, false),
    ("heading", Hints::TITLE, true),
    ("logo", Hints::BRAND, true),
    ("brand", Hints::BRAND, true),
    ("site-title", Hints::BRAND, true),
    ("site-name", Hints::BRAND, true),
    ("sitename", Hints::BRAND, true),
    ("blog-title", Hints::BRAND, true),
    ("comment", Hints::COMMENT, true),
    ("disqus", Hints::COMMENT, true),
    ("respond", Hints::COMMENT, true),
    ("repl", Hints::COMMENT, true),
    ("review", Hints::COMMENT, true),
    ("kommentar", Hints::COMMENT, true),
    ("related", Hints::RELATED, true),
    ("recommend", Hints::RELATED, true),
    ("recirc", Hints::RELATED, true),
    ("sidebar", Hints::RELATED, true),
    ("trending", Hints::RELATED, true),
    ("popular", Hints::RELATED, true),
    ("latest", Hints::RELATED, true),
    ("recent", Hints::RELATED, true),
    ("most-read", Hints::RELATED, true),
    ("more-", Hints::RELATED, true),
    ("promo-", Hints::RELATED, true),
    ("promotion", Hints::RELATED, true),
    ("bio", Hints::BOX, true),
    ("box", Hints::BOX, true),
    ("avatar", Hints::BOX, true),
    ("image", Hints::BOX, true),
    ("img", Hints::BOX, true),
    ("photo", Hints::BOX, true),
    ("social", Hints::BOX, true),
    ("desc", Hints::BOX, true),
    ("job", Hints::BOX, true),
    ("role", Hints::BOX, true),
    ("position", Hints::BOX, true),
];

/// The second letters of [`WORDS`] by their first, each as its place in the alphabet.
const STARTS: [u32; 32] = {
    let mut starts = [0; 32];
    let mut at = 0;
    while at < WORDS.len() {
        let word = WORDS[at].0.as_bytes();
        starts[(word[0] % 32) as usize] |= 1 << (word[1] % 32);
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
    fn classes() {
        assert!(Hints::of("post__author-name").has(Hints::AUTHOR));
        assert!(Hints::of("ArticleByline").has(Hints::BYLINE));
        assert!(Hints::of("entry-date published").has(Hints::PUBLISHED));
        assert!(Hints::of("postDate").has(Hints::DATE));
        assert!(!Hints::of("candidate update-list").has(Hints::DATE));
        assert!(Hints::of("comments-area").has(Hints::COMMENT));
    }
}
