use clap::Args;
use serde_json::Value;

use crate::Context;
use crate::failure::Result;
use crate::out::{Out, Tone};
use crate::query::Query;
use crate::show::{member, time};

/// Which jobs, by what is known of them. All that is given has to fit.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Which {
    /// Of this status: queued, fetching, delivering, delivered, fetched, unchanged, failed,
    /// undelivered, cancelled.
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,
    /// Whose URL has this host.
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// Whose events go to this sink: its name or its URL.
    #[arg(long, value_name = "SINK")]
    pub(crate) sink: Option<String>,
    /// With this tag.
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<String>,
    /// Accepted at this time or later: 2026-11-22T10:00:00Z, or so long ago: 24h.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Accepted before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

/// Which jobs, and how many.
#[derive(Clone, Debug, Args)]
pub struct Jobs {
    #[command(flatten)]
    which: Which,
    /// Of this batch.
    #[arg(long, value_name = "ID")]
    batch: Option<String>,
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 100, conflicts_with = "all",
          value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// All of them.
    #[arg(long)]
    all: bool,
}

/// Most of one answer.
const PAGE: u64 = 1000;
/// Wide enough for the longest status.
const STATUS_CHARS: usize = 11;

impl Jobs {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        let which = &self.which;
        let mut query = Query::default()
            .with("status", which.status.as_ref())
            .with("host", which.host.as_ref())
            .with("sink", which.sink.as_ref())
            .with("tag", which.tag.as_ref())
            .with("batch", self.batch.as_ref())
            .with("since", which.since.as_ref())
            .with("until", which.until.as_ref());
        let mut left = if self.all { u64::MAX } else { self.limit };
        let mut listing = Listing { out: context.out, begun: false };
        while left > 0 {
            query.set("limit", Some(left.min(PAGE)));
            let page = context.client.get(&["jobs"], query.pairs()).await?.json()?;
            for job in page["jobs"].as_array().into_iter().flatten() {
                listing.show(job)?;
                left -= 1;
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => query.set("cursor", Some(cursor)),
                None => break,
            }
        }
        listing.end();
        Ok(())
    }
}

/// Prints jobs as they come.
struct Listing {
    out: Out,
    begun: bool,
}

impl Listing {
    fn show(&mut self, job: &Value) -> Result<()> {
        let out = self.out;
        if out.is_json() {
            self.begun = true;
            return out.object(job);
        }
        if !self.begun {
            self.begun = true;
            let heading = format!("{:36}  {:STATUS_CHARS$}  {:20}  URL", "ID", "STATUS", "CREATED");
            out.line(out.paint(&heading, Tone::Faint))?;
        }
        let status = member(job, "status");
        let padded = format!("{status:STATUS_CHARS$}");
        out.line(format_args!(
            "{:36}  {}  {:20}  {}",
            member(job, "id"),
            out.paint(&padded, Tone::of(&status)),
            time(&job["created_at"]),
            member(job, "url"),
        ))
    }

    fn end(&self) {
        if !self.begun && !self.out.is_json() {
            self.out.note("no such jobs");
        }
    }
}
