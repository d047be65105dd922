use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Why a request is refused. Each has one status, one `type` URI and one word in the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The body cannot be read as JSON.
    Unreadable,
    /// A query parameter or header field is wrong.
    BadRequest,
    /// No key, or none that is known.
    Unauthorized,
    /// There is no such thing.
    NotFound,
    /// The thing does not understand the method.
    MethodNotAllowed,
    /// The body took too long.
    BodyTimeout,
    /// The job's state does not allow it.
    Conflict,
    /// The body is too big.
    TooLarge,
    /// The body is of another type, or encoded.
    UnsupportedType,
    /// Readable, but not a job that can be accepted.
    Invalid,
    /// Readable, but not a sink, or not a change of one, that can be accepted.
    InvalidSink,
    /// The idempotency key is in use for another body.
    KeyReused,
    /// What came first with the same idempotency key is still being done.
    KeyBusy,
    /// The queue is at its bound.
    QueueFull,
    /// The disk is full.
    NoSpace,
    /// The store does not work.
    Unavailable,
    /// Too many bytes in memory.
    Busy,
    /// Our fault.
    Internal,
    /// A link that opens nothing.
    Forbidden,
    /// No part of what there is was asked for.
    NoSuchRange,
    /// Readable, but not what can be done.
    InvalidRequest,
    /// As many of these are under way as may be.
    TooMany,
    /// The key is good for something else.
    MissingScope,
    /// The key has submitted as many jobs as it may.
    LimitReached,
    /// Another site's page makes its reader's browser ask.
    CrossSite,
    /// The request is for a name that is not this server's.
    Misdirected,
}

impl Kind {
    pub(crate) const ALL: [Self; 26] = [
        Self::Unreadable,
        Self::BadRequest,
        Self::Unauthorized,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::BodyTimeout,
        Self::Conflict,
        Self::TooLarge,
        Self::UnsupportedType,
        Self::Invalid,
        Self::InvalidSink,
        Self::KeyReused,
        Self::KeyBusy,
        Self::QueueFull,
        Self::NoSpace,
        Self::Unavailable,
        Self::Busy,
        Self::Internal,
        Self::Forbidden,
        Self::NoSuchRange,
        Self::InvalidRequest,
        Self::TooMany,
        Self::MissingScope,
        Self::LimitReached,
        Self::CrossSite,
        Self::Misdirected,
    ];

    /// Its status, the last part of its `type` URI, and its title.
    pub(crate) const fn facts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unreadable => (StatusCode::BAD_REQUEST, "unreadable-body", "Unreadable body"),
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad-request", "Bad request"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "API key required"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed")
            }
            Self::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "body-timeout", "Body too slow"),
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "Not possible in this state"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "Body too large"),
            Self::UnsupportedType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Unsupported media type",
            ),
            Self::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-job", "Invalid job"),
            Self::InvalidSink => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-sink", "Invalid sink"),
            Self::KeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "Idempotency key in use for another body",
            ),
            Self::KeyBusy => (
                StatusCode::CONFLICT,
                "idempotency-key-busy",
                "First request with this key still under way",
            ),
            Self::QueueFull => (StatusCode::SERVICE_UNAVAILABLE, "queue-full", "Queue full"),
            Self::NoSpace => (StatusCode::SERVICE_UNAVAILABLE, "no-space", "Disk full"),
            Self::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", "Store unavailable")
            }
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Server busy"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Link not valid"),
            Self::NoSuchRange => {
                (StatusCode::RANGE_NOT_SATISFIABLE, "range-not-satisfiable", "No such range")
            }
            Self::InvalidRequest => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid-request", "Invalid request")
            }
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many at once"),
            Self::MissingScope => (StatusCode::FORBIDDEN, "missing-scope", "Scope missing"),
            Self::LimitReached => {
                (StatusCode::TOO_MANY_REQUESTS, "limit-reached", "Rate or quota used up")
            }
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross-site", "From another site"),
            Self::Misdirected => {
                (StatusCode::MISDIRECTED_REQUEST, "misdirected", "Not this server's name")
            }
        }
    }

    /// One word for metrics, the last part of the `type` URI.
    pub(crate) const fn slug(self) -> &'static str {
        self.facts().1
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    #[serde(flatten)]
    place: Place,
    detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    /// A JSON Pointer into the body (RFC 6901).
    Pointer(String),
    /// A query parameter.
    Parameter(String),
    /// A header field.
    Header(String),
}

/// Longest text of ours that quotes a caller's; hostile input is not worth echoing whole.
const MAX_TEXT: usize = 512;

