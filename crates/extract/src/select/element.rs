//! A page as the engine looks at it: within a budget.

use std::cell::{Cell, OnceCell};
use std::fmt;

use selectors::OpaqueElement;
use selectors::attr::NamespaceConstraint;
use selectors::attr::{AttrSelectorOperation, AttrSelectorOperator, CaseSensitivity};
use selectors::bloom::BloomFilter;
use selectors::matching::{ElementSelectorFlags, MatchingContext};

use super::css::{Atom, Css, Name, NoPseudoElement, PseudoClass};
use super::index::Index;
use crate::document::{Document, NodeId};
use crate::name::Tag;

/// Places that the engine's caches may be asked for in one match; each can add 32 bytes to them.
const MAX_REMEMBERED: u32 = 1 << 20;

/// What a look into those caches costs.
const LOOKUP_STEPS: u64 = 3;

/// Bytes of a value that are compared in the time of one step.
const BYTES_PER_STEP: usize = 32;

/// A page, what is known of it, and how much may still be looked at.
pub(super) struct Finder<'p> {
    pub(super) document: &'p Document<'p>,
    pub(super) index: Index<'p>,
    /// For each element the element before it below the same parent, or 0.
    previous: OnceCell<Vec<NodeId>>,
    steps_left: Cell<u64>,
    remembered: Cell<u32>,
}

impl<'p> Finder<'p> {
    pub(super) fn new(document: &'p Document<'p>, index: Index<'p>, steps: u64) -> Self {
        Self {
            document,
            index,
            previous: OnceCell::new(),
            steps_left: Cell::new(steps),
            remembered: Cell::new(0),
        }
    }

    /// Takes steps from the budget. Once it is used up every question is answered with "no", which
    /// ends all loops; answers given since then mean nothing.
    pub(super) fn spend(&self, steps: u64) -> bool {
        let left = self.steps_left.get();
        self.steps_left.set(left.saturating_sub(steps));
        left > steps
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.steps_left.get() == 0
    }

    /// How often the caches were asked since the last time this was called.
    pub(super) fn remembered(&self) -> u32 {
        self.remembered.get()
    }

    pub(super) fn forget(&self) {
        self.remembered.set(0);
    }

    /// The next element below the same parent.
    pub(super) fn next_sibling(&self, id: NodeId) -> Option<NodeId> {
        self.element_from(self.document.next_sibling(id)?)
    }

    /// The first element below.
    pub(super) fn first_child(&self, id: NodeId) -> Option<NodeId> {
        let first = id + 1;
        if first < self.document.node(id).end { self.element_from(first) } else { None }
    }

    /// The node, or the first element among its later siblings.
    fn element_from(&self, mut id: NodeId) -> Option<NodeId> {
        while self.spend(1) {
            if !self.document.is_text(id) {
                return Some(id);
            }
            id = self.document.next_sibling(id)?;
        }
        None
    }

    fn previous_sibling(&self, id: NodeId) -> Option<NodeId> {
        let previous = self.previous.get_or_init(|| previous_siblings(self.document));
        let found = previous[id as usize];
        (found != 0).then_some(found)
    }
}

/// One pass: the last element seen at each depth.
fn previous_siblings(document: &Document<'_>) -> Vec<NodeId> {
    let mut previous = vec![0; document.nodes.len()];
    let mut last: Vec<NodeId> = Vec::new();
    for id in 1..document.len() {
        if document.is_text(id) {
            continue;
        }
        let depth = usize::from(document.node(id).depth);
        last.resize(depth + 1, 0);
        previous[id as usize] = std::mem::replace(&mut last[depth], id);
    }
    previous
}

/// One element of a page.
#[derive(Clone, Copy)]
pub(super) struct Element<'f> {
    pub(super) finder: &'f Finder<'f>,
    pub(super) id: NodeId,
}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}> {}", self.finder.document.name(self.id), self.id)
    }
}

impl<'f> Element<'f> {
    pub(super) fn tag(self) -> Tag {
        self.finder.document.tag(self.id)
    }

    fn at(self, id: NodeId) -> Self {
        Self { id, ..self }
    }

    /// An attribute that may be looked at; its length costs steps.
    fn attribute(self, name: &str) -> Option<std::borrow::Cow<'f, str>> {
        let node = self.finder.document.node(self.id);
        if !self.finder.spend(1 + u64::from(node.last.saturating_sub(node.first) / 4)) {
            return None;
        }
        let raw = self.finder.document.raw_attribute(self.id, name)?;
        let is_paid = self.finder.spend((raw.len() / BYTES_PER_STEP) as u64);
        is_paid.then(|| crate::reference::attribute(raw))
    }

    pub(super) fn has_attribute(self, name: &str) -> bool {
        self.attribute(name).is_some()
    }
}

