//! What a page's first bytes declare (HTML standard, section 13.2.3.2).

use encoding_rs::Encoding;
use memchr::{memchr, memmem};

/// The `encoding` of `<?xml … ?>` at the very start (HTML standard, "get an XML encoding").
pub(super) fn xml_declaration(head: &[u8]) -> Option<&[u8]> {
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
pub(super) fn prescan(head: &[u8]) -> Option<Vec<u8>> {
    let mut at = 0;
    while let Some(open) = head.get(at..)?.iter().position(|&b| b == b'<') {
        at += open;
        let tag = &head[at..];
        if tag.starts_with(b"<!--") {
            // "<!-->" is a whole comment, so the end may share the dashes of the start.
            at += 2 + memmem::find(&tag[2..], b"-->")? + 3;
        } else if tag.len() > 5 && tag[..5].eq_ignore_ascii_case(b"<meta") && ends_name(tag[5]) {
            let mut attributes = Attributes::of(&tag[5..]);
            let label = meta_label(&mut attributes);
            // What the bytes end in is not a tag yet.
            if label.is_some() && attributes.is_closed {
                return label;
            }
            at = head.len() - attributes.rest.len();
        } else if tag.get(1).is_some_and(u8::is_ascii_alphabetic)
            || (tag.get(1) == Some(&b'/') && tag.get(2).is_some_and(u8::is_ascii_alphabetic))
        {
            let name = tag.iter().position(|&b| b.is_ascii_whitespace() || b == b'>')?;
            let mut attributes = Attributes::of(&tag[name..]);
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
    /// The tag's `>` was seen.
    is_closed: bool,
}

impl<'a> Attributes<'a> {
    fn of(rest: &'a [u8]) -> Self {
        Self { rest, is_closed: false }
    }
}

impl Iterator for Attributes<'_> {
    type Item = (Vec<u8>, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        let skip = |b: &u8| b.is_ascii_whitespace() || *b == b'/';
        self.rest =
            &self.rest[self.rest.iter().position(|b| !skip(b)).unwrap_or(self.rest.len())..];
        if *self.rest.first()? == b'>' {
            self.rest = &self.rest[1..];
            self.is_closed = true;
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
        assert_eq!(label("<meta charset=gbk"), None);
        assert_eq!(label("<meta charset=gbk "), None);
        assert_eq!(label("<!doctype html><?php ?><meta charset=gbk>"), some("gbk"));
        assert_eq!(content_label(b"charset charset = 'gbk'"), Some(b"gbk".to_vec()));
    }
}
