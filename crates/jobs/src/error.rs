use std::error::Error as StdError;
use std::fmt;

/// What a caller can do about a store's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The disk is full; nothing was recorded. Space makes it work again, by itself.
    NoSpace,
    /// The store cannot be trusted or reached: stop acknowledging. The embedded store has to be
    /// reopened from disk.
    Unavailable,
    /// The store is closed.
    Closed,
    /// Another process has the data directory.
    InUse,
    /// The directory cannot be used: its path, its rights, or a newer version's format.
    Unusable,
    /// What is on disk is not what was written.
    Corrupt,
    /// The caller's mistake: an unknown stage.
    Invalid,
}

/// A store's failure.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure of `kind`, with what was being done.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    /// The answer to every call after [`crate::Store::close`].
    pub(crate) fn closed() -> Self {
        Self::new(ErrorKind::Closed, "the store is closed")
    }

    /// The same for another who waited for it.
    pub(crate) fn told_again(&self) -> Self {
        Self::new(self.kind, self.to_string())
    }

    /// The same, with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What a caller can decide by.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later without anybody restarting anything.
    pub const fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::NoSpace)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|s| s as _)
    }
}

/// A store's answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;
