//! What the training of the main-content model needs; not part of the public interface.

use url::Url;

use crate::content::export;
use crate::{charset, media, scanner};

/// One block of text of a page.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its text: white space squeezed.
    pub text: String,
    /// A browser without scripts would not show it.
    pub hidden: bool,
    /// The elements around it, such as `body/div.main/p`.
    pub path: String,
}

/// What the model sees of a page.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The blocks.
    pub blocks: Vec<Block>,
    /// Features of the first stage, block after block; with scores, what the second stage sees
    /// beside them.
    pub rows: Vec<u8>,
}

/// Names of the features: of the first stage, and of what the second stage sees beside them.
#[must_use]
pub fn names() -> [Vec<String>; 2] {
    export::names()
}

/// Takes a page apart.
///
/// `scores` gives the first stage's scores of a number of blocks.
#[must_use]
pub fn sample(
    bytes: &[u8],
    content_type: Option<&str>,
    url: &Url,
    scores: Option<&mut dyn FnMut(usize) -> Vec<f32>>,
) -> Sample {
    let media = media::classify(content_type, bytes);
    let text = charset::decode(bytes, media.charset, charset::Syntax::Html, url).text;
    let document = scanner::scan(&text);
    let page = export::Analysis::of(&document, url);
    let blocks: Vec<Block> = export::blocks(&document, &page)
        .into_iter()
        .map(|block| Block { text: block.text, hidden: block.hidden, path: block.path })
        .collect();
    let rows = match scores {
        None => export::features(&page),
        Some(scores) => export::context(&page, &scores(blocks.len())),
    };
    Sample { blocks, rows }
}
