use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::Uri;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use jobs::JobId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Feed;
use crate::auth::{self, Caller};
use crate::connection::Peer;
use crate::description::JobIdText;
use crate::feed::{NotAnEventId, Told};
use crate::problem::{Fault, Kind, Problem};

/// Readers at once.
pub(crate) const READERS: usize = 64;
/// What a reader waits that found no place, in seconds.
const READERS_RETRY_S: u64 = 5;
/// Something is sent at least this often, so that both sides see whether the other is there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Taken from the feed at once.
const EVENTS_AT_ONCE: usize = 256;
/// Sent at once, bytes, more or less.
const BYTES_AT_ONCE: usize = 256 << 10;
/// Most that `types` names.
const MAX_TYPES: usize = 32;
/// When to connect again, in milliseconds.
const RECONNECT_MS: u32 = 2000;
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Follows what happens to the caller's jobs, as it happens.
///
/// Server-sent events. It begins with what comes next; a reader that comes back names the latest
/// event that it has, and is told what came after that. Who missed some is first sent `event: gap`.
/// Something is sent every 15 s at least. There may be 64 readers. Nothing waits for a reader: what
/// has to arrive goes to a sink.
#[utoipa::path(
    get, path = "/v1/events", tag = "Events", operation_id = "followEvents",
    params(
        ("types" = Option<String>, Query, description = "Only events of these types, such as `job.failed,sink.disabled`.", pattern = "^[a-z._]{1,64}(,[a-z._]{1,64}){0,31}$"),
        ("job" = Option<JobIdText>, Query, description = "Only events of this job."),
        ("last_event_id" = Option<String>, Query, description = "Begin after this event. The header field counts for more."),
        ("Last-Event-ID" = Option<String>, Header, description = "Begin after this event."),
    ),
    responses(
        (
            status = 200, description = "Events, for as long as both sides are there.",
            content((String = "text/event-stream", example = json!("id: 1a203c5a4c0-42\nevent: job.failed\ndata: {\"id\":\"01a1f2c5-2a00-7000-8000-000000000000\",\"url\":\"https://example.com/\"}\n\n"))),
        ),
    ),
)]
pub(crate) async fn events(
    auth::Reader(api): auth::Reader,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query { filter, after } = Query::read(uri.query().unwrap_or_default())?;
    let feed = api.feed.clone();
    let start = start(&feed, after.as_deref(), &headers)?;
    let permit = Arc::clone(&api.readers).try_acquire_owned().map_err(|_| crowded())?;
    let peer = peer.map(|Extension(peer)| peer);
    let reader = Reader {
        caller: api,
        feed,
        filter,
        peer,
        at: start.unwrap_or(0),
        greeted: false,
        lost: start.is_none(),
        _permit: permit,
    };
    let frames = stream::unfold(reader, |mut reader| async {
        let frames = reader.next().await?;
        Some((Ok::<_, Infallible>(frames), reader))
    });
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies of the nginx kind hold answers back otherwise.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Room for the readers of one router.
pub(crate) fn readers() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(READERS))
}

fn crowded() -> Problem {
    let detail = format!("{READERS} readers follow the events already");
    Problem::new(Kind::Busy, detail).retry_after(READERS_RETRY_S)
}

/// The number after which to begin: the latest event's when none is named; `None` when it is not
/// known here. A header field counts for more than a parameter: it is what a reader sends that
/// comes back.
fn start(feed: &Feed, after: Option<&str>, headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let refused = |fault| Problem::faulty(Kind::BadRequest, vec![fault]);
    let detail = "not the id of an event";
    if let Some(value) = headers.get(&LAST_EVENT_ID).filter(|value| !value.is_empty()) {
        let number = value.to_str().map_err(|_| NotAnEventId).and_then(|id| feed.number(id));
        return number.map_err(|_| refused(Fault::header(&LAST_EVENT_ID, detail)));
    }
    match after {
        Some(id) => feed.number(id).map_err(|_| refused(Fault::parameter("last_event_id", detail))),
        None => Ok(Some(feed.last())),
    }
}

