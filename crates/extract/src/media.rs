//! What kind of body it is.

use memchr::memmem;

use crate::charset::Syntax;
use crate::{MediaKind, MediaSource};

/// So much is looked at when the server does not say.
const SNIFF_BYTES: usize = 1445;

/// PDF begins within so many bytes, as readers have it.
const PDF_BYTES: usize = 1024;

/// The kind of a body and what its charset parameter says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Media<'a> {
    pub(crate) kind: Kind,
    pub(crate) source: MediaSource,
    pub(crate) charset: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Html,
    /// Text, and how a fenced block of it is named.
    Text(Syntax, &'static str),
    /// XML that is a feed.
    Feed,
    Pdf,
    /// What has no text.
    Other(MediaKind),
}

impl Kind {
    pub(crate) fn media(self) -> MediaKind {
        match self {
            Self::Html => MediaKind::Html,
            Self::Text(Syntax::Json, _) => MediaKind::Json,
            Self::Text(Syntax::Xml, _) => MediaKind::Xml,
            Self::Text(..) => MediaKind::Text,
            Self::Feed => MediaKind::Feed,
            Self::Pdf => MediaKind::Pdf,
            Self::Other(kind) => kind,
        }
    }
}

const BINARY: Kind = Kind::Other(MediaKind::Binary);
const PLAIN: Kind = Kind::Text(Syntax::Plain, "");
const XML: Kind = Kind::Text(Syntax::Xml, "xml");

/// Reads a `content-type`, and looks at the body where there is none that says anything or where
/// servers are known to be wrong (MIME Sniffing standard, section 7).
pub(crate) fn classify<'a>(content_type: Option<&'a str>, body: &[u8]) -> Media<'a> {
    let content_type = content_type.unwrap_or("").trim();
    // Some servers send the header twice, or forget the semicolon.
    let end = content_type.find([';', ',', ' ']).unwrap_or(content_type.len());
    let (essence, parameters) = content_type.split_at(end);
    let charset = parameters.split([';', ',']).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    });
    let said = kind_of(&essence.to_ascii_lowercase());
    let seen = match said {
        None => Some(sniff(body)),
        Some(said) => correction(said, content_type, body),
    };
    let (kind, source) = match (said, seen) {
        (Some(said), None) => (said, MediaSource::Header),
        (Some(said), Some(seen)) if said == seen => (said, MediaSource::Header),
        (_, Some(seen)) => (seen, MediaSource::Sniffed),
        (None, None) => (BINARY, MediaSource::Sniffed),
    };
    Media { kind, source, charset }
}

/// The kind of a media type in lower case; none for one that says nothing.
fn kind_of(essence: &str) -> Option<Kind> {
    Some(match essence.split_once('/')? {
        ("text", "html") | ("application", "xhtml+xml") => Kind::Html,
        (_, sub) if sub == "json" || sub.ends_with("+json") || sub == "x-ndjson" => {
            Kind::Text(Syntax::Json, "json")
        }
        ("application", "rss+xml" | "atom+xml") => Kind::Feed,
        ("text" | "application", "xml") => XML,
        ("image", _) => Kind::Other(MediaKind::Image),
        ("audio" | "video", _) => Kind::Other(MediaKind::Media),
        ("font", _) => Kind::Other(MediaKind::Font),
        ("application", "pdf" | "x-pdf") => Kind::Pdf,
        ("application", "zip" | "gzip" | "x-gzip" | "x-rar-compressed" | "vnd.rar") => {
            Kind::Other(MediaKind::Archive)
        }
        (_, sub) if sub.ends_with("+xml") => XML,
        ("text" | "application", "javascript") => Kind::Text(Syntax::Plain, "javascript"),
        ("text", _) => PLAIN,
        ("application", "x-www-form-urlencoded" | "yaml" | "toml") => PLAIN,
        (_, "octet-stream" | "unknown" | "x-unknown" | "*") => return None,
        _ => BINARY,
    })
}

