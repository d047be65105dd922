//! Which encoding a body is in, and its text.
//!
//! Order: byte-order mark, `content-type`, a `<meta>` in the first 1,024 bytes, an XML declaration
//! there, valid UTF-8, a declaration in the first 64 KiB, a guess that knows the host's top-level
//! domain (HTML standard, section 13.2.3.2, "encoding sniffing algorithm", with valid UTF-8 and
//! the late declaration added).

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};
use memchr::{memchr, memmem};
use url::Url;

use crate::CharsetSource;

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

/// The `encoding` of `<?xml … ?>` at the very start (HTML standard, "get an XML encoding").
fn xml_declaration(head: &[u8]) -> Option<&[u8]> {
    let rest = head.strip_prefix(b"<?xml")?;
    let rest = &rest[..memchr(b'>', rest)?];
    let at = memmem::find(rest, b"encoding")? + b"encoding".len();
    let value = trim_controls(trim_controls(&rest[at..]).strip_prefix(b"=")?);
    let quote = *value.first().filter(|q| matches!(q, b'"' | b'\''))?;
    let label = &value[1..=memchr(quote, &value[1..])?];
    label.iter().all(|&byte| byte > b' ').then_some(label)
}

fn trim_controls(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().position(|&byte| byte > b' ').unwrap_or(bytes.len())..]
}

/// The label in the first useful `<meta>` (HTML standard, "prescan a byte stream to determine its
/// encoding"), linear and without regard to scripts, as the standard has it.
fn prescan(head: &[u8]) -> Option<Vec<u8>> {
    let mut at = 0;
    while let Some(open) = head.get(at..)?.iter().position(|&b| b == b'<') {
        at += open;
        let tag = &head[at..];
        if tag.starts_with(b"<!--") {
            // "<!-->" is a whole comment, so the end may share the dashes of the start.
            at += 2 + memmem::find(&tag[2..], b"-->")? + 3;
        } else if tag.len() > 5 && tag[..5].eq_ignore_ascii_case(b"<meta") && ends_name(tag[5]) {
            let mut attributes = Attributes { rest: &tag[5..] };
            if let Some(label) = meta_label(&mut attributes) {
                return Some(label);
            }
            at = head.len() - attributes.rest.len();
        } else if tag.get(1).is_some_and(u8::is_ascii_alphabetic)
            || (tag.get(1) == Some(&b'/') && tag.get(2).is_some_and(u8::is_ascii_alphabetic))
        {
            let name = tag.iter().position(|&b| b.is_ascii_whitespace() || b == b'>')?;
            let mut attributes = Attributes { rest: &tag[name..] };
            while attributes.next().is_some() {}
            at = head.len() - attributes.rest.len();
        } else if matches!(tag.get(1), Some(b'!' | b'/' | b'?')) {
            at += tag.iter().position(|&b| b == b'>')? + 1;
        } else {
            at += 1;
        }
    }
    None
}

fn ends_name(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b'/'
}

fn meta_label(attributes: &mut Attributes<'_>) -> Option<Vec<u8>> {
    let (mut is_pragma, mut from_content, mut charset) = (false, None, None);
    for (name, value) in attributes {
        match name.as_slice() {
            b"http-equiv" => is_pragma |= value.eq_ignore_ascii_case(b"content-type"),
            b"content" if from_content.is_none() => from_content = content_label(&value),
            b"charset" if charset.is_none() => charset = Some(value),
            _ => {}
        }
    }
    let label = charset.or(from_content.filter(|_| is_pragma))?;
    Encoding::for_label(&label).map(|_| label)
}

/// The label in `text/html; charset=…` ("extracting a character encoding from a meta element").
fn content_label(content: &[u8]) -> Option<Vec<u8>> {
    let lower = content.to_ascii_lowercase();
    let mut from = 0;
    loop {
        from += memmem::find(lower.get(from..)?, b"charset")? + b"charset".len();
        let Some(value) = lower[from..].trim_ascii_start().strip_prefix(b"=") else {
            continue;
        };
        let value = value.trim_ascii_start();
        return match value.first()? {
            quote @ (b'"' | b'\'') => {
                let end = value[1..].iter().position(|b| b == quote)?;
                Some(value[1..=end].to_vec())
            }
            _ => {
                let ends = |b: &u8| b.is_ascii_whitespace() || *b == b';';
                let end = value.iter().position(ends).unwrap_or(value.len());
                Some(value[..end].to_vec())
            }
        };
    }
}

