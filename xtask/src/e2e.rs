//! `cargo xtask e2e`: the scenarios of `tests/e2e` alone, with their progress.

use anyhow::{Result, bail};

use crate::command::{cargo, colour, succeed};
use crate::test;

/// Which scenarios, and how hard.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Makes the random choices of a run those of an earlier one
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Only scenarios with this in their name
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Leave the data directories and logs behind, and say where they are
    #[arg(long)]
    keep: bool,
    /// How often the kill loop kills
    #[arg(long, value_name = "N")]
    cycles: Option<u32>,
}

/// Runs them, one at a time.
pub(crate) fn run(options: &Options) -> Result<()> {
    test::build()?;
    if !test::nextest_is_here() {
        bail!("cargo-nextest is needed: `cargo install cargo-nextest --locked`");
    }
    // The whole workspace with a filter, not `-p server`: the same features, so nothing is built
    // twice.
    let mut filter = "package(server) & binary(e2e)".to_owned();
    if let Some(only) = &options.only {
        filter.push_str(&format!(" & test({only})"));
    }
    let mut run = cargo(&["nextest", "run", "--workspace", "--no-capture", "--color", colour()]);
    run.args(test::FEATURES).arg("-E");
    run.arg(filter);
    if let Some(seed) = options.seed {
        run.env("PAGEWIRE_E2E_SEED", seed.to_string());
    }
    if let Some(cycles) = options.cycles {
        run.env("PAGEWIRE_E2E_CYCLES", cycles.to_string());
    }
    if options.keep {
        run.env("PAGEWIRE_E2E_KEEP", "1");
    }
    succeed(run)
}
