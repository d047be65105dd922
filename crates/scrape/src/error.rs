//! Why there is no page.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use egress::TlsFault;
use http::StatusCode;

/// What went wrong, as far as a caller's decision depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The name could not be resolved.
    Dns,
    /// No connection.
    Connect,
    /// The TLS handshake failed; the code is that of [`egress::TlsFault`].
    Tls,
    /// The time was over, or the body came too slowly (code `too_slow`).
    Timeout,
    /// The final answer is not 2xx.
    Status,
    /// The answer was cut short, is not HTTP, or is none to the question: a part (206) or the news
    /// that nothing changed (304) where neither was asked for, an upgrade.
    Body,
    /// The address policy forbids the target, or the URL is unfit.
    Blocked,
    /// The site's robots.txt disallows the page, or one that it redirects to.
    Robots,
    /// The site's robots.txt cannot be had (an error of the server, 429, too late, not HTTP), so
    /// nothing may be fetched (RFC 9309, section 2.3.1.4). Where there is no connection to the site
    /// at all that is what is said instead.
    RobotsUnreachable,
    /// The site's robots.txt asks for a longer time between two fetches than the caller keeps
    /// ([`Error::crawl_delay`]): nothing of the page was fetched.
    Paced,
    /// Too many redirects, or one that leads nowhere.
    Redirect,
    /// The body is larger than the request allows.
    TooLarge,
    /// The content coding is unknown or broken.
    Decode,
    /// This program had no memory or thread to spare for too long: nothing is wrong with the site.
    Busy,
    /// A fault of this program.
    Internal,
}

impl Kind {
    /// A stable name in lower snake case.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Status => "status",
            Self::Body => "body",
            Self::Blocked => "blocked",
            Self::Robots => "robots_disallowed",
            Self::RobotsUnreachable => "robots_unreachable",
            Self::Paced => "paced",
            Self::Redirect => "redirect",
            Self::TooLarge => "too_large",
            Self::Decode => "decode",
            Self::Busy => "busy",
            Self::Internal => "internal",
        }
    }
}

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no page.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    code: &'static str,
    transient: bool,
    context: Cow<'static, str>,
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    crawl_delay: Option<Duration>,
    /// It came after a redirect to another origin.
    elsewhere: bool,
    source: Option<Source>,
}

impl Error {
    pub(crate) fn new(kind: Kind, context: impl Into<Cow<'static, str>>) -> Self {
        let transient = match kind {
            Kind::Dns | Kind::Connect | Kind::Tls | Kind::Timeout | Kind::Body => true,
            Kind::RobotsUnreachable | Kind::Paced | Kind::Busy | Kind::Internal => true,
            Kind::Status | Kind::Blocked | Kind::Robots | Kind::Redirect => false,
            Kind::TooLarge | Kind::Decode => false,
        };
        Self {
            kind,
            code: kind.code(),
            transient,
            context: context.into(),
            status: None,
            retry_after: None,
            crawl_delay: None,
            elsewhere: false,
            source: None,
        }
    }

    /// Says whether it came after a redirect to another origin.
    #[must_use]
    pub(crate) fn elsewhere(self, elsewhere: bool) -> Self {
        Self { elsewhere, ..self }
    }

    /// Whether the request's own origin is what it is about, and not one that was redirected to.
    #[must_use]
    pub fn is_of_first_origin(&self) -> bool {
        !self.elsewhere
    }

    /// Adds the cause, to the message too.
    pub(crate) fn with_source(mut self, source: impl Into<Source>) -> Self {
        let source = source.into();
        self.context = format!("{}: {source}", self.context).into();
        self.source = Some(source);
        self
    }

    /// A final answer that is not 2xx. 408, 425, 429 and 5xx may change by themselves.
    pub(crate) fn status_answer(status: StatusCode, retry_after: Option<Duration>) -> Self {
        let transient = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
        let context = match status.canonical_reason() {
            Some(reason) => format!("the site answered {} {reason}", status.as_u16()),
            None => format!("the site answered {}", status.as_u16()),
        };
        let status = Some(status);
        Self { transient, status, retry_after, ..Self::new(Kind::Status, context) }
    }

