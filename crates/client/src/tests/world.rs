//! A server to talk to: the real API over a memory store, or whatever a test makes of it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use clap::Parser;
use ingest::{
    Config, Feed, JobSpec, NoSinks, Parts, Pipeline, Refusal, Robots, Select, ServeConfig, Status,
};
use jobs::{
    Filter, JobId, LaneKey, LaneLimit, MemoryStore, Next, Record, Redrive, Stage, StageConfig,
    State, SystemClock, Timestamp,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::Command;
use crate::out::Out;

const FETCH: Stage = Stage::from_static("scrape");

/// One stage, and nobody to tell.
struct OneStage;

fn host(spec: &JobSpec) -> LaneKey {
    LaneKey::new(spec.url.host_str().unwrap_or_default())
}

impl Pipeline for OneStage {
    fn first(&self, spec: &JobSpec) -> (Stage, LaneKey) {
        (FETCH, host(spec))
    }

    fn cancelled(&self, _: JobId, _: &JobSpec, _: Timestamp) -> Option<Next> {
        None
    }

    fn refetch(&self, spec: &JobSpec, now: Timestamp) -> Redrive {
        Redrive { stage: FETCH, lane: host(spec), due: now }
    }

    fn redeliver(&self, _: &JobSpec, _: Option<&str>, _: Timestamp) -> Option<Redrive> {
        None
    }

    fn status(&self, record: &Record) -> Status {
        match record.state {
            State::Waiting => Status::Queued,
            State::Leased => Status::Fetching,
            State::Done => Status::Fetched,
            State::Dead => Status::Failed,
            State::Cancelled => Status::Cancelled,
        }
    }

    fn filter(&self, _: Status) -> Filter {
        Filter::default()
    }

    fn admit_target(&self, _: &Url) -> Result<(), String> {
        Ok(())
    }

    fn admit_sink(&self, _: &Url) -> Result<(), String> {
        Err("there are no sinks here".to_owned())
    }

    fn admit_proxy(&self, _: &str) -> Result<(), String> {
        Err("there are no proxies here".to_owned())
    }

    fn admit_robots(&self, _: Robots) -> Result<(), String> {
        Ok(())
    }

    fn admit_select(&self, _: &Select) -> Result<(), Vec<Refusal>> {
        Ok(())
    }
}

/// Something that listens until it is dropped.
pub(super) struct Server {
    pub(super) at: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[expect(clippy::disallowed_methods, reason = "it ends with the test")]
fn spawned(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}

/// Serves what a test makes of a server.
pub(super) async fn served(router: Router) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let task = spawned(async move { axum::serve(listener, router).await.unwrap() });
    Server { at, task }
}

/// The real API, with nobody who fetches.
pub(super) async fn api(config: Config) -> Server {
    let stages = vec![StageConfig::new(FETCH, LaneLimit::default())];
    let store = MemoryStore::new(jobs::Config { stages, ..jobs::Config::default() });
    let parts = Parts {
        store,
        clock: Arc::new(SystemClock),
        pipeline: Arc::new(OneStage),
        sinks: Arc::new(NoSinks),
        feed: Feed::default(),
        metrics: Arc::new(String::new),
    };
    let (router, upkeep) = ingest::router(parts, config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let task = spawned(async move {
        let stop = CancellationToken::new();
        let serving = ingest::serve(listener, router, ServeConfig::default(), stop.clone());
        let (served, ()) = tokio::join!(serving, upkeep.run(stop.clone()));
        served.unwrap();
    });
    Server { at, task }
}

#[derive(Parser)]
struct Typed {
    #[command(subcommand)]
    command: Command,
}

/// What a command did.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: u8,
    pub(super) out: String,
    pub(super) err: String,
}

impl Said {
    /// Each line of data as JSON.
    pub(super) fn objects(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Runs a command as it is typed.
pub(super) async fn typed(args: &[&str]) -> Said {
    let args = [&["pagewire"], args].concat();
    let command = Typed::try_parse_from(args).unwrap().command;
    let out = Out::held(command.is_json());
    let ended = command.run(out).await;
    let code = match ended {
        Ok(()) => 0,
        Err(failure) => {
            out.complain(&failure);
            failure.code()
        }
    };
    let [data, err] = out.printed();
    Said { code, out: data, err }
}

impl Server {
    /// Runs a command against this server.
    pub(super) async fn typed(&self, args: &[&str]) -> Said {
        let server = format!("http://{}", self.at);
        typed(&[args, &["--server", &server]].concat()).await
    }
}
