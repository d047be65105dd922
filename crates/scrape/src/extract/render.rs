//! The content of a block as CommonMark, with GFM's strikethrough.

use super::inline::{CODE, DELETED, EMPHASIS, Inline, Run, STRONG, same_link};

/// Where the Markdown goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Lines of their own.
    Paragraph,
    /// One line that starts with `#`.
    Heading,
    /// One line between `|`.
    Cell,
}

/// Delimiters from the outermost to the innermost.
const DELIMITERS: [(u8, &str); 3] = [(STRONG, "**"), (EMPHASIS, "*"), (DELETED, "~~")];

/// The longest name of a character reference has 31 letters.
const MAX_REFERENCE_BYTES: usize = 32;

/// So many runs are looked through for the end of an emphasis, which keeps it linear.
const LOOK_AHEAD_RUNS: usize = 64;

/// Appends the Markdown of `inline` to `out`; stops after `cap` bytes.
pub(super) fn render(inline: &Inline, place: Place, cap: usize, out: &mut String) {
    let runs: Vec<(usize, &Run)> = inline.runs().collect();
    let limit = out.len().saturating_add(cap);
    let mut writer = Writer {
        text: inline.text(),
        place,
        out,
        open: Vec::new(),
        given_up: 0,
        line_start: place == Place::Paragraph,
    };
    let mut from = 0;
    while from < runs.len() && writer.out.len() < limit {
        let same = |(_, run): &&(usize, &Run)| same_link(&run.look, &runs[from].1.look);
        let group = &runs[from..from + runs[from..].iter().take_while(same).count()];
        let before = runs[..from].last();
        let after = runs.get(from + group.len());
        writer.group(group, before.is_some(), after.map(|(start, run)| (*start, *run)), limit);
        from += group.len();
    }
}

struct Writer<'a> {
    text: &'a str,
    place: Place,
    out: &'a mut String,
    /// Delimiters that wait for their end.
    open: Vec<(u8, &'static str)>,
    /// Styles that CommonMark could not express where they began; until they end.
    given_up: u8,
    line_start: bool,
}

