//! Header fields and cookies that a job brings along.

use std::collections::HashSet;

use http::{HeaderName, HeaderValue};

use crate::parse::push;
use crate::problem::Fault;
use crate::submission::Pairs;

/// Most header fields, or cookies, of one request.
const MAX_FIELDS: usize = 64;
/// Most bytes of their names and values.
const MAX_FIELD_BYTES: usize = 16 << 10;

/// Fields that belong to the connection (RFC 9110 §7.6.1) or to the client that makes the request.
const CONNECTION: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whose request the fields go into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The fetch.
    Fetch,
    /// The delivery, whose body and signature are ours.
    Sink,
}

impl Owner {
    fn refuses(self, name: &str) -> Option<&'static str> {
        if CONNECTION.contains(&name) {
            return Some("belongs to the connection and cannot be set");
        }
        match self {
            Self::Sink if name.starts_with("webhook-") => {
                Some("names that start with `webhook-` are kept for the signature")
            }
            Self::Sink if name == "content-type" || name == "content-encoding" => {
                Some("is set by what is sent")
            }
            Self::Sink | Self::Fetch => None,
        }
    }
}

/// Checks header fields; names come back in lower case, in the order given.
pub(crate) fn headers(
    given: Pairs<'_>,
    owner: Owner,
    base: &str,
    faults: &mut Vec<Fault>,
) -> Vec<(String, String)> {
    let Pairs(given) = given;
    if !within_bounds(&given, base, faults) {
        return Vec::new();
    }
    let mut seen = HashSet::with_capacity(given.len());
    let mut kept = Vec::with_capacity(given.len());
    for (name, value) in given {
        match header(&name, &value, owner, &mut seen) {
            Ok(field) => kept.push(field),
            Err(detail) => faults.push(Fault::at(below(base, &name), detail)),
        }
    }
    kept
}

fn header(
    name: &str,
    value: &str,
    owner: Owner,
    seen: &mut HashSet<HeaderName>,
) -> Result<(String, String), &'static str> {
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| "not a header field name (a token of RFC 9110 §5.6.2)")?;
    if let Some(reason) = owner.refuses(name.as_str()) {
        return Err(reason);
    }
    // `HeaderValue` alone lets bytes above ASCII pass, which mean nothing certain (RFC 9110 §5.5).
    if !value.is_ascii() || HeaderValue::from_str(value).is_err() {
        return Err("the value may hold visible ASCII, spaces and tabs only");
    }
    if value.trim_matches([' ', '\t']).len() != value.len() {
        return Err("the value may not start or end with white space");
    }
    let text = name.as_str().to_owned();
    if seen.insert(name) { Ok((text, value.to_owned())) } else { Err("given twice") }
}

/// Checks cookies and makes one `cookie` value of them (RFC 6265 §4.2.1).
pub(crate) fn cookies(given: Pairs<'_>, faults: &mut Vec<Fault>) -> Option<String> {
    const BASE: &str = "/cookies";
    let Pairs(given) = given;
    if !within_bounds(&given, BASE, faults) {
        return None;
    }
    let mut line = String::new();
    for (name, value) in &given {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            faults.push(Fault::at(below(BASE, name), "not a cookie name (RFC 6265 §4.1.1)"));
        } else if !value.bytes().all(is_cookie_octet) {
            faults.push(Fault::at(below(BASE, name), "not a cookie value (RFC 6265 §4.1.1)"));
        } else {
            if !line.is_empty() {
                line.push_str("; ");
            }
            line.push_str(name);
            line.push('=');
            line.push_str(value);
        }
    }
    (!line.is_empty()).then_some(line)
}

const fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !matches!(byte, b',' | b';' | b'\\')
}

fn within_bounds<S: AsRef<str>>(given: &[(S, S)], base: &str, faults: &mut Vec<Fault>) -> bool {
    let bytes: usize = given.iter().map(|(n, v)| n.as_ref().len() + v.as_ref().len()).sum();
    if given.len() > MAX_FIELDS {
        faults.push(Fault::at(base, format!("more than {MAX_FIELDS} of them")));
    } else if bytes > MAX_FIELD_BYTES {
        faults.push(Fault::at(base, format!("more than {MAX_FIELD_BYTES} bytes together")));
    } else {
        return true;
    }
    false
}

fn below(base: &str, name: &str) -> String {
    let mut pointer = base.to_owned();
    push(&mut pointer, name);
    pointer
}
