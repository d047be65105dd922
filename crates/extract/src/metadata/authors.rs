//! Who wrote a page.

mod pieces;
mod visible;

use super::hint::Hints;
use super::json_ld::Facts;
use super::meta_name::Field;
use super::person;
use super::site::Site;
use super::survey::{Property, Spot, Survey, Zone, unescaped};
use crate::document::NodeId;
use crate::name::Tag;

/// Names and their source.
pub(super) type Named = (Vec<String>, &'static str);

/// Elements that are looked at for one source, the nearest to the title first.
const MAX_SPOTS: usize = 8;

/// Text nodes behind the title in which a line such as "By Jane Doe" is looked for.
const NODES_BEHIND: usize = 60;

/// Text nodes before the title in which it is.
const NODES_BEFORE: usize = 12;

/// A text that is nothing but a name is not longer than this.
const MAX_NAME_BYTES: usize = 40;

/// Nodes from the beginning of a line in which its names stand.
const LINE_NODES: NodeId = 12;

/// A line longer than this is a paragraph.
const MAX_LINE_BYTES: usize = 120;

/// The authors. JSON-LD and `<meta>` are believed where the page shows the names as well; else what
/// the page shows comes first.
pub(super) fn read(
    survey: &Survey<'_, '_>,
    facts: &Facts,
    site: &Site,
    heading: Option<NodeId>,
) -> Option<Named> {
    let reader = Reader { survey, site, heading };
    let said = reader.said(facts);
    let shown = || {
        reader
            .spots("itemprop", |spot| spot.property == Property::Author)
            .or_else(|| reader.spots("rel", |spot| spot.property == Property::RelAuthor))
            .or_else(|| reader.spots("byline", |spot| spot.hints.has(Hints::BYLINE)))
            .or_else(|| reader.spots("class", |spot| spot.hints.has(Hints::AUTHOR)))
            .or_else(|| reader.spots("link", |spot| spot.property == Property::LinkAuthor))
            .or_else(|| reader.line())
    };
    match said {
        Some(said) if reader.is_sure(&said) => Some(said),
        said => shown().or(said.filter(is_plausible)),
    }
}

/// `<meta>`s in which sites put whoever owns them.
const OWNERS: [&str; 5] = ["author", "creator", "dc.creator", "dcterms.creator", "og:author"];

/// Whether names that the page does not show can be believed.
fn is_plausible(named: &Named) -> bool {
    let (names, source) = named;
    !OWNERS.contains(source) && names.iter().all(|name| person::is_full(name))
}

struct Reader<'r, 'd, 's> {
    survey: &'r Survey<'d, 's>,
    site: &'r Site,
    heading: Option<NodeId>,
}

