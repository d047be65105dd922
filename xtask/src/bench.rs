//! `cargo xtask bench`: the release binary between a real origin, a real sink and a load
//! generator, each a process of its own, and the baseline in the same call. And extraction alone.

mod accept;
mod batch;
mod delivery;
mod disk;
mod extract;
mod in_flight;
mod isolation;
mod large;
mod measure;
mod overload;
mod pipeline;
mod politeness;
mod process;
mod recovery;
mod report;
mod restart;
mod rig;
mod slow_origins;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::command::{self, cargo, succeed};
use crate::units::parse_size;
use measure::Load;
use report::Row;
use rig::{Rig, Setup};

/// What to measure. What is not given is what the scenario is about.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Scenarios to run
    #[arg(value_name = "SCENARIO", default_value = "all")]
    scenarios: Vec<Scenario>,
    /// Jobs of each run
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    jobs: Option<u32>,
    /// Connections that submit [default: 64; 512 in the overload scenario]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    clients: Option<u32>,
    /// Size of a page
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    size: Option<u64>,
    /// Time an origin takes before it answers, in milliseconds
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    latency_ms: Option<u64>,
    /// Loopback addresses that the origin is reached under: a host each
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=5_000))]
    hosts: Option<u32>,
    /// Formats to ask for, one run each; `text+links` asks for both in one run
    #[arg(long, value_name = "FORMATS", value_delimiter = ',')]
    formats: Vec<String>,
    /// How often the pipeline, delivery, isolation and accept scenarios are measured, with what they are
    /// compared to; what is compared are the medians
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// How long the overload lasts, in seconds
    #[arg(long, value_name = "S", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// What the binary is started with as --memory-budget where large pages are the point
    #[arg(long, value_name = "SIZE", default_value = "128MB", value_parser = parse_size)]
    memory_budget: u64,
    /// Where the pages of the extract scenario are: `SET/pages/*.html` with `SET/truth.json`, or any
    /// HTML files. Without it only its hostile pages are measured
    #[arg(long, value_name = "DIR")]
    pages: Option<PathBuf>,
    /// A scorer to run over what was extracted from --pages, as `FILE DIR ANSWERS`
    #[arg(long, value_name = "FILE", requires = "pages")]
    score: Option<PathBuf>,
    /// Leave the baseline out; in the extract scenario, the peer
    #[arg(long)]
    no_baseline: bool,
    /// A further argument for the binary (repeat for more), as in --server-arg=--cpu-threads=1
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    server_arg: Vec<String>,
    /// Print one line of JSON per run and no table
    #[arg(long)]
    json: bool,
    /// Measure this binary, of another version say, instead of building one
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// Use what is built already
    #[arg(long)]
    no_build: bool,
    /// Where data directories are made; has to be on a disk. Default: in the target directory
    #[arg(long, value_name = "PATH")]
    dir: Option<PathBuf>,
}

impl Options {
    /// Connections of a load that waits for its answers.
    fn clients(&self) -> u32 {
        self.clients.unwrap_or(64)
    }

    /// An origin of pages of `size` bytes under `hosts` addresses that answers after `latency_ms`,
    /// where nothing else was asked for.
    fn setup(&self, size: u64, latency_ms: u64, hosts: u32) -> Setup {
        Setup {
            size: self.size.unwrap_or(size),
            latency_ms: self.latency_ms.unwrap_or(latency_ms),
            hosts: self.hosts.unwrap_or(hosts),
            silent: 0,
            gate: 0,
            flags: Vec::new(),
        }
    }

    /// `jobs` for the hosts of `setup`, where nothing else was asked for, as fast as answers come.
    fn load(&self, name: impl Into<String>, jobs: u32, setup: &Setup, within: Duration) -> Load {
        Load {
            name: name.into(),
            jobs: self.jobs.unwrap_or(jobs),
            clients: self.clients(),
            rate: 0,
            formats: self.formats.first().cloned().unwrap_or_else(|| "raw".to_owned()),
            hosts: setup.hosts,
            due_in: None,
            within,
        }
    }

