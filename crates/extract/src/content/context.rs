//! What the second stage of the model sees beside the features: the first stage's scores around
//! the block.

use super::blocks::{Blocks, NOWHERE};
use super::features::Analysis;
use super::quantise::{NONE, log, share, unit};
use super::table::{Row, table};

/// Above this score a block is rather in than out.
const HALF: f32 = 0.5;

/// First-stage scores of a page, summed up.
pub(crate) struct Context<'a> {
    page: &'a Analysis,
    scores: &'a [f32],
    /// Sums before each block of: scores; characters times score; characters; characters of
    /// blocks above [`HALF`]; blocks above [`HALF`].
    sums: Vec<Sums>,
    /// By kind of container (tag and class): score times characters, characters.
    alike: Vec<(f32, f32)>,
    /// The same of all that is in the containers of each kind.
    alike_whole: Vec<(f32, f32)>,
    /// First and last block above [`HALF`].
    span: Option<(u32, u32)>,
    /// Index of the smallest container with nearly all of the chosen characters.
    home: usize,
    ranks: Vec<u32>,
    runs: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    score: f32,
    weighted: f64,
    chars: u32,
    chosen_chars: u32,
    chosen: u32,
}

/// The part of the chosen characters that the home has, in percent.
const HOME_PERCENT: u64 = 85;

impl<'a> Context<'a> {
    /// Sums up the scores, one a block.
    pub(crate) fn new(page: &'a Analysis, scores: &'a [f32]) -> Self {
        let blocks = &page.blocks;
        let mut sums = Vec::with_capacity(scores.len() + 1);
        let mut sum = Sums::default();
        let mut span: Option<(u32, u32)> = None;
        for (index, (block, &score)) in blocks.blocks.iter().zip(scores).enumerate() {
            sums.push(sum);
            sum.score += score;
            sum.weighted += f64::from(score) * f64::from(block.chars);
            sum.chars += block.chars;
            if score > HALF {
                sum.chosen_chars += block.chars;
                sum.chosen += 1;
                span = Some((span.map_or(index as u32, |span| span.0), index as u32));
            }
        }
        sums.push(sum);
        let mut made = Self {
            page,
            scores,
            sums,
            alike: Vec::new(),
            alike_whole: Vec::new(),
            span,
            home: 0,
            ranks: ranks(scores),
            runs: runs(scores),
        };
        made.home = made.home();
        made.alike = made.alike();
        made.alike_whole = made.alike_whole();
        made
    }

    /// Writes what the second stage sees beside the features of one block.
    pub(crate) fn row(&self, index: usize, row: &mut impl Row) {
        row.part("stage1", &AROUND, &around(index, self));
    }

    fn at(&self, index: usize, step: isize) -> u8 {
        let place = index.checked_add_signed(step);
        place.and_then(|place| self.scores.get(place)).map_or(NONE, |&score| unit(score))
    }

    /// Mean score of the blocks at most `reach` away.
    fn window(&self, index: usize, reach: usize) -> u8 {
        let (start, end) = self.reach(index, reach);
        unit((self.sums[end].score - self.sums[start].score) / (end - start) as f32)
    }

    /// The same, weighted by characters.
    fn weighted(&self, index: usize, reach: usize) -> u8 {
        let (start, end) = self.reach(index, reach);
        self.mean(start, end)
    }

    fn highest(&self, index: usize, reach: usize) -> u8 {
        let (start, end) = self.reach(index, reach);
        unit(self.scores[start..end].iter().copied().fold(0.0, f32::max))
    }

    fn reach(&self, index: usize, reach: usize) -> (usize, usize) {
        (index.saturating_sub(reach), (index + reach + 1).min(self.scores.len()))
    }

    fn mean(&self, start: usize, end: usize) -> u8 {
        let (before, after) = (&self.sums[start], &self.sums[end]);
        let chars = after.chars - before.chars;
        if chars == 0 {
            return NONE;
        }
        unit(((after.weighted - before.weighted) / f64::from(chars)) as f32)
    }

    /// The container `level` steps out, each time to one with more blocks.
    fn container(&self, index: usize, level: usize) -> Option<usize> {
        let mut at = self.page.blocks.blocks[index].container;
        for _ in 0..level {
            if at == NOWHERE {
                return None;
            }
            at = self.page.facts[at as usize].outer;
        }
        (at != NOWHERE).then_some(at as usize)
    }

