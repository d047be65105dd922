use std::error::Error as StdError;
use std::io;

use crate::error::{Error, Kind};
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

/// Makes an [`Error`] out of the client's, by the types in its chain of causes. `host` is for the
/// message.
pub(crate) fn classify(error: reqwest::Error, phase: Phase, host: &str) -> Error {
    // Its display would have the whole URL.
    let error = error.without_url();
    let (kind, cause, lasting) = judge(&error, phase);
    let doing = match phase {
        Phase::Head => "request to",
        Phase::Body => "answer of",
    };
    Error::new(kind, format!("{doing} {host} failed: {cause}")).lasting(lasting).because(error)
}

/// The kind, the cause in words, and whether it will last.
fn judge(error: &reqwest::Error, phase: Phase) -> (Kind, String, bool) {
    if let Some(refused) = find::<Refused>(error) {
        return (Kind::Refused, refused.to_string(), true);
    }
    if let Some(lookup) = find::<LookupError>(error) {
        return (Kind::Dns, lookup.to_string(), lookup.failure() == LookupFailure::NotFound);
    }
    if error.is_timeout() {
        return (Kind::Timeout, "timed out".to_owned(), false);
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        let lasting = matches!(tls, rustls::Error::InvalidCertificate(_));
        // In the body it is a connection that was cut or tampered with, not a failed handshake.
        let kind = if phase == Phase::Head { Kind::Tls } else { Kind::Body };
        return (kind, tls.to_string(), lasting);
    }
    let lost = if phase == Phase::Head { Kind::Connect } else { Kind::Body };
    if let Some(http) = find::<hyper::Error>(error) {
        if http.is_parse() {
            return (Kind::Protocol, http.to_string(), false);
        }
        if http.is_incomplete_message() {
            return (lost, "the connection was closed early".to_owned(), false);
        }
    }
    if let Some(io) = find::<io::Error>(error) {
        return match io.kind() {
            // What hyper makes of wrong chunking.
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput if !error.is_connect() => {
                (Kind::Protocol, io.to_string(), false)
            }
            kind => (lost, kind.to_string(), false),
        };
    }
    if error.is_builder() {
        return (Kind::Invalid, "it cannot be sent".to_owned(), true);
    }
    (lost, innermost(error), false)
}

/// The first `T` in the chain of causes.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
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
