//! Which part of a page is its main content.

use url::Url;

use crate::document::Document;
use crate::keep::Keep;

/// The text nodes of the main content.
pub(crate) fn choose(document: &Document<'_>, _url: &Url) -> Keep {
    Keep::visible(document)
}