impl Writer<'_> {
    /// Runs of one link, or of none.
    fn group(
        &mut self,
        runs: &[(usize, &Run)],
        inner: bool,
        after: Option<(usize, &Run)>,
        limit: usize,
    ) {
        let link = runs.first().and_then(|(_, run)| run.look.link.clone());
        if link.is_some() {
            // "!" before a link would make it an image.
            if inner && self.out.ends_with('!') && !self.out.ends_with("\\!") {
                self.out.pop();
                self.out.push_str("\\!");
            }
            self.out.push('[');
            self.line_start = false;
        }
        for (nth, (start, run)) in runs.iter().enumerate() {
            if self.out.len() >= limit {
                break;
            }
            let beyond = if link.is_some() {
                Some(']')
            } else {
                after.map(|(at, run)| self.first_char(at, run))
            };
            self.styles(runs, nth, beyond);
            match &run.look.image {
                Some(source) => self.image(*start, run, source),
                None if run.look.style & CODE != 0 => self.code(&self.text[*start..run.end]),
                None => self.escaped(*start, run.end),
            }
        }
        self.close_all();
        self.given_up = 0;
        if let Some(link) = link {
            self.out.push_str("](");
            destination(&link, self.place, self.out);
            self.out.push(')');
        }
    }

    /// What the reader of the Markdown sees first of a run.
    fn first_char(&self, start: usize, run: &Run) -> char {
        match (&run.look.image, run.look.style & CODE) {
            (Some(_), _) => '!',
            (None, 0) if run.look.link.is_some() => '[',
            (None, 0) => self.text[start..].chars().next().unwrap_or(' '),
            _ => '`',
        }
    }

    /// Closes and opens delimiters for the `nth` run.
    fn styles(&mut self, runs: &[(usize, &Run)], nth: usize, beyond: Option<char>) {
        let wanted = runs[nth].1.look.style;
        self.given_up &= wanted;
        while self.open.iter().any(|(style, _)| wanted & style == 0) {
            let (_, delimiter) = self.open.pop().expect("any() found one");
            self.out.push_str(delimiter);
        }
        for (style, delimiter) in DELIMITERS {
            let is_open = self.open.iter().any(|(open, _)| *open == style);
            if wanted & style == 0 || is_open || self.given_up & style != 0 {
                continue;
            }
            if self.can_emphasise(runs, nth, style, beyond) {
                self.out.push_str(delimiter);
                self.open.push((style, delimiter));
                self.line_start = false;
            } else {
                self.given_up |= style;
            }
        }
    }

    /// Whether delimiters around the runs from `nth` on that have `style` would be read as such
    /// (CommonMark 0.31, section 6.2: left- and right-flanking).
    fn can_emphasise(
        &self,
        runs: &[(usize, &Run)],
        nth: usize,
        style: u8,
        beyond: Option<char>,
    ) -> bool {
        let (start, run) = runs[nth];
        let before = self.out.chars().next_back().unwrap_or('\n');
        let opens_after_delimiter = self.open.is_empty() && matches!(before, '*' | '~');
        let first = self.first_char(start, run);
        if opens_after_delimiter || first.is_whitespace() || (is_mark(first) && is_word(before)) {
            return false;
        }
        let rest = &runs[nth..];
        let Some(length) =
            rest.iter().take(LOOK_AHEAD_RUNS).position(|(_, run)| run.look.style & style == 0)
        else {
            // It goes on to the end of the group, or for longer than we look.
            let last = rest.last().expect("the run itself is there").1;
            return rest.len() > LOOK_AHEAD_RUNS || self.can_close(last, beyond.unwrap_or('\n'));
        };
        let (next_start, next) = rest[length];
        self.can_close(rest[length - 1].1, self.first_char(next_start, next))
    }

    fn can_close(&self, last: &Run, after: char) -> bool {
        let end = match (&last.look.image, last.look.style & CODE) {
            (Some(_), _) => ')',
            (None, 0) => self.text[..last.end].chars().next_back().unwrap_or(' '),
            _ => '`',
        };
        !(end.is_whitespace() || is_mark(end) && is_word(after))
    }

    fn close_all(&mut self) {
        while let Some((_, delimiter)) = self.open.pop() {
            self.out.push_str(delimiter);
        }
    }

    fn image(&mut self, start: usize, run: &Run, source: &str) {
        self.line_start = false;
        self.out.push_str("![");
        self.escaped(start, run.end);
        self.out.push_str("](");
        destination(source, self.place, self.out);
        self.out.push(')');
    }

    fn code(&mut self, text: &str) {
        self.line_start = false;
        let text = text.replace('\n', " ");
        let fence = "`".repeat(longest_backticks(&text) + 1);
        let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
        self.out.push_str(&fence);
        self.out.push_str(pad);
        match self.place {
            Place::Cell => self.out.push_str(&text.replace('|', "\\|")),
            _ => self.out.push_str(&text),
        }
        self.out.push_str(pad);
        self.out.push_str(&fence);
    }

    /// Text with every character escaped that Markdown would take for its own.
    fn escaped(&mut self, start: usize, end: usize) {
        let bytes = self.text.as_bytes();
        let mut copied = start;
        for at in start..end {
            let byte = bytes[at];
            if byte == b'\n' {
                self.out.push_str(&self.text[copied..at]);
                copied = at + 1;
                self.out.push_str(if self.place == Place::Paragraph { "\\\n" } else { " " });
                self.line_start = self.place == Place::Paragraph;
                continue;
            }
            let line_start = std::mem::take(&mut self.line_start);
            if (line_start && self.starts_block(at)) || self.is_special(at, end) {
                self.out.push_str(&self.text[copied..at]);
                copied = at;
                self.out.push('\\');
            } else if line_start
                && byte.is_ascii_digit()
                && let Some(dot) = ordinal(&bytes[at..])
            {
                self.out.push_str(&self.text[copied..at + dot]);
                copied = at + dot;
                self.out.push('\\');
            }
        }
        self.out.push_str(&self.text[copied..end]);
    }

    fn is_special(&self, at: usize, end: usize) -> bool {
        let bytes = self.text.as_bytes();
        let next = bytes.get(at + 1).copied();
        match bytes[at] {
            b'\\' | b'`' | b'*' | b'[' | b']' | b'<' | b'~' => true,
            b'_' => {
                let word =
                    |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80);
                !(at > 0 && word(bytes.get(at - 1)) && word(bytes.get(at + 1)))
            }
            b'&' => is_reference(&bytes[at..]),
            b'!' => next == Some(b'[') || at + 1 == end,
            b'|' => self.place == Place::Cell,
            b'#' => self.place == Place::Heading && at + 1 == bytes.len(),
            _ => false,
        }
    }

    /// Whether the byte would start another kind of block where a line starts.
    fn starts_block(&self, at: usize) -> bool {
        let bytes = self.text.as_bytes();
        let next = bytes.get(at + 1).copied();
        match bytes[at] {
            b'>' | b'=' | b'#' | b'|' => true,
            b'-' => next.is_none_or(|b| matches!(b, b' ' | b'-' | b'\n' | b'|' | b':')),
            b'+' => next.is_none_or(|b| matches!(b, b' ' | b'\n')),
            b':' => next == Some(b'-'),
            _ => false,
        }
    }
}

/// Where the `.` or `)` of an ordinal like `12.` stands.
fn ordinal(bytes: &[u8]) -> Option<usize> {
    let digits = bytes.iter().take(10).take_while(|b| b.is_ascii_digit()).count();
    let ends = bytes.get(digits + 1).is_none_or(|b| matches!(b, b' ' | b'\n'));
    (digits <= 9 && matches!(bytes.get(digits), Some(b'.' | b')')) && ends).then_some(digits)
}

/// Whether the `&` at the start could begin a character reference.
fn is_reference(bytes: &[u8]) -> bool {
    let name = bytes[1..].iter().take(MAX_REFERENCE_BYTES);
    let length = name.take_while(|b| b.is_ascii_alphanumeric() || **b == b'#').count();
    length > 0 && bytes.get(1 + length) == Some(&b';')
}

/// The length of the longest run of backticks.
pub(super) fn longest_backticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric()
}

fn is_mark(c: char) -> bool {
    !c.is_alphanumeric() && !c.is_whitespace()
}

/// A serialised URL has no blanks and no control characters.
fn destination(url: &str, place: Place, out: &mut String) {
    let bytes = url.as_bytes();
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let replacement = match byte {
            b'(' | b')' | b'\\' => "\\",
            b'&' if is_reference(&bytes[at..]) => "\\",
            b'`' => "%60",
            b'<' => "%3C",
            b'>' => "%3E",
            b'|' if place == Place::Cell => "%7C",
            _ => continue,
        };
        out.push_str(&url[copied..at]);
        out.push_str(replacement);
        copied = if replacement == "\\" { at } else { at + 1 };
    }
    out.push_str(&url[copied..]);
}
