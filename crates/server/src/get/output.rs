//! What is printed of a page.

use anyhow::{Context, Result};
use scrape::Page;

use super::input::Body;
use crate::cli::Printed;
use crate::object::Object;
use crate::page_json;

/// The bytes to print, ending with a line feed unless there are none.
///
/// # Errors
/// There is nothing of that kind in it.
pub(super) fn print(printed: Printed, name: &str, body: &Body, page: &Page) -> Result<Vec<u8>> {
    let mut out = match printed {
        Printed::Markdown => text(page.markdown.as_deref())?,
        Printed::Text => text(page.text.as_deref())?,
        Printed::Html => text(page.html.as_deref())?,
        Printed::Links => links(page)?,
        Printed::Metadata => metadata(page)?,
        Printed::Fields => serde_json::to_vec_pretty(page.fields.as_ref().context(NOT_HTML)?)?,
        Printed::Json => json(name, body, page),
    };
    if out.last().is_some_and(|last| *last != b'\n') {
        out.push(b'\n');
    }
    Ok(out)
}

const NOT_HTML: &str = "not an HTML page, so there is nothing of the kind";

fn text(text: Option<&str>) -> Result<Vec<u8>> {
    Ok(text.context("neither HTML nor text (see --content-type)")?.as_bytes().to_vec())
}

fn links(page: &Page) -> Result<Vec<u8>> {
    let mut out = String::new();
    for link in page.links.as_ref().context(NOT_HTML)? {
        out.push_str(&link.url);
        out.push('\t');
        out.extend(link.text.chars().map(|c| if c.is_control() { ' ' } else { c }));
        out.push('\n');
    }
    Ok(out.into_bytes())
}

fn metadata(page: &Page) -> Result<Vec<u8>> {
    let metadata = page.metadata.as_ref().context(NOT_HTML)?;
    let mut value = serde_json::to_value(metadata)?;
    if let (Some(object), Some(title)) = (value.as_object_mut(), &page.title) {
        object.insert("title".to_owned(), title.as_str().into());
    }
    Ok(serde_json::to_vec_pretty(&value)?)
}

fn json(name: &str, body: &Body, page: &Page) -> Vec<u8> {
    let mut object = Object::open(Vec::with_capacity(page_json::size_of(page) + 1024));
    object.field("input", name);
    match &body.fetched {
        Some((url, status)) => {
            object.field("url", url);
            object.field("final_url", body.url.as_str());
            object.field("status", status);
        }
        None if body.located => object.field("url", body.url.as_str()),
        None => {}
    }
    object.optional("content_type", body.content_type.as_ref());
    page_json::write(&mut object, page);
    object.field("bytes", &body.bytes.len());
    object.close()
}
