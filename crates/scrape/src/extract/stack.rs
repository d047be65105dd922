//! The open elements, as far as their ends matter.

use super::tag::Tag;

/// Elements one within another; a deeper one is transparent.
const MAX_DEPTH: usize = 512;

/// What an element does to the blocks while it is open.
#[derive(Debug, Default)]
pub(super) enum Role {
    #[default]
    None,
    /// A list: the next number, and whether its markers differ from the list before.
    List { next: Option<u32>, alternate: bool, items: usize },
    /// A list's item or a quotation: a container of blocks.
    Container,
    /// A cell of the table that is being collected.
    Cell,
}

/// One open element.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) tag: Tag,
    pub(super) role: Role,
    /// Open formatting elements outside a cell: those inside end with it.
    pub(super) formats: [u16; 4],
}

/// The open elements from the outermost to the innermost.
pub(super) struct Stack {
    open: Vec<Open>,
    counts: [u16; Tag::COUNT],
}

impl Stack {
    pub(super) fn new() -> Self {
        Self { open: Vec::new(), counts: [0; Tag::COUNT] }
    }

    /// Whether there is room for the element; if not it is transparent.
    pub(super) fn push(&mut self, open: Open) -> bool {
        let room = self.open.len() < MAX_DEPTH;
        if room {
            self.counts[open.tag as usize] += 1;
            self.open.push(open);
        }
        room
    }

    pub(super) fn has_room(&self) -> bool {
        self.open.len() < MAX_DEPTH
    }

    pub(super) fn pop(&mut self) -> Option<Open> {
        let open = self.open.pop()?;
        self.counts[open.tag as usize] -= 1;
        Some(open)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn top(&self) -> Option<Tag> {
        self.open.last().map(|open| open.tag)
    }

    /// How many elements of this tag are open.
    pub(super) fn count(&self, tag: Tag) -> u16 {
        self.counts[tag as usize]
    }

    /// The length of the stack once the innermost element that `wanted` accepts is popped, if
    /// none that `barrier` accepts is in the way.
    pub(super) fn find(
        &self,
        wanted: impl Fn(Tag) -> bool,
        barrier: impl Fn(Tag) -> bool,
    ) -> Option<usize> {
        for (at, open) in self.open.iter().enumerate().rev() {
            if wanted(open.tag) {
                return Some(at);
            }
            if barrier(open.tag) {
                return None;
            }
        }
        None
    }

    /// The innermost list, if no cell is in the way.
    pub(super) fn list(&mut self) -> Option<&mut Role> {
        let inner = self.open.iter_mut().rev().take_while(|open| !open.tag.is_scope());
        inner.map(|open| &mut open.role).find(|role| matches!(role, Role::List { .. }))
    }
}
