//! When a page was published and changed.

mod buried;
mod shown;

use url::Url;

use super::date::{self, Order, Stamp};
use super::hint::Hints;
use super::json_ld::Facts;
use super::meta_name::Field;
use super::survey::{Property, Spot, Survey, Zone, unescaped};
use crate::document::NodeId;
use crate::name::Tag;
use shown::{Label, Shown};

/// A date and its source.
pub(super) type Dated = (Stamp, &'static str);

/// Both dates of a page.
#[derive(Debug, Default)]
pub(super) struct Dates {
    pub(super) published: Option<Dated>,
    pub(super) modified: Option<Dated>,
}

/// A text longer than this is not read for a date though its element is called one.
const MAX_SPOT_BYTES: usize = 320;

/// Nodes between the title and a date that belongs to it.
const MAX_DISTANCE: u32 = 90;

/// Elements that are looked at, the nearest to the title first.
const MAX_SPOTS: usize = 32;

/// Both dates. For the first, in this order: JSON-LD, `<meta>`, microdata, `<time>`, the address,
/// the text near the title, less telling `<meta>`s, the text anywhere, embedded state.
pub(super) fn read(
    survey: &Survey<'_, '_>,
    facts: &Facts,
    url: &Url,
    heading: Option<NodeId>,
    order: Order,
) -> Dates {
    let shown = shown::near(survey, heading, order);
    let reader = Reader { survey, order, heading, shown };
    let modified = reader
        .json_ld(&facts.modified)
        .or_else(|| reader.meta(Field::Modified, 0..=9))
        .or_else(|| reader.property(Property::Modified))
        .or_else(|| reader.updated());
    let published = reader
        .json_ld(&facts.published)
        .or_else(|| reader.meta(Field::Published, 0..=2))
        .map(|said| reader.as_shown(said))
        .or_else(|| reader.property(Property::Published))
        .or_else(|| reader.time(true))
        .or_else(|| date::in_address(url.path()).map(|stamp| (stamp, "url")))
        .or_else(|| reader.time(false))
        .or_else(|| reader.text())
        .or_else(|| reader.meta(Field::Published, 3..=9))
        .or_else(|| reader.class())
        .or_else(|| shown::labelled(survey, order).map(|shown| (shown.stamp, "text")))
        .or_else(|| {
            modified
                .is_none()
                .then(|| buried::read(survey.document.source))
                .flatten()
                .map(|stamp| (stamp, "script"))
        });
    Dates { published, modified }
}

/// Attributes that hold a date.
const VALUES: [&str; 7] =
    ["datetime", "content", "title", "data-datetime", "data-date", "data-time", "data-timestamp"];

struct Reader<'r, 'd, 's> {
    survey: &'r Survey<'d, 's>,
    order: Order,
    heading: Option<NodeId>,
    shown: Vec<Shown>,
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
            spots.sort_by_key(|spot| super::distance(heading, spot.id));
        }
        spots.into_iter().take(MAX_SPOTS).find_map(|spot| self.stamp(spot))
    }

    fn stamp(&self, spot: &Spot) -> Option<Stamp> {
        let document = self.survey.document;
        for name in VALUES {
            if let Some(value) = document.attribute(spot.id, name)
                && let Some(stamp) = date::value(&value, self.order)
            {
                return Some(stamp);
            }
        }
        let text = self.survey.text(spot.id);
        let text = text.trim();
        (text.len() <= MAX_SPOT_BYTES).then(|| date::find(text, self.order)).flatten()
    }

    /// The day that readers see, where the page's data says another.
    ///
    /// Times in UTC fall on another day than the one the page shows. JSON-LD often says when a draft
    /// was made; the page shows the day that counts.
    fn as_shown(&self, said: Dated) -> Dated {
        let (stamp, source) = said;
        let days = |shown: &Shown| stamp.days_from(shown.stamp).min(stamp.days_from(shown.swapped));
        if self.heading.is_none() || self.shown.iter().any(|shown| days(shown) == 0) {
            return said;
        }
        if let Some(near) = self.shown.iter().find(|shown| stamp.can_be_day_of(shown.stamp)) {
            return (near.stamp, "shown");
        }
        match self.shown.first().filter(|first| first.distance <= MAX_DISTANCE) {
            Some(first) if source == "json-ld" => (first.stamp, "shown"),
            None if self.order == Order::DayFirst => {
                (stamp.day_of_midnight().unwrap_or(stamp), source)
            }
            _ => said,
        }
    }

    /// Text near the title.
    fn text(&self) -> Option<Dated> {
        let published = self.shown.iter().find(|shown| shown.label != Label::Updated);
        published.or(self.shown.first()).map(|shown| (shown.stamp, "text"))
    }
}
