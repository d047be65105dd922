//! Where a block stands on its page: under which heading, how far from the title.

use super::blocks::{Blocks, NOWHERE};
use super::features::Analysis;
use super::levels::Facts;
use super::quantise::{NONE, log, share, small};
use super::references::References;
use super::seeded::Map;
use super::shape::Shape;
use super::table::table;
use super::vocabulary::TEXT_LABELS;

/// Longer blocks are no headings, in characters.
const LONGEST_HEADING: u32 = 200;

/// A heading is the title when it has at least this share of the title's words, in percent.
const TITLE_PERCENT: u32 = 50;

/// Where the blocks of a page stand.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) own: Vec<Place>,
    /// The block that shows the page's title.
    pub(crate) title: Option<u32>,
}

/// Where one block stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// Characters of all blocks before.
    pub(crate) chars_before: u32,
    /// The nearest heading before.
    pub(crate) heading: Option<u32>,
    /// Headings of the first level before, and characters of all blocks before the last one.
    pub(crate) titles_before: u32,
    pub(crate) chars_before_title: u32,
    /// Level of a heading, 1 to 6; 0 for other blocks.
    pub(crate) level: u8,
    /// How often this text stands on the page, and how often before this block.
    pub(crate) copies: u32,
    pub(crate) copies_before: u32,
    /// Containers to leave and to enter on the way from the block before.
    pub(crate) up: u32,
    pub(crate) down: u32,
}

/// Finds out where the blocks stand.
pub(crate) fn places(
    blocks: &Blocks,
    shapes: &[Shape],
    facts: &[Facts],
    references: &References,
) -> Places {
    let mut copies: Map<u64, u32> = Map::default();
    let mut own = Vec::with_capacity(shapes.len());
    let (mut chars_before, mut heading, mut before) = (0, None, NOWHERE);
    let (mut titles_before, mut chars_before_title) = (0, 0);
    for (index, (block, shape)) in blocks.blocks.iter().zip(shapes).enumerate() {
        let seen = copies.entry(shape.hash).or_default();
        let (up, down) = steps(before, block.container, blocks);
        let level = level(facts[block.container as usize].tag);
        own.push(Place {
            chars_before,
            heading,
            titles_before,
            chars_before_title,
            level,
            copies: 0,
            copies_before: *seen,
            up,
            down,
        });
        *seen += 1;
        if level == 1 {
            (titles_before, chars_before_title) = (titles_before + 1, chars_before);
        }
        chars_before += block.chars;
        before = block.container;
        if level > 0 {
            heading = Some(index as u32);
        }
    }
    for (place, shape) in own.iter_mut().zip(shapes) {
        place.copies = copies[&shape.hash];
    }
    let title = title(shapes, &own, references);
    Places { own, title }
}

/// The level of a heading by [`super::levels::tag_kind`].
fn level(tag: u8) -> u8 {
    if (8..=13).contains(&tag) { tag - 7 } else { 0 }
}

/// More steps are not counted.
const MAX_STEPS: u32 = 40;

/// Containers to leave and to enter on the way from one to another.
fn steps(from: u32, to: u32, blocks: &Blocks) -> (u32, u32) {
    let (mut up, mut down) = (0, 0);
    let (mut left, mut right) = (from, to);
    while left != right && up + down < MAX_STEPS {
        // A container comes after its parent: the later one is not around the other.
        if left != NOWHERE && (right == NOWHERE || left > right) {
            left = blocks.containers[left as usize].parent;
            up += 1;
        } else {
            right = blocks.containers[right as usize].parent;
            down += 1;
        }
    }
    (up, down)
}

/// The block that most looks like the title: the first of the best.
fn title(shapes: &[Shape], places: &[Place], references: &References) -> Option<u32> {
    let mut best = (0, None);
    for (index, (shape, place)) in shapes.iter().zip(places).enumerate() {
        if shape.chars > LONGEST_HEADING || shape.words == 0 {
            continue;
        }
        let covered = [0, 1, 5]
            .into_iter()
            .filter(|&reference| references.lengths[reference] > 0)
            .map(|reference| {
                let shared = shape.shared[reference];
                let length = references.lengths[reference].max(shape.words);
                100 * shared.min(length) / length
            })
            .max()
            .unwrap_or(0);
        let bonus = match place.level {
            1 => 60,
            2 | 3 => 20,
            _ => 0,
        };
        let points = covered + bonus;
        if covered >= TITLE_PERCENT && points > best.0 {
            best = (points, Some(index as u32));
        }
    }
    best.1.or_else(|| places.iter().position(|place| place.level == 1).map(|at| at as u32))
}

table! {
    /// Where a block stands.
    pub(crate) PLACE: fn place(index: usize, page: &Analysis) {
        let places = page.places();
        let own = &places.own[index];
        let count = page.shapes.len() as u32;
        let at = index as u32;
        let next = places.own.get(index + 1);
        let heading = own.heading.map(|heading| heading as usize);
        let above = |of: &dyn Fn(usize) -> u8| heading.map_or(NONE, of);
        let says = |label: &str| {
            let bit = TEXT_LABELS.iter().position(|known| *known == label).unwrap_or(63);
            above(&|heading| (page.shapes[heading].all_groups >> bit & 1) as u8)
        };
        let chars = page.blocks.counts.chars;
    }
    "index" => log(at),
    "left" => log(count - at - 1),
    "at" => share(at, count),
    "chars_at" => share(own.chars_before, chars),
    "chars_before" => log(own.chars_before),
    "chars_left" => log(chars - own.chars_before),
    "level" => own.level,
    "titles_before" => small(own.titles_before),
    "chars_since_title" => log(own.chars_before - own.chars_before_title),
    "copies" => small(own.copies),
    "copies_before" => small(own.copies_before),
    "up" => small(own.up),
    "down" => small(own.down),
    "next_up" => next.map_or(NONE, |next| small(next.up)),
    "next_down" => next.map_or(NONE, |next| small(next.down)),
    "after_title" => places.title.map_or(NONE, |title| match at.cmp(&title) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => 1,
        std::cmp::Ordering::Greater => log(at - title).saturating_add(1),
    }),
    "before_title" => places.title.map_or(NONE, |title| log(title.saturating_sub(at))),
    "chars_after_title" => places.title.map_or(NONE, |title| {
        log(own.chars_before.saturating_sub(places.own[title as usize].chars_before))
    }),
    "heading_level" => above(&|heading| places.own[heading].level),
    "heading_blocks" => above(&|heading| log(at - heading as u32)),
    "heading_chars" => above(&|heading| {
        log(own.chars_before - places.own[heading].chars_before)
    }),
    "heading_words" => above(&|heading| small(page.shapes[heading].words)),
    "heading_says_comment" => says("comment"),
    "heading_says_related" => says("related"),
    "heading_says_more" => says("more"),
    "heading_says_share" => says("share"),
    "heading_says_subscribe" => says("subscribe"),
    "heading_says_menu" => says("menu"),
    "heading_says_tags" => says("tags"),
    "heading_says_by" => says("by"),
    "heading_says_staff" => says("staff"),
    "heading_says_rating" => says("rating"),
    "heading_says_buy" => says("buy"),
    "heading_says_function" => says("function"),
}
