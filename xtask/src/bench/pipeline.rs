use std::time::Duration;

use anyhow::Result;

use super::measure::Load;
use super::report::Row;
use super::rig::{Rig, Setup, System};

const JOBS: u32 = 20_000;
const SIZE: u64 = 15_000;
const HOSTS: u32 = 16;
const WITHIN: Duration = Duration::from_secs(600);

/// The whole way as fast as it goes: the baseline, then each choice of formats, for some rounds.
pub(crate) fn run(rig: &Rig<'_>) -> Result<Vec<Row>> {
    let options = rig.options;
    let setup = options.setup(SIZE, 0, HOSTS);
    let formats = if options.formats.is_empty() {
        vec!["raw".to_owned(), "markdown".to_owned()]
    } else {
        options.formats.clone()
    };
    let mut rows = Vec::new();
    for _ in 0..options.rounds {
        if !options.no_baseline {
            rows.push(one(rig, System::Baseline, &setup, "raw")?);
        }
        for formats in &formats {
            rows.push(one(rig, System::Pagewire, &setup, formats)?);
        }
    }
    compare(&mut rows);
    Ok(rows)
}

fn one(rig: &Rig<'_>, system: System, setup: &Setup, formats: &str) -> Result<Row> {
    let name = match system {
        System::Baseline => "pipeline baseline".to_owned(),
        System::Pagewire => format!("pipeline {formats}"),
    };
    eprintln!("{name}: starting");
    let load = rig.options.load(name, JOBS, setup, WITHIN);
    let load = Load { formats: formats.to_owned(), ..load };
    Ok(rig.start(system, setup)?.measure(&load)?.row)
}

/// Puts each run's CPU time beside the baseline's: by medians, when there are several rounds.
pub(crate) fn compare(rows: &mut [Row]) {
    let of = |rows: &[Row], name: &str| {
        let mut cpu: Vec<f64> =
            rows.iter().filter(|row| row.scenario == name).map(|row| row.cpu_us_per_job).collect();
        cpu.sort_unstable_by(f64::total_cmp);
        cpu.get(cpu.len() / 2).copied()
    };
    let baseline = rows.iter().find(|row| row.system == System::Baseline.name());
    let Some(baseline) = baseline.and_then(|row| of(rows, &row.scenario)) else {
        return;
    };
    if baseline <= 0.0 {
        return;
    }
    for i in 0..rows.len() {
        let ours = of(rows, &rows[i].scenario).unwrap_or_default();
        rows[i].cpu_ratio = Some((ours / baseline * 100.0).round() / 100.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scenario: &str, system: &'static str, cpu: f64) -> Row {
        Row { scenario: scenario.to_owned(), system, cpu_us_per_job: cpu, ..Row::default() }
    }

    #[test]
    fn the_ratio_is_of_the_medians() {
        let mut rows = [
            row("b", "baseline", 100.0),
            row("b", "baseline", 110.0),
            row("b", "baseline", 900.0),
            row("r", "pagewire", 165.0),
            row("r", "pagewire", 10.0),
            row("r", "pagewire", 170.0),
        ];
        compare(&mut rows);
        assert_eq!(rows[0].cpu_ratio, Some(1.0));
        assert_eq!(rows[4].cpu_ratio, Some(1.5));
    }

    #[test]
    fn without_a_baseline_there_is_no_ratio() {
        let mut rows = [row("r", "pagewire", 165.0)];
        compare(&mut rows);
        assert_eq!(rows[0].cpu_ratio, None);
    }
}
