//! The body of a delivery: what a receiver is told of a job, as JSON.
//!
//! An event is built once, on the pool that extracted the page, stored as the job's result, and
//! sent byte for byte at every attempt. It is written straight into its buffer: a raw body is
//! encoded in place and the caller's metadata is copied as it came.

mod alone;
mod brief;
mod cloud;
pub(crate) mod firecrawl;
mod light;
mod stored;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use ingest::JobSpec;
use jobs::{JobId, Timestamp};
use scrape::Response;
use serde::Deserialize;

pub(crate) use self::alone::{Alone, alone};
pub(crate) use self::brief::{Page, brief};
pub(crate) use self::cloud::cloud;
pub(crate) use self::light::{Link, light};
use self::stored::Members;
use crate::object::Object;
use crate::page_json;

/// Room for the fields that every event has.
const FRAME_BYTES: usize = 2 * 1024;
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

/// An earlier fetch whose page still counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Earlier {
    /// The job that fetched it.
    pub(crate) job: JobId,
    /// When it was last known to be the site's.
    pub(crate) seen: Timestamp,
    /// What tells that it still counts.
    pub(crate) by: Sign,
}

/// What tells that a page still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It is younger than the job asks for.
    Age,
    /// The site said so (304).
    Validators,
    /// What was made of the page now is what was made of it then.
    Content,
}

impl Sign {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Validators => "validators",
            Self::Content => "content",
        }
    }
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
    response: &Response,
    most_bytes: u64,
) -> Result<Bytes, TooLarge> {
    let size = size_of(response);
    if size as u64 > most_bytes {
        return Err(TooLarge { bytes: size as u64 });
    }
    let mut event = Event::open("job.succeeded", about, size);
    let data = &mut event.data;
    data.field("final_url", response.final_url.as_str());
    data.field("status", &response.status.as_u16());
    data.raw("headers", |out| headers(out, &response.headers));
    data.field("content_type", &response.content_type);
    page_json::write(data, &response.page);
    if let Some(raw) = &response.raw {
        data.raw("raw_base64", |out| base64_string(out, raw));
    }
    data.field("bytes", &response.bytes);
    data.field("redirects", &response.redirects);
    data.raw("timing", |out| {
        let mut timing = Object::open(out);
        timing.field("queued_ms", &fetch.queued_ms);
        timing.field("fetch_ms", &response.fetch.as_millis());
        timing.field("extract_ms", &response.extract.as_millis());
        timing.close();
    });
    data.field("attempt", &fetch.attempt);
    Ok(event.finish(about))
}

/// `job.failed`: the page could not be had.
pub(crate) fn failed(about: About<'_>, fetch: Fetch, reason: &Reason<'_>) -> Bytes {
    let mut event = Event::open("job.failed", about, reason.detail.len());
    let data = &mut event.data;
    data.optional("status", reason.status.as_ref());
    data.raw("error", |out| reason.write(out));
    fetch.write(data);
    event.finish(about)
}

/// `job.succeeded` once more, for another job: the page as `stored` has it. `None` when that is no
/// such event.
pub(crate) fn again(
    about: About<'_>,
    fetch: Fetch,
    stored: &[u8],
    earlier: Earlier,
) -> Option<Bytes> {
    let stored: Stored<'_> = serde_json::from_slice(stored).ok()?;
    if stored.kind != "job.succeeded" {
        return None;
    }
    let size = stored.data.0.iter().map(|(_, value)| value.get().len()).sum();
    let mut event = Event::open("job.succeeded", about, size);
    let data = &mut event.data;
    for (name, value) in &stored.data.0 {
        // These are of the job and of its own fetch, not of the page.
        if !matches!(&**name, "id" | "url" | "metadata" | "timing" | "attempt" | "cache") {
            data.raw(name, |out| out.extend_from_slice(value.get().as_bytes()));
        }
    }
    data.raw("cache", |out| earlier.write(out));
    fetch.write(data);
    Some(event.finish(about))
}

