//! What a page says about itself.

use serde_json::Value;
use url::Url;

use crate::Metadata;
use crate::document::Document;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) title: Option<String>,
    pub(crate) metadata: Metadata,
}

/// Reads title and metadata; `url` is the page's own address and `base` what links are relative
/// to.
pub(crate) fn read(document: &Document<'_>, url: &Url, base: &Url) -> Found {
    let _ = (document, url, base);
    Found::default()
}

/// The JSON-LD objects as they stand; those that are no JSON even after mending are left out.
pub(crate) fn json_ld(document: &Document<'_>) -> Vec<Value> {
    let _ = document;
    Vec::new()
}
