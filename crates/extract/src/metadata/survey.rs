//! One walk over a page that collects whatever may say something about it.

mod attributes;
mod text;
mod zone;

use std::borrow::Cow;

use super::hint::Hints;
use super::meta_name::{self, Field};
use crate::document::{Document, NodeId};
use crate::name::Tag;
use crate::reference;
use attributes::Attributes;
use zone::Zones;

pub(super) use zone::Zone;

/// `<meta>`, `<link>`, headings, dates and names that are kept, each.
const MAX_FOUND: usize = 256;

/// Longest name of a `<meta>`.
const MAX_NAME_BYTES: usize = 64;

/// Something a `<meta>` says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'s> {
    pub(super) field: Field,
    /// How good the source is; 0 is the best.
    pub(super) rank: u8,
    /// The name it goes by.
    pub(super) name: &'static str,
    /// The value as written.
    pub(super) raw: &'s str,
}

/// An element that may hold a date or a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) id: NodeId,
    pub(super) zone: Zone,
    pub(super) hints: Hints,
    pub(super) property: Property,
}

/// What microdata, RDFa or `rel` call an element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Property {
    #[default]
    None,
    Published,
    Modified,
    Author,
    RelAuthor,
    /// A link to the page of an author.
    LinkAuthor,
    Headline,
    Name,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Survey<'d, 's> {
    pub(super) document: &'d Document<'s>,
    pub(super) said: Vec<Said<'s>>,
    /// `<link>`s with `rel` and `href`.
    pub(super) links: Vec<NodeId>,
    /// `<a>`s that may lead to a feed or a sitemap.
    pub(super) anchors: Vec<NodeId>,
    pub(super) scripts: Vec<NodeId>,
    pub(super) title: Option<NodeId>,
    pub(super) language: Option<&'s str>,
    pub(super) headings: Vec<Spot>,
    pub(super) dates: Vec<Spot>,
    pub(super) authors: Vec<Spot>,
    /// The first `<article>` and `<main>`.
    pub(super) article: Option<NodeId>,
    pub(super) main: Option<NodeId>,
    /// Where content is not, by the ends of the elements.
    zones: Zones,
    /// All texts, in order.
    pub(super) texts: Vec<NodeId>,
}

impl<'d, 's> Survey<'d, 's> {
    pub(super) fn of(document: &'d Document<'s>) -> Self {
        let mut survey = Self {
            document,
            said: Vec::new(),
            links: Vec::new(),
            anchors: Vec::new(),
            scripts: Vec::new(),
            title: None,
            language: None,
            headings: Vec::new(),
            dates: Vec::new(),
            authors: Vec::new(),
            article: None,
            main: None,
            zones: Zones::default(),
            texts: Vec::new(),
        };
        survey.walk();
        survey
    }

    fn walk(&mut self) {
        let document = self.document;
        // An element that holds the only heading of the page is no margin, whatever it is called.
        let headings: Vec<NodeId> =
            (0..document.len()).filter(|&id| document.tag(id) == Tag::H1).collect();
        let mut article_end = 0;
        let most_of_page = document.len() / 10 * 6;
        for id in 1..document.len() {
            let tag = document.tag(id);
            match tag {
                Tag::Text => {
                    self.texts.push(id);
                    continue;
                }
                Tag::Br | Tag::Style | Tag::Svg | Tag::Path | Tag::Option => continue,
                Tag::Html => {
                    self.language = self.language.or_else(|| {
                        document
                            .raw_attribute(id, "lang")
                            .or_else(|| document.raw_attribute(id, "xml:lang"))
                    });
                }
                Tag::Meta => {
                    self.meta(id);
                }
                Tag::Link => {
                    if self.links.len() < MAX_FOUND {
                        self.links.push(id);
                    }
                    continue;
                }
                Tag::Script => {
                    self.script(id);
                    continue;
                }
                Tag::Title => {
                    if self.title.is_none()
                        && !document.ancestors(id).take(4).any(|up| document.tag(up) == Tag::Svg)
                    {
                        self.title = Some(id);
                    }
                    continue;
                }
                Tag::Article if self.article.is_none() => self.article = Some(id),
                Tag::Main if self.main.is_none() => self.main = Some(id),
                _ => {}
            }
            let attributes = Attributes::of(document, id);
            let end = document.node(id).end;
            let holds_heading = || {
                let at = headings.partition_point(|&heading| heading < id);
                headings.get(at).is_some_and(|&heading| heading < end)
            };
            let hints = attributes.hints;
            if tag == Tag::Article && article_end <= id {
                article_end = end;
            }
            if !matches!(tag, Tag::Html | Tag::Body | Tag::Main)
                && let Some(zone) = zone::of(tag, &attributes, id < article_end)
                && !holds_heading()
                && (zone == Zone::Comment || end - id < most_of_page)
            {
                self.zones.enter(zone, id, end);
            }
            let spot = Spot { id, zone: self.zones.here(id), hints, property: attributes.property };
            self.spot(tag, spot, &attributes);
        }
    }

