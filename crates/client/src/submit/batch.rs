//! Many jobs through `POST /v1/batches`: lines go up while verdicts come down, and neither is kept.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Method, header};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::rejects::Rejects;
use super::source::{Lines, Source};
use super::template::Template;
use super::{IDEMPOTENCY_KEY, Submit, key_value};
use crate::Context;
use crate::backoff::Backoff;
use crate::failure::{FAILED, Failure, Result};
use crate::lines::Lines as Pieces;
use crate::problem::Problem;

/// Sent at once.
const CHUNK_BYTES: usize = 64 << 10;
/// After the first line the server may say no before it is sent all the others. One that says
/// nothing at all until it has them is not waited for.
const FIRST_WORD: Duration = Duration::from_secs(2);
/// So often in a row nothing new is reached; then it is given up.
const MAX_ATTEMPTS: u32 = 10;
/// What a shell says of a program that SIGINT ended.
const INTERRUPTED: u8 = 130;

/// Submits the lines of a source, over as many connections as it takes.
pub(super) async fn submit(
    context: &Context,
    flags: &Submit,
    template: &Template,
    source: &Source,
) -> Result<()> {
    let mut rejects = Rejects::new(context.out, flags.rejects.as_deref())?;
    let survey = survey(context, template, source, &mut rejects)?;
    let key = key(flags, source, &survey)?;
    let bar = if context.out.is_watched() { bar(survey.jobs) } else { ProgressBar::hidden() };
    let mut sender = Sender {
        context,
        template: Arc::new(template.clone()),
        source,
        key,
        bar,
        rejects,
        seen: 0,
        accepted: 0,
        batch: None,
        replayed: 0,
        backoff: Backoff::default(),
    };
    if survey.jobs == 0 {
        return nothing(context, sender.rejects);
    }
    tokio::select! {
        ended = sender.persist() => ended?,
        _ = tokio::signal::ctrl_c() => return Err(sender.interrupted(survey.jobs)),
    }
    if sender.seen < survey.jobs {
        return Err(Failure::Failed(format!(
            "the server gave a verdict on {} lines of {} and closed the batch",
            sender.seen, survey.jobs
        )));
    }
    sender.end()
}

/// There is no line that could be sent.
fn nothing(context: &Context, rejects: Rejects) -> Result<()> {
    let refused = rejects.end()?;
    if !context.out.is_json() {
        context.out.line("nothing to submit")?;
    }
    if refused > 0 { Err(Failure::Told(FAILED)) } else { Ok(()) }
}

/// What is known before anything is sent.
struct Survey {
    jobs: u64,
    digest: String,
}

/// Reads everything once: how much there is, what it is called, and what cannot be sent.
fn survey(
    context: &Context,
    template: &Template,
    source: &Source,
    rejects: &mut Rejects,
) -> Result<Survey> {
    let (mut jobs, mut digest) = (0, Sha256::new());
    for line in source.lines()? {
        let line = line.map_err(|error| Failure::Failed(format!("reading the lines: {error}")))?;
        let job = match &line.text {
            Ok(text) => template.job(text),
            Err(why) => Err((*why).to_owned()),
        };
        match job {
            Ok(job) => {
                jobs += 1;
                digest.update(&job);
                digest.update(b"\n");
            }
            Err(why) => {
                let text = line.text.as_deref().unwrap_or_default();
                rejects.add(line.number, text, &why, None, |line| context.out.note(line))?;
            }
        }
    }
    let digest = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Ok(Survey { jobs, digest })
}

/// The same lines are the same batch; URLs on the command line are meant anew each time.
fn key(flags: &Submit, source: &Source, survey: &Survey) -> Result<HeaderValue> {
    if let Some(key) = &flags.idempotency_key {
        return key_value(key);
    }
    let anew = flags.again || matches!(source, Source::Held(_));
    let mark = match anew {
        true => format!("-{:x}-{:x}", jiff::Timestamp::now().as_nanosecond(), std::process::id()),
        false => String::new(),
    };
    key_value(&format!("submit-{}{mark}", survey.digest))
}

/// The jobs that a source stands for, each with its line's number and text.
struct Jobs {
    lines: Lines,
    template: Arc<Template>,
}

struct Job {
    number: u64,
    text: String,
    json: Vec<u8>,
}

impl Iterator for Jobs {
    type Item = io::Result<Job>;

