use clap::Args;
use http::Method;

use crate::Context;
use crate::failure::Result;
use crate::query::Query;
use crate::show::{card, member, time};
use crate::table::Table;

/// How many batches.
#[derive(Clone, Debug, Args)]
pub struct Batches {
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 100,
          value_parser = clap::value_parser!(u64).range(1..=1000))]
    limit: u64,
}

/// Which batch.
#[derive(Clone, Debug, Args)]
pub struct Batch {
    /// Its id. `pagewire jobs --batch ID` lists its jobs.
    #[arg(value_name = "ID")]
    id: String,
    /// Call off all of its jobs that are not over.
    #[arg(long)]
    cancel: bool,
}

impl Batches {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        let query = Query::default().with("limit", Some(self.limit));
        let page = context.client.get(&["batches"], query.pairs()).await?.json()?;
        let batches = page["batches"].as_array().map(Vec::as_slice).unwrap_or_default();
        if context.out.is_json() {
            return batches.iter().try_for_each(|batch| context.out.object(batch));
        }
        let heading = &["ID", "STATUS", "CREATED", "JOBS", "OPEN", "FAILED", "REFUSED"];
        let mut table = Table::new(heading);
        for batch in batches {
            table.row([
                member(batch, "id"),
                member(batch, "status"),
                time(&batch["created_at"]),
                member(batch, "jobs"),
                member(batch, "open"),
                member(batch, "failed"),
                member(batch, "refused"),
            ]);
        }
        table.print(context.out, "no batches: `pagewire submit -f FILE` makes one")
    }
}

impl Batch {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        let path = ["batches", &self.id];
        let answer = match self.cancel {
            true => context.client.bare(Method::DELETE, &path).await?,
            false => context.client.get(&path, &[]).await?,
        };
        let batch = answer.json()?;
        match context.out.is_json() {
            true => context.out.object(&batch),
            false => context.out.line(card(&batch, &FIRST, &["status_url", "jobs_url"])),
        }
    }
}

/// What is shown first.
const FIRST: [&str; 8] =
    ["id", "status", "jobs", "open", "succeeded", "failed", "cancelled", "refused"];
