//! A sink that does everything a sink can do to a sender, and then recovers.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{
    Connection, Method, Mode, Origin, OriginConfig, Server, SinkReport, Stop, Verdict, eventually,
    rng, say,
};
use serde_json::Value;
use tokio::time::sleep;

use crate::world::{World, wait_for_status};

/// Jobs that meet the sink.
const JOBS: u64 = 1_000;

/// How often every treatment is met before the sink recovers.
const ROUNDS: u64 = 7;

/// Longest for that: while the circuit is open, little is sent.
const ROUNDS_WITHIN: Duration = Duration::from_secs(120);

/// How long nothing works at all.
const OUTAGE: Duration = Duration::from_secs(3);

/// Longest until nothing is under way any more, once the sink has recovered.
const SETTLED_WITHIN: Duration = Duration::from_secs(150);

/// Soon, and often enough for everything that happens here.
const SCHEDULE: &str = "0,100ms,200ms,500ms,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,\
                        1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s";

/// Deliveries whose ledger is compared with what the sink saw.
const LEDGERS: usize = 40;

/// Runs the load against the hostile sink, killing the server so often, lets the sink recover, and
/// settles.
async fn survive(name: &str, kills: u32) -> Result<(World, Server, Verdict)> {
    let world = World::new(name).await?.flags([
        "--delivery-schedule",
        SCHEDULE,
        "--delivery-timeout",
        "6s",
        "--per-sink",
        "64",
    ]);
    let trap = Origin::start(OriginConfig::default()).await?;
    world.sink.turn_hostile(rng(name), &trap.page(0, 0));
    let mut server = world.start().await?;
    world.load(8).run(Stop::Jobs(JOBS), &world.ledger).await.check()?;
    for round in 1..=kills {
        rounds_at_the_sink(&world, u64::from(round)).await?;
        server.kill9()?;
        drop(server);
        server = world.start().await?;
    }
    rounds_at_the_sink(&world, ROUNDS - 1).await?;
    world.sink.set(Mode::Status(503, None));
    sleep(OUTAGE).await;
    world.sink.set(Mode::Hostile);
    rounds_at_the_sink(&world, ROUNDS).await?;
    say(&format!("the sink recovers after {} POSTs", world.sink.posts()));
    world.sink.set(Mode::Accept);
    redeliver_dead_letters(&world, &server).await?;
    let verdict = world.settle(&server).await?;
    ensure!(trap.report().requests() == 0, "a redirect was followed: {:?}", trap.report());
    ensure!(lost(&world.sink.report()) > 0, "no answer was lost: nothing was shown");
    Ok((world, server, verdict))
}

async fn rounds_at_the_sink(world: &World, rounds: u64) -> Result<()> {
    let met = async || world.sink.hostile_rounds() >= rounds;
    eventually(&format!("{rounds} rounds of hostility"), ROUNDS_WITHIN, met).await
}

/// A redirect is a refusal, and a refusal is not tried for days: such jobs are dead letters, all of
/// them listed, until somebody says that it was a mistake.
async fn redeliver_dead_letters(world: &World, server: &Server) -> Result<()> {
    let mut client = server.client();
    eventually("every job to be delivered or a dead letter", SETTLED_WITHIN, async || {
        let mut client = server.client();
        let Ok(listed) = ids(&mut client, "delivering").await else { return false };
        listed.is_empty()
    })
    .await?;
    let dead = ids(&mut client, "undelivered").await?;
    say(&format!("{} dead letters of {} jobs", dead.len(), world.ledger.len()));
    for id in dead {
        let path = format!("/v1/jobs/{id}/redeliver");
        let answer = client.request(Method::POST, &path, &[], "".into()).await?;
        ensure!(answer.status == 202, "{}: {}", answer.status, answer.text());
    }
    Ok(())
}

/// The ids of all jobs with that status.
async fn ids(client: &mut Connection, status: &str) -> Result<Vec<String>> {
    let listed = client.get(&format!("/v1/jobs?status={status}&limit=1000")).await?.json()?;
    let jobs = listed["jobs"].as_array().context("a list of jobs")?;
    Ok(jobs.iter().filter_map(|job| job["id"].as_str().map(str::to_owned)).collect())
}

/// POSTs that were taken and whose answer could not be understood.
fn lost(report: &SinkReport) -> u32 {
    report.events.iter().map(|event| event.lost).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_sink_gets_everything_once_it_recovers() -> Result<()> {
    let (world, server, verdict) = survive("hostile-sink", 0).await?;
    assert_eq!((verdict.duplicates, verdict.rewritten), (0, 0), "{verdict:?}");
    assert_eq!(verdict.count("job.succeeded"), verdict.accepted, "{verdict:?}");
    let report = world.sink.report();
    for event in &report.events {
        // A second POST is excused by nothing but an answer that said no, or got lost.
        assert_eq!(event.delivered, 1, "an answer was ignored: {event:?}");
    }
    let mut client = server.client();
    for event in report.events.iter().take(LEDGERS) {
        wait_for_status(&mut client, &event.id, "delivered").await?;
        let path = format!("/v1/jobs/{}/attempts", event.id);
        let attempts = client.get(&path).await?.json()?;
        let attempts: Vec<&Value> = attempts["attempts"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|attempt| attempt["stage"] == "deliver")
            .collect();
        // Whoever closes the connection before it has read anything does not know of the attempt.
        ensure!(attempts.len() >= event.attempts as usize, "{event:?}: {attempts:?}");
        let outcomes: Vec<&str> =
            attempts.iter().filter_map(|attempt| attempt["outcome"].as_str()).collect();
        let (last, failed) = outcomes.split_last().context("it was delivered")?;
        let is_failure = |outcome: &&str| ["retryable", "refused"].contains(outcome);
        ensure!(*last == "ok" && failed.iter().all(is_failure), "{attempts:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_sink_and_kill_9_together_lose_nothing() -> Result<()> {
    let (_world, _server, verdict) = survive("hostile-kill", 3).await?;
    assert_eq!(verdict.count("job.succeeded"), verdict.accepted, "{verdict:?}");
    Ok(())
}
