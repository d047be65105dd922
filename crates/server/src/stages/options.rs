//! What a job wants made of its page, from the words of the API to those of the extractor. The two
//! crates do not know each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use ingest::{JobSpec, Pick, Refusal, Rule};
use scrape::{Field, Options, Select};

/// All of it.
///
/// # Errors
/// A selector or pattern that this version cannot use; see [`compile`].
pub(super) fn options(spec: &JobSpec) -> Result<Options, Refusal> {
    Ok(Options {
        formats: spec.formats.iter().copied().map(format).collect(),
        scope: match spec.scope {
            ingest::Scope::Main => scrape::Scope::Main,
            ingest::Scope::Page => scrape::Scope::Page,
        },
        select: spec.select.as_ref().map(compile).transpose()?,
    })
}

const fn format(asked: ingest::Format) -> scrape::Format {
    match asked {
        ingest::Format::Raw => scrape::Format::Raw,
        ingest::Format::Html => scrape::Format::Html,
        ingest::Format::Text => scrape::Format::Text,
        ingest::Format::Markdown => scrape::Format::Markdown,
        ingest::Format::Links => scrape::Format::Links,
        ingest::Format::Metadata => scrape::Format::Metadata,
        ingest::Format::JsonLd => scrape::Format::JsonLd,
    }
}

/// Compiles what a job asks for; the API bounds how deep it nests.
///
/// # Errors
/// The first selector or pattern that cannot be used.
pub(super) fn compile(asked: &ingest::Select) -> Result<Arc<Select>, Refusal> {
    let compiled = Select::compile(fields(asked));
    compiled
        .map(Arc::new)
        .map_err(|refused| Refusal { pointer: refused.pointer, detail: refused.detail })
}

fn fields(asked: &ingest::Select) -> BTreeMap<String, Field> {
    asked.0.iter().map(|(name, pick)| (name.clone(), field(pick))).collect()
}

fn field(pick: &Pick) -> Field {
    match pick {
        Pick::Css(css) => Field { css: css.clone(), ..Field::default() },
        Pick::Rule(Rule { css, attr, all, regex, fields: below }) => Field {
            css: css.clone(),
            attr: attr.clone(),
            all: all.unwrap_or_default(),
            regex: regex.clone(),
            fields: below.as_ref().map(fields).unwrap_or_default(),
        },
    }
}
