//! Tags and text, one after the other (HTML standard, section 13.2.5).

use std::ops::Range;

use memchr::memchr;

use crate::document::Attribute;
use crate::name::Tag;

use super::attributes::{self, TagEnd, is_space};
use super::raw;
use super::stack::Name;

/// A piece of the source.
#[derive(Debug)]
pub(super) enum Token {
    Text(Range<usize>),
    Start(StartTag),
    End(Name),
}

/// A start tag whose attributes are the last ones read.
#[derive(Clone, Copy, Debug)]
pub(super) struct StartTag {
    pub(super) name: Name,
    /// Where its name is in the source, and how long.
    pub(super) place: (u32, u32),
    /// Its first attribute; for an element without a number, its name.
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) is_self_closing: bool,
}

/// The source from some place on. Comments, doctypes and processing instructions are passed over.
#[derive(Debug)]
pub(super) struct Tokens<'s> {
    whole: &'s [u8],
    /// The whole, or inside a `noscript` what is before its end tag.
    source: &'s [u8],
    at: usize,
    /// Where the last `noscript` ends.
    noscript_end: usize,
}

impl<'s> Tokens<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        let source = source.as_bytes();
        Self { whole: source, source, at: 0, noscript_end: 0 }
    }

    /// The next token; its attributes go to `out`. `is_foreign`: CDATA sections are text.
    pub(super) fn next(&mut self, out: &mut Vec<Attribute>, is_foreign: bool) -> Option<Token> {
        let token = self.next_in_source(out, is_foreign);
        if token.is_some() || self.source.len() == self.whole.len() {
            return token;
        }
        self.source = self.whole;
        self.next_in_source(out, is_foreign)
    }

    /// Begins the content of a `noscript`: nothing in it reaches beyond its end tag.
    pub(super) fn enter_noscript(&mut self) {
        if self.noscript_end <= self.at {
            self.noscript_end = raw::end(self.whole, self.at, Tag::Noscript.name());
        }
        self.source = &self.whole[..self.noscript_end];
    }

    fn next_in_source(&mut self, out: &mut Vec<Attribute>, is_foreign: bool) -> Option<Token> {
        loop {
            let start = self.at;
            self.at = self.next_markup(start);
            if self.at > start {
                return Some(Token::Text(start..self.at));
            }
            let token = match *self.source.get(start + 1)? {
                b'/' => self.end_tag(),
                b'!' => self.declaration(is_foreign),
                b'?' => {
                    self.skip_past(b">");
                    None
                }
                _ => self.start_tag(out),
            };
            if token.is_some() {
                return token;
            }
        }
    }

    /// The text of an element that was just begun and that only its own end tag ends; goes
    /// behind that.
    pub(super) fn raw_text(&mut self, tag: Tag) -> Range<usize> {
        let start = self.at;
        let end = match tag {
            Tag::Plaintext => self.source.len(),
            Tag::Script => raw::script_end(self.source, start),
            _ => raw::end(self.source, start, tag.name()),
        };
        self.at = end;
        if end < self.source.len() {
            self.end_tag();
        }
        start..end
    }

    /// Passes over the line end that may follow `<pre>` without belonging to its text.
    pub(super) fn skip_line_end(&mut self) {
        let rest = &self.source[self.at..];
        self.at += match rest {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
    }

    /// The next `<` from `at` that begins markup, or the end of the source.
    fn next_markup(&self, mut at: usize) -> usize {
        while let Some(found) = memchr(b'<', &self.source[at..]) {
            at += found;
            match self.source[at + 1..] {
                [b'!' | b'?', ..] | [b'/', _, ..] => return at,
                [byte, ..] if byte.is_ascii_alphabetic() => return at,
                _ => at += 1,
            }
        }
        self.source.len()
    }

    fn start_tag(&mut self, out: &mut Vec<Attribute>) -> Option<Token> {
        let start = self.at + 1;
        let end = self.name_end(start);
        let name = &self.source[start..end];
        let tag = Tag::of(name);
        let first = out.len();
        let place = (start as u32, (end - start) as u32);
        if tag == Tag::Other {
            let (name, name_bytes) = place;
            out.push(Attribute { name, name_bytes, value: 0, value_bytes: 0 });
        }
        let (at, tag_end) = attributes::read(self.source, end, Some(out));
        self.at = at;
        if tag_end == TagEnd::Missing {
            out.truncate(first);
            return None;
        }
        Some(Token::Start(StartTag {
            name: Name::of(tag, name),
            place,
            first: first as u32,
            last: out.len() as u32,
            is_self_closing: tag_end == TagEnd::SelfClosing,
        }))
    }

    fn end_tag(&mut self) -> Option<Token> {
        let start = self.at + 2;
        if !self.source.get(start).is_some_and(u8::is_ascii_alphabetic) {
            self.skip_past(b">");
            return None;
        }
        let end = self.name_end(start);
        let (at, tag_end) = attributes::read(self.source, end, None);
        self.at = at;
        let name = &self.source[start..end];
        (tag_end != TagEnd::Missing).then(|| Token::End(Name::of(Tag::of(name), name)))
    }

    fn name_end(&self, start: usize) -> usize {
        let ends = |&byte: &u8| is_space(byte) || matches!(byte, b'/' | b'>');
        self.source[start..].iter().position(ends).map_or(self.source.len(), |end| start + end)
    }

    /// What begins with `<!`: text in a CDATA section, else nothing.
    fn declaration(&mut self, is_foreign: bool) -> Option<Token> {
        let start = self.at;
        let rest = &self.source[start..];
        if rest.starts_with(b"<!--") {
            self.skip_comment();
        } else if is_foreign && rest.starts_with(b"<![CDATA[") {
            let text = start + b"<![CDATA[".len();
            self.at = text;
            let end = match self.skip_past(b"]]>") {
                true => self.at - b"]]>".len(),
                false => self.at,
            };
            return (end > text).then_some(Token::Text(text..end));
        } else {
            self.skip_past(b">");
        }
        None
    }

    /// Goes behind the next `end`, which ends with `>`, or to the end of the source.
    fn skip_past(&mut self, end: &[u8]) -> bool {
        let start = self.at;
        while let Some(found) = memchr(b'>', &self.source[self.at..]) {
            self.at += found + 1;
            if self.source[start..self.at].ends_with(end) {
                return true;
            }
        }
        self.at = self.source.len();
        false
    }

    /// A comment ends with `-->` or `--!>`; "<!-->" and "<!--->" are whole.
    fn skip_comment(&mut self) {
        let start = self.at;
        while let Some(found) = memchr(b'>', &self.source[self.at..]) {
            self.at += found + 1;
            if self.source[start + 2..self.at].ends_with(b"-->")
                || self.source[start..self.at].get(4..).is_some_and(|text| text.ends_with(b"--!>"))
            {
                return;
            }
        }
        self.at = self.source.len();
    }
}
