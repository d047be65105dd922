//! Extraction alone: one core, no network. Beside trafilatura on the same pages in the same call,
//! and on pages that are made to be slow.

mod hostile;
mod ours;
mod pages;
mod peer;
mod score;

use std::path::Path;

use anyhow::{Context, Result, bail};

use self::ours::Ours;
use self::pages::{Page, Pages};
use super::Options;
use crate::command;

/// Input ten times as long may take this many times as long.
const MOST_TIMES: f64 = 12.0;
/// Memory of the largest pages: at most this many times the page.
const MOST_MEMORY: f64 = 8.0;
/// So many of the largest pages are looked at.
const LARGEST: usize = 10;
/// Shorter pages say nothing: the process's own needs are larger.
const LEAST_LARGE: u64 = 1_000_000;

/// What one system took for all pages.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
pub(super) struct Took {
    pub(super) pages: u64,
    pub(super) bytes: u64,
    pub(super) clock_us: u64,
    pub(super) cpu_us: u64,
    #[serde(default)]
    pub(super) peak_rss_bytes: u64,
}

/// Measures, prints, and fails where a bound does not hold.
pub(super) fn run(options: &Options, binary: &Path) -> Result<()> {
    let scratch = command::target_dir().join("bench-extract");
    std::fs::create_dir_all(&scratch)
        .with_context(|| format!("cannot make {}", scratch.display()))?;
    let ours = Ours::new(binary);
    let mut broken = Vec::new();
    if let Some(dir) = &options.pages {
        let pages = Pages::below(dir)?;
        if !options.no_baseline {
            speed(&ours, &pages, &scratch, options.rounds)?;
        }
        broken.extend(memory(&ours, &pages)?);
        if let Some(scorer) = &options.score {
            score::run(&ours, &pages, scorer, &scratch)?;
        }
    }
    broken.extend(hostile::run(&ours, &scratch, options.json)?);
    if !broken.is_empty() {
        bail!("out of bounds: {}", broken.join("; "));
    }
    Ok(())
}

/// Both systems over all pages, in turn.
fn speed(ours: &Ours, pages: &Pages, scratch: &Path, rounds: u32) -> Result<()> {
    let peer = peer::Peer::install(scratch)?;
    let mut ratios = Vec::new();
    println!(
        "{:<20} {:>8} {:>10} {:>8} {:>12}",
        "system", "pages", "pages/s", "MB/s", "CPU µs/page"
    );
    for _ in 0..rounds.max(1) {
        let mine = ours.all(&pages.list)?;
        let theirs = peer.all(&pages.list)?;
        line("pagewire", mine);
        line(peer::NAME, theirs);
        ratios.push(per_page(theirs) / per_page(mine).max(0.001));
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "ratio of CPU time per page, median of {}: {:.1}\n",
        ratios.len(),
        ratios[ratios.len() / 2]
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn per_page(took: Took) -> f64 {
    took.cpu_us as f64 / took.pages.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn line(name: &str, took: Took) {
    let each = per_page(took);
    let mb = took.bytes as f64 / took.cpu_us.max(1) as f64;
    println!("{name:<20} {:>8} {:>10.0} {mb:>8.1} {each:>12.0}", took.pages, 1e6 / each.max(0.001));
}

/// The largest pages, each in a process of its own.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn memory(ours: &Ours, pages: &Pages) -> Result<Option<String>> {
    let base = ours.one_line("<p>a page of next to nothing")?.peak_rss_bytes;
    let large: Vec<&Page> =
        pages.largest(LARGEST).into_iter().filter(|page| page.bytes >= LEAST_LARGE).collect();
    let mut most = 0.0_f64;
    println!("{:<40} {:>12} {:>12} {:>7}", "largest pages", "bytes", "over base", "times");
    for page in large {
        let peak = ours.all(std::slice::from_ref(page))?.peak_rss_bytes;
        let over = peak.saturating_sub(base);
        let times = over as f64 / page.bytes as f64;
        most = most.max(times);
        println!("{:<40} {:>12} {over:>12} {times:>7.1}", page.name(), page.bytes);
    }
    println!();
    Ok((most > MOST_MEMORY).then(|| format!("a page takes {most:.1} times its size in memory")))
}
