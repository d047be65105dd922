use std::time::Duration;

use clap::Args;
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::failure::{FAILED, Failure, Result};
use crate::jobs::Which;
use crate::show::{card, member};
use crate::{Context, acts};

/// How often to ask how far it is.
const POLL: Duration = Duration::from_millis(500);

/// Which jobs to take up again, and how. Without an id: all that fit, undelivered ones unless
/// --status says otherwise.
#[derive(Clone, Debug, Args)]
pub struct Redrive {
    /// The ids of jobs, instead of a filter.
    #[arg(value_name = "ID", conflicts_with_all = ["status", "host", "sink", "tag", "since",
          "until", "error", "limit", "dry_run", "detach"])]
    ids: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// That failed for this reason: the code of the error, or the outcome of the last attempt.
    #[arg(long, value_name = "CODE")]
    error: Option<String>,
    /// Start again from the URL instead of sending the stored event.
    #[arg(long, conflicts_with = "to")]
    refetch: bool,
    /// Deliver to the sink of this name instead of the job's own.
    #[arg(long, value_name = "SINK")]
    to: Option<String>,
    /// At most this many, the oldest first.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Only count what fits.
    #[arg(long)]
    dry_run: bool,
    /// Do not wait for the end.
    #[arg(long)]
    detach: bool,
}

impl Redrive {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        match (self.ids.as_slice(), self.refetch) {
            ([], _) => self.by_filter(context).await,
            (ids, true) => acts::refetch(context, ids).await,
            (ids, false) => acts::redeliver(context, ids, self.to.as_deref()).await,
        }
    }

    async fn by_filter(&self, context: &Context) -> Result<()> {
        let begun = context.client.send(Method::POST, &["redrive"], &self.wish()).await?;
        let mut run = begun.json()?;
        let id = member(&run, "id");
        let bar = if context.out.is_watched() { bar() } else { ProgressBar::hidden() };
        while run["status"] == "running" && !self.detach {
            watch(&bar, &run);
            sleep(POLL).await;
            run = context.client.get(&["redrive", &id], &[]).await?.json()?;
        }
        bar.finish_and_clear();
        self.show(context, &run)
    }

    fn wish(&self) -> Value {
        let which = &self.which;
        let action = if self.refetch { "refetch" } else { "redeliver" };
        let mut wish = Map::from_iter([("action".to_owned(), json!(action))]);
        let texts = [
            ("host", &which.host),
            ("sink", &which.sink),
            ("tag", &which.tag),
            ("since", &which.since),
            ("until", &which.until),
            ("error", &self.error),
            ("to", &self.to),
        ];
        for (field, value) in texts {
            wish.extend(value.as_ref().map(|value| (field.to_owned(), json!(value))));
        }
        if let Some(statuses) = &which.status {
            wish.insert("status".to_owned(), statuses.split(',').collect());
        }
        wish.extend(self.limit.map(|limit| ("limit".to_owned(), json!(limit))));
        if self.dry_run {
            wish.insert("dry_run".to_owned(), json!(true));
        }
        Value::Object(wish)
    }

    fn show(&self, context: &Context, run: &Value) -> Result<()> {
        let out = context.out;
        if out.is_json() {
            out.object(run)?;
        } else {
            out.line(match (run["status"].as_str(), self.dry_run) {
                (Some("done"), true) => {
                    format!("{} jobs would be redriven", member(run, "matched"))
                }
                (Some("done"), false) => summary(run),
                _ => card(run, &["id", "status", "why"], &[]),
            })?;
            if run["more"] == true {
                out.note("more fitted than --limit: run it again for the rest");
            }
        }
        let went_well = matches!(run["status"].as_str(), Some("done" | "running"));
        if went_well { Ok(()) } else { Err(Failure::Told(FAILED)) }
    }
}

fn summary(run: &Value) -> String {
    let mut text = format!("{} jobs redriven", member(run, "redriven"));
    for (count, word) in [("skipped", "skipped"), ("failed", "failed")] {
        if run[count].as_u64().is_some_and(|count| count > 0) {
            text.push_str(&format!(", {} {word}", member(run, count)));
        }
    }
    text
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg}");
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn watch(bar: &ProgressBar, run: &Value) {
    let count = |name| member(run, name);
    let waiting = if run["waiting_for_room"] == true { "; waits for room" } else { "" };
    bar.set_message(format!(
        "looked at {}, {} fit, {} redriven{waiting}",
        count("scanned"),
        count("matched"),
        count("redriven")
    ));
    bar.tick();
}