    fn spot(&mut self, tag: Tag, spot: Spot, attributes: &Attributes<'_>) {
        let heading = matches!(tag, Tag::H1 | Tag::H2 | Tag::H3);
        if (heading || spot.property == Property::Headline || spot.hints.has(Hints::TITLE))
            && self.headings.len() < MAX_FOUND
        {
            self.headings.push(spot);
        }
        let dated = tag == Tag::Time
            || matches!(spot.property, Property::Published | Property::Modified)
            || spot.hints.has(Hints::DATE)
            || spot.hints.has(Hints::MODIFIED)
            || attributes.datetime;
        if dated && self.dates.len() < MAX_FOUND {
            self.dates.push(spot);
        }
        let named =
            matches!(spot.property, Property::Author | Property::RelAuthor | Property::LinkAuthor)
                || spot.hints.has(Hints::AUTHOR)
                || spot.hints.has(Hints::BYLINE);
        if named && tag != Tag::Meta && self.authors.len() < MAX_FOUND {
            self.authors.push(spot);
        }
        if tag == Tag::A && attributes.feed && self.anchors.len() < MAX_FOUND {
            self.anchors.push(spot.id);
        }
    }

    /// `<meta name|property|itemprop|http-equiv content>`.
    fn meta(&mut self, id: NodeId) {
        let mut content = None;
        let mut names = [None; 4];
        for (name, value) in self.document.attributes(id) {
            let place = match name.len() {
                7 if name.eq_ignore_ascii_case("content") => {
                    content = content.or(Some(value));
                    continue;
                }
                8 if name.eq_ignore_ascii_case("property") => 0,
                4 if name.eq_ignore_ascii_case("name") => 1,
                8 if name.eq_ignore_ascii_case("itemprop") => 2,
                10 if name.eq_ignore_ascii_case("http-equiv") => 3,
                _ => continue,
            };
            names[place] = names[place].or(Some(value));
        }
        let Some(raw) = content.filter(|content| !content.trim().is_empty()) else { return };
        for name in names.into_iter().flatten() {
            if name.len() > MAX_NAME_BYTES || self.said.len() >= MAX_FOUND {
                continue;
            }
            let name = name.trim().to_ascii_lowercase();
            if let Some((field, rank, name)) = meta_name::of(&name) {
                self.said.push(Said { field, rank, name, raw });
            }
        }
    }

    fn script(&mut self, id: NodeId) {
        if self.scripts.len() < super::json_ld::MAX_SCRIPTS && is_json_ld(self.document, id) {
            self.scripts.push(id);
        }
    }

    /// The zone of any node.
    pub(super) fn zone_of(&self, id: NodeId) -> Zone {
        self.zones.of(id)
    }

    /// What is said about a field, the best source first.
    pub(super) fn about(&self, field: Field) -> Vec<Said<'s>> {
        let mut said: Vec<Said<'s>> =
            self.said.iter().filter(|said| said.field == field).copied().collect();
        said.sort_by_key(|said| said.rank);
        said
    }

    /// The text of an element as a reader sees it, a blank between blocks.
    pub(super) fn text(&self, id: NodeId) -> String {
        text::of(self.document, id)
    }
}

/// Whether a script holds JSON-LD.
pub(super) fn is_json_ld(document: &Document<'_>, id: NodeId) -> bool {
    document.raw_attribute(id, "type").is_some_and(|kind| {
        let essence = kind.split(';').next().unwrap_or("").trim();
        essence.eq_ignore_ascii_case("application/ld+json")
            || essence.eq_ignore_ascii_case("application/json+ld")
    })
}

/// A value as written with its references replaced.
pub(super) fn unescaped(raw: &str) -> Cow<'_, str> {
    reference::attribute(raw)
}
