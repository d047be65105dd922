use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Map, json};

use crate::Context;
use crate::failure::Result;
use crate::show::{card, member, time};
use crate::table::Table;

/// What to do with keys.
#[derive(Clone, Debug, Args)]
pub struct Keys {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Lists the keys. The keys themselves are never shown again.
    List,
    /// Makes a key and shows it, this once.
    Create(Create),
    /// Ends a key: it opens nothing from now on.
    Revoke {
        /// Its id, as `list` shows it.
        #[arg(value_name = "ID")]
        id: String,
    },
}

#[derive(Clone, Debug, Args)]
struct Create {
    /// What it is called, for people.
    #[arg(value_name = "NAME")]
    name: String,
    /// What it is good for, required: submit, read, admin; repeat it or use commas.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<String>,
    /// Most jobs in a short time: 100/s, 30/min.
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// Most jobs: 1000000/d.
    #[arg(long, value_name = "QUOTA")]
    quota: Option<String>,
    /// The only sink that its jobs go to.
    #[arg(long, value_name = "SINK")]
    sink: Option<String>,
    /// It works until then: 2027-01-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
}

impl Keys {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        match &self.what {
            What::List => list(context).await,
            What::Create(create) => create.run(context).await,
            What::Revoke { id } => {
                context.client.bare(Method::DELETE, &["keys", id]).await?;
                match context.out.is_json() {
                    true => context.out.object(&json!({"id": id, "revoked": true})),
                    false => context.out.line(format_args!("{id}  revoked")),
                }
            }
        }
    }
}

impl Create {
    async fn run(&self, context: &Context) -> Result<()> {
        let mut wish = Map::from_iter([("name".to_owned(), json!(self.name))]);
        if !self.scopes.is_empty() {
            wish.insert("scopes".to_owned(), json!(self.scopes));
        }
        let given = [
            ("rate", &self.rate),
            ("quota", &self.quota),
            ("sink", &self.sink),
            ("expires_at", &self.expires_at),
        ];
        for (field, value) in given {
            wish.extend(value.as_ref().map(|value| (field.to_owned(), json!(value))));
        }
        let made = context.client.send(Method::POST, &["keys"], &wish.into()).await?.json()?;
        if context.out.is_json() {
            return context.out.object(&made);
        }
        context.out.line(card(&made, &["id", "key", "name"], &[]))?;
        context.out.note("keep the key: it is not shown again");
        Ok(())
    }
}

async fn list(context: &Context) -> Result<()> {
    let page = context.client.get(&["keys"], &[]).await?.json()?;
    let keys = page["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    if context.out.is_json() {
        return keys.iter().try_for_each(|key| context.out.object(key));
    }
    let heading = &["ID", "NAME", "SCOPES", "RATE", "QUOTA", "SINK", "CREATED", "EXPIRES"];
    let mut table = Table::new(heading);
    for key in keys {
        table.row([
            member(key, "id"),
            member(key, "name"),
            member(key, "scopes"),
            member(key, "rate"),
            member(key, "quota"),
            member(key, "sink"),
            time(&key["created_at"]),
            time(&key["expires_at"]),
        ]);
    }
    table.print(context.out, "no keys: `pagewire keys create NAME` makes one")
}
