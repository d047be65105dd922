//! Many pages, asked for at once.

use axum::extract::Request;
use axum::response::Response;
use http::header::{HeaderMap, HeaderName};
use http::{StatusCode, Uri};
use jobs::{Filter, Group, Idempotency, JobId, NewJob, Record, Submitted, Timestamp, Verdict};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::document::Document;
use super::failure::{self, Failure, explained};
use super::options::{KNOWN, Options, Own};
use super::webhook::{Webhook, started};
use crate::accept::Ready;
use crate::auth::{Caller, Reader, Submitter};
use crate::batch::Batch;
use crate::problem::{Fault, Kind, Problem};
use crate::read::{PathParts, path_id};
use crate::router::{spec_of, store_problem};
use crate::shim::{self, Fields, none_of};
use crate::stored::Event;
use crate::view::{json, rfc3339};
use crate::{JobSpec, batches};

/// Where batches of this kind are.
const BATCHES: &str = "/v2/batch/scrape/";
/// Theirs: the same key is the same batch.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("x-idempotency-key");
/// The store's bound, less what stands before it.
const MAX_KEY_BYTES: usize = 200;
/// What is asked for each page of a batch is stored with each: bytes of all together.
const MOST_SPEC_BYTES: usize = 64 << 20;
/// Records read from the store at once.
const SLICE: usize = 32;
/// Pages of one answer.
const PAGE_DOCUMENTS: usize = 100;
/// An answer ends early past this many bytes of them, as Firecrawl's do.
const PAGE_BYTES: usize = 10 << 20;
/// Failures of one answer.
const MOST_ERRORS: usize = 10_000;

/// What is asked for: as for one page, and
#[derive(ToSchema)]
#[schema(as = FirecrawlBatch)]
#[expect(dead_code, reason = "only tells what a body looks like")]
struct Asked {
    /// http or https.
    #[schema(example = json!(["https://example.com"]))]
    urls: Vec<String>,
    /// Any of `markdown`, `html`, `rawHtml`, `links`, as strings or `{type}`; default `markdown`.
    formats: Option<Vec<String>>,
    /// Default `true`.
    only_main_content: Option<bool>,
    /// Header fields of the requests.
    headers: Option<std::collections::BTreeMap<String, String>>,
    /// Time for each page, in milliseconds.
    timeout: Option<u64>,
    /// A page that was fetched at most so many milliseconds ago will do.
    max_age: Option<u64>,
    /// An address, or `{url, headers, metadata, events}`.
    #[schema(value_type = Option<Object>)]
    webhook: Option<()>,
    /// Whether addresses that cannot be fetched are left out (default), or refuse the whole.
    #[serde(rename = "ignoreInvalidURLs")]
    #[schema(rename = "ignoreInvalidURLs")]
    ignore_invalid_urls: Option<bool>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FirecrawlBatchStarted)]
pub(super) struct Started {
    /// `true`
    success: bool,
    id: String,
    /// Where its status is.
    url: String,
    /// What was left out.
    #[serde(rename = "invalidURLs")]
    invalid_urls: Vec<String>,
}

/// Scrapes a batch of pages, as Firecrawl's `/v2/batch/scrape`.
#[utoipa::path(
    post, path = "/v2/batch/scrape", tag = "Migration", operation_id = "firecrawlStartBatch",
    request_body = Asked,
    responses(
        (status = 200, description = "The batch has begun.", body = Started),
        (status = 400, description = "Not understood, or not done here.", body = failure::Body),
        (status = 401, description = "No API key.", body = failure::Body),
        (status = 403, description = "This key may not.", body = failure::Body),
        (status = 408, description = "The request took too long.", body = failure::Body),
        (status = 409, description = "The key was used for another batch.", body = failure::Body),
        (status = 413, description = "The body is too large.", body = failure::Body),
        (status = 415, description = "The body is no JSON.", body = failure::Body),
        (status = 429, description = "Too many requests.", body = failure::Body),
        (status = 503, description = "The server is full.", body = failure::Body),
    ),
)]
pub(super) async fn start(
    caller: Result<Submitter, Problem>,
    request: Request,
) -> Result<Response, Failure> {
    let Submitter(caller) = caller?;
    let (parts, body) = request.into_parts();
    let begun = async {
        let received = shim::read(&caller, &parts.headers, body).await?;
        begin(&caller, &parts.headers, &received.bytes).await
    };
    let begun = begun.await.inspect_err(|problem| caller.meters.refused(problem.kind()));
    Ok(json(StatusCode::OK, &begun?))
}

