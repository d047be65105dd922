use std::time::Duration;

use anyhow::Result;

use super::measure::Load;
use super::pipeline::compare;
use super::report::{Row, mb, tenth};
use super::rig::{Rig, Setup, System};

const JOBS: u32 = 500;
const SIZE: u64 = 5_000_000;
const HOSTS: u32 = 16;
const WITHIN: Duration = Duration::from_secs(600);

/// Large pages: memory has to stay near the budget, however many arrive.
pub(crate) fn run(rig: &Rig<'_>) -> Result<Vec<Row>> {
    let options = rig.options;
    let budget = options.memory_budget;
    let setup = Setup {
        flags: vec![("--memory-budget", budget.to_string())],
        ..options.setup(SIZE, 0, HOSTS)
    };
    let formats = if options.formats.is_empty() {
        vec!["raw".to_owned(), "markdown".to_owned()]
    } else {
        options.formats.clone()
    };
    let mut runs =
        vec![(System::Baseline, "baseline".to_owned()); usize::from(!options.no_baseline)];
    runs.extend(formats.into_iter().map(|formats| (System::Pagewire, formats)));
    let mut rows = Vec::new();
    for (system, formats) in runs {
        let load = options.load(format!("large {formats}"), JOBS, &setup, WITHIN);
        let load = Load { formats, ..load };
        eprintln!("{}: starting", load.name);
        let mut row = rig.start(system, &setup)?.measure(&load)?.row;
        if system == System::Pagewire {
            row.more.insert("memory_budget_mb", mb(budget));
            row.more.insert("rss_over_budget_mb", tenth(row.peak_rss_mb - mb(budget)));
        }
        rows.push(row);
    }
    compare(&mut rows);
    Ok(rows)
}
