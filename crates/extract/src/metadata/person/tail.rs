//! What stands behind the names.

/// Words that end a byline. Each begins with a blank so that no name holds it.
#[rustfmt::skip]
const TAILS: &[&str] = &[
    " on ", " in ", " at ", " published", " updated", " posted", " last ", " for ", " is a ",
    " is an ", " is the ", " has ", " was ", " says", " said", " am ", " um ", " vom ", " le ",
    " il ", " el ", " publié", " publicado", " pubblicato", " veröffentlicht", " aktualisiert",
    " stand:", " min read", " minutes read", " minute read", " view profile", " follow",
    " contact", " email", " e-mail", " via ", " reviewed by", " medically reviewed",
    " fact checked", " edited by", " photos by", " photo by", " illustration", " translated by",
    " read more", " all posts", " more posts", " more from", " full bio", " check website",
    " from the ", " schreibt", " sagt", " written by", " additional ", " fotos:", " foto:",
    " photo:", " photos:", " bild:", " übersetzt", " // ", " — ", " – ", " - ", " … ", " ... ",
    " http", " www.", " vor ", " hace ", " il y a ", " ago", " views", " comments",
    " opublikowano", " опубликовано", " à ", " às ", " kl. ", " klo ", " den ",
];

/// `written` up to where something else than names begins: a date, a role in brackets, a sentence.
pub(super) fn cut(written: &str) -> &str {
    // A name comes first, however short.
    let mut blanks = memchr::memchr_iter(b' ', written.as_bytes()).filter(|&at| at > 0);
    let end = blanks.find(|&at| begins_tail(&written.as_bytes()[at..])).unwrap_or(written.len());
    let mut cut = &written[..end];
    if let Some(at) = cut.find(['(', '[', '（', '【', '{', '<', '\u{2026}']).filter(|&at| at > 0)
    {
        cut = &cut[..at];
    }
    if let Some(at) = number(cut) {
        cut = &cut[..at];
    }
    cut
}

fn begins_tail(rest: &[u8]) -> bool {
    let Some(first) = rest.get(1).map(u8::to_ascii_lowercase) else { return false };
    TAILS.iter().map(|tail| tail.as_bytes()).any(|tail| {
        tail[1] == first
            && rest.len() >= tail.len()
            && rest[..tail.len()].eq_ignore_ascii_case(tail)
    })
}

/// Where a word begins with a digit, as dates and counts do. The first word may: some nicknames
/// do.
fn number(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (1..bytes.len()).find(|&at| {
        bytes[at].is_ascii_digit()
            && !bytes[at - 1].is_ascii_alphanumeric()
            && bytes[at - 1] < 0x80
            && bytes[at - 1] != b'_'
            && bytes[at - 1] != b'-'
            && bytes[at - 1] != b'.'
    })
}
