//! A page as blocks of text and the elements around them.
//!
//! A block is a run of inline text: consecutive text nodes without the start or end of a
//! block-level element, a rule, or an empty line (`<br><br>`) between them.

mod tags;
mod walk;

pub(crate) use tags::is_block;

use std::ops::Range;

use crate::document::{Document, NodeId};

/// No container.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// What a stretch of a page holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) blocks: u32,
    /// Characters of blocks.
    pub(crate) chars: u32,
    /// Characters of blocks inside links.
    pub(crate) link_chars: u32,
    /// Characters of long blocks with few links.
    pub(crate) prose_chars: u32,
    /// Blocks in `p`.
    pub(crate) paragraphs: u32,
    pub(crate) headings: u32,
    pub(crate) links: u32,
    pub(crate) images: u32,
    pub(crate) inputs: u32,
}

/// A run of inline text.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Its text nodes, as a range of [`Blocks::texts`].
    pub(crate) texts: Range<u32>,
    /// Its text, as a range of [`Blocks::text`].
    pub(crate) text: Range<u32>,
    /// The nearest block-level element, as an index of [`Blocks::containers`].
    pub(crate) container: u32,
    /// The element that hides it; 0 when it is visible.
    pub(crate) hidden: NodeId,
    pub(crate) chars: u32,
    pub(crate) link_chars: u32,
    pub(crate) links: u32,
    /// Links to other hosts, and links that lead nowhere else (fragments, scripts).
    pub(crate) external_links: u32,
    pub(crate) page_links: u32,
    /// What the addresses of its links name, as bits of [`super::vocabulary::NAME_GROUPS`].
    pub(crate) link_groups: u64,
    pub(crate) images: u32,
    /// Characters in `b` or `strong`, and in `i` or `em`.
    pub(crate) bold_chars: u32,
    pub(crate) breaks: u32,
}

/// An element with at least one block in it.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    pub(crate) node: NodeId,
    /// An index smaller than its own; [`NOWHERE`] for the outermost.
    pub(crate) parent: u32,
    /// Its blocks.
    pub(crate) blocks: Range<u32>,
    pub(crate) counts: Counts,
}

/// The blocks of a page in document order.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    /// The text of all blocks: white space squeezed, references replaced.
    pub(crate) text: String,
    /// The text nodes of all blocks.
    pub(crate) texts: Vec<NodeId>,
    pub(crate) blocks: Vec<Block>,
    /// Every container after its parent.
    pub(crate) containers: Vec<Container>,
    /// What the whole page holds.
    pub(crate) counts: Counts,
}

impl Blocks {
    /// The blocks of a page on `host`.
    pub(crate) fn of(document: &Document<'_>, host: &str) -> Self {
        walk::Walk::new(document, host).run()
    }

    pub(crate) fn text(&self, block: &Block) -> &str {
        &self.text[block.text.start as usize..block.text.end as usize]
    }
}

/// From this length on a text is more than a label.
const PROSE_CHARS: u32 = 80;

/// A block that reads like running text: long, and at most a third of it links.
pub(crate) fn is_prose(block: &Block) -> bool {
    block.chars >= PROSE_CHARS && block.link_chars * 3 <= block.chars
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The blocks of a page, each with `|` around what is in it.
    fn texts(page: &str) -> Vec<String> {
        let document = crate::scanner::scan(page);
        let blocks = Blocks::of(&document, "example.com");
        blocks.blocks.iter().map(|block| blocks.text(block).to_owned()).collect()
    }

    fn only(page: &str) -> Block {
        let document = crate::scanner::scan(page);
        let mut blocks = Blocks::of(&document, "example.com").blocks;
        assert_eq!(blocks.len(), 1, "{page}");
        blocks.remove(0)
    }

    #[test]
    fn block_level_elements_and_empty_lines_part_blocks() {
        assert_eq!(texts("<p>a <b>b</b>c<p>d"), ["a bc", "d"]);
        assert_eq!(texts("<div>a<div>b</div>c</div>"), ["a", "b", "c"]);
        assert_eq!(texts("a<br>b<br> <br>c<hr>d"), ["a b", "c", "d"]);
        assert_eq!(texts("<ul><li>a<li>b<ul><li>c</ul></ul>"), ["a", "b", "c"]);
        assert_eq!(texts("<p> <p>&nbsp;<p>\u{3000}"), Vec::<String>::new());
        assert_eq!(texts("<x-card><x-title>a</x-title> b</x-card>"), ["a b"]);
    }

    #[test]
    fn what_is_never_shown_is_left_out_and_what_is_hidden_is_marked() {
        assert_eq!(texts("<p>a<script>b</script><style>c</style> d"), ["a d"]);
        assert_eq!(texts("<p>a <span hidden>b</span>c"), ["a c"]);
        assert_eq!(only("<div style='display:none'><p>a</div>").chars, 1);
        assert_ne!(only("<div style='display:none'><p>a</div>").hidden, 0);
        assert_eq!(only("<p>a").hidden, 0);
    }

    #[test]
    fn links_are_counted() {
        let block = only(
            "<p>ab <a href=/x>c d</a> <a href='#y'>e</a> <a href=https://www.example.com/>f</a> \
             <a href=//example.org/>g</a> <a>h</a>",
        );
        // The space before a word counts with the word.
        assert_eq!((block.chars, block.link_chars), (14, 10));
        assert_eq!((block.links, block.page_links, block.external_links), (4, 1, 1));
    }

    #[test]
    fn containers_hold_their_blocks() {
        let document = crate::scanner::scan("<main><p>a</p><p>b</p></main><footer>c</footer>");
        let blocks = Blocks::of(&document, "");
        assert_eq!(blocks.containers[0].blocks, 0..3);
        for (index, container) in blocks.containers.iter().enumerate().skip(1) {
            assert!((container.parent as usize) < index);
            let around = &blocks.containers[container.parent as usize].blocks;
            assert!(around.start <= container.blocks.start && container.blocks.end <= around.end);
            assert_eq!(container.counts.blocks as usize, container.blocks.len());
        }
        let counts = |index: u32| blocks.containers[index as usize].counts;
        assert_eq!(counts(blocks.blocks[1].container).chars, 1);
        assert_eq!(counts(blocks.blocks[1].container).paragraphs, 1);
    }

    #[test]
    fn too_many_blocks_become_one() {
        let page = "<p>a".repeat(walk::MAX_BLOCKS + 10);
        let document = crate::scanner::scan(&page);
        let blocks = Blocks::of(&document, "");
        assert_eq!(blocks.blocks.len(), walk::MAX_BLOCKS);
        assert_eq!(blocks.counts.chars as usize, blocks.text.chars().count());
        assert_eq!(blocks.texts.len(), walk::MAX_BLOCKS + 10);
    }
}