    fn wants(&self, scenario: Scenario) -> bool {
        self.scenarios.contains(&scenario) || self.scenarios.contains(&Scenario::All)
    }
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Throughput, times and CPU per job; beside the baseline
    Pipeline,
    /// Many jobs at once for origins that take a second each
    SlowOrigins,
    /// Twice as much as it can take
    Overload,
    /// Pages of 5 MB under a memory budget
    Large,
    /// Start with 100,000 jobs queued
    Restart,
    /// Whether hosts are asked as gently as was promised, restarts included
    Politeness,
    /// 10,000 fetches at once
    InFlight,
    /// What delivering costs the server, beside a bare POST
    Delivery,
    /// Whether a dead sink with 50,000 deliveries waiting is felt by another
    Isolation,
    /// How fast 20,000 waiting deliveries go out once their sink is back
    Recovery,
    /// Single submissions beside the disk's own syncs
    Accept,
    /// A million jobs in one upload, beside single submissions
    Batch,
    /// Extraction alone: beside a peer on --pages, and on hostile pages
    Extract,
    /// Each of them
    All,
}

/// Builds, measures, prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("the benchmark reads /proc and uses all of 127.0.0.0/8: it runs on Linux only");
    }
    if !options.no_build {
        build(options)?;
    }
    if options.wants(Scenario::Extract) {
        extract::run(options, &binary(options)).context("scenario `extract`")?;
        if options.scenarios == [Scenario::Extract] {
            return Ok(());
        }
    }
    let rig = Rig::new(options)?;
    let mut rows = Vec::new();
    for scenario in Scenario::value_variants() {
        if !options.wants(*scenario) {
            continue;
        }
        let name = scenario.to_possible_value();
        let name = name.as_ref().map_or("", |v| v.get_name());
        let result = match scenario {
            Scenario::Pipeline => pipeline::run(&rig),
            Scenario::SlowOrigins => slow_origins::run(&rig),
            Scenario::Overload => overload::run(&rig),
            Scenario::Large => large::run(&rig),
            Scenario::Restart => restart::run(&rig),
            Scenario::Politeness => politeness::run(&rig),
            Scenario::InFlight => in_flight::run(&rig),
            Scenario::Delivery => delivery::run(&rig),
            Scenario::Isolation => isolation::run(&rig),
            Scenario::Recovery => recovery::run(&rig),
            Scenario::Accept => accept::run(&rig),
            Scenario::Batch => batch::run(&rig),
            // Done already, and not a scenario of its own.
            Scenario::Extract | Scenario::All => Ok(Vec::new()),
        };
        for row in result.with_context(|| format!("scenario `{name}`"))? {
            println!("{}", serde_json::to_string(&row)?);
            rows.push(row);
        }
    }
    if !options.json {
        print!("\n{}", report::table(&rows));
    }
    let unkept: Vec<String> = rows
        .iter()
        .flat_map(|row| row.broken.iter().map(move |what| format!("{}: {what}", row.name())))
        .collect();
    if !unkept.is_empty() {
        bail!("not as it should be: {}", unkept.join("; "));
    }
    // The origin and the sink are in good health in every scenario: none of this may happen.
    let broken: Vec<&str> =
        rows.iter().filter(|row| row.lost + row.failed + row.errors > 0).map(Row::name).collect();
    if !broken.is_empty() {
        bail!("jobs were lost, or failed, or could not be submitted, in: {}", broken.join(", "));
    }
    Ok(())
}

/// The binary is built as users build it; the tools and the baseline with the same profile.
fn build(options: &Options) -> Result<()> {
    if options.binary.is_none() {
        succeed(cargo(&["build", "--release", "-p", "server"]))?;
    }
    if options.scenarios == [Scenario::Extract] {
        return Ok(());
    }
    succeed(cargo(&["build", "--release", "-p", "xtask", "--features", "baseline"]))
}

/// The binary that is measured.
fn binary(options: &Options) -> PathBuf {
    options.binary.clone().unwrap_or_else(|| release_dir().join("pagewire"))
}

/// Where the built binaries are.
fn release_dir() -> PathBuf {
    command::target_dir().join("release")
}
