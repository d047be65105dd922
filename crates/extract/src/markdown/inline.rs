//! The content of a block as CommonMark, with GFM's strikethrough.

use super::Target;
use super::address::destination;
use super::escape::{Context, Place, is_edge, is_mark, longest_run, ordinal};
use crate::writer::inline::{CODE, DELETED, EMPHASIS, Inline, Look, Run, STRONG};

/// Delimiters from the outermost to the innermost.
const DELIMITERS: [(u8, &str); 3] = [(STRONG, "**"), (EMPHASIS, "*"), (DELETED, "~~")];

/// So many runs are looked through for the end of an emphasis, which keeps it linear.
const LOOK_AHEAD_RUNS: usize = 64;

/// Appends the Markdown of `inline` to `out`; stops after `cap` bytes and says whether it did.
pub(super) fn render(
    inline: &Inline,
    place: Place,
    target: &Target<'_, '_>,
    cap: usize,
    out: &mut String,
) -> bool {
    let runs = inline.runs();
    let limit = out.len().saturating_add(cap);
    let mut writer = Writer::new(inline.text(), place, target, out);
    let mut from = 0;
    while from < runs.len() {
        if writer.out.len() >= limit {
            return true;
        }
        let link = runs[from].look.link;
        let same = runs[from..].iter().take_while(|run| run.look.link == link).count();
        let start = if from == 0 { 0 } else { runs[from - 1].end };
        let after = runs.get(from + same).map(|run| (runs[from + same - 1].end, *run));
        writer.group(&runs[from..from + same], start, after, limit);
        from += same;
    }
    false
}

/// Appends an image's alternative text.
pub(super) fn alt(text: &str, place: Place, target: &Target<'_, '_>, out: &mut String) {
    let mut writer = Writer::new(text, place, target, out);
    writer.line_start = false;
    writer.escaped(0, text.len(), true);
}

struct Writer<'a> {
    text: &'a str,
    place: Place,
    target: &'a Target<'a, 'a>,
    out: &'a mut String,
    /// Where the block starts in `out`.
    start: usize,
    /// Delimiters that wait for their end.
    open: Vec<(u8, &'static str)>,
    /// Where a delimiter was written last that opened or closed something.
    opened_at: usize,
    closed_at: usize,
    /// Styles that CommonMark could not express where they began; until they end.
    given_up: u8,
    line_start: bool,
    /// Where in the text an ordinal ends that stands where a line starts, perhaps in a later run.
    dot: Option<usize>,
}

impl<'a> Writer<'a> {
    fn new(text: &'a str, place: Place, target: &'a Target<'a, 'a>, out: &'a mut String) -> Self {
        Self {
            text,
            place,
            target,
            start: out.len(),
            out,
            open: Vec::new(),
            opened_at: usize::MAX,
            closed_at: usize::MAX,
            given_up: 0,
            line_start: place == Place::Paragraph,
            dot: None,
        }
    }

    /// Runs of one link, or of none.
    fn group(&mut self, runs: &[Run], start: usize, after: Option<(usize, Run)>, limit: usize) {
        let link = runs[0].look.link;
        let end = runs.last().map_or(start, |run| run.end);
        let address = if link == 0 {
            None
        } else {
            self.target.link(link, &self.text[start..end], self.place == Place::Heading)
        };
        if address.is_some() {
            // "!" before a link would make it an image.
            if let Some(before) = self.out[self.start..].strip_suffix('!') {
                let backslashes = before.len() - before.trim_end_matches('\\').len();
                if backslashes.is_multiple_of(2) {
                    self.out.pop();
                    self.out.push_str("\\!");
                }
            }
            self.out.push('[');
            self.line_start = false;
        }
        let linked = address.is_some();
        let mut start = start;
        for (nth, run) in runs.iter().enumerate() {
            if self.out.len() >= limit {
                break;
            }
            let beyond = if linked {
                Some(']')
            } else {
                after.map(|(at, run)| self.first_char(at, &run.look))
            };
            self.styles(runs, nth, start, beyond);
            if run.look.image != 0 {
                self.line_start = false;
                self.target.image(run.look.image, self.place, self.out);
            } else if self.is_code(run, start, linked) {
                self.code(&self.text[start..run.end]);
            } else {
                self.escaped(start, run.end, linked);
            }
            start = run.end;
        }
        self.close_all();
        self.given_up = 0;
        if let Some(address) = address {
            self.out.push_str("](");
            destination(&address, self.place, self.out);
            self.out.push(')');
        }
    }

    /// Whether a run is written as a code span: none in a link that could be read as the label of
    /// a definition, since nothing is escaped in it.
    fn is_code(&self, run: &Run, start: usize, linked: bool) -> bool {
        run.look.style & CODE != 0 && !(linked && self.text[start..run.end].contains("]:"))
    }

