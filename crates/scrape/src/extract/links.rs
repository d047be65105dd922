//! The page's links.

use std::rc::Rc;

use url::Url;

use crate::Link;

/// Links kept of one page.
const MAX_LINKS: usize = 10_000;

/// Longest text of a link.
const MAX_TEXT_BYTES: usize = 1024;

/// Longest address that is kept.
const MAX_URL_BYTES: usize = 4 * 1024;

/// Longest address that others are relative to.
const MAX_BASE_BYTES: usize = 2 * 1024;

/// Makes addresses absolute, within a bound on all of them together: a long base must not
/// multiply a page of short links.
pub(super) struct Resolver {
    base: Url,
    is_set: bool,
    left_bytes: usize,
    pub(super) exhausted: bool,
}

impl Resolver {
    pub(super) fn new(url: &Url, left_bytes: usize) -> Self {
        Self { base: url.clone(), is_set: false, left_bytes, exhausted: false }
    }

    /// `<base href>`; the first one counts.
    pub(super) fn set_base(&mut self, href: &str) {
        if self.is_set || href.len() > MAX_BASE_BYTES {
            return;
        }
        if let Ok(base) = self.base.join(href.trim())
            && matches!(base.scheme(), "http" | "https")
        {
            self.base = base;
            self.is_set = true;
        }
    }

    /// The absolute form of an address of one of `schemes`.
    pub(super) fn resolve(&mut self, href: &str, schemes: &[&str]) -> Option<Rc<str>> {
        if href.len() > MAX_URL_BYTES || self.exhausted {
            return None;
        }
        let url = self.base.join(href.trim()).ok()?;
        if !schemes.contains(&url.scheme()) || url.as_str().len() > MAX_URL_BYTES {
            return None;
        }
        self.exhausted = url.as_str().len() > self.left_bytes;
        self.left_bytes = self.left_bytes.saturating_sub(url.as_str().len());
        (!self.exhausted).then(|| url.as_str().into())
    }
}

/// The links found so far; the last one may be open for text.
#[derive(Default)]
pub(super) struct Links {
    found: Vec<Link>,
    is_open: bool,
    pub(super) truncated: bool,
}

impl Links {
    pub(super) fn open(&mut self, url: &str, rel: Option<&str>) {
        self.close(None);
        if self.found.len() == MAX_LINKS {
            self.truncated = true;
            return;
        }
        let rel = rel.map(|rel| cut(rel, MAX_TEXT_BYTES).to_owned());
        self.found.push(Link { url: url.to_owned(), text: String::new(), rel });
        self.is_open = true;
    }

    /// Adds to the open link's text.
    pub(super) fn text(&mut self, text: &str) {
        if !self.is_open {
            return;
        }
        let Some(link) = self.found.last_mut() else {
            return;
        };
        // What is before the first blank continues the word before.
        let mut separate = text.starts_with(char::is_whitespace);
        for word in text.split_whitespace() {
            let room = MAX_TEXT_BYTES.saturating_sub(link.text.len() + 1);
            if room == 0 {
                return;
            }
            if separate && !link.text.is_empty() && !link.text.ends_with(' ') {
                link.text.push(' ');
            }
            link.text.push_str(cut(word, room));
            separate = true;
        }
        if text.ends_with(char::is_whitespace)
            && !link.text.is_empty()
            && link.text.len() < MAX_TEXT_BYTES
            && !link.text.ends_with(' ')
        {
            link.text.push(' ');
        }
    }

    /// Ends the open link; `label` stands in for a text it does not have.
    pub(super) fn close(&mut self, label: Option<&str>) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        let Some(link) = self.found.last_mut() else {
            return;
        };
        link.text.truncate(link.text.trim_end().len());
        if link.text.is_empty() {
            link.text.push_str(label.map_or("", |label| cut(label.trim(), MAX_TEXT_BYTES)));
        }
    }

    pub(super) fn finish(mut self) -> Vec<Link> {
        self.close(None);
        self.found
    }
}

/// The first `max` bytes of `text`, or a little less: never half a character.
pub(super) fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}
