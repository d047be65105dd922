use crate::problem::Problem;

/// What a command ends with.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Why a command could not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A flag, or an input file, makes no sense.
    Usage(String),
    /// The server said no.
    Refused(Box<Problem>),
    /// There is no such thing, as far as can be told.
    Unknown(String),
    /// There was no answer.
    Unreachable(String),
    /// Anything else.
    Failed(String),
    /// The connection broke while an answer was read: what was said so far holds.
    Broken(String),
    /// All has been said already; this is the exit code.
    Told(u8),
    /// Nobody reads what is printed: they have seen enough.
    Closed,
}

/// Refused, or failed.
pub(crate) const FAILED: u8 = 1;
/// A bad flag or input file; the same as the flag parser's.
const USAGE: u8 = 2;
/// There is no such thing.
const NOT_FOUND: u8 = 3;
/// The server cannot be reached.
const UNREACHABLE: u8 = 4;

impl Failure {
    /// The exit code of the process.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Usage(_) => USAGE,
            Self::Refused(problem) if problem.is_not_found() => NOT_FOUND,
            Self::Unknown(_) => NOT_FOUND,
            Self::Refused(_) | Self::Failed(_) => FAILED,
            Self::Unreachable(_) | Self::Broken(_) => UNREACHABLE,
            Self::Told(code) => *code,
        }
    }

    /// For people; `None` when there is nothing to add.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Usage(text)
            | Self::Failed(text)
            | Self::Unknown(text)
            | Self::Unreachable(text)
            | Self::Broken(text) => Some(text.clone()),
            Self::Refused(problem) => Some(problem.message()),
            Self::Told(_) | Self::Closed => None,
        }
    }

    /// As a problem document on one line; `None` when there is nothing to add.
    pub(crate) fn document(&self) -> Option<String> {
        let (kind, title, detail) = match self {
            Self::Refused(problem) => return Some(problem.document()),
            Self::Told(_) | Self::Closed => return None,
            Self::Usage(detail) => ("usage", "Bad flag or input", detail),
            Self::Unknown(detail) => ("not-found", "Not found", detail),
            Self::Failed(detail) => ("failed", "Failed", detail),
            Self::Unreachable(detail) => ("unreachable", "Server unreachable", detail),
            Self::Broken(detail) => ("connection-lost", "Connection lost", detail),
        };
        let kind = format!("urn:pagewire:problem:{kind}");
        Some(serde_json::json!({"type": kind, "title": title, "detail": detail}).to_string())
    }
}
