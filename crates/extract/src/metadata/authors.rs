//! Who wrote a page.

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

pub(super) fn read(
    survey: &Survey<'_, '_>,
    facts: &Facts,
    site: &Site,
    heading: Option<NodeId>,
) -> Option<Named> {
    let reader = Reader { survey, site, heading };
    reader
        .checked(facts.authors.clone(), "json-ld")
        .or_else(|| reader.meta(0..=1))
        .or_else(|| reader.spots("itemprop", |spot| spot.property == Property::Author))
        .or_else(|| reader.spots("rel", |spot| spot.property == Property::RelAuthor))
        .or_else(|| reader.spots("byline", |spot| spot.hints.has(Hints::BYLINE)))
        .or_else(|| reader.spots("author", |spot| spot.hints.has(Hints::AUTHOR)))
        .or_else(|| reader.spots("link", |spot| spot.property == Property::LinkAuthor))
        .or_else(|| reader.meta(2..=9))
}

struct Reader<'r, 'd, 's> {
    survey: &'r Survey<'d, 's>,
    site: &'r Site,
    heading: Option<NodeId>,
}

impl Reader<'_, '_, '_> {
    fn checked(&self, names: Vec<String>, source: &'static str) -> Option<Named> {
        (!names.is_empty()).then_some((names, source))
    }

    fn meta(&self, ranks: std::ops::RangeInclusive<u8>) -> Option<Named> {
        let said = self.survey.about(Field::Author);
        let mut said = said.into_iter().filter(|said| ranks.contains(&said.rank)).peekable();
        while let Some(first) = said.next() {
            let mut lists = vec![person::names(&unescaped(first.raw))];
            while let Some(more) = said.next_if(|said| said.name == first.name) {
                lists.push(person::names(&unescaped(more.raw)));
            }
            let names = person::union(lists);
            let names: Vec<String> = names.into_iter().filter(|name| !self.site.is(name)).collect();
            if !names.is_empty() {
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
            .filter(|spot| {
                !matches!(spot.zone, Zone::Comment | Zone::Related | Zone::Margin) && wanted(spot)
            })
            .collect();
        if let Some(heading) = self.heading {
            spots.sort_by_key(|spot| {
                if spot.id > heading {
                    spot.id - heading
                } else {
                    (heading - spot.id).saturating_mul(3)
                }
            });
        }
        spots.into_iter().take(16).find_map(|spot| {
            let names = self.names(spot);
            self.checked(names, source)
        })
    }

    fn names(&self, spot: &Spot) -> Vec<String> {
        let document = self.survey.document;
        // An element that names the author names the rest of itself otherwise.
        let end = document.node(spot.id).end;
        let inner = self.survey.authors.iter().filter(|inner| {
            inner.id > spot.id
                && inner.id < end
                && matches!(inner.property, Property::RelAuthor | Property::LinkAuthor)
        });
        let lists: Vec<Vec<String>> =
            inner.map(|inner| person::names(&self.survey.text(inner.id))).collect();
        let names = person::union(lists);
        if !names.is_empty() {
            return names;
        }
        let mut pieces = Vec::new();
        for id in document.subtree(spot.id) {
            if document.is_text(id)
                && !matches!(document.tag(document.node(id).parent), Tag::Script | Tag::Style)
            {
                let text = document.text(id);
                if !text.trim().is_empty() {
                    pieces.push(text.trim().to_owned());
                }
                if pieces.len() > 8 {
                    break;
                }
            }
        }
        person::names(&pieces.join(" | "))
    }
}
