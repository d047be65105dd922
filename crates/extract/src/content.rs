//! Which part of a page is its main content.
//!
//! The page falls into blocks of text; a model of two stages gives each a score, and those above
//! a threshold are kept. See `training/README.md` for how the model is made.

mod around;
mod blocks;
mod context;
mod features;
mod levels;
#[cfg(any(test, feature = "training"))]
mod names;
mod overview;
mod place;
mod quantise;
mod readability;
mod references;
mod seeded;
mod shape;
mod table;
mod topics;
mod trees;
mod vocabulary;

#[cfg(feature = "training")]
pub(crate) mod export;

use std::collections::hash_map::Entry;
use std::sync::LazyLock;

use url::Url;

use crate::document::Document;
use crate::keep::Keep;
use blocks::Blocks;
pub(crate) use blocks::is_block;
use context::Context;
use features::Analysis;
use seeded::Map;
use table::Slots;
use trees::{Forest, Model};

/// The model, see `training/README.md`.
static MODEL: LazyLock<Model> = LazyLock::new(|| {
    Model::read(include_bytes!("content/model.bin")).expect("a test reads the same bytes")
});

/// The text nodes of the main content.
pub(crate) fn choose(document: &Document<'_>, url: &Url) -> Keep {
    let analysis = Analysis::of(document, url);
    let chosen = chosen(&analysis);
    keep(document, &analysis.blocks, &chosen)
}

/// Which blocks are chosen.
fn chosen(analysis: &Analysis) -> Vec<bool> {
    let scores = scores(analysis, &MODEL);
    let mut chosen: Vec<bool> = scores.iter().map(|&score| score >= MODEL.threshold).collect();
    drop_copies(analysis, &scores, &mut chosen);
    chosen
}

/// Shorter texts may well stand on a page twice, in words.
const SHORTEST_COPY: u32 = 8;

/// Of long texts that stand on a page several times (for small screens, as a quotation, in a
/// summary), only the one with the best score stays.
fn drop_copies(analysis: &Analysis, scores: &[f32], chosen: &mut [bool]) {
    let mut kept: Map<u64, usize> = Map::default();
    for (index, shape) in analysis.shapes.iter().enumerate() {
        if !chosen[index] || shape.words < SHORTEST_COPY || analysis.is_code(index) {
            continue;
        }
        match kept.entry(shape.hash) {
            Entry::Vacant(place) => {
                place.insert(index);
            }
            Entry::Occupied(mut place) => {
                let worse =
                    if scores[index] > scores[*place.get()] { place.insert(index) } else { index };
                chosen[worse] = false;
            }
        }
    }
}

/// Blocks whose features are in memory at once: half a kilobyte each, on pages of up to 20,000.
const AT_ONCE: usize = 256;

/// The scores of all blocks, between 0 and 1.
fn scores(analysis: &Analysis, model: &Model) -> Vec<f32> {
    let [first, second] = &model.stages;
    let blocks = analysis.shapes.len();
    let own = |index: usize, row: &mut [u8]| {
        analysis.row(index, &mut Slots(&mut row[..first.features]));
    };
    let scores = by_parts(first, blocks, own);
    let context = Context::new(analysis, &scores);
    by_parts(second, blocks, |index, row| {
        own(index, row);
        context.row(index, &mut Slots(&mut row[first.features..]));
    })
}

/// The scores of as many rows as there are blocks; `fill` makes the row of a block.
fn by_parts(stage: &Forest, blocks: usize, fill: impl Fn(usize, &mut [u8])) -> Vec<f32> {
    let mut rows = vec![0; blocks.min(AT_ONCE) * stage.features];
    let mut scores = Vec::with_capacity(blocks);
    for start in (0..blocks).step_by(AT_ONCE) {
        let part = start..blocks.min(start + AT_ONCE);
        let rows = &mut rows[..part.len() * stage.features];
        for (index, row) in part.zip(rows.chunks_exact_mut(stage.features)) {
            fill(index, row);
        }
        scores.extend(stage.scores(rows, stage.features));
    }
    scores
}

/// The text nodes of the chosen blocks.
fn keep(document: &Document<'_>, blocks: &Blocks, chosen: &[bool]) -> Keep {
    let mut wanted = blocks
        .blocks
        .iter()
        .zip(chosen)
        .filter(|(_, chosen)| **chosen)
        .flat_map(|(block, _)| &blocks.texts[block.texts.start as usize..block.texts.end as usize])
        .copied()
        .peekable();
    Keep::of(document, |id| {
        let is_wanted = wanted.peek() == Some(&id);
        if is_wanted {
            wanted.next();
        }
        is_wanted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_for_these_features() {
        let model = &*MODEL;
        let [own, context] = names::names();
        let all = own.len() + context.len();
        assert_eq!(model.stages.each_ref().map(|stage| stage.features), [own.len(), all]);
        assert_eq!(model.checksum, names::checksum());
    }
}
