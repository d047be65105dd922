//! Character references (HTML standard, section 13.2.5.72 and on), line ends and NUL.

mod names;

use std::borrow::Cow;

use memchr::{memchr2, memchr3};

use names::{NAMES, WITHOUT_SEMICOLON};

/// Lengths of the names that need no `;`.
const BARE_BYTES: std::ops::RangeInclusive<usize> = 2..=6;

/// The longest name.
const MAX_NAME_BYTES: usize = 31;

/// What bytes 0x80 to 0x9F mean in Windows-1252; a reference to such a number means the same.
const WINDOWS_1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// Replaces the references of text, CR LF and CR by LF, and NUL by nothing.
pub(crate) fn text(raw: &str) -> Cow<'_, str> {
    decode(raw, Place::Text)
}

/// Replaces the references of a title's or text area's text, CR LF and CR by LF, and NUL by
/// U+FFFD.
pub(crate) fn text_only(raw: &str) -> Cow<'_, str> {
    decode(raw, Place::TextOnly)
}

/// Replaces the references of an attribute's value, CR LF and CR by LF, and NUL by U+FFFD.
pub(crate) fn attribute(raw: &str) -> Cow<'_, str> {
    decode(raw, Place::Attribute)
}

/// Replaces CR LF and CR by LF, and NUL by U+FFFD, where there are no references.
pub(crate) fn raw_text(raw: &str) -> Cow<'_, str> {
    if memchr2(b'\r', 0, raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let unified = raw.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(unified.replace('\0', "\u{fffd}"))
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Text,
    TextOnly,
    Attribute,
}

fn decode(raw: &str, place: Place) -> Cow<'_, str> {
    let Some(first) = memchr3(b'&', b'\r', 0, raw.as_bytes()) else {
        return Cow::Borrowed(raw);
    };
    let mut out = String::with_capacity(raw.len());
    let (mut done, mut at) = (0, first);
    loop {
        out.push_str(&raw[done..at]);
        done = at + 1;
        match raw.as_bytes()[at] {
            b'&' => match reference(&raw[done..], place) {
                Some(found) => done += found.push_to(&mut out),
                None => out.push('&'),
            },
            b'\r' => {
                out.push('\n');
                done += usize::from(raw.as_bytes().get(done) == Some(&b'\n'));
            }
            _ if place == Place::Text => {}
            _ => out.push('\u{fffd}'),
        }
        match memchr3(b'&', b'\r', 0, &raw.as_bytes()[done..]) {
            Some(next) => at = done + next,
            None => break,
        }
    }
    out.push_str(&raw[done..]);
    Cow::Owned(out)
}

/// What a reference stands for, and how long it is without the `&`.
enum Found {
    Named(&'static str, usize),
    Number(char, usize),
}

impl Found {
    fn push_to(&self, out: &mut String) -> usize {
        match *self {
            Self::Named(text, bytes) => {
                out.push_str(text);
                bytes
            }
            Self::Number(char, bytes) => {
                out.push(char);
                bytes
            }
        }
    }
}

/// The reference that `rest`, behind a `&`, begins with.
fn reference(rest: &str, place: Place) -> Option<Found> {
    // By far the most frequent one.
    if rest.starts_with("amp;") {
        return Some(Found::Named("&", "amp;".len()));
    }
    match rest.strip_prefix('#') {
        Some(number) => numeric(number),
        None => named(rest, place),
    }
}

fn named(rest: &str, place: Place) -> Option<Found> {
    let bytes = rest.as_bytes();
    let run = bytes.iter().take(MAX_NAME_BYTES + 1).take_while(|b| b.is_ascii_alphanumeric());
    let length = run.count();
    if bytes.get(length) == Some(&b';')
        && let Some(text) = meaning(&rest[..length])
    {
        return Some(Found::Named(text, length + 1));
    }
    let lengths = BARE_BYTES.rev().filter(|&bare| bare <= length);
    let name = lengths
        .map(|bare| &rest[..bare])
        .find(|name| WITHOUT_SEMICOLON.binary_search(name).is_ok())?;
    // "?a=1&copy=2" in an address is a parameter.
    let next = bytes.get(name.len());
    if place == Place::Attribute && next.is_some_and(|&b| b == b'=' || b.is_ascii_alphanumeric()) {
        return None;
    }
    meaning(name).map(|text| Found::Named(text, name.len()))
}

pub(crate) fn meaning(name: &str) -> Option<&'static str> {
    let first = usize::from(*name.as_bytes().first()?);
    let (start, end) = (*FROM.get(first)?, *FROM.get(first + 1)?);
    let group = &NAMES[usize::from(start)..usize::from(end)];
    group.binary_search_by(|(other, _)| (*other).cmp(name)).ok().map(|at| group[at].1)
}

