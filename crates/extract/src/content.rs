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
use crate::name::Tag;
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
    let chosen = chosen(document, &analysis);
    keep(document, &analysis.blocks, &chosen)
}

/// Which blocks are chosen.
fn chosen(document: &Document<'_>, analysis: &Analysis) -> Vec<bool> {
    let scores = scores(analysis, &MODEL);
    let mut chosen: Vec<bool> = scores.iter().map(|&score| score >= MODEL.threshold).collect();
    complete_long_texts(document, &analysis.blocks, &mut chosen);
    drop_copies(analysis, &scores, &mut chosen);
    chosen
}

/// From here on the paragraphs of one element are a long text, longer than nearly all that the
/// model has seen.
const LONG_TEXT_CHARS: u64 = 10_000;

/// The paragraphs that stand side by side in a long text are wanted if any of them is: of hundreds
/// that look the same the model would leave most out, for nothing like it is in its pages.
fn complete_long_texts(document: &Document<'_>, blocks: &Blocks, chosen: &mut [bool]) {
    let prose = |index: usize| {
        let block = &blocks.blocks[index];
        let container = &blocks.containers[block.container as usize];
        let is_paragraph = document.tag(container.node) == Tag::P && blocks::is_prose(block);
        (is_paragraph && block.hidden == 0).then_some((container.parent, block.chars))
    };
    let mut texts: Map<u32, (u64, bool)> = Map::default();
    for (index, &is_chosen) in chosen.iter().enumerate() {
        if let Some((parent, chars)) = prose(index) {
            let (sum, any) = texts.entry(parent).or_default();
            *sum += u64::from(chars);
            *any |= is_chosen;
        }
    }
    for (index, is_chosen) in chosen.iter_mut().enumerate() {
        let text = prose(index).and_then(|(parent, _)| texts.get(&parent));
        *is_chosen |= text.is_some_and(|(sum, any)| *any && *sum >= LONG_TEXT_CHARS);
    }
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

    #[test]
    fn a_long_plain_text_is_kept_whole() {
        let paragraph = |n: usize| {
            format!(
                "<p>In the year {n} the harbour was deepened once more, and {n} ships came in \
                     that winter with tea, timber and letters from the other side of the sea.</p>"
            )
        };
        let page: String = (1000..1400).map(paragraph).collect();
        let document = crate::scanner::scan(&page);
        let kept = choose(&document, &Url::parse("https://site.example/").unwrap());
        assert_eq!(kept.count(0..document.len()), 400);
    }
}
