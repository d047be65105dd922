//! A sink that fails is left alone until it is well, and that can be seen.

use anyhow::{Context, Result, ensure};
use harness::{Connection, Inbox, Reply, eventually};
use serde_json::{Value, json};

use super::desk::{conserved, define, job_for, sink_becomes, world};
use crate::world::LIMIT;

/// Jobs that wait for it.
const JOBS: u64 = 150;

/// How many of them may be tried while it is down: what opens the circuit, and some probes.
const TRIED: usize = 75;

/// What `/v1/lanes` says of the circuit of the only sink.
async fn circuit(client: &mut Connection) -> Result<Option<String>> {
    let lanes = client.get("/v1/lanes").await?.json()?;
    let lanes = lanes["lanes"].as_array().context("a list of lanes")?;
    let of_sink = lanes.iter().find(|lane| lane["stage"] == "deliver");
    Ok(of_sink.and_then(|lane| lane["circuit"].as_str().map(str::to_owned)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_circuit_of_a_failing_sink_opens_is_seen_and_closes_when_it_is_well() -> Result<()> {
    let world = world("breaker").await?;
    let inbox = Inbox::start().await?;
    inbox.reply_with(Reply::status(503));
    let server = world.start().await?;
    let mut client = server.client();
    define(&mut client, &json!({"name": "crm", "url": inbox.url(), "concurrency": 8})).await?;
    let mut ids = Vec::new();
    for n in 0..JOBS {
        ids.push(job_for(&world, &mut client, n, "crm").await?);
    }
    let mut seen = None;
    eventually("the circuit to open", LIMIT, async || {
        seen = circuit(&mut client).await.ok().flatten();
        seen.as_deref() == Some("open")
    })
    .await
    .with_context(|| format!("last seen: {seen:?}"))?;
    let is_open = |sink: &Value| sink["circuit"] != "closed" && sink["waiting"] == JOBS;
    sink_becomes(&mut client, "crm", "to have all waiting", is_open).await?;
    let metrics = client.get("/metrics").await?.text();
    ensure!(metrics.contains("pagewire_sink_circuit{sink=\"crm\"}"), "{metrics}");
    let tried = inbox.posts().len();
    ensure!(tried <= TRIED, "{tried} POSTs to a sink that fails");
    inbox.reply_with(Reply::status(204));
    conserved(&inbox, &ids).await.with_context(|| server.log_tail())?;
    let is_closed = |sink: &Value| sink["circuit"] == "closed" && sink["waiting"] == 0;
    sink_becomes(&mut client, "crm", "to be well", is_closed).await?;
    Ok(())
}
