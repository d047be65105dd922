//! Images: where they come from, and which are worth it.

use std::borrow::Cow;

use super::Writer;
use super::inline::Look;
use crate::document::{Document, NodeId};
use crate::markdown::MAX_URL_BYTES;
use crate::name::Tag;
use crate::reference;

/// Where scripts that load images late keep the address.
const LATE: [&str; 6] =
    ["data-src", "data-lazy-src", "data-original", "data-original-src", "data-lazy", "data-url"];

/// The same for a choice of addresses.
const CHOICES: [&str; 3] = ["srcset", "data-srcset", "data-lazy-srcset"];

/// What is so wide or high only counts visitors, or keeps others apart.
const MAX_TRACKER_PIXELS: u32 = 2;

/// Parts of the addresses of images that show nothing.
const BLANKS: [&str; 7] =
    ["spacer.", "blank.gif", "/pixel.", "1x1", "transparent.", "placeholder.", "/clear.gif"];

/// Nodes that are looked at for the twin of an image in `<noscript>`.
const MAX_TWIN_NODES: u32 = 8;

/// The address of an image as it is written.
pub(crate) fn source<'s>(document: &Document<'s>, id: NodeId) -> Option<Cow<'s, str>> {
    own_source(document, id)
        .or_else(|| {
            let parent = document.parent(id).filter(|&id| document.tag(id) == Tag::Picture)?;
            let mut sources = document.children(parent).take(16);
            sources.find_map(|id| choice(document, id))
        })
        .or_else(|| twin(document, id))
}

fn own_source<'s>(document: &Document<'s>, id: NodeId) -> Option<Cow<'s, str>> {
    let mut single = LATE.iter().copied().chain(["src"]);
    single.find_map(|name| usable(document.attribute(id, name)?)).or_else(|| choice(document, id))
}

fn usable(source: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let trimmed = source.trim();
    let shown = !trimmed.is_empty()
        && !trimmed.starts_with("data:")
        && !trimmed.starts_with(['{', '['])
        && !BLANKS.iter().any(|part| trimmed.contains(part));
    shown.then_some(source)
}

/// The first of a choice of addresses.
fn choice<'s>(document: &Document<'s>, id: NodeId) -> Option<Cow<'s, str>> {
    CHOICES.iter().find_map(|name| {
        let choice = document.raw_attribute(id, name)?;
        // Every image of a `<picture>` asks again.
        let choice = reference::attribute(&choice[..choice.floor_char_boundary(MAX_URL_BYTES)]);
        // Addresses can have commas; a blank ends them.
        let first = choice.split_ascii_whitespace().next()?.trim_end_matches(',').to_owned();
        usable(first.into())
    })
}

/// Before scripts run, an image that is loaded late has a twin in `<noscript>`.
fn twin<'s>(document: &Document<'s>, id: NodeId) -> Option<Cow<'s, str>> {
    let end = document.len().min(id + MAX_TWIN_NODES);
    let next = (id + 1..end).find(|&id| document.tag(id) == Tag::Noscript)?;
    let image = (next + 1..end).find(|&id| document.tag(id) == Tag::Img)?;
    own_source(document, image)
}

impl Writer<'_, '_> {
    pub(super) fn image(&mut self, id: NodeId) {
        let wanted = self.frames.last().is_none_or(|frame| frame.images);
        if !wanted || self.code.is_some() || self.is_hidden_image(id) {
            return;
        }
        if let Some(character) = emoji(self.document, id) {
            let look = self.look();
            self.inline.push(&character, look);
            return;
        }
        let Some(markdown) = self.output.markdown() else { return };
        let Some(source) = markdown.target().source(id) else { return };
        let mut look = Look { image: id, ..self.look() };
        if look.link != 0 && self.leads_to_same(look.link, &source) {
            look.link = 0;
        }
        self.inline.push_image(look);
    }

    /// Whether a link around an image says no more than the image, or than a link with text.
    fn leads_to_same(&self, link: NodeId, source: &str) -> bool {
        let href = self.document.raw_attribute(link, "href");
        // A longer one is no address; every image in the link asks again.
        let Some(href) = href.filter(|href| href.len() <= MAX_URL_BYTES) else { return true };
        let path = href.split(['?', '#']).next().unwrap_or("");
        let larger = [".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif"].iter().any(|end| {
            path.len() > end.len()
                && path.is_char_boundary(path.len() - end.len())
                && path[path.len() - end.len()..].eq_ignore_ascii_case(end)
        });
        larger || source.ends_with(href) || self.facts.is_linked(href)
    }

    fn is_hidden_image(&self, id: NodeId) -> bool {
        let pixels = |name| {
            let value = self.document.raw_attribute(id, name)?;
            value.trim().trim_end_matches("px").parse::<u32>().ok()
        };
        let tiny = |name| pixels(name).is_some_and(|pixels| pixels <= MAX_TRACKER_PIXELS);
        tiny("width") || tiny("height") || crate::keep::is_hidden(self.document, id)
    }
}

/// The character that an image stands for.
fn emoji<'s>(document: &Document<'s>, id: NodeId) -> Option<Cow<'s, str>> {
    let classes = document.raw_attribute(id, "class")?;
    let is_emoji = classes
        .split_ascii_whitespace()
        .any(|class| matches!(class, "emoji" | "wp-smiley" | "twemoji" | "emojione"));
    let alt = document.attribute(id, "alt").filter(|_| is_emoji)?;
    let short = alt.chars().count() <= 8 && !alt.is_ascii();
    short.then_some(alt)
}