/// `job.unchanged`: the page is as the job that is named found it.
pub(crate) fn unchanged(about: About<'_>, fetch: Fetch, earlier: Earlier) -> Bytes {
    let mut event = Event::open("job.unchanged", about, 0);
    event.data.raw("unchanged", |out| earlier.write(out));
    fetch.write(&mut event.data);
    event.finish(about)
}

impl Reason<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut error = Object::open(out);
        error.field("code", self.code);
        error.field("detail", self.detail);
        error.field("transient", &self.transient);
        error.close();
    }
}

impl Earlier {
    fn write(self, out: &mut Vec<u8>) {
        let mut object = Object::open(out);
        object.field("job", &self.job.to_string());
        object.field("seen", &rfc3339(self.seen));
        object.field("by", self.by.as_str());
        object.close();
    }
}

impl Fetch {
    /// What an event tells of a fetch that brought no page.
    fn write(self, data: &mut Object<Vec<u8>>) {
        data.raw("timing", |out| {
            let mut timing = Object::open(out);
            timing.field("queued_ms", &self.queued_ms);
            timing.close();
        });
        data.field("attempt", &self.attempt);
    }
}

/// An event as it was stored, its members in their order and untouched.
#[derive(Deserialize)]
struct Stored<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    data: Members<'a>,
}

/// `job.cancelled`: the job was called off.
pub(crate) fn cancelled(about: About<'_>) -> Bytes {
    Event::open("job.cancelled", about, 0).finish(about)
}

/// `sink.disabled`: nothing is sent to a sink any more.
pub(crate) fn sink_disabled(id: JobId, sink: &str, reason: &str, at: Timestamp) -> Bytes {
    let mut envelope = Object::open(Vec::with_capacity(256 + sink.len() + reason.len()));
    envelope.field("type", "sink.disabled");
    envelope.field("timestamp", &rfc3339(at));
    let mut data = envelope.open_last("data");
    data.field("id", &id.to_string());
    data.field("sink", sink);
    data.field("reason", reason);
    data.field("since", &rfc3339(at));
    let mut out = data.close();
    out.push(b'}');
    Bytes::from(out)
}

/// An event under construction: its envelope is open, and so is `data`.
struct Event {
    data: Object<Vec<u8>>,
}

impl Event {
    /// The envelope and the first fields of `data`.
    fn open(kind: &str, about: About<'_>, content_bytes: usize) -> Self {
        let metadata_bytes = about.spec.metadata.as_ref().map_or(0, |m| m.get().len());
        let out = Vec::with_capacity(FRAME_BYTES + content_bytes + metadata_bytes);
        let mut envelope = Object::open(out);
        envelope.field("type", kind);
        envelope.field("timestamp", &rfc3339(about.at));
        let mut data = envelope.open_last("data");
        data.field("id", &about.id.to_string());
        data.field("url", about.spec.url.as_str());
        Self { data }
    }

    /// Closes `data` and the envelope.
    fn finish(mut self, about: About<'_>) -> Bytes {
        let metadata = about.spec.metadata.as_ref();
        self.data.raw("metadata", |out| {
            out.extend_from_slice(metadata.map_or("{}", |m| m.get()).as_bytes());
        });
        let mut out = self.data.close();
        out.push(b'}');
        if out.capacity() - out.len() > out.len() / SPARE_DIVISOR {
            out.shrink_to_fit();
        }
        Bytes::from(out)
    }
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

pub(crate) fn rfc3339(at: Timestamp) -> String {
    i64::try_from(at.as_millis())
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .unwrap_or(jiff::Timestamp::MAX)
        .to_string()
}

/// How long what the page brings is in JSON, so that the buffer does not grow with it.
fn size_of(response: &Response) -> usize {
    let raw = response.raw.as_ref().map_or(0, |raw| base64_bytes(raw.len()));
    page_json::size_of(&response.page) + raw
}

#[cfg(test)]
pub(crate) mod tests;