async fn begin(caller: &Caller, headers: &HeaderMap, body: &[u8]) -> Result<Started, Problem> {
    let mut fields = Fields::of(body)?;
    let asked = Plan::read(&mut fields);
    none_of(fields.end(&format!("urls, webhook, ignoreInvalidURLs, {KNOWN}")))?;
    let key = idempotency_key(caller, headers, body)?;
    let (id, now) = (JobId::draw(), caller.clock.now());
    let mut held = caller.budget.reservation();
    let Prepared { jobs, batch, invalid_urls, bytes } = asked.prepare(caller, id, now)?;
    if !held.grow(bytes as u64) {
        return Err(crate::body::busy());
    }
    let id = match keep(caller, id, batch, jobs, key, now).await? {
        Kept::New => id,
        Kept::Before(earlier) => earlier,
    };
    let url = format!("{}{BATCHES}{id}", shim::base(caller, headers));
    Ok(Started { success: true, id: shim::id_text(id), url, invalid_urls })
}

/// What a batch asks for.
struct Plan<'a> {
    urls: Vec<String>,
    options: Options<'a>,
    webhook: Option<Webhook<'a>>,
    ignore_invalid: bool,
}

/// A batch that may be accepted.
struct Prepared {
    jobs: Vec<NewJob>,
    batch: Batch,
    invalid_urls: Vec<String>,
    bytes: usize,
}

impl<'a> Plan<'a> {
    fn read(fields: &mut Fields<'a>) -> Self {
        fields.refuse_undone(&[
            ("appendToId", &[], "a batch is whole when it begins; start another"),
            (
                "maxConcurrency",
                &[],
                "how many pages are fetched at once is the operator's --per-host; leave it out",
            ),
        ]);
        let urls: Vec<String> = fields.take("urls").unwrap_or_default();
        if urls.is_empty() {
            fields.refuse("urls", "name at least one");
        }
        Self {
            urls,
            options: Options::read(fields),
            webhook: Webhook::read(fields, "webhook"),
            ignore_invalid: fields.take("ignoreInvalidURLs").unwrap_or(true),
        }
    }

    /// Checks every page, so that nothing is accepted of what is refused.
    fn prepare(&self, caller: &Caller, id: JobId, now: Timestamp) -> Result<Prepared, Problem> {
        let mut prepared = Prepared {
            jobs: Vec::with_capacity(self.urls.len() + 1),
            batch: Batch::new(now.as_millis()),
            invalid_urls: Vec::new(),
            bytes: 0,
        };
        let mut faults = Vec::new();
        // Jobs are listed newest first, and pages are told in the order in which they were asked
        // for: the last of them is the oldest.
        for (at, url) in self.urls.iter().enumerate().rev() {
            let own = Own {
                batch: Some(id),
                sink: self.webhook.as_ref().map(Webhook::of_jobs),
                metadata: self.webhook.as_ref().and_then(|webhook| webhook.metadata),
                retry: None,
            };
            match self.options.prepare(caller, url, own, now) {
                Ok(ready) => self.add(&mut prepared, ready)?,
                Err(problem) => {
                    let (own, of_all): (Vec<_>, Vec<_>) =
                        problem.into_faults().into_iter().partition(|fault| fault.is_at("/url"));
                    none_of(of_all)?;
                    let place = |fault: &Fault| Fault::at(format!("/urls/{at}"), fault.parts().1);
                    faults.extend(own.iter().map(place));
                    prepared.invalid_urls.push(url.clone());
                }
            }
        }
        if prepared.jobs.is_empty() || !self.ignore_invalid {
            faults.reverse();
            none_of(faults)?;
        }
        prepared.invalid_urls.reverse();
        prepared.batch.owner = caller.owner().map(|owner| owner.as_ref().to_owned());
        if let Some(webhook) = self.webhook.as_ref().filter(|webhook| webhook.started) {
            self.announce(&mut prepared, caller, id, webhook, now);
        }
        Ok(prepared)
    }

