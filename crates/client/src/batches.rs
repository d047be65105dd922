use clap::Args;
use serde_json::Value;

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
}

impl Batches {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        let query = Query::default().with("limit", Some(self.limit));
        let page = context.client.get(&["batches"], query.pairs()).await?.json()?;
        let batches = page["batches"].as_array().map(Vec::as_slice).unwrap_or_default();
        if context.out.is_json() {
            return batches.iter().try_for_each(|batch| context.out.object(batch));
        }
        let heading = &["ID", "STATUS", "CREATED", "ACCEPTED", "REFUSED"];
        let mut table = Table::new(heading);
        for batch in batches {
            table.row([
                member(batch, "id"),
                status(batch),
                time(&batch["created_at"]),
                member(batch, "accepted"),
                member(batch, "refused"),
            ]);
        }
        table.print(context.out, "no batches: `pagewire submit -f FILE` makes one")
    }
}

fn status(batch: &Value) -> String {
    match (batch["status"].as_str(), batch.get("completed_at"), batch["closed"].as_bool()) {
        (Some(status), _, _) => status.to_owned(),
        (None, Some(_), _) => "completed".to_owned(),
        (None, None, Some(true)) => "running".to_owned(),
        _ => "open".to_owned(),
    }
}

impl Batch {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        let batch = context.client.get(&["batches", &self.id], &[]).await?.json()?;
        match context.out.is_json() {
            true => context.out.object(&batch),
            false => context.out.line(card(&batch, &["id", "status", "accepted", "refused"], &[])),
        }
    }
}
