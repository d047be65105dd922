//! Selectors as the engine wants them: names, pseudo-classes, and the parser's settings.

use std::fmt;
use std::sync::Arc;

use cssparser::{ParseError, ToCss, match_ignore_ascii_case, serialize_identifier};
use precomputed_hash::PrecomputedHash;
use selectors::parser::{Combinator, Component, ParseRelative, Selector, SelectorParseErrorKind};
use selectors::{SelectorImpl, SelectorList};

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
        Self { selector, reach }
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

/// Which part of the language is understood.
pub(super) struct Parser {
    /// Inside `:has()`, where another one is not allowed.
    in_has: bool,
}

impl<'i> selectors::Parser<'i> for Parser {
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
        let list = SelectorList::parse(&Self { in_has: true }, input, ParseRelative::ForHas)?;
        Ok(PseudoClass::Has(list.slice().iter().cloned().map(Relative::new).collect()))
    }
}

fn unsupported() -> ParseError<SelectorParseErrorKind> {
    ParseError::custom(SelectorParseErrorKind::UnsupportedPseudoClassOrElement)
}

/// Reads a list of selectors; with `relative` one may begin with a combinator, which then follows
/// `:scope`. An error says nothing of where it is.
pub(super) fn parse(
    css: &str,
    relative: bool,
) -> Result<SelectorList<Css>, ParseError<SelectorParseErrorKind>> {
    let mut input = cssparser::Parser::new(css);
    input.set_nested_block_limit(MAX_NESTING);
    let relative = if relative { ParseRelative::ForScope } else { ParseRelative::No };
    input.parse_entirely(|input| SelectorList::parse(&Parser { in_has: false }, input, relative))
}
