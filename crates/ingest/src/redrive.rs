use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{StatusCode, Uri};
use jobs::{Clock, ErrorKind, Filter, JobId, Record, Redrive, Redriven, Store, Timestamp, Verdict};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::auth::{Caller, Reader, Submitter};
use crate::body::{self, Typing};
use crate::description::{BadParameter, JobIdText, MomentText, RedriveStatus};
use crate::keys::{Key, Limit};
use crate::problem::{Fault, Kind, Problem};
use crate::read::{PathParts, path_id};
use crate::selection::{self, Moment, Selection};
use crate::view::{json, rfc3339};
use crate::{JobSpec, Pipeline, Status, parse};

/// Redrives under way at once.
const RUNNING: usize = 4;
/// Redrives that are remembered, those under way included.
const KEPT: usize = 100;
/// What a caller waits while as many are under way as may be, in seconds.
const RUNNING_RETRY_S: u64 = 10;
const DEFAULT_LIMIT: u64 = 10_000;
const MAX_LIMIT: u64 = 1_000_000;
/// Records read from the store at once: each may carry a spec as large as a body.
const SLICE: usize = 32;
/// Jobs redriven between two looks at how much is waiting.
const BATCH: usize = 64;
/// How long to wait before looking again, for room and for space.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How long a full disk is waited for.
const NO_SPACE_PATIENCE: u32 = 240;
/// Whoever stops a redrive waits for its end this long.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// Events up to this length are read to see why a job failed.
const SHORT_EVENT_BYTES: u64 = 64 << 10;
const WHERE: &str = "/v1/redrive/";

/// What is done to each job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RedriveAction)]
enum Action {
    /// Its stored event is sent once more.
    Redeliver,
    /// It starts again from its URL.
    Refetch,
}

/// A redrive as its caller writes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"action\": \"redeliver\"}")]
#[schema(as = RedriveRequest)]
struct Wish {
    /// `redeliver` sends the stored event once more; `refetch` starts again from the URL.
    #[schema(required = true, nullable = false)]
    action: Option<Action>,
    /// Statuses of jobs that are over; `["undelivered"]` by default.
    #[schema(min_items = 1)]
    status: Option<Vec<Status>>,
    /// Whose event goes, or was last sent, to this sink: its name, its URL (with or without the
    /// query), or its lane.
    #[schema(min_length = 1, max_length = 2048)]
    sink: Option<String>,
    /// Whose URL has this host.
    host: Option<String>,
    /// With this tag.
    #[schema(min_length = 1, max_length = 2048)]
    tag: Option<String>,
    /// Accepted at this time or later.
    #[schema(value_type = Option<MomentText>)]
    since: Option<String>,
    /// Accepted before this time.
    #[schema(value_type = Option<MomentText>)]
    until: Option<String>,
    /// Why the job failed: `error.code` of its event, or the `outcome` of its last attempt.
    #[schema(pattern = "^[a-z0-9_]{1,64}$")]
    error: Option<String>,
    /// Deliver to the sink of this name instead of the job's own.
    to: Option<String>,
    /// Most jobs; 10,000 by default. The oldest count.
    #[schema(minimum = 1, maximum = 1_000_000)]
    limit: Option<u64>,
    /// Only count what fits.
    dry_run: Option<bool>,
}

/// A redrive that can be done.
#[derive(Debug)]
struct Plan {
    action: Action,
    selection: Selection,
    /// Why the job failed, in one word.
    error: Option<String>,
    /// Another sink.
    to: Option<String>,
    limit: u64,
    dry_run: bool,
}

