//! Many jobs in one request.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Accepted, Connection, Inbox, Method, Post, Server, Upload, eventually};
use serde_json::{Value, json};

use crate::world::{LIMIT, PAGE, SECRET, World};

/// Lines of a batch.
const LINES: u64 = 5_000;

/// Every so many lines one is bad.
const BAD_EVERY: u64 = 50;

/// Lines that are sent at once.
const PIECE: u64 = 250;

/// Longest for a whole batch to be over.
const PATIENCE: Duration = Duration::from_secs(120);

async fn world(name: &str) -> Result<World> {
    Ok(World::new(name).await?.flags(["--sink-allow", "127.0.0.0/8"]))
}

/// The address of a batch whose end is told to `inbox`.
fn path_to(inbox: &Inbox) -> String {
    format!("/v1/batches?sink={}&metadata=%7B%22run%22%3A7%7D", inbox.url())
}

/// Line `n`, counted from 1.
fn line(world: &World, n: u64) -> String {
    let url = world.origin.page(n, PAGE);
    if !n.is_multiple_of(BAD_EVERY) {
        return format!("{}\n", json!({"url": url, "formats": ["raw"], "metadata": {"n": n}}));
    }
    match n / BAD_EVERY % 5 {
        0 => "{\"url\":\n".to_owned(),
        1 => format!("{}\n", json!({"url": url, "urll": 1})),
        2 => "{\"url\":\"ftp://example.com/\"}\n".to_owned(),
        3 => "[]\n".to_owned(),
        _ => "{\"url\":\"http://127.0.0.1/\",\"url\":\"http://127.0.0.1/\"}\n".to_owned(),
    }
}

fn lines(world: &World, numbers: std::ops::RangeInclusive<u64>) -> String {
    numbers.map(|n| line(world, n)).collect()
}

const fn bad(lines: u64) -> u64 {
    lines / BAD_EVERY
}

/// Sends lines `from` to `to`, a piece at a time.
async fn send(world: &World, upload: &mut Upload, from: u64, to: u64) -> Result<()> {
    let mut next = from;
    while next <= to {
        let end = to.min(next + PIECE - 1);
        upload.send(lines(world, next..=end), LIMIT).await?;
        next = end + 1;
    }
    Ok(())
}

