//! Jobs that come again and again: each run once, whatever happens to the server.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Accepted, Connection, Method, eventually, rng, unix_micros};
use rand::RngExt;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::delivery::desk::told;
use crate::world::{LIMIT, PAGE, World};

/// From one run to the next.
const PERIOD_MS: u64 = 1_000;

/// How often the server is killed.
const KILLS: u32 = 4;

/// How long no server runs, when runs are to be missed.
const AWAY: Duration = Duration::from_secs(4);

fn now_ms() -> u64 {
    unix_micros() / 1_000
}

/// Makes a schedule of a page every second: where it is.
async fn make(world: &World, client: &mut Connection, name: &str, missed: &str) -> Result<String> {
    let job = json!({"url": world.origin.page(1, PAGE), "formats": ["raw"]});
    let definition = json!({"name": name, "every": "1s", "missed": missed, "job": job});
    let made = told(client, Method::POST, "/v1/schedules", &definition, 201).await?;
    let id = made["id"].as_str().with_context(|| made.to_string())?;
    Ok(format!("/v1/schedules/{id}"))
}

async fn act(client: &mut Connection, schedule: &str, what: &str) -> Result<Value> {
    told(client, Method::POST, &format!("{schedule}/{what}"), &json!({}), 200).await
}

/// The planned times of a schedule's runs, in milliseconds since 1970, with their jobs. A job's id
/// begins with the time.
async fn runs(client: &mut Connection, name: &str) -> Result<BTreeMap<u64, String>> {
    let path = format!("/v1/jobs?limit=1000&tag=schedule:{name}");
    let listed = client.get(&path).await?.json()?;
    let mut runs = BTreeMap::new();
    for job in listed["jobs"].as_array().with_context(|| listed.to_string())? {
        let id = job["id"].as_str().context("an id")?;
        let digits: String = id.chars().filter(|c| *c != '-').take(12).collect();
        let planned = u64::from_str_radix(&digits, 16).context("a UUIDv7")?;
        ensure!(runs.insert(planned, id.to_owned()).is_none(), "two jobs for the run at {planned}");
    }
    Ok(runs)
}

async fn wait_for_runs(client: &mut Connection, name: &str, count: usize) -> Result<()> {
    let enough = async || runs(client, name).await.is_ok_and(|runs| runs.len() >= count);
    eventually(&format!("{count} runs of {name}"), LIMIT, enough).await
}

/// The times between the first and the last run at which there was none.
fn gaps(runs: &BTreeMap<u64, String>) -> Vec<u64> {
    let (first, last) = (runs.keys().next().copied(), runs.keys().last().copied());
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    let step = usize::try_from(PERIOD_MS).unwrap_or(usize::MAX);
    (first..=last).step_by(step).filter(|planned| !runs.contains_key(planned)).collect()
}

/// Every run's event is to come.
fn note(world: &World, runs: &BTreeMap<u64, String>) {
    for id in runs.values() {
        let (id, url) = (id.clone(), world.origin.page(1, PAGE));
        world.ledger.accept(Accepted { id, url, sent_us: 0, accepted_us: 0 });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_runs_until_it_is_paused_and_again_once_it_is_resumed() -> Result<()> {
    let world = World::new("schedule").await?;
    let server = world.start().await?;
    let mut client = server.client();
    let paused = make(&world, &mut client, "paused", "skip").await?;
    let other = make(&world, &mut client, "other", "skip").await?;
    wait_for_runs(&mut client, "paused", 2).await?;
    let seen = act(&mut client, &paused, "pause").await?;
    assert_eq!((&seen["paused"], &seen["next_at"]), (&json!(true), &json!([])), "{seen}");
    let before = runs(&mut client, "paused").await?;
    let going = runs(&mut client, "other").await?.len();
    wait_for_runs(&mut client, "other", going + 3).await?;
    assert_eq!(runs(&mut client, "paused").await?, before, "it ran while it was paused");
    act(&mut client, &paused, "resume").await?;
    wait_for_runs(&mut client, "paused", before.len() + 2).await?;

    for (path, name) in [(&paused, "paused"), (&other, "other")] {
        let removed = client.request(Method::DELETE, path, &[], "".into()).await?;
        assert_eq!(removed.status, 204, "{}", removed.text());
        note(&world, &runs(&mut client, name).await?);
    }
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_run_happens_once_however_often_the_server_is_killed() -> Result<()> {
    let world = World::new("schedule-kill").await?;
    let mut rng = rng("schedule-kill");
    let mut server = world.start().await?;
    let schedule = make(&world, &mut server.client(), "steady", "all").await?;
    for _ in 0..KILLS {
        // At any moment, also that of a run.
        sleep(Duration::from_millis(rng.random_range(300..2_300))).await;
        server.kill9()?;
        server = world.start().await?;
    }
    let mut client = server.client();
    let made = runs(&mut client, "steady").await?.len();
    wait_for_runs(&mut client, "steady", made + 2).await?;
    act(&mut client, &schedule, "pause").await?;
    let all = runs(&mut client, "steady").await?;
    ensure!(gaps(&all).is_empty(), "no run at {:?} of {all:?}", gaps(&all));
    note(&world, &all);
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_were_missed_are_made_up_for_as_the_schedule_says() -> Result<()> {
    const POLICIES: [&str; 3] = ["skip", "once", "all"];
    let world = World::new("missed").await?;
    let mut server = world.start().await?;
    let mut paths = Vec::new();
    for policy in POLICIES {
        paths.push(make(&world, &mut server.client(), policy, policy).await?);
    }
    for policy in POLICIES {
        wait_for_runs(&mut server.client(), policy, 1).await?;
    }
    server.kill9()?;
    let killed = now_ms();
    sleep(AWAY).await;
    let spawned = now_ms();
    let server = world.start().await?;
    let ready = now_ms();
    let mut client = server.client();
    for (policy, path) in POLICIES.iter().zip(&paths) {
        let made = runs(&mut client, policy).await?.len();
        wait_for_runs(&mut client, policy, made + 2).await?;
        act(&mut client, path, "pause").await?;
        let all = runs(&mut client, policy).await?;
        let away = all.range(killed..spawned).count() as u64;
        let start = all.range(killed..=ready).count();
        match *policy {
            "skip" => assert_eq!(away, 0, "{all:?}"),
            // The latest one; it may fall into the start.
            "once" => ensure!(away <= 1 && start >= 1, "{killed} to {spawned}: {all:?}"),
            _ => {
                ensure!(gaps(&all).is_empty(), "no run at {:?}", gaps(&all));
                ensure!(away >= (spawned - killed) / PERIOD_MS - 1, "{killed}: {all:?}");
            }
        }
        note(&world, &all);
    }
    world.settle(&server).await?;
    Ok(())
}
