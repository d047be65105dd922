//! Which elements of a page a selector matches.

use std::ops::Range;

use selectors::Element as _;
use selectors::NthIndexCache;
use selectors::context::{
    MatchingContext, MatchingForInvalidation, MatchingMode, NeedsSelectorFlags, QuirksMode,
    SelectorCaches,
};
use selectors::matching::{matches_selector, matches_selector_list};

use super::css::{Css, PseudoClass, Reach, Relative, Selectors};
use super::element::{Element, Finder};
use super::index::Key;
use crate::document::NodeId;
use crate::name::Tag;

/// Places in the engine's caches after which they are emptied: 8 MiB at most.
const KEPT_PLACES: u32 = 1 << 18;

impl<'p> Finder<'p> {
    /// The elements below `scope` that match, in document order, as `visit` gets to see them until
    /// it has seen enough and says so by `false`. For `:scope` that is `scope` itself.
    pub(super) fn each(
        &self,
        selectors: &Selectors,
        scope: NodeId,
        mut visit: impl FnMut(NodeId) -> bool,
    ) {
        let mut caches = SelectorCaches::default();
        let mut context = MatchingContext::new(
            MatchingMode::Normal,
            None,
            &mut caches,
            QuirksMode::NoQuirks,
            NeedsSelectorFlags::No,
            MatchingForInvalidation::No,
        );
        // Without a scope `:scope` is the root element.
        if scope != 0 {
            context.scope_element = Some(Element { finder: self, id: scope }.opaque());
        }
        for id in self.candidates(selectors, scope) {
            let element = Element { finder: self, id };
            let matches = matches_selector_list(&selectors.list, element, &mut context);
            if self.is_exhausted() {
                return;
            }
            if matches && !visit(id) {
                return;
            }
            self.bound(&mut context);
        }
    }

    /// Empties the engine's caches when they have grown: they only save time.
    fn bound(&self, context: &mut MatchingContext<'_, Css>) {
        if self.remembered() > KEPT_PLACES {
            context.selector_caches.nth_index = NthIndexCache::default();
            self.forget();
        }
    }

    /// The elements that can match, in document order.
    fn candidates(&self, selectors: &Selectors, scope: NodeId) -> Candidates<'_> {
        let below = self.document.descendants(scope);
        let Some(keys) = &selectors.keys else { return Candidates::Every(self, below) };
        if let [key] = keys.as_slice()
            && *key != Key::Scope
        {
            return Candidates::Some(self.index.within(key, below).iter());
        }
        let mut found = Vec::new();
        for key in keys {
            match key {
                Key::Scope if scope == 0 => found.extend(self.document.children(0)),
                Key::Scope => found.push(scope),
                key => found.extend_from_slice(self.index.within(key, below.clone())),
            }
        }
        found.retain(|&id| !self.document.is_text(id));
        found.sort_unstable();
        found.dedup();
        Candidates::Merged(found.into_iter())
    }
}

enum Candidates<'f> {
    /// All elements in a range.
    Every(&'f Finder<'f>, Range<NodeId>),
    Some(std::slice::Iter<'f, NodeId>),
    Merged(std::vec::IntoIter<NodeId>),
}

impl Iterator for Candidates<'_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        match self {
            Self::Every(finder, range) => {
                range.find(|&id| !finder.spend(1) || !finder.document.is_text(id))
            }
            Self::Some(found) => found.next().copied(),
            Self::Merged(found) => found.next(),
        }
    }
}

impl Element<'_> {
    /// Whether the element is of a pseudo-class.
    pub(super) fn is_in(self, class: &PseudoClass, context: &mut MatchingContext<'_, Css>) -> bool {
        match class {
            PseudoClass::Link => {
                matches!(self.tag(), Tag::A | Tag::Area) && self.has_attribute("href")
            }
            PseudoClass::Checked => match self.tag() {
                Tag::Input => self.has_attribute("checked"),
                Tag::Option => self.has_attribute("selected"),
                _ => false,
            },
            PseudoClass::Disabled => self.can_be_disabled() && self.has_attribute("disabled"),
            PseudoClass::Enabled => self.can_be_disabled() && !self.has_attribute("disabled"),
            PseudoClass::Has(list) => context
                .nest_for_relative_selector(self.opaque(), |context| {
                    list.iter().any(|relative| self.has(relative, context))
                }),
        }
    }

    fn can_be_disabled(self) -> bool {
        matches!(
            self.tag(),
            Tag::Button
                | Tag::Input
                | Tag::Select
                | Tag::Textarea
                | Tag::Optgroup
                | Tag::Option
                | Tag::Fieldset
        )
    }

    /// Whether something is where a relative selector says it is.
    fn has(self, relative: &Relative, context: &mut MatchingContext<'_, Css>) -> bool {
        let finder = self.finder;
        let node = finder.document.node(self.id);
        match relative.reach {
            Reach::Children => {
                let first = finder.first_child(self.id);
                let mut children =
                    std::iter::successors(first, |&child| finder.next_sibling(child));
                children.any(|id| self.is_found(id, relative, context))
            }
            Reach::Next => {
                finder.next_sibling(self.id).is_some_and(|id| self.is_found(id, relative, context))
            }
            Reach::Below => self.is_within(self.id + 1..node.end, relative, context),
            Reach::After => {
                let end = finder.document.node(node.parent).end;
                self.is_within(node.end..end, relative, context)
            }
        }
    }

    fn is_within(
        self,
        range: Range<NodeId>,
        relative: &Relative,
        context: &mut MatchingContext<'_, Css>,
    ) -> bool {
        let mut candidates = match &relative.key {
            Some(key) => Candidates::Some(self.finder.index.within(key, range).iter()),
            None => Candidates::Every(self.finder, range),
        };
        candidates.any(|id| self.is_found(id, relative, context))
    }

    fn is_found(
        self,
        id: NodeId,
        relative: &Relative,
        context: &mut MatchingContext<'_, Css>,
    ) -> bool {
        if !self.finder.spend(1) {
            // Nothing found from here on counts, and this ends the search.
            return true;
        }
        self.finder.bound(context);
        matches_selector(&relative.selector, 0, None, Self { id, ..self }, context)
    }
}
