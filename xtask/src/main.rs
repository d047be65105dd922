//! `cargo xtask`: everything a developer or CI runs on this workspace.
//!
//! Links no crate of the product: the binary is driven from outside, like a user would.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

mod bench;
mod clock;
mod command;
mod described;
mod e2e;
mod migration;
mod official;
mod packages;
mod test;
mod tool;
mod units;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run everything that must hold: format, lints, documents, doctests, every test
    Test(test::Options),
    /// What CI runs: the same as `test`
    Ci(test::Options),
    /// Run the end-to-end scenarios against the real binary
    E2e(e2e::Options),
    /// Measure the release binary against real processes, and the baseline beside it
    Bench(bench::Options),
    /// The processes that the benchmark starts
    #[command(subcommand, hide = true)]
    Internal(tool::Tool),
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Test(options) | Task::Ci(options) => test::run(&options),
        Task::E2e(options) => e2e::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Internal(tool) => tool::run(tool),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
