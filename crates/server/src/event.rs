//! The body of a delivery: what a receiver is told of a job, as JSON.
//!
//! An event is built once, on the pool that extracted the page, stored as the job's result, and
//! sent byte for byte at every attempt. It is written straight into its buffer: a raw body is
//! encoded in place and the caller's metadata is copied as it came.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use ingest::JobSpec;
use jobs::{JobId, Timestamp};
use scrape::{Link, Page};
use serde::Serialize;

/// Room for the fields that every event has.
const FRAME_BYTES: usize = 2 * 1024;
/// What a link has besides its strings.
const LINK_FRAME_BYTES: usize = 24;
/// A buffer that has more than one part in this many to spare is copied into one that fits: the
/// whole buffer stays in memory with the event.
const SPARE_DIVISOR: usize = 8;

/// Which job an event tells of.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    /// The job.
    pub(crate) id: JobId,
    /// What was asked for.
    pub(crate) spec: &'a JobSpec,
    /// When the event happened.
    pub(crate) at: Timestamp,
}

/// What is known of the fetch besides the page.
#[derive(Clone, Copy)]
pub(crate) struct Fetch {
    /// Milliseconds from being accepted to the start of this attempt.
    pub(crate) queued_ms: u64,
    /// 1 for the first.
    pub(crate) attempt: u32,
}

/// Why a job failed for good.
pub(crate) struct Reason<'a> {
    /// A stable word, such as `timeout`.
    pub(crate) code: &'a str,
    /// For people.
    pub(crate) detail: &'a str,
    /// Whether the same might work another time.
    pub(crate) transient: bool,
    /// The origin's answer, when it gave one.
    pub(crate) status: Option<u16>,
}

/// What was made of a page is out of proportion to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge {
    /// How large it would be, in bytes of JSON.
    pub(crate) bytes: u64,
}

/// `job.succeeded`, with the page in the formats that were asked for.
///
/// # Errors
/// The page takes more than `most_bytes` in JSON, so nothing was built.
pub(crate) fn succeeded(
    about: About<'_>,
    fetch: Fetch,
    page: &Page,
    most_bytes: u64,
) -> Result<Bytes, TooLarge> {
    let size = size_of_page(page);
    if size as u64 > most_bytes {
        return Err(TooLarge { bytes: size as u64 });
    }
    let mut event = Object::event("job.succeeded", about, size);
    event.field("final_url", page.final_url.as_str());
    event.field("status", &page.status.as_u16());
    event.raw("headers", |out| headers(out, &page.headers));
    event.field("content_type", &page.content_type);
    event.field("charset", &page.charset);
    event.field("title", &page.title);
    event.optional("markdown", page.markdown.as_ref());
    event.optional("text", page.text.as_ref());
    event.optional("html", page.html.as_ref());
    event.optional("links", page.links.as_ref());
    event.optional("page", page.metadata.as_ref());
    if let Some(raw) = &page.raw {
        event.raw("raw_base64", |out| base64_string(out, raw));
    }
    event.field("bytes", &page.bytes);
    event.field("truncated", &page.truncated);
    event.field("redirects", &page.redirects);
    event.raw("timing", |out| {
        let mut timing = Object::open(out);
        timing.field("queued_ms", &fetch.queued_ms);
        timing.field("fetch_ms", &page.fetch.as_millis());
        timing.field("extract_ms", &page.extract.as_millis());
        timing.close();
    });
    event.field("attempt", &fetch.attempt);
    Ok(event.finish(about))
}

/// `job.failed`: the page could not be had.
pub(crate) fn failed(about: About<'_>, fetch: Fetch, reason: &Reason<'_>) -> Bytes {
    let mut event = Object::event("job.failed", about, reason.detail.len());
    event.optional("status", reason.status.as_ref());
    event.raw("error", |out| {
        let mut error = Object::open(out);
        error.field("code", reason.code);
        error.field("detail", reason.detail);
        error.field("transient", &reason.transient);
        error.close();
    });
    event.raw("timing", |out| {
        let mut timing = Object::open(out);
        timing.field("queued_ms", &fetch.queued_ms);
        timing.close();
    });
    event.field("attempt", &fetch.attempt);
    event.finish(about)
}

/// `job.cancelled`: the job was called off.
pub(crate) fn cancelled(about: About<'_>) -> Bytes {
    Object::event("job.cancelled", about, 0).finish(about)
}

