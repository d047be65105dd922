//! Fields picked by CSS selectors.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use crate::document::Document;

/// Compiled selectors.
#[derive(Debug)]
pub struct Select {}

impl Select {
    /// What the selectors find in a page.
    pub(crate) fn read(&self, document: &Document<'_>, base: &Url) -> BTreeMap<String, Value> {
        let _ = (document, base);
        BTreeMap::new()
    }
}
