//! One walk over a page that collects whatever may say something about it.

use std::borrow::Cow;

use super::hint::Hints;
use super::meta_name::{self, Field};
use crate::document::{Document, NodeId};
use crate::name::Tag;
use crate::reference;

/// `<meta>`, `<link>`, headings, dates and names that are kept, each.
const MAX_FOUND: usize = 256;

/// Elements that are not content, kept to ask for the zone of a node.
const MAX_ZONES: usize = 512;

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

/// Where something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Zone {
    Content,
    /// Side bars, navigation, the page's footer.
    Margin,
    /// Lists of other pages.
    Related,
    /// What readers wrote.
    Comment,
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
    zones: Vec<(NodeId, NodeId, Zone)>,
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
            zones: Vec::new(),
        };
        survey.walk();
        survey
    }

    fn walk(&mut self) {
        let document = self.document;
        // An element that holds the only heading of the page is no margin, whatever it is called.
        let headings: Vec<NodeId> =
            (0..document.len()).filter(|&id| document.tag(id) == Tag::H1).collect();
        let mut zones = Zones::default();
        for id in 1..document.len() {
            let tag = document.tag(id);
            match tag {
                Tag::Text | Tag::Br | Tag::Style | Tag::Svg | Tag::Path | Tag::Option => continue,
                Tag::Html => {
                    self.language = self.language.or_else(|| {
                        document
                            .raw_attribute(id, "lang")
                            .or_else(|| document.raw_attribute(id, "xml:lang"))
                    })
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
            if !matches!(tag, Tag::Html | Tag::Body | Tag::Main)
                && let Some(zone) = zone(tag, &attributes, self.article.is_some())
                && !(holds_heading())
            {
                zones.enter(zone, end);
                if self.zones.len() < MAX_ZONES {
                    self.zones.push((id, end, zone));
                }
            }
            let spot = Spot { id, zone: zones.at(id), hints, property: attributes.property };
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
        let around = self.zones.iter().filter(|(start, end, _)| (*start..*end).contains(&id));
        around.map(|(_, _, zone)| *zone).max().unwrap_or(Zone::Content)
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
        text(self.document, id)
    }
}

/// Longest text of one element, in bytes.
const MAX_TEXT_BYTES: usize = 8 * 1024;

/// The text of an element without scripts and styles, a blank at line breaks and between blocks.
pub(super) fn text(document: &Document<'_>, id: NodeId) -> String {
    let mut out = String::new();
    let mut next = id;
    let end = document.node(id).end;
    while next < end && out.len() < MAX_TEXT_BYTES {
        let node = document.node(next);
        match node.tag {
            Tag::Text => out.push_str(&document.text(next)),
            Tag::Script
            | Tag::Style
            | Tag::Svg
            | Tag::Template
            | Tag::Noscript
            | Tag::Select
            | Tag::Button => {
                next = node.end;
                continue;
            }
            tag if is_inline(tag) => {}
            _ => out.push(' '),
        }
        next += 1;
    }
    out
}

/// Elements at whose edge no blank is seen.
pub(super) fn is_inline(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::A
            | Tag::Abbr
            | Tag::B
            | Tag::Bdi
            | Tag::Bdo
            | Tag::Big
            | Tag::Cite
            | Tag::Code
            | Tag::Data
            | Tag::Dfn
            | Tag::Em
            | Tag::Font
            | Tag::I
            | Tag::Ins
            | Tag::Kbd
            | Tag::Mark
            | Tag::Q
            | Tag::S
            | Tag::Small
            | Tag::Span
            | Tag::Strong
            | Tag::Sub
            | Tag::Sup
            | Tag::Time
            | Tag::Tt
            | Tag::U
            | Tag::Wbr
            | Tag::Other
    )
}

/// Whether a script holds JSON-LD.
pub(super) fn is_json_ld(document: &Document<'_>, id: NodeId) -> bool {
    document.raw_attribute(id, "type").is_some_and(|kind| {
        let essence = kind.split(';').next().unwrap_or("").trim();
        essence.eq_ignore_ascii_case("application/ld+json")
            || essence.eq_ignore_ascii_case("application/json+ld")
    })
}

/// What the attributes of an element say.
#[derive(Default)]
struct Attributes<'s> {
    hints: Hints,
    property: Property,
    scope: Option<&'s str>,
    /// It has `datetime` or something like it.
    datetime: bool,
    /// It may lead to a feed or a sitemap.
    feed: bool,
    comment: bool,
}

