use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{StatusCode, Uri};
use hyper::body::{Frame, SizeHint};
use jobs::{
    Claimed, Clock, ErrorKind, JobId, LaneKey, Lease, Outcome, Record, Settled, Settlement, Stage,
    Store, Timestamp,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use utoipa::ToSchema;

use crate::auth::{Caller, Reader};
use crate::body::{self, Typing, busy};
use crate::connection::Peer;
use crate::description::{NotInThisState, NotThere, PullVerdict, PulledEvents, SinkName};
use crate::problem::{Fault, Kind, Problem};
use crate::quantity::{self, DurationText};
use crate::router::{Api, store_problem};
use crate::view::{json, no_content, rfc3339};
use crate::{EventFormat, parse};

/// Callers that wait at once.
const WAITING: usize = 256;
/// What a caller waits that found no place, in seconds.
const WAITING_RETRY_S: u64 = 5;
const DEFAULT_EVENTS: usize = 10;
const MAX_EVENTS: usize = 100;
const DEFAULT_WAIT: Duration = Duration::from_secs(20);
const MAX_WAIT: Duration = Duration::from_secs(60);
const DEFAULT_VISIBILITY: Duration = Duration::from_secs(60);
const MIN_VISIBILITY: Duration = Duration::from_secs(1);
/// Also the longest delay.
const MAX_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);
/// When a job that was given back comes again, unless its receiver says otherwise.
const DEFAULT_DELAY: Duration = Duration::from_secs(30);
const MAX_RECEIPTS: usize = 1000;
/// Longest reason for giving back, in bytes.
const MAX_REASON_BYTES: usize = 512;
/// An event that was given back this often is a dead letter.
const MOST_ATTEMPTS: u32 = 10;
/// Who waits looks again at least this often: when something is due is known of a stage, not of
/// one lane.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Those who wait for events.
pub(crate) struct Pulls {
    places: Semaphore,
    /// What is to be done after its caller has gone.
    tasks: TaskTracker,
}

impl Default for Pulls {
    fn default() -> Self {
        Self { places: Semaphore::new(WAITING), tasks: TaskTracker::new() }
    }
}

/// Pulls events of a sink.
///
/// Answers as soon as there is one. The events are this receiver's alone for `visibility`; what is
/// not acknowledged by then is given out again. For receivers that cannot be reached: the sink's
/// URL is `pull:`.
#[utoipa::path(
    get, path = "/v1/pull", tag = "Pull", operation_id = "pullEvents",
    params(
        ("sink" = SinkName, Query, description = "The sink's name."),
        ("max" = Option<u32>, Query, description = "So many at most; 10 by default. Fewer when they are large.", minimum = 1, maximum = 100),
        ("wait" = Option<DurationText>, Query, description = "How long to wait for the first, up to `60s`; `20s` by default.", example = "0s"),
        ("visibility" = Option<DurationText>, Query, description = "How long they are this receiver's alone, `1s` to `12h`; `60s` by default."),
    ),
    responses(
        (
            status = 200, body = PulledEvents, description = "Events, the longest due first.",
            headers(("Cache-Control" = String, description = "`no-store`")),
        ),
        (
            status = 204, description = "None came in time.",
            headers(("Cache-Control" = String, description = "`no-store`")),
        ), NotThere, NotInThisState,
    ),
)]
pub(crate) async fn pull(
    Reader(api): Reader,
    peer: Option<Extension<Peer>>,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = Query::read(uri.query().unwrap_or_default())?;
    if !api.may_pull(&query.sink) {
        let detail = "events are pulled with the key whose `sink` this is, or with one that has \
                      the scope `admin`";
        return Err(Problem::new(Kind::MissingScope, detail));
    }
    let (stage, lane) = api.sinks.pulled(&query.sink).ok_or_else(|| query.nothing_there())?;
    let disabled = api.sinks.sink(&query.sink).and_then(|sink| sink.spec.disabled);
    if let Some(disabled) = disabled {
        let detail = format!("the sink {} is disabled: {}", query.sink, disabled.reason);
        return Err(Problem::new(Kind::Conflict, detail));
    }
    let _place = api.pulls.places.try_acquire().map_err(|_| crowded())?;
    let peer = peer.map(|Extension(peer)| peer);
    let signal = api.store.signal(&stage);
    let end = Instant::now() + query.wait;
    loop {
        api.check()?;
        let told = signal.notified();
        tokio::pin!(told);
        told.as_mut().enable();
        if is_gone(peer.as_ref()) {
            return Ok(nothing());
        }
        let claimed = claim(&api, &stage, &lane, &query).await?;
        if !claimed.jobs.is_empty() {
            // Whoever went away meanwhile gets nothing: it is all put back.
            if is_gone(peer.as_ref()) {
                return Ok(nothing());
            }
            if let Some(answer) = answer(&api, &query, claimed).await? {
                return Ok(answer);
            }
        }
        if Instant::now() >= end {
            return Ok(nothing());
        }
        let due_in = api.store.next_due(&stage).map(|due| due.since(api.clock.now()));
        let pause = due_in.filter(|wait| !wait.is_zero()).unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN);
        tokio::select! {
            biased;
            () = gone(peer.as_ref()) => return Ok(nothing()),
            () = api.revoked() => {}
            () = &mut told => {}
            () = tokio::time::sleep_until(end.min(Instant::now() + pause)) => {}
        }
    }
}