    fn next(&mut self) -> Option<io::Result<Job>> {
        loop {
            let line = match self.lines.next()? {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            let number = line.number;
            if let Ok(text) = line.text
                && let Ok(json) = self.template.job(&text)
            {
                return Some(Ok(Job { number, text, json }));
            }
        }
    }
}

/// The request's body: the first line, and the rest once the server has said something.
fn body(jobs: Jobs, go_on: Arc<Notify>) -> reqwest::Body {
    reqwest::Body::wrap_stream(stream::unfold((jobs, 0_u64), move |(mut jobs, turn)| {
        let go_on = Arc::clone(&go_on);
        async move {
            if turn == 1 {
                let _ = timeout(FIRST_WORD, go_on.notified()).await;
            }
            let chunk = chunk(&mut jobs, if turn == 0 { 1 } else { usize::MAX })?;
            Some((chunk, (jobs, turn + 1)))
        }
    }))
}

/// The next jobs, a line each, at most so many; `None` when there are no more.
fn chunk(jobs: &mut Jobs, most: usize) -> Option<io::Result<Bytes>> {
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    for job in jobs.take(most) {
        match job {
            Ok(job) => chunk.extend_from_slice(&job.json),
            Err(error) => return Some(Err(error)),
        }
        chunk.push(b'\n');
        if chunk.len() >= CHUNK_BYTES {
            break;
        }
    }
    (!chunk.is_empty()).then(|| Ok(chunk.into()))
}

struct Sender<'c> {
    context: &'c Context,
    template: Arc<Template>,
    source: &'c Source,
    key: HeaderValue,
    bar: ProgressBar,
    rejects: Rejects,
    /// Jobs that a verdict is known of: the first so many.
    seen: u64,
    accepted: u64,
    batch: Option<String>,
    /// Jobs that the server had already.
    replayed: u64,
    backoff: Backoff,
}

/// How a connection ended.
enum Ended {
    /// Every line has a verdict.
    Closed,
    /// The server cannot take more for the time being.
    Later(Duration),
}

