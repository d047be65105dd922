use clap::Args;
use serde_json::Value;

use crate::Context;
use crate::failure::{Failure, Result};
use crate::show::{card, member, time};
use crate::table::Table;

/// Which job, and what of it.
#[derive(Clone, Debug, Args)]
pub struct Job {
    /// Its id.
    #[arg(value_name = "ID")]
    id: String,
    /// Print the event it made instead, as it was or will be sent.
    #[arg(long, conflicts_with = "content")]
    result: bool,
    /// Print the page it made instead: Markdown, or else text, HTML or the bytes.
    #[arg(long)]
    content: bool,
}

/// What is shown first.
const FIRST: [&str; 12] = [
    "id",
    "status",
    "url",
    "note",
    "stage",
    "attempts",
    "next_attempt_at",
    "created_at",
    "updated_at",
    "deadline",
    "sink",
    "result_bytes",
];

impl Job {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        match (self.result, self.content) {
            (true, _) => result(context, &self.id).await,
            (_, true) => content(context, &self.id).await,
            _ => self.show(context).await,
        }
    }

    async fn show(&self, context: &Context) -> Result<()> {
        let mut job = context.client.get(&["jobs", &self.id], &[]).await?.json()?;
        let ledger = context.client.get(&["jobs", &self.id, "attempts"], &[]).await?.json()?;
        if context.out.is_json() {
            job["ledger"] = ledger["attempts"].clone();
            return context.out.object(&job);
        }
        context.out.line(card(&job, &FIRST, &["status_url", "result_url"]))?;
        let attempts = ledger["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
        if attempts.is_empty() {
            return Ok(());
        }
        context.out.line("")?;
        print_attempts(context, attempts)
    }
}

fn print_attempts(context: &Context, attempts: &[Value]) -> Result<()> {
    let mut table = Table::new(&["STAGE", "ATTEMPT", "AT", "TOOK", "OUTCOME", "STATUS", "DETAIL"]);
    for attempt in attempts {
        table.row([
            member(attempt, "stage"),
            member(attempt, "attempt"),
            time(&attempt["at"]),
            format!("{} ms", member(attempt, "duration_ms")),
            member(attempt, "outcome"),
            member(attempt, "status"),
            member(attempt, "detail"),
        ]);
    }
    table.print(context.out, "no attempts yet")
}

/// Prints a job's event.
pub(crate) async fn result(context: &Context, id: &str) -> Result<()> {
    let answer = context.client.get(&["jobs", id, "result"], &[]).await?;
    context.out.bytes(&answer.body)
}

/// Prints what a job's event has of the page.
pub(crate) async fn content(context: &Context, id: &str) -> Result<()> {
    let event = context.client.get(&["jobs", id, "result"], &[]).await?.json()?;
    let data = &event["data"];
    if let Some(error) = data.get("error") {
        let (code, detail) = (member(error, "code"), member(error, "detail"));
        return Err(Failure::Failed(format!("there is no page: {code}: {detail}")));
    }
    if context.out.is_json() {
        return context.out.object(data);
    }
    let text = ["markdown", "text", "html"].iter().find_map(|format| data[*format].as_str());
    match text.or_else(|| data["raw"].as_str()) {
        Some(text) => context.out.bytes(text.as_bytes()),
        None => Err(Failure::Failed(format!(
            "the result of job {id} has no text of the page: see all of it with --result"
        ))),
    }
}
