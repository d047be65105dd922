use std::error::Error as StdError;
use std::io;

use crate::direct;
use crate::error::{Error, Kind};
use crate::fault::TlsFault;
use crate::policy::Refused;
use crate::resolver::{LookupError, LookupFailure};

/// Which part of the exchange failed; decides what a lost connection is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Up to and including the head of the answer.
    Head,
    /// The body of the answer.
    Body,
}

/// What a request was for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    /// For the message.
    pub(crate) host: &'a str,
    /// Whether TLS is spoken with it.
    pub(crate) https: bool,
    /// Whether a proxy stands before it.
    pub(crate) via: bool,
}

/// Makes an [`Error`] out of the client's, by the types in its chain of causes.
pub(crate) fn classify(error: Failed, phase: Phase, target: Target<'_>) -> Error {
    let verdict = judge(&error, phase, target);
    let doing = match phase {
        Phase::Head => "request to",
        Phase::Body => "answer of",
    };
    let message = format!("{doing} {} failed: {}", target.host, verdict.cause);
    Error::new(verdict.kind, message)
        .lasting(verdict.lasting)
        .with_tls_fault(verdict.tls_fault)
        .because(error.into_cause())
}

/// What the layers below say.
pub(crate) enum Failed {
    Direct(direct::Failure),
    /// Of a client for a proxy, or of a body.
    Reqwest(reqwest::Error),
}

impl From<direct::Failure> for Failed {
    fn from(failure: direct::Failure) -> Self {
        Self::Direct(failure)
    }
}

impl From<reqwest::Error> for Failed {
    fn from(error: reqwest::Error) -> Self {
        // Its display would have the whole URL.
        Self::Reqwest(error.without_url())
    }
}

impl Failed {
    fn cause(&self) -> &(dyn StdError + 'static) {
        match self {
            Self::Direct(failure) => failure,
            Self::Reqwest(error) => error,
        }
    }

    fn into_cause(self) -> Box<dyn StdError + Send + Sync> {
        match self {
            Self::Direct(failure) => failure.into(),
            Self::Reqwest(error) => error.into(),
        }
    }

    fn is_timeout(&self) -> bool {
        match self {
            Self::Direct(failure) => find::<direct::ConnectTimeout>(failure).is_some(),
            Self::Reqwest(error) => error.is_timeout(),
        }
    }

    /// Whether there was no connection.
    fn is_connect(&self) -> bool {
        match self {
            Self::Direct(failure) => failure.is_connect(),
            Self::Reqwest(error) => error.is_connect(),
        }
    }

    fn is_builder(&self) -> bool {
        matches!(self, Self::Reqwest(error) if error.is_builder())
    }
}

struct Verdict {
    kind: Kind,
    /// In words.
    cause: String,
    lasting: bool,
    tls_fault: Option<TlsFault>,
}

impl Verdict {
    fn passing(kind: Kind, cause: impl Into<String>) -> Self {
        Self { kind, cause: cause.into(), lasting: false, tls_fault: None }
    }

    fn lasting(kind: Kind, cause: impl Into<String>, lasting: bool) -> Self {
        Self { lasting, ..Self::passing(kind, cause) }
    }

    fn tls(fault: TlsFault, cause: &dyn StdError) -> Self {
        let cause = format!("{fault}: {cause}");
        Self { tls_fault: Some(fault), ..Self::lasting(Kind::Tls, cause, fault.is_lasting()) }
    }
}

fn judge(failed: &Failed, phase: Phase, target: Target<'_>) -> Verdict {
    let error = failed.cause();
    if let Some(refused) = find::<Refused>(error) {
        return Verdict::lasting(Kind::Refused, refused.to_string(), true);
    }
    if let Some(lookup) = find::<LookupError>(error) {
        let lasting = lookup.failure() == LookupFailure::NotFound;
        return Verdict::lasting(Kind::Dns, lookup.to_string(), lasting);
    }
    if failed.is_timeout() {
        return Verdict::passing(Kind::Timeout, "timed out");
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return match phase {
            Phase::Head => Verdict::tls(TlsFault::of(tls), tls),
            // A connection that was cut or tampered with, not a failed handshake.
            Phase::Body => Verdict::passing(Kind::Body, tls.to_string()),
        };
    }
    if let Some(direct::Failure::Interim) = find(error) {
        return Verdict::passing(Kind::Protocol, "too many interim answers");
    }
    let lost = if phase == Phase::Head { Kind::Connect } else { Kind::Body };
    if let Some(http) = find::<hyper::Error>(error) {
        if http.is_parse() {
            return Verdict::passing(Kind::Protocol, http.to_string());
        }
        if http.is_incomplete_message() {
            return Verdict::passing(lost, "the connection was closed early");
        }
    }
    if let Some(h2) = find::<h2::Error>(error).filter(|h2| !h2.is_io()) {
        // Found by us in what the server sent, or sent by the server to end the stream.
        let kind = if h2.is_library() { Kind::Protocol } else { lost };
        return Verdict::passing(kind, h2.to_string());
    }
    // The innermost: one that says no more than "other" is wrapped around it by some.
    if let Some(io) = chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last() {
        return match io.kind() {
            // What hyper makes of wrong chunking.
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput if !failed.is_connect() => {
                Verdict::passing(Kind::Protocol, io.to_string())
            }
            // There was a connection, or it would have been refused.
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
                if failed.is_connect() && target.https && !target.via =>
            {
                Verdict::tls(TlsFault::Handshake, io)
            }
            kind => Verdict::passing(lost, kind.to_string()),
        };
    }
    if failed.is_builder() {
        return Verdict::lasting(Kind::Invalid, "it cannot be sent", true);
    }
    Verdict::passing(lost, innermost(error))
}

/// The first `T` in the chain of causes.
pub(crate) fn find<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

/// The error and its causes. `io::Error::source` skips the error that it wraps, so that is asked
/// for by itself.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&cause| match cause.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => cause.source(),
    })
}
