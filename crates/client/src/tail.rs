use std::time::Duration;

use clap::Args;
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use crate::Context;
use crate::backoff::Backoff;
use crate::failure::{Failure, Result};
use crate::lines::Lines;
use crate::out::Tone;
use crate::query::Query;
use crate::show::{clean, member};
use crate::sse::{Event, Parser};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// A server that cannot be reached so often in a row is gone.
const MAX_ATTEMPTS: u32 = 30;

/// What to follow.
#[derive(Clone, Debug, Args)]
pub struct Tail {
    /// Only events of this type, such as job.failed; repeat it for more.
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    types: Vec<String>,
    /// Only events of this job.
    #[arg(long, value_name = "ID")]
    job: Option<String>,
    /// Begin after the event with this id, as far as the server remembers.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// End after so many events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

impl Tail {
    /// Follows until it has seen enough. A connection that breaks is made again, and what happened
    /// meanwhile is told.
    pub(crate) async fn run(&self, context: &Context) -> Result<()> {
        let mut follower = Follower {
            context,
            parser: Parser::after(self.after.clone()),
            left: self.count.unwrap_or(u64::MAX),
            connected: false,
            backoff: Backoff::default(),
        };
        let types = (!self.types.is_empty()).then(|| self.types.join(","));
        let query = Query::default().with("types", types).with("job", self.job.as_ref());
        while follower.left > 0 {
            match follower.follow(&query).await {
                Ok(()) => {}
                Err(failure) if follower.may_go_on(&failure) => {}
                Err(failure) => return Err(failure),
            }
            if follower.left > 0 {
                let least = follower.parser.retry.unwrap_or(Duration::ZERO);
                follower.backoff.wait(least.min(Duration::from_secs(5))).await;
            }
        }
        Ok(())
    }
}

struct Follower<'c> {
    context: &'c Context,
    parser: Parser,
    left: u64,
    connected: bool,
    backoff: Backoff,
}

impl Follower<'_> {
    /// One connection.
    async fn follow(&mut self, query: &Query) -> Result<()> {
        let client = &self.context.client;
        let mut request = client.request_with(Method::GET, &["events"], query.pairs());
        if let Some(id) = &self.parser.last_id {
            let value = HeaderValue::from_str(id).map_err(|_| {
                Failure::Usage(
                    "--after: not the id of an event: those are visible ASCII".to_owned(),
                )
            })?;
            request = request.header(LAST_EVENT_ID, value);
        }
        let mut response = client.open(request).await?;
        if !self.connected && self.context.out.is_watched() {
            self.context.out.note(format_args!("following {}; Ctrl-C ends", client.server()));
        }
        self.connected = true;
        let mut lines = Lines::default();
        while let Some(piece) = client.piece(&mut response).await? {
            self.backoff.reset();
            lines.push(&piece)?;
            while let Some(line) = lines.next() {
                let Some(event) = self.parser.line(line) else {
                    continue;
                };
                self.show(&event)?;
                self.left -= 1;
                if self.left == 0 {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Whether to connect again: only to a server that was there before, or is busy.
    fn may_go_on(&self, failure: &Failure) -> bool {
        let passing = match failure {
            Failure::Unreachable(_) | Failure::Broken(_) => self.connected,
            Failure::Refused(problem) => problem.is_transient(),
            _ => false,
        };
        passing && self.backoff.attempts() < MAX_ATTEMPTS
    }

    fn show(&self, event: &Event) -> Result<()> {
        let out = self.context.out;
        let data: Value = serde_json::from_str(&event.data).unwrap_or_else(|_| json!(event.data));
        if out.is_json() {
            let id = &self.parser.last_id;
            return out.object(&json!({"type": event.kind, "event_id": id, "data": data}));
        }
        let status = event.kind.rsplit('.').next().unwrap_or_default();
        let tone = match status {
            "succeeded" => Tone::Good,
            "gap" => Tone::Busy,
            other => Tone::of(other),
        };
        let kind = out.paint(&format!("{:15}", clean(&event.kind)), tone);
        let now = jiff::Timestamp::now().strftime("%H:%M:%S");
        out.line(format_args!("{now}  {kind}  {}", gist(&data)).to_string().trim_end())
    }
}

/// What is said of an event on one line.
fn gist(data: &Value) -> String {
    let error = &data["error"];
    let parts = [
        member(data, "id"),
        member(data, "sink"),
        member(data, "url"),
        member(data, "status"),
        member(error, "code"),
        member(data, "reason"),
        member(data, "detail"),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}