async fn gone(peer: Option<&Peer>) {
    match peer {
        Some(peer) => peer.gone().await,
        None => std::future::pending().await,
    }
}

fn is_gone(peer: Option<&Peer>) -> bool {
    gone(peer).now_or_never().is_some()
}

fn crowded() -> Problem {
    let detail = format!("{WAITING} callers wait for events already");
    Problem::new(Kind::Busy, detail).retry_after(WAITING_RETRY_S)
}

fn nothing() -> Response {
    let mut response = no_content();
    no_store(&mut response);
    response
}

fn no_store(response: &mut Response) {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// Jobs that were claimed, with what puts them back.
struct Hand {
    jobs: Vec<Claimed>,
    until: Timestamp,
    at: Timestamp,
    leases: Leases,
}

/// Claims in a task of its own: a claim under way when its caller goes is put back as well.
async fn claim(api: &Api, stage: &Stage, lane: &LaneKey, query: &Query) -> Result<Hand, Problem> {
    let (store, clock, tasks) =
        (Arc::clone(&api.store), Arc::clone(&api.clock), api.pulls.tasks.clone());
    let (stage, lane, max, visibility) = (stage.clone(), lane.clone(), query.max, query.visibility);
    let claiming = async move {
        let at = clock.now();
        let until = at + visibility;
        let jobs = store.claim_lane(&stage, &lane, max, until, at).await?;
        let held = jobs.iter().map(|job| job.lease).collect();
        Ok(Hand { jobs, until, at, leases: Leases { store, clock, tasks, held } })
    };
    let claimed = api.pulls.tasks.spawn(claiming).await.map_err(|error| {
        tracing::error!(%error, "a claim panicked");
        Problem::new(Kind::Internal, "the events could not be claimed")
    })?;
    claimed.map_err(|error| store_problem(&error))
}

/// Leases that are given back when dropped.
struct Leases {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    tasks: TaskTracker,
    held: Vec<Lease>,
}

impl Drop for Leases {
    fn drop(&mut self) {
        let held = std::mem::take(&mut self.held);
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if held.is_empty() {
            return;
        }
        let (store, at) = (Arc::clone(&self.store), self.clock.now());
        let put_back = async move {
            let release = |lease| Settlement::new(lease, Outcome::Release { at });
            if let Err(error) = store.settle(held.into_iter().map(release).collect(), at).await {
                tracing::warn!(%error, "events that nobody took stay invisible until their time is up");
            }
        };
        self.tasks.spawn_on(put_back, &runtime);
    }
}

/// The answer with as many of the events as there is memory for; `None` when none of them can be
/// read. The others are put back.
async fn answer(api: &Api, query: &Query, claimed: Hand) -> Result<Option<Response>, Problem> {
    let Hand { jobs, until, at, mut leases } = claimed;
    let raw = api.sinks.sink(&query.sink).is_some_and(|sink| sink.spec.format == EventFormat::Raw);
    let mut held = api.budget.reservation();
    let mut body = br#"{"events":["#.to_vec();
    let mut taken = Vec::new();
    for job in &jobs {
        // The event, and its copy in the answer.
        let mut reading = api.budget.reservation();
        if !held.grow(job.result_bytes) || !reading.grow(job.result_bytes) {
            if taken.is_empty() {
                return Err(busy());
            }
            break;
        }
        let id = job.lease.id;
        let event = match api.store.result(id).await {
            Ok(Some(event)) => api.sinks.pulled_body(&query.sink, id, event),
            Ok(None) => {
                spoil(api, &mut leases, job.lease, "there is no result to deliver").await?;
                continue;
            }
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                tracing::error!(job.id = %id, %error, "a stored result is damaged");
                let note = "the stored result is damaged; refetch the job";
                spoil(api, &mut leases, job.lease, note).await?;
                continue;
            }
            Err(error) => return Err(store_problem(&error)),
        };
        let receipt = Receipt { lease: job.lease, at, sink: query.sink.clone() }.text();
        let head = Head { receipt: &receipt, id, attempt: job.attempt, until };
        if !taken.is_empty() {
            body.push(b',');
        }
        head.write(&event, raw, &mut body);
        taken.push(job.lease);
    }
    body.extend_from_slice(b"]}");
    if taken.is_empty() {
        return Ok(None);
    }
    // What was not read goes back at once; the rest when the answer is not taken.
    let (gone, rest) = leases.held.iter().partition(|lease| taken.contains(lease));
    leases.held = rest;
    let Leases { store, clock, tasks, .. } = &leases;
    let (store, clock, tasks) = (Arc::clone(store), Arc::clone(clock), tasks.clone());
    let gone = Leases { store, clock, tasks, held: gone };
    let body = Handed { bytes: Some(held.bind(body.into())), leases: gone };
    let mut response = Response::new(Body::new(body));
    let media = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    no_store(&mut response);
    Ok(Some(response))
}

