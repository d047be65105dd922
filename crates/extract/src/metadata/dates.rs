//! When a page was published and changed.

use url::Url;

use super::date::{self, Order, Stamp};
use super::hint::Hints;
use super::json_ld::Facts;
use super::meta_name::Field;
use super::survey::{Property, Spot, Survey, Zone, unescaped};
use crate::document::NodeId;
use crate::name::Tag;

/// A date and its source.
pub(super) type Dated = (Stamp, &'static str);

/// Both dates of a page.
#[derive(Debug, Default)]
pub(super) struct Dates {
    pub(super) published: Option<Dated>,
    pub(super) modified: Option<Dated>,
}

/// Text nodes behind the title that are searched for a date.
const NODES_BEHIND: u32 = 120;

/// Text nodes before the title that are searched for a date.
const NODES_BEFORE: u32 = 40;

/// A text node longer than this is a paragraph, not a line with a date.
const MAX_LINE_BYTES: usize = 160;

pub(super) fn read(
    survey: &Survey<'_, '_>,
    facts: &Facts,
    url: &Url,
    heading: Option<NodeId>,
    order: Order,
) -> Dates {
    let reader = Reader { survey, order, heading };
    let published = reader
        .json_ld(&facts.published)
        .or_else(|| reader.meta(Field::Published, 0..=2))
        .or_else(|| reader.property(Property::Published))
        .or_else(|| reader.time(true))
        .or_else(|| date::in_address(url.path()).map(|stamp| (stamp, "url")))
        .or_else(|| reader.meta(Field::Published, 3..=9))
        .or_else(|| reader.time(false))
        .or_else(|| reader.class())
        .or_else(|| reader.text());
    let modified = reader
        .json_ld(&facts.modified)
        .or_else(|| reader.meta(Field::Modified, 0..=9))
        .or_else(|| reader.property(Property::Modified))
        .or_else(|| reader.updated());
    Dates { published, modified }
}

struct Reader<'r, 'd, 's> {
    survey: &'r Survey<'d, 's>,
    order: Order,
    heading: Option<NodeId>,
}

impl Reader<'_, '_, '_> {
    fn json_ld(&self, written: &str) -> Option<Dated> {
        date::value(written, self.order).map(|stamp| (stamp, "json-ld"))
    }

    fn meta(&self, field: Field, ranks: std::ops::RangeInclusive<u8>) -> Option<Dated> {
        self.survey
            .about(field)
            .into_iter()
            .filter(|said| ranks.contains(&said.rank))
            .find_map(|said| Some((date::value(&unescaped(said.raw), self.order)?, said.name)))
    }

    /// Microdata and RDFa.
    fn property(&self, property: Property) -> Option<Dated> {
        let spots = self.survey.dates.iter().filter(|spot| spot.property == property);
        self.nearest(spots).map(|stamp| (stamp, "itemprop"))
    }

    /// `<time>`, those that say they are dates of publication if `sure`.
    fn time(&self, sure: bool) -> Option<Dated> {
        let document = self.survey.document;
        let spots = self.survey.dates.iter().filter(|spot| {
            document.tag(spot.id) == Tag::Time
                && !spot.hints.has(Hints::MODIFIED)
                && spot.property != Property::Modified
                && (spot.hints.has(Hints::PUBLISHED) || !sure)
        });
        self.nearest(spots).map(|stamp| (stamp, "time"))
    }

    fn class(&self) -> Option<Dated> {
        let spots = self.survey.dates.iter().filter(|spot| !spot.hints.has(Hints::MODIFIED));
        self.nearest(spots).map(|stamp| (stamp, "class"))
    }

    fn updated(&self) -> Option<Dated> {
        let spots = self.survey.dates.iter().filter(|spot| spot.hints.has(Hints::MODIFIED));
        self.nearest(spots).map(|stamp| (stamp, "class"))
    }

    /// The date nearest to the title, among those not in comments and lists of other pages; those
    /// behind the title count as nearer.
    fn nearest<'a>(&self, spots: impl Iterator<Item = &'a Spot>) -> Option<Stamp> {
        let mut spots: Vec<&Spot> =
            spots.filter(|spot| !matches!(spot.zone, Zone::Comment | Zone::Related)).collect();
        if let Some(heading) = self.heading {
            spots.sort_by_key(|spot| {
                if spot.id > heading { spot.id - heading } else { (heading - spot.id).saturating_mul(3) }
            });
        }
        spots.into_iter().take(32).find_map(|spot| self.stamp(spot))
    }

    fn stamp(&self, spot: &Spot) -> Option<Stamp> {
        let document = self.survey.document;
        for name in ["datetime", "content", "title", "data-datetime", "data-date", "data-time", "data-timestamp"] {
            if let Some(value) = document.attribute(spot.id, name)
                && let Some(stamp) = date::value(&value, self.order)
            {
                return Some(stamp);
            }
        }
        let text = self.survey.text(spot.id);
        let text = text.trim();
        (text.len() <= MAX_LINE_BYTES * 2).then(|| date::find(text, self.order)).flatten()
    }

    /// Text near the title.
    fn text(&self) -> Option<Dated> {
        let document = self.survey.document;
        let start = self.heading.map_or(1, |heading| document.node(heading).end);
        let behind = (start..document.len()).filter(|&id| document.is_text(id)).take(NODES_BEHIND as usize);
        let before = (1..self.heading.unwrap_or(1)).rev().filter(|&id| document.is_text(id)).take(NODES_BEFORE as usize);
        behind.chain(before).find_map(|id| {
            let parent = document.node(id).parent;
            if matches!(document.tag(parent), Tag::Script | Tag::Style | Tag::Noscript | Tag::Title | Tag::Option) {
                return None;
            }
            let raw = document.source_text(id).trim();
            if raw.len() < 6 || raw.len() > MAX_LINE_BYTES {
                return None;
            }
            let text = document.text(id);
            if is_copyright(&text) {
                return None;
            }
            date::find(&text, self.order).map(|stamp| (stamp, "text"))
        })
    }
}

fn is_copyright(text: &str) -> bool {
    text.contains('©') || text.to_ascii_lowercase().contains("copyright")
}
