//! What a page says about itself outside its text: title, description, address, structured data.

mod set;
mod strings;

use set::Set;
use strings::json_string;
use url::Url;

use super::shape;
use super::vocabulary::{HASH_START, hash_byte};
use crate::document::{Document, NodeId};
use crate::name::Tag;

/// Words and runs of words to compare blocks with.
#[derive(Debug, Default)]
pub(crate) struct References {
    words: Set,
    runs: Set,
    /// How many words each reference has.
    pub(crate) lengths: [u32; Self::COUNT],
    /// Hashes of the page's titles, as [`shape::Shape::hash`].
    pub(crate) titles: Vec<u64>,
    /// What `og:type`, `itemtype` and `@type` name, by [`KINDS`].
    pub(crate) kinds: u32,
    /// The page gives its own text in structured data.
    pub(crate) has_body: bool,
}

/// Types of pages and things; a page has each that it names.
pub(crate) const KINDS: [&str; 12] = [
    "article newsarticle blogposting reportagenewsarticle techarticle scholarlyarticle liveblogposting \
     blog post",
    "product productgroup offer aggregateoffer",
    "discussionforumposting comment forum",
    "qapage question answer",
    "faqpage",
    "collectionpage itemlist searchresultspage collection offercatalog",
    "organization corporation localbusiness newsmediaorganization store website",
    "webpage aboutpage contactpage",
    "recipe howto",
    "videoobject audioobject podcastepisode video",
    "event course jobposting service softwareapplication",
    "person profilepage profile",
];

const WORD_TITLE: u8 = 0;
const WORD_SOCIAL_TITLE: u8 = 1;
const WORD_HEADING: u8 = 2;
const WORD_DESCRIPTION: u8 = 3;
const WORD_ADDRESS: u8 = 4;
const WORD_HEADLINE: u8 = 5;

/// At most this many words of one reference are looked at.
const MAX_WORDS: usize = 64;

/// At most this much of a page's structured data is looked at, in bytes.
const MAX_DATA_BYTES: usize = 1 << 20;

/// At most this many runs of words of structured data are kept.
const MAX_RUNS: usize = 1 << 16;

impl References {
    /// Title, social title, first heading, description, address, headline of structured data.
    pub(crate) const COUNT: usize = 6;

    /// The references of a page.
    pub(crate) fn of(document: &Document<'_>, url: &Url) -> Self {
        let mut read = Read::default();
        for id in 0..document.len() {
            read.element(document, id);
        }
        let mut made = read.made;
        if read.address.is_none() && url.host_str().is_some_and(|host| !host.ends_with("invalid")) {
            read.address = Some(url.path().to_owned());
        }
        if let Some(address) = read.address {
            let slug = address.split(['?', '#']).next().unwrap_or("").trim_end_matches('/');
            let slug = slug.rsplit('/').next().unwrap_or("");
            made.add(WORD_ADDRESS, slug);
        }
        made
    }

    /// The references that have a word, as bits.
    pub(crate) fn word(&self, hash: u64) -> u8 {
        self.words.get(hash)
    }

    /// Whether the structured data have these three words in a row.
    pub(crate) fn run(&self, first: u64, second: u64, third: u64) -> bool {
        self.has_body && self.runs.get(run_hash(first, second, third)) != 0
    }

    fn lacks(&self, reference: u8) -> bool {
        self.lengths[usize::from(reference)] == 0
    }

    fn add(&mut self, reference: u8, text: &str) {
        if !self.lacks(reference) {
            return;
        }
        let mut count = 0;
        words(text, |word| {
            count += 1;
            if count <= MAX_WORDS {
                self.words.add(word, 1 << reference);
            }
        });
        self.lengths[usize::from(reference)] = count.min(MAX_WORDS) as u32;
        if count > 0 && reference != WORD_DESCRIPTION && reference != WORD_ADDRESS {
            self.titles.push(shape::shape(text, &Self::default(), &mut Vec::new()).hash);
        }
    }

    fn add_body(&mut self, text: &str) {
        let mut before = [0; 2];
        words(text, |word| {
            let [second, first] = before;
            if self.runs.count < MAX_RUNS {
                self.runs.add(run_hash(first, second, word), 1);
            }
            before = [word, second];
        });
        self.has_body = true;
    }
}

