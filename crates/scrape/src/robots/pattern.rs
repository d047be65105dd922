//! One path pattern of a robots.txt, and how it is compared (RFC 9309, sections 2.2.2 and 2.2.3).

use memchr::memmem;

/// `path`, a path with its query, in the form in which it is compared. Octets that mean the same
/// become the same: letters, digits and what else needs no encoding stand for themselves, and so do
/// delimiters, but where it makes a difference (`%2F` in a path, `%26`, `%3D` and `%2B` in a
/// query); everything else is encoded, and so is a `*` or `$` that is no wildcard. An encoded octet is
/// two bytes here, neither of which is ASCII or like the other, so that a literal is never found in
/// the middle of one.
pub(super) fn comparable(path: &[u8]) -> Vec<u8> {
    canonical(path, false)
}

/// A pattern without its anchor, in the form in which it is compared, and whether it is anchored.
/// What is left of `*` in it is a wildcard.
pub(super) fn of_rule(value: &[u8]) -> (Vec<u8>, bool) {
    match value.strip_suffix(b"$") {
        Some(pattern) => (canonical(pattern, true), true),
        None => (canonical(value, true), false),
    }
}

/// Whether `pattern` matches `path`, both in the form in which they are compared: from the
/// beginning, and where it is anchored to the end. Time is linear in the two.
pub(super) fn matches(pattern: &[u8], is_anchored: bool, path: &[u8]) -> bool {
    let mut literals = pattern.split(|byte| *byte == b'*');
    let first = literals.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    let Some(last) = literals.next_back() else {
        return !is_anchored || rest.is_empty();
    };
    // The first place where a literal fits leaves the most for those after it.
    for literal in literals {
        let Some(at) = memmem::find(rest, literal) else {
            return false;
        };
        rest = &rest[at + literal.len()..];
    }
    match is_anchored {
        true => rest.ends_with(last),
        false => memmem::find(rest, last).is_some(),
    }
}

fn canonical(raw: &[u8], is_pattern: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut in_query = false;
    let mut at = 0;
    while at < raw.len() {
        let byte = raw[at];
        let decoded = (byte == b'%').then(|| octet(raw.get(at + 1..at + 3))).flatten();
        at += if decoded.is_some() { 3 } else { 1 };
        match decoded {
            Some(own) if is_unreserved(own) || is_plain_delimiter(own) => out.push(own),
            Some(b'/') if in_query => out.push(b'/'),
            Some(own) => encode(own, &mut out),
            None if is_unreserved(byte) || is_plain_delimiter(byte) => out.push(byte),
            None if matches!(byte, b'/' | b'?' | b'&' | b'=' | b'+') => {
                in_query |= byte == b'?';
                out.push(byte);
            }
            None if byte == b'*' && is_pattern => out.push(byte),
            None => encode(byte, &mut out),
        }
    }
    out
}

/// The value of two hexadecimal digits.
fn octet(digits: Option<&[u8]>) -> Option<u8> {
    let [high, low] = *digits? else {
        return None;
    };
    let value = char::from(high).to_digit(16)? << 4 | char::from(low).to_digit(16)?;
    u8::try_from(value).ok()
}

fn encode(byte: u8, out: &mut Vec<u8>) {
    out.extend([HIGH | byte >> 4, LOW | byte & 15]);
}

/// Marks of the two halves of an encoded octet.
const HIGH: u8 = 0x80;
const LOW: u8 = 0x90;

/// Octets that `text` has where it is written with `%`.
pub(super) fn octets(text: &[u8]) -> usize {
    text.len() + text.iter().filter(|byte| **byte & 0xf0 == HIGH).count()
}

