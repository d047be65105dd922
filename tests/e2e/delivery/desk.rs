//! What the scenarios of named sinks share.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Answer, Connection, Inbox, Method, Post, Server, eventually};
use serde_json::{Value, json};

use crate::world::{LIMIT, PAGE, World, accepted_id};

/// Longest until everything came: while a circuit is open, nothing does.
const PATIENCE: Duration = Duration::from_secs(120);

/// A world whose sinks are those that the scenario defines.
pub(super) async fn world(name: &str) -> Result<World> {
    Ok(World::without_forwarding(name).await?.flags(["--sink-allow", "127.0.0.0/8"]))
}

/// Sends JSON by any method.
pub(crate) async fn send(
    client: &mut Connection,
    method: Method,
    path: &str,
    json: &Value,
) -> Result<Answer> {
    let headers = [("content-type", "application/json")];
    Ok(client.request(method, path, &headers, json.to_string().into()).await?)
}

/// The same, answered with that status: the answer's JSON.
pub(crate) async fn told(
    client: &mut Connection,
    method: Method,
    path: &str,
    json: &Value,
    status: u16,
) -> Result<Value> {
    let answer = send(client, method.clone(), path, json).await?;
    ensure!(answer.status == status, "{method} {path}: {} {}", answer.status, answer.text());
    answer.json()
}

/// Defines a sink: what is said of it that once.
pub(crate) async fn define(client: &mut Connection, sink: &Value) -> Result<Value> {
    told(client, Method::POST, "/v1/sinks", sink, 201).await
}

/// Changes a sink.
pub(super) async fn change(client: &mut Connection, name: &str, patch: &Value) -> Result<Value> {
    told(client, Method::PATCH, &format!("/v1/sinks/{name}"), patch, 200).await
}

/// What is said of a sink.
pub(super) async fn sink(client: &mut Connection, name: &str) -> Result<Value> {
    let answer = client.get(&format!("/v1/sinks/{name}")).await?;
    ensure!(answer.status == 200, "{name}: {} {}", answer.status, answer.text());
    answer.json()
}

/// Waits until what is said of a sink is as it should be.
pub(super) async fn sink_becomes(
    client: &mut Connection,
    name: &str,
    what: &str,
    is: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let mut last = Value::Null;
    let what = format!("the sink {name} {what}");
    let waited = eventually(&what, LIMIT * 2, async || {
        last = sink(client, name).await.unwrap_or(Value::Null);
        is(&last)
    });
    waited.await.with_context(|| format!("last seen: {last}"))?;
    Ok(last)
}

/// Submits page `n` for the sink of that name: the job's id.
pub(super) async fn job_for(
    world: &World,
    client: &mut Connection,
    n: u64,
    sink: &str,
) -> Result<String> {
    let url = world.origin.page(n, PAGE);
    submit(client, &json!({"url": url, "sink": sink})).await
}

/// Submits any job: its id.
pub(super) async fn submit(client: &mut Connection, job: &Value) -> Result<String> {
    accepted_id(&client.post("/v1/jobs", job.to_string()).await?)
}

/// The oracle of an inbox: each of these ids was taken, once, and nothing else came.
pub(crate) async fn conserved(inbox: &Inbox, ids: &[String]) -> Result<Vec<Post>> {
    let has_all = |posts: &[Post]| {
        let taken: HashSet<&str> =
            posts.iter().filter(|post| post.is_taken()).map(Post::id).collect();
        ids.iter().all(|id| taken.contains(id.as_str()))
    };
    let what = format!("{} events at the inbox", ids.len());
    let posts = inbox.wait_until(&what, PATIENCE, has_all).await?;
    for id in ids {
        let taken = posts.iter().filter(|post| post.id() == id && post.is_taken()).count();
        ensure!(taken == 1, "{id} was taken {taken} times");
    }
    let stray = posts.iter().find(|post| !ids.iter().any(|id| id == post.id()));
    ensure!(stray.is_none(), "nobody asked for {stray:?}");
    Ok(posts)
}

/// The end of a scenario whose server has no sink of its own: a fresh job for `sink` gets through
/// to its inbox.
pub(super) async fn fresh_job(
    world: &World,
    server: &Server,
    sink: &str,
    inbox: &Inbox,
) -> Result<Post> {
    let id = job_for(world, &mut server.client(), 1 << 40, sink).await?;
    inbox.wait_for(&id, LIMIT).await.with_context(|| server.log_tail())
}
