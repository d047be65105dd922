//! The subcommands that talk to a running server over its HTTP API, as any other client would; and
//! `listen`, a sink to try it with.
//!
//! Every command prints for people, or with `--json` one JSON object a line; what went wrong goes to
//! standard error, with `--json` as a problem document (RFC 9457). The exit code tells the kinds
//! apart: see [`EXIT_CODES`].

mod access;
mod acts;
mod backoff;
mod batches;
mod failure;
mod http;
mod job;
mod jobs;
mod keys;
mod lanes;
mod lines;
mod listen;
mod out;
mod problem;
mod query;
mod redrive;
mod schedules;
mod show;
mod sinks;
mod sse;
mod submit;
mod table;
mod tail;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use tokio::runtime::Builder;

pub use access::Access;
pub use acts::{Cancel, Redeliver, Refetch};
pub use batches::{Batch, Batches};
pub use job::Job;
pub use jobs::Jobs;
pub use keys::Keys;
pub use lanes::Lanes;
pub use listen::Listen;
pub use redrive::Redrive;
pub use schedules::Schedules;
pub use sinks::Sinks;
pub use submit::Submit;
pub use tail::Tail;

use crate::failure::{Failure, Result};
use crate::http::Client;
use crate::out::Out;

/// What the exit codes of these commands mean, for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 refused by the server, or something failed; 2 bad flag or input file; 3 there \
is no such job, sink, key, batch or schedule; 4 the server cannot be reached.";

/// What can be asked of a server.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Submits URLs: from the command line, or from a file with one URL or JSON job a line. What was
    /// interrupted goes on when the same command is run again.
    Submit(Box<With<Submit>>),
    /// Lists jobs, newest first.
    Jobs(With<Jobs>),
    /// Shows one job with its attempts; or its result.
    Job(With<Job>),
    /// Calls jobs off.
    Cancel(With<Cancel>),
    /// Sends the stored events of jobs that are over once more.
    Redeliver(With<Redeliver>),
    /// Starts jobs that are over again from their URLs.
    Refetch(With<Refetch>),
    /// Follows what happens, as it happens.
    Tail(With<Tail>),
    /// Takes up jobs whose events were not delivered (or others, by filter), and waits until that is
    /// done.
    Redrive(With<Redrive>),
    /// Lists batches, newest first.
    Batches(With<Batches>),
    /// Shows one batch with its counters.
    Batch(With<Batch>),
    /// Jobs that come again and again: lists, adds, changes and removes schedules.
    Schedules(Box<With<Schedules>>),
    /// Sinks that have names: lists, adds, changes, tests and removes them.
    Sinks(Box<With<Sinks>>),
    /// API keys: lists, creates and revokes them.
    Keys(With<Keys>),
    /// Shows what waits for which host and sink.
    Lanes(With<Lanes>),
    /// Runs a sink to try things with: prints what is delivered, and checks its signatures.
    Listen(Listen),
}

/// A command, and which server it talks to.
#[derive(Clone, Debug, Args)]
pub struct With<T: Args> {
    #[command(flatten)]
    what: T,
    #[command(flatten)]
    access: Access,
}

/// What a command works with.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) out: Out,
}

/// Runs a command to its end. What goes wrong is told on standard error.
#[must_use]
pub fn run(command: &Command) -> ExitCode {
    let out = Out::new(command.is_json());
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return out.tell(&Failure::Failed(format!("starting the runtime: {error}"))),
    };
    let ended = runtime.block_on(command.run(out));
    // Nothing that is left may hold up the end.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => out.tell(&failure),
    }
}

impl Command {
    /// The names of the commands.
    #[must_use]
    pub fn names() -> Vec<String> {
        let all = Self::augment_subcommands(clap::Command::new("all"));
        all.get_subcommands().map(|command| command.get_name().to_owned()).collect()
    }

    const fn access(&self) -> Option<&Access> {
        Some(match self {
            Self::Submit(with) => &with.access,
            Self::Jobs(with) => &with.access,
            Self::Job(with) => &with.access,
            Self::Cancel(with) => &with.access,
            Self::Redeliver(with) => &with.access,
            Self::Refetch(with) => &with.access,
            Self::Tail(with) => &with.access,
            Self::Redrive(with) => &with.access,
            Self::Batches(with) => &with.access,
            Self::Batch(with) => &with.access,
            Self::Schedules(with) => &with.access,
            Self::Sinks(with) => &with.access,
            Self::Keys(with) => &with.access,
            Self::Lanes(with) => &with.access,
            Self::Listen(_) => return None,
        })
    }

    const fn is_json(&self) -> bool {
        match (self, self.access()) {
            (Self::Listen(listen), _) => listen.json,
            (_, Some(access)) => access.json,
            (_, None) => false,
        }
    }

    async fn run(&self, out: Out) -> Result<()> {
        let context = match (self, self.access()) {
            (Self::Listen(listen), _) => return listen.run(out).await,
            (_, Some(access)) => Context { client: Client::new(access)?, out },
            (_, None) => return Ok(()),
        };
        let context = &context;
        match self {
            Self::Submit(with) => with.what.run(context).await,
            Self::Jobs(with) => with.what.run(context).await,
            Self::Job(with) => with.what.run(context).await,
            Self::Cancel(with) => with.what.run(context).await,
            Self::Redeliver(with) => with.what.run(context).await,
            Self::Refetch(with) => with.what.run(context).await,
            Self::Tail(with) => with.what.run(context).await,
            Self::Redrive(with) => with.what.run(context).await,
            Self::Batches(with) => with.what.run(context).await,
            Self::Batch(with) => with.what.run(context).await,
            Self::Schedules(with) => with.what.run(context).await,
            Self::Sinks(with) => with.what.run(context).await,
            Self::Keys(with) => with.what.run(context).await,
            Self::Lanes(with) => with.what.run(context).await,
            Self::Listen(listen) => listen.run(out).await,
        }
    }
}
