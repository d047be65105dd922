//! Which encoding a body is in, and its text.
//!
//! Order: byte-order mark, `content-type`, a `<meta>` in the first 1,024 bytes, an XML declaration
//! there, valid UTF-8, a declaration in the first 64 KiB, a guess that knows the host's top-level
//! domain (HTML standard, section 13.2.3.2, "encoding sniffing algorithm", with valid UTF-8 and
//! the late declaration added).

mod prescan;

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};
use url::Url;

use crate::CharsetSource;

use prescan::{prescan, xml_declaration};

/// How far the HTML standard looks for a declaration ("prescan a byte stream").
const PRESCAN_BYTES: usize = 1024;

/// How far we look before guessing; many pages have scripts before their `<meta>`.
const LATE_BYTES: usize = 64 * 1024;

/// The guess is made on this much; more does not make it better.
const GUESS_BYTES: usize = 256 * 1024;

/// What the body is, as far as it decides where an encoding may be declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// A `<meta>` or an XML declaration.
    Html,
    /// An XML declaration.
    Xml,
    /// Nowhere, and it is UTF-8 (RFC 8259, section 8.1).
    Json,
    /// Nowhere.
    Plain,
}

/// What a body's bytes say.
#[derive(Debug)]
pub(crate) struct Decoded<'b> {
    /// With U+FFFD for what cannot be read.
    pub(crate) text: Cow<'b, str>,
    pub(crate) encoding: &'static Encoding,
    pub(crate) source: CharsetSource,
}

/// Reads `bytes`; `label` is the `charset` parameter of the `content-type`.
pub(crate) fn decode<'b>(
    bytes: &'b [u8],
    label: Option<&str>,
    syntax: Syntax,
    url: &Url,
) -> Decoded<'b> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let text = encoding.decode_without_bom_handling(&bytes[mark..]).0;
        return Decoded { text, encoding, source: CharsetSource::Bom };
    }
    if syntax == Syntax::Json {
        let text = String::from_utf8_lossy(bytes);
        return Decoded { text, encoding: UTF_8, source: CharsetSource::Utf8 };
    }
    let header = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    let (encoding, source) = header
        .map(|encoding| (encoding, CharsetSource::Header))
        .or_else(|| declaration(bytes, PRESCAN_BYTES, syntax))
        .or_else(|| is_utf8(bytes).then_some((UTF_8, CharsetSource::Utf8)))
        .or_else(|| {
            declaration(bytes, LATE_BYTES, syntax)
                .map(|(encoding, _)| (encoding, CharsetSource::LateMeta))
        })
        .unwrap_or_else(|| (guess(bytes, url), CharsetSource::Guess));
    Decoded { text: encoding.decode_without_bom_handling(bytes).0, encoding, source }
}

/// Whether it is UTF-8. A last character that was cut in two does not count against others.
fn is_utf8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && !bytes[..error.valid_up_to()].is_ascii(),
    }
}

fn declaration(
    bytes: &[u8],
    within: usize,
    syntax: Syntax,
) -> Option<(&'static Encoding, CharsetSource)> {
    let head = &bytes[..bytes.len().min(within)];
    let meta = || Some((meta_encoding(head)?, CharsetSource::Meta));
    let xml = || Some((xml_encoding(head)?, CharsetSource::Xml));
    match syntax {
        Syntax::Html => meta().or_else(xml),
        Syntax::Xml => xml(),
        Syntax::Json | Syntax::Plain => None,
    }
}

fn meta_encoding(head: &[u8]) -> Option<&'static Encoding> {
    let encoding = Encoding::for_label(&prescan(head)?)?;
    let encoding = if encoding == X_USER_DEFINED { WINDOWS_1252 } else { encoding };
    Some(in_ascii(encoding))
}

/// The encoding of an XML declaration; one in UTF-16 shows by its first bytes.
fn xml_encoding(head: &[u8]) -> Option<&'static Encoding> {
    if head.starts_with(b"<\0?\0x\0") {
        return Some(UTF_16LE);
    }
    if head.starts_with(b"\0<\0?\0x") {
        return Some(UTF_16BE);
    }
    Encoding::for_label(xml_declaration(head)?).map(in_ascii)
}

/// A declaration that can be read as ASCII is not in UTF-16 (HTML standard, "prescan").
fn in_ascii(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding }
}

