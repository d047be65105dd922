use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Map, Value, json};

use crate::Context;
use crate::failure::{Failure, Result};
use crate::show::{card, member};
use crate::table::Table;

/// What to do with sinks.
#[derive(Clone, Debug, Args)]
pub struct Sinks {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Lists the sinks.
    List,
    /// Shows one.
    Show(Named),
    /// Defines a sink and shows its secret, this once.
    Add {
        /// What jobs call it: a-z, 0-9, - and _.
        #[arg(value_name = "NAME")]
        name: String,
        /// Where its events go; `pull:` for events that are fetched.
        #[arg(value_name = "URL")]
        url: String,
        /// What events are signed with (whsec_…, whsk_…); one is made unless given.
        #[arg(long, value_name = "SECRET")]
        secret: Option<String>,
        /// The kind of secret that is made: v1 (HMAC) or v1a (ed25519).
        #[arg(long, value_name = "KIND")]
        signature: Option<String>,
        #[command(flatten)]
        fields: Box<Fields>,
    },
    /// Changes what is given of a sink, and nothing else.
    Change {
        #[command(flatten)]
        named: Named,
        /// Where its events go.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// A field to set back to its default, such as rate; repeat it for more.
        #[arg(long, value_name = "FIELD", value_delimiter = ',')]
        unset: Vec<String>,
        #[command(flatten)]
        fields: Box<Fields>,
    },
    /// Removes a sink.
    Remove {
        #[command(flatten)]
        named: Named,
        /// Also while jobs wait for it.
        #[arg(long)]
        force: bool,
    },
    /// Gives a sink a new secret and shows it, this once.
    Rotate {
        #[command(flatten)]
        named: Named,
        /// The new secret; one is made unless given.
        #[arg(long, value_name = "SECRET")]
        secret: Option<String>,
        /// The kind of secret that is made: v1 (HMAC) or v1a (ed25519).
        #[arg(long, value_name = "KIND")]
        signature: Option<String>,
        /// How long the old one signs along, such as 2h.
        #[arg(long, value_name = "DURATION")]
        overlap: Option<String>,
    },
    /// Sends a sink an event to try it.
    Test(Named),
}

#[derive(Clone, Debug, Args)]
struct Named {
    /// The sink's name.
    #[arg(value_name = "NAME")]
    name: String,
}

/// What a sink is like. What is left out is the server's default.
#[derive(Clone, Debug, Args)]
struct Fields {
    /// A header field to send; repeat it for more.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// An event type to send; repeat it for more. All unless given.
    #[arg(long = "event", value_name = "TYPE", value_delimiter = ',')]
    events: Vec<String>,
    /// Most POSTs: 10/s, 30/m, 5/h.
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// POSTs in flight at once.
    #[arg(long, value_name = "N")]
    concurrency: Option<u32>,
    /// One attempt's time.
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// The wait before each attempt: 0s,1m,1h.
    #[arg(long, value_name = "DURATIONS", value_delimiter = ',')]
    schedule: Vec<String>,
    /// A longer event is sent with a link to its content instead.
    #[arg(long, value_name = "SIZE")]
    inline_limit: Option<String>,
    /// How events look: standard, cloudevents or raw.
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Compress bodies.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    gzip: Option<bool>,
    /// One event at a time, in order.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    ordered: Option<bool>,
    /// Whether anything is sent.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    enabled: Option<bool>,
    /// Send up to so many events together.
    #[arg(long, value_name = "N")]
    batch_events: Option<u32>,
    /// The first of them waits so long for the others.
    #[arg(long, value_name = "DURATION")]
    batch_wait: Option<String>,
}

impl Fields {
    fn put(&self, into: &mut Map<String, Value>) -> Result<()> {
        let lists = [("events", &self.events), ("schedule", &self.schedule)];
        for (field, value) in lists.into_iter().filter(|(_, value)| !value.is_empty()) {
            into.insert(field.to_owned(), json!(value));
        }
        if !self.headers.is_empty() {
            into.insert("headers".to_owned(), headers(&self.headers)?.into());
        }
        put(into, "rate", self.rate.as_ref());
        put(into, "concurrency", self.concurrency);
        put(into, "timeout", self.timeout.as_ref());
        put(into, "inline_limit", self.inline_limit.as_ref());
        put(into, "format", self.format.as_ref());
        put(into, "gzip", self.gzip);
        put(into, "ordered", self.ordered);
        put(into, "enabled", self.enabled);
        let mut batch = Map::new();
        put(&mut batch, "max_events", self.batch_events);
        put(&mut batch, "max_wait", self.batch_wait.as_ref());
        if !batch.is_empty() {
            into.insert("batch".to_owned(), batch.into());
        }
        Ok(())
    }
}

