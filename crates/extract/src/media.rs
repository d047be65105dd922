//! What kind of body it is.

use memchr::memmem;

use crate::charset::Syntax;

/// So much is looked at when the server does not say.
const SNIFF_BYTES: usize = 1445;

/// The kind of a body and what its charset parameter says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Media<'a> {
    pub(crate) kind: Kind,
    pub(crate) charset: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Html,
    /// Text, and how a fenced block of it is named.
    Text(Syntax, &'static str),
    Binary,
}

/// Reads a `content-type`, or looks at the body when there is none that says anything. A page
/// that is called text or XML but begins as HTML does is HTML.
pub(crate) fn classify<'a>(content_type: Option<&'a str>, body: &[u8]) -> Media<'a> {
    let content_type = content_type.unwrap_or("").trim();
    // Some servers send the header twice, or forget the semicolon.
    let end = content_type.find([';', ',', ' ']).unwrap_or(content_type.len());
    let (essence, parameters) = content_type.split_at(end);
    let charset = parameters.split([';', ',']).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    });
    let kind = match kind_of(&essence.to_ascii_lowercase()) {
        None => sniff(body),
        Some(Kind::Text(Syntax::Plain, "") | Kind::Text(Syntax::Xml, _)) if is_page(body) => {
            Kind::Html
        }
        Some(kind) => kind,
    };
    Media { kind, charset }
}

/// The kind of a media type in lower case; none for one that says nothing.
fn kind_of(essence: &str) -> Option<Kind> {
    Some(match essence.split_once('/')? {
        ("text", "html") | ("application", "xhtml+xml") => Kind::Html,
        (_, sub) if sub == "json" || sub.ends_with("+json") || sub == "x-ndjson" => {
            Kind::Text(Syntax::Json, "json")
        }
        ("text" | "application", "xml") => Kind::Text(Syntax::Xml, "xml"),
        ("image", _) => Kind::Binary,
        (_, sub) if sub.ends_with("+xml") => Kind::Text(Syntax::Xml, "xml"),
        ("text" | "application", "javascript") => Kind::Text(Syntax::Plain, "javascript"),
        ("text", _) => Kind::Text(Syntax::Plain, ""),
        ("application", "x-www-form-urlencoded" | "yaml" | "toml") => Kind::Text(Syntax::Plain, ""),
        (_, "octet-stream" | "unknown" | "x-unknown" | "*") => return None,
        _ => Kind::Binary,
    })
}

/// What HTML begins with, followed by the end of the tag's name (MIME Sniffing standard, section
/// 7.1).
const HTML: [&str; 18] = [
    "<!doctype html",
    "<html",
    "<head",
    "<script",
    "<iframe",
    "<h1",
    "<div",
    "<font",
    "<table",
    "<a",
    "<style",
    "<title",
    "<b",
    "<body",
    "<br",
    "<p",
    "<meta",
    "<link",
];

/// Kinds by the first tag (MIME Sniffing standard, section 7.1), binary by the bytes that no text
/// has, and JSON by its bracket.
fn sniff(body: &[u8]) -> Kind {
    let head = &body[..body.len().min(SNIFF_BYTES)];
    if encoding_rs::Encoding::for_bom(head).is_none() && head.iter().any(|&b| is_binary(b)) {
        return Kind::Binary;
    }
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    match head.first() {
        _ if is_page(body) || HTML.iter().any(|tag| starts(head, tag)) => Kind::Html,
        _ if head.starts_with(b"<!--") => Kind::Html,
        _ if head.starts_with(b"<?xml") => Kind::Text(Syntax::Xml, "xml"),
        _ if head.starts_with(b"%PDF-") => Kind::Binary,
        Some(b'{' | b'[') => Kind::Text(Syntax::Json, "json"),
        _ => Kind::Text(Syntax::Plain, ""),
    }
}

