//! What kind of body it is.

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

/// Reads a `content-type`, or looks at the body when there is none that says anything.
pub(crate) fn classify<'a>(content_type: Option<&'a str>, body: &[u8]) -> Media<'a> {
    let mut parts = content_type.unwrap_or("").split(';');
    let essence = parts.next().unwrap_or("").trim().to_ascii_lowercase();
    let charset = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    });
    let kind = match essence.split_once('/') {
        Some(("text", "html")) | Some(("application", "xhtml+xml")) => Kind::Html,
        Some((_, sub)) if sub == "json" || sub.ends_with("+json") || sub == "x-ndjson" => {
            Kind::Text(Syntax::Json, "json")
        }
        Some(("text" | "application", "xml")) => Kind::Text(Syntax::Xml, "xml"),
        Some(("image", _)) => Kind::Binary,
        Some((_, sub)) if sub.ends_with("+xml") => Kind::Text(Syntax::Xml, "xml"),
        Some(("text" | "application", "javascript")) => Kind::Text(Syntax::Plain, "javascript"),
        Some(("text", _)) => Kind::Text(Syntax::Plain, ""),
        Some(("application", "x-www-form-urlencoded" | "yaml" | "toml")) => {
            Kind::Text(Syntax::Plain, "")
        }
        Some((_, "octet-stream" | "unknown" | "*")) | None => sniff(body),
        Some(_) => Kind::Binary,
    };
    Media { kind, charset }
}

/// A small part of the MIME Sniffing standard, section 7.1: HTML by its first tag, binary by the
/// bytes that no text has.
fn sniff(body: &[u8]) -> Kind {
    let head = &body[..body.len().min(SNIFF_BYTES)];
    if encoding_rs::Encoding::for_bom(head).is_none() && head.iter().any(|&b| is_binary(b)) {
        return Kind::Binary;
    }
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let starts = |tag: &str| {
        head.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()))
    };
    const HTML: [&str; 12] = [
        "<!doctype html",
        "<html",
        "<head",
        "<body",
        "<script",
        "<title",
        "<style",
        "<div",
        "<table",
        "<h1",
        "<p>",
        "<!--",
    ];
    match head.first() {
        _ if HTML.iter().any(|tag| starts(tag)) => Kind::Html,
        _ if starts("<?xml") => Kind::Text(Syntax::Xml, "xml"),
        _ if starts("%pdf-") => Kind::Binary,
        Some(b'{' | b'[') => Kind::Text(Syntax::Json, "json"),
        _ => Kind::Text(Syntax::Plain, ""),
    }
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
    fn silent_servers() {
        assert_eq!(classify(None, b"  <!DOCTYPE HTML><p>").kind, Kind::Html);
        assert_eq!(classify(Some("nonsense"), b"<html>").kind, Kind::Html);
        assert_eq!(classify(None, b"PK\x03\x04").kind, Kind::Binary);
        assert_eq!(classify(None, b"hello").kind, Kind::Text(Syntax::Plain, ""));
        assert_eq!(classify(None, b"{\"a\":1}").kind, Kind::Text(Syntax::Json, "json"));
    }
}