impl Wish {
    /// The plan, or everything that is wrong.
    fn check(self, api: &Caller, now: Timestamp) -> Result<Plan, Problem> {
        let mut faults = Vec::new();
        let mut fault = |at: &str, detail: &str| faults.push(Fault::at(at, detail));
        if self.action.is_none() {
            fault("/action", "required: redeliver or refetch");
        }
        let action = self.action.unwrap_or(Action::Redeliver);
        let statuses = self.status.unwrap_or_else(|| vec![Status::Undelivered]);
        if statuses.is_empty() {
            fault("/status", "name at least one status, or leave it out for undelivered");
        }
        for (at, status) in statuses.iter().enumerate() {
            if !status.is_over() {
                fault(&format!("/status/{at}"), "jobs of this status are not over yet");
            } else if statuses[..at].contains(status) {
                fault(&format!("/status/{at}"), "given twice");
            }
        }
        let mut text = |at: &str, given: Option<String>, read: Read| {
            let read = given.map(|text| read(&text)).transpose();
            read.unwrap_or_else(|detail| {
                fault(at, detail);
                None
            })
        };
        let sink = text("/sink", self.sink, selection::sink);
        let host = text("/host", self.host, selection::host);
        let tag = text("/tag", self.tag, selection::words);
        let error = text("/error", self.error, code);
        let mut moment = |at: &str, given: Option<String>| {
            let moment = Moment::read(&given?);
            moment.map_err(|detail| fault(at, detail)).ok().map(|moment| moment.at(now))
        };
        let (since, until) = (moment("/since", self.since), moment("/until", self.until));
        if since.is_some() && until.is_some() && since >= until {
            fault("/until", "not later than `since`");
        }
        if let Some(name) = &self.to {
            if action == Action::Refetch {
                fault("/to", "only a redelivery goes to another sink");
            } else if api.sinks.sink(name).is_none() {
                fault("/to", &format!("there is no sink {name}"));
            } else if let Err(detail) = api.may_send(name) {
                fault("/to", &detail);
            }
        }
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            fault("/limit", &format!("not a number from 1 to {MAX_LIMIT}"));
        }
        if !faults.is_empty() {
            return Err(Problem::faulty(Kind::InvalidRequest, faults));
        }
        let owner = api.owner().cloned();
        let selection =
            Selection { statuses, sink, host, tag, since, until, owner, ..Selection::default() };
        let dry_run = self.dry_run.unwrap_or(false);
        Ok(Plan { action, selection, error, to: self.to, limit, dry_run })
    }
}

type Read = fn(&str) -> Result<String, &'static str>;

/// One word, as the reasons of failures are.
fn code(text: &str) -> Result<String, &'static str> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if fits { Ok(text.to_owned()) } else { Err("not an error code such as timeout") }
}

/// Redrives jobs that are over.
///
/// All that fit, in the background, the oldest first. Starting the same again is safe: it finds
/// what is left. Four run at once.
#[utoipa::path(
    post, path = "/v1/redrive", tag = "Redrive", operation_id = "startRedrive",
    request_body(content = Wish, content_type = "application/json", description = "Which jobs, and what to do with them.", example = json!({"action": "redeliver", "sink": "orders", "since": "24h"})),
    responses(
        (
            status = 202, body = View, description = "It has begun.",
            headers(("Location" = String, description = "Where it can be followed.")),
        ),
    ),
)]
pub(crate) async fn start(
    Submitter(api): Submitter,
    request: Request,
) -> Result<Response, Problem> {
    let (Parts { headers, .. }, body) = request.into_parts();
    body::check_type(&headers, Typing::Strict)?;
    let config = &api.config;
    let received = body::read(body, config.max_body, config.body_timeout, &api.budget).await?;
    let plan = parse::object::<Wish>(&received.bytes, Kind::InvalidRequest)?
        .check(&api, api.clock.now())?;
    let run = api.redrives.start(&api, plan)?;
    let mut response = json(StatusCode::ACCEPTED, &run.view());
    let location = HeaderValue::try_from(format!("{WHERE}{}", run.id)).expect("a path of ASCII");
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

#[derive(Serialize, ToSchema)]
#[schema(as = RedriveList)]
struct List {
    redrives: Vec<View>,
}

/// Lists the latest redrives, the newest first.
#[utoipa::path(
    get, path = "/v1/redrive", tag = "Redrive", operation_id = "listRedrives",
    responses((status = 200, body = List, description = "The latest hundred."), BadParameter),
)]
pub(crate) async fn list(Reader(api): Reader, uri: Uri) -> Result<Response, Problem> {
    let query = uri.query().unwrap_or_default();
    if let Some((name, _)) = url::form_urlencoded::parse(query.as_bytes()).next() {
        let fault = Fault::parameter(&name, "unknown; there are none");
        return Err(Problem::faulty(Kind::BadRequest, vec![fault]));
    }
    let runs = api.redrives.lock().runs.clone();
    let runs = runs.iter().rev().filter(|run| api.may_see(run.owner()));
    let redrives = runs.map(|run| run.view()).collect();
    Ok(json(StatusCode::OK, &List { redrives }))
}