    pub(crate) fn too_large(max_bytes: u64) -> Self {
        Self::new(Kind::TooLarge, format!("the body is larger than {max_bytes} bytes"))
    }

    pub(crate) fn too_slow(min_rate: u64) -> Self {
        let context = format!("the body comes at less than {min_rate} bytes per second");
        Self { code: "too_slow", ..Self::new(Kind::Timeout, context) }
    }

    /// Adds the answer that it is about.
    pub(crate) fn answered(self, status: StatusCode, retry_after: Option<Duration>) -> Self {
        Self { status: Some(status), retry_after, ..self }
    }

    /// Adds what the site asks to be kept between two fetches.
    pub(crate) fn with_crawl_delay(self, crawl_delay: Option<Duration>) -> Self {
        Self { crawl_delay, ..self }
    }

    /// The same for somebody else, without its source; `for_another` is how long it will be told
    /// again.
    pub(crate) fn again(&self, for_another: Duration) -> Self {
        let Self { kind, code, transient, status, crawl_delay, .. } = *self;
        let is_kept = kind == Kind::RobotsUnreachable;
        let retry_after = if is_kept { Some(for_another) } else { self.retry_after };
        let retry_after = retry_after.filter(|wait| !wait.is_zero());
        let context = self.context.clone();
        Self { code, transient, status, retry_after, crawl_delay, ..Self::new(kind, context) }
    }

    pub(crate) fn paced(asked: Duration, kept: Duration) -> Self {
        let (asked_s, kept_s) = (asked.as_secs_f64(), kept.as_secs_f64());
        let context = format!(
            "the site's robots.txt asks for {asked_s} s between two fetches, and {kept_s} s are kept"
        );
        Self::new(Kind::Paced, context)
    }

    pub(crate) fn busy() -> Self {
        Self::new(Kind::Busy, "no memory or thread to spare for this page")
    }

    /// What went wrong, as far as a caller's decision depends on it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A stable name in lower snake case: the kind's, or one that says more.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The final answer's status, for [`Kind::Status`]; that of robots.txt, if it had one, for
    /// [`Kind::RobotsUnreachable`].
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status.map(|status| status.as_u16())
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.transient
    }

    /// How long the site asks to be left alone (RFC 9110, section 10.2.3), not capped. For
    /// [`Kind::RobotsUnreachable`]: in how long robots.txt is asked for again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The `crawl-delay` of the first hop's origin, at most ten minutes, where it was learned.
    #[must_use]
    pub fn crawl_delay(&self) -> Option<Duration> {
        self.crawl_delay
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<egress::Error> for Error {
    fn from(error: egress::Error) -> Self {
        let kind = match error.kind() {
            egress::Kind::Refused | egress::Kind::Invalid => Kind::Blocked,
            egress::Kind::Dns => Kind::Dns,
            egress::Kind::Connect => Kind::Connect,
            egress::Kind::Tls => Kind::Tls,
            egress::Kind::Timeout => Kind::Timeout,
            egress::Kind::Protocol | egress::Kind::Body => Kind::Body,
        };
        let (transient, context) = (error.is_transient(), error.to_string());
        let code = error.tls_fault().map_or(kind.code(), TlsFault::code);
        Self { code, transient, source: Some(error.into()), ..Self::new(kind, context) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_statuses_that_may_change_are_transient() {
        let transient = |code: u16| {
            Error::status_answer(StatusCode::from_u16(code).unwrap(), None).is_transient()
        };
        for code in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert!(transient(code), "{code}");
        }
        for code in [301, 304, 400, 401, 403, 404, 410, 451] {
            assert!(!transient(code), "{code}");
        }
    }

    #[test]
    fn a_message_names_status_and_reason() {
        let error = Error::status_answer(StatusCode::NOT_FOUND, None);
        assert_eq!(error.to_string(), "the site answered 404 Not Found");
        assert_eq!((error.status(), error.code()), (Some(404), "status"));
    }
}
