use clap::Args;
use http::Method;
use serde_json::{Value, json};

use crate::Context;
use crate::failure::{FAILED, Failure, Result};
use crate::http::Answer;
use crate::show::member;

/// Which jobs to call off.
#[derive(Clone, Debug, Args)]
pub struct Cancel {
    /// Their ids.
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

/// Which events to send again.
#[derive(Clone, Debug, Args)]
pub struct Redeliver {
    /// The ids of their jobs.
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    /// Send them to the sink of this name instead of their own.
    #[arg(long, value_name = "SINK")]
    to: Option<String>,
}

/// Which jobs to start again.
#[derive(Clone, Debug, Args)]
pub struct Refetch {
    /// Their ids.
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

impl Cancel {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        each(context, &self.ids, async |id| {
            context.client.bare(Method::DELETE, &["jobs", id]).await
        })
        .await
    }
}

impl Redeliver {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        redeliver(context, &self.ids, self.to.as_deref()).await
    }
}

impl Refetch {
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        refetch(context, &self.ids).await
    }
}

/// Sends the events of these jobs once more.
pub(crate) async fn redeliver(context: &Context, ids: &[String], to: Option<&str>) -> Result<()> {
    each(context, ids, async |id| {
        let path = ["jobs", id, "redeliver"];
        match to {
            Some(sink) => context.client.send(Method::POST, &path, &json!({"sink": sink})).await,
            None => context.client.bare(Method::POST, &path).await,
        }
    })
    .await
}

/// Starts these jobs again.
pub(crate) async fn refetch(context: &Context, ids: &[String]) -> Result<()> {
    each(context, ids, async |id| context.client.bare(Method::POST, &["jobs", id, "refetch"]).await)
        .await
}

/// Does something to each job and says what became of it. One that is refused does not keep the
/// others from their turn; a server that is gone does.
async fn each(
    context: &Context,
    ids: &[String],
    act: impl AsyncFn(&str) -> Result<Answer>,
) -> Result<()> {
    let mut worst = None;
    for id in ids {
        match act(id).await.and_then(|answer| answer.json()) {
            Ok(job) => show(context, &job)?,
            Err(failure @ Failure::Refused(_)) if ids.len() > 1 => {
                let code = failure.code();
                context.out.complain(&failure);
                // One code for all of them, if they have one in common.
                worst = Some(worst.map_or(code, |other| if other == code { code } else { FAILED }));
            }
            Err(failure) => return Err(failure),
        }
    }
    worst.map_or(Ok(()), |code| Err(Failure::Told(code)))
}

fn show(context: &Context, job: &Value) -> Result<()> {
    match context.out.is_json() {
        true => context.out.object(job),
        false => context.out.line(format_args!("{}  {}", member(job, "id"), member(job, "status"))),
    }
}