impl<'s> Attributes<'s> {
    fn of(document: &Document<'s>, id: NodeId) -> Self {
        let mut found = Self::default();
        for (name, value) in document.attributes(id) {
            match name.len() {
                2 if name.eq_ignore_ascii_case("id") => {
                    found.hints = found.hints.with(Hints::of(value));
                }
                3 if name.eq_ignore_ascii_case("rel") => {
                    if words(value).any(|word| word.eq_ignore_ascii_case("author")) {
                        found.property = Property::RelAuthor;
                    }
                }
                4 if name.eq_ignore_ascii_case("href") => {
                    if found.property == Property::None && leads_to_author(value) {
                        found.property = Property::LinkAuthor;
                    }
                    found.feed = super::feeds::may_lead(value);
                }
                5 if name.eq_ignore_ascii_case("class") => {
                    found.hints = found.hints.with(Hints::of(value));
                }
                7 if name.eq_ignore_ascii_case("pubdate") => found.property = Property::Published,
                8 if name.eq_ignore_ascii_case("itemprop")
                    || name.eq_ignore_ascii_case("property") =>
                {
                    found.properties(value);
                }
                8 if name.eq_ignore_ascii_case("itemtype") => found.scope = Some(value),
                8 if name.eq_ignore_ascii_case("datetime") => found.datetime = true,
                11 if name.eq_ignore_ascii_case("data-testid")
                    || name.eq_ignore_ascii_case("data-qa") =>
                {
                    found.hints = found.hints.with(Hints::of(value));
                }
                _ => {}
            }
        }
        found
    }

    fn properties(&mut self, value: &str) {
        for word in words(value).take(8) {
            let word = word.rsplit(':').next().unwrap_or(word);
            self.property = match word.to_ascii_lowercase().as_str() {
                "datepublished" | "datecreated" | "uploaddate" => Property::Published,
                "datemodified" => Property::Modified,
                "author" | "creator" => Property::Author,
                "headline" => Property::Headline,
                "name" => Property::Name,
                "comment" | "review" | "reviews" | "comments" | "suggestedanswer"
                | "acceptedanswer" => {
                    self.comment = true;
                    continue;
                }
                _ => continue,
            };
        }
    }
}

fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split_ascii_whitespace()
}

/// Whether an address is that of an author's page: `/author/jane`, `/autor/…`, `/people/…`.
fn leads_to_author(address: &str) -> bool {
    const FOLDERS: [&str; 14] = [
        "author",
        "authors",
        "autor",
        "autoren",
        "autores",
        "auteur",
        "auteurs",
        "autori",
        "contributor",
        "contributors",
        "writers",
        "journalist",
        "redacteur",
        "byline",
    ];
    let path = address.split(['?', '#']).next().unwrap_or("");
    let mut parts = path.split('/').take(16);
    parts.any(|part| FOLDERS.iter().any(|folder| part.eq_ignore_ascii_case(folder)))
        && parts.next().is_some_and(|name| !name.is_empty())
}

/// What an element and all in it is besides the content.
fn zone(tag: Tag, attributes: &Attributes<'_>, in_article: bool) -> Option<Zone> {
    let comment_scope = attributes.scope.is_some_and(|scope| {
        scope.ends_with("/Comment")
            || scope.ends_with("/Review")
            || scope.ends_with("/Answer")
            || scope.ends_with("UserComments")
    });
    if attributes.comment || comment_scope {
        return Some(Zone::Comment);
    }
    match tag {
        Tag::Nav => return Some(Zone::Margin),
        Tag::Aside => return Some(Zone::Related),
        Tag::Footer if !in_article => return Some(Zone::Margin),
        Tag::Div
        | Tag::Section
        | Tag::Ul
        | Tag::Ol
        | Tag::Li
        | Tag::Article
        | Tag::Dl
        | Tag::Table
        | Tag::Other => {}
        _ => return None,
    }
    if attributes.hints.has(Hints::COMMENT) {
        return Some(Zone::Comment);
    }
    attributes.hints.has(Hints::RELATED).then_some(Zone::Related)
}

/// The zones that are open; the worst one counts.
#[derive(Default)]
struct Zones {
    margin: NodeId,
    related: NodeId,
    comment: NodeId,
}

impl Zones {
    fn enter(&mut self, zone: Zone, end: NodeId) {
        let until = match zone {
            Zone::Content => return,
            Zone::Margin => &mut self.margin,
            Zone::Related => &mut self.related,
            Zone::Comment => &mut self.comment,
        };
        *until = (*until).max(end);
    }

    fn at(&self, id: NodeId) -> Zone {
        if id < self.comment {
            Zone::Comment
        } else if id < self.related {
            Zone::Related
        } else if id < self.margin {
            Zone::Margin
        } else {
            Zone::Content
        }
    }
}

/// A value as written with its references replaced.
pub(super) fn unescaped(raw: &str) -> Cow<'_, str> {
    reference::attribute(raw)
}
