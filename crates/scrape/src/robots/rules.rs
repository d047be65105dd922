//! What a robots.txt says to one crawler (RFC 9309).
//!
//! Kept are the rules of the crawler's own groups, or of `*` where it has none, in one piece of
//! memory. Reading is linear in the file; so is a question, for each rule with a wildcard, in the
//! path.

use std::cmp::Reverse;
use std::time::Duration;

use url::{Position, Url};

use super::pattern;

/// What is read of a file; RFC 9309, section 2.5, asks for no less.
pub(crate) const MAX_BYTES: usize = 500 * 1024;

/// The longest `crawl-delay` that is heeded.
const MAX_CRAWL_DELAY: Duration = Duration::from_secs(600);

/// The rules for one crawler.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// The patterns, one after the other.
    text: Box<[u8]>,
    /// The one that decides first.
    rules: Box<[Rule]>,
    crawl_delay: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    start: u32,
    end: u32,
    /// Octets of the pattern with its anchor: the most of them win, and of as many `allow`.
    octets: u32,
    allows: bool,
    is_anchored: bool,
}

impl Rules {
    /// Reads a file as the crawler that calls itself `token`; `None` obeys the rules for `*`. What
    /// is beyond [`MAX_BYTES`] is not read, nor is the line that goes beyond. Whatever is no rule is
    /// passed over.
    pub(crate) fn parse(file: &[u8], token: Option<&str>) -> Self {
        let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
        let mut reader = Reader { token, ..Reader::default() };
        for line in whole_lines(file).split(|byte| matches!(byte, b'\n' | b'\r')) {
            reader.line(line);
        }
        let found = if reader.is_named { reader.own } else { reader.general };
        found.into_rules()
    }

    /// Whether `url` may be fetched. `/robots.txt` always may.
    pub(crate) fn allows(&self, url: &Url) -> bool {
        if url.path() == "/robots.txt" || self.rules.is_empty() {
            return true;
        }
        let path = pattern::comparable(url[Position::BeforePath..Position::AfterQuery].as_bytes());
        let decides = |rule: &&Rule| {
            let text = &self.text[rule.start as usize..rule.end as usize];
            pattern::matches(text, rule.is_anchored, &path)
        };
        self.rules.iter().find(decides).is_none_or(|rule| rule.allows)
    }

    /// Bytes that may have to be looked at to answer for `url`.
    pub(crate) fn work(&self, url: &Url) -> u64 {
        self.text.len() as u64 + self.rules.len() as u64 * url.as_str().len() as u64
    }

    /// What the site asks to be kept between two fetches.
    pub(crate) fn crawl_delay(&self) -> Option<Duration> {
        self.crawl_delay
    }

    /// Bytes that they take.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.text.len() + size_of_val(&*self.rules)
    }
}

/// What a file says, line by line.
#[derive(Default)]
struct Reader<'t> {
    token: Option<&'t str>,
    /// The rules for the crawler by its name, and whether there is a group for it.
    own: Found,
    is_named: bool,
    /// The rules for `*`.
    general: Found,
    /// Whom the group is for that the line is in.
    for_own: bool,
    for_all: bool,
    /// A rule ends the list of those whom a group is for. No other line does (section 2.2.4), so
    /// that a `sitemap` or a `crawl-delay` between two names does not part them.
    had_rule: bool,
}

impl Reader<'_> {
    fn line(&mut self, line: &[u8]) {
        let Some((key, value)) = record(line) else {
            return;
        };
        match Key::of(key) {
            Some(Key::UserAgent) => self.agent(value),
            Some(Key::Allow) => self.rule(value, true),
            Some(Key::Disallow) => self.rule(value, false),
            Some(Key::CrawlDelay) => self.delay(value),
            None => {}
        }
    }

    fn agent(&mut self, value: &[u8]) {
        if self.had_rule {
            (self.for_own, self.for_all, self.had_rule) = (false, false, false);
        }
        if let [b'*'] | [b'*', b' ' | b'\t', ..] = value {
            self.for_all = true;
            return;
        }
        // `bot/1.2`, `bot*` and `bot 2` are all `bot`, as Google describes it.
        let end = value.iter().position(|b| !(b.is_ascii_alphabetic() || matches!(b, b'-' | b'_')));
        let name = &value[..end.unwrap_or(value.len())];
        if self.token.is_some_and(|token| name.eq_ignore_ascii_case(token.as_bytes())) {
            (self.for_own, self.is_named) = (true, true);
        }
    }

    fn rule(&mut self, value: &[u8], allows: bool) {
        self.had_rule = true;
        if value.is_empty() {
            return;
        }
        if self.for_own {
            self.own.add(value, allows);
        }
        if self.for_all {
            self.general.add(value, allows);
        }
    }

    fn delay(&mut self, value: &[u8]) {
        let Some(delay) = seconds(value) else {
            return;
        };
        if self.for_own {
            self.own.delay(delay);
        }
        if self.for_all {
            self.general.delay(delay);
        }
    }
}

