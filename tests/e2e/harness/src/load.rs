use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{Accepted, Answer, Connection, Failure, Ledger, unix_micros};

/// Messages about unexpected answers that are kept.
const KEPT: usize = 20;

/// The pause after a request that could not be sent: the server is down.
const DOWN_PAUSE: Duration = Duration::from_millis(10);

/// Clients that submit jobs, each over one keep-alive connection, each waiting for its answer.
#[derive(Clone)]
pub struct Load {
    /// The server.
    pub target: SocketAddr,
    /// Clients at once. Default 16.
    pub clients: usize,
    /// Jobs per second of all clients together; `None` for as fast as they are answered.
    pub rate: Option<f64>,
    /// The URL of job `n`; another for each.
    pub url: Arc<dyn Fn(u64) -> String + Send + Sync>,
    /// Further members of the job's JSON, such as `"formats":["raw"]`; may be empty.
    pub extra: String,
    /// The number of the first job. Default 0.
    pub first: u64,
    /// What a client does after a 429 or 503: waits this long, then goes on with the next job.
    /// Default 20 ms.
    pub refused_pause: Duration,
    /// Limit of each request. Default 30 s.
    pub timeout: Duration,
    /// Sent as a bearer token when set.
    pub api_key: Option<String>,
}

/// When a load ends.
#[derive(Clone, Debug)]
pub enum Stop {
    /// After that many jobs were tried.
    Jobs(u64),
    /// After that long.
    After(Duration),
    /// When the value becomes true (or its sender goes).
    When(watch::Receiver<bool>),
}

/// How a load went. Times in microseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LoadReport {
    /// Answers 202.
    pub accepted: u64,
    /// Answers 429 and 503.
    pub refused: u64,
    /// Of those, the ones without `Retry-After`.
    pub refused_without_retry_after: u64,
    /// Requests without an answer.
    pub uncertain: u64,
    /// Attempts to reach a server that was down.
    pub not_sent: u64,
    /// Any other answer; must be 0.
    pub unexpected: u64,
    /// The first of those.
    pub unexpected_shown: Vec<String>,
    /// From sending to 202, sorted.
    pub accept_us: Vec<u64>,
    /// From sending to 429 or 503, sorted.
    pub refuse_us: Vec<u64>,
    /// From the first request to the last answer.
    pub elapsed_us: u64,
}

/// The value below which `share` (0.5, 0.99, …) of the sorted values lie; 0 when there are none.
pub fn percentile(sorted: &[u64], share: f64) -> u64 {
    let last = sorted.len().saturating_sub(1);
    let index = (last as f64 * share).round() as usize;
    sorted.get(index.min(last)).copied().unwrap_or(0)
}

impl LoadReport {
    fn merge(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.refused_without_retry_after += other.refused_without_retry_after;
        self.uncertain += other.uncertain;
        self.not_sent += other.not_sent;
        self.unexpected += other.unexpected;
        self.unexpected_shown.extend(other.unexpected_shown);
        self.unexpected_shown.truncate(KEPT);
        self.accept_us.extend(other.accept_us);
        self.refuse_us.extend(other.refuse_us);
    }

    /// Fails when there was an answer that is neither 202, 429 nor 503.
    ///
    /// # Errors
    /// With the first of them.
    pub fn check(&self) -> anyhow::Result<()> {
        let shown = self.unexpected_shown.first().map_or("", String::as_str);
        anyhow::ensure!(self.unexpected == 0, "{} unexpected answers: {shown}", self.unexpected);
        Ok(())
    }
}

/// What the clients of one run share.
struct Run {
    load: Load,
    stop: Stop,
    ledger: Arc<Ledger>,
    next: AtomicU64,
    started: Instant,
}

impl Load {
    /// A load on `target` with the URL of each job.
    pub fn new(target: SocketAddr, url: impl Fn(u64) -> String + Send + Sync + 'static) -> Self {
        Self {
            target,
            clients: 16,
            rate: None,
            url: Arc::new(url),
            extra: String::new(),
            first: 0,
            refused_pause: Duration::from_millis(20),
            timeout: Duration::from_secs(30),
            api_key: None,
        }
    }

