//! What a sync costs the disk itself, without anything of ours before it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::measure::micros;
use crate::clock;
use crate::tool::percentile;

/// What is written before each sync, in turn: the store's log gets a few pages of 4 KiB for the
/// submissions that share a sync.
const WRITES: [usize; 3] = [4 << 10, 8 << 10, 16 << 10];
/// Syncs of one probe.
const SYNCS: usize = 3_000;
/// A slow disk gets fewer.
const WITHIN: Duration = Duration::from_secs(20);

/// How long syncs took, sorted, in microseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Syncs(Vec<u64>);

impl Syncs {
    /// Appends to a new file in `dir`, one write and one `fdatasync` after the other, as the store's
    /// log is written; only the syncs and their writes are timed.
    pub(crate) fn probe(dir: &Path) -> Result<Self> {
        let path = dir.join("probe");
        let times = append(&path).with_context(|| format!("cannot probe {}", dir.display()));
        // It may not have been made.
        let _ = std::fs::remove_file(&path);
        let mut times = times?;
        times.sort_unstable();
        Ok(Self(times))
    }

    /// Both together.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.0.extend(&other.0);
        self.0.sort_unstable();
        self
    }

    /// The time that so many of a hundred took at most.
    pub(crate) fn percentile_us(&self, percent: usize) -> u64 {
        percentile(&self.0, percent)
    }

    /// The slowest.
    pub(crate) fn max_us(&self) -> u64 {
        self.0.last().copied().unwrap_or_default()
    }
}

fn append(path: &Path) -> Result<Vec<u64>> {
    let mut file = File::create(path)?;
    let page = vec![0x5a; WRITES[WRITES.len() - 1]];
    let began = clock::now();
    let mut times = Vec::with_capacity(SYNCS);
    for bytes in WRITES.iter().cycle().take(SYNCS) {
        let asked = clock::now();
        file.write_all(&page[..*bytes])?;
        file.sync_data()?;
        times.push(micros(asked.elapsed()));
        if began.elapsed() > WITHIN {
            break;
        }
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_probes_are_taken_together() {
        let both = Syncs(vec![1, 3]).and(&Syncs(vec![2, 9]));
        assert_eq!((both.percentile_us(50), both.percentile_us(99), both.max_us()), (2, 9, 9));
    }

    #[test]
    fn a_probe_leaves_nothing_behind() {
        let dir = tempfile::tempdir().expect("there is room");
        let syncs = Syncs::probe(dir.path()).expect("it can be written");
        assert!(syncs.max_us() >= syncs.percentile_us(50));
        assert_eq!(std::fs::read_dir(dir.path()).expect("it is there").count(), 0);
    }
}
