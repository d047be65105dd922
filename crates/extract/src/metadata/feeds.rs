//! Feeds and sitemaps that a page announces.

use url::Url;

use super::squeeze::squeeze;
use super::survey::Survey;
use crate::Feed;

/// Of each kind.
const MAX_KEPT: usize = 50;

/// Media types of feeds.
const TYPES: [&str; 6] = [
    "application/rss+xml",
    "application/atom+xml",
    "application/feed+json",
    "application/rdf+xml",
    "text/rss+xml",
    "text/atom+xml",
];

/// The feeds by `<link rel=alternate type>`; where there is none, the links to what looks like
/// one.
pub(super) fn feeds(survey: &Survey<'_, '_>, base: &Url) -> (Vec<Feed>, &'static str) {
    let document = survey.document;
    let mut found: Vec<Feed> = Vec::new();
    for &id in &survey.links {
        let rel = document.raw_attribute(id, "rel").unwrap_or("");
        let media_type = document.attribute(id, "type").unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        let announced = rel
            .split_ascii_whitespace()
            .any(|rel| rel.eq_ignore_ascii_case("alternate") || rel.eq_ignore_ascii_case("feed"));
        if !announced || !TYPES.contains(&media_type.as_str()) {
            continue;
        }
        let Some(href) = document.attribute(id, "href") else { continue };
        let Some(url) = absolute(base, &href) else { continue };
        let title = document.attribute(id, "title").map(|title| squeeze(&title));
        add(&mut found, Feed { url, media_type, title: title.filter(|title| !title.is_empty()) });
    }
    if !found.is_empty() {
        return (found, "link");
    }
    for &id in &survey.anchors {
        let Some(href) = document.attribute(id, "href") else { continue };
        if kind(&href) != Some(Kind::Feed) {
            continue;
        }
        let Some(url) = absolute(base, &href) else { continue };
        add(&mut found, Feed { url, media_type: String::new(), title: None });
    }
    (found, "a")
}

/// The sitemaps by `<link rel=sitemap>` and the links to what looks like one.
pub(super) fn sitemaps(survey: &Survey<'_, '_>, base: &Url) -> (Vec<String>, &'static str) {
    let document = survey.document;
    let mut found: Vec<String> = Vec::new();
    let announced = survey.links.iter().copied().filter(|&id| {
        document.raw_attribute(id, "rel").is_some_and(|rel| {
            rel.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("sitemap"))
        })
    });
    let announced: Vec<_> = announced.collect();
    let source = if announced.is_empty() { "a" } else { "link" };
    let linked = survey.anchors.iter().copied().filter(|&id| {
        document.raw_attribute(id, "href").is_some_and(|href| kind(href) == Some(Kind::Sitemap))
    });
    for id in announced.into_iter().chain(linked) {
        let Some(href) = document.attribute(id, "href") else { continue };
        if let Some(url) = absolute(base, &href)
            && found.len() < MAX_KEPT
            && !found.contains(&url)
        {
            found.push(url);
        }
    }
    (found, source)
}

/// Whether an address may be that of a feed or a sitemap; cheap, for every link of the page.
pub(super) fn may_lead(href: &str) -> bool {
    let path = href.split(['?', '#']).next().unwrap_or("").trim_end_matches('/');
    let tail = &path.as_bytes()[path.len().saturating_sub(4)..];
    [&b"feed"[..], b".rss", b"/rss", b".xml", b"atom", b"l.gz"]
        .iter()
        .any(|end| tail.eq_ignore_ascii_case(end))
}

#[derive(PartialEq, Eq)]
enum Kind {
    Feed,
    Sitemap,
}

fn kind(href: &str) -> Option<Kind> {
    let path =
        href.split(['?', '#']).next().unwrap_or("").trim_end_matches('/').to_ascii_lowercase();
    let last = path.rsplit('/').next().unwrap_or("");
    if last.starts_with("sitemap") && (last.ends_with(".xml") || last.ends_with(".xml.gz")) {
        return Some(Kind::Sitemap);
    }
    let feed = matches!(
        last,
        "feed"
            | "rss"
            | "atom"
            | "rss.xml"
            | "feed.xml"
            | "atom.xml"
            | "index.xml"
            | "feed.atom"
            | "feed.rss"
    ) || last.ends_with(".rss");
    feed.then_some(Kind::Feed)
}

fn add(found: &mut Vec<Feed>, feed: Feed) {
    if found.len() < MAX_KEPT && !found.iter().any(|other| other.url == feed.url) {
        found.push(feed);
    }
}

/// The address that `href` means, if it is http or https.
pub(super) fn absolute(base: &Url, href: &str) -> Option<String> {
    let href = href.trim();
    if href.is_empty() || href.len() > super::squeeze::MAX_FIELD_BYTES {
        return None;
    }
    let url = base.join(href).ok()?;
    (matches!(url.scheme(), "http" | "https")
        && url.as_str().len() <= super::squeeze::MAX_FIELD_BYTES)
        .then(|| url.into())
}
