//! `pagewire submit`: one job, or many through a batch.

mod batch;
mod rejects;
mod source;
mod template;

use std::path::PathBuf;

use clap::Args;
use http::{HeaderName, HeaderValue, Method};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::time::{Duration, Instant, sleep};

use self::source::Source;
use self::template::Template;
use crate::failure::{FAILED, Failure, Result};
use crate::out::Tone;
use crate::show::member;
use crate::{Context, job};

pub(crate) use self::template::Fields;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// How long the server is asked to wait at once.
const WAIT_S: u64 = 20;
/// The waits between two looks at a job, when the server does not wait.
const POLL: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];
/// Statuses of jobs that are over.
const OVER: [&str; 6] = ["delivered", "fetched", "unchanged", "failed", "undelivered", "cancelled"];

/// What to submit.
#[derive(Clone, Debug, Args)]
pub struct Submit {
    /// The URLs of pages.
    #[arg(value_name = "URL", required_unless_present = "file")]
    urls: Vec<String>,
    /// A file with one URL or one job (a JSON object) a line; `-` is standard input. Empty lines,
    /// and those that begin with #, are passed over.
    #[arg(short, long, value_name = "FILE|-", conflicts_with = "urls")]
    file: Option<String>,
    #[command(flatten)]
    fields: Fields,
    /// Wait until the one job is done, for so long (5m unless said), and print its page.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true,
          default_missing_value = "5m", conflicts_with = "file")]
    wait: Option<SignedDuration>,
    /// The key that makes repeating harmless. Of a file, one is made from what it holds.
    #[arg(long, value_name = "KEY", conflicts_with = "again")]
    idempotency_key: Option<String>,
    /// Submit a file anew that was submitted before.
    #[arg(long)]
    again: bool,
    /// Write refused lines to this file, each below a comment that says why, so that it can be
    /// mended and submitted in turn. Otherwise they are told on standard error.
    #[arg(long, value_name = "PATH")]
    rejects: Option<PathBuf>,
}

impl Submit {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        let template = Template::new(&self.fields)?;
        match (self.urls.as_slice(), &self.file) {
            ([url], None) => self.single(context, &template, url).await,
            (_, None) if self.wait.is_some() => {
                Err(Failure::Usage("--wait is for one URL".to_owned()))
            }
            (urls, None) => {
                let source = Source::of_lines(urls);
                batch::submit(context, self, &template, &source).await
            }
            (_, Some(file)) => {
                let source = Source::open(file)?;
                batch::submit(context, self, &template, &source).await
            }
        }
    }

    async fn single(&self, context: &Context, template: &Template, url: &str) -> Result<()> {
        let wait = self.wait.map(|wait| wait.unsigned_abs());
        let until = wait.map(|wait| Instant::now() + wait);
        let body = template.job(url).map_err(Failure::Usage)?;
        let mut request = context.client.request(Method::POST, &["jobs"]);
        request = request.header(http::header::CONTENT_TYPE, "application/json").body(body);
        if let Some(key) = &self.idempotency_key {
            request = request.header(IDEMPOTENCY_KEY, key_value(key)?);
        }
        if let Some(wait) = wait {
            request = request.header(PREFER, format!("wait={}", wait.as_secs().min(WAIT_S)));
        }
        let answer = context.client.ask(request).await?;
        if answer.headers.contains_key("idempotency-replayed") {
            context.out.note("submitted before: this is the job of then");
        }
        let job = answer.json()?;
        match until {
            None => show(context, &job),
            Some(until) => outcome(context, job, until).await,
        }
    }
}

fn key_value(key: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(key).map_err(|_| {
        Failure::Usage("--idempotency-key: expected 1 to 255 visible ASCII characters".to_owned())
    })
}

/// One line for a job that was accepted.
fn show(context: &Context, job: &Value) -> Result<()> {
    match context.out.is_json() {
        true => context.out.object(job),
        false => context.out.line(format_args!("{}  {}", member(job, "id"), member(job, "url"))),
    }
}

/// Waits for the end of a job and prints what came of it.
async fn outcome(context: &Context, mut job: Value, until: Instant) -> Result<()> {
    let id = member(&job, "id");
    let mut wait = POLL[0];
    while !is_over(&job) {
        if Instant::now() >= until {
            return Err(Failure::Failed(format!(
                "job {id} is still {}: `pagewire job {id}` tells how it goes on",
                member(&job, "status")
            )));
        }
        sleep(wait).await;
        wait = (wait * 2).min(POLL[1]);
        job = context.client.get(&["jobs", &id], &[]).await?.json()?;
    }
    let status = member(&job, "status");
    let out = context.out;
    if out.is_watched() {
        out.note(format_args!("{id}  {}", out.paint(&status, Tone::of(&status))));
    }
    match status.as_str() {
        // What could not be delivered was fetched all the same.
        "delivered" | "fetched" => job::content(context, &id).await,
        "undelivered" => {
            job::content(context, &id).await?;
            Err(Failure::Failed(format!("job {id} could not be delivered: {}", note(&job))))
        }
        "unchanged" => Ok(()),
        "failed" => job::content(context, &id).await.and(Err(Failure::Told(FAILED))),
        _ => Err(Failure::Failed(format!("job {id} was {status}"))),
    }
}

fn note(job: &Value) -> String {
    let note = member(job, "note");
    if note.is_empty() { "see `pagewire job ID`".to_owned() } else { note }
}

fn is_over(job: &Value) -> bool {
    job["status"].as_str().is_some_and(|status| OVER.contains(&status))
}
