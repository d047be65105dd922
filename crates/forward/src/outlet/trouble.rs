use crate::receipt::Answer;

/// Why an event was not taken. What the operator can mend (a full disk, a broker that is down, a
/// bucket that is not there) passes: the schedule leaves days for it. What lies in the event does
/// not.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) answer: Answer,
    /// The other side's, if it speaks HTTP.
    pub(super) status: Option<u16>,
    pub(super) what: String,
}

impl Trouble {
    /// Worth another try.
    pub(super) fn passing(what: impl Into<String>) -> Self {
        Self { answer: Answer::Retryable, status: None, what: what.into() }
    }

    /// The same event would fail again.
    pub(super) fn lasting(what: impl Into<String>) -> Self {
        Self { answer: Answer::Forbidden, status: None, what: what.into() }
    }
}
