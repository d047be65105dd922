use std::time::Duration;

use anyhow::Result;

use super::measure::Load;
use super::report::Row;
use super::rig::{Rig, Setup, System};

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
    let setup = Setup {
        size: options.size.unwrap_or(SIZE),
        latency_ms: options.latency_ms.unwrap_or(LATENCY_MS),
        hosts: options.hosts.unwrap_or(HOSTS),
        silent: 0,
        gate: 0,
        flags: Vec::new(),
    };
    let load = Load {
        name: "slow-origins".to_owned(),
        jobs: options.jobs.unwrap_or(JOBS),
        clients: options.clients(),
        rate: 0,
        formats: options.formats.first().cloned().unwrap_or_else(|| "raw".to_owned()),
        hosts: setup.hosts,
        due_in: None,
        within: WITHIN,
    };
    eprintln!("{}: starting", load.name);
    Ok(vec![rig.start(System::Pagewire, &setup)?.measure(&load)?.row])
}
