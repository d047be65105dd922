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

impl Default for Options {
    fn default() -> Self {
        let formats = Formats { text: true, markdown: true, metadata: true, ..Formats::NONE };
        Self { formats, scope: Scope::Main, select: None }
    }
}