    fn add(&self, prepared: &mut Prepared, Ready { spec, job }: Ready) -> Result<(), Problem> {
        prepared.bytes += job.spec.len();
        if prepared.bytes > MOST_SPEC_BYTES {
            let detail = format!(
                "with what is asked for each, they take more than {MOST_SPEC_BYTES} bytes: send fewer at once"
            );
            return Err(Problem::faulty(Kind::Invalid, vec![Fault::at("/urls", detail)]));
        }
        if self.webhook.is_none() {
            // Where its key has it go.
            prepared.batch.sink_name = spec.sink_name;
        } else if let (None, Some(webhook)) = (&prepared.batch.sink, &self.webhook) {
            prepared.batch.sink = spec.sink;
            prepared.batch.metadata = spec.metadata;
            if let Some(sink) = &mut prepared.batch.sink {
                sink.events = webhook.of_batch();
            }
        }
        prepared.jobs.push(job);
        Ok(())
    }

    /// The notice that the batch has begun goes first.
    fn announce(
        &self,
        prepared: &mut Prepared,
        caller: &Caller,
        id: JobId,
        webhook: &Webhook<'_>,
        now: Timestamp,
    ) {
        let Some(mut sink) = prepared.batch.sink.clone() else {
            return;
        };
        sink.events.clear();
        let mut url = sink.url.clone();
        url.set_query(None);
        let spec = JobSpec {
            sink: Some(sink),
            notice: Some(started(id, webhook.metadata, now)),
            owner: prepared.batch.owner.clone(),
            ..JobSpec::new(url)
        };
        prepared.jobs.insert(0, caller.ready(spec, now).job);
    }
}

/// Which batch a request has begun.
enum Kept {
    New,
    /// One that the same request began before.
    Before(JobId),
}

/// Puts a batch and its jobs on disk.
async fn keep(
    caller: &Caller,
    id: JobId,
    mut batch: Batch,
    mut jobs: Vec<NewJob>,
    key: Option<Idempotency>,
    now: Timestamp,
) -> Result<Kept, Problem> {
    // Until this is dropped, more jobs may come to it: also when the caller goes away.
    let mut receiving = caller.receive(id, &batch).await?;
    if let Some(key) = key {
        // The key is that of a page: the last one, which is nobody's notice.
        let mut keyed = jobs.pop().expect("a batch has a page");
        keyed.idempotency = Some(key);
        caller.charge(1)?;
        let answers = caller.store.submit(vec![keyed], now).await;
        if !matches!(answers.as_deref(), Ok([Submitted::Created])) {
            caller.give_back(1);
        }
        match answers.map_err(|error| store_problem(&error))?.first() {
            Some(Submitted::Created) => {}
            Some(Submitted::Existing { id, .. }) => return before(caller, *id).await,
            Some(Submitted::Conflict { .. }) => {
                let fault = Fault::header(&IDEMPOTENCY_KEY, "was used for another batch");
                return Err(Problem::faulty(Kind::KeyReused, vec![fault]));
            }
            Some(Submitted::Full) | None => return Err(caller.queue_full()),
        }
    }
    caller.keep_batch(id, &batch).await?;
    receiving.stored();
    let accepted = jobs.len() as u64;
    if let Err(problem) = shim::submit(caller, jobs, now).await {
        call_off(caller, id).await?;
        return Err(problem);
    }
    caller.meters.accepted.increment(accepted);
    batch.is_closed = true;
    caller.keep_batch(id, &batch).await?;
    Ok(Kept::New)
}

