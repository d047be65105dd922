use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Which way everything goes.
#[derive(Debug, Subcommand)]
pub(crate) enum Moving {
    /// Writes everything in the store of a data directory as lines of JSON: jobs, those in flight
    /// included, with their results and attempts, batches, schedules, sinks, keys, and the secret
    /// that signs. No server may run on it meanwhile. Whoever has the lines has the secret.
    Export(Export),
    /// Fills a new data directory with what `export` wrote. Cut short, it goes on where it was when
    /// it is run again with the same lines.
    Import(Import),
}

/// What is exported, and where to.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Directory of the sqlite store.
    #[arg(
        id = "from",
        long = "data-dir",
        env = "PAGEWIRE_DATA_DIR",
        value_name = "PATH",
        default_value = "./pagewire-data"
    )]
    pub(crate) dir: PathBuf,
    /// Write into this file, which nobody but you will be able to read, instead of standard output.
    /// One that is there is replaced once the export is whole.
    #[arg(id = "output", long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Say how much it was as a JSON object (on standard error).
    #[arg(id = "as_json", long = "json")]
    pub(crate) json: bool,
}

/// What is imported, and where to.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Directory of the sqlite store: made by this, or left by an import that was cut short.
    #[arg(
        id = "to",
        long = "data-dir",
        env = "PAGEWIRE_DATA_DIR",
        value_name = "PATH",
        default_value = "./pagewire-data"
    )]
    pub(crate) dir: PathBuf,
    /// Read this file instead of standard input.
    #[arg(id = "input", long = "file", short = 'f', value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Say how much it was as a JSON object (on standard output).
    #[arg(id = "as_json", long = "json")]
    pub(crate) json: bool,
}