/// The rules of one crawler as they come.
#[derive(Default)]
struct Found {
    text: Vec<u8>,
    rules: Vec<Rule>,
    crawl_delay: Option<Duration>,
}

impl Found {
    fn add(&mut self, value: &[u8], allows: bool) {
        let (text, is_anchored) = pattern::of_rule(value);
        // At most twice the file, so that it fits.
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let start = place(self.text.len());
        let octets = place(pattern::octets(&text) + usize::from(is_anchored));
        self.text.extend(text);
        let end = place(self.text.len());
        self.rules.push(Rule { start, end, octets, allows, is_anchored });
    }

    /// The longest of several.
    fn delay(&mut self, delay: Duration) {
        self.crawl_delay = self.crawl_delay.max(Some(delay));
    }

    fn into_rules(mut self) -> Rules {
        // Stable, and only of those that can decide anything: without a `disallow` nothing is.
        if self.rules.iter().all(|rule| rule.allows) {
            (self.rules, self.text) = (Vec::new(), Vec::new());
        }
        self.rules.sort_by_key(|rule| (Reverse(rule.octets), !rule.allows));
        let (text, rules) = (self.text.into(), self.rules.into());
        Rules { text, rules, crawl_delay: self.crawl_delay }
    }
}

#[derive(Clone, Copy)]
enum Key {
    UserAgent,
    Allow,
    Disallow,
    CrawlDelay,
}

/// What is misspelt so often that Google reads it too is among them.
const KEYS: [(&str, Key); 12] = [
    ("user-agent", Key::UserAgent),
    ("useragent", Key::UserAgent),
    ("user agent", Key::UserAgent),
    ("allow", Key::Allow),
    ("disallow", Key::Disallow),
    ("dissallow", Key::Disallow),
    ("dissalow", Key::Disallow),
    ("disalow", Key::Disallow),
    ("diasllow", Key::Disallow),
    ("disallaw", Key::Disallow),
    ("crawl-delay", Key::CrawlDelay),
    ("crawldelay", Key::CrawlDelay),
];

impl Key {
    fn of(name: &[u8]) -> Option<Self> {
        let known = KEYS.iter().find(|(key, _)| name.eq_ignore_ascii_case(key.as_bytes()));
        known.map(|(_, key)| *key)
    }
}

/// The key and the value of a line, without its comment. The colon may be missing where there are
/// two words.
fn record(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'#', line).unwrap_or(line.len());
    let line = line[..end].trim_ascii();
    if let Some(colon) = memchr::memchr(b':', line) {
        return Some((line[..colon].trim_ascii_end(), line[colon + 1..].trim_ascii_start()));
    }
    let gap = line.iter().position(u8::is_ascii_whitespace)?;
    let (key, value) = (&line[..gap], line[gap..].trim_ascii_start());
    (!value.iter().any(u8::is_ascii_whitespace)).then_some((key, value))
}

/// As many lines as are whole within [`MAX_BYTES`].
fn whole_lines(file: &[u8]) -> &[u8] {
    if file.len() <= MAX_BYTES {
        return file;
    }
    let end = memchr::memrchr2(b'\n', b'\r', &file[..=MAX_BYTES]);
    &file[..end.unwrap_or(0)]
}

/// A number of seconds, perhaps with a fraction. Nothing below zero and nothing that is no number;
/// at most [`MAX_CRAWL_DELAY`].
fn seconds(value: &[u8]) -> Option<Duration> {
    let is_number = value.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let seconds: f64 = std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()?;
    Some(Duration::try_from_secs_f64(seconds).map_or(MAX_CRAWL_DELAY, |d| d.min(MAX_CRAWL_DELAY)))
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
