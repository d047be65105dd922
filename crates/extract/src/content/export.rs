//! What training needs: the blocks of a page and the bytes that the model sees of them.

use super::context::Context;
pub(crate) use super::features::Analysis;
pub(crate) use super::names::names;
use crate::document::Document;
use crate::name::Tag;

/// One block.
pub(crate) struct Block {
    pub(crate) text: String,
    pub(crate) hidden: bool,
    /// The elements around it with their first class, such as `body/div.main/p`.
    pub(crate) path: String,
}

/// The blocks of a page.
pub(crate) fn blocks(document: &Document<'_>, page: &Analysis) -> Vec<Block> {
    let blocks = &page.blocks;
    blocks
        .blocks
        .iter()
        .map(|block| Block {
            text: blocks.text(block).to_owned(),
            hidden: block.hidden != 0,
            path: path(document, blocks.containers[block.container as usize].node),
        })
        .collect()
}

fn path(document: &Document<'_>, id: u32) -> String {
    let mut parts: Vec<String> = std::iter::once(id)
        .chain(document.ancestors(id))
        .filter(|&id| !matches!(document.tag(id), Tag::Root | Tag::Html))
        .map(|id| {
            let class = document.raw_attribute(id, "class").unwrap_or("");
            let class = class.split_whitespace().take(2).map(|class| format!(".{class}"));
            let own = document.raw_attribute(id, "id").map(|own| format!("#{own}"));
            format!("{}{}{}", document.name(id), own.unwrap_or_default(), class.collect::<String>())
        })
        .collect();
    parts.reverse();
    parts.join("/")
}

/// The features of all blocks, block after block.
pub(crate) fn features(page: &Analysis) -> Vec<u8> {
    let mut rows = Vec::new();
    for index in 0..page.shapes.len() {
        page.row(index, &mut rows);
    }
    rows
}

/// What the second stage sees beside them, block after block.
pub(crate) fn context(page: &Analysis, scores: &[f32]) -> Vec<u8> {
    let context = Context::new(page, scores);
    let mut rows = Vec::new();
    for index in 0..page.shapes.len() {
        context.row(index, &mut rows);
    }
    rows
}