/// Whether a body begins with HTML's doctype or its outermost element, if need be behind an XML
/// declaration and comments.
fn is_page(body: &[u8]) -> bool {
    let head = &body[..body.len().min(SNIFF_BYTES)];
    let mut rest = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    loop {
        let end: &[u8] = match rest {
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            _ => return HTML[..2].iter().any(|tag| starts(rest, tag)),
        };
        let Some(at) = memmem::find(rest, end) else { return false };
        rest = rest[at + end.len()..].trim_ascii_start();
    }
}

fn starts(head: &[u8], tag: &str) -> bool {
    head.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()))
        && head.get(tag.len()).is_some_and(|&b| b == b'>' || b.is_ascii_whitespace())
}

fn is_binary(byte: u8) -> bool {
    matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(content_type: &str) -> Kind {
        classify(Some(content_type), b"").kind
    }

    #[test]
    fn types_as_servers_write_them() {
        assert_eq!(kind("Text/HTML; charset=utf-8"), Kind::Html);
        assert_eq!(kind("application/xhtml+xml"), Kind::Html);
        assert_eq!(kind("application/ld+json"), Kind::Text(Syntax::Json, "json"));
        assert_eq!(kind("application/rss+xml"), Kind::Text(Syntax::Xml, "xml"));
        assert_eq!(kind("image/svg+xml"), Kind::Binary);
        assert_eq!(kind("application/pdf"), Kind::Binary);
        assert_eq!(classify(Some("text/plain; CharSet=\"koi8-r\""), b"").charset, Some("koi8-r"));
    }

    #[test]
    fn types_as_they_should_not_be_written() {
        let media = classify(Some("text/html, text/html; charset=gbk"), b"");
        assert_eq!((media.kind, media.charset), (Kind::Html, Some("gbk")));
        let media = classify(Some("text/html charset=gbk"), b"");
        assert_eq!((media.kind, media.charset), (Kind::Html, Some("gbk")));
        assert_eq!(kind(" ; charset=gbk"), Kind::Text(Syntax::Plain, ""));
    }

    #[test]
    fn pages_under_a_wrong_type() {
        let page = b"\n<!DOCTYPE HTML><p>";
        let xhtml = b"<?xml version='1.0'?>\n<!-- x -->\n<html xmlns='x'>";
        for (content_type, body, expected) in [
            ("text/plain", &page[..], Kind::Html),
            ("text/plain", b"\xEF\xBB\xBF<html>", Kind::Html),
            ("text/plain", b"<p>not plainly", Kind::Text(Syntax::Plain, "")),
            ("text/plain", b"<html5> is a name", Kind::Text(Syntax::Plain, "")),
            ("text/plain", b"<!-- <html>", Kind::Text(Syntax::Plain, "")),
            ("text/xml", xhtml, Kind::Html),
            ("text/xml", b"<rss>", Kind::Text(Syntax::Xml, "xml")),
            ("application/json", page, Kind::Text(Syntax::Json, "json")),
            ("application/octet-stream", page, Kind::Html),
            ("application/octet-stream", b"<P >x", Kind::Html),
            ("application/octet-stream", b"<pre>x", Kind::Text(Syntax::Plain, "")),
            ("application/octet-stream", b"<?xml?><rss>", Kind::Text(Syntax::Xml, "xml")),
            ("application/octet-stream", b"%PDF-1.4", Kind::Binary),
            ("image/png", page, Kind::Binary),
        ] {
            assert_eq!(classify(Some(content_type), body).kind, expected, "{content_type}");
        }
    }

    #[test]
    fn silent_servers() {
        assert_eq!(classify(None, b"  <!DOCTYPE HTML><p>").kind, Kind::Html);
        assert_eq!(classify(Some("nonsense"), b"<html>").kind, Kind::Html);
        assert_eq!(classify(None, b"PK\x03\x04").kind, Kind::Binary);
        assert_eq!(classify(None, b"hello").kind, Kind::Text(Syntax::Plain, ""));
        assert_eq!(classify(None, b"{\"a\":1}").kind, Kind::Text(Syntax::Json, "json"));
    }
}
