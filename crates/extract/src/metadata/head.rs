//! Fields that are taken as they stand: the best source that says anything wins.

use url::Url;

use super::feeds::absolute;
use super::json_ld::Facts;
use super::meta_name::Field;
use super::site::Site;
use super::squeeze::squeeze;
use super::survey::{Survey, unescaped};

/// A value and its source.
pub(super) type Sourced = (String, &'static str);

/// The first of `<meta>`'s values that is not empty.
pub(super) fn meta(survey: &Survey<'_, '_>, field: Field) -> Option<Sourced> {
    survey.about(field).into_iter().find_map(|said| {
        let value = squeeze(&unescaped(said.raw));
        (!value.is_empty()).then_some((value, said.name))
    })
}

fn json_ld(value: &str) -> Option<Sourced> {
    (!value.is_empty()).then(|| (value.to_owned(), "json-ld"))
}

pub(super) fn description(survey: &Survey<'_, '_>, facts: &Facts) -> Option<Sourced> {
    meta(survey, Field::Description).or_else(|| json_ld(&facts.description))
}

pub(super) fn site_name(survey: &Survey<'_, '_>, facts: &Facts) -> Option<Sourced> {
    let names = survey.about(Field::SiteName);
    let said = |rank: u8| {
        names.iter().filter(|said| said.rank == rank).find_map(|said| {
            let name = squeeze(&unescaped(said.raw));
            (!name.is_empty() && !name.starts_with('@')).then_some((name, said.name))
        })
    };
    said(0)
        .or_else(|| json_ld(&facts.site))
        .or_else(|| json_ld(&facts.publisher))
        .or_else(|| said(1))
        .or_else(|| said(2))
}

/// The part of `<title>` that names the site by its host, where nothing else does.
pub(super) fn site_of_title(title: &str, site: &Site) -> Option<Sourced> {
    const SEPARATORS: [&str; 7] = [" | ", " - ", " – ", " — ", " · ", " » ", " :: "];
    SEPARATORS.iter().find_map(|separator| {
        let ends = [title.rsplit_once(separator)?.1, title.split_once(separator)?.0];
        let name = ends.into_iter().map(str::trim).find(|end| site.resembles(end))?;
        Some((name.to_owned(), "title"))
    })
}

/// The page's preferred address.
pub(super) fn canonical(survey: &Survey<'_, '_>, base: &Url) -> Option<Sourced> {
    let document = survey.document;
    let linked = survey.links.iter().find_map(|&id| {
        let rel = document.raw_attribute(id, "rel")?;
        let named = rel.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("canonical"));
        let href = document.attribute(id, "href").filter(|_| named)?;
        absolute(base, &href)
    });
    linked.map(|url| (url, "link")).or_else(|| address(survey, Field::Canonical, base))
}

/// The page's picture.
pub(super) fn image(survey: &Survey<'_, '_>, facts: &Facts, base: &Url) -> Option<Sourced> {
    let document = survey.document;
    let linked = || {
        survey.links.iter().find_map(|&id| {
            let rel = document.raw_attribute(id, "rel")?;
            let named =
                rel.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("image_src"));
            let href = document.attribute(id, "href").filter(|_| named)?;
            absolute(base, &href)
        })
    };
    address(survey, Field::Image, base)
        .or_else(|| absolute(base, &facts.image).map(|url| (url, "json-ld")))
        .or_else(|| linked().map(|url| (url, "link")))
}

fn address(survey: &Survey<'_, '_>, field: Field, base: &Url) -> Option<Sourced> {
    survey
        .about(field)
        .into_iter()
        .find_map(|said| Some((absolute(base, &unescaped(said.raw))?, said.name)))
}

/// The language, a BCP 47 tag as the page gives it.
pub(super) fn language(survey: &Survey<'_, '_>, facts: &Facts) -> Option<Sourced> {
    let html = survey.language.map(|raw| (squeeze(&unescaped(raw)), "html"));
    let said = survey.about(Field::Language);
    let said = said.iter().map(|said| {
        let value = squeeze(&unescaped(said.raw));
        // Several languages may be named; the first one counts.
        (value.split([',', ';']).next().unwrap_or("").trim().to_owned(), said.name)
    });
    html.into_iter()
        .chain(said)
        .chain(json_ld(&facts.language))
        .map(|(tag, source)| (tag.replace('_', "-"), source))
        .find(|(tag, _)| is_language(tag))
}

/// Looks like a BCP 47 tag (RFC 5646): two or three letters, then short subtags.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or("");
    tag.len() <= 35
        && matches!(primary.len(), 2 | 3)
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}

/// What the page is, in lower case.
pub(super) fn kind(survey: &Survey<'_, '_>, facts: &Facts) -> Option<Sourced> {
    let said = survey.about(Field::Kind).into_iter().find_map(|said| {
        let value = squeeze(&unescaped(said.raw)).to_lowercase();
        (!value.is_empty() && value.len() <= 64).then_some((value, said.name))
    });
    // "website" is what every page says that has not been thought about.
    match said {
        Some((value, name)) if value != "website" || facts.kind.is_empty() => Some((value, name)),
        other => json_ld(&facts.kind).or(other),
    }
}