/// Shows how far a redrive is.
#[utoipa::path(
    get, path = "/v1/redrive/{id}", tag = "Redrive", operation_id = "getRedrive",
    params(("id" = JobIdText, Path, description = "The redrive's id.")),
    responses((status = 200, body = View, description = "The redrive.")),
)]
pub(crate) async fn show(Reader(api): Reader, path: PathParts) -> Result<Response, Problem> {
    let run = api.redrives.find(&api, path_id(path)?)?;
    Ok(json(StatusCode::OK, &run.view()))
}

/// Stops a redrive.
///
/// What was redriven stays so.
#[utoipa::path(
    delete, path = "/v1/redrive/{id}", tag = "Redrive", operation_id = "stopRedrive",
    params(("id" = JobIdText, Path, description = "The redrive's id.")),
    responses((status = 200, body = View, description = "The redrive, as it stands.")),
)]
pub(crate) async fn stop(Submitter(api): Submitter, path: PathParts) -> Result<Response, Problem> {
    let run = api.redrives.find(&api, path_id(path)?)?;
    run.stop.cancel();
    // When it takes longer the answer says that it is still running.
    let _ = tokio::time::timeout(STOP_PATIENCE, run.over.cancelled()).await;
    Ok(json(StatusCode::OK, &run.view()))
}

/// The latest redrives. They end with the router.
#[derive(Default)]
pub(crate) struct Redrives(Mutex<Table>);

#[derive(Default)]
struct Table {
    /// Oldest first.
    runs: VecDeque<Arc<Run>>,
    tasks: JoinSet<()>,
}

impl Redrives {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The redrive with this id. Another's is not there.
    fn find(&self, caller: &Caller, id: JobId) -> Result<Arc<Run>, Problem> {
        let found = self.lock().runs.iter().find(|run| run.id == id).cloned();
        let found = found.filter(|run| caller.may_see(run.owner()));
        let detail = || {
            format!(
                "there is no redrive {id}; the latest {KEPT} are remembered until the server stops"
            )
        };
        found.ok_or_else(|| Problem::new(Kind::NotFound, detail()))
    }

    fn start(&self, api: &Caller, plan: Plan) -> Result<Arc<Run>, Problem> {
        let mut table = self.lock();
        while let Some(ended) = table.tasks.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "a redrive panicked");
            }
        }
        let running = table.runs.iter().filter(|run| !run.over.is_cancelled()).count();
        if running >= RUNNING {
            let detail = format!("{running} redrives are under way, which is as many as may be");
            return Err(Problem::new(Kind::TooMany, detail).retry_after(RUNNING_RETRY_S));
        }
        let run = Arc::new(Run {
            id: JobId::draw(),
            plan,
            created_at: api.clock.now(),
            stop: CancellationToken::new(),
            over: CancellationToken::new(),
            tally: Mutex::default(),
        });
        let worker = Worker {
            store: Arc::clone(&api.store),
            clock: Arc::clone(&api.clock),
            pipeline: Arc::clone(&api.pipeline),
            listings: Arc::clone(&api.listings),
            most_jobs: api.config.redrive_live_jobs,
            most_bytes: api.config.redrive_live_bytes,
            key: api.key().cloned(),
            run: Arc::clone(&run),
        };
        table.tasks.spawn(worker.run());
        if table.runs.len() == KEPT {
            // There are more than may run, so one of them is over.
            let oldest = table.runs.iter().position(|run| run.over.is_cancelled());
            table.runs.remove(oldest.unwrap_or(0));
        }
        table.runs.push_back(Arc::clone(&run));
        Ok(run)
    }
}

