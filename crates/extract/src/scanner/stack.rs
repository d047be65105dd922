//! The elements that are open, with every question about them answered in constant time.
//!
//! Looking for an element from the top costs the depth, and markup can ask as often as it has
//! tags. So each entry remembers the previous one of the same name and the nearest entry of each
//! kind that such a search must not pass.

use crate::document::{MAX_DEPTH, NodeId};
use crate::name::Tag;

use super::kinds::{self, Barrier};

/// Elements without a number of their own share this many chains, by the hash of their names.
const OTHER_SLOTS: usize = 64;

/// An element that holds others has at most this many ancestors: it leaves room for an element of
/// raw text below it and for that one's text.
const MAX_OPEN: usize = MAX_DEPTH - 1;

/// A place in the stack, counted from 1; 0 is none.
pub(super) type Place = usize;

/// Whose rules the content of an element follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Html,
    /// SVG or MathML.
    Foreign,
    /// An element of SVG or MathML whose content is HTML again ("integration point").
    Integration,
}

/// An element's name for comparing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) tag: Tag,
    /// Of the name in lower case, for those without a number; else 0.
    hash: u32,
}

impl Name {
    pub(super) fn of(tag: Tag, name: &[u8]) -> Self {
        let hash = if tag == Tag::Other { hash(name) } else { 0 };
        Self { tag, hash }
    }

    fn slot(self) -> usize {
        match self.tag {
            Tag::Other => Tag::COUNT + self.hash as usize % OTHER_SLOTS,
            tag => tag as usize,
        }
    }
}

impl From<Tag> for Name {
    fn from(tag: Tag) -> Self {
        Self { tag, hash: 0 }
    }
}

/// FNV-1a without regard to ASCII case. A collision lets a wrong end tag through, no more.
fn hash(name: &[u8]) -> u32 {
    name.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
    })
}

/// An open element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) node: NodeId,
    pub(super) name: Name,
    pub(super) content: Content,
    /// Its end tag was seen while it could not be closed; goes when it is on top.
    ended: bool,
    /// The next one further out of the same slot.
    outer: u16,
    /// The nearest barrier of each kind, itself included.
    barriers: [u16; Barrier::COUNT],
}

#[derive(Debug)]
pub(super) struct Stack {
    open: Vec<Open>,
    /// The innermost open element of each slot.
    last: [u16; Tag::COUNT + OTHER_SLOTS],
    /// Start tags by slot that found no room; their end tags are not for what is open.
    skipped: [u32; Tag::COUNT + OTHER_SLOTS],
    has_skipped: bool,
}

impl Stack {
    pub(super) fn new() -> Self {
        Self {
            open: Vec::with_capacity(64),
            last: [0; Tag::COUNT + OTHER_SLOTS],
            skipped: [0; Tag::COUNT + OTHER_SLOTS],
            has_skipped: false,
        }
    }

    pub(super) fn len(&self) -> Place {
        self.open.len()
    }

    pub(super) fn top(&self) -> Option<&Open> {
        self.open.last()
    }

    pub(super) fn top_tag(&self) -> Tag {
        self.top().map_or(Tag::Root, |open| open.name.tag)
    }

    pub(super) fn get(&self, place: Place) -> Option<&Open> {
        self.open.get(place.checked_sub(1)?)
    }

    /// Whether an element with children can be opened; one of raw text always can.
    pub(super) fn has_room(&self) -> bool {
        self.open.len() + 2 < MAX_OPEN
    }

    pub(super) fn push(&mut self, node: NodeId, name: Name, content: Content) {
        let place = self.open.len() as u16 + 1;
        let mut barriers = self.top().map_or([0; Barrier::COUNT], |top| top.barriers);
        let mut own = kinds::barriers(name.tag, content);
        while own != 0 {
            barriers[own.trailing_zeros() as usize] = place;
            own &= own - 1;
        }
        let outer = std::mem::replace(&mut self.last[name.slot()], place);
        self.open.push(Open { node, name, content, ended: false, outer, barriers });
    }

    /// Takes the innermost element off.
    pub(super) fn pop(&mut self) -> Option<NodeId> {
        let open = self.open.pop()?;
        if !open.ended {
            self.last[open.name.slot()] = open.outer;
        }
        if self.has_skipped {
            self.skipped.fill(0);
            self.has_skipped = false;
        }
        Some(open.node)
    }

    /// The innermost open element of a name; 0 for none.
    pub(super) fn last(&self, name: impl Into<Name>) -> Place {
        let name = name.into();
        let mut place = Place::from(self.last[name.slot()]);
        // Only names without a number share a slot; the chain is no longer than the stack.
        while let Some(open) = self.get(place).filter(|open| open.name != name) {
            place = Place::from(open.outer);
        }
        place
    }

    /// The nearest element that a search of this kind must not pass; 0 for none.
    pub(super) fn barrier(&self, barrier: Barrier) -> Place {
        self.top().map_or(0, |top| Place::from(top.barriers[barrier as usize]))
    }

    /// The innermost open element of a name if no barrier is in between ("has an element in
    /// scope").
    pub(super) fn find(&self, name: impl Into<Name>, barrier: Barrier) -> Option<Place> {
        let place = self.last(name);
        (place > 0 && place >= self.barrier(barrier)).then_some(place)
    }

    /// Lets the innermost element of its name go as soon as it is on top.
    pub(super) fn end_later(&mut self, place: Place) {
        let Some(open) = self.open.get_mut(place.wrapping_sub(1)) else { return };
        let slot = open.name.slot();
        if Place::from(self.last[slot]) == place {
            open.ended = true;
            self.last[slot] = open.outer;
        }
    }

    pub(super) fn top_has_ended(&self) -> bool {
        self.top().is_some_and(|top| top.ended)
    }

    /// Remembers a start tag that found no room.
    pub(super) fn skip(&mut self, name: Name) {
        self.skipped[name.slot()] += 1;
        self.has_skipped = true;
    }

    /// Whether an end tag is for a start tag that found no room.
    pub(super) fn unskip(&mut self, name: Name) -> bool {
        let count = &mut self.skipped[name.slot()];
        let is_skipped = *count > 0;
        *count -= u32::from(is_skipped);
        is_skipped
    }
}