    /// Submits until `stop`, writing each 202 and each doubt into `ledger`.
    pub async fn run(&self, stop: Stop, ledger: &Arc<Ledger>) -> LoadReport {
        let run = Arc::new(Run {
            load: self.clone(),
            stop,
            ledger: Arc::clone(ledger),
            next: AtomicU64::new(0),
            started: Instant::now(),
        });
        let mut clients = JoinSet::new();
        for _ in 0..self.clients {
            let run = Arc::clone(&run);
            clients.spawn(async move { run.client().await });
        }
        let mut report = LoadReport::default();
        for one in clients.join_all().await {
            report.merge(one);
        }
        report.accept_us.sort_unstable();
        report.refuse_us.sort_unstable();
        report.elapsed_us = micros(run.started.elapsed());
        report
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Run {
    async fn client(&self) -> LoadReport {
        let mut report = LoadReport::default();
        let mut connection = Connection::new(self.load.target).with_timeout(self.load.timeout);
        if let Some(key) = &self.load.api_key {
            connection = connection.with_api_key(key);
        }
        while let Some(ticket) = self.ticket() {
            if let Some(rate) = self.load.rate {
                sleep_until(self.started + Duration::from_secs_f64(ticket as f64 / rate)).await;
            }
            self.submit(self.load.first + ticket, &mut connection, &mut report).await;
        }
        report
    }

    fn ticket(&self) -> Option<u64> {
        if self.over() {
            return None;
        }
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        match &self.stop {
            Stop::Jobs(jobs) => (ticket < *jobs).then_some(ticket),
            _ => Some(ticket),
        }
    }

    fn over(&self) -> bool {
        match &self.stop {
            Stop::Jobs(_) => false,
            Stop::After(limit) => self.started.elapsed() >= *limit,
            Stop::When(stop) => *stop.borrow() || stop.has_changed().is_err(),
        }
    }

    /// Submits job `n`, again only when the server cannot have seen it.
    async fn submit(&self, n: u64, connection: &mut Connection, report: &mut LoadReport) {
        let url = (self.load.url)(n);
        let comma = if self.load.extra.is_empty() { "" } else { "," };
        let body = format!("{{\"url\":\"{url}\"{comma}{}}}", self.load.extra);
        loop {
            let (sent_us, sent) = (unix_micros(), Instant::now());
            let answer = connection.post("/v1/jobs", body.clone()).await;
            let took_us = micros(sent.elapsed());
            match answer {
                Ok(answer) => {
                    self.answered(answer, url, (sent_us, took_us), report).await;
                    return;
                }
                Err(Failure::NotSent(_)) => {
                    report.not_sent += 1;
                    if self.over()
                        || (matches!(self.stop, Stop::Jobs(_))
                            && sent.elapsed() > self.load.timeout)
                    {
                        return;
                    }
                    sleep(DOWN_PAUSE).await;
                }
                Err(Failure::NoAnswer(_)) => {
                    report.uncertain += 1;
                    self.ledger.doubt(&url);
                    return;
                }
            }
        }
    }

    async fn answered(
        &self,
        answer: Answer,
        url: String,
        (sent_us, took_us): (u64, u64),
        report: &mut LoadReport,
    ) {
        let id = id_of(&answer);
        match (answer.status, id) {
            (202, Some(id)) => {
                report.accepted += 1;
                report.accept_us.push(took_us);
                self.ledger.accept(Accepted { id, url, sent_us, accepted_us: sent_us + took_us });
            }
            (429 | 503, _) => {
                report.refused += 1;
                report.refuse_us.push(took_us);
                if answer.header("retry-after").is_none() {
                    report.refused_without_retry_after += 1;
                }
                sleep(self.load.refused_pause).await;
            }
            (status, _) => {
                report.unexpected += 1;
                if report.unexpected_shown.len() < KEPT {
                    report.unexpected_shown.push(format!("{status} for {url}: {}", answer.text()));
                }
                sleep(self.load.refused_pause).await;
            }
        }
    }
}

fn id_of(answer: &Answer) -> Option<String> {
    #[derive(Deserialize)]
    struct Job {
        id: String,
    }
    serde_json::from_slice::<Job>(&answer.body).ok().map(|job| job.id)
}