/// RFC 3986, section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Delimiters of RFC 3986, section 2.2, that are compared as if they were encoded, which comes to
/// the same as decoding them.
fn is_plain_delimiter(byte: u8) -> bool {
    matches!(byte, b':' | b'@' | b'!' | b'\'' | b'(' | b')' | b',' | b';' | b'[' | b']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, path: &str) -> bool {
        let (pattern, is_anchored) = of_rule(pattern.as_bytes());
        matches(&pattern, is_anchored, &comparable(path.as_bytes()))
    }

    /// The table of "URL matching based on path values" in Google's description.
    #[test]
    fn patterns_fit_as_google_describes() {
        let table: [(&str, &[&str], &[&str]); 9] = [
            ("/", &["/", "/a?b"], &[]),
            ("/$", &["/"], &["/a", "/?"]),
            (
                "/fish",
                &["/fish", "/fish.html", "/fishheads", "/fish.php?id=anything"],
                &["/Fish.asp", "/catfish", "/?id=fish", "/desert/fish"],
            ),
            ("/fish*", &["/fish", "/fish/salmon.html"], &["/Fish.asp", "/catfish"]),
            ("/fish/", &["/fish/", "/fish/?id=x"], &["/fish", "/fish.html", "/animals/fish/"]),
            (
                "/*.php",
                &["/index.php", "/folder/any.php.file.html", "/index.php?a", "/x/any.php/"],
                &["/", "/windows.PHP"],
            ),
            (
                "/*.php$",
                &["/filename.php", "/folder/filename.php"],
                &["/filename.php?parameters", "/filename.php/", "/filename.php5", "/windows.PHP"],
            ),
            ("/fish*.php", &["/fish.php", "/fishheads/catfish.php?parameters"], &["/Fish.PHP"]),
            ("*/x", &["/a/x", "/x"], &["/ax"]),
        ];
        for (pattern, yes, no) in table {
            assert!(yes.iter().all(|path| fits(pattern, path)), "{pattern}");
            assert!(!no.iter().any(|path| fits(pattern, path)), "{pattern}");
        }
    }

    /// RFC 9309, section 2.2.2, and the literals of section 2.2.3.
    #[test]
    fn octets_that_mean_the_same_are_the_same() {
        for (one, other) in [
            ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"),
            ("/foo/bar/ツ", "/foo/bar/%E3%83%84"),
            ("/foo/bar/%e3%83%84", "/foo/bar/%E3%83%84"),
            ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
            ("/a<d", "/a%3Cd"),
            ("/a b", "/a%20b"),
            ("/100%", "/100%25"),
            ("/%zz", "/%25zz"),
            ("/a:b", "/a%3ab"),
        ] {
            assert!(fits(one, other), "{one} for {other}");
            assert!(fits(other, one), "{other} for {one}");
        }
        for (pattern, path) in [
            ("/a%2Fb", "/a/b"),
            ("/a/b", "/a%2Fb"),
            ("/?a=b%26c", "/?a=b&c"),
            ("/?a%3Db", "/?a=b"),
            ("/?a=1%2B1", "/?a=1+1"),
            ("/a%3Fb", "/a?b"),
        ] {
            assert!(!fits(pattern, path), "{pattern} for {path}");
        }
        assert!(fits("/file-with-a-%2A.html", "/file-with-a-*.html"));
        assert!(!fits("/file-with-a-%2A.html", "/file-with-a-xyz.html"));
        assert!(fits("/path/foo-%24", "/path/foo-$"));
        assert!(!fits("/path/foo-%24", "/path/foo-"));
    }

    #[test]
    fn a_literal_is_not_found_within_an_encoded_octet() {
        assert!(!fits("/*A", "/%2A") && !fits("/*2", "/%2A") && !fits("*C3", "/%C3"));
        assert!(fits("/*%C3%A4", "/x%c3%a4") && !fits("/*%C3", "/%3C"));
        assert_eq!([octets(&comparable(b"/a%2a")), octets(&comparable("/ä".as_bytes()))], [5, 7]);
    }

    #[test]
    fn only_the_last_dollar_is_an_anchor() {
        assert!(fits("/a$b", "/a$bc") && !fits("/a$b", "/a"));
        assert!(fits("/a$$", "/a$") && !fits("/a$$", "/a"));
        assert!(fits("$", "") && !fits("$", "/"));
        assert!(fits("/fish*$", "/fishes") && fits("*$", "/"));
    }

    #[test]
    fn stars_take_no_more_than_linear_time() {
        let pattern = format!("/{}b", "*a".repeat(20_000));
        let path = format!("/{}", "a".repeat(60_000));
        assert!(!fits(&pattern, &path));
        assert!(fits(&pattern, &format!("{path}b")));
    }
}