/// Gives up a job that has nothing to give.
async fn spoil(api: &Api, leases: &mut Leases, lease: Lease, note: &str) -> Result<(), Problem> {
    let dead = Settlement::new(lease, Outcome::Dead { note: note.to_owned() });
    let settled = api.store.settle(vec![dead], api.clock.now()).await;
    settled.map_err(|error| store_problem(&error))?;
    leases.held.retain(|held| *held != lease);
    Ok(())
}

/// What stands beside an event.
struct Head<'a> {
    receipt: &'a str,
    id: JobId,
    attempt: u32,
    until: Timestamp,
}

impl Head<'_> {
    fn write(&self, event: &[u8], raw: bool, out: &mut Vec<u8>) {
        let Self { receipt, id, attempt, until } = self;
        let until = rfc3339(*until);
        // Names, digits and dots need no escapes.
        let head = format!(
            r#"{{"receipt":"{receipt}","id":"{id}","attempt":{attempt},"visible_until":"{until}","#
        );
        out.extend_from_slice(head.as_bytes());
        if raw {
            out.extend_from_slice(br#""event_base64":""#);
            out.extend_from_slice(STANDARD.encode(event).as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(br#""event":"#);
            out.extend_from_slice(event);
        }
        out.push(b'}');
    }
}

/// The body of an answer. Leases of one that is never sent are given back.
struct Handed {
    bytes: Option<Bytes>,
    leases: Leases,
}

impl hyper::body::Body for Handed {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let bytes = self.bytes.take();
        if bytes.is_some() {
            self.leases.held.clear();
        }
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// The right to say what became of an event, as its receiver holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Receipt {
    lease: Lease,
    /// When it was handed out.
    at: Timestamp,
    sink: String,
}

impl Receipt {
    fn text(&self) -> String {
        let Lease { id, epoch } = self.lease;
        format!("{id}.{epoch:x}.{:x}.{}", self.at.as_millis(), self.sink)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '.');
        let id = parts.next()?.parse().ok()?;
        let epoch = u32::from_str_radix(parts.next()?, 16).ok()?;
        let at = Timestamp::from_millis(u64::from_str_radix(parts.next()?, 16).ok()?);
        let sink = parts.next().filter(|name| !name.is_empty())?.to_owned();
        Some(Self { lease: Lease { id, epoch }, at, sink })
    }
}

/// What is said of events that were pulled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"receipts\": [\"…\"]}")]
struct Acks {
    /// Of events that were taken.
    #[schema(required = true, nullable = false, min_items = 1, max_items = 1000)]
    receipts: Option<Vec<String>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"receipts\": [\"…\"]}")]
struct Nacks {
    /// Of events that were not taken.
    #[schema(required = true, nullable = false, min_items = 1, max_items = 1000)]
    receipts: Option<Vec<String>>,
    /// When they come again, up to `12h`; `30s` by default.
    delay: Option<DurationText>,
    /// For people: it is kept with the attempt.
    #[schema(max_length = 512)]
    reason: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"receipts\": [\"…\"]}")]
