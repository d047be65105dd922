//! The flags of `pagewire get`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use scrape::{Format, Formats};
use url::Url;

/// What to read, and what to print of it.
#[derive(Clone, Debug, Args)]
pub(crate) struct Get {
    /// Files, http or https URLs, or `-` for standard input.
    #[arg(required = true, value_name = "FILE|URL|-")]
    pub(crate) inputs: Vec<String>,

    /// Print the Markdown of it; what is printed unless told otherwise.
    #[arg(long, group = "printed")]
    pub(crate) markdown: bool,

    /// Print its text.
    #[arg(long, group = "printed")]
    pub(crate) text: bool,

    /// Print its HTML, decoded.
    #[arg(long, group = "printed")]
    pub(crate) html: bool,

    /// Print its links, one a line: the URL, a tab, the text.
    #[arg(long, group = "printed")]
    pub(crate) links: bool,

    /// Print title and metadata as JSON.
    #[arg(long, group = "printed")]
    pub(crate) metadata: bool,

    /// Print one JSON object a line for each input, with the same members as an event's `data`.
    #[arg(long, group = "printed")]
    pub(crate) json: bool,

    /// What --json holds.
    #[arg(
        long,
        value_name = "FORMATS",
        value_delimiter = ',',
        requires = "json",
        default_value = "text,markdown,links,metadata,json_ld"
    )]
    pub(crate) formats: Vec<Format>,

    /// Which part of the page text and Markdown are made of: its main content, or all of it.
    #[arg(long, value_name = "SCOPE", default_value = "main")]
    pub(crate) scope: Scope,

    /// Pick a field by a CSS selector (repeat for more). Printed as a JSON object, or within that of
    /// --json.
    #[arg(long, value_name = "NAME=CSS", value_parser = field)]
    pub(crate) select: Vec<(String, String)>,

    /// Pick the fields that this file describes, written as a job's `select`.
    #[arg(long, value_name = "FILE")]
    pub(crate) select_json: Option<PathBuf>,

    /// Where files and standard input came from: their links are relative to it. Once for all of
    /// them, or once for each input, in their order.
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Vec<Url>,

    /// The content type of files and standard input, such as `text/html; charset=koi8-r`. Told by
    /// the file's name or looked for in it unless given.
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,

    /// Extract each page this many times: for measuring.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeat: u32,

    /// At the end, say on standard error what extraction took, as JSON: pages, bytes, microseconds
    /// by the clock and of the processor, and the most memory the process ever had.
    #[arg(long)]
    pub(crate) time: bool,
}

/// Which part of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    /// What the page is there for.
    Main,
    /// All that is visible.
    Page,
}

/// What is printed of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Printed {
    /// Its Markdown.
    Markdown,
    /// Its text.
    Text,
    /// Its HTML.
    Html,
    /// Its links, a line each.
    Links,
    /// Title and metadata.
    Metadata,
    /// What the selectors found.
    Fields,
    /// All of it as one line of JSON.
    Json,
}

impl Get {
    /// What is asked for.
    pub(crate) fn printed(&self) -> Printed {
        let picks = !self.select.is_empty() || self.select_json.is_some();
        match self {
            Self { json: true, .. } => Printed::Json,
            Self { text: true, .. } => Printed::Text,
            Self { html: true, .. } => Printed::Html,
            Self { links: true, .. } => Printed::Links,
            Self { metadata: true, .. } => Printed::Metadata,
            Self { markdown: false, .. } if picks => Printed::Fields,
            _ => Printed::Markdown,
        }
    }

    /// What has to be made for that.
    pub(crate) fn wanted(&self) -> Formats {
        let only = |format| Formats::NONE.with(format);
        match self.printed() {
            Printed::Markdown => only(Format::Markdown),
            Printed::Text => only(Format::Text),
            Printed::Html => only(Format::Html),
            Printed::Links => only(Format::Links),
            Printed::Metadata => only(Format::Metadata),
            Printed::Fields => Formats::NONE,
            Printed::Json => self.formats.iter().copied().collect(),
        }
    }
}

fn field(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, css)| !name.is_empty() && !css.is_empty());
    let (name, css) = parts.ok_or("expected a name and a selector, such as price=.price")?;
    Ok((name.to_owned(), css.to_owned()))
}
