//! Lines and paragraphs of what is drawn on pages.
//!
//! Text is taken in the order in which it is drawn, which is nearly always the order in which it
//! is read; distances say where words, lines and paragraphs end. Lengths are in the size of the
//! letters around.

use crate::pdf::geometry::Point;

/// A gap this wide is a blank.
const BLANK: f64 = 0.17;

/// What is drawn this far to the left of where the line ended begins another line.
const BACK: f64 = -0.6;

/// Letters this far above or below are in the same line still: exponents and indices.
const RAISED: f64 = 0.45;

/// Lines further apart than this are in different paragraphs.
const LEADING: f64 = 1.75;

/// A line of this size against the last one's is of another paragraph.
const OTHER_SIZE: f64 = 1.15;

/// A line that ends in this part of its paragraph's width goes on in the next one.
const FULL: f64 = 0.8;

const END_OF_LIST: &str = "</ul>\n";

/// Text drawn in one go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'t> {
    pub(super) text: &'t str,
    pub(super) start: Point,
    pub(super) end: Point,
    /// The way it is written, of length 1.
    pub(super) along: Point,
    pub(super) size: f64,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    start: Point,
    end: Point,
    along: Point,
    size: f64,
}

#[derive(Clone, Debug)]
struct Line {
    text: String,
    /// Where it begins and ends on its way.
    from: f64,
    to: f64,
}

/// The pages as HTML under construction.
#[derive(Debug)]
pub(super) struct Layout {
    html: String,
    most_bytes: usize,
    /// The lines of the paragraph.
    lines: Vec<Line>,
    /// Bytes in `lines`.
    held: usize,
    last: Option<Last>,
    last_text: String,
    is_cut: bool,
}

impl Layout {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            html: String::new(),
            most_bytes,
            lines: Vec::new(),
            held: 0,
            last: None,
            last_text: String::new(),
            is_cut: false,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.is_cut
    }

    /// The HTML, and whether something is missing.
    pub(super) fn finish(mut self) -> (String, bool) {
        self.end_paragraph();
        (self.html, self.is_cut)
    }

    pub(super) fn end_page(&mut self) {
        self.end_paragraph();
        self.last = None;
    }

    pub(super) fn push(&mut self, run: Run<'_>) {
        if self.held + self.html.len() + run.text.len() > self.most_bytes {
            self.is_cut = true;
        }
        if self.is_cut || run.text.is_empty() {
            return;
        }
        let Some(last) = self.last else { return self.begin_line(run) };
        let em = run.size.max(last.size).max(f64::MIN_POSITIVE);
        let gap = run.start.minus(last.end);
        let (ahead, down) = (gap.dot(run.along) / em, -run.along.cross(gap) / em);
        let moved = run.start.minus(last.start);
        // The same once more beside itself is how bold letters are faked.
        if run.text == self.last_text
            && moved.dot(moved) < (0.15 * em) * (0.15 * em)
            && run.text.trim() != ""
        {
            return;
        }
        let is_turned = run.along.dot(last.along) < 0.99;
        if !is_turned && down.abs() < RAISED && ahead > BACK {
            if ahead > BLANK {
                self.blank();
            }
            self.append(run);
            return;
        }
        let ratio = run.size.max(last.size) / run.size.min(last.size).max(f64::MIN_POSITIVE);
        let is_next = !is_turned && down > 0.0 && down < LEADING && ratio < OTHER_SIZE;
        let is_beside = !is_turned && down.abs() < RAISED;
        if !(is_next || is_beside) || is_item(run.text) {
            self.end_paragraph();
        }
        self.begin_line(run);
    }

    fn begin_line(&mut self, run: Run<'_>) {
        let from = run.start.dot(run.along);
        self.lines.push(Line { text: String::new(), from, to: from });
        self.append(run);
    }

    fn append(&mut self, run: Run<'_>) {
        let Some(line) = self.lines.last_mut() else { return };
        line.text.push_str(run.text);
        line.to = run.end.dot(run.along);
        self.held += run.text.len();
        self.last_text.clear();
        self.last_text.push_str(run.text);
        let Run { start, end, along, size, .. } = run;
        self.last = Some(Last { start, end, along, size });
    }

    fn blank(&mut self) {
        if let Some(line) = self.lines.last_mut()
            && !line.text.ends_with(char::is_whitespace)
        {
            line.text.push(' ');
        }
    }

    fn end_paragraph(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        self.held = 0;
        if lines.iter().all(|line| line.text.trim().is_empty()) {
            return;
        }
        let left = lines.iter().map(|line| line.from).fold(f64::INFINITY, f64::min);
        let right = lines.iter().map(|line| line.to).fold(f64::NEG_INFINITY, f64::max);
        let full = left + FULL * (right - left);
        let first = lines[0].text.trim_start();
        let is_item = is_item(first);
        if !is_item {
            self.html.push_str("<p>");
        } else if self.html.ends_with(END_OF_LIST) {
            self.html.truncate(self.html.len() - END_OF_LIST.len());
            self.html.push_str("<li>");
        } else {
            self.html.push_str("<ul><li>");
        }
        let mut between = "";
        for (nth, line) in lines.iter().enumerate() {
            let text = line.text.trim();
            let text = if nth == 0 && is_item { text[mark(text)..].trim_start() } else { text };
            let is_joined = between == " " && ends_in_hyphen(&self.html) && starts_low(text);
            match is_joined {
                true => {
                    self.html.pop();
                }
                false => self.html.push_str(between),
            }
            escape(text, &mut self.html);
            between = if line.to >= full { " " } else { "<br>" };
        }
        self.html.push_str(if is_item { END_OF_LIST } else { "</p>\n" });
    }
}

/// Whether a line begins with the mark of an item of a list.
fn is_item(text: &str) -> bool {
    let text = text.trim_start();
    mark(text) > 0 && text.len() > mark(text)
}

fn mark(text: &str) -> usize {
    text.chars().next().filter(|c| "•‣◦▪■●○".contains(*c)).map_or(0, char::len_utf8)
}

/// Whether a word was divided at the end of its line.
fn ends_in_hyphen(html: &str) -> bool {
    let mut last = html.chars().rev();
    matches!(last.next(), Some('-' | '\u{ad}' | '\u{2010}'))
        && last.next().is_some_and(char::is_alphabetic)
}

fn starts_low(text: &str) -> bool {
    text.chars().next().is_some_and(char::is_lowercase)
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '\u{ad}' => {}
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
}