/// The batch that a page came with.
async fn before(caller: &Caller, page: JobId) -> Result<Kept, Problem> {
    let (record, _) = caller.job(page).await?;
    let conflict = |detail| Problem::new(Kind::Conflict, detail);
    let id = record.group.ok_or_else(|| conflict("the key is that of a job without a batch"))?;
    if caller.batch(id).await?.is_closed {
        caller.meters.replayed.increment(1);
        return Ok(Kept::Before(id));
    }
    Err(conflict("the batch of this key is still being stored, or was cut short: take another key"))
}

fn idempotency_key(
    caller: &Caller,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Option<Idempotency>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = value.to_str().ok().filter(|key| (1..=MAX_KEY_BYTES).contains(&key.len()));
    let refused = || {
        let detail = format!("must have 1 to {MAX_KEY_BYTES} bytes of visible ASCII");
        Problem::faulty(Kind::Invalid, vec![Fault::header(&IDEMPOTENCY_KEY, detail)])
    };
    let key = caller.scoped(&format!("firecrawl:{}", key.ok_or_else(refused)?));
    let fingerprint = Sha256::digest(body).into();
    let since = caller.clock.now() - caller.config.idempotency_window;
    Ok(Some(Idempotency { key, fingerprint, since }))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FirecrawlBatchStatus)]
pub(super) struct Status<'a> {
    /// `true`
    success: bool,
    /// `scraping`, `completed` or `cancelled`.
    #[schema(value_type = String)]
    status: &'static str,
    /// Pages that were accepted.
    total: u64,
    /// Those that are there.
    completed: u64,
    /// Always 0: nothing is charged here.
    credits_used: u64,
    /// Until when the pages are kept at least.
    #[schema(value_type = String)]
    expires_at: jiff::Timestamp,
    /// Where the rest of them is; `null` when this is all there is.
    next: Option<String>,
    /// Pages that are there, in the order in which they were asked for.
    data: Vec<Document<'a>>,
}

/// How a batch goes, and its pages, as Firecrawl's.
#[utoipa::path(
    get, path = "/v2/batch/scrape/{id}", tag = "Migration", operation_id = "firecrawlGetBatch",
    params(
        ("id" = String, Path, description = "The batch's id."),
        ("cursor" = Option<String>, Query, description = "As `next` has it."),
    ),
    responses(
        (status = 200, description = "How it goes.", body = Status),
        (status = 400, description = "The cursor is not one.", body = failure::Body),
        (status = 401, description = "No API key.", body = failure::Body),
        (status = 403, description = "This key may not.", body = failure::Body),
        (status = 404, description = "There is no such batch.", body = failure::Body),
        (status = 429, description = "Too many requests.", body = failure::Body),
        (status = 503, description = "The server is full.", body = failure::Body),
    ),
)]
pub(super) async fn status(
    caller: Result<Reader, Problem>,
    path: PathParts,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Reader(caller) = caller?;
    let id = path_id(path)?;
    let batch = caller.batch(id).await?;
    let before = cursor(uri.query().unwrap_or_default())?;
    let group = caller.store.group(id).unwrap_or_default();
    let _slot = caller.listings.acquire().await.expect("the semaphore is never closed");
    let mut held = caller.budget.reservation();
    let (events, last) = page(&caller, id, before, &mut held).await?;
    let documents = events.iter().filter_map(|(record, event)| {
        let spec = spec_of(record).ok()?;
        Some(Document::new(record.id, Event::read(event)?.data, &spec.html_names))
    });
    let answer = Status {
        success: true,
        status: state(&batch, group),
        total: group.jobs,
        completed: group.succeeded + group.unchanged,
        credits_used: 0,
        expires_at: rfc3339(Timestamp::from_millis(batch.created_ms) + caller.config.retain),
        next: last
            .map(|last| format!("{}{BATCHES}{id}?cursor={last}", shim::base(&caller, &headers))),
        data: documents.collect(),
    };
    let body = serde_json::to_vec(&answer).expect("string keys, and a Vec takes every byte");
    let mut response = json(StatusCode::OK, &());
    *response.body_mut() = held.bind(body.into()).into();
    Ok(response)
}

