//! Fields made ready for use.

use std::collections::{BTreeMap, HashSet};

use super::check;
use super::css::Selectors;
use super::error::SelectError;
use super::field::Field;
use super::index::Key;
use super::pattern::Pattern;

/// Fields of one `select`, those in objects included.
const MAX_FIELDS: usize = 100;

/// Objects within objects.
const MAX_DEPTH: usize = 4;

/// Longest name of a field or an attribute.
const MAX_NAME_BYTES: usize = 128;

/// Longest selector.
const MAX_CSS_BYTES: usize = 1024;

/// One field, ready for use.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) selectors: Selectors,
    pub(super) all: bool,
    pub(super) take: Take,
}

/// What is made of an element.
#[derive(Debug)]
pub(super) enum Take {
    /// A string: of the attribute with this name in lower case, or else of the text; of that, what
    /// the pattern says.
    Value { attr: Option<String>, pattern: Option<Pattern> },
    /// An object.
    Record(Vec<Plan>),
}

/// Makes plans of fields.
#[derive(Default)]
pub(super) struct Compiler<'f> {
    path: Vec<&'f str>,
    fields: usize,
    /// What has to be looked for in pages.
    pub(super) keys: HashSet<Key>,
}

impl<'f> Compiler<'f> {
    pub(super) fn plans(
        &mut self,
        fields: &'f BTreeMap<String, Field>,
    ) -> Result<Vec<Plan>, SelectError> {
        self.fields += fields.len();
        if self.fields > MAX_FIELDS {
            return Err(self.error(format!("more than {MAX_FIELDS} fields: pick fewer")));
        }
        fields.iter().map(|(name, field)| self.within(name, |me| me.plan(name, field))).collect()
    }

    fn plan(&mut self, name: &str, field: &'f Field) -> Result<Plan, SelectError> {
        if name.is_empty() {
            return Err(self.error("the name is empty: give the field a name"));
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(self.error(format!("the name is longer than {MAX_NAME_BYTES} bytes")));
        }
        let selectors = self.within("css", |me| me.selectors(&field.css))?;
        let take = if field.fields.is_empty() { self.value(field) } else { self.record(field) }?;
        Ok(Plan { name: name.to_owned(), selectors, all: field.all, take })
    }

    fn selectors(&mut self, css: &str) -> Result<Selectors, SelectError> {
        if css.trim().is_empty() {
            return Err(self.error("the selector is empty: write one, such as \"h1\""));
        }
        if css.len() > MAX_CSS_BYTES {
            return Err(self.error(format!("the selector is longer than {MAX_CSS_BYTES} bytes")));
        }
        // Below a match, which is what a leading combinator is about.
        let is_relative = self.depth() > 1;
        let css = check::check(css, is_relative).map_err(|detail| self.error(detail))?;
        Selectors::parse(&css, &mut self.keys).map_err(|_| self.error("this is no CSS selector"))
    }

    fn value(&mut self, field: &'f Field) -> Result<Take, SelectError> {
        let attr = field.attr.as_deref();
        let attr = attr.map(|name| self.within("attr", |me| me.attribute(name))).transpose()?;
        let regex = field.regex.as_deref();
        let pattern =
            regex.map(|regex| self.within("regex", |me| me.pattern(regex))).transpose()?;
        Ok(Take::Value { attr, pattern })
    }

    fn record(&mut self, field: &'f Field) -> Result<Take, SelectError> {
        for (member, is_given) in [("attr", field.attr.is_some()), ("regex", field.regex.is_some())]
        {
            if is_given {
                let detail = "not possible together with \"fields\": put it into one of the fields";
                return self.within(member, |me| Err(me.error(detail)));
            }
        }
        self.within("fields", |me| {
            if me.depth() > MAX_DEPTH {
                return Err(me.error(format!("more than {MAX_DEPTH} objects within each other")));
            }
            me.plans(&field.fields).map(Take::Record)
        })
    }

    fn attribute(&self, name: &str) -> Result<String, SelectError> {
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || "\"'<>/=".contains(c);
        if name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains(is_odd) {
            return Err(self.error("not an attribute's name: write one, such as \"href\""));
        }
        Ok(name.to_ascii_lowercase())
    }

    fn pattern(&self, regex: &str) -> Result<Pattern, SelectError> {
        Pattern::compile(regex).map_err(|detail| self.error(detail))
    }

    /// How many objects the path leads into, the spec itself included, when it ends in a member.
    fn depth(&self) -> usize {
        self.path.len() / 2
    }

    fn within<T>(&mut self, step: &'f str, act: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let result = act(self);
        self.path.pop();
        result
    }

    fn error(&self, detail: impl Into<String>) -> SelectError {
        SelectError::new(&self.path, detail)
    }
}
