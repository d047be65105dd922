use crate::{Bounds, StageConfig};

/// What a store is made for.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The stages a job can wait in, at least one and at most 255.
    pub stages: Vec<StageConfig>,
    /// How much may wait.
    pub bounds: Bounds,
}
