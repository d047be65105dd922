//! A page as Firecrawl tells it.

use std::borrow::Cow;
use std::collections::HashSet;

use jobs::JobId;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::failure::explained;
use crate::stored::{Data, Link};
use crate::{HtmlName, shim};

/// A page; what was not asked for is absent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FirecrawlDocument)]
pub(crate) struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    markdown: Option<&'a RawValue>,
    /// The page's HTML as it came: nothing is cleaned away.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    html: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    raw_html: Option<&'a RawValue>,
    /// Each once, absolute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    links: Option<Vec<Cow<'a, str>>>,
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FirecrawlMetadata)]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    title: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    description: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    language: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    author: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    published_time: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    modified_time: Option<&'a RawValue>,
    /// The address that was asked for.
    #[serde(rename = "sourceURL", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    source_url: Option<&'a RawValue>,
    /// The address that the page came from, redirects followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    url: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    content_type: Option<&'a RawValue>,
    /// The job's id.
    scrape_id: String,
    /// `hit` or `miss`.
    #[schema(value_type = String)]
    cache_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    cached_at: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl<'a> Document<'a> {
    /// The page that the event of a job tells of, its HTML by these names.
    pub(super) fn new(id: JobId, data: Data<'a>, html_names: &[HtmlName]) -> Self {
        let named = |name| match html_names {
            [] => name == HtmlName::Html,
            names => names.contains(&name),
        };
        let page = data.page.unwrap_or_default();
        let warning = data.content_ref.as_ref().map(|content| {
            format!("the page is too large to be sent; the whole event is at {}", content.url)
        });
        Self {
            markdown: data.markdown,
            html: data.html.filter(|_| named(HtmlName::Html)),
            raw_html: data.html.filter(|_| named(HtmlName::RawHtml)),
            links: data.links.map(each_once),
            metadata: Metadata {
                title: data.title,
                description: page.description,
                language: page.language,
                author: page.author,
                published_time: page.published,
                modified_time: page.modified,
                source_url: data.url,
                url: data.final_url.or(data.url),
                status_code: data.status,
                content_type: data.content_type,
                scrape_id: shim::id_text(id),
                cache_state: if data.cache.is_some() { "hit" } else { "miss" },
                cached_at: data.cache.map(|earlier| earlier.seen),
                error: data.error.as_ref().map(explained),
            },
            warning,
        }
    }
}

fn each_once(links: Vec<Link<'_>>) -> Vec<Cow<'_, str>> {
    let mut seen = HashSet::with_capacity(links.len());
    links.into_iter().map(|link| link.url).filter(|url| seen.insert(url.clone())).collect()
}
