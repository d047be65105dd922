//! Which part of a page is its main content.
//!
//! The page falls into blocks of text; a model of two stages gives each a score, and those above
//! a threshold are kept. See `training/README.md` for how the model is made.

mod around;
mod blocks;
mod context;
mod features;
mod levels;
mod place;
mod quantise;
mod readability;
mod references;
mod shape;
mod table;
mod trees;
mod vocabulary;

#[cfg(feature = "training")]
pub(crate) mod export;

use url::Url;

use crate::document::Document;
use crate::keep::Keep;
use blocks::Blocks;
use features::Analysis;

/// The text nodes of the main content.
pub(crate) fn choose(document: &Document<'_>, url: &Url) -> Keep {
    let analysis = Analysis::of(document, url);
    let chosen = chosen(&analysis);
    keep(document, &analysis.blocks, &chosen)
}

/// Which blocks are chosen.
fn chosen(analysis: &Analysis) -> Vec<bool> {
    let blocks = &analysis.blocks.blocks;
    blocks.iter().map(|block| block.hidden == 0 && blocks::is_prose(block)).collect()
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
