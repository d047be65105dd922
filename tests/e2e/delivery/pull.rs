//! Events that wait until they are fetched.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Connection, Method};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::desk::{define, job_for, told, world};
use crate::world::{LIMIT, wait_for_status};

/// What was pulled: id and receipt.
type Pulled = Vec<(String, String)>;

async fn pull(client: &mut Connection, visibility: &str) -> Result<Pulled> {
    let path = format!("/v1/pull?sink=nat&max=10&wait=1s&visibility={visibility}");
    let answer = client.get(&path).await?;
    if answer.status == 204 {
        return Ok(Vec::new());
    }
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    let answer = answer.json()?;
    let events = answer["events"].as_array().context("a list of events")?;
    let pulled = events.iter().map(|event| {
        assert_eq!(event["event"]["data"]["id"], event["id"], "{event}");
        let text = |name: &str| event[name].as_str().map(str::to_owned).context("a string");
        Ok((text("id")?, text("receipt")?))
    });
    pulled.collect()
}

/// Pulls until `wanted` have come.
async fn pull_all(
    client: &mut Connection,
    visibility: &str,
    wanted: &HashSet<String>,
) -> Result<Pulled> {
    let end = Instant::now() + LIMIT;
    let mut all = Pulled::new();
    loop {
        all.extend(pull(client, visibility).await?);
        let here: HashSet<&String> = all.iter().map(|(id, _)| id).collect();
        if wanted.iter().all(|id| here.contains(id)) {
            return Ok(all);
        }
        ensure!(Instant::now() < end, "{wanted:?} did not come, only {all:?}");
    }
}

fn receipt<'a>(pulled: &'a Pulled, id: &str) -> &'a str {
    pulled.iter().rev().find(|(other, _)| other == id).map_or("", |(_, receipt)| receipt)
}

async fn settle(client: &mut Connection, how: &str, what: &Value, verdict: &str) -> Result<()> {
    let answer = told(client, Method::POST, &format!("/v1/pull/{how}"), what, 200).await?;
    let results = answer["results"].as_array().context("a list of results")?;
    ensure!(results.iter().all(|result| result["verdict"] == verdict), "{answer}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pulled_events_come_again_until_they_are_acknowledged_kill_9_or_not() -> Result<()> {
    let world = world("pull").await?;
    let mut server = world.start().await?;
    let mut client = server.client();
    define(&mut client, &json!({"name": "nat", "url": "pull:"})).await?;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(job_for(&world, &mut client, n, "nat").await?);
    }
    let all: HashSet<String> = ids.iter().cloned().collect();
    let first = pull_all(&mut client, "60s", &all).await?;
    assert_eq!(first.len(), 6, "what is held by one receiver is not given to another");

    let of = |at: usize| receipt(&first, &ids[at]);
    settle(&mut client, "ack", &json!({"receipts": [of(0), of(1)]}), "acked").await?;
    settle(&mut client, "nack", &json!({"receipts": [of(2)], "delay": "0s"}), "nacked").await?;
    let again = pull_all(&mut client, "1s", &HashSet::from([ids[2].clone()])).await?;
    ensure!(again.iter().all(|(id, _)| *id == ids[2]), "held, and given out: {again:?}");
    // Nobody says anything of it: its time runs out and it comes once more.
    let again = pull_all(&mut client, "60s", &HashSet::from([ids[2].clone()])).await?;
    settle(&mut client, "ack", &json!({"receipts": [receipt(&again, &ids[2])]}), "acked").await?;
    wait_for_status(&mut client, &ids[2], "delivered").await?;

    server.kill9()?;
    let server = world.start().await?;
    let mut client = server.client();
    // What was acknowledged stays so; the leases of the dead may still hold for their minute.
    let held: HashSet<String> = ids[3..].iter().cloned().collect();
    let end = Instant::now() + LIMIT * 3;
    let mut left = held.clone();
    while !left.is_empty() {
        ensure!(Instant::now() < end, "{left:?} never came again");
        let pulled = pull(&mut client, "60s").await?;
        for (id, receipt) in &pulled {
            ensure!(held.contains(id), "{id} was acknowledged, and came again");
            settle(&mut client, "ack", &json!({"receipts": [receipt]}), "acked").await?;
            left.remove(id);
        }
    }
    for id in &ids {
        wait_for_status(&mut client, id, "delivered").await?;
    }
    let nothing = client.get("/v1/pull?sink=nat&wait=0s").await?;
    assert_eq!(nothing.status, 204, "{}", nothing.text());

    // Who waits is told as soon as there is something.
    let mut other = server.client().with_timeout(Duration::from_secs(60));
    let waits = other.get("/v1/pull?sink=nat&wait=30s");
    let submits = job_for(&world, &mut client, 9, "nat");
    let (answer, id) = tokio::join!(waits, submits);
    assert_eq!(answer?.json()?["events"][0]["id"], id?.as_str());
    Ok(())
}