/// Where the names that begin with a byte, or a greater one, begin.
static FROM: [u16; 128] = {
    let mut from = [0; 128];
    let (mut byte, mut next) = (0, 0);
    while byte < from.len() {
        while next < NAMES.len() && (NAMES[next].0.as_bytes()[0] as usize) < byte {
            next += 1;
        }
        from[byte] = next as u16;
        byte += 1;
    }
    from
};

fn numeric(rest: &str) -> Option<Found> {
    let (radix, prefix) = if rest.starts_with(['x', 'X']) { (16, 1) } else { (10, 0) };
    let digits = &rest[prefix..];
    let mut number = 0_u32;
    let mut length = 0;
    for digit in digits.bytes().map_while(|byte| char::from(byte).to_digit(radix)) {
        number = number.saturating_mul(radix).saturating_add(digit);
        length += 1;
    }
    if length == 0 {
        return None;
    }
    let char = match number {
        0 => '\u{fffd}',
        0x80..=0x9f => WINDOWS_1252[number as usize - 0x80],
        _ => char::from_u32(number).unwrap_or('\u{fffd}'),
    };
    let semicolon = usize::from(digits.as_bytes().get(length) == Some(&b';'));
    Some(Found::Number(char, prefix + length + semicolon + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_within_their_bounds() {
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(WITHOUT_SEMICOLON.is_sorted());
        assert_eq!(NAMES.iter().map(|(name, _)| name.len()).max(), Some(MAX_NAME_BYTES));
        for name in WITHOUT_SEMICOLON {
            assert!(meaning(name).is_some() && BARE_BYTES.contains(&name.len()));
        }
        assert_eq!(NAMES.len() + WITHOUT_SEMICOLON.len(), 2231);
    }

    #[test]
    fn every_name_is_found() {
        for (name, read) in &NAMES {
            assert_eq!(text(&format!("&{name};")), *read);
        }
    }

    #[test]
    fn references_in_text() {
        for (raw, read) in [
            ("plain", "plain"),
            ("a &amp; b&lt;c&gt;", "a & b<c>"),
            ("&nbsp;&hellip;&NotEqualTilde;", "\u{a0}…\u{2242}\u{338}"),
            ("&amp &ampx &amp;amp;", "& &x &amp;"),
            ("&notit; &notin; &not;", "¬it; ∉ ¬"),
            ("&AMP;&Amp;&aMp", "&&Amp;&aMp"),
            ("& &; &a &unknown; &&lt;", "& &; &a &unknown; &<"),
            ("&CounterClockwiseContourIntegral;", "∳"),
            ("&#65;&#x41;&#X41 &#65", "AAA A"),
            ("&#;&#x;&#xg;&#", "&#;&#x;&#xg;&#"),
            ("&#0;&#xd800;&#x110000;&#99999999999999999999;", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
            ("&#128;&#x99;&#x81;&#x80", "€™\u{81}€"),
            ("&#13;&#x0d;", "\r\r"),
            ("a\r\nb\rc\r", "a\nb\nc\n"),
            ("a\0b", "ab"),
            ("&é;&copyé", "&é;©é"),
        ] {
            assert_eq!(text(raw), read, "{raw:?}");
        }
        assert!(matches!(text("no & b"), Cow::Owned(_)));
        assert!(matches!(text("nothing here"), Cow::Borrowed(_)));
    }

    #[test]
    fn references_in_attributes() {
        for (raw, read) in [
            ("?a=1&copy=2&lt=3", "?a=1&copy=2&lt=3"),
            ("&copy;&copy &copy", "©© ©"),
            ("&copyx;&notit;&notin;", "&copyx;&notit;∉"),
            ("a\0b\r\nc", "a\u{fffd}b\nc"),
            ("&copy.&#65=", "©.A="),
        ] {
            assert_eq!(attribute(raw), read, "{raw:?}");
        }
    }

    #[test]
    fn text_without_references() {
        assert_eq!(raw_text("a&amp;\r\n\r\0"), "a&amp;\n\n\u{fffd}");
        assert!(matches!(raw_text("a&amp;"), Cow::Borrowed(_)));
    }
}