    /// Mean score of a container by characters, and the same without the block itself.
    fn level(&self, index: usize, level: usize) -> [u8; 3] {
        let Some(container) = self.container(index, level) else { return [NONE; 3] };
        let range = &self.page.blocks.containers[container].blocks;
        let (before, after) = (&self.sums[range.start as usize], &self.sums[range.end as usize]);
        let block = &self.page.blocks.blocks[index];
        let others = after.chars - before.chars - block.chars;
        let rest = after.weighted
            - before.weighted
            - f64::from(self.scores[index]) * f64::from(block.chars);
        let others = if others == 0 { NONE } else { unit((rest / f64::from(others)) as f32) };
        let chosen = share(
            after.chosen_chars - before.chosen_chars,
            self.sums[self.scores.len()].chosen_chars,
        );
        [self.mean(range.start as usize, range.end as usize), others, chosen]
    }

    fn home(&self) -> usize {
        let all = u64::from(self.sums[self.scores.len()].chosen_chars);
        let mut home = 0;
        for (index, container) in self.page.blocks.containers.iter().enumerate() {
            let chosen = self.chosen(&self.page.blocks, index);
            // A container comes after those around it, so the last one is the smallest.
            if container.parent == NOWHERE
                || all > 0 && 100 * u64::from(chosen) >= HOME_PERCENT * all
            {
                home = index;
            }
        }
        home
    }

    fn chosen(&self, blocks: &Blocks, container: usize) -> u32 {
        let range = &blocks.containers[container].blocks;
        self.sums[range.end as usize].chosen_chars - self.sums[range.start as usize].chosen_chars
    }

    /// Score times characters, and characters, of all containers of a kind.
    fn alike(&self) -> Vec<(f32, f32)> {
        let mut sums = vec![(0.0, 0.0); self.page.facts.len()];
        for (block, score) in self.page.blocks.blocks.iter().zip(self.scores) {
            let sum: &mut (f32, f32) = &mut sums[self.kind(block.container)];
            sum.0 += score * block.chars as f32;
            sum.1 += block.chars as f32;
        }
        sums
    }

    fn alike_whole(&self) -> Vec<(f32, f32)> {
        let mut sums = vec![(0.0, 0.0); self.page.facts.len()];
        for index in 0..sums.len() {
            let (weighted, chars) = self.whole(index);
            let sum: &mut (f32, f32) = &mut sums[self.kind(index as u32)];
            sum.0 += weighted;
            sum.1 += chars;
        }
        sums
    }

    /// Score times characters, and characters, of all that is in a container.
    fn whole(&self, container: usize) -> (f32, f32) {
        let range = &self.page.blocks.containers[container].blocks;
        let (before, after) = (&self.sums[range.start as usize], &self.sums[range.end as usize]);
        ((after.weighted - before.weighted) as f32, (after.chars - before.chars) as f32)
    }

    /// Mean score of containers of the same kind as the one `level` steps out, without that one.
    fn of_level_kind(&self, index: usize, level: usize) -> u8 {
        let Some(container) = self.container(index, level) else { return NONE };
        let (own_weighted, own) = self.whole(container);
        let (weighted, chars) = self.alike_whole[self.kind(container as u32)];
        if chars - own < 1.0 {
            return NONE;
        }
        unit((weighted - own_weighted) / (chars - own))
    }

    fn kind(&self, container: u32) -> usize {
        self.page.facts[container as usize].first_alike as usize
    }

    /// Mean score of blocks in containers of the same kind, without the block itself.
    fn of_kind(&self, index: usize) -> u8 {
        let block = &self.page.blocks.blocks[index];
        let (weighted, chars) = self.alike[self.kind(block.container)];
        let own = block.chars as f32;
        if chars - own < 1.0 {
            return NONE;
        }
        unit((weighted - own * self.scores[index]) / (chars - own))
    }

    fn span_place(&self, index: usize) -> [u8; 3] {
        let Some((first, last)) = self.span else { return [NONE; 3] };
        let at = index as u32;
        let inside = u8::from(first <= at && at <= last);
        [inside, log(first.saturating_sub(at)), log(at.saturating_sub(last))]
    }

