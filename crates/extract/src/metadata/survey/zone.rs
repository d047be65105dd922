//! Parts of a page that are not its content.

use super::super::hint::Hints;
use super::attributes::Attributes;
use crate::document::NodeId;
use crate::name::Tag;

/// Elements that are not content, kept to ask for the zone of a node.
const MAX_ZONES: usize = 512;

/// Where something stands; the later in this list the further from the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Zone {
    Content,
    /// Side bars, navigation, the page's footer.
    Margin,
    /// Lists of other pages.
    Related,
    /// What readers wrote.
    Comment,
}

/// What an element and all in it is besides the content. `in_article` tells that it is in an
/// `<article>`, whose header, footer and asides are its own.
pub(super) fn of(tag: Tag, attributes: &Attributes<'_>, in_article: bool) -> Option<Zone> {
    let comment_scope = attributes.scope.is_some_and(|scope| {
        ["/Comment", "/Review", "/Answer", "UserComments"].iter().any(|kind| scope.ends_with(kind))
    });
    if attributes.comment || comment_scope {
        return Some(Zone::Comment);
    }
    match tag {
        Tag::Nav => return Some(Zone::Margin),
        Tag::Aside => return Some(if in_article { Zone::Margin } else { Zone::Related }),
        Tag::Footer if !in_article => return Some(Zone::Margin),
        Tag::Div
        | Tag::Section
        | Tag::Ul
        | Tag::Ol
        | Tag::Li
        | Tag::Article
        | Tag::Dl
        | Tag::Table
        | Tag::Other => {}
        _ => return None,
    }
    if attributes.hints.has(Hints::COMMENT) {
        return Some(Zone::Comment);
    }
    attributes.hints.has(Hints::RELATED).then_some(Zone::Related)
}

/// The zones of a page.
#[derive(Debug, Default)]
pub(super) struct Zones {
    elements: Vec<(NodeId, NodeId, Zone)>,
    /// Where the open ones end, by kind.
    margin: NodeId,
    related: NodeId,
    comment: NodeId,
}

impl Zones {
    /// An element from `start` to `end`.
    pub(super) fn enter(&mut self, zone: Zone, start: NodeId, end: NodeId) {
        let until = match zone {
            Zone::Content => return,
            Zone::Margin => &mut self.margin,
            Zone::Related => &mut self.related,
            Zone::Comment => &mut self.comment,
        };
        // One within another of its kind adds nothing.
        if *until < end && self.elements.len() < MAX_ZONES {
            self.elements.push((start, end, zone));
        }
        *until = (*until).max(end);
    }

    /// The zone of the node that the walk has come to.
    pub(super) fn here(&self, id: NodeId) -> Zone {
        if id < self.comment {
            Zone::Comment
        } else if id < self.related {
            Zone::Related
        } else if id < self.margin {
            Zone::Margin
        } else {
            Zone::Content
        }
    }

    /// The zone of any node, after the walk.
    pub(super) fn of(&self, id: NodeId) -> Zone {
        let around = self.elements.iter().filter(|(start, end, _)| (*start..*end).contains(&id));
        around.map(|(_, _, zone)| *zone).max().unwrap_or(Zone::Content)
    }
}