/// A JSON object under construction, in a buffer it owns or borrows.
struct Object<B: std::borrow::BorrowMut<Vec<u8>>> {
    out: B,
    first: bool,
}

impl Object<Vec<u8>> {
    /// The envelope and the first fields of `data`, left open.
    fn event(kind: &str, about: About<'_>, content_bytes: usize) -> Self {
        let metadata_bytes = about.spec.metadata.as_ref().map_or(0, |m| m.get().len());
        let out = Vec::with_capacity(FRAME_BYTES + content_bytes + metadata_bytes);
        let mut object = Object { out, first: true };
        object.out.push(b'{');
        object.field("type", kind);
        object.field("timestamp", &rfc3339(about.at));
        object.key("data");
        object.out.push(b'{');
        object.first = true;
        object.field("id", &about.id.to_string());
        object.field("url", about.spec.url.as_str());
        object
    }

    /// Closes `data` and the envelope.
    fn finish(mut self, about: About<'_>) -> Bytes {
        let metadata = about.spec.metadata.as_ref();
        self.raw("metadata", |out| {
            out.extend_from_slice(metadata.map_or("{}", |m| m.get()).as_bytes());
        });
        self.out.extend_from_slice(b"}}");
        if self.out.capacity() - self.out.len() > self.out.len() / SPARE_DIVISOR {
            self.out.shrink_to_fit();
        }
        Bytes::from(self.out)
    }
}

impl<'a> Object<&'a mut Vec<u8>> {
    fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    fn close(self) {
        self.out.push(b'}');
    }
}

impl<B: std::borrow::BorrowMut<Vec<u8>>> Object<B> {
    fn key(&mut self, key: &str) {
        let out = self.out.borrow_mut();
        if !std::mem::take(&mut self.first) {
            out.push(b',');
        }
        json(out, key);
        out.push(b':');
    }

    fn raw(&mut self, key: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.key(key);
        write(self.out.borrow_mut());
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        self.raw(key, |out| json(out, value));
    }

    fn optional<T: Serialize + ?Sized>(&mut self, key: &str, value: Option<&T>) {
        if let Some(value) = value {
            self.field(key, value);
        }
    }
}

fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("a Vec takes every byte and the keys are strings");
}

/// Fields that came more than once are joined by a comma, as RFC 9110 §5.3 reads them; bytes
/// beyond ASCII are taken as Latin-1, as browsers do.
fn headers(out: &mut Vec<u8>, headers: &HeaderMap) {
    let mut object = Object::open(out);
    for name in headers.keys() {
        let mut joined = String::new();
        for value in headers.get_all(name) {
            if !joined.is_empty() {
                joined.push_str(", ");
            }
            joined.extend(value.as_bytes().iter().map(|byte| char::from(*byte)));
        }
        object.field(name.as_str(), &joined);
    }
    object.close();
}

fn base64_string(out: &mut Vec<u8>, raw: &[u8]) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + base64_bytes(raw.len()), 0);
    let written = STANDARD
        .encode_slice(raw, &mut out[start..])
        .expect("the room was measured for these bytes");
    out.truncate(start + written);
    out.push(b'"');
}

const fn base64_bytes(raw_bytes: usize) -> usize {
    raw_bytes.div_ceil(3) * 4
}

fn rfc3339(at: Timestamp) -> String {
    i64::try_from(at.as_millis())
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .unwrap_or(jiff::Timestamp::MAX)
        .to_string()
}

/// How long the page's forms are in JSON, so that the buffer does not grow with them.
fn size_of_page(page: &Page) -> usize {
    let texts = [&page.title, &page.markdown, &page.text, &page.html];
    let texts: usize = texts.into_iter().flatten().map(|text| quoted_bytes(text)).sum();
    let links: usize = page.links.iter().flatten().map(size_of_link).sum();
    texts + links + page.raw.as_ref().map_or(0, |raw| base64_bytes(raw.len()))
}

fn size_of_link(link: &Link) -> usize {
    let rel = link.rel.as_deref().map_or(0, |rel| LINK_FRAME_BYTES + quoted_bytes(rel));
    LINK_FRAME_BYTES + quoted_bytes(&link.url) + quoted_bytes(&link.text) + rel
}

/// How long `text` is as a JSON string.
fn quoted_bytes(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..=0x1f => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

#[cfg(test)]
mod tests;
