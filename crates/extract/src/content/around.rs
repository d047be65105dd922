//! What the elements around a block are: how near is which kind of element.

use super::blocks::{Blocks, NOWHERE};
use super::vocabulary::{NAME_LABELS, name_groups};
use crate::document::{Document, NodeId};
use crate::name::Tag;
use std::collections::HashMap;

/// Kinds of elements by tag or role.
pub(crate) const TAG_LABELS: [&str; 34] = [
    "article",
    "main",
    "section",
    "nav",
    "aside",
    "header",
    "footer",
    "form",
    "table",
    "td",
    "th",
    "ul",
    "ol",
    "li",
    "dl",
    "dd",
    "blockquote",
    "pre",
    "figure",
    "figcaption",
    "details",
    "button",
    "label",
    "address",
    "p",
    "h1",
    "h2",
    "h3",
    "h456",
    "a",
    "dialog",
    "noscript",
    "custom",
    "body",
];

/// Kinds of elements by microdata.
pub(crate) const ITEM_LABELS: [&str; 10] = [
    "body",
    "description",
    "name",
    "author",
    "date",
    "offer",
    "review",
    "comment",
    "article",
    "crumb",
];

/// The kind is that of the nearest block-level element itself.
const NEAREST: u8 = 15;

/// For each container, how near each kind of element is: 15 for itself, one less for each element
/// further out, 0 for none.
#[derive(Clone, Debug)]
pub(crate) struct Near {
    pub(crate) tags: [u8; TAG_LABELS.len()],
    pub(crate) names: [u8; NAME_LABELS.len()],
    pub(crate) items: [u8; ITEM_LABELS.len()],
}

impl Near {
    /// Whether there is preformatted text around.
    pub(crate) fn is_code(&self) -> bool {
        TAG_LABELS.iter().zip(self.tags).any(|(label, near)| *label == "pre" && near > 0)
    }
}

/// The kinds of one element, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Own {
    pub(crate) tags: u64,
    pub(crate) names: u64,
    pub(crate) items: u64,
}

/// Reads the kinds of elements; the same name is only read once.
#[derive(Default)]
pub(crate) struct Reader<'s> {
    known: HashMap<&'s str, u64>,
}

impl<'s> Reader<'s> {
    pub(crate) fn own(&mut self, document: &Document<'s>, id: NodeId) -> Own {
        let tag = document.tag(id);
        let mut own = Own { tags: tag_bits(tag), ..Own::default() };
        if tag == Tag::Other {
            own.names |= self.names(document.name(id));
        }
        for (name, value) in document.attributes(id) {
            match Source::of(name) {
                Source::Names => own.names |= self.names(value),
                Source::Role => own.tags |= role_bits(value),
                Source::Item => own.items |= item_bits(value),
                Source::None => {}
            }
        }
        own
    }

    fn names(&mut self, value: &'s str) -> u64 {
        if value.is_empty() {
            return 0;
        }
        *self.known.entry(value).or_insert_with(|| {
            let end = value.floor_char_boundary(MAX_NAME_BYTES);
            name_groups(&value[..end])
        })
    }
}

/// More of one attribute is not looked at.
const MAX_NAME_BYTES: usize = 1024;

enum Source {
    Names,
    Role,
    Item,
    None,
}

impl Source {
    fn of(name: &str) -> Self {
        const NAMES: [&str; 9] = [
            "class",
            "id",
            "aria-label",
            "data-testid",
            "data-component",
            "data-module",
            "data-widget",
            "data-type",
            "data-name",
        ];
        if NAMES.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            Self::Names
        } else if name.eq_ignore_ascii_case("role") {
            Self::Role
        } else if name.eq_ignore_ascii_case("itemprop") || name.eq_ignore_ascii_case("itemtype") {
            Self::Item
        } else {
            Self::None
        }
    }
}

