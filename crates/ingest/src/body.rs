use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderValue};
use http_body_util::BodyExt as _;

use crate::budget::{Budget, Reservation};
use crate::problem::{Fault, Kind, Problem};

/// What a refused caller waits when memory is short: bodies and results pass quickly.
const BUSY_RETRY_S: u64 = 1;

/// A request body with the memory it is charged for.
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    _held: Reservation,
}

/// Reads a body of at most `max` bytes within `time`. A body that says it is longer is refused
/// unread. What is left unread ends the connection, which the answer says.
pub(crate) async fn read(
    body: Body,
    max: u64,
    time: Duration,
    budget: &Arc<Budget>,
) -> Result<Received, Problem> {
    if body.size_hint().lower() > max {
        return Err(last_words(too_large(max)));
    }
    // The first poll finds most bodies complete; only then is no timer registered.
    let collected = tokio::time::timeout(time, collect(body, max, budget.reservation())).await;
    let collected = collected.unwrap_or_else(|_| {
        let detail = format!("the body did not arrive within {time:?}");
        Err(Problem::new(Kind::BodyTimeout, detail))
    });
    collected.map_err(last_words)
}

/// Says that no other request can follow (RFC 9112 §9.6).
fn last_words(problem: Problem) -> Problem {
    problem.with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

async fn collect(mut body: Body, max: u64, mut held: Reservation) -> Result<Received, Problem> {
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    let mut total = 0_u64;
    while let Some(frame) = body.frame().await {
        let cut = |_| Problem::new(Kind::Unreadable, "the body ended before it was complete");
        // Trailers mean nothing here.
        let Ok(data) = frame.map_err(cut)?.into_data() else {
            continue;
        };
        total += data.len() as u64;
        if total > max {
            return Err(too_large(max));
        }
        if !held.grow(data.len() as u64) {
            return Err(busy());
        }
        if first.is_empty() && joined.is_empty() {
            first = data;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&data);
        }
    }
    let bytes = if joined.is_empty() { first } else { joined.freeze() };
    Ok(Received { bytes, _held: held })
}

/// Whether a body is taken for JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typing {
    /// It must say so.
    Strict,
    /// It may also have no type, or the one curl gives to what `-d` sends. Not from a browser:
    /// a page of another site may send these types, but not `application/json`, unasked.
    AsTyped,
}

/// Checks that the body is not encoded.
pub(crate) fn check_coding(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get(header::CONTENT_ENCODING).is_none_or(|coding| coding == "identity") {
        return Ok(());
    }
    let fault = Fault::header(&header::CONTENT_ENCODING, "the body may not be encoded");
    Err(Problem::faulty(Kind::UnsupportedType, vec![fault])
        .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity")))
}

/// Checks the content type and coding.
pub(crate) fn check_type(headers: &HeaderMap, typing: Typing) -> Result<(), Problem> {
    check_coding(headers)?;
    let given = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let media = given.map(|value| value.split(|byte| *byte == b';').next().unwrap_or_default());
    let known = match media.map(<[u8]>::trim_ascii) {
        Some(media) if is_json(media) => given.is_none_or(is_utf8),
        Some(media) if media.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") => {
            typing == Typing::AsTyped && !from_browser(headers)
        }
        Some(_) => false,
        None => typing == Typing::AsTyped && !from_browser(headers),
    };
    if known {
        return Ok(());
    }
    let detail = "send JSON in UTF-8 with `Content-Type: application/json`";
    let fault = Fault::header(&header::CONTENT_TYPE, detail);
    Err(Problem::faulty(Kind::UnsupportedType, vec![fault])
        .with_header(header::ACCEPT, HeaderValue::from_static("application/json")))
}

fn is_json(media: &[u8]) -> bool {
    let media = media.to_ascii_lowercase();
    media == b"application/json"
        || (media.starts_with(b"application/") && media.ends_with(b"+json"))
}

/// Whether the charset parameter, if any, names UTF-8.
pub(crate) fn is_utf8(content_type: &[u8]) -> bool {
    content_type.split(|byte| *byte == b';').skip(1).all(|parameter| {
        let parameter = parameter.trim_ascii().to_ascii_lowercase();
        match parameter.strip_prefix(b"charset=") {
            Some(charset) => matches!(charset, b"utf-8" | b"\"utf-8\"" | b"utf8"),
            None => true,
        }
    })
}

/// Browsers send one of these with every request a page makes (Fetch §3.2, Fetch Metadata §2).
fn from_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site")
}

fn too_large(max: u64) -> Problem {
    Problem::new(Kind::TooLarge, format!("the body is larger than {max} bytes"))
}

/// Memory is short for the moment.
pub(crate) fn busy() -> Problem {
    Problem::new(Kind::Busy, "too many bodies and results are in memory").retry_after(BUSY_RETRY_S)
}
