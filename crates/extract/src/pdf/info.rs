//! What a document says about itself: its information dictionary (ISO 32000-1, section 14.3.3) and
//! its XMP (section 14.3.2).

use encoding_rs::{UTF_16BE, UTF_16LE};

use super::file::File;
use crate::document::{Document, NodeId};
use crate::metadata::date::{self, Order};
use crate::metadata::squeeze;
use crate::scanner::scan;
use crate::{Metadata, composed};

/// Longest XMP that is looked at, unpacked.
const MAX_XMP_BYTES: usize = 256 * 1024;

/// Authors that are named.
const MAX_AUTHORS: usize = 50;

/// From 0x80 on, where PDF's own encoding is not Latin 1; a blank where there is nothing.
const FROM_128: &str = "•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž €";

/// From 0x18 on.
const FROM_24: &str = "˘ˇˆ˙˝˛˚˜";

/// Title and metadata of a file.
pub(super) fn read(file: &File<'_>) -> (Option<String>, Metadata) {
    let xmp = file.catalog().and_then(|catalog| {
        let (bytes, _) = file.unpacked(catalog.get("Metadata"), MAX_XMP_BYTES)?;
        Some(match bytes.get(..2) {
            Some([0xfe, 0xff]) => UTF_16BE.decode(&bytes).0.into_owned(),
            Some([0xff, 0xfe]) => UTF_16LE.decode(&bytes).0.into_owned(),
            _ => String::from_utf8_lossy(&bytes).into_owned(),
        })
    });
    let document = xmp.as_deref().map(scan);
    let mut found = Found { metadata: Metadata::default() };
    let xmp = |name: &str| {
        let values = document.as_ref().map_or_else(Vec::new, |document| xmp_values(document, name));
        values.into_iter().find(|value| !value.is_empty()).map(|value| (value, "xmp"))
    };
    let info = file.info();
    let info = |key: &str| {
        let value = squeeze::squeeze_plain(&text(&file.resolve(info?.get(key)).bytes()?));
        (!value.is_empty()).then_some((value, "pdf-info"))
    };
    let title = found.take("title", info("Title").or_else(|| xmp("dc:title")));
    found.metadata.description =
        found.take("description", info("Subject").or_else(|| xmp("dc:description")));
    let dated = |value: Option<(String, &'static str)>| {
        value.and_then(|(value, source)| Some((stamp(&value)?, source)))
    };
    let published = dated(info("CreationDate")).or_else(|| dated(xmp("xmp:createdate")));
    found.metadata.published = found.take("published", published);
    let modified = dated(info("ModDate")).or_else(|| dated(xmp("xmp:modifydate")));
    found.metadata.modified = found.take("modified", modified);
    let language = file.catalog().and_then(|catalog| {
        let language = squeeze::squeeze_plain(&text(&file.resolve(catalog.get("Lang")).bytes()?));
        let is_tag = (2..=35).contains(&language.len())
            && language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_tag.then_some((language, "pdf-lang"))
    });
    found.metadata.language = found.take("language", language);
    let listed = || document.as_ref().map_or_else(Vec::new, |xmp| xmp_values(xmp, "dc:creator"));
    let (mut authors, source) = match info("Author") {
        Some((names, source)) => (names.split(';').map(str::to_owned).collect(), source),
        None => (listed(), "xmp"),
    };
    authors.iter_mut().for_each(|name| *name = name.trim().to_owned());
    authors.retain(|name| is_author(name));
    authors.truncate(MAX_AUTHORS);
    let joined = authors.join("; ");
    found.metadata.author = found.take("author", (!authors.is_empty()).then_some((joined, source)));
    if !authors.is_empty() {
        found.metadata.sources.insert("authors".to_owned(), source.to_owned());
    }
    found.metadata.authors = authors.into_iter().map(composed).collect();
    (title, found.metadata)
}

/// Whether it can be a name: neither markup nor an address, and not a whole text.
fn is_author(name: &str) -> bool {
    name.contains(char::is_alphabetic)
        && name.chars().count() <= 120
        && !name.contains(['<', '>', '{', '}'])
        && !name.contains("://")
}

