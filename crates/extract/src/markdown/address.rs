//! Absolute addresses and how Markdown writes them.

use url::Url;

use super::escape::{Place, is_reference};

/// Longer addresses are no use to a reader. It also bounds the work of resolving: a page can say
/// what its links are relative to.
pub(crate) const MAX_URL_BYTES: usize = 4096;

/// Brackets one within another that need no escape; CommonMark parsers stop at 32.
const MAX_BRACKETS: usize = 8;

/// What `href` refers to, if its scheme is one of `schemes`.
pub(super) fn absolute(base: &Url, href: &str, schemes: &[&str]) -> Option<String> {
    if href.len() > MAX_URL_BYTES {
        return None;
    }
    let own = (base.as_str().len() <= MAX_URL_BYTES).then_some(base);
    let url = Url::options().base_url(own).parse(href).ok()?;
    let fits = schemes.contains(&url.scheme()) && url.as_str().len() <= MAX_URL_BYTES;
    fits.then(|| url.into())
}

/// Appends a link's destination (CommonMark 0.31, section 6.3) without `<>`. A serialised URL has
/// no control characters.
pub(super) fn destination(url: &str, place: Place, out: &mut String) {
    let bytes = url.as_bytes();
    let balanced = has_balanced_brackets(bytes);
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let replacement = match byte {
            b'(' | b')' if !balanced => "\\",
            b'\\' => "\\",
            b'&' if is_reference(&bytes[at..]) => "\\",
            b' ' => "%20",
            b'`' => "%60",
            b'<' => "%3C",
            b'>' => "%3E",
            b'|' if place == Place::Cell => "%7C",
            _ => continue,
        };
        out.push_str(&url[copied..at]);
        out.push_str(replacement);
        copied = if replacement == "\\" { at } else { at + 1 };
    }
    out.push_str(&url[copied..]);
}

fn has_balanced_brackets(bytes: &[u8]) -> bool {
    let mut depth = 0;
    for byte in bytes {
        match byte {
            b'(' if depth == MAX_BRACKETS => return false,
            b'(' => depth += 1,
            b')' if depth == 0 => return false,
            b')' => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(url: &str) -> String {
        let mut out = String::new();
        destination(url, Place::Cell, &mut out);
        out
    }

    #[test]
    fn destinations_end_where_they_should() {
        assert_eq!(written("https://a.b/c_(d)"), "https://a.b/c_(d)");
        assert_eq!(written("https://a.b/c)("), r"https://a.b/c\)\(");
        assert_eq!(written("https://a.b/?q=|`&amp;"), r"https://a.b/?q=%7C%60\&amp;");
        assert_eq!(written("mailto:a b"), "mailto:a%20b");
    }

    #[test]
    fn only_known_schemes_and_short_bases() {
        let base = Url::parse("https://a.b/c/d").unwrap();
        let found = |href| absolute(&base, href, &["https", "mailto"]);
        assert_eq!(found(" ../e ").as_deref(), Some("https://a.b/e"));
        assert_eq!(found("mailto:x@y.z").as_deref(), Some("mailto:x@y.z"));
        assert_eq!(found("javascript:alert(1)"), None);
        let long = Url::parse(&format!("https://a.b/{}", "x".repeat(MAX_URL_BYTES))).unwrap();
        assert_eq!(absolute(&long, "y", &["https"]), None);
    }
}
