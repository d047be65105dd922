//! The attributes of a tag (HTML standard, sections 13.2.5.32 to 13.2.5.40).

use memchr::memchr;

use crate::document::{Attribute, MAX_ATTRIBUTES};

/// How a tag ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TagEnd {
    /// With `>`.
    Plain,
    /// With `/>`.
    SelfClosing,
    /// With the source: there is no such tag.
    Missing,
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}

/// Reads attributes from `at`, behind the tag's name, into `out`; without one they are skipped.
/// Gives the place behind the tag.
pub(super) fn read(
    source: &[u8],
    mut at: usize,
    mut out: Option<&mut Vec<Attribute>>,
) -> (usize, TagEnd) {
    let most = out.as_ref().map_or(0, |out| out.len() + MAX_ATTRIBUTES);
    loop {
        let mut is_closing = false;
        let byte = loop {
            match source.get(at) {
                Some(&byte) if is_space(byte) => is_closing = false,
                Some(b'/') => is_closing = true,
                Some(&byte) => break byte,
                None => return (source.len(), TagEnd::Missing),
            }
            at += 1;
        };
        if byte == b'>' {
            return (at + 1, if is_closing { TagEnd::SelfClosing } else { TagEnd::Plain });
        }
        let Some((attribute, next)) = one(source, at) else {
            return (source.len(), TagEnd::Missing);
        };
        at = next;
        if let Some(out) = out.as_deref_mut().filter(|out| out.len() < most) {
            out.push(attribute);
        }
    }
}

/// The attribute whose name begins at `start`, and the place behind it; `None` when the source
/// ends in its quoted value.
fn one(source: &[u8], start: usize) -> Option<(Attribute, usize)> {
    // The first character belongs to the name whatever it is.
    let ends_name = |&byte: &u8| is_space(byte) || matches!(byte, b'/' | b'>' | b'=');
    let end = start + 1 + until(&source[start + 1..], ends_name);
    let mut attribute = Attribute {
        name: start as u32,
        name_bytes: (end - start) as u32,
        value: 0,
        value_bytes: 0,
    };
    let equals = end + until(&source[end..], |&byte| !is_space(byte));
    if source.get(equals) != Some(&b'=') {
        return Some((attribute, end));
    }
    let value = equals + 1 + until(&source[equals + 1..], |&byte| !is_space(byte));
    let (value, bytes, next) = match source.get(value) {
        Some(&quote @ (b'"' | b'\'')) => {
            let bytes = memchr(quote, &source[value + 1..])?;
            (value + 1, bytes, value + bytes + 2)
        }
        _ => {
            let bytes = until(&source[value..], |&byte| is_space(byte) || byte == b'>');
            (value, bytes, value + bytes)
        }
    };
    (attribute.value, attribute.value_bytes) = (value as u32, bytes as u32);
    Some((attribute, next))
}

fn until(bytes: &[u8], ends: impl FnMut(&u8) -> bool) -> usize {
    bytes.iter().position(ends).unwrap_or(bytes.len())
}
