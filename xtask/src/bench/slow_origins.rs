use std::time::Duration;

use anyhow::Result;

use super::report::Row;
use super::rig::{Rig, System};

const JOBS: u32 = 5_000;
const SIZE: u64 = 15_000;
const LATENCY_MS: u64 = 1_000;
/// Few jobs for each host, as in a crawl that is wide rather than deep.
const HOSTS: u32 = 500;
const WITHIN: Duration = Duration::from_secs(180);

/// Many jobs at once for origins that let one wait: how long until all are delivered (`drain`),
/// and what they cost in memory meanwhile.
pub(crate) fn run(rig: &Rig<'_>) -> Result<Vec<Row>> {
    let options = rig.options;
    let setup = options.setup(SIZE, LATENCY_MS, HOSTS);
    let load = options.load("slow-origins", JOBS, &setup, WITHIN);
    eprintln!("{}: starting", load.name);
    Ok(vec![rig.start(System::Pagewire, &setup)?.measure(&load)?.row])
}