struct Found {
    metadata: Metadata,
}

impl Found {
    /// The value, after its source has been noted.
    fn take(&mut self, field: &str, value: Option<(String, &'static str)>) -> Option<String> {
        let (value, source) = value?;
        self.metadata.sources.insert(field.to_owned(), source.to_owned());
        Some(crate::metadata::settled(value))
    }
}

/// The values of a property: an attribute, the items of a list, or a text.
fn xmp_values(xmp: &Document<'_>, name: &str) -> Vec<String> {
    let mut values = Vec::new();
    for id in 1..xmp.len() {
        if let Some(value) = xmp.attribute(id, name) {
            values.push(squeeze::squeeze(&value));
        }
        if !xmp.name(id).eq_ignore_ascii_case(name) {
            continue;
        }
        let is_item = |id: &NodeId| xmp.name(*id).eq_ignore_ascii_case("rdf:li");
        let items: Vec<NodeId> = xmp.descendants(id).filter(is_item).take(MAX_AUTHORS).collect();
        let texts = if items.is_empty() { vec![id] } else { items };
        values.extend(texts.into_iter().map(|id| squeeze::squeeze(&xmp.text_content(id))));
        break;
    }
    values
}

/// A string of a file as text: UTF-16, UTF-8, or PDF's own encoding (ISO 32000-1, annex D.3).
fn text(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, rest @ ..] => UTF_16BE.decode_without_bom_handling(rest).0.into_owned(),
        [0xff, 0xfe, rest @ ..] => UTF_16LE.decode_without_bom_handling(rest).0.into_owned(),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => bytes.iter().map(|&byte| character(byte)).collect(),
    }
}

fn character(byte: u8) -> char {
    let other = match byte {
        24..32 => FROM_24.chars().nth(usize::from(byte - 24)),
        128..=160 => FROM_128.chars().nth(usize::from(byte - 128)),
        _ => None,
    };
    other.unwrap_or(char::from(byte))
}

/// `D:20240131235959+01'00'` or ISO 8601, as ISO 8601.
fn stamp(written: &str) -> Option<String> {
    let Some(compact) = written.trim().strip_prefix("D:") else {
        return date::value(written, Order::DayFirst).map(|stamp| stamp.to_string());
    };
    let digits = compact.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, zone) = compact.split_at(digits);
    let part = |from: usize, usual: &'static str| digits.get(from..from + 2).unwrap_or(usual);
    let day = format!("{}-{}-{}", digits.get(..4)?, part(4, "01"), part(6, "01"));
    let mut iso = day.clone();
    if digits.len() >= 12 {
        iso = format!("{day}T{}:{}:{}", part(8, "00"), part(10, "00"), part(12, "00"));
        let mut parts = zone.split('\'');
        match parts.next() {
            Some(utc) if utc.starts_with('Z') => iso.push('Z'),
            Some(hours) if hours.len() == 3 && hours.starts_with(['+', '-']) => {
                let minutes = parts.next().filter(|minutes| minutes.len() == 2);
                iso.push_str(hours);
                iso.push(':');
                iso.push_str(minutes.unwrap_or("00"));
            }
            _ => {}
        }
    }
    date::value(&iso, Order::DayFirst).map(|stamp| stamp.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (written, expected) in [
            ("D:20240131235959+01'00'", Some("2024-01-31T23:59:59+01:00")),
            ("D:20240131235959Z", Some("2024-01-31T23:59:59Z")),
            ("D:20240131235959Z00'00'", Some("2024-01-31T23:59:59Z")),
            ("D:20240131", Some("2024-01-31")),
            ("D:2024", Some("2024-01-01")),
            ("2024-01-31T23:59:59-05:00", Some("2024-01-31T23:59:59-05:00")),
            ("D:20241331", None),
            ("D:x", None),
            ("", None),
        ] {
            assert_eq!(stamp(written).as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn strings() {
        assert_eq!(text(b"\xfe\xff\x00\xe9"), "é");
        assert_eq!(text(b"\xef\xbb\xbf\xc3\xa9"), "é");
        assert_eq!(text(b"\x18\x80\x9f\xa0\xe9"), "˘• €é");
    }
}
