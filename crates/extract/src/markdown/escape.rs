//! Which characters of a text Markdown would take for its own.

/// The longest name of a character reference has 31 letters.
const MAX_REFERENCE_BYTES: usize = 32;

/// Labels of definitions have at most 999 characters.
const MAX_LABEL_BYTES: usize = 4 * 999;

/// Where the Markdown goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Lines of their own.
    Paragraph,
    /// One line that starts with `#`.
    Heading,
    /// One line between `|`.
    Cell,
}

/// Text to escape and what is known of its surroundings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    /// The whole block.
    pub(super) text: &'a str,
    /// Where the run starts and ends: another one may have a delimiter between.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) place: Place,
    /// Inside of brackets.
    pub(super) linked: bool,
    /// Inside of `~~`, or just after it.
    pub(super) deleted: bool,
}

impl Context<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The byte after, if the same run has it.
    fn next(&self, at: usize) -> Option<u8> {
        if at + 1 < self.end { self.byte(at + 1) } else { None }
    }

    /// The byte before, if the same run has it.
    fn before(&self, at: usize) -> Option<u8> {
        if at > self.start { self.byte(at - 1) } else { None }
    }

    /// Whether the byte has a meaning in the middle of a line.
    pub(super) fn is_special(&self, at: usize) -> bool {
        let bytes = self.text.as_bytes();
        let next = self.next(at);
        match bytes[at] {
            b'\\' => next.is_none_or(|byte| byte.is_ascii_punctuation() || byte == b'\n'),
            b'`' => true,
            b'*' => {
                let blank = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_whitespace());
                !(blank(self.before(at)) && blank(next))
            }
            b'_' => {
                let word = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric());
                !(word(self.before(at)) && word(next))
            }
            b'[' => self.linked || matches!(self.byte(at + 1), Some(b'^' | b'!')),
            // A reference to a definition is none where nothing is defined.
            b']' => self.linked || matches!(self.byte(at + 1), Some(b'(' | b':')),
            b'<' => {
                let opens = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'/' | b'!' | b'?');
                (next.is_none_or(opens) || may_begin_mail(&bytes[at + 1..]))
                    && !self.text[at + 1..].starts_with('\u{338}')
            }
            b'~' => {
                self.deleted
                    || !(at == 0 || bytes[at - 1].is_ascii_whitespace())
                    || next.is_none_or(|byte| !byte.is_ascii_alphanumeric())
            }
            b'&' => is_reference(&bytes[at..]),
            b'|' => self.place == Place::Cell,
            b'#' => {
                self.place == Place::Heading && at + 1 == bytes.len() && ends_heading(&bytes[..at])
            }
            _ => false,
        }
    }

    /// Whether the byte would start another kind of block where a line starts.
    pub(super) fn starts_block(&self, at: usize) -> bool {
        let next = self.byte(at + 1);
        let blank = next.is_none_or(|byte| byte.is_ascii_whitespace());
        match self.byte(at) {
            Some(b'>') => true,
            Some(b'*') => blank,
            Some(b'~') => next == Some(b'~'),
            Some(b'|') => blank || matches!(next, Some(b'-' | b'|' | b':')),
            Some(b'#') => blank || next == Some(b'#'),
            Some(b'=') => blank || next == Some(b'='),
            Some(b'-') => blank || matches!(next, Some(b'-' | b'|' | b':')),
            Some(b'+') => blank,
            Some(b':') => next == Some(b'-'),
            // The box of a task, or a definition whose label ends where nothing can be escaped.
            Some(b'[') => {
                let end = self.text.floor_char_boundary(at + MAX_LABEL_BYTES);
                let is_box = matches!(next, Some(b' ' | b'x' | b'X'));
                is_box && self.byte(at + 2) == Some(b']') || self.text[at..end].contains("]:")
            }
            _ => false,
        }
    }
}

/// Where the `.` or `)` of an ordinal like `12.` stands.
pub(super) fn ordinal(bytes: &[u8]) -> Option<usize> {
    let digits = bytes.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    let ends = bytes.get(digits + 1).is_none_or(u8::is_ascii_whitespace);
    ((1..=9).contains(&digits) && matches!(bytes.get(digits), Some(b'.' | b')')) && ends)
        .then_some(digits)
}

/// Whether the `&` at the start could begin a character reference.
pub(super) fn is_reference(bytes: &[u8]) -> bool {
    let name = bytes[1..].iter().take(MAX_REFERENCE_BYTES);
    let length = name.take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#').count();
    length > 0 && bytes.get(1 + length) == Some(&b';')
}

/// Whether a `#` after `before` closes a heading: only such follow a blank.
fn ends_heading(before: &[u8]) -> bool {
    let last = before.iter().rev().find(|byte| **byte != b'#');
    last.is_none_or(u8::is_ascii_whitespace)
}

/// The length of the longest run of `mark`.
pub(super) fn longest_run(text: &str, mark: char) -> usize {
    text.split(|c| c != mark).map(str::len).max().unwrap_or(0)
}

/// What could be punctuation to CommonMark.
pub(super) fn is_mark(c: char) -> bool {
    !c.is_alphanumeric() && !c.is_whitespace()
}

/// What is certainly a blank or punctuation to CommonMark.
pub(super) fn is_edge(c: char) -> bool {
    c.is_whitespace()
        || c.is_ascii_punctuation()
        || matches!(c, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{203e}' | '«' | '»' | '¿' | '¡')
        || matches!(c, '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}')
}

/// Whether an address of mail may begin here, as far as the text goes: `<1&**@0>` is one, though its
/// stars were meant for what comes after (CommonMark 0.31, section 6.5, "email address").
fn may_begin_mail(after: &[u8]) -> bool {
    let is_of_one =
        |byte: &&u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(byte);
    let own = after.iter().take_while(is_of_one).count();
    own > 0 && matches!(after.get(own), None | Some(b'@'))
}
