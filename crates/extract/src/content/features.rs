//! What the first stage of the model sees of a block.

use url::Url;

use super::around::{self, ITEM_LABELS, Near, Own, TAG_LABELS};
use super::blocks::{Block, Blocks, NOWHERE};
use super::levels::{self, Facts, STATISTICS, STATISTICS_COUNT};
use super::overview::{self, PAGE};
use super::place::{self, Places};
use super::quantise::{NONE, log, mean, share, small, unit};
use super::readability::{self, Scores};
use super::references::References;
use super::shape::{Shape, shape};
use super::table::{Row, table};
use super::topics::{self, Topic};
use super::vocabulary::{NAME_LABELS, TEXT_GROUPS, TEXT_LABELS};
use crate::document::Document;

/// All that features are made of.
pub(crate) struct Analysis {
    pub(crate) blocks: Blocks,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) facts: Vec<Facts>,
    references: References,
    near: Vec<Near>,
    statistics: Vec<[u8; STATISTICS_COUNT]>,
    scores: Scores,
    topics: Vec<Topic>,
    places: Places,
    briefs: Vec<Brief>,
    page: [u8; PAGE.len()],
}

/// What a block shows to its neighbours.
type Brief = [u8; BRIEF.len()];

/// The neighbours that a block sees, by distance.
const NEIGHBOURS: [[&str; 2]; 3] =
    [["before1", "after1"], ["before2", "after2"], ["before3", "after3"]];

impl Analysis {
    /// Looks at a page.
    pub(crate) fn of(document: &Document<'_>, url: &Url) -> Self {
        let host = url.host_str().unwrap_or("");
        let blocks = Blocks::of(document, host.strip_prefix("www.").unwrap_or(host));
        let references = References::of(document, url);
        let mut words = Vec::new();
        let shapes: Vec<Shape> = blocks
            .blocks
            .iter()
            .map(|block| shape(blocks.text(block), &references, &mut words))
            .collect();
        let mut reader = around::Reader::default();
        let own: Vec<Own> =
            blocks.containers.iter().map(|c| reader.own(document, c.node)).collect();
        let near = around::near(document, &blocks, &own);
        let facts = levels::facts(document, &blocks);
        let scores = readability::scores(&blocks, &shapes, &own);
        let statistics = (0..facts.len())
            .map(|index| levels::statistics(index, &blocks, &shapes, &facts, &scores))
            .collect();
        let topics = topics::topics(&blocks, &shapes, &scores, &words);
        let places = place::places(&blocks, &shapes, &facts, &references);
        let briefs = blocks
            .blocks
            .iter()
            .zip(&shapes)
            .map(|(block, shape)| brief(block, shape, &facts[block.container as usize]))
            .collect();
        let page = overview::page(document, &blocks, &shapes, &references, &own);
        Self {
            blocks,
            shapes,
            facts,
            references,
            near,
            statistics,
            scores,
            topics,
            places,
            briefs,
            page,
        }
    }

