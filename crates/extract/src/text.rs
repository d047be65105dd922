//! Plain text: a line for each block.

use crate::document::Document;
use crate::keep::Keep;

/// The wanted text, and whether `most_bytes` cut it.
pub(crate) fn write(document: &Document<'_>, keep: &Keep, most_bytes: usize) -> (String, bool) {
    let _ = (document, keep, most_bytes);
    (String::new(), false)
}