impl selectors::Element for Element<'_> {
    type Impl = Css;

    fn opaque(&self) -> OpaqueElement {
        let remembered = self.finder.remembered.get().saturating_add(1);
        self.finder.remembered.set(remembered);
        self.finder.spend(if remembered > MAX_REMEMBERED { u64::MAX } else { LOOKUP_STEPS });
        OpaqueElement::new(self.finder.document.node(self.id))
    }

    fn parent_element(&self) -> Option<Self> {
        let parent = self.finder.document.parent(self.id).filter(|&parent| parent != 0);
        parent.filter(|_| self.finder.spend(1)).map(|parent| self.at(parent))
    }

    fn prev_sibling_element(&self) -> Option<Self> {
        let previous = self.finder.previous_sibling(self.id);
        previous.filter(|_| self.finder.spend(1)).map(|previous| self.at(previous))
    }

    fn next_sibling_element(&self) -> Option<Self> {
        self.finder.next_sibling(self.id).map(|next| self.at(next))
    }

    fn first_element_child(&self) -> Option<Self> {
        self.finder.first_child(self.id).map(|child| self.at(child))
    }

    fn is_html_element_in_html_document(&self) -> bool {
        true
    }

    fn has_local_name(&self, name: &Name) -> bool {
        self.finder.spend(1)
            && self.tag() == name.tag
            && (name.tag != Tag::Other
                || self.finder.document.name(self.id).eq_ignore_ascii_case(&name.text))
    }

    fn is_same_type(&self, other: &Self) -> bool {
        let name = |element: &Self| element.finder.document.name(element.id);
        self.finder.spend(1)
            && self.tag() == other.tag()
            && (self.tag() != Tag::Other || name(self).eq_ignore_ascii_case(name(other)))
    }

    fn attr_matches(
        &self,
        _: &NamespaceConstraint<&Atom>,
        name: &Name,
        operation: &AttrSelectorOperation<&Atom>,
    ) -> bool {
        let Some(value) = self.attribute(&name.text) else { return false };
        // The one comparison that is not linear in the value.
        if let AttrSelectorOperation::WithValue {
            operator: AttrSelectorOperator::Substring,
            case_sensitivity: CaseSensitivity::AsciiCaseInsensitive,
            value: part,
        } = operation
        {
            let looks = value.len().saturating_mul(part.0.len());
            if !self.finder.spend((looks / BYTES_PER_STEP) as u64) {
                return false;
            }
        }
        operation.eval_str(&value)
    }

    fn has_id(&self, id: &Atom, case: CaseSensitivity) -> bool {
        self.attribute("id").is_some_and(|own| case.eq(own.as_bytes(), id.0.as_bytes()))
    }

    fn has_class(&self, class: &Atom, case: CaseSensitivity) -> bool {
        self.attribute("class").is_some_and(|own| {
            own.split_ascii_whitespace().any(|own| case.eq(own.as_bytes(), class.0.as_bytes()))
        })
    }

    fn match_non_ts_pseudo_class(
        &self,
        class: &PseudoClass,
        context: &mut MatchingContext<'_, Css>,
    ) -> bool {
        self.is_in(class, context)
    }

    fn is_empty(&self) -> bool {
        let node = self.finder.document.node(self.id);
        self.finder.spend(1) && node.end == self.id + 1
    }

    fn is_root(&self) -> bool {
        self.finder.spend(1) && self.finder.document.parent(self.id) == Some(0)
    }

    // What follows is about namespaces, shadow trees, pseudo-elements and styles, which pages as
    // text do not have.

    fn has_namespace(&self, _: &Atom) -> bool {
        true
    }

    fn parent_node_is_shadow_root(&self) -> bool {
        false
    }

    fn containing_shadow_host(&self) -> Option<Self> {
        None
    }

    fn is_pseudo_element(&self) -> bool {
        false
    }

    fn match_pseudo_element(
        &self,
        element: &NoPseudoElement,
        _: &mut MatchingContext<'_, Css>,
    ) -> bool {
        match *element {}
    }

    fn apply_selector_flags(&self, _: ElementSelectorFlags) {}

    /// Only asked for `:visited`.
    fn is_link(&self) -> bool {
        false
    }

    fn is_html_slot_element(&self) -> bool {
        false
    }

    fn has_custom_state(&self, _: &Atom) -> bool {
        false
    }

    fn imported_part(&self, _: &Atom) -> Option<Atom> {
        None
    }

    fn is_part(&self, _: &Atom) -> bool {
        false
    }

    fn add_element_unique_hashes(&self, _: &mut BloomFilter) -> bool {
        false
    }
}
