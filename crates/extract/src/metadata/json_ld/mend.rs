//! Mends JSON that is nearly JSON.

use std::iter::Peekable;
use std::str::CharIndices;

/// Depth beyond which nothing is closed at the end; the reader refuses it anyway.
const MAX_DEPTH: usize = 128;

/// `script` with what generators get wrong put right as far as can be told: raw line ends and tabs
/// in strings, quotes in strings, escapes that do not exist, comments, commas too many or missing,
/// a missing end, quotes as references.
pub(super) fn mended(script: &str) -> String {
    // A template engine escaped the whole script.
    let unescaped;
    let script =
        if script.starts_with(['{', '[']) && !script.contains('"') && script.contains("&quot;") {
            unescaped = crate::reference::text(script).into_owned();
            unescaped.as_str()
        } else {
            script
        };
    let mut mender = Mender {
        script,
        chars: script.char_indices().peekable(),
        out: String::with_capacity(script.len() + 16),
        open: Vec::new(),
        last: '\0',
    };
    mender.run();
    mender.out
}

struct Mender<'s> {
    script: &'s str,
    chars: Peekable<CharIndices<'s>>,
    out: String,
    /// The brackets that close what is open.
    open: Vec<char>,
    /// The last character written outside of strings; `"` for a string.
    last: char,
}

impl Mender<'_> {
    fn run(&mut self) {
        while let Some((at, c)) = self.chars.next() {
            match c {
                '"' => self.string(),
                '/' if self.script[at..].starts_with("/*") => self.skip_past(at, "*/"),
                '/' if self.script[at..].starts_with("//") => self.skip_past(at, "\n"),
                '{' | '[' => {
                    self.separate();
                    if self.open.len() < MAX_DEPTH {
                        self.open.push(if c == '{' { '}' } else { ']' });
                    }
                    self.put(c);
                }
                '}' | ']' => self.close(c),
                ',' => {
                    // A comma needs a value before it and another one behind it.
                    let needed =
                        !self.open.is_empty() && !matches!(self.last, ',' | '{' | '[' | ':' | '\0');
                    if needed {
                        self.put(c);
                    }
                }
                ':' => self.put(c),
                c if c.is_whitespace() || c.is_control() || c == ';' || c == '\u{feff}' => {
                    self.out.push(' ');
                }
                _ => self.word(c),
            }
        }
        self.drop_comma();
        if self.last == ':' {
            self.out.push_str("null");
        }
        while let Some(bracket) = self.open.pop() {
            self.out.push(bracket);
        }
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.last = c;
    }

    /// Writes a comma where one value follows another.
    fn separate(&mut self) {
        if !self.open.is_empty() && matches!(self.last, '"' | '}' | ']' | 'w') {
            self.put(',');
        }
    }

    fn drop_comma(&mut self) {
        if self.last == ',' {
            let kept = self.out.trim_end().trim_end_matches(',').len();
            self.out.truncate(kept);
            self.last = '"';
        }
    }

    /// A closing bracket, if anything is open that it can close; the ones within are closed first.
    fn close(&mut self, bracket: char) {
        if !self.open.contains(&bracket) {
            return;
        }
        self.drop_comma();
        if self.last == ':' {
            self.out.push_str("null");
        }
        while let Some(open) = self.open.pop() {
            self.put(open);
            if open == bracket {
                break;
            }
        }
    }

    /// A number, `true`, `null`, or a name without quotes, which gets them.
    fn word(&mut self, first: char) {
        self.separate();
        let mut word = String::from(first);
        while let Some(&(_, c)) = self.chars.peek() {
            if c.is_whitespace() || matches!(c, ',' | ':' | '{' | '}' | '[' | ']' | '"' | ';') {
                break;
            }
            word.push(c);
            self.chars.next();
        }
        if serde_json::from_str::<serde_json::Value>(&word).is_ok() {
            self.out.push_str(&word);
        } else if word == "undefined" || word == "NaN" {
            self.out.push_str("null");
        } else {
            let quoted = serde_json::Value::from(word.trim_matches('\'')).to_string();
            self.out.push_str(&quoted);
        }
        self.last = 'w';
    }

    /// A string up to the quote that ends it.
    fn string(&mut self) {
        self.separate();
        self.out.push('"');
        self.last = '"';
        while let Some((at, c)) = self.chars.next() {
            match c {
                '"' if self.ends(at + 1) => break,
                '"' => self.out.push_str("\\\""),
                '\\' => self.escape(),
                '\n' | '\r' | '\t' => self.out.push(' '),
                c if c.is_control() => {}
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    /// The character behind a backslash.
    fn escape(&mut self) {
        let Some(&(at, c)) = self.chars.peek() else { return };
        match c {
            '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => {
                self.chars.next();
                self.out.push('\\');
                self.out.push(c);
            }
            'u' if self.script[at + 1..].bytes().take(4).filter(u8::is_ascii_hexdigit).count()
                == 4 =>
            {
                self.chars.next();
                self.out.push_str("\\u");
            }
            _ => {}
        }
    }

    /// Whether a quote that stands before `at` ends a string: a colon, a closing bracket or the
    /// end follows, or a comma with something behind it that can begin a member or a value.
    fn ends(&self, at: usize) -> bool {
        let rest = self.script[at..].trim_start();
        let Some(first) = rest.chars().next() else { return true };
        match first {
            ':' => self.open.last() == Some(&'}'),
            '}' | ']' => true,
            ',' => {
                let rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
                match rest.chars().next() {
                    // In an object a name must follow, which a colon follows in turn.
                    Some('"') if self.open.last() == Some(&'}') => {
                        let name = &rest[1..];
                        name.find('"')
                            .is_some_and(|end| name[end + 1..].trim_start().starts_with(':'))
                    }
                    Some(c) => {
                        matches!(c, '"' | '{' | '[' | '}' | ']' | '-' | '/')
                            || c.is_ascii_digit()
                            || rest.starts_with("true")
                            || rest.starts_with("false")
                            || rest.starts_with("null")
                    }
                    None => true,
                }
            }
            // The comma between two members is missing.
            '"' => {
                let name = &rest[1..];
                self.open.last() == Some(&'}')
                    && name
                        .find('"')
                        .is_some_and(|end| name[end + 1..].trim_start().starts_with(':'))
            }
            '/' => rest.starts_with("/*") || rest.starts_with("//"),
            _ => false,
        }
    }

    fn skip_past(&mut self, at: usize, end: &str) {
        let behind = self.script[at + 2..]
            .find(end)
            .map_or(self.script.len(), |found| at + 2 + found + end.len());
        while self.chars.peek().is_some_and(|&(here, _)| here < behind) {
            self.chars.next();
        }
    }
}