struct Extensions {
    /// Of events that take longer.
    #[schema(required = true, nullable = false, min_items = 1, max_items = 1000)]
    receipts: Option<Vec<String>>,
    /// How long from now they are this receiver's alone, `1s` to `12h`; `60s` by default.
    visibility: Option<DurationText>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PullVerdicts)]
struct Results<'a> {
    #[schema(value_type = Vec<PullVerdict>)]
    results: Vec<Verdict<'a>>,
}

#[derive(Serialize)]
struct Verdict<'a> {
    receipt: &'a str,
    verdict: &'static str,
}

/// Acknowledges events that were taken.
#[utoipa::path(
    post, path = "/v1/pull/ack", tag = "Pull", operation_id = "ackEvents",
    request_body(content = Acks, content_type = "application/json", description = "Which events.", example = json!({"receipts": ["01a1f2c5-2a00-7000-8000-000000000000.1.1a203c5a4c0.orders"]})),
    responses((status = 200, body = Results, description = "A verdict on each, in order.")),
)]
pub(crate) async fn ack(Reader(api): Reader, request: Request) -> Result<Response, Problem> {
    let body = receive(&api, request).await?;
    let Acks { receipts } = parse::object(&body.bytes, Kind::InvalidRequest)?;
    let mut faults = Vec::new();
    let given = Given::read(receipts, &mut faults);
    refuse(faults)?;
    let now = api.clock.now();
    let done = |_: &Record| (Outcome::Done { verdict: None, result: None, note: None }, "acked");
    given.settle(&api, now, None, done).await
}

/// Gives events back, to come again.
///
/// An event that is given back for the tenth time is a dead letter: its job is `undelivered`.
#[utoipa::path(
    post, path = "/v1/pull/nack", tag = "Pull", operation_id = "nackEvents",
    request_body(content = Nacks, content_type = "application/json", description = "Which events, when they come again, and why.", example = json!({"receipts": ["01a1f2c5-2a00-7000-8000-000000000000.1.1a203c5a4c0.orders"], "delay": "5m", "reason": "database down"})),
    responses((status = 200, body = Results, description = "A verdict on each, in order.")),
)]
pub(crate) async fn nack(Reader(api): Reader, request: Request) -> Result<Response, Problem> {
    let body = receive(&api, request).await?;
    let Nacks { receipts, delay, reason } = parse::object(&body.bytes, Kind::InvalidRequest)?;
    let mut faults = Vec::new();
    let given = Given::read(receipts, &mut faults);
    let delay = delay.map_or(DEFAULT_DELAY, |DurationText(delay)| delay);
    if delay > MAX_VISIBILITY {
        faults.push(Fault::at("/delay", "longer than 12h"));
    }
    if reason.as_ref().is_some_and(|reason| reason.len() > MAX_REASON_BYTES) {
        faults.push(Fault::at("/reason", format!("longer than {MAX_REASON_BYTES} bytes")));
    }
    refuse(faults)?;
    let now = api.clock.now();
    let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let again = |record: &Record| {
        let times = record.attempts.saturating_add(1);
        if times >= MOST_ATTEMPTS {
            let note = format!("given back by its receiver {times} times{why}");
            return (Outcome::Dead { note }, "dead");
        }
        let note = format!("given back by its receiver{why}");
        (Outcome::Retry { at: now + delay, note }, "nacked")
    };
    given.settle(&api, now, Some("nack"), again).await
}

/// Keeps events for longer.
#[utoipa::path(
    post, path = "/v1/pull/extend", tag = "Pull", operation_id = "extendEvents",
    request_body(content = Extensions, content_type = "application/json", description = "Which events, and for how long.", example = json!({"receipts": ["01a1f2c5-2a00-7000-8000-000000000000.1.1a203c5a4c0.orders"], "visibility": "10m"})),
    responses((status = 200, body = Results, description = "A verdict on each, in order.")),
)]
pub(crate) async fn extend(Reader(api): Reader, request: Request) -> Result<Response, Problem> {
    let body = receive(&api, request).await?;
    let Extensions { receipts, visibility } = parse::object(&body.bytes, Kind::InvalidRequest)?;
    let mut faults = Vec::new();
    let given = Given::read(receipts, &mut faults);
    let visibility = visibility.map_or(DEFAULT_VISIBILITY, |DurationText(time)| time);
    if !(MIN_VISIBILITY..=MAX_VISIBILITY).contains(&visibility) {
        faults.push(Fault::at("/visibility", "not between 1s and 12h"));
    }
    refuse(faults)?;
    given.extend(&api, api.clock.now(), visibility).await
}

