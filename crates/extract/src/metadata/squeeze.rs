//! Values as a reader sees them.

use crate::reference;

/// Longest value of a field.
pub(crate) const MAX_FIELD_BYTES: usize = 4 * 1024;

/// References are replaced again so many times: generators escape what is escaped already.
const MAX_ESCAPES: usize = 2;

/// `value` on one line: references that are left over replaced, blanks collapsed, invisible
/// characters dropped, cut to 4 KiB.
pub(crate) fn squeeze(value: &str) -> String {
    let cut = &value[..floor(value, 4 * MAX_FIELD_BYTES)];
    if !has_reference(cut) {
        return squeeze_plain(cut);
    }
    let mut plain = cut.to_owned();
    for _ in 0..MAX_ESCAPES {
        if has_reference(&plain) {
            plain = reference::text(&plain).into_owned();
        }
    }
    squeeze_plain(&plain)
}

/// An ampersand with a semicolon near enough behind it.
fn has_reference(value: &str) -> bool {
    let Some(at) = memchr::memchr(b'&', value.as_bytes()) else { return false };
    memchr::memchr(b';', &value.as_bytes()[at..]).is_some()
}

/// The same without references.
pub(crate) fn squeeze_plain(value: &str) -> String {
    let mut out = String::with_capacity(value.len().min(MAX_FIELD_BYTES));
    let mut blank = false;
    for c in value.chars() {
        if c.is_whitespace() || c.is_control() {
            blank = true;
            continue;
        }
        if is_invisible(c) {
            continue;
        }
        let room = c.len_utf8() + usize::from(blank);
        if out.len() + room > MAX_FIELD_BYTES {
            break;
        }
        if blank && !out.is_empty() {
            out.push(' ');
        }
        blank = false;
        out.push(c);
    }
    out
}

/// Soft hyphens, zero-width spaces, direction marks, byte-order marks. Joiners stay: Indic
/// scripts and emoji need them.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'
            ..='\u{202e}' | '\u{2060}' | '\u{feff}'
    )
}

/// `text` without what stands in angle brackets, as where a generator put markup into a value.
pub(crate) fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let opens = rest[start + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        match opens.then(|| rest[start..].find('>')).flatten() {
            Some(end) => {
                out.push_str(&rest[..start]);
                rest = &rest[start + end + 1..];
            }
            None if opens => {
                out.push_str(&rest[..start]);
                return out;
            }
            None => {
                out.push_str(&rest[..=start]);
                rest = &rest[start + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The last place at or before `at` where `text` can be cut.
pub(crate) fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Letters and digits in lower case with single blanks between words: two spellings of a title
/// or a name are one when these are equal.
pub(crate) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        if c.is_alphanumeric() {
            if blank && !out.is_empty() {
                out.push(' ');
            }
            blank = false;
            if c.is_ascii() {
                out.push(c.to_ascii_lowercase());
            } else {
                out.extend(c.to_lowercase());
            }
        } else if !matches!(c, '\'' | '’' | '‘' | '`' | '"' | '“' | '”') {
            blank = true;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_the_invisible() {
        assert_eq!(squeeze("  a\n\t b\u{a0}c\u{200b}d "), "a b cd");
        assert_eq!(squeeze(&"é".repeat(5_000)).len(), MAX_FIELD_BYTES);
    }

    #[test]
    fn tags_in_values() {
        assert_eq!(without_tags("a <b>c</b> < d <i"), "a c < d ");
    }

    #[test]
    fn spellings_fold_together() {
        assert_eq!(folded("It’s “A – B”!"), folded("its a b"));
    }
}
