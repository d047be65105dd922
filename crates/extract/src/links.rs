//! The links of a page.

mod region;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use url::{Position, Url};

use crate::address::{self, MAX_BASE_BYTES};
use crate::document::{Document, NodeId};
use crate::keep::Keep;
use crate::line::{self, cut};
use crate::name::Tag;
use crate::{Link, Region, composed, most_bytes};
use region::Regions;

/// Links kept of one page.
const MAX_LINKS: usize = 10_000;

/// Longest text of a link, and longest `rel`.
const MAX_TEXT_BYTES: usize = 1024;

/// What links are relative to: the first `<base href>` that can be used, or the page's address.
pub(crate) fn base(document: &Document<'_>, url: &Url) -> Url {
    let mut bases = (1..document.len()).filter(|&id| document.tag(id) == Tag::Base);
    let found = bases.find_map(|id| {
        let href = document.attribute(id, "href").filter(|href| href.len() <= MAX_BASE_BYTES)?;
        address::web(url, &href)
    });
    found.unwrap_or_else(|| url.clone())
}

/// All links, and whether some were left out. `main` is the main content.
///
/// A link is an `a` or `area` with an http or https address. Those to a place on the same page are
/// none; otherwise fragments are kept. The same address with the same text is listed once, where
/// it is first.
pub(crate) fn read(document: &Document<'_>, main: &Keep, base: &Url) -> (Vec<Link>, bool) {
    let mut reader = Reader {
        document,
        base,
        addresses: HashMap::new(),
        seen: HashSet::new(),
        room: most_bytes(document.source.len()),
        links: Vec::new(),
    };
    let mut regions = Regions::default();
    for id in 1..document.len() {
        if document.is_text(id) {
            continue;
        }
        let landmark = regions.enter(document, id);
        let is_link = matches!(document.tag(id), Tag::A | Tag::Area);
        let Some(url) = is_link.then(|| reader.address(id)).flatten() else { continue };
        let text = reader.text(id);
        if !reader.seen.insert((url.clone(), text.clone())) {
            continue;
        }
        if !reader.add(id, &url, text, region::of(document, main, id, landmark)) {
            return (reader.links, true);
        }
    }
    (reader.links, false)
}

struct Reader<'d> {
    document: &'d Document<'d>,
    base: &'d Url,
    /// Of the links found, by the address as it stands: making it absolute takes most of the time.
    addresses: HashMap<&'d str, Rc<str>>,
    seen: HashSet<(Rc<str>, String)>,
    room: usize,
    links: Vec<Link>,
}

impl<'d> Reader<'d> {
    /// Where a link leads; `None` for one that is left out.
    fn address(&mut self, id: NodeId) -> Option<Rc<str>> {
        let raw = self.document.raw_attribute(id, "href")?;
        if let Some(known) = self.addresses.get(raw) {
            return Some(known.clone());
        }
        let href = self.document.attribute(id, "href")?;
        let href = href.trim_ascii();
        if href.is_empty() || href.starts_with('#') {
            return None;
        }
        let url = address::web(self.base, href).filter(|url| !self.is_here(url))?;
        let url: Rc<str> = url.as_str().into();
        if self.addresses.len() < MAX_LINKS {
            self.addresses.insert(raw, url.clone());
        }
        Some(url)
    }

    /// Whether it is a place on the page that addresses are relative to.
    fn is_here(&self, url: &Url) -> bool {
        url.fragment().is_some() && url[..Position::AfterQuery] == self.base[..Position::AfterQuery]
    }

    /// What people see of a link, or what they are told instead. The text of a link ends where
    /// another one begins.
    fn text(&self, id: NodeId) -> String {
        let document = self.document;
        let inside = document.descendants(id);
        let next = inside.clone().find(|&below| document.tag(below) == Tag::A);
        let inside = inside.start..next.unwrap_or(inside.end);
        let (text, _) = line::of(document, inside.clone(), MAX_TEXT_BYTES, |_| true);
        if !text.is_empty() {
            return text;
        }
        let mut images = inside.filter(|&below| document.tag(below) == Tag::Img);
        images
            .find_map(|image| self.label(image, "alt"))
            .or_else(|| self.label(id, "alt"))
            .or_else(|| self.label(id, "aria-label"))
            .or_else(|| self.label(id, "title"))
            .unwrap_or_default()
    }

    /// An attribute on one line, if there is something in it.
    fn label(&self, id: NodeId, name: &str) -> Option<String> {
        let value = self.document.attribute(id, name)?;
        let mut text = String::new();
        for word in value.split_whitespace() {
            if text.len() >= MAX_TEXT_BYTES {
                break;
            }
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        let mut text = composed(text);
        text.truncate(cut(&text, MAX_TEXT_BYTES).len());
        (!text.is_empty()).then_some(text)
    }

    /// Adds a link if there is room for it.
    fn add(&mut self, id: NodeId, url: &str, text: String, region: Region) -> bool {
        let rel = self.label(id, "rel");
        let bytes = url.len() + text.len() + rel.as_ref().map_or(0, String::len);
        if bytes > self.room || self.links.len() == MAX_LINKS {
            return false;
        }
        self.room -= bytes;
        let position = 1 + self.links.len() as u32;
        self.links.push(Link { url: url.to_owned(), text, rel, position, region });
        true
    }
}