impl Fault {
    pub(crate) fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { place: Place::Pointer(clipped(pointer.into())), detail: clipped(detail.into()) }
    }

    pub(crate) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self { place: Place::Parameter(clipped(name.to_owned())), detail: clipped(detail.into()) }
    }

    pub(crate) fn header(name: &HeaderName, detail: impl Into<String>) -> Self {
        Self { place: Place::Header(name.as_str().to_owned()), detail: clipped(detail.into()) }
    }

    /// Whether it is at this place in the body.
    pub(crate) fn is_at(&self, pointer: &str) -> bool {
        matches!(&self.place, Place::Pointer(at) if at == pointer)
    }

    /// The same in a body that has this one's at `base`.
    pub(crate) fn below(self, base: &str) -> Self {
        match self.place {
            Place::Pointer(at) => Self::at(format!("{base}{at}"), self.detail),
            Place::Parameter(_) | Place::Header(_) => self,
        }
    }

    /// As one line about a file, in which the body stands at `base`.
    pub(crate) fn in_file(&self, base: &str) -> String {
        let place = match &self.place {
            Place::Pointer(at) => at.replace('/', ".").replace("~1", "/").replace("~0", "~"),
            Place::Parameter(at) | Place::Header(at) => format!(".{at}"),
        };
        format!("{base}{place}: {}", self.detail)
    }

    /// Its place, a JSON Pointer or the name of a parameter or header field; and what is wrong.
    pub(crate) fn parts(&self) -> (&str, &str) {
        match &self.place {
            Place::Pointer(at) | Place::Parameter(at) | Place::Header(at) => (at, &self.detail),
        }
    }

    fn summary(&self) -> String {
        match &self.place {
            Place::Pointer(at) if at.is_empty() => self.detail.clone(),
            Place::Pointer(at) | Place::Parameter(at) | Place::Header(at) => {
                format!("{at}: {}", self.detail)
            }
        }
    }
}

/// Cuts a text at [`MAX_TEXT`] bytes, at a character's edge.
fn clipped(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        text.push('…');
    }
    text
}

/// An answer that refuses, as RFC 9457 problem details.
#[derive(Debug)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    detail: String,
    faults: Vec<Fault>,
    headers: HeaderMap,
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let detail = clipped(detail.into());
        Self(Box::new(Inner { kind, detail, faults: Vec::new(), headers: HeaderMap::new() }))
    }

    /// Refused for these faults, of which there is at least one.
    pub(crate) fn faulty(kind: Kind, faults: Vec<Fault>) -> Self {
        let detail = match faults.as_slice() {
            [only] => only.summary(),
            [first, rest @ ..] => format!("{} (and {} more)", first.summary(), rest.len()),
            [] => String::new(),
        };
        let mut problem = Self::new(kind, detail);
        problem.0.faults = faults;
        problem
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Says when to come back (RFC 9110 §10.2.3).
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Writes it as a part of another answer: without `instance`, which a whole answer has.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let Inner { kind, detail, faults, .. } = &*self.0;
        let (status, slug, title) = kind.facts();
        let body = Body {
            r#type: format!("urn:pagewire:problem:{slug}"),
            title,
            status: status.as_u16(),
            detail,
            instance: None,
            errors: faults,
        };
        serde_json::to_writer(out, &body).expect("strings and numbers always serialise");
    }

    /// When to come back, in seconds, if that was said.
    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        self.0.headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()
    }

    /// What is wrong, in one sentence.
    pub(crate) fn into_detail(self) -> String {
        self.0.detail
    }

    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The status it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        self.0.kind.facts().0
    }

    /// What is wrong, for people.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Whether the same may be accepted later.
    pub(crate) fn is_transient(&self) -> bool {
        let (status, ..) = self.0.kind.facts();
        status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
    }

    /// The same of a body that has this one's at `base`.
    pub(crate) fn below(self, base: &str) -> Self {
        if self.0.faults.is_empty() {
            return self;
        }
        let Inner { kind, faults, headers, .. } = *self.0;
        let faults = faults.into_iter().map(|fault| fault.below(base)).collect();
        let mut problem = Self::faulty(kind, faults);
        problem.0.headers = headers;
        problem
    }

    /// Header fields that go with the answer.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// What is wrong, and where; empty when the whole is.
    pub(crate) fn into_faults(self) -> Vec<Fault> {
        self.0.faults
    }
}

/// Why a request was refused (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Body<'a> {
    /// A URI that names the kind of problem; programs go by this.
    #[schema(example = "urn:pagewire:problem:invalid-job")]
    r#type: String,
    /// The same for people.
    title: &'a str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong this time, for people.
    detail: &'a str,
    /// Names this very refusal, in the server's log too.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// Everything that is wrong, where that can be told.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<Fault>)]
    errors: &'a [Fault],
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Inner { kind, detail, faults, headers } = *self.0;
        let (status, slug, title) = kind.facts();
        // The instance is in the log too, so that a caller's report can be matched with it.
        let instance = format!("urn:uuid:{}", Uuid::now_v7());
        tracing::debug!(%instance, status = status.as_u16(), reason = slug, detail, "refused");
        let body = Body {
            r#type: format!("urn:pagewire:problem:{slug}"),
            title,
            status: status.as_u16(),
            detail: &detail,
            instance: Some(instance),
            errors: &faults,
        };
        let body = serde_json::to_vec(&body).expect("strings and numbers always serialise");
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        let media = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, media);
        response
    }
}