fn run_hash(first: u64, second: u64, third: u64) -> u64 {
    first.rotate_left(11) ^ second.rotate_left(29).wrapping_mul(HASH_START) ^ third
}

/// The hashes of the words of a text in lower case.
fn words(text: &str, mut each: impl FnMut(u64)) {
    let mut hash = HASH_START;
    let mut chars = 0;
    let mut buffer = [0; 4];
    for c in text.chars() {
        if c.is_alphanumeric() {
            for lower in c.to_lowercase() {
                for &byte in lower.encode_utf8(&mut buffer).as_bytes() {
                    hash = hash_byte(hash, byte);
                }
            }
            chars += 1;
        } else if chars > 0 && c != '\'' && c != '’' {
            each(hash);
            (hash, chars) = (HASH_START, 0);
        }
    }
    if chars > 0 {
        each(hash);
    }
}

#[derive(Default)]
struct Read {
    made: References,
    address: Option<String>,
    data_bytes: usize,
}

impl Read {
    fn element(&mut self, document: &Document<'_>, id: NodeId) {
        match document.tag(id) {
            Tag::Title if self.made.lacks(WORD_TITLE) => {
                self.made.add(WORD_TITLE, &document.text_content(id));
            }
            Tag::H1 if self.made.lacks(WORD_HEADING) => {
                self.made.add(WORD_HEADING, &document.text_content(id));
            }
            Tag::Meta => self.meta(document, id),
            Tag::Link => {
                let rel = document.raw_attribute(id, "rel");
                if self.address.is_none()
                    && rel.is_some_and(|r| r.eq_ignore_ascii_case("canonical"))
                {
                    self.address = document.attribute(id, "href").map(path);
                }
            }
            Tag::Script => {
                let kind = document.raw_attribute(id, "type").unwrap_or("");
                let data = document.text_content(id);
                self.data_bytes += data.len();
                if kind.to_ascii_lowercase().contains("ld+json")
                    && self.data_bytes <= MAX_DATA_BYTES
                {
                    self.data(&data);
                }
            }
            _ => {}
        }
    }

    fn meta(&mut self, document: &Document<'_>, id: NodeId) {
        let name = document.raw_attribute(id, "property");
        let Some(name) = name.or_else(|| document.raw_attribute(id, "name")) else { return };
        let Some(content) = document.attribute(id, "content") else { return };
        match name.to_ascii_lowercase().as_str() {
            "og:title" | "twitter:title" => self.made.add(WORD_SOCIAL_TITLE, &content),
            "description" | "og:description" => self.made.add(WORD_DESCRIPTION, &content),
            "og:url" if self.address.is_none() => self.address = Some(path(content)),
            "og:type" => self.kind(&content),
            _ => {}
        }
    }

    fn kind(&mut self, name: &str) {
        let name = name.rsplit(['/', ':', '#']).next().unwrap_or("").to_ascii_lowercase();
        for (bit, names) in KINDS.iter().enumerate() {
            if names.split_whitespace().any(|known| known == name) {
                self.made.kinds |= 1 << bit;
            }
        }
    }

    /// Reads strings of JSON-LD without building a tree: broken data are common.
    fn data(&mut self, data: &str) {
        let mut key = String::new();
        let mut rest = data;
        while let Some(start) = rest.find('"') {
            let (string, after) = json_string(&rest[start + 1..]);
            rest = after;
            let next = rest.trim_start();
            if next.starts_with(':') {
                key = string;
                continue;
            }
            match key.as_str() {
                "@type" => self.kind(&string),
                "headline" => self.made.add(WORD_HEADLINE, &string),
                "articleBody" | "text" | "reviewBody" | "description" | "recipeInstructions" => {
                    self.made.add_body(&string);
                }
                _ => {}
            }
        }
    }
}

fn path(address: impl AsRef<str>) -> String {
    let address = address.as_ref();
    let rest = address.split_once("//").map_or(address, |(_, rest)| rest);
    rest.split_once('/').map_or("", |(_, path)| path).to_owned()
}