/// One redrive.
struct Run {
    id: JobId,
    plan: Plan,
    created_at: Timestamp,
    /// Somebody wants it to end.
    stop: CancellationToken,
    /// It has ended.
    over: CancellationToken,
    tally: Mutex<Tally>,
}

/// How far it is.
#[derive(Clone, Debug, Default)]
struct Tally {
    scanned: u64,
    matched: u64,
    redriven: u64,
    skipped: u64,
    failed: u64,
    waiting_for_room: bool,
    end: Option<(End, Timestamp)>,
}

#[derive(Clone, Debug)]
enum End {
    Done,
    Stopped,
    Failed(String),
}

/// A redrive, as its caller sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Redrive)]
struct View {
    #[schema(value_type = JobIdText)]
    id: String,
    action: Action,
    #[schema(value_type = RedriveStatus)]
    status: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    dry_run: bool,
    limit: u64,
    /// The sink that it delivers to, if not to each job's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Jobs looked at.
    scanned: u64,
    /// Jobs that fit.
    matched: u64,
    redriven: u64,
    /// Jobs that changed meanwhile, or have no event, no sink or a deadline that passed.
    skipped: u64,
    failed: u64,
    /// More jobs fit than `limit`.
    more: bool,
    /// It waits while so many jobs are under way that the queue would fill up.
    waiting_for_room: bool,
    created_at: jiff::Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<jiff::Timestamp>,
}

impl Run {
    fn owner(&self) -> Option<&str> {
        self.plan.selection.owner.as_deref()
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> View {
        let tally = self.tally().clone();
        let (status, why) = match &tally.end {
            None => ("running", None),
            Some((End::Done, _)) => ("done", None),
            Some((End::Stopped, _)) => ("stopped", None),
            Some((End::Failed(why), _)) => ("failed", Some(why.clone())),
        };
        View {
            id: self.id.to_string(),
            action: self.plan.action,
            status,
            why,
            dry_run: self.plan.dry_run,
            limit: self.plan.limit,
            to: self.plan.to.clone(),
            scanned: tally.scanned,
            matched: tally.matched,
            redriven: tally.redriven,
            skipped: tally.skipped,
            failed: tally.failed,
            more: tally.matched > self.plan.limit,
            waiting_for_room: tally.waiting_for_room,
            created_at: rfc3339(self.created_at),
            ended_at: tally.end.map(|(_, at)| rfc3339(at)),
        }
    }

    /// Only the first end counts.
    fn end(&self, end: End, at: Timestamp) {
        let mut tally = self.tally();
        tally.waiting_for_room = false;
        tally.end.get_or_insert((end, at));
        drop(tally);
        self.over.cancel();
    }
}

/// Why a redrive ends early.
enum Halt {
    Stopped,
    Failed(String),
}

impl From<jobs::Error> for Halt {
    fn from(error: jobs::Error) -> Self {
        Self::Failed(format!("the store does not work: {error}"))
    }
}

/// What does a redrive. It keeps nothing of the API alive but what it works with.
struct Worker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    pipeline: Arc<dyn Pipeline>,
    listings: Arc<Semaphore>,
    most_jobs: u64,
    most_bytes: u64,
    /// The key of whoever wants it.
    key: Option<Arc<Key>>,
    run: Arc<Run>,
}

/// A worker that is torn down has ended too.
struct Last<'a>(&'a Worker);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        let why = "it was broken off".to_owned();
        self.0.run.end(End::Failed(why), self.0.clock.now());
    }
}

