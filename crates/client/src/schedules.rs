use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Map, Value, json};

use crate::Context;
use crate::failure::Result;
use crate::show::{card, member, time};
use crate::submit::Fields;
use crate::table::Table;

/// What to do with schedules.
#[derive(Clone, Debug, Args)]
pub struct Schedules {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Lists the schedules.
    List,
    /// Shows one.
    Show(Which),
    /// Makes a schedule: a job that is submitted again and again.
    Add(Box<Add>),
    /// Lets no run begin until it is resumed.
    Pause(Which),
    /// Ends a pause.
    Resume(Which),
    /// Removes a schedule. Jobs that it submitted stay.
    Remove(Which),
    /// Submits its job now, besides its runs.
    Run(Which),
}

#[derive(Clone, Debug, Args)]
struct Which {
    /// The schedule's id, as `list` shows it.
    #[arg(value_name = "ID")]
    id: String,
}

#[derive(Clone, Debug, Args)]
struct Add {
    /// What it is called: a-z, 0-9, - and _.
    #[arg(value_name = "NAME")]
    name: String,
    /// The URL of the page.
    #[arg(value_name = "URL")]
    url: String,
    /// When: five fields, six with seconds in front, or @hourly and the like.
    #[arg(
        long,
        value_name = "EXPRESSION",
        required_unless_present = "every",
        conflicts_with = "every"
    )]
    cron: Option<String>,
    /// The time zone of --cron, such as Europe/Berlin; UTC unless given.
    #[arg(long, value_name = "ZONE", requires = "cron")]
    time_zone: Option<String>,
    /// From one run to the next, such as 15m.
    #[arg(long, value_name = "DURATION")]
    every: Option<String>,
    /// Each run is later by up to this.
    #[arg(long, value_name = "DURATION")]
    jitter: Option<String>,
    /// What becomes of missed runs: skip, once or all.
    #[arg(long, value_name = "RULE")]
    missed: Option<String>,
    /// No run before this time.
    #[arg(long, value_name = "TIME")]
    start_at: Option<String>,
    /// No run after this time.
    #[arg(long, value_name = "TIME")]
    end_at: Option<String>,
    /// Make it paused.
    #[arg(long)]
    paused: bool,
    #[command(flatten)]
    fields: Fields,
}

impl Add {
    fn wish(&self) -> Result<Value> {
        let mut job = self.fields.members()?;
        job.insert("url".to_owned(), json!(self.url));
        let mut wish =
            Map::from_iter([("name".to_owned(), json!(self.name)), ("job".to_owned(), job.into())]);
        let given = [
            ("cron", &self.cron),
            ("time_zone", &self.time_zone),
            ("every", &self.every),
            ("jitter", &self.jitter),
            ("missed", &self.missed),
            ("start_at", &self.start_at),
            ("end_at", &self.end_at),
        ];
        for (field, value) in given {
            wish.extend(value.as_ref().map(|value| (field.to_owned(), json!(value))));
        }
        if self.paused {
            wish.insert("paused".to_owned(), json!(true));
        }
        Ok(wish.into())
    }
}

impl Schedules {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        let client = &context.client;
        match &self.what {
            What::List => list(context).await,
            What::Show(Which { id }) => {
                show(context, &client.get(&["schedules", id], &[]).await?.json()?)
            }
            What::Add(add) => {
                let made = client.send(Method::POST, &["schedules"], &add.wish()?).await?;
                show(context, &made.json()?)
            }
            What::Pause(Which { id }) => act(context, id, "pause").await,
            What::Resume(Which { id }) => act(context, id, "resume").await,
            What::Run(Which { id }) => act(context, id, "run").await,
            What::Remove(Which { id }) => {
                client.bare(Method::DELETE, &["schedules", id]).await?;
                match context.out.is_json() {
                    true => context.out.object(&json!({"id": id, "removed": true})),
                    false => context.out.line(format_args!("{id}  removed")),
                }
            }
        }
    }
}

async fn act(context: &Context, id: &str, what: &str) -> Result<()> {
    let answer = context.client.bare(Method::POST, &["schedules", id, what]).await?;
    show(context, &answer.json()?)
}

fn show(context: &Context, schedule: &Value) -> Result<()> {
    match context.out.is_json() {
        true => context.out.object(schedule),
        false => context.out.line(card(
            schedule,
            &["id", "name", "status", "url", "cron", "time_zone", "every", "next_run_at"],
            &["status_url"],
        )),
    }
}

async fn list(context: &Context) -> Result<()> {
    let page = context.client.get(&["schedules"], &[]).await?.json()?;
    let schedules = page["schedules"].as_array().map(Vec::as_slice).unwrap_or_default();
    if context.out.is_json() {
        return schedules.iter().try_for_each(|schedule| context.out.object(schedule));
    }
    let mut table = Table::new(&["ID", "NAME", "PAUSED", "WHEN", "NEXT", "URL"]);
    for schedule in schedules {
        let cron = member(schedule, "cron");
        let when = match cron.is_empty() {
            true => format!("every {}", member(schedule, "every")),
            false => format!("{cron} {}", member(schedule, "time_zone")).trim_end().to_owned(),
        };
        table.row([
            member(schedule, "id"),
            member(schedule, "name"),
            member(schedule, "paused"),
            when,
            time(&schedule["next_run_at"]),
            member(&schedule["job"], "url"),
        ]);
    }
    table.print(context.out, "no schedules: `pagewire schedules add` makes one")
}