async fn receive(api: &Api, request: Request) -> Result<body::Received, Problem> {
    let (Parts { headers, .. }, body) = request.into_parts();
    body::check_type(&headers, Typing::Strict)?;
    let config = &api.config;
    body::read(body, config.max_body, config.body_timeout, &api.budget).await
}

fn refuse(faults: Vec<Fault>) -> Result<(), Problem> {
    if faults.is_empty() { Ok(()) } else { Err(Problem::faulty(Kind::InvalidRequest, faults)) }
}

/// Receipts, as they were written and as they were understood.
struct Given(Vec<(String, Receipt)>);

impl Given {
    fn read(receipts: Option<Vec<String>>, faults: &mut Vec<Fault>) -> Self {
        let texts = receipts.unwrap_or_default();
        if texts.is_empty() || texts.len() > MAX_RECEIPTS {
            faults.push(Fault::at("/receipts", format!("name 1 to {MAX_RECEIPTS} receipts")));
            return Self(Vec::new());
        }
        let mut given = Vec::with_capacity(texts.len());
        for (at, text) in texts.into_iter().enumerate() {
            match Receipt::read(&text) {
                Some(receipt) => given.push((text, receipt)),
                None => faults.push(Fault::at(format!("/receipts/{at}"), "not a receipt")),
            }
        }
        Self(given)
    }

    /// The job of a receipt, or why there is none: one whose time is up and that somebody else has
    /// may be elsewhere by now.
    async fn job(api: &Caller, receipt: &Receipt) -> Result<Result<Record, &'static str>, Problem> {
        if !api.may_pull(&receipt.sink) {
            return Ok(Err("unknown"));
        }
        let place = api.sinks.pulled(&receipt.sink);
        let record = api.store.get(receipt.lease.id).await.map_err(|e| store_problem(&e))?;
        Ok(match (record, place) {
            (None, _) => Err("unknown"),
            (Some(record), Some((stage, lane)))
                if (&record.stage, &record.lane) == (&stage, &lane) =>
            {
                Ok(record)
            }
            _ => Err("lost"),
        })
    }

    /// Settles each as `judge` says, and answers with a verdict on each.
    async fn settle(
        &self,
        api: &Caller,
        now: Timestamp,
        failure: Option<&'static str>,
        judge: impl Fn(&Record) -> (Outcome, &'static str),
    ) -> Result<Response, Problem> {
        let mut verdicts = Vec::with_capacity(self.0.len());
        let mut settlements = Vec::new();
        for (_, receipt) in &self.0 {
            match Self::job(api, receipt).await? {
                Ok(record) => {
                    let (outcome, verdict) = judge(&record);
                    let entry = Entry::of(&record, receipt, &outcome, failure, now);
                    let attempt = Some(serde_json::to_vec(&entry).expect("names are strings"));
                    let attempt = attempt.map(Bytes::from);
                    let settlement = Settlement::new(receipt.lease, outcome);
                    settlements.push(Settlement { attempt, ..settlement });
                    verdicts.push((verdict, true));
                }
                Err(verdict) => verdicts.push((verdict, false)),
            }
        }
        let settled = api.store.settle(settlements, now).await.map_err(|e| store_problem(&e))?;
        // What was acknowledged does not come again, whatever happens now.
        api.store.flush().await.map_err(|e| store_problem(&e))?;
        let mut settled = settled.into_iter();
        let verdicts = verdicts.into_iter().map(|(verdict, was_settled)| {
            let lost = was_settled && settled.next() != Some(Settled::Recorded);
            if lost { "lost" } else { verdict }
        });
        Ok(self.answer(verdicts))
    }

    async fn extend(
        &self,
        api: &Caller,
        now: Timestamp,
        visibility: Duration,
    ) -> Result<Response, Problem> {
        let mut verdicts = Vec::with_capacity(self.0.len());
        let mut leases = Vec::new();
        for (_, receipt) in &self.0 {
            let verdict = Self::job(api, receipt).await?.err();
            if verdict.is_none() {
                leases.push(receipt.lease);
            }
            verdicts.push(verdict);
        }
        let kept = api.store.extend(leases, now + visibility, now).await;
        let mut kept = kept.map_err(|error| store_problem(&error))?.into_iter();
        let verdicts = verdicts.into_iter().map(|verdict| {
            let of_lease = |kept| if kept == Some(true) { "extended" } else { "lost" };
            verdict.unwrap_or_else(|| of_lease(kept.next()))
        });
        Ok(self.answer(verdicts))
    }

    fn answer(&self, verdicts: impl Iterator<Item = &'static str>) -> Response {
        let receipts = self.0.iter().map(|(text, _)| text.as_str());
        let results = receipts.zip(verdicts).map(|(receipt, verdict)| Verdict { receipt, verdict });
        json(StatusCode::OK, &Results { results: results.collect() })
    }
}