    /// Writes the features of one block.
    pub(crate) fn row(&self, index: usize, row: &mut impl Row) {
        let block = &self.blocks.blocks[index];
        let shape = &self.shapes[index];
        row.part("text", &FORM, &form(block, shape));
        row.part("words", &TEXT_LABELS, &words(shape));
        row.part("said", &SAID, &said(shape, &self.references));
        row.part("topic", &topics::TOPIC, &topics::topic(&self.topics[index]));
        row.part("links", &LINKED, &linked(block.link_groups));
        row.part("place", &place::PLACE, &place::place(index, self));
        let near = &self.near[block.container as usize];
        row.part("near_tag", &TAG_LABELS, &near.tags);
        row.part("near_name", &NAME_LABELS, &near.names);
        row.part("near_item", &ITEM_LABELS, &near.items);
        self.levels(index, row);
        let scores = self.scored(block);
        row.part("score", &SCORED, &scores);
        for (step, [before_part, after_part]) in (1..).zip(NEIGHBOURS) {
            let before = index.checked_sub(step).map_or(&NOBODY, |place| &self.briefs[place]);
            row.part(before_part, &BRIEF, before);
            let after = self.briefs.get(index + step).unwrap_or(&NOBODY);
            row.part(after_part, &BRIEF, after);
        }
        row.part("page", &PAGE, &self.page);
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Whether a block is in preformatted text.
    pub(crate) fn is_code(&self, index: usize) -> bool {
        self.near[self.blocks.blocks[index].container as usize].is_code()
    }

    fn levels(&self, index: usize, row: &mut impl Row) {
        let mut at = self.blocks.blocks[index].container;
        for part in levels::SHOWN {
            if at == NOWHERE {
                row.part(part, &STATISTICS, &[NONE; STATISTICS_COUNT]);
                row.part(part, &INSIDE, &[NONE; INSIDE.len()]);
                continue;
            }
            row.part(part, &STATISTICS, &self.statistics[at as usize]);
            row.part(part, &INSIDE, &inside(index as u32, at as usize, &self.blocks));
            at = self.facts[at as usize].outer;
        }
    }

    fn scored(&self, block: &Block) -> [u8; SCORED.len()] {
        let container = block.container as usize;
        scored(container, &self.scores, &self.facts, &self.blocks)
    }
}

/// What nobody shows.
const NOBODY: Brief = [NONE; BRIEF.len()];

table! {
    /// The form of a block's text.
    FORM: fn form(block: &Block, shape: &Shape) {
        let words = shape.words;
        let chars = shape.chars;
    }
    "chars" => log(chars),
    "words" => log(words),
    "link_share" => share(block.link_chars, block.chars),
    "plain_chars" => log(block.chars.saturating_sub(block.link_chars)),
    "links" => log(block.links),
    "external_links" => log(block.external_links),
    "page_links" => log(block.page_links),
    "images" => log(block.images),
    "breaks" => log(block.breaks),
    "bold_share" => share(block.bold_chars, block.chars),
    "hidden" => u8::from(block.hidden != 0),
    "word_chars" => mean(8 * (shape.letters + shape.digits), words),
    "longest_word" => small(shape.longest_word),
    "sentences" => log(shape.sentences),
    "sentence_words" => mean(words, shape.sentences),
    "stops" => log(shape.marks[0]),
    "commas" => log(shape.marks[1]),
    "comma_words" => mean(words, shape.marks[1]),
    "questions" => small(shape.marks[2]),
    "exclamations" => small(shape.marks[3]),
    "colons" => small(shape.marks[4]),
    "semicolons" => small(shape.marks[5]),
    "quotes" => log(shape.marks[6] + shape.quotes),
    "bars" => small(shape.marks[7]),
    "slashes" => small(shape.marks[8]),
    "ats" => small(shape.marks[9]),
    "hashes" => small(shape.marks[10]),
    "brackets" => small(shape.marks[11]),
    "hyphens" => small(shape.marks[12]),
    "arrows" => small(shape.marks[13]),
    "currency" => small(shape.currency),
    "symbols_share" => share(4 * shape.symbols, chars),
    "digits_share" => share(shape.digits, shape.letters + shape.digits),
    "upper_share" => share(shape.upper, shape.letters),
    "capitalised_share" => share(shape.capitalised, words),
    "numbers_share" => share(shape.numbers, words),
    "wide_share" => share(shape.wide, shape.letters),
    "first" => shape.first as u8,
    "last" => shape.last as u8,
}

/// What addresses of links name.
const LINKED: [&str; 20] = [
    "article",
    "post",
    "comment",
    "related",
    "ad",
    "share",
    "login",
    "newsletter",
    "legal",
    "author",
    "tags",
    "product",
    "price",
    "forum",
    "user",
    "search",
    "video",
    "list",
    "event",
    "pagination",
];

/// Which of [`LINKED`] the links of a block name.
fn linked(groups: u64) -> [u8; LINKED.len()] {
    LINKED.map(|label| {
        let bit = NAME_LABELS.iter().position(|known| *known == label);
        u8::from(bit.is_some_and(|bit| groups >> bit & 1 == 1))
    })
}

/// The share of a text's words that belong to each group.
fn words(shape: &Shape) -> [u8; TEXT_GROUPS.len()] {
    shape.groups.map(|count| share(count, shape.words))
}

table! {
    /// What a block has in common with what the page says of itself.
    SAID: fn said(shape: &Shape, page: &References) {
        let of = |reference: usize| match page.lengths[reference] {
            0 => NONE,
            _ => share(shape.shared[reference], shape.words),
        };
        let all = |reference: usize| share(shape.shared[reference], page.lengths[reference]);
    }
    "title" => of(0),
    "social_title" => of(1),
    "heading" => of(2),
    "description" => of(3),
    "address" => of(4),
    "headline" => of(5),
    "all_title" => all(0),
    "all_social_title" => all(1),
    "all_heading" => all(2),
    "all_description" => all(3),
    "all_address" => all(4),
    "all_headline" => all(5),
    "is_title" => u8::from(page.titles.contains(&shape.hash)),
    "data" => if page.has_body { share(shape.shared_runs, shape.words) } else { NONE },
}

table! {
    /// Where a block stands in a container.
    INSIDE: fn inside(index: u32, container: usize, blocks: &Blocks) {
        let range = &blocks.containers[container].blocks;
    }
    "index" => log(index - range.start),
    "left" => log(range.end - index - 1),
    "at" => share(index - range.start, range.end - range.start),
}

table! {
    /// How the containers of a block do among those of the page.
    SCORED: fn scored(container: usize, scores: &Scores, facts: &[Facts], blocks: &Blocks) {
        let top = scores.own[scores.top as usize];
        let winner = &blocks.containers[scores.top as usize].blocks;
        let own = &blocks.containers[container].blocks;
    }
    "best" => if top > 0.0 { unit(scores.best[container] / top) } else { NONE },
    "in_top" => u8::from(winner.start <= own.start && own.end <= winner.end),
    "spine" => small(facts[container].spine),
    "depth" => small(facts[container].depth),
}

table! {
    /// What a block shows to its neighbours.
    BRIEF: fn brief(block: &Block, shape: &Shape, facts: &Facts) {}
    "tag" => facts.tag,
    "chars" => log(shape.chars),
    "words" => log(shape.words),
    "link_share" => share(block.link_chars, block.chars),
    "sentences" => log(shape.sentences),
    "function_share" => share(shape.groups[TEXT_GROUPS.len() - 1], shape.words),
    "capitalised_share" => share(shape.capitalised, shape.words),
    "last" => shape.last as u8,
    "alike" => log(facts.alike),
    "hidden" => u8::from(block.hidden != 0),
    "digits_share" => share(shape.digits, shape.letters + shape.digits),
}
