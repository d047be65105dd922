//! The words that PDF is written in (ISO 32000-1, section 7.2), both in files and in content
//! streams.
//!
//! Values are slices of their source and are taken apart when somebody asks. Nothing recurses:
//! brackets are counted.

use std::cell::Cell;

/// What may be done for one document, in bytes looked at; every word read is paid for.
#[derive(Debug)]
pub(super) struct Work(Cell<u64>);

impl Work {
    pub(super) fn new(bytes: u64) -> Self {
        Self(Cell::new(bytes))
    }

    /// Pays for so many bytes; false when they cannot be paid any more.
    pub(super) fn spend(&self, bytes: usize) -> bool {
        let left = self.0.get().checked_sub(bytes as u64);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// One word.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Number(f64),
    /// Without the slash, as written.
    Name(&'a [u8]),
    /// What is between the parentheses, as written.
    Literal(&'a [u8]),
    /// What is between the angle brackets, as written.
    Hex(&'a [u8]),
    Open(Bracket),
    Close(Bracket),
    Word(&'a [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bracket {
    Array,
    Dict,
}

/// A value as it stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Null,
    Number(f64),
    Name(&'a [u8]),
    Literal(&'a [u8]),
    Hex(&'a [u8]),
    Array(Array<'a>),
    Dict(Dict<'a>),
    /// The number of an object.
    Reference(u32),
}

/// An operand or an operator of a content stream.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'a> {
    Operand(Value<'a>),
    Operator(&'a [u8]),
}

#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    data: &'a [u8],
    at: usize,
    work: &'a Work,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(data: &'a [u8], work: &'a Work) -> Self {
        Self { data, at: 0, work }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn token(&mut self) -> Option<Token<'a>> {
        let begun = self.at;
        let token = self.read();
        // At the end everything has been read.
        self.work.spend(1 + self.at - begun).then_some(token).flatten()
    }

    fn read(&mut self) -> Option<Token<'a>> {
        self.skip_blanks();
        let data = self.data;
        let rest = &data[self.at..];
        Some(match rest {
            [] => return None,
            [b'<', b'<', ..] => self.bracket(2, Token::Open(Bracket::Dict)),
            [b'>', b'>', ..] => self.bracket(2, Token::Close(Bracket::Dict)),
            [b'[', ..] => self.bracket(1, Token::Open(Bracket::Array)),
            [b']', ..] => self.bracket(1, Token::Close(Bracket::Array)),
            [b'<', inside @ ..] => {
                let length = memchr::memchr(b'>', inside).unwrap_or(inside.len());
                self.at = (self.at + length + 2).min(data.len());
                Token::Hex(&inside[..length])
            }
            [b'(', ..] => self.literal(),
            [b'/', name @ ..] => {
                let length = name.iter().position(|&b| !is_regular(b)).unwrap_or(name.len());
                self.at += 1 + length;
                Token::Name(&name[..length])
            }
            // A closing bracket that nothing has opened, or a brace.
            [byte, ..] if !is_regular(*byte) => self.bracket(1, Token::Word(&rest[..1])),
            _ => {
                let length = rest.iter().position(|&b| !is_regular(b)).unwrap_or(rest.len());
                self.at += length;
                let word = &rest[..length];
                number(word).map_or(Token::Word(word), Token::Number)
            }
        })
    }

    fn bracket(&mut self, length: usize, token: Token<'a>) -> Token<'a> {
        self.at += length;
        token
    }

    /// A string; parentheses in it are balanced or escaped.
    fn literal(&mut self) -> Token<'a> {
        let data = self.data;
        let start = self.at + 1;
        let mut depth = 1_u32;
        let mut at = start;
        while at < data.len() {
            match data[at] {
                b'\\' => at += 1,
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at = at + 1;
                return Token::Literal(&data[start..at]);
            }
            at += 1;
        }
        self.at = data.len();
        Token::Literal(&data[start..])
    }

    fn skip_blanks(&mut self) {
        while let Some(&byte) = self.data.get(self.at) {
            if byte == b'%' {
                let rest = &self.data[self.at..];
                self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            } else if is_blank(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// The next value of a file, in which references may occur. A stray word is null.
    pub(super) fn value(&mut self) -> Option<Value<'a>> {
        let token = self.token()?;
        if let Token::Number(number) = token
            && let Some(id) = whole(number)
            && let Some(reference) = self.reference(id)
        {
            return Some(reference);
        }
        Some(self.value_of(token).unwrap_or(Value::Null))
    }

    fn reference(&mut self, id: u32) -> Option<Value<'a>> {
        let mut ahead = self.clone();
        // Only a digit can begin what makes a reference of a number.
        ahead.skip_blanks();
        if !ahead.data.get(ahead.at).is_some_and(u8::is_ascii_digit) {
            return None;
        }
        let Token::Number(generation) = ahead.token()? else { return None };
        whole(generation)?;
        ahead.skip_blanks();
        let rest = &ahead.data[ahead.at..];
        let is_reference =
            rest.first() == Some(&b'R') && rest.get(1).is_none_or(|&b| !is_regular(b));
        is_reference.then(|| {
            self.at = ahead.at + 1;
            Value::Reference(id)
        })
    }

    /// The next operand or operator of a content stream.
    pub(super) fn part(&mut self) -> Option<Part<'a>> {
        let token = self.token()?;
        Some(match token {
            Token::Word(word) => Part::Operator(word),
            _ => Part::Operand(self.value_of(token).unwrap_or(Value::Null)),
        })
    }

    /// The value that begins with a word; none for one that is no value.
    fn value_of(&mut self, token: Token<'a>) -> Option<Value<'a>> {
        Some(match token {
            Token::Number(number) => Value::Number(number),
            Token::Name(name) => Value::Name(name),
            Token::Literal(body) => Value::Literal(body),
            Token::Hex(body) => Value::Hex(body),
            Token::Open(Bracket::Array) => {
                Value::Array(Array { data: self.inside(), work: self.work })
            }
            Token::Open(Bracket::Dict) => {
                Value::Dict(Dict { data: self.inside(), work: self.work })
            }
            Token::Close(_) | Token::Word(_) => return None,
        })
    }

    /// What is before the bracket that closes the one just read, or all that is left.
    fn inside(&mut self) -> &'a [u8] {
        let start = self.at;
        let mut depth = 1_u32;
        loop {
            let end = self.at;
            match self.token() {
                Some(Token::Open(_)) => depth += 1,
                Some(Token::Close(_)) => depth -= 1,
                None => return &self.data[start..],
                _ => {}
            }
            if depth == 0 {
                return &self.data[start..end];
            }
        }
    }

    /// Passes an inline image, of which `BI` has been read: its end is a word of its own.
    pub(super) fn skip_image(&mut self) {
        while let Some(token) = self.token() {
            if token == Token::Word(b"ID") {
                break;
            }
        }
        let start = self.at;
        for place in memchr::memmem::find_iter(&self.data[start..], b"EI") {
            let (before, after) = (start + place, start + place + 2);
            let is_word = is_blank(self.data[before - 1])
                && self.data.get(after).is_none_or(|&b| is_blank(b));
            if is_word {
                self.at = after;
                self.work.spend(after - start);
                return;
            }
        }
        self.work.spend(self.data.len() - start);
        self.at = self.data.len();
    }

    /// Whether the next word is this one, which is then read.
    pub(super) fn word(&mut self, word: &[u8]) -> bool {
        let before = self.at;
        let is_it = self.token() == Some(Token::Word(word));
        if !is_it {
            self.at = before;
        }
        is_it
    }
}

/// The values between two brackets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Array<'a> {
    data: &'a [u8],
    work: &'a Work,
}

impl<'a> Array<'a> {
    pub(super) fn values(self) -> impl Iterator<Item = Value<'a>> {
        let mut lexer = Lexer::new(self.data, self.work);
        std::iter::from_fn(move || lexer.value())
    }

    /// The operands of a content stream, in which nothing is a reference.
    pub(super) fn operands(self) -> impl Iterator<Item = Value<'a>> {
        let mut lexer = Lexer::new(self.data, self.work);
        std::iter::from_fn(move || match lexer.part()? {
            Part::Operand(value) => Some(value),
            Part::Operator(_) => Some(Value::Null),
        })
    }
}

/// Keys and values between two brackets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dict<'a> {
    data: &'a [u8],
    work: &'a Work,
}

impl<'a> Dict<'a> {
    pub(super) fn empty(work: &'a Work) -> Self {
        Self { data: &[], work }
    }

    /// The value of a key as it stands; null where there is none.
    pub(super) fn get(self, key: &str) -> Value<'a> {
        self.entries().find(|(own, _)| is_name(own, key)).map_or(Value::Null, |(_, value)| value)
    }

    /// Names and values, in order.
    pub(super) fn entries(self) -> impl Iterator<Item = (&'a [u8], Value<'a>)> {
        let mut lexer = Lexer::new(self.data, self.work);
        std::iter::from_fn(move || {
            loop {
                // What is no name where a key should be is passed by.
                if let Token::Name(name) = lexer.token()? {
                    return Some((name, lexer.value()?));
                }
            }
        })
    }
}

impl<'a> Value<'a> {
    pub(super) fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn whole(self) -> Option<u32> {
        self.number().and_then(whole)
    }

    pub(super) fn is(self, name: &str) -> bool {
        matches!(self, Self::Name(own) if is_name(own, name))
    }

    /// The bytes of a string.
    pub(super) fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Literal(body) => Some(unescaped(body)),
            Self::Hex(body) => Some(from_hex(body)),
            _ => None,
        }
    }
}