    /// What the reader of the Markdown sees first of a run.
    fn first_char(&self, start: usize, look: &Look) -> char {
        if look.image != 0 {
            '!'
        } else if look.style & CODE != 0 {
            '`'
        } else {
            self.text[start..].chars().next().unwrap_or(' ')
        }
    }

    /// Closes and opens delimiters for the `nth` run, which starts at `start`.
    fn styles(&mut self, runs: &[Run], nth: usize, start: usize, beyond: Option<char>) {
        let wanted = runs[nth].look.style;
        self.given_up &= wanted;
        while self.open.iter().any(|(style, _)| wanted & style == 0) {
            self.close();
        }
        for (style, delimiter) in DELIMITERS {
            let is_open = self.open.iter().any(|(open, _)| *open == style);
            if wanted & style == 0 || is_open || self.given_up & style != 0 {
                continue;
            }
            if self.can_emphasise(runs, nth, start, style, beyond) {
                self.out.push_str(delimiter);
                self.open.push((style, delimiter));
                self.opened_at = self.out.len();
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
        runs: &[Run],
        nth: usize,
        start: usize,
        style: u8,
        beyond: Option<char>,
    ) -> bool {
        if self.closed_at == self.out.len() {
            return false;
        }
        let before = self.out[self.start..].chars().next_back().unwrap_or('\n');
        // Delimiters of the other kind within these ones stand between them and the text.
        let within = style != DELETED && runs[nth].look.style & DELETED != 0;
        let first = self.first_char(start, &runs[nth].look);
        if first.is_whitespace() || ((within || is_mark(first)) && !is_edge(before)) {
            return false;
        }
        // It could be read as the end of what is open.
        let ends = !before.is_whitespace() && (!is_mark(before) || within || is_mark(first));
        let starts_with_open = self.opened_at == self.out.len();
        if ends && !starts_with_open && !self.open.is_empty() {
            return false;
        }
        let rest = &runs[nth..];
        let with = rest.iter().take(LOOK_AHEAD_RUNS).take_while(|run| run.look.style & style != 0);
        let length = with.count();
        let last = &rest[length - 1];
        match rest.get(length) {
            // It goes on for longer than we look.
            Some(next) if next.look.style & style != 0 => true,
            Some(next) => self.can_close(style, last, self.first_char(last.end, &next.look)),
            None => self.can_close(style, last, beyond.unwrap_or('\n')),
        }
    }

    fn can_close(&self, style: u8, last: &Run, after: char) -> bool {
        let others = if style == DELETED { STRONG | EMPHASIS } else { DELETED };
        let within = last.look.style & others != 0;
        let end = if last.look.image != 0 {
            ')'
        } else if last.look.style & CODE != 0 {
            '`'
        } else {
            self.text[..last.end].chars().next_back().unwrap_or(' ')
        };
        !(end.is_whitespace() || ((within || is_mark(end)) && !is_edge(after)))
    }

    fn close(&mut self) {
        if let Some((_, delimiter)) = self.open.pop() {
            self.out.push_str(delimiter);
            self.closed_at = self.out.len();
        }
    }

    fn close_all(&mut self) {
        while !self.open.is_empty() {
            self.close();
        }
    }

    fn code(&mut self, text: &str) {
        self.line_start = false;
        let text = text.replace('\n', " ");
        let fence = "`".repeat(longest_run(&text, '`') + 1);
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
    fn escaped(&mut self, start: usize, end: usize, linked: bool) {
        let deleted = self.open.iter().any(|(style, _)| *style == DELETED)
            || self.out[self.start..].ends_with('~');
        let context = Context { text: self.text, start, end, place: self.place, linked, deleted };
        let bytes = self.text.as_bytes();
        let mut copied = start;
        for at in start..end {
            let byte = bytes[at];
            let line_start = self.line_start;
            self.line_start = false;
            if byte == b'\n' {
                self.out.push_str(&self.text[copied..at]);
                copied = at + 1;
                self.out.push_str(if self.place == Place::Paragraph { "  \n" } else { " " });
                self.line_start = self.place == Place::Paragraph;
            } else if line_start && byte.is_ascii_digit() {
                self.dot = ordinal(&bytes[at..]).map(|dot| at + dot);
            } else if self.dot == Some(at)
                || (line_start && context.starts_block(at))
                || (byte.is_ascii_punctuation() && context.is_special(at))
            {
                self.out.push_str(&self.text[copied..at]);
                copied = at;
                self.out.push('\\');
            }
        }
        self.out.push_str(&self.text[copied..end]);
    }
}