/// What Firecrawl calls the state of a batch.
fn state(batch: &Batch, group: Group) -> &'static str {
    match (batch.is_closed && group.open() == 0, group.cancelled) {
        (false, _) => "scraping",
        (true, 0) => "completed",
        (true, _) => "cancelled",
    }
}

fn cursor(query: &str) -> Result<Option<JobId>, Problem> {
    let mut before = None;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let refused =
            |detail: &str| Problem::faulty(Kind::BadRequest, vec![Fault::parameter(&name, detail)]);
        match &*name {
            "cursor" => {
                before = Some(value.parse().map_err(|_| refused("not a cursor of this server"))?);
            }
            _ => return Err(refused("unknown; known is cursor")),
        }
    }
    Ok(before)
}

type Stored = Vec<(Record, bytes::Bytes)>;

/// The events of pages that are there, and after which job the rest of them comes.
async fn page(
    caller: &Caller,
    id: JobId,
    mut before: Option<JobId>,
    held: &mut crate::budget::Reservation,
) -> Result<(Stored, Option<JobId>), Problem> {
    let (mut events, mut bytes) = (Vec::new(), 0);
    loop {
        let records = of_batch(caller, id, before).await?;
        let exhausted = records.len() < SLICE;
        for record in records {
            if events.len() == PAGE_DOCUMENTS || bytes > PAGE_BYTES {
                return Ok((events, before));
            }
            let place = record.id;
            if shim::brought_a_page(&record) {
                match shim::event(caller, &record, held).await {
                    Ok(Some(event)) => {
                        bytes += event.len();
                        events.push((record, event));
                    }
                    Ok(None) => {}
                    // There is no room for more in memory: the rest is another answer's.
                    Err(problem) if problem.kind() == Kind::Busy && !events.is_empty() => {
                        return Ok((events, before));
                    }
                    Err(problem) => return Err(problem),
                }
            }
            before = Some(place);
        }
        if exhausted {
            return Ok((events, None));
        }
    }
}

async fn of_batch(
    caller: &Caller,
    id: JobId,
    before: Option<JobId>,
) -> Result<Vec<Record>, Problem> {
    let filter = Filter { group: Some(id), ..Filter::default() };
    caller.store.list(filter, before, SLICE).await.map_err(|error| store_problem(&error))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FirecrawlBatchErrors)]
pub(super) struct Errors {
    /// Pages that cannot be had.
    errors: Vec<PageError>,
    /// Those of them that the sites' robots.txt disallow.
    robots_blocked: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = FirecrawlPageError)]
struct PageError {
    id: String,
    #[schema(value_type = String)]
    timestamp: jiff::Timestamp,
    url: String,
    #[schema(value_type = String)]
    code: &'static str,
    error: String,
}

