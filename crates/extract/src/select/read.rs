//! What selectors find in a page.

use std::borrow::Cow;
use std::cell::Cell;

use serde_json::{Map, Value};
use url::Url;

use super::element::Finder;
use super::pattern::Pattern;
use super::plan::{Plan, Take};
use crate::document::{Document, NodeId};
use crate::line::{self, cut};
use crate::name::Tag;
use crate::{address, composed};

/// Values of one list.
const MAX_MATCHES: usize = 10_000;

/// Longest value.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// Longest text in which a regular expression is looked for: data in scripts is long.
const MAX_SEARCHED_BYTES: usize = 1024 * 1024;

/// What all searches of a page may cost together, see [`Pattern::cost`]: a second at worst.
const SEARCH_COST: u64 = 64 << 20;

/// What a value takes of the room for all of them, besides its bytes.
const VALUE_OVERHEAD_BYTES: usize = 8;

/// Attributes whose value is an address.
const ADDRESSES: [&str; 14] = [
    "action",
    "background",
    "cite",
    "data",
    "data-href",
    "data-lazy-src",
    "data-src",
    "formaction",
    "href",
    "longdesc",
    "manifest",
    "poster",
    "src",
    "xlink:href",
];

/// Picks fields from one page.
pub(super) struct Reader<'p> {
    pub(super) finder: Finder<'p>,
    pub(super) base: &'p Url,
    room: Cell<usize>,
    search_cost: Cell<u64>,
    is_cut: Cell<bool>,
}

impl<'p> Reader<'p> {
    pub(super) fn new(finder: Finder<'p>, base: &'p Url, most_bytes: usize) -> Self {
        Self {
            finder,
            base,
            room: Cell::new(most_bytes),
            search_cost: Cell::new(SEARCH_COST),
            is_cut: Cell::new(false),
        }
    }

    /// Whether something was left out.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.get() || self.finder.is_exhausted()
    }

    /// The fields below `scope`. Recurses as deep as objects may be nested.
    pub(super) fn record(&self, plans: &[Plan], scope: NodeId) -> Map<String, Value> {
        let mut record = Map::new();
        for plan in plans {
            // Objects have all their fields, found or not, even when there is no more room.
            self.reserve(plan.name.len());
            record.insert(plan.name.clone(), self.field(plan, scope));
        }
        record
    }

    fn field(&self, plan: &Plan, scope: NodeId) -> Value {
        let mut found = Vec::new();
        self.finder.each(&plan.selectors, scope, |id| {
            if found.len() == MAX_MATCHES {
                self.is_cut.set(true);
                return false;
            }
            if let Some(value) = self.value(&plan.take, id) {
                found.push(value);
            }
            self.room.get() > 0 && (plan.all || found.is_empty())
        });
        if plan.all { Value::Array(found) } else { found.pop().unwrap_or_default() }
    }

    /// What is made of one element; `None` if that is nothing.
    fn value(&self, take: &Take, id: NodeId) -> Option<Value> {
        let (attr, pattern) = match take {
            Take::Record(plans) => return Some(Value::Object(self.record(plans, id))),
            Take::Value { attr, pattern } => (attr.as_deref(), pattern.as_ref()),
        };
        let most = if pattern.is_some() { MAX_SEARCHED_BYTES } else { MAX_VALUE_BYTES };
        let text = match attr {
            Some(name) => self.attribute(id, name, most)?,
            None => self.text(id, most),
        };
        let value = match pattern {
            Some(pattern) => self.search(pattern, &text)?,
            None => &text,
        };
        let kept = cut(value, MAX_VALUE_BYTES);
        self.is_cut.set(self.is_cut.get() || kept.len() < value.len());
        self.reserve(kept.len()).then(|| Value::String(kept.to_owned()))
    }

    /// Takes room for a value or a name.
    fn reserve(&self, bytes: usize) -> bool {
        let needed = bytes + VALUE_OVERHEAD_BYTES;
        let room = self.room.get();
        let is_enough = needed < room;
        self.room.set(if is_enough { room - needed } else { 0 });
        self.is_cut.set(self.is_cut.get() || !is_enough);
        is_enough
    }

    fn search<'t>(&self, pattern: &Pattern, text: &'t str) -> Option<&'t str> {
        let (cost, left) = (pattern.cost(text.len()), self.search_cost.get());
        if cost > left {
            self.is_cut.set(true);
            return None;
        }
        self.search_cost.set(left - cost);
        pattern.find(text)
    }

    fn attribute(&self, id: NodeId, name: &str, most: usize) -> Option<Cow<'_, str>> {
        let value = self.finder.document.attribute(id, name)?;
        if !self.finder.spend(value.len() as u64 / 8) {
            return None;
        }
        if ADDRESSES.contains(&name)
            && let Some(url) = address::absolute(self.base, &value)
        {
            return Some(String::from(url).into());
        }
        let value = value.trim();
        let kept = cut(value, most);
        self.is_cut.set(self.is_cut.get() || kept.len() < value.len());
        Some(composed(kept.to_owned()).into())
    }

    /// The text of an element, or what stands for it.
    fn text(&self, id: NodeId, most: usize) -> Cow<'_, str> {
        let document: &Document<'_> = self.finder.document;
        let (text, is_cut) = if is_verbatim(document.tag(id)) {
            self.verbatim(id, most)
        } else {
            line::of(document, document.descendants(id), most, |steps| self.finder.spend(steps))
        };
        self.is_cut.set(self.is_cut.get() || is_cut);
        let instead = if text.is_empty() { substitute(document.tag(id)) } else { None };
        instead.and_then(|name| self.attribute(id, name, most)).unwrap_or(text.into())
    }

    /// The text of an element as it stands, and whether it was cut.
    fn verbatim(&self, id: NodeId, most: usize) -> (String, bool) {
        let document: &Document<'_> = self.finder.document;
        let mut text = String::new();
        for below in document.descendants(id) {
            let part = document.text(below);
            if text.len() > most || !self.finder.spend(1 + part.len() as u64 / 8) {
                break;
            }
            text.push_str(&part);
        }
        let is_cut = text.trim().len() > most;
        (composed(cut(text.trim(), most).to_owned()), is_cut)
    }
}

/// Elements whose white space means something.
fn is_verbatim(tag: Tag) -> bool {
    use Tag::{Listing, Pre, Script, Style, Textarea, Xmp};
    matches!(tag, Script | Style | Textarea | Pre | Listing | Xmp)
}

/// The attribute that says what an element without text would.
fn substitute(tag: Tag) -> Option<&'static str> {
    Some(match tag {
        Tag::Meta => "content",
        Tag::Img | Tag::Area => "alt",
        Tag::Input | Tag::Data | Tag::Meter | Tag::Progress | Tag::Param => "value",
        Tag::Option | Tag::Optgroup | Tag::Track => "label",
        Tag::Time => "datetime",
        Tag::Link | Tag::Base => "href",
        _ => return None,
    })
}
