//! Whether a block is about what the page is about: the words it shares with the page's best text.

use super::blocks::{Blocks, is_prose};
use super::quantise::{NONE, log, share};
use super::readability::Scores;
use super::seeded::Map;
use super::shape::Shape;
use super::table::table;

/// How a block's long words spread over the page.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Topic {
    words: u32,
    /// Words that stand in the best container, outside the block.
    best: u32,
    /// Words that stand in prose anywhere, outside the block.
    prose: u32,
    /// Words that stand nowhere else on the page.
    alone: u32,
}

/// How often a word stands where.
#[derive(Clone, Copy, Debug, Default)]
struct Uses {
    best: u32,
    prose: u32,
    page: u32,
}

/// The topics of all blocks; `words` are those of [`Shape::topics`].
pub(crate) fn topics(
    blocks: &Blocks,
    shapes: &[Shape],
    scores: &Scores,
    words: &[u64],
) -> Vec<Topic> {
    let best = blocks.containers.get(scores.top as usize).map_or(0..0, |best| best.blocks.clone());
    let of = |index: usize| {
        let block = &blocks.blocks[index];
        Uses {
            best: u32::from(best.contains(&(index as u32))),
            prose: u32::from(is_prose(block) && block.hidden == 0),
            page: 1,
        }
    };
    let range = |shape: &Shape| shape.topics.start as usize..shape.topics.end as usize;
    let mut uses: Map<u64, Uses> = Map::default();
    for (index, shape) in shapes.iter().enumerate() {
        let own = of(index);
        for &word in &words[range(shape)] {
            let uses = uses.entry(word).or_default();
            uses.best += own.best;
            uses.prose += own.prose;
            uses.page += own.page;
        }
    }
    // A word that a block has twice counts as one that stands elsewhere: rare, and cheap to leave.
    shapes
        .iter()
        .enumerate()
        .map(|(index, shape)| {
            let own = of(index);
            let mut topic = Topic::default();
            for word in &words[range(shape)] {
                let uses = uses[word];
                topic.words += 1;
                topic.best += u32::from(uses.best > own.best);
                topic.prose += u32::from(uses.prose > own.prose);
                topic.alone += u32::from(uses.page == own.page);
            }
            topic
        })
        .collect()
}

table! {
    /// What a block shares with the rest of the page.
    pub(crate) TOPIC: fn topic(topic: &Topic) {}
    "words" => log(topic.words),
    "best" => if topic.words == 0 { NONE } else { share(topic.best, topic.words) },
    "prose" => if topic.words == 0 { NONE } else { share(topic.prose, topic.words) },
    "alone" => if topic.words == 0 { NONE } else { share(topic.alone, topic.words) },
}
