use std::error::Error as StdError;
use std::fmt;

use crate::fault::TlsFault;

/// What a caller can do about a failed exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The policy forbids the target: the URL, what its host resolves to, or the address that was
    /// connected to.
    Refused,
    /// The host name could not be resolved.
    Dns,
    /// No connection, or it was lost before the head of the answer was there.
    Connect,
    /// The TLS handshake failed; [`Error::tls_fault`] says why.
    Tls,
    /// Nothing within the time given: to connect, to the head, or between two reads of the body.
    Timeout,
    /// What came is not HTTP: a garbled head, too many or too large headers, wrong chunking.
    Protocol,
    /// The body ended early.
    Body,
    /// The caller's mistake: a URL that cannot be sent, a bad configuration.
    Invalid,
}

/// A failed exchange.
///
/// The message has the host and the innermost cause, never a path, a query or credentials.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    transient: bool,
    tls_fault: Option<TlsFault>,
    context: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: Kind, context: impl Into<String>) -> Self {
        let transient = !matches!(kind, Kind::Refused | Kind::Invalid);
        Self { kind, transient, tls_fault: None, context: context.into(), source: None }
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn lasting(mut self, lasting: bool) -> Self {
        self.transient &= !lasting;
        self
    }

    pub(crate) const fn with_tls_fault(mut self, fault: Option<TlsFault>) -> Self {
        self.tls_fault = fault;
        self
    }

    /// What a caller can decide by.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What was wrong with the handshake, for [`Kind::Tls`].
    pub const fn tls_fault(&self) -> Option<TlsFault> {
        self.tls_fault
    }

    /// Whether the same request may succeed later. Not so for [`Kind::Refused`] and
    /// [`Kind::Invalid`], for a name that does not exist ([`Kind::Dns`]) and for a certificate
    /// that is not valid ([`Kind::Tls`]): those last until somebody changes something.
    pub const fn is_transient(&self) -> bool {
        self.transient
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

/// An exchange's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;
