use clap::Args;

use crate::Context;
use crate::failure::Result;
use crate::query::Query;
use crate::show::{member, time};
use crate::table::Table;

/// How many lanes.
#[derive(Clone, Debug, Args)]
pub struct Lanes {
    /// At most this many, busiest first.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    limit: Option<u64>,
}

impl Lanes {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        let query = Query::default().with("limit", self.limit);
        let page = context.client.get(&["lanes"], query.pairs()).await?.json()?;
        let lanes = page["lanes"].as_array().map(Vec::as_slice).unwrap_or_default();
        if context.out.is_json() {
            return lanes.iter().try_for_each(|lane| context.out.object(lane));
        }
        let mut table = Table::new(&["STAGE", "LANE", "WAITING", "IN FLIGHT", "CIRCUIT", "UNTIL"]);
        for lane in lanes {
            table.row([
                member(lane, "stage"),
                member(lane, "key"),
                member(lane, "waiting"),
                member(lane, "in_flight"),
                member(lane, "circuit"),
                time(&lane["paused_until"]),
            ]);
        }
        table.print(context.out, "nothing waits")
    }
}