fn guess(bytes: &[u8], url: &Url) -> &'static Encoding {
    let tld = url.domain().and_then(|domain| domain.trim_end_matches('.').rsplit('.').next());
    let tld = tld.filter(|tld| !tld.is_empty() && tld.bytes().all(|b| b.is_ascii_lowercase()));
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let sample = &bytes[..bytes.len().min(GUESS_BYTES)];
    detector.feed(sample, sample.len() == bytes.len());
    detector.guess(tld.map(str::as_bytes), Utf8Detection::Deny)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(bytes: &[u8], label: Option<&str>, syntax: Syntax) -> &'static str {
        decode(bytes, label, syntax, &"http://a.example/".parse().unwrap()).encoding.name()
    }

    fn source(bytes: &[u8], label: Option<&str>, syntax: Syntax) -> CharsetSource {
        decode(bytes, label, syntax, &"http://a.example/".parse().unwrap()).source
    }

    #[test]
    fn the_order_of_evidence() {
        let html = |bytes: &[u8]| name(bytes, None, Syntax::Html);
        assert_eq!(name(b"\xEF\xBB\xBFx", Some("koi8-r"), Syntax::Html), "UTF-8");
        assert_eq!(name(b"\xFF\xFEx\0", None, Syntax::Json), "UTF-16LE");
        let meta = b"<meta charset=koi8-r>\xC1";
        assert_eq!(name(meta, Some("shift_jis"), Syntax::Html), "Shift_JIS");
        assert_eq!(name(meta, Some("no-such"), Syntax::Html), "KOI8-R");
        assert_eq!(html(meta), "KOI8-R");
        assert_eq!(html(b"<?xml version='1.0' encoding='gbk'?><p>"), "GBK");
        assert_eq!(html("<p>\u{e9}".as_bytes()), "UTF-8");
        let mut late = vec![b' '; 2000];
        late.extend(meta);
        assert_eq!(html(&late), "KOI8-R");
        assert_eq!(html(b"caf\xe9"), "windows-1252");
    }

    #[test]
    fn evidence_has_a_name() {
        use CharsetSource::{Bom, Guess, Header, LateMeta, Meta, Utf8, Xml};
        let late = [&[b' '; 2000][..], b"<meta charset=gbk>\xC1"].concat();
        let xml = b"<?xml encoding=\"gbk\"?>";
        for (bytes, label, syntax, expected) in [
            (&b"\xEF\xBB\xBFx"[..], Some("gbk"), Syntax::Html, Bom),
            (b"<meta charset=gbk>", Some("big5"), Syntax::Html, Header),
            (b"<meta charset=gbk>", Some("nonsense"), Syntax::Html, Meta),
            (xml, None, Syntax::Html, Xml),
            (&[&xml[..], b"<meta charset=big5>"].concat(), None, Syntax::Html, Meta),
            (xml, None, Syntax::Xml, Xml),
            (xml, None, Syntax::Plain, Utf8),
            (b"<\0?\0x\0m\0l\0", None, Syntax::Html, Xml),
            (b"x", None, Syntax::Html, Utf8),
            (b"{}", Some("gbk"), Syntax::Json, Utf8),
            (&late, None, Syntax::Html, LateMeta),
            (b"caf\xe9 x", None, Syntax::Html, Guess),
        ] {
            assert_eq!(source(bytes, label, syntax), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn utf_8_that_was_cut() {
        assert_eq!(name("Приве".as_bytes().split_last().unwrap().1, None, Syntax::Html), "UTF-8");
    }

    #[test]
    fn declared_utf_16_is_utf_8() {
        assert_eq!(name(b"<meta charset=utf-16le>x", None, Syntax::Html), "UTF-8");
        assert_eq!(name(b"<meta charset=x-user-defined>x", None, Syntax::Html), "windows-1252");
    }

    #[test]
    fn a_guess_knows_the_domain() {
        let text = "Привет, мир! Это обычный русский текст.";
        let bytes = encoding_rs::WINDOWS_1251.encode(text).0;
        let url = "http://a.ru/".parse().unwrap();
        let read = decode(&bytes, None, Syntax::Html, &url);
        assert_eq!((read.text.as_ref(), read.encoding.name()), (text, "windows-1251"));
    }
}
