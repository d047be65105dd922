//! The subcommands that talk to a running server over its HTTP API, as any other client would.

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Which server, and how to show what it says.
#[derive(Clone, Debug, Args)]
pub struct Access {
    /// The server to talk to.
    #[arg(
        long,
        env = "PAGEWIRE_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080",
        global = true
    )]
    pub server: String,
    /// The API key to send.
    #[arg(long, env = "PAGEWIRE_KEY", value_name = "KEY", hide_env_values = true, global = true)]
    pub key: Option<String>,
    /// Print what the server says as JSON, one object a line.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What can be asked of a server.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Lists jobs, newest first.
    Jobs(Jobs),
}

/// Which jobs.
#[derive(Clone, Debug, Args)]
pub struct Jobs {
    #[command(flatten)]
    access: Access,
}

/// Runs a subcommand to its end.
///
/// # Errors
/// What went wrong, for people.
pub fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Jobs(Jobs { access }) => anyhow::bail!("not built yet: {}", access.server),
    }
}