/// The attributes of a tag, names in lower case; stands behind the tag's `>` at the end.
struct Attributes<'a> {
    rest: &'a [u8],
}

impl Iterator for Attributes<'_> {
    type Item = (Vec<u8>, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        let skip = |b: &u8| b.is_ascii_whitespace() || *b == b'/';
        self.rest =
            &self.rest[self.rest.iter().position(|b| !skip(b)).unwrap_or(self.rest.len())..];
        if *self.rest.first()? == b'>' {
            self.rest = &self.rest[1..];
            return None;
        }
        // A leading "=" belongs to the name.
        let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'/' | b'>' | b'=');
        let end = 1 + self.rest[1..].iter().position(ends).unwrap_or(self.rest.len() - 1);
        let name = self.rest[..end].to_ascii_lowercase();
        self.rest = self.rest[end..].trim_ascii_start();
        let Some(value) = self.rest.strip_prefix(b"=") else {
            return Some((name, Vec::new()));
        };
        let value = value.trim_ascii_start();
        let (value, rest) = match value.first() {
            Some(quote @ (b'"' | b'\'')) => {
                let Some(end) = value[1..].iter().position(|b| b == quote) else {
                    self.rest = &[];
                    return None;
                };
                (&value[1..=end], &value[end + 2..])
            }
            _ => {
                let ends = |b: &u8| b.is_ascii_whitespace() || *b == b'>';
                value.split_at(value.iter().position(ends).unwrap_or(value.len()))
            }
        };
        self.rest = rest;
        Some((name, value.to_ascii_lowercase()))
    }
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
    fn xml_declarations() {
        let label = |head: &str| {
            xml_declaration(head.as_bytes()).map(|label| String::from_utf8(label.to_vec()).unwrap())
        };
        assert_eq!(label("<?xml encoding='gbk'?>").as_deref(), Some("gbk"));
        assert_eq!(label("<?xml version='1.0' encoding \n= \"GBK\" ?>").as_deref(), Some("GBK"));
        assert_eq!(label("<?xml encoding=gbk?>"), None);
        assert_eq!(label("<?xml encoding='g bk'?>"), None);
        assert_eq!(label("<?xml encoding='gbk"), None);
        assert_eq!(label("<?xml encoding='gbk>'"), None);
        assert_eq!(label(" <?xml encoding='gbk'?>"), None);
    }

    #[test]
    fn prescan_as_the_standard_has_it() {
        let label =
            |head: &str| prescan(head.as_bytes()).map(|label| String::from_utf8(label).unwrap());
        let some = |label: &str| Some(label.to_owned());
        assert_eq!(label("<meta charset=\"UTF-8\">"), some("utf-8"));
        assert_eq!(label("<META x=1 CHARSET = 'gbk' >"), some("gbk"));
        assert_eq!(label("<meta/charset=gbk>"), some("gbk"));
        assert_eq!(
            label("<meta http-equiv=Content-Type content='text/html; charset=big5'>"),
            some("big5")
        );
        assert_eq!(label("<meta content='text/html; charset=big5'>"), None);
        assert_eq!(label("<!-- <meta charset=gbk> --><meta charset=big5>"), some("big5"));
        assert_eq!(label("<!--><meta charset=big5>"), some("big5"));
        assert_eq!(label("<a title='<meta charset=gbk>'><meta charset=big5>"), some("big5"));
        assert_eq!(label("<metal charset=gbk>"), None);
        assert_eq!(label("<meta charset=nonsense><meta charset=big5>"), some("big5"));
        assert_eq!(label("<meta charset=\"gbk"), None);
        assert_eq!(label("<!doctype html><?php ?><meta charset=gbk>"), some("gbk"));
        assert_eq!(content_label(b"charset charset = 'gbk'"), Some(b"gbk".to_vec()));
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