/// The whole batch, from the beginning to the last line of the answer.
async fn upload_all(
    world: &World,
    server: &Server,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Vec<Value>> {
    let first = lines(world, 1..=PIECE);
    let mut upload = Upload::open(server.addr(), path, headers, first, LIMIT).await?;
    ensure!(upload.status() == 202, "{}: {:?}", upload.status(), upload.next(LIMIT).await);
    send(world, &mut upload, PIECE + 1, LINES).await?;
    upload.rest(LIMIT).await
}

/// Checks that there is one verdict for each line, in order, and that each is right: the ids by
/// their lines.
fn judged(verdicts: &[Value]) -> Result<HashMap<u64, String>> {
    let [first, verdicts @ .., last] = verdicts else { anyhow::bail!("{verdicts:?}") };
    ensure!(first["batch"]["id"].is_string() && first["batch"]["id"] == last["batch"]["id"]);
    assert_eq!(verdicts.len() as u64, LINES, "{last}");
    let mut ids = HashMap::new();
    for (n, verdict) in (1_u64..).zip(verdicts) {
        ensure!(verdict["line"] == n, "line {n}: {verdict}");
        if n.is_multiple_of(BAD_EVERY) {
            let status = verdict["error"]["status"].as_u64();
            ensure!(status.is_some_and(|status| (400..500).contains(&status)), "{verdict}");
            ensure!(verdict["id"].is_null(), "{verdict}");
        } else {
            let id = verdict["id"].as_str().with_context(|| verdict.to_string())?;
            ids.insert(n, id.to_owned());
        }
    }
    let distinct: HashSet<&String> = ids.values().collect();
    ensure!(distinct.len() == ids.len(), "an id was given to two lines");
    let counts = (&last["batch"]["accepted"], &last["batch"]["refused"]);
    assert_eq!(counts, (&json!(LINES - bad(LINES)), &json!(bad(LINES))), "{last}");
    Ok(ids)
}

/// Each of these jobs has to be delivered, once.
fn note(world: &World, ids: &HashMap<u64, String>) {
    for (n, id) in ids {
        let (id, url) = (id.clone(), world.origin.page(*n, PAGE));
        world.ledger.accept(Accepted { id, url, sent_us: 0, accepted_us: 0 });
    }
}

async fn batch(client: &mut Connection, id: &str) -> Result<Value> {
    let answer = client.get(&format!("/v1/batches/{id}")).await?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    answer.json()
}

async fn completed(client: &mut Connection, id: &str) -> Result<Value> {
    let mut last = Value::Null;
    let waited = eventually("the batch to be completed", PATIENCE, async || {
        last = batch(client, id).await.unwrap_or(Value::Null);
        last["status"] == "completed"
    });
    waited.await.with_context(|| last.to_string())?;
    Ok(last)
}

/// The one event that tells of the end of a batch. It may come again, as the same.
async fn told_once(inbox: &Inbox) -> Result<Post> {
    let posts = inbox.wait_until("batch.completed", LIMIT, |posts| !posts.is_empty()).await?;
    let ids: HashSet<&str> = posts.iter().map(Post::id).collect();
    ensure!(ids.len() == 1, "{} events tell of one batch: {posts:?}", ids.len());
    for post in &posts {
        post.verify(SECRET)?;
        assert_eq!(post.json()?["type"], "batch.completed");
    }
    posts.into_iter().next().context("a request does not go away")
}

fn batch_id(verdicts: &[Value]) -> Result<String> {
    let id = verdicts.first().and_then(|first| first["batch"]["id"].as_str());
    Ok(id.context("the batch's id")?.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_a_batch_has_its_verdict_and_its_end_is_told_once() -> Result<()> {
    let world = world("batch").await?;
    let inbox = Inbox::start().await?;
    let server = world.start().await?;
    let verdicts = upload_all(&world, &server, &path_to(&inbox), &[]).await?;
    let ids = judged(&verdicts)?;
    note(&world, &ids);
    let id = batch_id(&verdicts)?;
    let mut client = server.client();
    let seen = completed(&mut client, &id).await.with_context(|| server.log_tail())?;
    let good = LINES - bad(LINES);
    for (name, count) in [
        ("jobs", good),
        ("succeeded", good),
        ("refused", bad(LINES)),
        ("open", 0),
        ("failed", 0),
        ("cancelled", 0),
    ] {
        assert_eq!(seen[name], count, "{name} of {seen}");
    }
    assert_eq!(seen["metadata"], json!({"run": 7}));
    world.settle(&server).await?;
    let event = told_once(&inbox).await?.json()?;
    assert_eq!(event["data"]["id"], id.as_str(), "{event}");
    assert_eq!(event["data"]["succeeded"], good, "{event}");
    assert_eq!(event["data"]["refused"], bad(LINES), "{event}");
    assert_eq!(event["data"]["metadata"], json!({"run": 7}));
    assert_eq!(inbox.posts().len(), 1, "nobody was killed, so nothing comes again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_sent_again_after_kill_9_loses_and_doubles_nothing() -> Result<()> {
    let world = world("batch-kill").await?;
    let inbox = Inbox::start().await?;
    let mut server = world.start().await?;
    // Nothing is over before it was sent again, so that there is one end to tell of.
    world.origin.hold();
    let headers = [("idempotency-key", "nightly")];
    let path = path_to(&inbox);
    let first = lines(&world, 1..=PIECE);
    let mut upload = Upload::open(server.addr(), &path, &headers, first, LIMIT).await?;
    assert_eq!(upload.status(), 202);
    send(&world, &mut upload, PIECE + 1, LINES / 2).await?;
    let mut before = HashMap::new();
    while before.len() < 500 {
        let verdict = upload.next(LIMIT).await?.context("a verdict")?;
        if let (Some(n), Some(id)) = (verdict["line"].as_u64(), verdict["id"].as_str()) {
            before.insert(n, id.to_owned());
        }
    }
    server.kill9()?;
    drop(upload);

    let mut server = world.start().await?;
    let verdicts = upload_all(&world, &server, &path, &headers).await?;
    let ids = judged(&verdicts)?;
    for (n, id) in &before {
        ensure!(ids.get(n) == Some(id), "line {n} was {id} and is {:?}", ids.get(n));
        let verdict = verdicts.iter().find(|verdict| verdict["line"] == *n);
        ensure!(verdict.is_some_and(|verdict| verdict["replayed"] == true), "{verdict:?}");
    }
    note(&world, &ids);
    world.origin.release();
    let some = async || world.sink.delivered() >= LINES / 2;
    eventually("half of the events", PATIENCE, some).await?;
    server.kill9()?;

    let server = world.start().await?;
    let id = batch_id(&verdicts)?;
    let seen = completed(&mut server.client(), &id).await.with_context(|| server.log_tail())?;
    let good = LINES - bad(LINES);
    assert_eq!((&seen["jobs"], &seen["succeeded"]), (&json!(good), &json!(good)), "{seen}");
    // A third time: it is all there, and nothing is told anew.
    let again = judged(&upload_all(&world, &server, &path, &headers).await?)?;
    ensure!(again == ids, "the same lines are other jobs now");
    world.settle(&server).await?;
    let event = told_once(&inbox).await?.json()?;
    assert_eq!(event["data"]["succeeded"], good, "{event}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_called_off_ends_with_all_its_jobs() -> Result<()> {
    const JOBS: u64 = 300;
    let world = world("batch-cancel").await?;
    let inbox = Inbox::start().await?;
    let server = world.start().await?;
    let mut client = server.client();
    let url = |n: u64| world.origin.page(n, PAGE);
    let later: Vec<Value> = (1..=JOBS).map(|n| json!({"url": url(n), "delay": "1h"})).collect();
    let answer = client.post(&path_to(&inbox), Value::from(later).to_string()).await?;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let answer = answer.json()?;
    let verdicts = answer["verdicts"].as_array().context("verdicts")?;
    for (n, verdict) in (1..).zip(verdicts) {
        let id = verdict["id"].as_str().with_context(|| verdict.to_string())?.to_owned();
        world.ledger.accept(Accepted { id, url: url(n), sent_us: 0, accepted_us: 0 });
    }
    assert_eq!(world.ledger.len() as u64, JOBS);
    let id = answer["batch"]["id"].as_str().context("the batch's id")?.to_owned();
    let path = format!("/v1/batches/{id}");
    let called_off = client.request(Method::DELETE, &path, &[], "".into()).await?;
    ensure!([200, 202].contains(&called_off.status), "{}", called_off.text());
    let seen = completed(&mut client, &id).await?;
    assert_eq!((&seen["cancelled"], &seen["open"]), (&json!(JOBS), &json!(0)), "{seen}");
    let verdict = world.settle(&server).await?;
    assert_eq!(verdict.count("job.cancelled"), JOBS, "{verdict:?}");
    let event = told_once(&inbox).await?.json()?;
    assert_eq!(event["data"]["cancelled"], JOBS, "{event}");
    Ok(())
}