/// What a body is although its type is `said`; none where that may be right.
///
/// The standard's own cases are text that is binary as some versions of Apache send it, HTML that
/// is a feed, and pictures and sounds of another kind. Beyond it go these, which would be shown as
/// garbage: HTML that is called text or XML and begins with its doctype or outermost element,
/// PDF that is called anything with text, and what is called PDF and is not.
fn correction(said: Kind, content_type: &str, body: &[u8]) -> Option<Kind> {
    let has_text = matches!(said, Kind::Html | Kind::Text(..) | Kind::Feed);
    if has_text && body.starts_with(b"%PDF-") {
        return Some(Kind::Pdf);
    }
    match said {
        Kind::Pdf => (!is_pdf(body)).then(|| sniff(body)),
        Kind::Html => match signature(body) {
            Some(kind) => Some(Kind::Other(kind)),
            None => is_feed(body).then_some(Kind::Feed),
        },
        XML | Kind::Feed if is_page(body) => Some(Kind::Html),
        XML => is_feed(body).then_some(Kind::Feed),
        Kind::Feed => (!is_feed(body)).then_some(XML),
        PLAIN if is_page(body) => Some(Kind::Html),
        PLAIN if APACHE.contains(&content_type) && has_binary(body) => {
            Some(signature(body).map_or(BINARY, Kind::Other))
        }
        // The word for what it is may be wrong, that it is binary is not.
        Kind::Other(_) => signature(body).map(Kind::Other),
        _ => None,
    }
}

/// What versions of Apache sent for every file they did not know (MIME Sniffing standard, section
/// 5).
const APACHE: [&str; 4] = [
    "text/plain",
    "text/plain; charset=ISO-8859-1",
    "text/plain; charset=iso-8859-1",
    "text/plain; charset=UTF-8",
];

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

/// Kinds by the first bytes (MIME Sniffing standard, section 7.1), and JSON by its bracket.
fn sniff(body: &[u8]) -> Kind {
    let head = &body[..body.len().min(SNIFF_BYTES)];
    if let Some(kind) = signature(body) {
        return Kind::Other(kind);
    }
    if head.starts_with(b"%PDF-") {
        return Kind::Pdf;
    }
    if has_binary(body) {
        return BINARY;
    }
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    match head.first() {
        _ if is_page(body) || HTML.iter().any(|tag| starts(head, tag)) => Kind::Html,
        _ if is_feed(body) => Kind::Feed,
        _ if head.starts_with(b"<!--") => Kind::Html,
        _ if head.starts_with(b"<?xml") => XML,
        _ if head.starts_with(b"%!PS-Adobe-") => BINARY,
        Some(b'{' | b'[') => Kind::Text(Syntax::Json, "json"),
        _ => PLAIN,
    }
}

/// Whether there is a byte in it that no text has, unless it says by a mark that it is text
/// (MIME Sniffing standard, sections 3 and 7.2).
fn has_binary(body: &[u8]) -> bool {
    let head = &body[..body.len().min(SNIFF_BYTES)];
    encoding_rs::Encoding::for_bom(head).is_none() && head.iter().any(|&b| is_binary(b))
}

/// Whether it begins as PDF does; some writers put something before it.
fn is_pdf(body: &[u8]) -> bool {
    memmem::find(&body[..body.len().min(PDF_BYTES)], b"%PDF-").is_some()
}

/// Pictures, sounds, fonts and archives by their first bytes (MIME Sniffing standard, section 6).
/// A dot stands for any byte.
const SIGNATURES: [(&[u8], MediaKind); 27] = [
    (b"\0\0\x01\0", MediaKind::Image),
    (b"\0\0\x02\0", MediaKind::Image),
    (b"BM....\0\0\0\0", MediaKind::Image),
    (b"GIF87a", MediaKind::Image),
    (b"GIF89a", MediaKind::Image),
    (b"RIFF....WEBPVP", MediaKind::Image),
    (b"\x89PNG\r\n\x1A\n", MediaKind::Image),
    (b"\xFF\xD8\xFF", MediaKind::Image),
    // AVIF and HEIC are made like MP4; the standard does not know them yet.
    (b"....ftypavif", MediaKind::Image),
    (b"....ftypheic", MediaKind::Image),
    (b"FORM....AIFF", MediaKind::Media),
    (b"ID3", MediaKind::Media),
    (b"OggS\0", MediaKind::Media),
    (b"MThd\0\0\0\x06", MediaKind::Media),
    (b"RIFF....AVI ", MediaKind::Media),
    (b"RIFF....WAVE", MediaKind::Media),
    (b"....ftyp", MediaKind::Media),
    (b"\x1A\x45\xDF\xA3", MediaKind::Media),
    (b"\0\x01\0\0", MediaKind::Font),
    (b"OTTO", MediaKind::Font),
    (b"ttcf", MediaKind::Font),
    (b"wOFF", MediaKind::Font),
    (b"wOF2", MediaKind::Font),
    (b"\x1F\x8B\x08", MediaKind::Archive),
    (b"PK\x03\x04", MediaKind::Archive),
    (b"Rar \x1A\x07\0", MediaKind::Archive),
    (b"Rar!\x1A\x07", MediaKind::Archive),
];