impl Reader<'_, '_, '_> {
    /// What JSON-LD and `<meta>` say.
    fn said(&self, facts: &Facts) -> Option<Named> {
        // A person may have the site's name: it is theirs.
        let names = facts.authors.clone();
        let names = if facts.persons { names } else { self.without_site(names) };
        let graph = Some((names, "json-ld"));
        let graph = graph.filter(|(names, _)| !names.is_empty());
        let graph = graph.map(|(names, source)| (self.only_shown(names), source));
        if graph.as_ref().is_some_and(|named| self.is_sure(named)) {
            return graph;
        }
        let meta = self.meta();
        match (graph, meta) {
            (Some(graph), Some(meta)) => Some(if self.is_sure(&meta) { meta } else { graph }),
            (graph, meta) => graph.or(meta),
        }
    }

    /// Whether names are those of people whom the page shows.
    fn is_sure(&self, named: &Named) -> bool {
        named
            .0
            .iter()
            .all(|name| !person::is_account(name) && visible::is_visible(self.survey, name))
    }

    /// The names that the page shows; all of them if it shows none.
    fn only_shown(&self, names: Vec<String>) -> Vec<String> {
        if names.len() < 2 {
            return names;
        }
        let shown: Vec<String> =
            names.iter().filter(|name| visible::is_visible(self.survey, name)).cloned().collect();
        if shown.is_empty() { names } else { shown }
    }

    fn without_site(&self, names: Vec<String>) -> Vec<String> {
        names.into_iter().filter(|name| !self.site.is(name)).collect()
    }

    fn meta(&self) -> Option<Named> {
        let said = self.survey.about(Field::Author);
        let mut said = said.into_iter().peekable();
        while let Some(first) = said.next() {
            let mut lists = vec![person::names(&unescaped(first.raw))];
            while let Some(more) = said.next_if(|said| said.name == first.name) {
                lists.push(person::names(&unescaped(more.raw)));
            }
            let names = self.without_site(person::union(lists));
            if !names.is_empty() && (first.name != "twitter:data1" || pieces::is_likely(&names)) {
                return Some((names, first.name));
            }
        }
        None
    }

    /// The names in the element nearest to the title.
    fn spots(&self, source: &'static str, wanted: impl Fn(&Spot) -> bool) -> Option<Named> {
        let mut spots: Vec<&Spot> = self
            .survey
            .authors
            .iter()
            .filter(|spot| spot.zone == Zone::Content && wanted(spot))
            .collect();
        if let Some(heading) = self.heading {
            spots.sort_by_key(|spot| super::distance(heading, spot.id));
        }
        spots.into_iter().take(MAX_SPOTS).find_map(|spot| {
            let names = self.names(spot);
            pieces::is_likely(&names).then_some((names, source))
        })
    }

    fn names(&self, spot: &Spot) -> Vec<String> {
        let document = self.survey.document;
        let end = document.node(spot.id).end;
        // Links to the authors say exactly which words are names.
        let inner = self.survey.authors.iter().filter(|inner| {
            (spot.id + 1..end).contains(&inner.id)
                && (matches!(
                    inner.property,
                    Property::RelAuthor | Property::LinkAuthor | Property::Author | Property::Name
                ) || inner.hints.has(Hints::VCARD))
        });
        let lists: Vec<Vec<String>> = inner
            .map(|inner| person::names(&self.survey.text(inner.id)))
            .filter(|names| pieces::is_likely(names))
            .take(person::MAX_NAMES)
            .collect();
        let names = person::union(lists);
        if !names.is_empty() {
            return names;
        }
        let texts = pieces::of(document, spot.id..end);
        // A line with date, place and more names the author behind "by" only.
        let led = spot.hints.has(Hints::META_LINE) && !spot.hints.has(Hints::AUTHOR);
        let names = pieces::names(&texts, led);
        let led = texts.iter().any(|text| person::behind_lead(text).is_some());
        let marked = spot.property != Property::None || spot.hints.has(Hints::VCARD) || led;
        let alone = texts.len() == 1 && texts[0].len() <= MAX_NAME_BYTES;
        let believed =
            |name: &String| marked || alone && !person::is_account(name) || person::is_full(name);
        if names.iter().all(believed) { names } else { Vec::new() }
    }

    /// A line near the title that begins with "By" or the like.
    fn line(&self) -> Option<Named> {
        let document = self.survey.document;
        let heading = self.heading?;
        let start = document.node(heading).end;
        let is_read = |&id: &NodeId| {
            document.is_text(id)
                && !matches!(
                    document.tag(document.node(id).parent),
                    Tag::Script | Tag::Style | Tag::Noscript | Tag::Option
                )
                && !document.source_text(id).trim().is_empty()
        };
        let behind = (start..document.len()).filter(is_read).take(NODES_BEHIND);
        let before = (1..heading).rev().filter(is_read).take(NODES_BEFORE);
        behind.chain(before).find_map(|id| {
            let text = document.text(id);
            let text = text.trim();
            if text.len() > MAX_LINE_BYTES
                || !person::is_byline(text)
                || matches!(self.survey.zone_of(id), Zone::Comment | Zone::Related)
            {
                return None;
            }
            let end = (id + LINE_NODES).min(document.len());
            let names = self.without_site(pieces::names(&pieces::of(document, id..end), true));
            let full = !names.is_empty() && names.iter().all(|name| person::is_full(name));
            full.then_some((names, "text"))
        })
    }
}
