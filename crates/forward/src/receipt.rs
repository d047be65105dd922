use std::fmt;
use std::time::Duration;

use http::StatusCode;

/// Most of an answer or an error that a receipt keeps, in bytes.
pub const MAX_DETAIL_BYTES: usize = 1024;

/// What a sink's behaviour means for the delivery. Each is a decision, see
/// [`Schedule::next`](crate::Schedule::next).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// 2xx: the sink has it. Decided by the head; what becomes of the answer's body is no matter.
    Accepted,
    /// 408, 425, 429, 5xx, or no answer at all (name not found, no connection, TLS, timeout,
    /// reset, garbage): the sink may have it or not, and a later attempt may succeed.
    Retryable,
    /// Any other status, redirects included (they are not followed): the sink does not want it.
    Refused,
    /// 410: the sink is gone for good.
    Gone,
    /// The sink said, beside a status that is no 2xx, that it does not want to be asked again:
    /// with `pagewire-retry: never`, or with `upstash-nonretryable-error: true`.
    Declined,
    /// Nothing was sent: the address policy or the delivery itself forbids it, and trying again
    /// would not change that.
    Forbidden,
}

impl Answer {
    /// What a status code means by itself.
    pub fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            200..=299 => Self::Accepted,
            408 | 425 | 429 | 500..=599 => Self::Retryable,
            410 => Self::Gone,
            _ => Self::Refused,
        }
    }

    /// A stable lower-case word: `accepted`, `retryable`, `refused`, `gone`, `declined`,
    /// `forbidden`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Retryable => "retryable",
            Self::Refused => "refused",
            Self::Gone => "gone",
            Self::Declined => "declined",
            Self::Forbidden => "forbidden",
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of one attempt. `Display` gives one line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What it means.
    pub outcome: Answer,
    /// The sink's status code; `None` when there was no answer.
    pub status: Option<u16>,
    /// From the start of the attempt to its end; time in the queue is not part of it.
    pub duration: Duration,
    /// What the sink asked for with `Retry-After` when it did not accept, not capped:
    /// [`Schedule::next`](crate::Schedule::next) does that.
    pub retry_after: Option<Duration>,
    /// How long the sink wants nothing more at all: what is left of its `RateLimit` window when
    /// its quota is spent, whatever it answered. Not capped.
    pub pause: Option<Duration>,
    /// The beginning of the answer's body as text, control characters replaced, or the error:
    /// at most [`MAX_DETAIL_BYTES`]. The sink wrote it: do not trust it.
    pub detail: String,
}

impl Receipt {
    /// An attempt that got no answer.
    pub(crate) fn unanswered(outcome: Answer, duration: Duration, detail: &str) -> Self {
        let detail = excerpt(detail.as_bytes());
        Self { outcome, status: None, duration, retry_after: None, pause: None, detail }
    }

    /// A delivery that is not attempted because of what it is.
    pub(crate) fn forbidden(detail: &str) -> Self {
        Self::unanswered(Answer::Forbidden, Duration::ZERO, detail)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, self.detail.as_str()) {
            (Some(status), "") => write!(f, "{}: status {status}", self.outcome),
            (Some(status), detail) => write!(f, "{}: status {status}: {detail}", self.outcome),
            (None, detail) => write!(f, "{}: {detail}", self.outcome),
        }
    }
}

/// Foreign bytes as one line of text of at most [`MAX_DETAIL_BYTES`].
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(MAX_DETAIL_BYTES)];
    let mut text = String::with_capacity(head.len());
    for char in String::from_utf8_lossy(head).trim().chars() {
        let char = if char.is_control() { ' ' } else { char };
        if text.len() + char.len_utf8() > MAX_DETAIL_BYTES {
            break;
        }
        text.push(char);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        for (codes, answer) in [
            (&[200, 202, 204, 299][..], Answer::Accepted),
            (&[408, 425, 429, 500, 501, 503, 599], Answer::Retryable),
            (&[101, 301, 304, 307, 400, 401, 404, 409, 422, 451, 600, 999], Answer::Refused),
            (&[410], Answer::Gone),
        ] {
            for &code in codes {
                let status = StatusCode::from_u16(code).unwrap();
                assert_eq!(Answer::of_status(status), answer, "{code}");
            }
        }
    }

    #[test]
    fn an_excerpt_is_short_and_one_line_whatever_it_is_made_of() {
        assert_eq!(excerpt(b"  no\r\nthanks\0\x1b[31m \n"), "no  thanks  [31m");
        assert_eq!(excerpt(&vec![b'a'; 5000]).len(), MAX_DETAIL_BYTES);
        // Each bad byte becomes three: the cap holds for what is kept.
        assert!(excerpt(&[0xff; 1024]).len() <= MAX_DETAIL_BYTES);
        // Cut inside a character.
        let text = "ä".repeat(600);
        assert!(excerpt(format!("a{text}").as_bytes()).starts_with("aä"));
    }

    #[test]
    fn a_receipt_reads_as_one_line() {
        let mut receipt = Receipt::forbidden("the address is private");
        assert_eq!(receipt.to_string(), "forbidden: the address is private");
        receipt = Receipt { outcome: Answer::Retryable, status: Some(503), ..receipt };
        assert_eq!(receipt.to_string(), "retryable: status 503: the address is private");
    }
}