impl Worker {
    async fn run(self) {
        let last = Last(&self);
        let end = match self.work().await {
            Ok(()) => End::Done,
            Err(Halt::Stopped) => End::Stopped,
            Err(Halt::Failed(why)) => End::Failed(why),
        };
        let id = self.run.id;
        let Tally { matched, redriven, skipped, failed, .. } = self.run.tally().clone();
        tracing::info!(redrive.id = %id, ?end, matched, redriven, skipped, failed, "redrive over");
        self.run.end(end, self.clock.now());
        drop(last);
    }

    async fn work(&self) -> Result<(), Halt> {
        let found = self.scan().await?;
        if self.run.plan.dry_run {
            return Ok(());
        }
        // The oldest first, so that events come in the order in which they came to be.
        for (at, id) in found.into_iter().rev().enumerate() {
            if at % BATCH == 0 {
                tokio::task::yield_now().await;
                self.room().await?;
            }
            self.go_on()?;
            self.one(id).await?;
        }
        Ok(())
    }

    fn go_on(&self) -> Result<(), Halt> {
        if self.run.stop.is_cancelled() {
            return Err(Halt::Stopped);
        }
        let now = self.clock.now();
        let checked = self.key.as_ref().map_or(Ok(()), |key| key.check(now));
        checked.map_err(|why| Halt::Failed(why.to_owned()))
    }

    /// Counts a page that is fetched again as a job of the key: its rate is waited for, the end of
    /// its quota is the end.
    async fn pay(&self) -> Result<(), Halt> {
        let Some(key) = &self.key else {
            return Ok(());
        };
        loop {
            self.go_on()?;
            let charged = key.meter().charge(1, self.clock.now());
            match charged {
                Ok(()) => return Ok(()),
                Err(short) if short.limit == Limit::Rate => self.pause().await?,
                Err(short) => {
                    let why = format!("the quota of this key is {}", short.allowance);
                    return Err(Halt::Failed(why));
                }
            }
        }
    }

    /// Waits, unless somebody wants the end.
    async fn pause(&self) -> Result<(), Halt> {
        tokio::select! {
            () = self.run.stop.cancelled() => Err(Halt::Stopped),
            () = tokio::time::sleep(LOOK_AGAIN) => Ok(()),
        }
    }

    /// The jobs that fit, newest first: the oldest `limit` of them. 16 bytes each.
    async fn scan(&self) -> Result<VecDeque<JobId>, Halt> {
        let plan = &self.run.plan;
        let filter = plan.selection.filter(&*self.pipeline);
        let mut found = VecDeque::new();
        let mut before = plan.selection.begin(None);
        loop {
            self.go_on()?;
            let slot = self.listings.acquire().await.expect("the semaphore is never closed");
            let records = self.list(&filter, before).await?;
            let exhausted = records.len() < SLICE;
            for record in records {
                if plan.selection.is_past(record.id) {
                    return Ok(found);
                }
                before = Some(record.id);
                let fits = self.fits(&record).await?;
                let mut tally = self.run.tally();
                tally.scanned += 1;
                tally.matched += u64::from(fits);
                drop(tally);
                if fits {
                    found.push_back(record.id);
                    if found.len() as u64 > plan.limit {
                        found.pop_front();
                    }
                }
            }
            if exhausted {
                return Ok(found);
            }
            drop(slot);
            tokio::task::yield_now().await;
        }
    }

    async fn list(&self, filter: &Filter, before: Option<JobId>) -> Result<Vec<Record>, Halt> {
        Ok(self.store.list(filter.clone(), before, SLICE).await?)
    }

    async fn fits(&self, record: &Record) -> Result<bool, Halt> {
        let plan = &self.run.plan;
        if !plan.selection.admits(&*self.pipeline, record) {
            return Ok(false);
        }
        if plan.selection.is_narrow() {
            let spec = JobSpec::from_bytes(&record.spec);
            if !spec.is_ok_and(|spec| plan.selection.admits_spec(record, &spec)) {
                return Ok(false);
            }
        }
        match &plan.error {
            Some(code) => self.failed_with(record, code).await,
            None => Ok(true),
        }
    }

