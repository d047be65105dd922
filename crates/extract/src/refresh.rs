//! Where `<meta http-equiv=refresh>` leads.

use url::Url;

use crate::Refresh;
use crate::address;
use crate::document::{Document, NodeId};
use crate::name::Tag;

/// The first `<meta http-equiv=refresh>` of the page that a browser without scripts would follow,
/// so one in a `<noscript>` counts and one in a `<template>` does not. One that leads to anything
/// but http or https is passed by. `url` is the page's own address.
pub(crate) fn read(document: &Document<'_>, url: &Url, base: &Url) -> Option<Refresh> {
    let mut id = 1;
    while id < document.len() {
        let node = document.node(id);
        let found = match node.tag {
            Tag::Meta => of(document, id, url, base),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        id = if node.tag == Tag::Template { node.end } else { id + 1 };
    }
    None
}

fn of(document: &Document<'_>, id: NodeId, url: &Url, base: &Url) -> Option<Refresh> {
    let state = document.attribute(id, "http-equiv")?;
    let content = document.attribute(id, "content")?;
    let (seconds, target) = parse(&content).filter(|_| state.eq_ignore_ascii_case("refresh"))?;
    let target = match target {
        Some(target) => address::web(base, target),
        None => address::web(url, ""),
    };
    Some(Refresh { url: target?.into(), seconds })
}

/// Reads the value as the HTML standard has it ("shared declarative refresh steps"): the time in
/// seconds, and the address as it stands; none for the page itself.
fn parse(input: &str) -> Option<(u32, Option<&str>)> {
    let input = input.trim_start_matches(is_space);
    let (digits, rest) = split(input, |c| c.is_ascii_digit());
    if digits.is_empty() && !rest.starts_with('.') {
        return None;
    }
    // Longer than the largest number is longer than anyone waits.
    let seconds = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u32::MAX) };
    let (_, rest) = split(rest, |c| c.is_ascii_digit() || c == '.');
    if !rest.is_empty() && !rest.starts_with(|c| is_space(c) || matches!(c, ';' | ',')) {
        return None;
    }
    let rest = rest.trim_start_matches(is_space);
    let rest = rest.strip_prefix([';', ',']).unwrap_or(rest).trim_start_matches(is_space);
    Some((seconds, (!rest.is_empty()).then(|| target(rest))))
}

/// The address, with or without `url=` and quotes.
fn target(rest: &str) -> &str {
    let address = match rest.strip_prefix(['u', 'U']) {
        None => rest,
        Some(name) => match after_name(name) {
            None => return rest,
            Some(address) => address,
        },
    };
    match address.chars().next() {
        Some(quote @ ('"' | '\'')) => address[1..].split(quote).next().unwrap_or(""),
        _ => address,
    }
}

/// What follows `url=`, of which the first letter has been read.
fn after_name(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(['r', 'R'])?.strip_prefix(['l', 'L'])?;
    let rest = rest.trim_start_matches(is_space).strip_prefix('=')?;
    Some(rest.trim_start_matches(is_space))
}

/// The characters at the start that are wanted, and the rest.
fn split(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !wanted(c)).unwrap_or(text.len()))
}

/// ASCII white space as the standard has it.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::scan;

    fn found(html: &str) -> Option<(u32, String)> {
        let url = "https://a.example/b/c?d#e".parse().unwrap();
        let document = scan(html);
        let base = crate::links::base(&document, &url);
        read(&document, &url, &base).map(|refresh| (refresh.seconds, refresh.url))
    }

    #[test]
    fn values_as_the_standard_reads_them() {
        for (value, expected) in [
            ("5", Some((5, None))),
            (" 5 ", Some((5, None))),
            ("5;", Some((5, None))),
            (".5", Some((0, None))),
            ("5.7.8; url=f", Some((5, Some("f")))),
            ("0;url=f", Some((0, Some("f")))),
            ("0; URL='f g' h", Some((0, Some("f g")))),
            ("0,\tUrl = \"f'g\"", Some((0, Some("f'g")))),
            ("0; url='f", Some((0, Some("f")))),
            ("0; url=", Some((0, Some("")))),
            ("0 f", Some((0, Some("f")))),
            ("0; f", Some((0, Some("f")))),
            ("0; 'f'", Some((0, Some("f")))),
            ("0; url f", Some((0, Some("url f")))),
            ("0; u", Some((0, Some("u")))),
            ("0; urn:f", Some((0, Some("urn:f")))),
            ("0;; f", Some((0, Some("; f")))),
            ("99999999999", Some((u32::MAX, None))),
            ("", None),
            ("url=f", None),
            ("; url=f", None),
            ("-1; url=f", None),
            ("+1; url=f", None),
            ("5x; url=f", None),
            ("\u{a0}5", None),
        ] {
            assert_eq!(parse(value), expected, "{value}");
        }
    }

    #[test]
    fn the_first_one_that_leads_anywhere() {
        for (html, seconds, url) in [
            ("<meta http-equiv=refresh content='3; url=f'>", 3, "https://a.example/b/f"),
            ("<META HTTP-EQUIV=Refresh CONTENT='3;URL=//G.example'>", 3, "https://g.example/"),
            ("<meta http-equiv=refresh content='0;url=?h&amp;i'>", 0, "https://a.example/b/c?h&i"),
            ("<base href=/j/><meta http-equiv=refresh content='0;k'>", 0, "https://a.example/j/k"),
            // Without an address it is the page, whatever links are relative to.
            ("<base href=/j/><meta http-equiv=refresh content=30>", 30, "https://a.example/b/c?d"),
            (
                "<noscript><meta http-equiv=refresh content='0;l'></noscript>",
                0,
                "https://a.example/b/l",
            ),
            (
                "<meta http-equiv=refresh><meta http-equiv=refresh content=x>\
                 <meta http-equiv=refresh content='0;javascript:m()'>\
                 <meta http-equiv=refresh content='1;n'><meta http-equiv=refresh content='0;o'>",
                1,
                "https://a.example/b/n",
            ),
            (
                "<meta http-equiv=refresh content='0;//user:word@p.example'>",
                0,
                "https://p.example/",
            ),
        ] {
            assert_eq!(found(html), Some((seconds, url.to_owned())), "{html}");
        }
        for html in [
            "<p>0; url=f",
            "<meta name=refresh content='0;f'>",
            "<meta http-equiv=refresh-not content='0;f'>",
            "<template><meta http-equiv=refresh content='0;f'></template>",
            "<meta http-equiv=refresh content='0;data:,f'>",
            "<script><meta http-equiv=refresh content='0;f'></script>",
        ] {
            assert_eq!(found(html), None, "{html}");
        }
    }
}
