//! What was received, out of files and flags.

use std::fs::File;
use std::io::{Read, stdin};

use flate2::read::MultiGzDecoder;
use forward::WEBHOOK_ID;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::cli;

/// Files, standard input and what is compressed in them are read up to here.
const MOST_BYTES: u64 = 1 << 30;
/// What gzip begins with (RFC 1952, section 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A delivery as it came.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) headers: HeaderMap,
    /// Decompressed.
    pub(super) body: Vec<u8>,
    /// How long it was before that, if it was compressed.
    pub(super) packed_bytes: Option<usize>,
}

impl Received {
    /// Reads what the flags name.
    pub(super) fn read(flags: &cli::Verify) -> Result<Self, String> {
        let (mut headers, body) = match &flags.body {
            Some(body) => {
                if body == "-" && flags.headers.as_deref() == Some("-") {
                    return Err("--body and --headers cannot both be standard input".to_owned());
                }
                let head = match &flags.headers {
                    Some(path) => parse_head(&read("--headers", path)?)?,
                    None => HeaderMap::new(),
                };
                (head, read("--body", body)?)
            }
            None => split(&read("", flags.request.as_deref().unwrap_or("-"))?)?,
        };
        for given in &flags.header {
            let (name, value) = field(given.as_bytes())
                .ok_or_else(|| format!("--header: expected `name: value`, not {given:?}"))?;
            headers.append(name, value);
        }
        Self::new(headers, body)
    }

    /// What came so, its content coding undone.
    pub(super) fn new(headers: HeaderMap, body: Vec<u8>) -> Result<Self, String> {
        let says_gzip = headers.get(CONTENT_ENCODING).is_some_and(|coding| {
            let coding = coding.as_bytes();
            coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip")
        });
        // A server may have undone it already and left the header.
        if !says_gzip || !body.starts_with(&GZIP_MAGIC) {
            return Ok(Self { headers, body, packed_bytes: None });
        }
        let mut plain = Vec::new();
        let unpacked = MultiGzDecoder::new(&body[..]).take(MOST_BYTES + 1).read_to_end(&mut plain);
        unpacked.map_err(|error| format!("the body is said to be gzip, and is not: {error}"))?;
        bounded(&plain, "the body, decompressed,")?;
        Ok(Self { headers, body: plain, packed_bytes: Some(body.len()) })
    }

    /// Its `webhook-id`, if that is text.
    pub(super) fn id(&self) -> &str {
        self.headers.get(WEBHOOK_ID).and_then(|id| id.to_str().ok()).unwrap_or_default()
    }
}

fn read(flag: &str, path: &str) -> Result<Vec<u8>, String> {
    let name = if path == "-" { "standard input" } else { path };
    let named = |what: &dyn std::fmt::Display| format!("{flag} {name}: {what}").trim().to_owned();
    let mut bytes = Vec::new();
    let read = if path == "-" {
        stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| named(&error))?;
    bounded(&bytes, name)?;
    Ok(bytes)
}

fn bounded(bytes: &[u8], name: &str) -> Result<(), String> {
    match bytes.len() as u64 {
        0..=MOST_BYTES => Ok(()),
        _ => Err(format!("{name} is longer than {MOST_BYTES} bytes")),
    }
}

/// The head and the body of a request.
pub(super) fn split(request: &[u8]) -> Result<(HeaderMap, Vec<u8>), String> {
    let mut end = 0;
    for line in request.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if line.trim_ascii().is_empty() {
            return Ok((parse_head(&request[..end])?, request[end..].to_vec()));
        }
    }
    Err("there is no empty line between the headers and the body; if they are in two files, give \
         them by --headers and --body"
        .to_owned())
}

/// The header lines up to an empty one.
pub(super) fn parse_head(text: &[u8]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        // `curl -v` marks them so.
        let line = line.strip_prefix(b"> ").or(line.strip_prefix(b"< ")).unwrap_or(line);
        let line = line.trim_ascii();
        if line.is_empty() || line == b">" || line == b"<" {
            break;
        }
        match field(line) {
            Some((name, value)) => {
                headers.append(name, value);
            }
            None if at == 0 && begins_message(line) => {}
            None => {
                let shown = String::from_utf8_lossy(&line[..line.len().min(60)]);
                return Err(format!(
                    "line {} of the headers is not `name: value`: {shown:?}",
                    at + 1
                ));
            }
        }
    }
    Ok(headers)
}

/// Whether it is a request line or a status line (RFC 9112, sections 3 and 4).
fn begins_message(line: &[u8]) -> bool {
    let version = |word: &[u8]| word.starts_with(b"HTTP/");
    version(line) || line.rsplit(|byte| *byte == b' ').next().is_some_and(version)
}

fn field(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    Some((name, value))
}
