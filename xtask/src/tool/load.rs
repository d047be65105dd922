use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::job::Jobs;
use super::sink::percentile;
use super::wire::Wire;
use crate::clock;

/// Answers are small.
const BUFFER: usize = 8 << 10;
/// How often one job is offered again after a refusal, when every job has to get in.
const TRIES: u32 = 1_000;
/// Longest wait for an answer: a server that takes longer has failed the run.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Longest pause after a refusal, whatever `Retry-After` says: a benchmark does not wait.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Errors after which a worker gives the run up.
const ERRORS_MAX: u32 = 20;

/// Whom to load, with what, and how.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where the jobs go
    #[arg(long)]
    target: SocketAddr,
    /// How many jobs
    #[arg(long)]
    jobs: u32,
    /// Connections, each with one request at a time
    #[arg(long)]
    clients: u32,
    /// Jobs per second to begin, whatever the answers do; 0: as fast as answers come
    #[arg(long, default_value_t = 0)]
    rate: u32,
    #[command(flatten)]
    each: Jobs,
    /// Where to write one byte per job: 1 if it was accepted
    #[arg(long)]
    accepted: PathBuf,
    /// Give up after this time, in seconds
    #[arg(long)]
    within_s: u64,
}

/// How the submissions went. Times are in microseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Jobs answered with 202.
    pub(crate) accepted: u64,
    /// Answers 429 and 503.
    pub(crate) refused: u64,
    /// Any other answer, and connections that broke.
    pub(crate) errors: u64,
    /// The first of those errors.
    pub(crate) first_error: Option<String>,
    /// When the first submission began, since the Unix epoch.
    pub(crate) first_us: u64,
    /// When the last 202 came, since the Unix epoch.
    pub(crate) last_us: u64,
    /// How long all submissions took, from the first to the last answer.
    pub(crate) took_us: u64,
    /// From sending a submission to its answer, refusals included: half took at most this.
    pub(crate) answer_p50_us: u64,
    /// 99 of 100 took at most this.
    pub(crate) answer_p99_us: u64,
    /// The slowest.
    pub(crate) answer_max_us: u64,
    /// From the moment it should have been sent, when there is a rate: half took at most this.
    pub(crate) due_p50_us: u64,
    /// 99 of 100.
    pub(crate) due_p99_us: u64,
    /// The slowest.
    pub(crate) due_max_us: u64,
}

struct Run {
    options: Options,
    began: Instant,
    next: Cell<u32>,
    report: RefCell<Report>,
    accepted: RefCell<Vec<u8>>,
    answer_us: RefCell<Vec<u64>>,
    due_us: RefCell<Vec<u64>>,
}