impl Sender<'_> {
    /// Connects until everything has been said. What the server has heard before it knows again by
    /// the key.
    async fn persist(&mut self) -> Result<()> {
        let mut reached = false;
        loop {
            let before = self.seen;
            let ended = self.connect(&mut reached).await;
            if self.seen > before {
                self.backoff.reset();
            }
            let least = match ended {
                Ok(Ended::Closed) => return Ok(()),
                Ok(Ended::Later(wait)) => wait,
                Err(failure) => self.patience(failure, reached)?,
            };
            self.bar.set_message("waiting to go on");
            self.backoff.wait(least).await;
        }
    }

    /// How long to wait at least after a failure; the failure itself when waiting does not help.
    fn patience(&self, failure: Failure, reached: bool) -> Result<Duration> {
        let least = match &failure {
            Failure::Refused(problem) if problem.is_transient() => {
                Duration::from_secs(problem.retry_after_s.unwrap_or(0))
            }
            Failure::Unreachable(_) | Failure::Broken(_) if reached => Duration::ZERO,
            _ => return Err(failure),
        };
        match self.backoff.attempts() < MAX_ATTEMPTS {
            true => Ok(least),
            false => Err(failure),
        }
    }

    fn jobs(&self) -> Result<Jobs> {
        Ok(Jobs { lines: self.source.lines()?, template: Arc::clone(&self.template) })
    }

    /// One connection: sends everything, and takes what is said of it.
    async fn connect(&mut self, reached: &mut bool) -> Result<Ended> {
        let client = &self.context.client;
        let go_on = Arc::new(Notify::new());
        let request = client
            .request(Method::POST, &["batches"])
            .header(header::CONTENT_TYPE, "application/x-ndjson")
            .header(IDEMPOTENCY_KEY, self.key.clone())
            .body(body(self.jobs()?, Arc::clone(&go_on)));
        let mut response = client.open(request).await?;
        go_on.notify_one();
        *reached = true;
        self.bar.set_message("");
        let mut sent = Followed { jobs: self.jobs()?, count: 0 };
        let mut pieces = Pieces::default();
        while let Some(piece) = client.piece(&mut response).await? {
            pieces.push(&piece)?;
            while let Some(line) = pieces.next() {
                if line.is_empty() {
                    continue;
                }
                let said: Value = serde_json::from_slice(line).map_err(|error| {
                    Failure::Failed(format!("the server's verdict cannot be read: {error}"))
                })?;
                if let Some(ended) = self.take(&said, &mut sent)? {
                    return Ok(ended);
                }
            }
        }
        Err(Failure::Broken(format!("{} ended before the last line", client.server())))
    }

    /// Takes one line of the answer.
    fn take(&mut self, said: &Value, sent: &mut Followed) -> Result<Option<Ended>> {
        if let Some(batch) = said.get("batch") {
            self.batch = batch["id"].as_str().map(str::to_owned).or(self.batch.take());
            let ended = match batch["interrupted"] == true {
                true => Ended::Later(Duration::ZERO),
                false => Ended::Closed,
            };
            return Ok((batch["closed"] == true).then_some(ended));
        }
        let Some(line) = said["line"].as_u64() else {
            // What is not known may be added by a later version; a problem ends the batch.
            return match said.get("status").or_else(|| said["error"].get("status")) {
                Some(_) => Err(Failure::Refused(Box::new(Problem::of_line(
                    said.get("error").unwrap_or(said),
                )))),
                None => Ok(None),
            };
        };
        let job = sent.to(line)?;
        if line <= self.seen {
            return Ok(None);
        }
        match said.get("error") {
            None => self.accept(said, &job)?,
            Some(error) => {
                let problem = Problem::of_line(error);
                if problem.is_transient() {
                    let wait_s = error["retry_after"].as_u64().unwrap_or(1);
                    return Ok(Some(Ended::Later(Duration::from_secs(wait_s))));
                }
                self.refuse(&problem, error, &job)?;
            }
        }
        self.seen = line;
        self.bar.set_position(line);
        Ok(None)
    }

    fn accept(&mut self, said: &Value, job: &Job) -> Result<()> {
        self.accepted += 1;
        self.replayed += u64::from(said["replayed"] == true);
        if !self.context.out.is_json() {
            return Ok(());
        }
        let mut verdict = said.clone();
        verdict["line"] = json!(job.number);
        self.context.out.object(&verdict)
    }

    fn refuse(&mut self, problem: &Problem, error: &Value, job: &Job) -> Result<()> {
        let (bar, out) = (&self.bar, self.context.out);
        let say = |line: &str| bar.suspend(|| out.note(line));
        self.rejects.add(job.number, &job.text, &problem.brief(), Some(error), say)
    }

    fn interrupted(&self, jobs: u64) -> Failure {
        self.bar.finish_and_clear();
        let again = match self.source {
            Source::Held(_) => "",
            _ => "; run the same command again to go on",
        };
        self.context
            .out
            .note(format_args!("interrupted after {} of {jobs} lines{again}", self.seen));
        Failure::Told(INTERRUPTED)
    }

    /// Sums up.
    fn end(self) -> Result<()> {
        self.bar.finish_and_clear();
        let out = self.context.out;
        let id = self.batch.unwrap_or_default();
        let refused = self.rejects.end()?;
        if out.is_json() {
            let accepted = self.accepted;
            out.object(&json!({"batch": {"id": id, "accepted": accepted, "refused": refused}}))?;
        } else {
            if self.replayed > 0 {
                out.note(format_args!(
                    "{} of them were there already and are not repeated: --again submits them anew",
                    self.replayed
                ));
            }
            let refusals = if refused > 0 { format!(", {refused} refused") } else { String::new() };
            out.line(format_args!("batch {id}: {} accepted{refusals}", self.accepted))?;
        }
        if refused > 0 { Err(Failure::Told(FAILED)) } else { Ok(()) }
    }
}

/// The jobs that were sent, read once more beside the verdicts on them.
struct Followed {
    jobs: Jobs,
    count: u64,
}

impl Followed {
    /// The job that a verdict is about.
    fn to(&mut self, line: u64) -> Result<Job> {
        let lost = || Failure::Failed(format!("the server speaks of a line {line} out of turn"));
        for job in self.jobs.by_ref() {
            let job =
                job.map_err(|error| Failure::Failed(format!("reading the lines: {error}")))?;
            self.count += 1;
            if self.count == line {
                return Ok(job);
            }
        }
        Err(lost())
    }
}

fn bar(jobs: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:30} {human_pos}/{human_len} lines  {per_sec}  {eta} left  {msg}",
    );
    ProgressBar::new(jobs).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