/// What the ledger keeps of an event that was pulled.
#[derive(Serialize)]
struct Entry<'a> {
    stage: &'static str,
    attempt: u32,
    at: jiff::Timestamp,
    duration_ms: u64,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<jiff::Timestamp>,
}

impl<'a> Entry<'a> {
    fn of(
        record: &Record,
        receipt: &Receipt,
        outcome: &'a Outcome,
        failure: Option<&'static str>,
        now: Timestamp,
    ) -> Self {
        let (detail, next_at) = match outcome {
            Outcome::Retry { at, note } => (Some(note.as_str()), Some(rfc3339(*at))),
            Outcome::Dead { note } => (Some(note.as_str()), None),
            _ => (None, None),
        };
        Self {
            stage: "deliver",
            attempt: record.attempts.saturating_add(1),
            at: rfc3339(receipt.at),
            duration_ms: u64::try_from(now.since(receipt.at).as_millis()).unwrap_or(u64::MAX),
            outcome: failure.unwrap_or("ok"),
            detail,
            next_at,
        }
    }
}

/// What a pull asks for.
#[derive(Debug)]
struct Query {
    sink: String,
    max: usize,
    wait: Duration,
    visibility: Duration,
}

impl Query {
    fn read(text: &str) -> Result<Self, Problem> {
        let (mut sink, mut max, mut wait, mut visibility) = (None, None, None, None);
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let refused = |detail: &str| {
                Problem::faulty(Kind::BadRequest, vec![Fault::parameter(&name, detail)])
            };
            let duration = |range: std::ops::RangeInclusive<Duration>, detail: &str| {
                let given = quantity::duration(&value).filter(|time| range.contains(time));
                given.ok_or_else(|| refused(detail))
            };
            let again = match &*name {
                "sink" => sink.replace(value.into_owned()).is_some(),
                "max" => {
                    let given = value.parse().ok().filter(|n| (1..=MAX_EVENTS).contains(n));
                    let given = given.ok_or_else(|| refused("not a number from 1 to 100"))?;
                    max.replace(given).is_some()
                }
                "wait" => {
                    let detail = "not a duration from 0s to 60s";
                    wait.replace(duration(Duration::ZERO..=MAX_WAIT, detail)?).is_some()
                }
                "visibility" => {
                    let (range, detail) =
                        (MIN_VISIBILITY..=MAX_VISIBILITY, "not a duration from 1s to 12h");
                    visibility.replace(duration(range, detail)?).is_some()
                }
                _ => return Err(refused("unknown; known are sink, max, wait, visibility")),
            };
            if again {
                return Err(refused("given twice"));
            }
        }
        let missing = || {
            let fault = Fault::parameter("sink", "required: the name of the sink to pull from");
            Problem::faulty(Kind::BadRequest, vec![fault])
        };
        Ok(Self {
            sink: sink.ok_or_else(missing)?,
            max: max.unwrap_or(DEFAULT_EVENTS),
            wait: wait.unwrap_or(DEFAULT_WAIT),
            visibility: visibility.unwrap_or(DEFAULT_VISIBILITY),
        })
    }

    fn nothing_there(&self) -> Problem {
        let detail = format!("there is no sink {} to pull from", self.sink);
        Problem::new(Kind::NotFound, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_comes_back() {
        let receipt = Receipt {
            lease: Lease { id: JobId::draw(), epoch: 0xab },
            at: Timestamp::from_millis(1_795_341_600_000),
            sink: "archive-2".to_owned(),
        };
        assert_eq!(Receipt::read(&receipt.text()), Some(receipt.clone()));
        let text = receipt.text();
        for other in [
            "",
            "x",
            "...",
            &text[1..],
            &text[..36],
            &text[..text.len() - 9],
            &format!("{}.z.0.a", receipt.lease.id),
        ] {
            assert_eq!(Receipt::read(other), None, "{other}");
        }
    }
}
