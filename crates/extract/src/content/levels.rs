//! Statistics of the elements around a block: the nearest, and those further out that hold more.

use std::collections::HashMap;

use super::blocks::{Blocks, Container, NOWHERE};
use super::quantise::{log, mean, share, small};
use super::readability::Scores;
use super::seeded::Map;
use super::shape::Shape;
use super::table::table;
use super::vocabulary::TEXT_LABELS;
use crate::document::Document;
use crate::name::Tag;

/// Levels that a block's features show: its own container, and the next ones with more blocks.
pub(crate) const SHOWN: [&str; 6] = ["level0", "level1", "level2", "level3", "level4", "level5"];

/// What is known of one container beside its counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) tag: Tag8,
    /// The nearest container around it with more blocks.
    pub(crate) outer: u32,
    /// Elements beside it with the same tag and class, itself included.
    pub(crate) alike: u32,
    /// How many of them come before.
    pub(crate) alike_before: u32,
    /// The same of the whole page: how many, and their characters.
    pub(crate) alike_page: u32,
    pub(crate) alike_chars: u32,
    pub(crate) alike_link_chars: u32,
    /// The first container of the page with the same tag and class.
    pub(crate) first_alike: u32,
    /// Steps up to the line of containers that hold most of the prose; from its lower end.
    pub(crate) spine: u32,
    pub(crate) nodes: u32,
    pub(crate) depth: u32,
}

/// A tag's kind as a small number.
pub(crate) type Tag8 = u8;

/// The kind of a tag: like tags have like numbers.
pub(crate) fn tag_kind(tag: Tag) -> Tag8 {
    match tag {
        Tag::Root | Tag::Html | Tag::Body => 0,
        Tag::Main => 1,
        Tag::Article => 2,
        Tag::Section => 3,
        Tag::Div | Tag::Center => 4,
        Tag::P => 5,
        Tag::Blockquote => 6,
        Tag::Pre | Tag::Code | Tag::Listing => 7,
        Tag::H1 => 8,
        Tag::H2 => 9,
        Tag::H3 => 10,
        Tag::H4 => 11,
        Tag::H5 => 12,
        Tag::H6 => 13,
        Tag::Li => 14,
        Tag::Ul | Tag::Ol | Tag::Menu | Tag::Dir => 15,
        Tag::Dt => 16,
        Tag::Dd => 17,
        Tag::Dl => 18,
        Tag::Td => 19,
        Tag::Th => 20,
        Tag::Tr | Tag::Tbody | Tag::Thead | Tag::Tfoot | Tag::Table | Tag::Caption => 21,
        Tag::Figure | Tag::Figcaption => 22,
        Tag::Details | Tag::Summary => 23,
        Tag::Address => 24,
        Tag::A => 25,
        Tag::Button | Tag::Label | Tag::Legend => 26,
        Tag::Form | Tag::Fieldset => 27,
        Tag::Header | Tag::Hgroup => 28,
        Tag::Nav => 29,
        Tag::Aside => 30,
        Tag::Footer => 31,
        Tag::Other => 32,
        _ => 33,
    }
}

/// The facts of all containers.
pub(crate) fn facts(document: &Document<'_>, blocks: &Blocks) -> Vec<Facts> {
    let mut kinds: HashMap<(Tag, &str), u32> = HashMap::new();
    let mut alike: Vec<Alike> = Vec::new();
    let mut beside: Map<(u32, u32), u32> = Map::default();
    // By container: its kind, and how many of the kind stand before it beside it.
    let mut found = Vec::with_capacity(blocks.containers.len());
    for (index, container) in blocks.containers.iter().enumerate() {
        let class = document.raw_attribute(container.node, "class").unwrap_or("");
        let tag = document.tag(container.node);
        let kind = *kinds.entry((tag, class)).or_insert_with(|| {
            alike.push(Alike { first: index as u32, ..Alike::default() });
            (alike.len() - 1) as u32
        });
        let all = &mut alike[kind as usize];
        all.count += 1;
        all.chars = all.chars.saturating_add(container.counts.chars);
        all.link_chars = all.link_chars.saturating_add(container.counts.link_chars);
        let before = beside.entry((container.parent, kind)).or_default();
        found.push((kind, *before));
        *before += 1;
    }
    let mut made: Vec<Facts> = Vec::with_capacity(found.len());
    for (container, &(kind, alike_before)) in blocks.containers.iter().zip(&found) {
        let node = document.node(container.node);
        let alike = &alike[kind as usize];
        let outer = match container.parent {
            NOWHERE => NOWHERE,
            parent if blocks.containers[parent as usize].blocks.len() > container.blocks.len() => {
                parent
            }
            parent => made[parent as usize].outer,
        };
        made.push(Facts {
            tag: tag_kind(node.tag),
            outer,
            alike: beside[&(container.parent, kind)],
            alike_before,
            alike_page: alike.count,
            alike_chars: alike.chars,
            alike_link_chars: alike.link_chars,
            first_alike: alike.first,
            spine: 0,
            nodes: node.end - container.node,
            depth: u32::from(node.depth),
        });
    }
    spine(blocks, &mut made);
    made
}

