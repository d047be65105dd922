//! What holds of every page.

use std::sync::Arc;

use extract::{Formats, Metadata, Options, Page, Scope, extract};
use unicode_normalization::is_nfc;
use url::Url;

use crate::grammar::Case;
use crate::shown::{shown, words};

/// Bytes that text and Markdown may have on top of twice the input.
const SPARE_BYTES: usize = 256 * 1024;

const LONGEST_BYTES: usize = 4096;

type Kept = Result<(), String>;

/// Says what is broken.
pub(crate) fn check(target: &str, case: &Case) -> Kept {
    let url: Url = "https://www.site.example/2023/11/21/page.html?q".parse().map_err(text_of)?;
    let mut select = None;
    if let Some(spec) = &case.select {
        select = serde_json::from_value(spec.clone()).ok().map(Arc::new);
    }
    for scope in [Scope::Main, Scope::Page] {
        let options = Options { formats: Formats::ALL, scope, select: select.clone() };
        let content_type = Some(case.content_type).filter(|own| !own.is_empty());
        let page = extract(&case.body, content_type, &url, &options);
        if page != extract(&case.body, content_type, &url, &options) {
            return Err("two answers to one question".to_owned());
        }
        all(&page, case.body.len())?;
        if target == "markdown" && scope == Scope::Page {
            round_trip(&page)?;
        }
    }
    Ok(())
}

fn text_of(error: url::ParseError) -> String {
    error.to_string()
}

fn holds(condition: bool, what: &str, value: impl std::fmt::Debug) -> Kept {
    if condition { Ok(()) } else { Err(format!("{what}: {value:?}")) }
}

fn all(page: &Page, body_bytes: usize) -> Kept {
    let source_bytes = page.html.as_ref().map_or(3 * body_bytes, String::len);
    for text in page.text.iter().chain(&page.markdown) {
        holds(text.len() <= 2 * source_bytes + SPARE_BYTES, "too long", text.len())?;
        // Other bodies stay as they are.
        let is_composed = page.html.is_none() || is_nfc(text);
        holds(is_composed, "not in normalization form C", text)?;
    }
    page.title.iter().try_for_each(|title| line("title", title))?;
    page.metadata.iter().try_for_each(metadata)?;
    for link in page.links.iter().flatten() {
        let url = Url::parse(&link.url).map_err(text_of)?;
        holds(matches!(url.scheme(), "http" | "https"), "a link's scheme", &link.url)?;
        holds(is_nfc(&link.text) && link.text.len() <= 1024, "a link's text", &link.text)?;
    }
    Ok(())
}

fn line(what: &str, line: &str) -> Kept {
    let fits = !line.is_empty() && line.len() <= LONGEST_BYTES && line.trim() == line;
    holds(fits && !line.contains(char::is_control) && is_nfc(line), what, line)
}

fn metadata(found: &Metadata) -> Kept {
    for (name, value) in [
        ("author", &found.author),
        ("published", &found.published),
        ("modified", &found.modified),
        ("language", &found.language),
        ("description", &found.description),
        ("site_name", &found.site_name),
        ("canonical", &found.canonical),
        ("image", &found.image),
        ("type", &found.kind),
    ] {
        value.iter().try_for_each(|value| line(name, value))?;
        holds(value.is_some() == found.sources.contains_key(name), "source", name)?;
    }
    for date in found.published.iter().chain(&found.modified) {
        holds(is_date(date), "date", date)?;
    }
    for author in &found.authors {
        line("author", author)?;
        let markup = author.contains(['<', '>', '{', '}']) || author.contains("://");
        let spoken = author.contains(char::is_alphabetic);
        holds(!markup && spoken && author.chars().count() <= 120, "author", author)?;
    }
    holds(found.author.is_some() != found.authors.is_empty(), "author", &found.authors)?;
    let feeds = found.feeds.iter().map(|feed| &feed.url);
    for address in feeds.chain(&found.sitemaps).chain(&found.canonical).chain(&found.image) {
        Url::parse(address).map_err(text_of)?;
    }
    Ok(())
}

/// ISO 8601, a date or a date and time, with or without an offset.
fn is_date(date: &str) -> bool {
    match date.len() {
        10 => date.parse::<jiff::civil::Date>().is_ok(),
        _ => {
            let zoned = date.parse::<jiff::Timestamp>().is_ok();
            zoned || date.parse::<jiff::civil::DateTime>().is_ok()
        }
    }
}

fn round_trip(page: &Page) -> Kept {
    let markdown = page.markdown.as_deref().unwrap_or("");
    let text = words(page.text.as_deref().unwrap_or(""));
    let shown = shown(markdown);
    holds(shown == text, "Markdown is not the text", (shown, text, markdown))
}
