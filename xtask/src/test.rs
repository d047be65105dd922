//! `cargo xtask test`: one step after the other, cheapest first, until one fails.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::clock;
use crate::command::{self, cargo, colour, output, succeed, succeed_keeping, works};
use crate::described;
use crate::migration;
use crate::official;
use crate::packages;

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run this step alone (repeat for more)
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
    /// Leave out the steps `official`, `described` and `client`, on a machine without Python, node
    /// or their registries
    #[arg(long)]
    without_official: bool,
}

/// The steps, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// The source is formatted
    Fmt,
    /// No lint fires anywhere
    Clippy,
    /// The documentation builds without a warning
    Docs,
    /// Everything builds
    Build,
    /// docs/CONFIGURATION.md is what the binary says of itself
    Config,
    /// The examples in the documentation hold
    Doctests,
    /// Signatures hold against the official Standard Webhooks libraries for Python and JavaScript
    Official,
    /// What the API answers is what docs/openapi.json says, by schemathesis
    Described,
    /// A client generated from docs/openapi.json works
    Client,
    /// Firecrawl's Python library and ScraperAPI's calls work with the binary
    Migration,
    /// Every test of every crate, end-to-end scenarios included
    Tests,
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether it installs what no package of the system has.
    fn needs_registries(self) -> bool {
        matches!(self, Self::Official | Self::Described | Self::Client | Self::Migration)
    }

    /// Does it; the lines to show again at the very end.
    fn run(self) -> Result<Vec<String>> {
        match self {
            Self::Fmt => succeed(cargo(&["fmt", "--all", "--check"]))
                .context("run `cargo fmt --all` and look at what changed")
                .map(|()| Vec::new()),
            Self::Clippy => succeed(cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--",
                "-D",
                "warnings",
            ]))
            .map(|()| Vec::new()),
            Self::Docs => {
                let mut doc = cargo(&["doc", "--no-deps", "--workspace"]);
                doc.env("RUSTDOCFLAGS", "-Dwarnings");
                succeed(doc).map(|()| Vec::new())
            }
            Self::Build => build().map(|()| Vec::new()),
            Self::Config => config_is_current().map(|()| Vec::new()),
            Self::Doctests => {
                // With the same features, so that nothing is built again.
                let mut test = cargo(&["test", "--doc", "--workspace"]);
                test.args(FEATURES);
                succeed(test).map(|()| Vec::new())
            }
            Self::Official => official::run().map(|()| Vec::new()),
            Self::Described => described::conforms().map(|()| Vec::new()),
            Self::Client => described::generates_a_client().map(|()| Vec::new()),
            Self::Migration => migration::run().map(|()| Vec::new()),
            Self::Tests => tests(),
        }
    }
}

/// Runs the steps, stopping at the first that fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    let steps: Vec<Step> = Step::value_variants()
        .iter()
        .copied()
        .filter(|step| options.only.is_empty() || options.only.contains(step))
        .filter(|step| !(options.without_official && step.needs_registries()))
        .collect();
    let mut took: Vec<(Step, Duration)> = Vec::new();
    let mut last_words = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        eprintln!("── [{}/{}] {} ──", i + 1, steps.len(), step.name());
        let started = clock::now();
        let said = step.run().with_context(|| {
            format!(
                "step `{0}` failed; run it alone with `cargo xtask test --only {0}`",
                step.name()
            )
        })?;
        took.push((*step, started.elapsed()));
        last_words.extend(said);
    }
    eprintln!("── all steps passed ──");
    for (step, time) in took {
        eprintln!("{:>10}  {:>7.1} s", step.name(), time.as_secs_f64());
    }
    if options.without_official {
        eprintln!(
            "left out as asked: official, described, client (neither our signatures nor our \
             description were checked by other libraries)"
        );
    }
    for line in last_words {
        eprintln!("{line}");
    }
    Ok(())
}

/// Every way out is tested, those that are not in a usual build too.
pub(crate) const FEATURES: [&str; 2] = ["--features", "server/nats,server/kafka"];

/// Builds everything once, with the features that the test run will ask for, including what the
/// tests start but no test target depends on (the fault shim).
pub(crate) fn build() -> Result<()> {
    let mut build = cargo(&["build", "--workspace", "--all-targets"]);
    build.args(FEATURES);
    succeed(build)
}

/// The generated page is what the binary would generate now.
fn config_is_current() -> Result<()> {
    const PAGE: &str = "docs/CONFIGURATION.md";
    build()?;
    let mut pagewire = Command::new(command::target_dir().join("debug/pagewire"));
    pagewire.args(["config", "--markdown"]);
    let said = output(pagewire)?;
    let kept =
        fs::read(command::root().join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    if said != kept {
        bail!(
            "{PAGE} is out of date; run `cargo run -q -- config --markdown > {PAGE}` and commit it"
        );
    }
    Ok(())
}

/// Every test, by nextest where it can be had.
fn tests() -> Result<Vec<String>> {
    packages::install()?;
    build()?;
    if nextest_is_here() {
        let mut run = cargo(&["nextest", "run", "--workspace", "--color", colour()]);
        run.args(FEATURES);
        return succeed_keeping(run, |line| line.trim_start().starts_with("Summary ["));
    }
    eprintln!(
        "xtask: cargo-nextest cannot be had; running `cargo test` instead, one test at a time, \
         because an end-to-end scenario needs the machine for itself"
    );
    let mut run = cargo(&["test", "--workspace", "--lib", "--bins", "--tests"]);
    run.args(FEATURES).env("RUST_TEST_THREADS", "1");
    succeed(run)
        .map(|()| vec!["tests passed by `cargo test` (cargo-nextest is missing)".to_owned()])
}

/// Whether nextest works, installing it when it does not.
pub(crate) fn nextest_is_here() -> bool {
    if works(cargo(&["nextest", "--version"])) {
        return true;
    }
    eprintln!("xtask: cargo-nextest is missing; installing it (once, some minutes)");
    if let Err(error) = succeed(cargo(&["install", "cargo-nextest", "--locked"])) {
        eprintln!("xtask: {error:#}");
    }
    works(cargo(&["nextest", "--version"]))
}