/// One reader and where it is.
struct Reader {
    caller: Caller,
    feed: Feed,
    filter: Wanted,
    peer: Option<Peer>,
    /// The number of the latest event that it was told of, or that is not for it.
    at: u64,
    greeted: bool,
    /// It named an event that is not known here.
    lost: bool,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    /// What to send next; `None` when the caller is gone or the server stops.
    async fn next(&mut self) -> Option<Bytes> {
        let feed = self.feed.clone();
        loop {
            let news = feed.news();
            tokio::pin!(news);
            news.as_mut().enable();
            if self.caller.check().is_err() {
                return None;
            }
            let mut frames = String::new();
            if !self.greeted {
                self.greeted = true;
                let _ = writeln!(frames, "retry: {RECONNECT_MS}");
                self.mark(&mut frames);
            }
            if self.take(&mut frames) || !frames.is_empty() {
                return Some(frames.into());
            }
            tokio::select! {
                biased;
                () = ended(self.peer.as_ref()) => return None,
                () = self.caller.revoked() => return None,
                () = &mut news => {}
                () = tokio::time::sleep(HEARTBEAT) => {
                    frames.push_str(":\n");
                    self.mark(&mut frames);
                    return Some(frames.into());
                }
            }
        }
    }

    /// Adds what there is; answers whether that is anything.
    fn take(&mut self, frames: &mut String) -> bool {
        let empty = frames.len();
        while frames.len() < BYTES_AT_ONCE {
            let (from, events) = self.feed.read(self.at, EVENTS_AT_ONCE);
            let missed = if self.lost { None } else { Some(from - self.at) };
            if missed != Some(0) {
                self.lost = false;
                self.at = from;
                self.gap(missed, frames);
            }
            if events.is_empty() {
                break;
            }
            for told in &events {
                self.at += 1;
                let is_seen = self.caller.may_see(told.owner.as_deref());
                if is_seen && self.filter.matches(told) {
                    self.frame(told.kind, &told.data, frames);
                }
                if frames.len() >= BYTES_AT_ONCE {
                    break;
                }
            }
        }
        frames.len() > empty
    }

    fn gap(&self, missed: Option<u64>, frames: &mut String) {
        let missed = missed.map_or_else(|| "null".to_owned(), |missed| missed.to_string());
        let data = format!(
            "{{\"missed\":{missed},\"detail\":\"events were missed; list the jobs to see what became of them\",\"jobs_url\":\"/v1/jobs\"}}"
        );
        self.frame("gap", data.as_bytes(), frames);
    }

    fn frame(&self, kind: &str, data: &[u8], frames: &mut String) {
        let _ = writeln!(frames, "id: {}\nevent: {kind}", self.feed.name(self.at));
        // There is one line, unless somebody forgot.
        for line in String::from_utf8_lossy(data).split(['\r', '\n']) {
            let _ = writeln!(frames, "data: {line}");
        }
        frames.push('\n');
    }

    /// Tells where the reader is, so that it can come back even if nothing was for it.
    fn mark(&self, frames: &mut String) {
        if self.lost {
            frames.push('\n');
        } else {
            let _ = writeln!(frames, "id: {}\n", self.feed.name(self.at));
        }
    }
}

/// Resolves when there is nobody to tell any more.
async fn ended(peer: Option<&Peer>) {
    match peer {
        Some(peer) => peer.gone().await,
        None => std::future::pending().await,
    }
}

/// Which events a reader wants.
#[derive(Debug, Default)]
struct Wanted {
    /// Empty for all.
    types: Vec<String>,
    job: Option<JobId>,
}

impl Wanted {
    fn matches(&self, told: &Told) -> bool {
        (self.types.is_empty() || self.types.iter().any(|kind| kind == told.kind))
            && self.job.is_none_or(|job| job == told.id)
    }
}

struct Query {
    filter: Wanted,
    after: Option<String>,
}

impl Query {
    fn read(text: &str) -> Result<Self, Problem> {
        let mut filter = Wanted::default();
        let mut after = None;
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let refused = |detail: &str| {
                Problem::faulty(Kind::BadRequest, vec![Fault::parameter(&name, detail)])
            };
            let again = match &*name {
                "types" => {
                    let types = types(&value).ok_or_else(|| {
                        refused("1 to 32 types such as job.failed, with commas between")
                    })?;
                    !std::mem::replace(&mut filter.types, types).is_empty()
                }
                "job" => {
                    let id = value.parse().map_err(|_| refused("not a job id"))?;
                    filter.job.replace(id).is_some()
                }
                "last_event_id" => after.replace(value.into_owned()).is_some(),
                _ => return Err(refused("unknown; known are types, job, last_event_id")),
            };
            if again {
                return Err(refused("given twice"));
            }
        }
        Ok(Self { filter, after })
    }
}

/// Names with dots, and commas between them.
fn types(text: &str) -> Option<Vec<String>> {
    let is_type = |kind: &str| {
        (1..=64).contains(&kind.len())
            && kind.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_'))
    };
    let types: Vec<_> = text.split(',').map(str::to_owned).collect();
    (types.len() <= MAX_TYPES && types.iter().all(|kind| is_type(kind))).then_some(types)
}
