//! Gradient-boosted trees over bytes, and the model that is compiled in.
//!
//! The file `model.bin`, little endian:
//!
//! | what | type |
//! | --- | --- |
//! | `PWM1` | 4 bytes |
//! | checksum of the feature names: FNV-1a, 64 bits, of all names of stage 1, then of stage 2's own, each followed by a line feed | u64 |
//! | threshold: a block with a higher or equal score is chosen | f32 |
//! | two stages, each: | |
//! | – number of features; stage 2 has those of stage 1, then its own | u16 |
//! | – number of trees | u16 |
//! | – trees, each: | |
//! |   – number of leaves n, 1 to 64 | u16 |
//! |   – n − 1 splits: feature u16, threshold u8, left i16, right i16 | 7 bytes each |
//! |   – n leaves: what the tree adds to the logarithm of the odds | f32 each |
//!
//! A value lower than or equal to the threshold goes left. A child is the index of a later split,
//! or, negative, `-1 - leaf`. The score is the logistic function of the sum of the trees.

/// The model of the main content.
#[derive(Debug)]
pub(crate) struct Model {
    /// Checksum of the names of the features it was trained with.
    #[cfg_attr(not(test), expect(dead_code, reason = "checked once, by a test"))]
    pub(crate) checksum: u64,
    pub(crate) threshold: f32,
    pub(crate) stages: [Forest; 2],
}

/// Trees whose sum is a score.
#[derive(Debug)]
pub(crate) struct Forest {
    pub(crate) features: usize,
    trees: Vec<Tree>,
}

#[derive(Debug)]
struct Tree {
    /// The root first; as many as any tree can have, so that a step needs no check of bounds.
    nodes: [Node; NODES],
    /// What each node adds; 0 for splits.
    values: [f32; NODES],
    /// Steps from the root to the deepest leaf.
    depth: u32,
}

/// A split, or a leaf, which leads to itself.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    feature: u16,
    threshold: u8,
    /// Left and right.
    next: [u8; 2],
}

/// Leaves of one tree.
const MAX_LEAVES: usize = 64;

/// Room for the nodes of a tree.
const NODES: usize = 2 * MAX_LEAVES;

/// Blocks whose features stay in the processor's nearest cache while tree after tree is applied.
const TILE: usize = 64;

/// Blocks that walk down a tree together: their steps do not wait for each other.
const LANES: usize = 8;

const MAGIC: &[u8] = b"PWM1";

impl Model {
    /// Reads a model; `None` when it is not one.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut input = Input(bytes);
        if input.take(MAGIC.len())? != MAGIC {
            return None;
        }
        let checksum = u64::from_le_bytes(input.array()?);
        let threshold = f32::from_le_bytes(input.array()?);
        let stages = [Forest::read(&mut input)?, Forest::read(&mut input)?];
        (input.0.is_empty()).then_some(Self { checksum, threshold, stages })
    }
}

impl Forest {
    fn read(input: &mut Input<'_>) -> Option<Self> {
        let features = usize::from(u16::from_le_bytes(input.array()?));
        let trees = u16::from_le_bytes(input.array()?);
        let trees = (0..trees).map(|_| Tree::read(input, features)).collect::<Option<_>>()?;
        Some(Self { features, trees })
    }

    /// Scores between 0 and 1 of rows that are `stride` bytes long, at least one a feature.
    pub(crate) fn scores(&self, rows: &[u8], stride: usize) -> Vec<f32> {
        debug_assert!(stride >= self.features);
        let mut sums = vec![0.0; rows.len() / stride.max(1)];
        for (rows, sums) in rows.chunks(TILE * stride).zip(sums.chunks_mut(TILE)) {
            for tree in &self.trees {
                tree.add(rows, stride, sums);
            }
        }
        for sum in &mut sums {
            *sum = 1.0 / (1.0 + (-*sum).exp());
        }
        sums
    }
}