/// Those of them that are letters begin texts too, and count only with a byte that no text has.
fn signature(body: &[u8]) -> Option<MediaKind> {
    let matches = |pattern: &[u8]| {
        body.len() >= pattern.len()
            && pattern.iter().zip(body).all(|(&own, &byte)| own == b'.' || own == byte)
    };
    let (pattern, kind) = SIGNATURES.iter().find(|(pattern, _)| matches(pattern))?;
    let is_letters = pattern.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    (!is_letters || has_binary(body) || *kind == MediaKind::Image).then_some(*kind)
}

/// Whether XML begins with the outermost element of a feed (MIME Sniffing standard, section 7.3),
/// if need be behind a declaration, a doctype and comments.
fn is_feed(body: &[u8]) -> bool {
    let Some(rest) = outermost(body) else { return false };
    let head = &rest[..rest.len().min(SNIFF_BYTES)];
    let has = |namespace: &[u8]| memmem::find(head, namespace).is_some();
    rest.starts_with(b"<rss")
        || rest.starts_with(b"<feed")
        || rest.starts_with(b"<rdf:RDF")
            && has(b"http://www.w3.org/1999/02/22-rdf-syntax-ns#")
            && has(b"http://purl.org/rss/1.0/")
}

/// What is left behind a mark of the encoding, declarations, doctypes and comments.
fn outermost(body: &[u8]) -> Option<&[u8]> {
    let head = &body[..body.len().min(SNIFF_BYTES)];
    let mut rest = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    loop {
        let end: &[u8] = match rest {
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'<', b'!', ..] => b">",
            _ => return Some(rest),
        };
        rest = rest[memmem::find(rest, end)? + end.len()..].trim_ascii_start();
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
        assert_eq!(kind("application/rdf+xml"), XML);
        assert_eq!(kind("image/svg+xml"), Kind::Other(MediaKind::Image));
        assert_eq!(kind("application/msword"), BINARY);
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
            ("text/xml", b"<rss>", Kind::Feed),
            ("text/xml", b"<rs>", XML),
            ("application/rss+xml", b"<rs>", XML),
            ("application/json", page, Kind::Text(Syntax::Json, "json")),
            ("application/octet-stream", page, Kind::Html),
            ("application/octet-stream", b"<P >x", Kind::Html),
            ("application/octet-stream", b"<pre>x", Kind::Text(Syntax::Plain, "")),
            ("application/octet-stream", b"<?xml?><rss>", Kind::Feed),
            ("application/octet-stream", b"<?xml?><x>", XML),
            ("application/octet-stream", b"%PDF-1.4", Kind::Pdf),
            ("image/png", page, Kind::Other(MediaKind::Image)),
            ("application/pdf", page, Kind::Html),
        ] {
            assert_eq!(classify(Some(content_type), body).kind, expected, "{content_type}");
        }
    }

    #[test]
    fn silent_servers() {
        assert_eq!(classify(None, b"  <!DOCTYPE HTML><p>").kind, Kind::Html);
        assert_eq!(classify(Some("nonsense"), b"<html>").kind, Kind::Html);
        assert_eq!(classify(None, b"PK\x03\x04").kind, Kind::Other(MediaKind::Archive));
        assert_eq!(classify(None, b"hello").kind, Kind::Text(Syntax::Plain, ""));
        assert_eq!(classify(None, b"{\"a\":1}").kind, Kind::Text(Syntax::Json, "json"));
    }

    /// MIME Sniffing standard, sections 5, 6 and 7, on what was received under no type.
    #[test]
    fn bytes_as_the_standard_reads_them() {
        let other = Kind::Other;
        for (body, expected) in [
            (&b"\0\0\x01\0x"[..], other(MediaKind::Image)),
            (b"GIF89a,", other(MediaKind::Image)),
            (b"RIFFabcdWEBPVP8 ", other(MediaKind::Image)),
            (b"\x89PNG\r\n\x1a\n", other(MediaKind::Image)),
            (b"\xff\xd8\xff\xe0", other(MediaKind::Image)),
            (b"ID3\x03\0", other(MediaKind::Media)),
            (b"ID3 is a tag of MP3", PLAIN),
            (b"OggS\0\x02", other(MediaKind::Media)),
            (b"\0\0\0\x18ftypmp42\0\0\0\0", other(MediaKind::Media)),
            (b"\x1a\x45\xdf\xa3", other(MediaKind::Media)),
            (b"wOF2\0\x01", other(MediaKind::Font)),
            (b"\x1f\x8b\x08\0", other(MediaKind::Archive)),
            (b"%PDF-1.7\n%\xe2\xe3", Kind::Pdf),
            (b"%!PS-Adobe-3.0", BINARY),
            (b"\xfe\xff\0a", PLAIN),
            (b"\xff\xfea\0", PLAIN),
            (b"\xef\xbb\xbfa\0", PLAIN),
            (b"a\0", BINARY),
            (b"a\x0b", BINARY),
            (b"a\x1b\x0c\t\r\n\x7f\xff", PLAIN),
            (b"\n <TABLE x", Kind::Html),
            (b"<a", PLAIN),
            (b"<a>", Kind::Html),
            (b"<abc>", PLAIN),
            (b"<!-- x", Kind::Html),
            (b"<?xml version='1.0'?><x/>", XML),
            (b"<!-- x --><feed xmlns='x'>", Kind::Feed),
            (b"", PLAIN),
        ] {
            let media = classify(None, body);
            assert_eq!((media.kind, media.source), (expected, MediaSource::Sniffed), "{body:?}");
        }
    }

    #[test]
    fn types_that_are_wrong() {
        let rdf = b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' \
            xmlns='http://purl.org/rss/1.0/'>";
        let sniffed = |content_type, body: &[u8]| {
            let media = classify(Some(content_type), body);
            (media.source == MediaSource::Sniffed).then_some(media.kind)
        };
        for (content_type, body, expected) in [
            ("text/plain", &b"a\0"[..], Some(BINARY)),
            (
                "text/plain; charset=UTF-8",
                b"\x89PNG\r\n\x1a\n",
                Some(Kind::Other(MediaKind::Image)),
            ),
            ("text/plain;charset=UTF-8", b"a\0", None),
            ("text/plain", b"<h1>x", None),
            ("text/plain", b"%PDF-1.4", Some(Kind::Pdf)),
            ("text/html", b"%PDF-1.4", Some(Kind::Pdf)),
            ("text/html", b"\xff\xd8\xff\xe0", Some(Kind::Other(MediaKind::Image))),
            ("text/html", b"<?xml version='1.0'?><rss version='2.0'>", Some(Kind::Feed)),
            ("text/html", rdf, Some(Kind::Feed)),
            ("text/html", b"<rdf:RDF>", None),
            ("text/html", b"a\0", None),
            ("text/html", b"RIFF etc.", None),
            ("application/xml", b"<feed>", Some(Kind::Feed)),
            ("application/pdf", b"x\n%PDF-1.4", None),
            ("application/pdf", b"no such file", Some(PLAIN)),
            ("image/png", b"GIF89a", None),
            ("image/png", b"wOF2\0", Some(Kind::Other(MediaKind::Font))),
            ("application/json", b"%PDF-1.4", Some(Kind::Pdf)),
        ] {
            assert_eq!(sniffed(content_type, body), expected, "{content_type} {body:?}");
        }
    }
}
