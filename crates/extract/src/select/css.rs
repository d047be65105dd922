//! Selectors as the engine wants them: names, pseudo-classes, and the parser's settings.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use cssparser::{ParseError, ToCss, match_ignore_ascii_case, serialize_identifier};
use precomputed_hash::PrecomputedHash;
use selectors::parser::{Combinator, Component, ParseRelative, Selector, SelectorParseErrorKind};
use selectors::{SelectorImpl, SelectorList};

use super::index::Key;
use crate::name::Tag;

/// Functions within functions; each costs the parser and the matcher some stack.
pub(super) const MAX_NESTING: u8 = 8;

/// The selectors of this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Css;

impl SelectorImpl for Css {
    type ExtraMatchingData<'a> = ();
    type AttrValue = Atom;
    type Identifier = Atom;
    type LocalName = Name;
    type NamespaceUrl = Atom;
    type NamespacePrefix = Atom;
    type BorrowedNamespaceUrl = Atom;
    type BorrowedLocalName = Name;
    type NonTSPseudoClass = PseudoClass;
    type PseudoElement = NoPseudoElement;
}

/// A class, an id, or the value of an attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Atom(pub(super) Box<str>);

impl From<&str> for Atom {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl AsRef<str> for Atom {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl ToCss for Atom {
    fn to_css<W: fmt::Write>(&self, out: &mut W) -> fmt::Result {
        serialize_identifier(&self.0, out)
    }
}

impl PrecomputedHash for Atom {
    /// Only Bloom filters ask, and none is used.
    fn precomputed_hash(&self) -> u32 {
        0
    }
}

/// The name of an element or an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name {
    /// Its number, for an element that has one.
    pub(super) tag: Tag,
    pub(super) text: Box<str>,
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self { tag: Tag::of(text.as_bytes()), text: text.into() }
    }
}

impl ToCss for Name {
    fn to_css<W: fmt::Write>(&self, out: &mut W) -> fmt::Result {
        serialize_identifier(&self.text, out)
    }
}

impl PrecomputedHash for Name {
    /// Only Bloom filters ask, and none is used.
    fn precomputed_hash(&self) -> u32 {
        0
    }
}

/// The pseudo-classes that are not about an element's place among its siblings.
///
/// `:has()` is here so that it is matched by a loop over the document's array, in bounded memory;
/// the engine's own descends by recursion and keeps 4 KiB for every element it was tried on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PseudoClass {
    /// `:link` and `:any-link`: an `a` or `area` with an `href`.
    Link,
    /// `:checked`, as the markup has it.
    Checked,
    /// `:disabled`, by the element's own attribute.
    Disabled,
    /// `:enabled`: can be disabled and is not.
    Enabled,
    /// `:has()`.
    Has(Arc<[Relative]>),
}

/// One selector of a `:has()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relative {
    pub(super) selector: Selector<Css>,
    pub(super) reach: Reach,
    /// What an element must have to be what is looked for.
    pub(super) key: Option<Key>,
}

/// Where, seen from the element that has it, something can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Among the children.
    Children,
    /// Anywhere below.
    Below,
    /// The next sibling.
    Next,
    /// After the element, below the same parent.
    After,
}

impl Relative {
    fn new(selector: Selector<Css>) -> Self {
        // The first component stands for the element itself, the second is the first combinator.
        let mut combinators =
            selector.iter_raw_parse_order_from(1).filter_map(|component| match component {
                Component::Combinator(combinator) => Some(*combinator),
                _ => None,
            });
        let reach = match (combinators.next(), combinators.next()) {
            (Some(Combinator::Child), None) => Reach::Children,
            (Some(Combinator::NextSibling), None) => Reach::Next,
            (Some(Combinator::NextSibling | Combinator::LaterSibling), _) => Reach::After,
            _ => Reach::Below,
        };
        // Where :scope is, seen from elsewhere, is not known.
        let key = Key::of(&selector).filter(|key| *key != Key::Scope);
        Self { selector, reach, key }
    }
}

impl selectors::parser::NonTSPseudoClass for PseudoClass {
    fn is_active_or_hover(&self) -> bool {
        false
    }

