//! An API over a memory store, with a small pipeline of two stages.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use ingest::{
    Config, Feed, JobSpec, Pick, Pipeline, Refusal, Robots, Select, Sinks, Status, Upkeep,
};
use jobs::{
    Bounds, Claimed, Clock, Filter, JobId, LaneKey, LaneLimit, MemoryStore, Next, Outcome, Record,
    Redrive, Settled, Settlement, Stage, StageConfig, State, Store, Timestamp, Verdict,
};
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt as _;
use url::Url;

pub(crate) const SCRAPE: Stage = Stage::from_static("scrape");
pub(crate) const DELIVER: Stage = Stage::from_static("deliver");
/// 2026-11-22T10:00:00Z
pub(crate) const START_MS: u64 = 1_795_341_600_000;

/// A clock that stands until it is moved.
pub(crate) struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

struct TwoStages;

fn lane(url: &Url) -> LaneKey {
    LaneKey::new(url.host_str().unwrap_or_default())
}

impl Pipeline for TwoStages {
    fn first(&self, spec: &JobSpec) -> (Stage, LaneKey) {
        match (&spec.notice, &spec.sink_name) {
            (Some(_), Some(name)) => (DELIVER, LaneKey::new(name)),
            _ => (SCRAPE, lane(&spec.url)),
        }
    }

    fn cancelled(&self, id: JobId, spec: &JobSpec, now: Timestamp) -> Option<Next> {
        let sink = spec.sink.as_ref()?;
        Some(Next {
            stage: DELIVER,
            lane: lane(&sink.url),
            due: now,
            verdict: Verdict::Cancelled,
            result: Bytes::from(format!("{{\"cancelled\":\"{id}\"}}")),
        })
    }

    fn refetch(&self, spec: &JobSpec, now: Timestamp) -> Redrive {
        Redrive { stage: SCRAPE, lane: lane(&spec.url), due: now }
    }

    fn redeliver(&self, spec: &JobSpec, to: Option<&str>, now: Timestamp) -> Option<Redrive> {
        let lane = match to {
            Some(name) => LaneKey::new(name),
            None => lane(&spec.sink.as_ref()?.url),
        };
        Some(Redrive { stage: DELIVER, lane, due: now })
    }

    fn status(&self, record: &Record) -> Status {
        match (record.state, record.verdict) {
            (State::Cancelled, _) | (_, Some(Verdict::Cancelled)) => Status::Cancelled,
            (State::Waiting | State::Leased, _) if record.stage == DELIVER => Status::Delivering,
            (State::Waiting, _) => Status::Queued,
            (State::Leased, _) => Status::Fetching,
            (State::Done, Some(Verdict::Failed)) => Status::Failed,
            (State::Done, _) if record.stage == DELIVER => Status::Delivered,
            (State::Done, _) => Status::Fetched,
            (State::Dead, _) => Status::Undelivered,
        }
    }

    fn filter(&self, status: Status) -> Filter {
        let states = match status {
            Status::Queued => vec![State::Waiting],
            // Wider than asked for: the rest is the listing's to leave out.
            _ => Vec::new(),
        };
        Filter { states, ..Filter::default() }
    }

    fn admit_target(&self, url: &Url) -> Result<(), String> {
        match url.host_str() {
            Some("127.0.0.1") => Err("127.0.0.1 may not be fetched".to_owned()),
            _ => Ok(()),
        }
    }

    fn admit_sink(&self, url: &Url) -> Result<(), String> {
        match url.host_str() {
            Some("127.0.0.1") => Err("127.0.0.1 may not be sent to".to_owned()),
            _ => Ok(()),
        }
    }

    fn admit_proxy(&self, proxy: &str) -> Result<(), String> {
        match proxy.starts_with("http://proxy.example") {
            true => Ok(()),
            false => Err("not a proxy that may be used".to_owned()),
        }
    }

    fn admit_robots(&self, robots: Robots) -> Result<(), String> {
        match robots {
            Robots::Obey => Ok(()),
            Robots::Ignore => Err("robots.txt is obeyed here".to_owned()),
        }
    }

    fn admit_select(&self, select: &Select) -> Result<(), Vec<Refusal>> {
        let bad = select.0.iter().filter(|(_, pick)| *pick == Pick::Css("[".to_owned()));
        let refusal = |name: &String| Refusal {
            pointer: format!("/{name}/css"),
            detail: "not a selector".to_owned(),
        };
        let refused: Vec<_> = bad.map(|(name, _)| refusal(name)).collect();
        if refused.is_empty() { Ok(()) } else { Err(refused) }
    }
}