fn put<T: serde::Serialize>(into: &mut Map<String, Value>, field: &str, value: Option<T>) {
    into.extend(value.map(|value| (field.to_owned(), json!(value))));
}

fn headers(lines: &[String]) -> Result<Map<String, Value>> {
    let split = |line: &String| {
        let (name, value) = line.split_once(':').ok_or_else(|| {
            Failure::Usage("--header: expected `name: value`, such as `x-token: abc`".to_owned())
        })?;
        Ok((name.trim().to_owned(), json!(value.trim())))
    };
    lines.iter().map(split).collect()
}

impl Sinks {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        match &self.what {
            What::List => list(context).await,
            What::Show(Named { name }) => {
                let sink = context.client.get(&["sinks", name], &[]).await?.json()?;
                show(context, &sink)
            }
            What::Add { name, url, secret, signature, fields } => {
                let mut wish = Map::new();
                put(&mut wish, "name", Some(name));
                put(&mut wish, "url", Some(url));
                put(&mut wish, "secret", secret.as_ref());
                put(&mut wish, "signature", signature.as_ref());
                fields.put(&mut wish)?;
                let made = context.client.send(Method::POST, &["sinks"], &wish.into()).await?;
                show(context, &made.json()?)
            }
            What::Change { named, url, unset, fields } => {
                let mut patch = Map::new();
                put(&mut patch, "url", url.as_ref());
                fields.put(&mut patch)?;
                patch.extend(unset.iter().map(|field| (field.clone(), Value::Null)));
                if patch.is_empty() {
                    return Err(Failure::Usage(
                        "nothing to change: name a field, such as --rate 10/s".to_owned(),
                    ));
                }
                let path = ["sinks", &named.name];
                let sink = context.client.send(Method::PATCH, &path, &patch.into()).await?;
                show(context, &sink.json()?)
            }
            What::Remove { named, force } => remove(context, &named.name, *force).await,
            What::Rotate { named, secret, signature, overlap } => {
                let mut wish = Map::new();
                put(&mut wish, "secret", secret.as_ref());
                put(&mut wish, "signature", signature.as_ref());
                put(&mut wish, "overlap", overlap.as_ref());
                let path = ["sinks", &named.name, "rotate"];
                let sink = context.client.send(Method::POST, &path, &wish.into()).await?;
                show(context, &sink.json()?)
            }
            What::Test(Named { name }) => test(context, name).await,
        }
    }
}

fn show(context: &Context, sink: &Value) -> Result<()> {
    if context.out.is_json() {
        return context.out.object(sink);
    }
    context.out.line(card(sink, &["name", "url", "enabled", "secret", "disabled"], &[]))?;
    if sink.get("secret").is_some() {
        context.out.note("keep the secret: it is not shown again");
    }
    Ok(())
}

async fn list(context: &Context) -> Result<()> {
    let page = context.client.get(&["sinks"], &[]).await?.json()?;
    let sinks = page["sinks"].as_array().map(Vec::as_slice).unwrap_or_default();
    if context.out.is_json() {
        return sinks.iter().try_for_each(|sink| context.out.object(sink));
    }
    let mut table = Table::new(&["NAME", "ENABLED", "WAITING", "IN FLIGHT", "CIRCUIT", "URL"]);
    for sink in sinks {
        table.row([
            member(sink, "name"),
            member(sink, "enabled"),
            member(sink, "waiting"),
            member(sink, "in_flight"),
            member(sink, "circuit"),
            member(sink, "url"),
        ]);
    }
    table.print(context.out, "no sinks: `pagewire sinks add NAME URL` makes one")
}

async fn remove(context: &Context, name: &str, force: bool) -> Result<()> {
    let query = [("force", force.to_string())];
    let query = if force { &query[..] } else { &[] };
    let request = context.client.request_with(Method::DELETE, &["sinks", name], query);
    context.client.ask(request).await?;
    match context.out.is_json() {
        true => context.out.object(&json!({"name": name, "removed": true})),
        false => context.out.line(format_args!("{name}  removed")),
    }
}

async fn test(context: &Context, name: &str) -> Result<()> {
    let job = context.client.bare(Method::POST, &["sinks", name, "test"]).await?.json()?;
    if context.out.is_json() {
        return context.out.object(&job);
    }
    let id = member(&job, "id");
    context.out.line(&id)?;
    context.out.note(format_args!("an event is on its way: `pagewire job {id}` tells how it went"));
    Ok(())
}
