//! What is wanted of a page.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Formats, Select};

/// Which part of the page text and Markdown are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The main content: what the page is there for, without navigation, advertising and the like.
    #[default]
    Main,
    /// All that is visible.
    Page,
}

/// What [`extract`](crate::extract) makes of a page. The default is text, Markdown and metadata of
/// the main content.
#[derive(Clone, Debug)]
pub struct Options {
    /// The forms that are wanted.
    pub formats: Formats,
    /// Of which part text and Markdown are made.
    pub scope: Scope,
    /// Fields to pick by CSS selectors.
    pub select: Option<Arc<Select>>,
}

impl Options {
    /// Whether the body has to be read as text.
    #[must_use]
    pub fn needs_text(&self) -> bool {
        self.formats.needs_text() || self.select.is_some()
    }

    /// Bytes that are reserved for a page of `page_bytes` and what is made of it:
    /// [`Formats::cost`], and the page once more where there are fields.
    #[must_use]
    pub fn cost(&self, page_bytes: u64) -> u64 {
        let fields = if self.select.is_some() { page_bytes } else { 0 };
        self.formats.cost(page_bytes).saturating_add(fields)
    }
}

impl Default for Options {
    fn default() -> Self {
        let formats = Formats { text: true, markdown: true, metadata: true, ..Formats::NONE };
        Self { formats, scope: Scope::Main, select: None }
    }
}
