use std::error::Error as StdError;
use std::fmt;

/// What a caller can do about a failure to start or to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A value in the [`Config`](crate::Config) cannot be used: change it.
    Config,
    /// There is no tokio runtime here: call from inside one.
    NoRuntime,
    /// The HTTP client could not be built.
    Client,
    /// A defect in this crate; deliveries that were waiting got a retryable receipt.
    Internal,
}

/// A forwarder's failure. The failure of a delivery is not one: it is a
/// [`Receipt`](crate::Receipt).
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    context: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    #[must_use]
    pub(crate) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What a caller can decide by.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later without anything being changed: never so far.
    pub const fn is_transient(&self) -> bool {
        false
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
