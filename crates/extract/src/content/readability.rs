//! Scores of containers in the manner of Readability: paragraphs give points to the elements
//! around them, links take them away.

use super::around::Own;
use super::blocks::{Blocks, NOWHERE};
use super::shape::Shape;
use super::vocabulary::NAME_LABELS;

/// How many elements above a paragraph get points.
const LEVELS: u32 = 5;

/// Shorter texts give no points, in characters.
const SHORTEST: u32 = 25;

/// Names that speak for an element, and names that speak against it.
const GOOD: [&str; 8] =
    ["article", "post", "text", "main", "description", "doc", "summary", "message"];
const BAD: [&str; 22] = [
    "comment",
    "sidebar",
    "widget",
    "nav",
    "breadcrumb",
    "pagination",
    "footer",
    "legal",
    "header",
    "share",
    "related",
    "popular",
    "ad",
    "promo",
    "cookie",
    "modal",
    "newsletter",
    "login",
    "author",
    "tags",
    "hidden",
    "tools",
];

/// How well containers do.
#[derive(Debug, Default)]
pub(crate) struct Scores {
    /// By container, 0 and up.
    pub(crate) own: Vec<f32>,
    /// The best of the container and those around it.
    pub(crate) best: Vec<f32>,
    /// Index of the best container.
    pub(crate) top: u32,
}

fn bits(labels: &[&str]) -> u64 {
    let place = |label| NAME_LABELS.iter().position(|known| known == label);
    labels.iter().filter_map(place).fold(0, |bits, place| bits | 1 << place)
}

/// Scores all containers.
pub(crate) fn scores(blocks: &Blocks, shapes: &[Shape], own: &[Own]) -> Scores {
    let (good, bad) = (bits(&GOOD), bits(&BAD));
    let weight =
        |own: &Own| 25.0 * (f32::from(own.names & good != 0) - f32::from(own.names & bad != 0));
    let mut points = vec![0.0_f32; blocks.containers.len()];
    let mut hit = vec![false; blocks.containers.len()];
    for (block, shape) in blocks.blocks.iter().zip(shapes) {
        if block.chars < SHORTEST {
            continue;
        }
        let score = 1.0 + shape.marks[1] as f32 + (block.chars as f32 / 100.0).min(3.0);
        let mut at = blocks.containers[block.container as usize].parent;
        for level in 0..LEVELS {
            if at == NOWHERE {
                break;
            }
            points[at as usize] += match level {
                0 => score,
                1 => score / 2.0,
                _ => score / (3 * level) as f32,
            };
            hit[at as usize] = true;
            at = blocks.containers[at as usize].parent;
        }
    }
    let mut made = Scores::default();
    let mut top = 0.0;
    for (index, container) in blocks.containers.iter().enumerate() {
        let chars = container.counts.chars.max(1) as f32;
        let text = 1.0 - container.counts.link_chars as f32 / chars;
        let raw = if hit[index] { points[index] + weight(&own[index]) } else { 0.0 };
        let score = (raw * text).max(0.0);
        let around = match container.parent {
            NOWHERE => 0.0,
            parent => made.best[parent as usize],
        };
        if score > top {
            (top, made.top) = (score, index as u32);
        }
        made.own.push(score);
        made.best.push(around.max(score));
    }
    made
}
