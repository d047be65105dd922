//! The elements of a page by what selectors ask for.
//!
//! One pass over the page finds, for the id, class or name at the right end of every selector, the
//! elements that have it. Only those are then held against the selector.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use selectors::parser::{Component, Selector};

use super::css::Css;
use crate::document::{Document, NodeId};
use crate::name::Tag;
use crate::reference;

/// What an element must have for a selector to match it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Id(Box<str>),
    Class(Box<str>),
    Tag(Tag),
    /// A name without a number.
    Name(Box<str>),
    /// Be the element that a match is looked for in.
    Scope,
}

impl Key {
    /// What is asked for by the right end of a selector: the rarest of it.
    pub(super) fn of(selector: &Selector<Css>) -> Option<Self> {
        let rank = |key: &Self| match key {
            Self::Scope => 0,
            Self::Id(_) => 1,
            Self::Class(_) => 2,
            Self::Name(_) => 3,
            Self::Tag(_) => 4,
        };
        let keys = selector.iter().filter_map(|component| match component {
            Component::ID(id) => Some(Self::Id(id.0.clone())),
            Component::Class(class) => Some(Self::Class(class.0.clone())),
            Component::LocalName(name) if name.lower_name.tag == Tag::Other => {
                Some(Self::Name(name.lower_name.text.clone()))
            }
            Component::LocalName(name) => Some(Self::Tag(name.lower_name.tag)),
            Component::Scope => Some(Self::Scope),
            _ => None,
        });
        keys.min_by_key(rank)
    }
}

/// Elements by key, in document order.
#[derive(Debug, Default)]
pub(super) struct Index<'k> {
    ids: HashMap<&'k str, Vec<NodeId>>,
    classes: HashMap<&'k str, Vec<NodeId>>,
    names: HashMap<&'k str, Vec<NodeId>>,
    tags: HashMap<Tag, Vec<NodeId>>,
}

impl<'k> Index<'k> {
    /// Looks for `keys` in a page.
    pub(super) fn of(document: &Document<'_>, keys: impl Iterator<Item = &'k Key>) -> Self {
        let mut index = Self::default();
        let mut wanted = [false; Tag::COUNT];
        for key in keys {
            match key {
                Key::Id(id) => drop(index.ids.entry(id).or_default()),
                Key::Class(class) => drop(index.classes.entry(class).or_default()),
                Key::Name(name) => drop(index.names.entry(name).or_default()),
                Key::Tag(tag) => wanted[*tag as usize] = true,
                Key::Scope => {}
            }
        }
        let has_attributes = !index.ids.is_empty() || !index.classes.is_empty();
        for id in 1..document.len() {
            let tag = document.tag(id);
            if wanted[tag as usize] {
                index.tags.entry(tag).or_default().push(id);
            }
            if tag == Tag::Other && !index.names.is_empty() {
                index.name(id, document.name(id));
            }
            if has_attributes {
                index.attributes(id, document);
            }
        }
        index
    }

    fn name(&mut self, id: NodeId, name: &str) {
        let name: Cow<'_, str> = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            name.to_ascii_lowercase().into()
        } else {
            name.into()
        };
        if let Some(found) = self.names.get_mut(name.as_ref()) {
            found.push(id);
        }
    }

    fn attributes(&mut self, id: NodeId, document: &Document<'_>) {
        for (name, value) in document.attributes(id) {
            if name.eq_ignore_ascii_case("class") && !self.classes.is_empty() {
                for class in reference::attribute(value).split_ascii_whitespace() {
                    add(&mut self.classes, class, id);
                }
            } else if name.eq_ignore_ascii_case("id") && !self.ids.is_empty() {
                add(&mut self.ids, &reference::attribute(value), id);
            }
        }
    }

    /// The elements with a key in a range of the page; `None` for a key that is not looked for.
    pub(super) fn within(&self, key: &Key, range: Range<NodeId>) -> &[NodeId] {
        let found = match key {
            Key::Id(id) => self.ids.get(&**id),
            Key::Class(class) => self.classes.get(&**class),
            Key::Name(name) => self.names.get(&**name),
            Key::Tag(tag) => self.tags.get(tag),
            Key::Scope => None,
        };
        let found = found.map_or(&[][..], Vec::as_slice);
        let start = found.partition_point(|&id| id < range.start);
        let length = found[start..].partition_point(|&id| id < range.end);
        &found[start..start + length]
    }
}

fn add(map: &mut HashMap<&str, Vec<NodeId>>, key: &str, id: NodeId) {
    if let Some(found) = map.get_mut(key)
        && found.last() != Some(&id)
    {
        found.push(id);
    }
}
