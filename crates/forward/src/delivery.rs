use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use url::Url;

use crate::secret::Secret;

/// The content type of events: `application/json`.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// One attempt to hand an event to its sink.
///
/// `Debug` leaves out what may be secret: headers, the URL but its host, and the body.
#[derive(Clone)]
pub struct Delivery {
    /// `webhook-id`: the identity of the event, the same at every attempt, by which a receiver
    /// recognises a repetition. 1 to 256 visible ASCII characters without a full stop.
    pub id: String,
    /// Where to POST. Credentials in it become `Authorization: Basic`.
    pub sink: Url,
    /// Whether the operator named this sink. Only then, and only when its host and port are those
    /// of a URL in [`Config::trusted`](crate::Config::trusted), may it be on a private address.
    pub trusted: bool,
    /// Headers of the sink's owner. Each name has to pass [`check_header_name`];
    /// `content-type`, `user-agent` and `authorization` replace the default ones.
    pub headers: HeaderMap,
    /// The event, sent byte for byte. Never copied: attempts share it.
    pub body: Bytes,
    /// The body's content type, usually [`JSON`].
    pub content_type: HeaderValue,
    /// Who signs: at least one; several while a secret is being rotated.
    pub secrets: Vec<Secret>,
    /// One attempt's time instead of [`Config::timeout`](crate::Config::timeout).
    pub timeout: Option<Duration>,
    /// Whether the body is sent with `content-encoding: gzip` when that makes it smaller. Signed
    /// is what a receiver's application sees once its server has undone that: the body as it is
    /// here.
    pub gzip: bool,
    /// Set when it may travel with others to the same sink.
    pub batch: Option<Batch>,
    /// The wall clock when `deliver` is called, in seconds since the Unix epoch. Time spent in
    /// the queue is added before it is signed, so that receivers see the time of the POST.
    pub timestamp_s: i64,
}

/// How deliveries travel together: those of one key are sent as one POST of
/// `application/x-ndjson`, a line each, in the order in which they were handed over. Each gets the
/// receipt of the POST.
///
/// The POST's `webhook-id` is `batch_` and a hash of the ids in it, so the same events, sent again
/// in the same order, have the same; `pagewire-batch-size` tells how many there are. One event that
/// stays alone is sent in the same way. Where a batch goes, and its headers, secrets, timeout and
/// gzip are those of its first delivery; one for another sink begins a new batch. Bodies are JSON:
/// an end of line in one becomes a space.
///
/// What waits for company holds no place of [`Config::concurrency`](crate::Config::concurrency).
/// When there is too much of it (256 keys, 16 MiB), the oldest batches are sent as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Which belong together: one sink with one set of headers and secrets.
    pub key: Arc<str>,
    /// Sent as soon as there are so many; at least 1.
    pub max_events: usize,
    /// Sent as soon as they have so many bytes, and before they have more; a single event may.
    pub max_bytes: usize,
    /// Sent as soon as the first has waited for so long.
    pub max_wait: Duration,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("sink_host", &self.sink.host_str())
            .field("trusted", &self.trusted)
            .field("body_bytes", &self.body.len())
            .field("timestamp_s", &self.timestamp_s)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Delivery {
    /// One that can be sent, for tests to change.
    pub(crate) fn sample() -> Self {
        Self {
            id: "evt_1".into(),
            sink: Url::parse("https://sink.example/").expect("it is one"),
            trusted: false,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"{}"),
            content_type: JSON,
            secrets: vec![Secret::generate()],
            timeout: None,
            gzip: false,
            batch: None,
            timestamp_s: 0,
        }
    }
}

/// Whether a header of this name may be set by who submits a job. The case does not matter.
///
/// # Errors
/// Refused are names that are not one (RFC 9110, section 5.1), `webhook-…`, `host`,
/// `content-length` and the hop-by-hop headers (RFC 9110, section 7.6.1).
pub fn check_header_name(name: &str) -> Result<(), ForbiddenHeader> {
    let reason = if name.is_empty() || !name.bytes().all(is_token) {
        Reason::NotAName
    } else if starts_with(name, "webhook-") {
        Reason::Webhook
    } else if FRAMING.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        Reason::Framing
    } else if HOP_BY_HOP.iter().any(|hop| name.eq_ignore_ascii_case(hop)) {
        Reason::HopByHop
    } else {
        return Ok(());
    };
    Err(ForbiddenHeader { name: shown(name), reason })
}

/// Headers that the client writes itself; another value would desynchronise the connection or
/// reach a host other than the one that was checked.
const FRAMING: [&str; 2] = ["host", "content-length"];

/// Headers that speak to the next hop (RFC 9110, section 7.6.1; RFC 2616, section 13.5.1).
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
];

/// Longest header name repeated in an error, in characters.
const SHOWN_CHARS: usize = 64;

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

fn shown(name: &str) -> String {
    name.chars().take(SHOWN_CHARS).flat_map(char::escape_debug).collect()
}

/// A header that a job may not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header `{name}` cannot be set: {reason}")]
pub struct ForbiddenHeader {
    name: String,
    reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("it is not a header name")]
    NotAName,
    #[error("`webhook-` headers belong to the signature")]
    Webhook,
    #[error("the client writes it")]
    Framing,
    #[error("it concerns a single connection, not the receiver")]
    HopByHop,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_no_secrets() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Bearer hush"));
        let delivery = Delivery {
            sink: "https://me:hush@sink.example/hush?hush".parse().unwrap(),
            headers,
            body: Bytes::from_static(b"hush"),
            ..Delivery::sample()
        };
        let shown = format!("{delivery:?}");
        assert!(shown.contains("evt_1") && !shown.contains("hush"), "{shown}");
    }

    #[test]
    fn ordinary_headers_pass() {
        for name in ["authorization", "X-Tenant", "content-type", "webhook", "x-webhook-id", "tea"]
        {
            assert_eq!(check_header_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn the_signature_the_framing_and_the_connection_are_ours() {
        for name in [
            "webhook-id",
            "Webhook-Signature",
            "WEBHOOK-anything",
            "Host",
            "content-length",
            "Connection",
            "TE",
            "Transfer-Encoding",
            "Proxy-Authorization",
            "upgrade",
        ] {
            let error = check_header_name(name).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn what_is_not_a_name_is_refused_and_shown_escaped_and_short() {
        for name in ["", "a b", "a:b", "naïve", "x\r\nhost", "\0"] {
            let error = check_header_name(name).unwrap_err();
            assert_eq!(error.reason, Reason::NotAName, "{name:?}");
            assert!(!error.to_string().contains(['\r', '\n', '\0']));
        }
        let long = check_header_name(&" ".repeat(10_000)).unwrap_err();
        assert!(long.to_string().len() < 200);
    }
}
