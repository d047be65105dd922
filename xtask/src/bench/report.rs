use std::fmt::Write;

use serde::Serialize;

use crate::units::grouped;

/// One run. Its JSON is the machine-readable result; absent values were not measured.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Row {
    /// The scenario and what was run in it.
    pub(crate) scenario: String,
    /// `pagewire` or `baseline`.
    pub(crate) system: &'static str,
    /// Jobs accepted.
    pub(crate) jobs: u64,
    /// Jobs delivered per second, from the first submission to the last delivery.
    pub(crate) jobs_per_s: f64,
    /// Submission to answer.
    pub(crate) accept_p50_ms: f64,
    /// Submission to answer.
    pub(crate) accept_p99_ms: f64,
    /// Submission to delivery.
    pub(crate) end_to_end_p50_ms: f64,
    /// Submission to delivery.
    pub(crate) end_to_end_p99_ms: f64,
    /// User and system time of the server process over the run, by accepted jobs.
    pub(crate) cpu_us_per_job: f64,
    /// That, by the baseline's of the same call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_ratio: Option<f64>,
    /// `VmHWM` of the server process.
    pub(crate) peak_rss_mb: f64,
    /// Submissions answered 429 or 503.
    pub(crate) refused: u64,
    /// Submissions that failed in any other way.
    pub(crate) errors: u64,
    /// Accepted jobs that never came to the sink.
    pub(crate) lost: u64,
    /// Deliveries beyond the first of their job.
    pub(crate) duplicates: u64,
    /// Jobs whose event told of a failure.
    pub(crate) failed: u64,
    /// From the last 202 to the last delivery.
    pub(crate) drain_ms: f64,
    /// What did not hold that the scenario is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) broken: Vec<String>,
    /// What this scenario measures besides.
    #[serde(flatten)]
    pub(crate) more: std::collections::BTreeMap<&'static str, f64>,
}

impl Row {
    /// What to call it when something is wrong with it.
    pub(crate) fn name(&self) -> &str {
        &self.scenario
    }
}

/// The middle one of these values, the upper one of two; 0 when there are none.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Rounds to one digit after the point: nothing here is measured better than that.
pub(crate) fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Milliseconds of a number of microseconds.
#[expect(clippy::cast_precision_loss, reason = "times are far below 2^52 µs")]
pub(crate) fn ms(us: u64) -> f64 {
    tenth(us as f64 / 1_000.0)
}

/// Megabytes (10^6) of a number of bytes.
#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52 bytes")]
pub(crate) fn mb(bytes: u64) -> f64 {
    tenth(bytes as f64 / 1_000_000.0)
}

/// The runs as one table for people.
pub(crate) fn table(rows: &[Row]) -> String {
    const HEADS: [&str; 15] = [
        "scenario",
        "jobs",
        "jobs/s",
        "accept p50",
        "p99 ms",
        "e2e p50",
        "p99 ms",
        "CPU µs/job",
        "ratio",
        "RSS MB",
        "refused",
        "failed",
        "lost",
        "dup",
        "drain s",
    ];
    let mut lines: Vec<Vec<String>> = vec![HEADS.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(cells));
    let widths: Vec<usize> = (0..HEADS.len())
        .map(|i| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for line in &lines {
        for (i, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width - cell.chars().count());
            // Words begin where their column begins, numbers end where it ends.
            let _ = if i == 0 { write!(out, "{cell}{pad}") } else { write!(out, "  {pad}{cell}") };
        }
        out.push('\n');
    }
    for row in rows.iter().filter(|row| !row.more.is_empty() || row.errors > 0) {
        let more: Vec<String> =
            row.more.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let _ = write!(out, "{}: {}", row.scenario, more.join(", "));
        if row.errors > 0 {
            let _ = write!(out, " errors {}", row.errors);
        }
        out.push('\n');
    }
    out
}

fn cells(row: &Row) -> Vec<String> {
    vec![
        row.scenario.clone(),
        grouped(row.jobs),
        format!("{:.0}", row.jobs_per_s),
        format!("{:.1}", row.accept_p50_ms),
        format!("{:.1}", row.accept_p99_ms),
        format!("{:.1}", row.end_to_end_p50_ms),
        format!("{:.1}", row.end_to_end_p99_ms),
        format!("{:.0}", row.cpu_us_per_job),
        row.cpu_ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
        format!("{:.0}", row.peak_rss_mb),
        grouped(row.refused),
        grouped(row.failed),
        grouped(row.lost),
        grouped(row.duplicates),
        format!("{:.2}", row.drain_ms / 1_000.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_extras_follow() {
        let mut row = Row { scenario: "pipeline µ".to_owned(), jobs: 20_000, ..Row::default() };
        row.more.insert("ready_ms", 12.5);
        let text = table(&[row]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0].chars().count(), lines[1].chars().count());
        assert_eq!(lines[2], "pipeline µ: ready_ms 12.5");
    }

    #[test]
    fn extras_are_fields_of_the_json() {
        let mut row = Row::default();
        row.more.insert("ready_ms", 12.5);
        let json = serde_json::to_value(&row).expect("it is plain data");
        assert_eq!(json["ready_ms"], 12.5);
        assert!(json.get("cpu_ratio").is_none());
    }
}
