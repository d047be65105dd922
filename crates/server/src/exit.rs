//! How the process ends.

use std::process::ExitCode;

use anyhow::Error;

/// Why the server could not go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The flags or the environment do not make sense.
    Usage(String),
    /// The store could not be opened, or failed for good.
    Storage(Error),
    /// Anything else: the port is taken, a part ended by itself.
    Runtime(Error),
}

/// A bad flag or environment variable; the same code as the flag parser's.
pub(crate) const USAGE: u8 = 2;
/// The store failed (`EX_IOERR` of sysexits.h).
pub(crate) const STORAGE: u8 = 74;
/// Anything else.
pub(crate) const RUNTIME: u8 = 1;

impl Failure {
    /// The process's exit code.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Storage(_) => STORAGE,
            Self::Runtime(_) => RUNTIME,
        }
    }

    /// One line for the operator: what was being done, and every cause below it.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Usage(message) => message.clone(),
            Self::Storage(error) | Self::Runtime(error) => format!("{error:#}"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Runtime(error)
    }
}

impl From<Failure> for ExitCode {
    fn from(failure: Failure) -> Self {
        Self::from(failure.code())
    }
}