    /// Whether this is why the job failed: what its event says, or what became of the last attempt
    /// to fetch or to deliver.
    async fn failed_with(&self, record: &Record, code: &str) -> Result<bool, Halt> {
        let short = record.result_bytes.is_some_and(|bytes| bytes <= SHORT_EVENT_BYTES);
        if record.verdict == Some(Verdict::Failed) && short {
            // A damaged one says nothing.
            let event = self.store.result(record.id).await.unwrap_or_default();
            if event.is_some_and(|event| error_code(&event).as_deref() == Some(code)) {
                return Ok(true);
            }
        }
        let entries = self.store.attempts(record.id).await?.unwrap_or_default();
        let entries = entries.iter().filter_map(|entry| serde_json::from_slice(entry).ok());
        let mut last: Vec<Attempt> = Vec::new();
        for entry in entries {
            let entry: Attempt = entry;
            last.retain(|other| other.stage != entry.stage);
            last.push(entry);
        }
        Ok(last.iter().any(|entry| entry.outcome == code))
    }

    /// Waits until so little is under way that there is room for more.
    async fn room(&self) -> Result<(), Halt> {
        loop {
            self.go_on()?;
            let counts = self.store.counts();
            let full = counts.live() >= self.most_jobs || counts.live_bytes >= self.most_bytes;
            self.run.tally().waiting_for_room = full;
            if !full {
                return Ok(());
            }
            self.pause().await?;
        }
    }

    async fn one(&self, id: JobId) -> Result<(), Halt> {
        let Some(record) = self.store.get(id).await? else {
            self.run.tally().skipped += 1;
            return Ok(());
        };
        let Ok(spec) = JobSpec::from_bytes(&record.spec) else {
            self.run.tally().failed += 1;
            return Ok(());
        };
        let redriven = match self.aim(&record, &spec) {
            Some(to) => {
                if self.run.plan.action == Action::Refetch {
                    self.pay().await?;
                }
                self.redrive(id, to).await?
            }
            None => Redriven::Unknown,
        };
        let mut tally = self.run.tally();
        match redriven {
            Redriven::Yes => tally.redriven += 1,
            Redriven::Live | Redriven::Unknown => tally.skipped += 1,
        }
        Ok(())
    }

    /// Where the job goes; `None` when it cannot go, or is not what it was when it was found.
    fn aim(&self, record: &Record, spec: &JobSpec) -> Option<Redrive> {
        let plan = &self.run.plan;
        if !plan.selection.admits(&*self.pipeline, record) {
            return None;
        }
        let now = self.clock.now();
        match plan.action {
            Action::Redeliver => {
                record.result_bytes?;
                self.pipeline.redeliver(spec, plan.to.as_deref(), now)
            }
            Action::Refetch => {
                let late = spec.deadline().is_some_and(|deadline| deadline <= now);
                let can = spec.notice.is_none() && !late;
                can.then(|| self.pipeline.refetch(spec, now))
            }
        }
    }

    /// A full disk is waited for; anything else that is wrong with the store is the end.
    async fn redrive(&self, id: JobId, to: Redrive) -> Result<Redriven, Halt> {
        let mut patience = NO_SPACE_PATIENCE;
        loop {
            match self.store.redrive(id, to.clone(), self.clock.now()).await {
                Err(error) if error.kind() == ErrorKind::NoSpace && patience > 0 => {
                    patience -= 1;
                    self.pause().await?;
                }
                answer => return Ok(answer?),
            }
        }
    }
}

/// An entry of the ledger, as far as it matters here.
#[derive(Deserialize)]
struct Attempt {
    stage: String,
    outcome: String,
}

/// `data.error.code` of an event.
fn error_code(event: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Event {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        error: Reason,
    }
    #[derive(Deserialize)]
    struct Reason {
        code: String,
    }

    serde_json::from_slice::<Event>(event).ok().map(|event| event.data.error.code)
}
