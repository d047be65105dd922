//! Pagewire: POST a URL; the page comes back to you as a signed webhook.

mod byte_size;
mod check;
mod cli;
mod descriptors;
mod doctor;
mod event;
mod exit;
mod get;
mod host_limit;
mod logs;
mod manual;
mod metrics;
mod moving;
mod object;
mod open;
mod pace;
mod page_json;
mod reference;
mod retention;
mod run;
mod secret;
mod shutdown;
mod span;
mod stages;
mod tls;
mod verify;
mod welcome;

use std::process::ExitCode;

/// Faster than the system's with many threads, and gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let (cli, matches) = cli::Cli::from_process();
    let ended = match &cli.command {
        Some(cli::Command::Config { markdown }) => {
            reference::print(&cli.options, &matches, *markdown)
        }
        Some(cli::Command::Get(get)) => get::run(get, &cli.options),
        Some(cli::Command::Verify(flags)) => verify::run(flags, &cli.options),
        Some(cli::Command::Doctor { json }) => return doctor::run(&cli.options, *json),
        Some(cli::Command::Store(command)) => moving::run(command),
        Some(cli::Command::Client(command)) => return client::run(command),
        Some(cli::Command::Completions { shell }) => {
            manual::completions(*shell);
            Ok(())
        }
        Some(cli::Command::Man { command, out }) => manual::print(command, out.as_deref()),
        None => run::serve(&cli.options),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            welcome::complain(&failure);
            failure.into()
        }
    }
}