/// Submits the jobs and prints the report as one line of JSON.
pub(crate) async fn run(options: Options) -> Result<()> {
    if options.jobs == 0 || options.clients == 0 || !options.each.is_sound() {
        bail!("jobs, clients and hosts have to be at least 1");
    }
    let run = std::rc::Rc::new(Run {
        began: clock::now(),
        next: Cell::new(0),
        report: RefCell::new(Report { first_us: clock::unix_us(), ..Report::default() }),
        accepted: RefCell::new(vec![0; options.jobs as usize]),
        answer_us: RefCell::default(),
        due_us: RefCell::default(),
        options,
    });
    let workers = LocalSet::new();
    for _ in 0..run.options.clients {
        let run = run.clone();
        workers.spawn_local(async move { run.work().await });
    }
    let limit = Duration::from_secs(run.options.within_s);
    // Too late: what was done until now is the report, and it shows what is missing.
    let _ = tokio::time::timeout(limit, workers).await;
    run.report.borrow_mut().took_us = micros(run.began.elapsed());
    std::fs::write(&run.options.accepted, &*run.accepted.borrow())
        .with_context(|| format!("cannot write {}", run.options.accepted.display()))?;
    let mut report = run.report.borrow().clone();
    let mut times = run.answer_us.borrow_mut();
    times.sort_unstable();
    report.answer_p50_us = percentile(&times, 50);
    report.answer_p99_us = percentile(&times, 99);
    report.answer_max_us = times.last().copied().unwrap_or_default();
    let mut times = run.due_us.borrow_mut();
    times.sort_unstable();
    report.due_p50_us = percentile(&times, 50);
    report.due_p99_us = percentile(&times, 99);
    report.due_max_us = times.last().copied().unwrap_or_default();
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

impl Run {
    /// One client: a connection that submits one job after the other.
    async fn work(&self) {
        let mut wire = None;
        let mut errors = 0;
        while let Some((job, due)) = self.ticket() {
            tokio::time::sleep_until(due.into()).await;
            for _ in 0..TRIES {
                match self.submit(&mut wire, job, due).await {
                    Ok(None) => break,
                    Ok(Some(_)) if self.options.rate > 0 => break,
                    Ok(Some(pause)) => tokio::time::sleep(pause).await,
                    Err(error) => {
                        wire = None;
                        errors += 1;
                        self.failed(format!("{error:#}"));
                        break;
                    }
                }
            }
            if errors > ERRORS_MAX {
                return;
            }
        }
    }

    /// The next job and when it is to be submitted.
    fn ticket(&self) -> Option<(u32, Instant)> {
        let job = self.next.get();
        if job >= self.options.jobs {
            return None;
        }
        self.next.set(job + 1);
        let due = match self.options.rate {
            0 => clock::now(),
            rate => self.began + Duration::from_secs(1) * job / rate,
        };
        Some((job, due))
    }

    /// Submits one job; a pause when it was refused.
    async fn submit(
        &self,
        wire: &mut Option<Wire>,
        job: u32,
        due: Instant,
    ) -> Result<Option<Duration>> {
        let sent = clock::now();
        let request = self.request(job);
        let head = tokio::time::timeout(ANSWER_WITHIN, async {
            let wire = match wire {
                Some(wire) => wire,
                None => {
                    let stream = TcpStream::connect(self.options.target).await?;
                    stream.set_nodelay(true)?;
                    wire.insert(Wire::new(stream, BUFFER))
                }
            };
            wire.write(&request).await?;
            let head = wire.head().await?.context("the connection was closed without an answer")?;
            let mut text = Vec::new();
            wire.body(head.length, |piece| {
                if !head.first.contains(" 202") && text.len() < 500 {
                    text.extend_from_slice(piece);
                }
            })
            .await?;
            anyhow::Ok((head, text))
        });
        let (head, text) = head.await.context("no answer in time")??;
        let status = head.first.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok());
        self.answer_us.borrow_mut().push(micros(sent.elapsed()));
        self.due_us.borrow_mut().push(micros(due.elapsed()));
        if head.close {
            *wire = None;
        }
        let mut report = self.report.borrow_mut();
        match status {
            Some(202) => {
                report.accepted += 1;
                report.last_us = clock::unix_us();
                self.accepted.borrow_mut()[job as usize] = 1;
                Ok(None)
            }
            Some(429 | 503) => {
                report.refused += 1;
                let pause = head.retry_after.map_or(PAUSE_MAX, Duration::from_secs);
                Ok(Some(pause.min(PAUSE_MAX)))
            }
            _ => {
                drop(report);
                self.failed(format!("{}: {}", head.first, String::from_utf8_lossy(&text)));
                Ok(None)
            }
        }
    }

    fn request(&self, job: u32) -> Vec<u8> {
        let target = self.options.target;
        let body = self.options.each.body(job, clock::unix_us());
        format!(
            "POST /v1/jobs HTTP/1.1\r\nHost: {target}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    fn failed(&self, error: String) {
        let mut report = self.report.borrow_mut();
        report.errors += 1;
        report.first_error.get_or_insert(error);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