/// Whether a name as written is this one; any of its characters may be written as `#` and its
/// number.
pub(super) fn is_name(raw: &[u8], name: &str) -> bool {
    match memchr::memchr(b'#', raw) {
        None => raw == name.as_bytes(),
        Some(_) => name_of(raw) == name.as_bytes(),
    }
}

/// A name with its numbers replaced.
pub(super) fn name_of(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        let digits = raw.get(at + 1..at + 3).and_then(|two| Some((hex(two[0])?, hex(two[1])?)));
        match digits.filter(|_| byte == b'#') {
            Some((high, low)) => {
                out.push(high << 4 | low);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

fn unescaped(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut bytes = body.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(escaped) = bytes.next() else { break };
        out.push(match escaped {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            b'0'..=b'7' => {
                let mut code = u32::from(escaped - b'0');
                for _ in 0..2 {
                    let Some(digit) = bytes.next_if(|b| matches!(b, b'0'..=b'7')) else { break };
                    code = code * 8 + u32::from(digit - b'0');
                }
                code as u8
            }
            // A line goes on in the next one.
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                continue;
            }
            b'\n' => continue,
            other => other,
        });
    }
    out
}

fn from_hex(body: &[u8]) -> Vec<u8> {
    let mut digits = body.iter().filter_map(|&byte| hex(byte));
    let mut out = Vec::with_capacity(body.len() / 2 + 1);
    while let Some(high) = digits.next() {
        out.push(high << 4 | digits.next().unwrap_or(0));
    }
    out
}

fn hex(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// A number as PDF writes them: no exponents. What begins as one and goes on otherwise is a word.
fn number(word: &[u8]) -> Option<f64> {
    let digits = word.strip_prefix(b"-").or(word.strip_prefix(b"+")).unwrap_or(word);
    // Some writers put two signs.
    let digits = digits.strip_prefix(b"-").unwrap_or(digits);
    if !digits.iter().all(|b| b.is_ascii_digit() || *b == b'.')
        || !digits.iter().any(u8::is_ascii_digit)
    {
        return None;
    }
    let value: f64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(if word[0] == b'-' { -value } else { value })
}

/// A number that is a whole one and not negative.
fn whole(number: f64) -> Option<u32> {
    let is_whole = number >= 0.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0;
    is_whole.then_some(number as u32)
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

fn is_regular(byte: u8) -> bool {
    !is_blank(byte)
        && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_names() {
        for (source, expected) in [
            ("(a(b)c)", &b"a(b)c"[..]),
            (r"(\(\)\\\n\101\0613\7)", b"()\\\nA13\x07"),
            ("(a\\\r\nb\\\nc)", b"abc"),
            ("(open", b"open"),
            ("(\\", b""),
            ("<4 1 42 5>", b"ABP"),
            ("<>", b""),
            ("<41", b"A"),
        ] {
            let work = Work::new(1_000);
            let value = Lexer::new(source.as_bytes(), &work).value().unwrap();
            assert_eq!(value.bytes().as_deref(), Some(expected), "{source}");
        }
        assert!(is_name(b"A#42#", "AB#") && !is_name(b"A#42", "A#42"));
    }

    #[test]
    fn values_of_a_dictionary() {
        let work = Work::new(10_000);
        let source = b"<</A 1 /B 2 0 R/C[1 2 0 R<</D 3>>]/E<</A 4>>junk/F -.5/G(x)%/A 9\n/H true>>";
        let Some(Value::Dict(dict)) = Lexer::new(source, &work).value() else { panic!() };
        assert_eq!(dict.get("A").whole(), Some(1));
        assert!(matches!(dict.get("B"), Value::Reference(2)));
        let Value::Array(array) = dict.get("C") else { panic!() };
        assert_eq!(array.values().count(), 3);
        assert_eq!(dict.get("F").number(), Some(-0.5));
        assert_eq!(dict.get("G").bytes().as_deref(), Some(&b"x"[..]));
        assert!(matches!(dict.get("D"), Value::Null) && matches!(dict.get("H"), Value::Null));
    }

    #[test]
    fn work_is_paid_for() {
        let work = Work::new(1_000_000);
        let nested = [&b"[".repeat(100_000)[..], &b"]".repeat(100_000)].concat();
        let Some(Value::Array(array)) = Lexer::new(&nested, &work).value() else { panic!() };
        assert_eq!(array.values().count(), 1);
        assert!(!work.is_spent());
        while array.values().count() > 0 {}
        assert!(work.is_spent());
    }

    #[test]
    fn an_image_within_a_line() {
        let work = Work::new(1_000);
        let mut lexer = Lexer::new(b"BI /W 1 ID xEIEI EIx\0 EI Q BI ID", &work);
        assert!(lexer.word(b"BI"));
        lexer.skip_image();
        assert!(lexer.word(b"Q") && lexer.word(b"BI"));
        lexer.skip_image();
        assert!(lexer.part().is_none());
    }
}
