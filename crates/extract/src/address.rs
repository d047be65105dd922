//! Addresses as they stand in a page, made absolute.

use url::Url;

/// Longest address that is looked at and longest that comes out.
pub(crate) const MAX_ADDRESS_BYTES: usize = 4 * 1024;

/// Longest address that others may be relative to: each of them is made as long.
pub(crate) const MAX_BASE_BYTES: usize = 2 * 1024;

/// The absolute form of a reference, of any scheme and without user name and password; `None` for
/// one that is no address or too long.
pub(crate) fn absolute(base: &Url, reference: &str) -> Option<Url> {
    if reference.len() > MAX_ADDRESS_BYTES {
        return None;
    }
    let mut url = base.join(reference).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        // Fails only for addresses that cannot have either.
        let _ = url.set_username("");
        let _ = url.set_password(None);
    }
    (url.as_str().len() <= MAX_ADDRESS_BYTES).then_some(url)
}

/// The absolute form of a reference if it is http or https.
pub(crate) fn web(base: &Url, reference: &str) -> Option<Url> {
    // Most of what is left out can be told without reading it as an address.
    let reference = reference.trim_matches(|c: char| c <= ' ');
    let scheme = reference.split_once(':').map(|(scheme, _)| scheme);
    let is_other = scheme.is_some_and(|scheme| {
        scheme.bytes().all(|byte| byte.is_ascii_alphabetic())
            && !scheme.eq_ignore_ascii_case("http")
            && !scheme.eq_ignore_ascii_case("https")
    });
    let url = if is_other { None } else { absolute(base, reference) };
    url.filter(|url| matches!(url.scheme(), "http" | "https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_become_absolute() {
        let base: Url = "https://a.example/b/c?d#e".parse().unwrap();
        for (reference, expected) in [
            ("f", Some("https://a.example/b/f")),
            (" ../g\n", Some("https://a.example/g")),
            ("//h.example", Some("https://h.example/")),
            ("?i", Some("https://a.example/b/c?i")),
            ("#j", Some("https://a.example/b/c?d#j")),
            ("", Some("https://a.example/b/c?d")),
            ("HTTP://K.example:80/%7e", Some("http://k.example/%7e")),
            ("https://user:word@l.example/", Some("https://l.example/")),
            ("//user@m.example/n:o", Some("https://m.example/n:o")),
            ("p:q", None),
            ("./p:q", Some("https://a.example/b/p:q")),
            ("r/s:t", Some("https://a.example/b/r/s:t")),
            ("mailto:u@v.example", None),
            ("JavaScript:void(0)", None),
            ("java\nscript:void(0)", None),
            ("data:text/html,w", None),
            ("https://[x", None),
            ("http://", None),
        ] {
            assert_eq!(web(&base, reference).as_ref().map(Url::as_str), expected, "{reference}");
        }
        assert_eq!(web(&base, &"x".repeat(MAX_ADDRESS_BYTES + 1)), None);
        assert_eq!(web(&base, &"\u{e9}".repeat(MAX_ADDRESS_BYTES / 4)), None);
        assert_eq!(absolute(&base, "mailto:x@y.example").unwrap().as_str(), "mailto:x@y.example");
    }
}
