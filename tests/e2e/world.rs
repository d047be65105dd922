//! What every scenario needs: an origin, a sink, a server and their bookkeeping.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{
    Accepted, Answer, Connection, Event, FaultFs, Ledger, Load, Origin, OriginConfig, Scratch,
    Server, ServerConfig, Sink, SinkConfig, Verdict, eventually, unix_micros,
};
use serde_json::{Value, json};

/// Longest wait for one thing to happen; also the longest wait without progress.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// What deliveries are signed with.
pub(crate) const SECRET: &str = "whsec_cGFnZXdpcmUgZW5kLXRvLWVuZCB0ZXN0IHNlY3JldCE=";

/// Retries follow soon, and there are enough of them for every outage of these tests.
const SCHEDULE: &str = "0,100ms,200ms,500ms,1s,1s,1s,1s,2s,2s,2s,2s,2s,2s,5s,5s,5s,5s,5s,5s";

/// Bytes of a page, unless a scenario says otherwise.
pub(crate) const PAGE: usize = 2_000;

/// Missing jobs that are told of.
const SHOWN: usize = 3;

/// Fresh jobs ask for pages from here on, far from those of any load.
const FRESH: u64 = 1 << 40;

/// An origin, a sink, and how to start the server between them.
pub(crate) struct World {
    pub(crate) scratch: Scratch,
    pub(crate) origin: Arc<Origin>,
    pub(crate) sink: Sink,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) config: ServerConfig,
    fresh: AtomicU64,
}

impl World {
    /// With an origin of 10 hosts, and everything forwarded to the sink.
    pub(crate) async fn new(name: &str) -> Result<Self> {
        let mut world = Self::without_forwarding(name).await?;
        let sink = world.sink.url();
        world.config = world.config.with(["--forward-to", &sink]);
        Ok(world)
    }

    /// The same without `--forward-to`.
    pub(crate) async fn without_forwarding(name: &str) -> Result<Self> {
        harness::seed();
        let scratch = Scratch::new(name)?;
        let origin = OriginConfig { hosts: 10, record: true, ..OriginConfig::default() };
        let origin = Origin::start(origin).await?;
        let secret = Some(SECRET.to_owned());
        let sink = Sink::start(SinkConfig { secret, ..SinkConfig::default() }).await?;
        let config = ServerConfig::new(env!("CARGO_BIN_EXE_pagewire"), scratch.path()).with([
            "--secret",
            SECRET,
            "--per-host",
            "16",
            "--delivery-schedule",
            SCHEDULE,
            "--fetch-schedule",
            "0,100ms,300ms",
        ]);
        Ok(Self {
            scratch,
            origin: Arc::new(origin),
            sink,
            ledger: Arc::default(),
            config,
            fresh: AtomicU64::new(FRESH),
        })
    }

    /// With these flags, each followed by its value.
    pub(crate) fn flags<const N: usize>(mut self, flags: [&str; N]) -> Self {
        for pair in flags.chunks_exact(2) {
            self.config = self.config.set(pair[0], pair[1]);
        }
        self
    }

    /// Starts the server.
    pub(crate) async fn start(&self) -> Result<Server> {
        Server::start(&self.config).await
    }

    /// The same server without any of the flags.
    pub(crate) fn bare(&self) -> ServerConfig {
        ServerConfig { flags: Vec::new(), ..self.config.clone() }
    }

    /// Puts the storage shim under the server's data directory.
    pub(crate) fn shim(&self) -> Result<FaultFs> {
        FaultFs::new(&self.config.data, &self.scratch.path().join("shim"))
    }

    /// A load of pages spread over all hosts.
    pub(crate) fn load(&self, clients: usize) -> Load {
        let origin = Arc::clone(&self.origin);
        let mut load = Load::new(self.config.addr, move |n| origin.page(n, PAGE));
        load.clients = clients;
        load
    }

    /// Submits one job that must be acknowledged, and writes it into the ledger: its id.
    pub(crate) async fn submit(&self, client: &mut Connection, url: &str) -> Result<String> {
        self.submit_job(client, &json!({"url": url})).await
    }

    /// The same with whatever else a job may say.
    pub(crate) async fn submit_job(&self, client: &mut Connection, job: &Value) -> Result<String> {
        let url = job["url"].as_str().context("a job has a url")?;
        let sent_us = unix_micros();
        let answer = client.post("/v1/jobs", job.to_string()).await?;
        let id = accepted_id(&answer)?;
        let accepted_us = unix_micros();
        self.ledger.accept(Accepted { id: id.clone(), url: url.to_owned(), sent_us, accepted_us });
        Ok(id)
    }

    /// The end of every scenario: all is conserved, and a fresh job gets through.
    pub(crate) async fn settle(&self, server: &Server) -> Result<Verdict> {
        let settled = async {
            self.fresh_job(server).await.context("a fresh job")?;
            self.ledger.settle(&self.sink, LIMIT).await
        };
        match settled.await {
            Ok(verdict) => Ok(verdict),
            Err(error) => {
                let missing = self.said_of_missing(server).await;
                Err(error.context(format!("{}\n{missing}", server.log_tail())))
            }
        }
    }

    /// What the server says of the first jobs whose event did not come.
    async fn said_of_missing(&self, server: &Server) -> String {
        let mut said = String::new();
        let mut client = server.client().with_timeout(Duration::from_secs(5));
        for id in self.ledger.verdict(&self.sink.report()).missing.iter().take(SHOWN) {
            for path in [format!("/v1/jobs/{id}"), format!("/v1/jobs/{id}/attempts")] {
                let answer = client.get(&path).await.map(|answer| answer.text());
                let _ = writeln!(said, "{path}: {answer:?}");
            }
        }
        said
    }

    /// A job submitted now reaches the sink.
    pub(crate) async fn fresh_job(&self, server: &Server) -> Result<Event> {
        let n = self.fresh.fetch_add(1, Ordering::Relaxed);
        let url = self.origin.page(n, PAGE);
        let id = self.submit(&mut server.client(), &url).await?;
        let event = self.sink.wait_for(&id, LIMIT).await?;
        ensure!(event.kind == "job.succeeded" && event.fault.is_none(), "{event:?}");
        Ok(event)
    }
}

/// The id of a 202.
pub(crate) fn accepted_id(answer: &Answer) -> Result<String> {
    ensure!(answer.status == 202, "{} instead of 202: {}", answer.status, answer.text());
    let id = answer.json()?["id"].as_str().map(str::to_owned);
    id.context("a 202 without an id")
}

/// What the server says of a job.
pub(crate) async fn job(client: &mut Connection, id: &str) -> Result<Value> {
    let answer = client.get(&format!("/v1/jobs/{id}")).await?;
    ensure!(answer.status == 200, "{} for {id}: {}", answer.status, answer.text());
    answer.json()
}

/// Waits until the server says that the job has that status.
pub(crate) async fn wait_for_status(
    client: &mut Connection,
    id: &str,
    status: &str,
) -> Result<Value> {
    let mut last = Value::Null;
    let reached = eventually(&format!("job {id} to be {status}"), LIMIT, async || {
        last = job(client, id).await.unwrap_or(Value::Null);
        last["status"] == status
    })
    .await;
    reached.with_context(|| format!("last seen: {last}"))?;
    Ok(last)
}