    fn is_user_action_state(&self) -> bool {
        false
    }
}

impl ToCss for PseudoClass {
    fn to_css<W: fmt::Write>(&self, out: &mut W) -> fmt::Result {
        match self {
            Self::Link => out.write_str(":any-link"),
            Self::Checked => out.write_str(":checked"),
            Self::Disabled => out.write_str(":disabled"),
            Self::Enabled => out.write_str(":enabled"),
            Self::Has(list) => {
                out.write_str(":has(")?;
                for (index, relative) in list.iter().enumerate() {
                    out.write_str(if index == 0 { "" } else { ", " })?;
                    relative.selector.to_css(out)?;
                }
                out.write_str(")")
            }
        }
    }
}

/// There are none: a page is text, not boxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoPseudoElement {}

impl ToCss for NoPseudoElement {
    fn to_css<W: fmt::Write>(&self, _: &mut W) -> fmt::Result {
        match *self {}
    }
}

impl selectors::parser::PseudoElement for NoPseudoElement {}

/// A list of selectors, ready for use.
#[derive(Debug)]
pub(super) struct Selectors {
    pub(super) list: SelectorList<Css>,
    /// What an element must have one of to match; `None` if it need not have anything.
    pub(super) keys: Option<Vec<Key>>,
}

impl Selectors {
    /// Reads a list. What has to be looked for in pages is added to `keys`. An error says nothing
    /// of where it is.
    pub(super) fn parse(
        css: &str,
        keys: &mut HashSet<Key>,
    ) -> Result<Self, ParseError<SelectorParseErrorKind>> {
        let mut input = cssparser::Parser::new(css);
        input.set_nested_block_limit(MAX_NESTING);
        let parser = Parser { in_has: false, keys: &RefCell::new(keys) };
        let list =
            input.parse_entirely(|input| SelectorList::parse(&parser, input, ParseRelative::No))?;
        let own: Option<Vec<Key>> = list.slice().iter().map(Key::of).collect();
        keys.extend(own.iter().flatten().cloned());
        Ok(Self { list, keys: own })
    }
}

/// Which part of the language is understood.
struct Parser<'k> {
    /// Inside `:has()`, where another one is not allowed.
    in_has: bool,
    keys: &'k RefCell<&'k mut HashSet<Key>>,
}

impl<'i> selectors::Parser<'i> for Parser<'_> {
    type Impl = Css;
    type Error = SelectorParseErrorKind;

    fn parse_nth_child_of(&self) -> bool {
        true
    }

    fn parse_is_and_where(&self) -> bool {
        true
    }

    fn allow_forgiving_selectors(&self) -> bool {
        false
    }

    fn parse_non_ts_pseudo_class(
        &self,
        name: &str,
    ) -> Result<PseudoClass, ParseError<SelectorParseErrorKind>> {
        Ok(match_ignore_ascii_case! { name,
            "link" | "any-link" => PseudoClass::Link,
            "checked" => PseudoClass::Checked,
            "disabled" => PseudoClass::Disabled,
            "enabled" => PseudoClass::Enabled,
            _ => return Err(unsupported()),
        })
    }

    fn parse_non_ts_functional_pseudo_class(
        &self,
        name: &str,
        input: &mut cssparser::Parser<'i>,
        _after_part: bool,
    ) -> Result<PseudoClass, ParseError<SelectorParseErrorKind>> {
        if self.in_has || !name.eq_ignore_ascii_case("has") {
            return Err(unsupported());
        }
        let inside = Self { in_has: true, keys: self.keys };
        let list = SelectorList::parse(&inside, input, ParseRelative::ForHas)?;
        let list: Arc<[Relative]> = list.slice().iter().cloned().map(Relative::new).collect();
        self.keys.borrow_mut().extend(list.iter().filter_map(|relative| relative.key.clone()));
        Ok(PseudoClass::Has(list))
    }
}

fn unsupported() -> ParseError<SelectorParseErrorKind> {
    ParseError::custom(SelectorParseErrorKind::UnsupportedPseudoClassOrElement)
}