fn bit(labels: &[&str], label: &str) -> u64 {
    labels.iter().position(|known| *known == label).map_or(0, |place| 1 << place)
}

fn tag_bits(tag: Tag) -> u64 {
    let label = match tag {
        Tag::H4 | Tag::H5 | Tag::H6 => "h456",
        Tag::Menu | Tag::Dir => "ul",
        Tag::Dt => "dd",
        Tag::Other => "custom",
        Tag::Listing | Tag::Xmp | Tag::Plaintext => "pre",
        Tag::Search => "form",
        tag => tag.name(),
    };
    bit(&TAG_LABELS, label)
}

fn role_bits(role: &str) -> u64 {
    let label = match role.trim() {
        "main" => "main",
        "navigation" | "menu" | "menubar" | "tablist" => "nav",
        "complementary" => "aside",
        "banner" => "header",
        "contentinfo" => "footer",
        "article" => "article",
        "dialog" | "alertdialog" => "dialog",
        "search" | "form" => "form",
        "button" => "button",
        "list" => "ul",
        "listitem" => "li",
        _ => return 0,
    };
    bit(&TAG_LABELS, label)
}

fn item_bits(value: &str) -> u64 {
    let name = value.trim().rsplit('/').next().unwrap_or("").to_ascii_lowercase();
    let label = match name.as_str() {
        "articlebody" | "text" | "reviewbody" | "maincontentofpage" => "body",
        "description" | "recipeinstructions" => "description",
        "name" | "headline" => "name",
        "author" | "person" | "creator" | "publisher" => "author",
        "datepublished" | "datemodified" | "datecreated" => "date",
        "offers" | "offer" | "price" | "sku" | "product" => "offer",
        "review" | "aggregaterating" | "reviewrating" | "rating" => "review",
        "comment" | "usercomments" | "answer" | "acceptedanswer" | "suggestedanswer" => "comment",
        "article" | "newsarticle" | "blogposting" | "webpage" | "mainentity" => "article",
        "breadcrumb" | "breadcrumblist" | "itemlistelement" | "sitenavigationelement" => "crumb",
        _ => return 0,
    };
    bit(&ITEM_LABELS, label)
}

/// What is around every container.
pub(crate) fn near(document: &Document<'_>, blocks: &Blocks, own: &[Own]) -> Vec<Near> {
    let mut all: Vec<Near> = Vec::with_capacity(own.len());
    for (container, own) in blocks.containers.iter().zip(own) {
        let mut near = match container.parent {
            NOWHERE => Near {
                tags: [0; TAG_LABELS.len()],
                names: [0; NAME_LABELS.len()],
                items: [0; ITEM_LABELS.len()],
            },
            parent => all[parent as usize].clone(),
        };
        mark(&mut near.tags, own.tags);
        // Names of the page as a whole are no names of a place on it.
        let is_page = matches!(document.tag(container.node), Tag::Html | Tag::Body);
        mark(&mut near.names, if is_page { 0 } else { own.names });
        mark(&mut near.items, own.items);
        all.push(near);
    }
    all
}

/// Takes one step in, into an element of these kinds.
fn mark(near: &mut [u8], mut bits: u64) {
    for value in near.iter_mut() {
        *value = value.saturating_sub(u8::from(*value > 1));
    }
    while bits != 0 {
        near[bits.trailing_zeros() as usize] = NEAREST;
        bits &= bits - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_fit_their_bits() {
        assert!(TAG_LABELS.len() <= 64 && NAME_LABELS.len() <= 64 && ITEM_LABELS.len() <= 64);
        for tag in [Tag::Article, Tag::H5, Tag::Menu, Tag::Other, Tag::Body] {
            assert_ne!(tag_bits(tag), 0, "{tag:?}");
        }
        assert_eq!(tag_bits(Tag::Div), 0);
        assert_ne!(role_bits("navigation"), 0);
        assert_ne!(item_bits("https://schema.org/NewsArticle"), 0);
    }
}
