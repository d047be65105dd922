//! Schemas of what is written down elsewhere, or put together by hand.

#![expect(dead_code, reason = "these are described, and made elsewhere")]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::texts::{EventType, JobIdText, SinkName};
use crate::EventFormat;
use crate::quantity::{DurationText, RateText, SizeText};
use crate::view::JobView;

/// Whether jobs of a lane are given out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Circuit {
    Closed,
    Open,
    HalfOpen,
}

/// Who defined a sink: what the operator's file defines cannot be changed through the API.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DefinedBy {
    Api,
    Operator,
}

/// How a redrive stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RedriveStatus {
    Running,
    Done,
    Stopped,
    Failed,
}

/// A job whose outcome is known, with the event that tells of it unless that is large.
#[derive(Serialize, ToSchema)]
pub(crate) struct FinishedJob {
    #[serde(flatten)]
    job: JobView,
    result: Option<Event>,
}

/// Every attempt to fetch and to deliver, in order.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttemptList {
    attempts: Vec<Attempt>,
}

/// One attempt.
#[derive(Serialize, ToSchema)]
struct Attempt {
    /// What was attempted: `fetch` or `deliver`.
    stage: String,
    /// Counts from 1 in each stage.
    attempt: u32,
    at: jiff::Timestamp,
    duration_ms: Option<u64>,
    /// `ok`, or the class of the failure.
    outcome: String,
    /// What the other side answered, if it did.
    status: Option<u16>,
    /// For people.
    detail: Option<String>,
    /// When it is tried again.
    next_at: Option<jiff::Timestamp>,
}

/// Events that were pulled.
#[derive(Serialize, ToSchema)]
pub(crate) struct PulledEvents {
    events: Vec<PulledEvent>,
}

/// An event that is its receiver's for a while.
#[derive(Serialize, ToSchema)]
struct PulledEvent {
    /// To say what became of it.
    receipt: String,
    /// The job's: the same when the event is given out again.
    #[schema(value_type = JobIdText)]
    id: String,
    /// How often it has been given out.
    attempt: u32,
    /// Until when it is this receiver's alone.
    visible_until: jiff::Timestamp,
    /// What would have been POSTed.
    event: Option<Event>,
    /// The same in base64, of a sink of the format `raw`.
    event_base64: Option<String>,
}

/// What became of an event by what was said of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct PullVerdict {
    receipt: String,
    verdict: Judged,
}

/// `lost`: the time was up and somebody else may have the event, or it was settled before.
/// `unknown`: there is no such job any more. `dead`: it was given back for the tenth time.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PullVerdictKind)]
enum Judged {
    Acked,
    Nacked,
    Extended,
    Dead,
    Lost,
    Unknown,
}

/// What is to be another of a sink, as a JSON merge patch: `null` takes a field away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SinkPatch {
    /// The sink's own: it cannot be changed.
    #[schema(value_type = Option<SinkName>)]
    name: Option<String>,
    url: Option<String>,
    /// Header fields; one that is `null` is taken away.
    headers: Option<BTreeMap<String, Option<String>>>,
    #[schema(value_type = Option<Vec<EventType>>, min_items = 1)]
    events: Option<Vec<String>>,
    rate: Option<RateText>,
    #[schema(minimum = 1, maximum = 1000)]
    concurrency: Option<u32>,
    timeout: Option<DurationText>,
    #[schema(min_items = 1, max_items = 30)]
    schedule: Option<Vec<DurationText>>,
    inline_limit: Option<SizeText>,
    format: Option<EventFormat>,
    gzip: Option<bool>,
    batch: Option<SinkBatchPatch>,
    ordered: Option<bool>,
    /// `false` while nothing is to be sent.
    enabled: Option<bool>,
}

/// How events travel together.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SinkBatchPatch {
    /// Most events of one POST.
    #[schema(minimum = 2, maximum = 1000)]
    max_events: Option<u32>,
    /// What the first of them waits for the others, up to `1m`.
    max_wait: Option<DurationText>,
}

/// What a sink is sent, and what is kept as a job's result.
#[derive(Serialize, ToSchema)]
pub(crate) struct Event {
    /// What it tells of: one of the types that a sink can choose, or `sink.test`.
    #[schema(example = "job.succeeded")]
    r#type: String,
    timestamp: jiff::Timestamp,
    data: EventData,
}

/// What there is to tell: of a job, what was asked for and nothing else.
#[derive(Serialize, ToSchema)]
struct EventData {
    /// The job's, or that of the batch it tells of.
    #[schema(value_type = JobIdText)]
    id: String,
    /// As it was accepted.
    url: Option<String>,
    /// As it was given, byte for byte.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    /// Of the final answer.
    final_url: Option<String>,
    /// What the site answered.
    status: Option<u16>,
    /// Of the final answer; a field that came more than once is joined by commas.
    headers: Option<BTreeMap<String, String>>,
    content_type: Option<String>,
    /// What the body was taken for.
    media: Option<String>,
    media_source: Option<String>,
    /// The encoding that the body was read in.
    charset: Option<String>,
    charset_source: Option<String>,
    /// The page's title, without the site's name.
    title: Option<String>,
    /// CommonMark with GitHub's tables.
    markdown: Option<String>,
    /// A line for each block.
    text: Option<String>,
    /// The document as it came, in UTF-8.
    html: Option<String>,
    /// The body, decompressed, byte for byte.
    raw_base64: Option<String>,
    links: Option<Vec<PageLink>>,
    /// What the page says of itself: `author`, `published`, `language` and the like.
    #[schema(value_type = Option<Object>)]
    page: Option<Value>,
    /// The page's JSON-LD objects as they stand.
    json_ld: Option<Vec<Value>>,
    /// What the selectors found, by name.
    #[schema(value_type = Option<Object>)]
    fields: Option<Value>,
    /// Something is missing: an output reached its bound.
    truncated: Option<bool>,
    /// Of the decompressed body.
    bytes: Option<u64>,
    /// Redirects followed.
    redirects: Option<u32>,
    /// Milliseconds in the queue, on the network, and of extraction.
    timing: Option<BTreeMap<String, u64>>,
    /// Of the fetch, from 1.
    attempt: Option<u32>,
    /// The page was kept from an earlier job.
    #[schema(value_type = Option<Object>)]
    cache: Option<Value>,
    /// The page is as it was.
    #[schema(value_type = Option<Object>)]
    unchanged: Option<Value>,
    /// Why the job failed.
    error: Option<EventError>,
    /// Where the whole event is, when it was too large to be sent.
    content_ref: Option<ContentRef>,
}

/// A link of the page.
#[derive(Serialize, ToSchema)]
struct PageLink {
    /// Absolute.
    url: String,
    text: Option<String>,
    rel: Option<String>,
    /// From 1.
    position: Option<u32>,
    /// `main`, `header`, `nav`, `aside`, `footer` or `other`.
    region: Option<String>,
}

/// Why a job failed.
#[derive(Serialize, ToSchema)]
struct EventError {
    /// The class of the failure; programs go by this.
    #[schema(example = "timeout")]
    code: String,
    /// For people.
    detail: String,
    /// Whether it may go better another time.
    transient: bool,
}

/// A link to an event that was too large to be sent.
#[derive(Serialize, ToSchema)]
struct ContentRef {
    /// Opens the whole event, without a key, until `expires_at`.
    url: String,
    /// Of what is served there.
    sha256: String,
    bytes: u64,
    expires_at: Option<jiff::Timestamp>,
    /// The members that were left out.
    omitted: Option<Vec<String>>,
}