impl Tree {
    fn read(input: &mut Input<'_>, features: usize) -> Option<Self> {
        let leaves = usize::from(u16::from_le_bytes(input.array()?));
        if !(1..=MAX_LEAVES).contains(&leaves) {
            return None;
        }
        let splits = leaves - 1;
        let (mut nodes, mut values) = ([Node::default(); NODES], [0.0; NODES]);
        // A child comes after its parent, so this finds the steps to each node.
        let mut steps = [0; NODES];
        for split in 0..splits {
            let feature = u16::from_le_bytes(input.array()?);
            let [threshold] = input.array()?;
            if usize::from(feature) >= features {
                return None;
            }
            let mut child = || {
                let child = i16::from_le_bytes(input.array()?);
                let leaf = usize::from((-1_i16).wrapping_sub(child).unsigned_abs());
                let at = match usize::try_from(child) {
                    Ok(child) => (split < child && child < splits).then_some(child),
                    Err(_) => (leaf < leaves).then_some(splits + leaf),
                }?;
                steps[at] = steps[split] + 1;
                u8::try_from(at).ok()
            };
            nodes[split] = Node { feature, threshold, next: [child()?, child()?] };
        }
        for at in splits..splits + leaves {
            let own = u8::try_from(at).ok()?;
            nodes[at] = Node { feature: 0, threshold: u8::MAX, next: [own, own] };
            values[at] = f32::from_le_bytes(input.array()?);
        }
        let depth = steps.into_iter().max().unwrap_or(0);
        Some(Self { nodes, values, depth })
    }

    /// Adds what the tree says of each row.
    fn add(&self, rows: &[u8], stride: usize, sums: &mut [f32]) {
        let mut lanes = rows.chunks_exact(LANES * stride);
        let mut wide = sums.chunks_exact_mut(LANES);
        for (rows, sums) in lanes.by_ref().zip(wide.by_ref()) {
            let mut at = [0_u8; LANES];
            for _ in 0..self.depth {
                for (lane, at) in at.iter_mut().enumerate() {
                    *at = self.step(*at, &rows[lane * stride..]);
                }
            }
            for (sum, at) in sums.iter_mut().zip(at) {
                *sum += self.value(at);
            }
        }
        let rest = lanes.remainder().chunks_exact(stride);
        for (row, sum) in rest.zip(wide.into_remainder()) {
            *sum += self.value((0..self.depth).fold(0, |at, _| self.step(at, row)));
        }
    }

    #[inline]
    fn step(&self, at: u8, row: &[u8]) -> u8 {
        let node = &self.nodes[usize::from(at) % NODES];
        node.next[usize::from(row[usize::from(node.feature)] > node.threshold)]
    }

    #[inline]
    fn value(&self, at: u8) -> f32 {
        self.values[usize::from(at) % NODES]
    }
}

/// Bytes to be read.
struct Input<'b>(&'b [u8]);

impl<'b> Input<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two stages: a constant, and one split of feature 1 at 9.
    fn model() -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(7_u64.to_le_bytes());
        bytes.extend(0.5_f32.to_le_bytes());
        for word in [2_u16, 1, 1] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(0.0_f32.to_le_bytes());
        for word in [3_u16, 1, 2, 1] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.push(9);
        bytes.extend((-1_i16).to_le_bytes());
        bytes.extend((-2_i16).to_le_bytes());
        bytes.extend((-30.0_f32).to_le_bytes());
        bytes.extend(30.0_f32.to_le_bytes());
        bytes
    }

    #[test]
    fn a_split_sends_rows_left_and_right() {
        let model = Model::read(&model()).unwrap();
        assert_eq!((model.checksum, model.threshold), (7, 0.5));
        let rows: Vec<u8> = (0..100).flat_map(|row| [0, row % 20, 0]).collect();
        assert_eq!(model.stages[0].scores(&rows, 3), vec![0.5; 100]);
        for (row, score) in model.stages[1].scores(&rows, 3).into_iter().enumerate() {
            assert_eq!(score > 0.5, row % 20 > 9, "row {row}: {score}");
        }
    }

    #[test]
    fn broken_models_are_refused() {
        let bytes = model();
        for cut in 0..bytes.len() {
            assert!(Model::read(&bytes[..cut]).is_none(), "{cut}");
        }
        let split = bytes.len() - 8 - 7;
        for (at, byte) in [(0, b'X'), (split, 3), (split + 3, 0), (split + 5, 0xFD)] {
            let mut broken = bytes.clone();
            broken[at] = byte;
            if at == split + 3 {
                broken[at + 1] = 0;
            }
            assert!(Model::read(&broken).is_none(), "{at}");
        }
    }
}
