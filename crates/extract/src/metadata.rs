//! What a page says about itself.

mod authors;
pub(crate) mod date;
mod dates;
mod feeds;
mod head;
mod hint;
mod json_ld;
mod meta_name;
mod person;
mod site;
pub(crate) mod squeeze;
mod survey;
mod title;

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use crate::document::{Document, NodeId};
use crate::line::cut;
use crate::name::Tag;
use crate::{Metadata, composed};
use date::Order;
use head::Sourced;
use json_ld::Graph;
use site::Site;
use survey::Survey;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) title: Option<String>,
    pub(crate) metadata: Metadata,
}

/// Reads title and metadata; `url` is the page's own address and `base` what links are relative
/// to.
pub(crate) fn read(document: &Document<'_>, url: &Url, base: &Url) -> Found {
    let survey = Survey::of(document);
    let mut graph = Graph::default();
    for &script in &survey.scripts {
        graph.add(json_ld::read(&document.text_content(script)));
    }
    let mut sources = Sources(BTreeMap::new());
    let canonical = head::canonical(&survey, base);
    let own = |address: &str| {
        same_page(address, url.as_str())
            || canonical.as_ref().is_some_and(|(canonical, _)| same_page(address, canonical))
    };
    let facts = graph.facts(own);
    let named = head::site_name(&survey, &facts);
    let names =
        [named.as_ref().map_or("", |(name, _)| name.as_str()), &facts.site, &facts.publisher];
    let mut site = Site::new(url, names);
    let title = title::choose(&survey, &facts, &site);
    let named = named.or_else(|| {
        let id = survey.title?;
        head::site_of_title(&squeeze::squeeze(&document.text_content(id)), &site)
    });
    if let Some((name, _)) = &named {
        site.add(name);
    }
    let language = head::language(&survey, &facts);
    let order = order(language.as_ref().map(|(tag, _)| tag.as_str()), url);
    let dates = dates::read(&survey, &facts, url, title.heading, order);
    let authors = authors::read(&survey, &facts, &site, title.heading);
    let (feeds, feeds_source) = feeds::feeds(&survey, base);
    let (sitemaps, sitemaps_source) = feeds::sitemaps(&survey, base);
    if !feeds.is_empty() {
        sources.0.insert("feeds".to_owned(), feeds_source.to_owned());
    }
    if !sitemaps.is_empty() {
        sources.0.insert("sitemaps".to_owned(), sitemaps_source.to_owned());
    }
    let stamp =
        |dated: Option<dates::Dated>| dated.map(|(stamp, source)| (stamp.to_string(), source));
    let authors = authors.map(|(names, source)| {
        let names: Vec<String> = names.into_iter().map(settled).collect();
        sources.0.insert("authors".to_owned(), source.to_owned());
        (names, source)
    });
    let names = authors.as_ref().map(|(names, _)| names.clone()).unwrap_or_default();
    let metadata = Metadata {
        author: sources.take("author", authors.map(|(names, source)| (names.join("; "), source))),
        authors: names,
        published: sources.take("published", stamp(dates.published)),
        modified: sources.take("modified", stamp(dates.modified)),
        language: sources.take("language", language),
        description: sources.take("description", head::description(&survey, &facts)),
        site_name: sources.take("site_name", named),
        image: sources.take("image", head::image(&survey, &facts, base)),
        kind: sources.take("type", head::kind(&survey, &facts)),
        canonical: sources.take("canonical", canonical),
        feeds,
        sitemaps,
        sources: BTreeMap::new(),
    };
    let title = (!title.text.is_empty()).then_some((title.text, title.source));
    let title = sources.take("title", title);
    Found { title, metadata: Metadata { sources: sources.0, ..metadata } }
}

/// The JSON-LD objects as they stand; those that are no JSON even after mending are left out.
pub(crate) fn json_ld(document: &Document<'_>) -> Vec<Value> {
    let scripts = (1..document.len())
        .filter(|&id| document.tag(id) == Tag::Script && survey::is_json_ld(document, id));
    let mut graph = Graph::default();
    for script in scripts.take(json_ld::MAX_SCRIPTS) {
        graph.add(json_ld::read(&document.text_content(script)));
    }
    graph.into_objects()
}

/// Where each field was found.
struct Sources(BTreeMap<String, String>);

impl Sources {
    /// The value; its source is noted under the field's name.
    fn take(&mut self, field: &str, value: Option<Sourced>) -> Option<String> {
        let (value, source) = value?;
        self.0.insert(field.to_owned(), source.to_owned());
        Some(settled(value))
    }
}

/// A value as promised: trimmed, in normalization form C, of no more than 4 KiB.
pub(crate) fn settled(value: String) -> String {
    let mut value = composed(value);
    value.truncate(cut(&value, squeeze::MAX_FIELD_BYTES).len());
    if value.trim().len() < value.len() { value.trim().to_owned() } else { value }
}

/// How far something is from the title; what stands before it counts three times as far.
fn distance(heading: NodeId, id: NodeId) -> NodeId {
    if id > heading { id - heading } else { (heading - id).saturating_mul(3) }
}

/// Whether two addresses are the same page, scheme, `www.`, fragment and last slash aside.
fn same_page(one: &str, other: &str) -> bool {
    fn bare(address: &str) -> &str {
        let address = address.split('#').next().unwrap_or("");
        let address = address.split_once("://").map_or(address, |(_, rest)| rest);
        address.strip_prefix("www.").unwrap_or(address).trim_end_matches('/')
    }
    bare(one).eq_ignore_ascii_case(bare(other))
}

/// How numbers like 5/6/2024 are read on this page: month first in the United States and where
/// nothing says otherwise in English.
fn order(language: Option<&str>, url: &Url) -> Order {
    const DAY_FIRST: [&str; 14] =
        ["uk", "au", "nz", "ie", "in", "za", "sg", "my", "hk", "ke", "ng", "pk", "lk", "mt"];
    let language = language.unwrap_or("").to_ascii_lowercase();
    let (primary, region) = language.split_once('-').unwrap_or((&language, ""));
    let suffix = url.host_str().and_then(|host| host.rsplit('.').next()).unwrap_or("");
    let english = matches!(primary, "en" | "");
    let month_first = match region {
        "us" | "ph" => true,
        "" => {
            english && !(suffix.len() == 2 && (DAY_FIRST.contains(&suffix) || primary.is_empty()))
        }
        _ => false,
    };
    if month_first { Order::MonthFirst } else { Order::DayFirst }
}

#[cfg(test)]
mod tests;
