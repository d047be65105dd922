use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Map, Value, json};

use crate::Context;
use crate::failure::{Failure, Result};
use crate::query::Query;
use crate::show::{card, member, time};
use crate::submit::Fields;
use crate::table::Table;

/// How long an id is.
const ID_CHARS: usize = 36;

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
    /// The schedule's name or id, as `list` shows them.
    #[arg(value_name = "NAME|ID")]
    name: String,
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
            What::Show(which) => {
                let id = which.id(context).await?;
                show(context, &client.get(&["schedules", &id], &[]).await?.json()?)
            }
            What::Add(add) => {
                let made = client.send(Method::POST, &["schedules"], &add.wish()?).await?;
                show(context, &made.json()?)
            }
            What::Pause(which) => which.act(context, "pause").await,
            What::Resume(which) => which.act(context, "resume").await,
            What::Run(which) => which.act(context, "run").await,
            What::Remove(which) => {
                let id = which.id(context).await?;
                client.bare(Method::DELETE, &["schedules", &id]).await?;
                match context.out.is_json() {
                    true => context.out.object(&json!({"id": id, "removed": true})),
                    false => context.out.line(format_args!("{id}  removed")),
                }
            }
        }
    }
}

impl Which {
    /// The schedule's id, looked up when it is called by its name.
    async fn id(&self, context: &Context) -> Result<String> {
        let looks_like_an_id = self.name.len() == ID_CHARS
            && self.name.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
        if looks_like_an_id {
            return Ok(self.name.clone());
        }
        let all = all(context).await?;
        let found = all.iter().find(|schedule| schedule["name"] == self.name.as_str());
        let unknown = || Failure::Unknown(format!("there is no schedule `{}`", self.name));
        found.map(|schedule| member(schedule, "id")).ok_or_else(unknown)
    }

    async fn act(&self, context: &Context, what: &str) -> Result<()> {
        let id = self.id(context).await?;
        let answer = context.client.bare(Method::POST, &["schedules", &id, what]).await?;
        show(context, &answer.json()?)
    }
}

/// All schedules.
async fn all(context: &Context) -> Result<Vec<Value>> {
    let mut query = Query::default();
    let mut all = Vec::new();
    loop {
        let mut page = context.client.get(&["schedules"], query.pairs()).await?.json()?;
        if let Value::Array(schedules) = page["schedules"].take() {
            all.extend(schedules);
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => query.set("cursor", Some(cursor)),
            None => return Ok(all),
        }
    }
}

fn show(context: &Context, schedule: &Value) -> Result<()> {
    match context.out.is_json() {
        true => context.out.object(schedule),
        false => context.out.line(card(
            schedule,
            &["id", "name", "status", "url", "cron", "time_zone", "every", "next_at"],
            &["status_url"],
        )),
    }
}

async fn list(context: &Context) -> Result<()> {
    let schedules = all(context).await?;
    if context.out.is_json() {
        return schedules.iter().try_for_each(|schedule| context.out.object(schedule));
    }
    let mut table = Table::new(&["NAME", "PAUSED", "WHEN", "NEXT", "ID"]);
    for schedule in &schedules {
        let cron = member(schedule, "cron");
        let when = match cron.is_empty() {
            true => format!("every {}", member(schedule, "every")),
            false => format!("{cron} {}", member(schedule, "time_zone")).trim_end().to_owned(),
        };
        table.row([
            member(schedule, "name"),
            member(schedule, "paused"),
            when,
            time(&schedule["next_at"][0]),
            member(schedule, "id"),
        ]);
    }
    table.print(context.out, "no schedules: `pagewire schedules add` makes one")
}