/// The parts of a small server, and what a test does with them.
pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) feed: Feed,
    /// Until somebody runs it.
    pub(crate) upkeep: Mutex<Option<Upkeep>>,
    clock: Arc<Hand>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Holds that this is problem details of RFC 9457 with this status; gives its detail.
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json");
        let body = self.json();
        assert_eq!(body["status"], status);
        assert!(body["type"].as_str().unwrap().starts_with("urn:pagewire:problem:"));
        assert!(body["instance"].as_str().unwrap().starts_with("urn:uuid:"));
        assert!(!body["title"].as_str().unwrap().is_empty());
        body["detail"].as_str().unwrap().to_owned()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Config::default(), Bounds::default())
    }

    pub(crate) fn with(config: Config, bounds: Bounds) -> Self {
        Self::composed(config, bounds, Arc::new(ingest::NoSinks), |store| store)
    }

    /// With these sinks, over what `wrap` makes of the store.
    pub(crate) fn composed(
        config: Config,
        bounds: Bounds,
        sinks: Arc<dyn Sinks>,
        wrap: impl FnOnce(Arc<MemoryStore>) -> Arc<dyn Store>,
    ) -> Self {
        let stage = |stage| StageConfig::new(stage, LaneLimit::default());
        let stages = vec![stage(SCRAPE), stage(DELIVER)];
        let store = MemoryStore::new(jobs::Config { stages, bounds });
        Self::over(config, store, sinks, wrap)
    }

    /// As after a restart, over the store of another.
    pub(crate) fn over(
        config: Config,
        store: Arc<MemoryStore>,
        sinks: Arc<dyn Sinks>,
        wrap: impl FnOnce(Arc<MemoryStore>) -> Arc<dyn Store>,
    ) -> Self {
        let clock = Arc::new(Hand(AtomicU64::new(START_MS)));
        let metrics = Arc::new(|| "up 1\n".to_owned());
        let feed = Feed::default();
        let parts = ingest::Parts {
            store: wrap(store.clone()),
            clock: clock.clone(),
            pipeline: Arc::new(TwoStages),
            sinks,
            feed: feed.clone(),
            metrics,
        };
        let (router, upkeep) = ingest::router(parts, config);
        Self { router, store, feed, upkeep: Mutex::new(Some(upkeep)), clock }
    }

    /// Lets the API do what it does on its own, until the guard is dropped.
    pub(crate) fn at_work(&self) -> DropGuard {
        let upkeep = self.upkeep.lock().unwrap().take().unwrap();
        let stop = CancellationToken::new();
        #[expect(clippy::disallowed_methods, reason = "the guard ends it")]
        drop(tokio::spawn(upkeep.run(stop.clone())));
        stop.drop_guard()
    }

    pub(crate) fn turn_back(&self, time: Duration) {
        self.clock.0.fetch_sub(time.as_millis() as u64, Ordering::Relaxed);
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.0.fetch_add(time.as_millis() as u64, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn call(&self, method: &str, path: &str) -> Answer {
        let request = Request::builder().method(method).uri(path);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).await
    }

    /// A call with a JSON body.
    pub(crate) async fn give(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn post(&self, body: impl Into<Body>) -> Answer {
        self.post_with(body, &[]).await
    }

    pub(crate) async fn post_with(
        &self,
        body: impl Into<Body>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::post("/v1/jobs").header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Submits a job and gives its id.
    pub(crate) async fn submit(&self, body: &str) -> JobId {
        let answer = self.post(body.to_owned()).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()["id"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) async fn spec(&self, id: JobId) -> JobSpec {
        JobSpec::from_bytes(&self.record(id).await.spec).unwrap()
    }

    pub(crate) async fn record(&self, id: JobId) -> Record {
        self.store.get(id).await.unwrap().unwrap()
    }

    pub(crate) async fn claim(&self, stage: &Stage) -> Claimed {
        let now = self.now();
        let until = now + Duration::from_secs(60);
        self.store.claim(stage, 1, until, now).await.unwrap().pop().unwrap()
    }

    /// Claims the next job of `stage` and settles it.
    pub(crate) async fn settle(&self, stage: &Stage, outcome: Outcome) {
        let lease = self.claim(stage).await.lease;
        let settlement = Settlement::new(lease, outcome);
        let settled = self.store.settle(vec![settlement], self.now()).await.unwrap();
        assert_eq!(settled, [Settled::Recorded]);
    }

    /// Moves the next fetched job on to be delivered in this lane.
    pub(crate) async fn advance(&self, lane: &str, result: impl Into<Bytes>) {
        let next = Next {
            stage: DELIVER,
            lane: LaneKey::new(lane),
            due: self.now(),
            verdict: Verdict::Succeeded,
            result: result.into(),
        };
        self.settle(&SCRAPE, Outcome::Advance(next)).await;
    }

    /// Settles the next job of the first stage as fetched, with nobody to tell.
    pub(crate) async fn fetched(&self, result: &'static str) {
        let verdict = Some(Verdict::Succeeded);
        let result = Some(Bytes::from_static(result.as_bytes()));
        self.settle(&SCRAPE, Outcome::Done { verdict, result, note: None }).await;
    }
}