/// Containers with the same tag and class.
#[derive(Clone, Copy, Debug, Default)]
struct Alike {
    first: u32,
    count: u32,
    chars: u32,
    link_chars: u32,
}

/// Finds the line from the page down to the smallest container with most of the prose.
fn spine(blocks: &Blocks, facts: &mut [Facts]) {
    let weight = |container: &Container| container.counts.prose_chars;
    let mut heaviest = vec![NOWHERE; facts.len()];
    for (index, container) in blocks.containers.iter().enumerate().skip(1) {
        let best = &mut heaviest[container.parent as usize];
        if *best == NOWHERE || weight(container) > weight(&blocks.containers[*best as usize]) {
            *best = index as u32;
        }
    }
    let mut line = Vec::new();
    let mut at = 0;
    while at != NOWHERE && (at as usize) < facts.len() {
        line.push(at);
        let next = heaviest[at as usize];
        if next == NOWHERE
            || 2 * weight(&blocks.containers[next as usize])
                < weight(&blocks.containers[at as usize])
        {
            break;
        }
        at = next;
    }
    let mut on = vec![false; facts.len()];
    for (step, &index) in line.iter().rev().enumerate() {
        facts[index as usize].spine = step as u32;
        on[index as usize] = true;
    }
    for index in 1..facts.len() {
        if !on[index] {
            facts[index].spine = facts[blocks.containers[index].parent as usize].spine;
        }
    }
}

table! {
    /// Statistics of one container.
    pub(crate) STATISTICS: fn statistics(
        index: usize, blocks: &Blocks, shapes: &[Shape], facts: &[Facts], scores: &Scores
    ) {
        let container = &blocks.containers[index];
        let own = &facts[index];
        let counts = &container.counts;
        let page = &blocks.counts;
        let top = scores.own[scores.top as usize];
        let first = &shapes[container.blocks.start as usize];
    }
    "tag" => own.tag,
    "chars" => log(counts.chars),
    "links_share" => share(counts.link_chars, counts.chars),
    "prose_share" => share(counts.prose_chars, counts.chars),
    "blocks" => log(counts.blocks),
    "paragraphs_share" => share(counts.paragraphs, counts.blocks),
    "headings" => log(counts.headings),
    "links" => log(counts.links),
    "links_per_block" => mean(8 * counts.links, counts.blocks),
    "images" => log(counts.images),
    "inputs" => log(counts.inputs),
    "block_chars" => mean(counts.chars, counts.blocks),
    "node_chars" => mean(8 * counts.chars, own.nodes),
    "page_share" => share(counts.chars, page.chars),
    "page_prose_share" => share(counts.prose_chars, page.prose_chars),
    "alike" => log(own.alike),
    "alike_before" => log(own.alike_before),
    "label" => label(first),
    "alike_page" => log(own.alike_page),
    "alike_chars" => mean(own.alike_chars, own.alike_page),
    "alike_links_share" => share(own.alike_link_chars, own.alike_chars),
    "depth" => small(own.depth),
    "score" => super::quantise::unit(if top > 0.0 { scores.own[index] / top } else { 0.0 }),
}

/// Longer blocks are no labels, in characters.
const LONGEST_LABEL: u32 = 60;

/// What the first block of a container calls it: the first of these groups that it has a word of.
fn label(shape: &Shape) -> u8 {
    const LABELS: [&str; 12] = [
        "comment",
        "related",
        "subscribe",
        "share",
        "cookie",
        "ad",
        "login",
        "legal",
        "tags",
        "buy",
        "rating",
        "more",
    ];
    if shape.chars > LONGEST_LABEL {
        return LABELS.len() as u8 + 1;
    }
    let says = |label: &&str| {
        let bit = TEXT_LABELS.iter().position(|known| known == label);
        bit.is_some_and(|bit| shape.all_groups >> bit & 1 == 1)
    };
    LABELS.iter().position(says).map_or(0, |place| place as u8 + 1)
}

/// How many statistics there are of a container.
pub(crate) const STATISTICS_COUNT: usize = STATISTICS.len();