    /// Blocks to the nearest one above [`HALF`], before and after.
    fn gap(&self, index: usize) -> [u8; 2] {
        let before = self.scores[..index].iter().rev().take(LONGEST_GAP);
        let after = self.scores[index + 1..].iter().take(LONGEST_GAP);
        let far = |gap: Option<usize>| gap.map_or(NONE, |gap| log(gap as u32));
        [
            far(before.clone().position(|&score| score > HALF)),
            far(after.clone().position(|&score| score > HALF)),
        ]
    }
}

/// Longer gaps are not measured, in blocks.
const LONGEST_GAP: usize = 64;

table! {
    AROUND: fn around(index: usize, all: &Context<'_>) {
        let levels = [1, 2, 3, 4, 5].map(|level| all.level(index, level));
        let whole = &all.sums[all.scores.len()];
        let span = all.span_place(index);
        let gap = all.gap(index);
        let home = &all.page.blocks.containers[all.home].blocks;
        let at = index as u32;
        let heading = all.page.places().own[index].heading;
    }
    "own" => all.at(index, 0),
    "before1" => all.at(index, -1),
    "before2" => all.at(index, -2),
    "before3" => all.at(index, -3),
    "before4" => all.at(index, -4),
    "after1" => all.at(index, 1),
    "after2" => all.at(index, 2),
    "after3" => all.at(index, 3),
    "after4" => all.at(index, 4),
    "mean1" => all.window(index, 1),
    "mean3" => all.window(index, 3),
    "mean7" => all.window(index, 7),
    "weighted2" => all.weighted(index, 2),
    "weighted5" => all.weighted(index, 5),
    "weighted10" => all.weighted(index, 10),
    "highest2" => all.highest(index, 2),
    "highest5" => all.highest(index, 5),
    "container" => all.level(index, 0)[0],
    "level1" => levels[0][0],
    "level1_others" => levels[0][1],
    "level1_chosen" => levels[0][2],
    "level2" => levels[1][0],
    "level2_others" => levels[1][1],
    "level2_chosen" => levels[1][2],
    "level3" => levels[2][0],
    "level3_others" => levels[2][1],
    "level3_chosen" => levels[2][2],
    "level4" => levels[3][0],
    "level4_chosen" => levels[3][2],
    "level5" => levels[4][0],
    "level5_chosen" => levels[4][2],
    "alike" => all.of_kind(index),
    "level1_alike" => all.of_level_kind(index, 1),
    "level2_alike" => all.of_level_kind(index, 2),
    "level3_alike" => all.of_level_kind(index, 3),
    "page" => all.mean(0, all.scores.len()),
    "page_chosen_chars" => log(whole.chosen_chars),
    "page_chosen_share" => share(whole.chosen_chars, whole.chars),
    "page_chosen_blocks" => log(whole.chosen),
    "in_span" => span[0],
    "before_span" => span[1],
    "after_span" => span[2],
    "gap_before" => gap[0],
    "gap_after" => gap[1],
    "run" => log(all.runs[index]),
    "rank" => log(all.ranks[index]),
    "rank_share" => share(all.ranks[index], all.scores.len() as u32),
    "in_home" => u8::from(home.contains(&at)),
    "home_blocks" => log(home.end - home.start),
    "chosen_before" => share(all.sums[index].chosen_chars, whole.chosen_chars),
    "heading" => heading.map_or(NONE, |heading| unit(all.scores[heading as usize])),
    "title" => all.page.places().title.map_or(NONE, |title| unit(all.scores[title as usize])),
}

/// The place of each block among all by score, the best first.
fn ranks(scores: &[f32]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    order.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
    let mut ranks = vec![0; scores.len()];
    for (rank, index) in order.into_iter().enumerate() {
        ranks[index as usize] = rank as u32;
    }
    ranks
}

/// For each block, how many around it without a gap are above [`HALF`] as it is, or below.
fn runs(scores: &[f32]) -> Vec<u32> {
    let mut runs = vec![0; scores.len()];
    let mut start = 0;
    for end in 1..=scores.len() {
        if end == scores.len() || (scores[end] > HALF) != (scores[start] > HALF) {
            runs[start..end].fill((end - start) as u32);
            start = end;
        }
    }
    runs
}