/// Which pages of a batch cannot be had, and why, as Firecrawl's.
#[utoipa::path(
    get, path = "/v2/batch/scrape/{id}/errors", tag = "Migration", operation_id = "firecrawlGetBatchErrors",
    params(("id" = String, Path, description = "The batch's id.")),
    responses(
        (status = 200, description = "At most 10,000 of them.", body = Errors),
        (status = 401, description = "No API key.", body = failure::Body),
        (status = 403, description = "This key may not.", body = failure::Body),
        (status = 404, description = "There is no such batch.", body = failure::Body),
        (status = 429, description = "Too many requests.", body = failure::Body),
        (status = 503, description = "The server is full.", body = failure::Body),
    ),
)]
pub(super) async fn errors(
    caller: Result<Reader, Problem>,
    path: PathParts,
) -> Result<Response, Failure> {
    let Reader(caller) = caller?;
    let id = path_id(path)?;
    caller.batch(id).await?;
    let _slot = caller.listings.acquire().await.expect("the semaphore is never closed");
    let mut answer = Errors { errors: Vec::new(), robots_blocked: Vec::new() };
    let mut before = None;
    loop {
        let records = of_batch(&caller, id, before).await?;
        let exhausted = records.len() < SLICE;
        for record in records {
            before = Some(record.id);
            if record.verdict == Some(Verdict::Failed) {
                answer.add(&caller, &record).await?;
            }
        }
        if exhausted || answer.errors.len() >= MOST_ERRORS {
            return Ok(json(StatusCode::OK, &answer));
        }
    }
}

impl Errors {
    async fn add(&mut self, caller: &Caller, record: &Record) -> Result<(), Problem> {
        let mut held = caller.budget.reservation();
        let event = shim::event(caller, record, &mut held).await?;
        let reason = event.as_deref().and_then(Event::read).and_then(|event| event.data.error);
        let url = spec_of(record)?.url.to_string();
        if reason.as_ref().is_some_and(|reason| reason.code == "robots_disallowed") {
            self.robots_blocked.push(url.clone());
        }
        let told = reason.as_ref().map(explained).or_else(|| record.note.clone());
        self.errors.push(PageError {
            id: shim::id_text(record.id),
            timestamp: rfc3339(record.updated_at),
            url,
            code: failure::code(reason.as_ref().map_or("", |reason| &reason.code)),
            error: told.unwrap_or_default(),
        });
        Ok(())
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = FirecrawlBatchCancelled)]
pub(super) struct CalledOff {
    /// `true`
    success: bool,
    /// `cancelled`
    #[schema(value_type = String)]
    status: &'static str,
}

/// Calls a batch off, as Firecrawl's: pages that are there stay.
#[utoipa::path(
    delete, path = "/v2/batch/scrape/{id}", tag = "Migration", operation_id = "firecrawlCancelBatch",
    params(("id" = String, Path, description = "The batch's id.")),
    responses(
        (status = 200, description = "It was called off.", body = CalledOff),
        (status = 401, description = "No API key.", body = failure::Body),
        (status = 403, description = "This key may not.", body = failure::Body),
        (status = 404, description = "There is no such batch.", body = failure::Body),
        (status = 409, description = "It was over.", body = failure::Body),
        (status = 429, description = "Too many requests.", body = failure::Body),
        (status = 503, description = "The server is full.", body = failure::Body),
    ),
)]
pub(super) async fn cancel(
    caller: Result<Submitter, Problem>,
    path: PathParts,
) -> Result<Response, Failure> {
    let Submitter(caller) = caller?;
    let id = path_id(path)?;
    caller.batch(id).await?;
    let group = caller.store.group(id).unwrap_or_default();
    if group.open() == 0 && group.cancelled == 0 {
        let detail = format!("batch {id} is over and cannot be cancelled");
        return Err(Problem::new(Kind::Conflict, detail).into());
    }
    call_off(&caller, id).await?;
    Ok(json(StatusCode::OK, &CalledOff { success: true, status: "cancelled" }))
}

/// Calls off what is left of a batch, even if the caller goes away meanwhile.
async fn call_off(caller: &Caller, id: JobId) -> Result<(), Problem> {
    caller.load_batches().await.map_err(|error| store_problem(&error))?;
    let Some(calling_off) = batches::call_off(caller, id) else {
        return Ok(()); // Somebody does it already.
    };
    let gone = |_| Err(Problem::new(Kind::Internal, "the batch was not called off"));
    calling_off.await.unwrap_or_else(gone)
}
