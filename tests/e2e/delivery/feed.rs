//! What happens, told as it happens.

use anyhow::{Context, Result};
use harness::{EventStream, Told};
use serde_json::Value;

use crate::world::{LIMIT, PAGE, World};

/// The job that an event tells of.
fn id_of(told: &Told) -> Result<String> {
    let data: Value = serde_json::from_str(&told.data)?;
    let id = data["data"]["id"].as_str().or(data["id"].as_str());
    Ok(id.with_context(|| format!("an id in {data}"))?.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_told_as_they_happen_and_those_that_were_missed_afterwards() -> Result<()> {
    let world = World::new("sse").await?;
    let server = world.start().await?;
    let mut client = server.client();
    let mut stream = EventStream::open(server.addr(), "/v1/events", None).await?;
    let succeeded = |told: &Told| told.event == "job.succeeded";
    let mut ids = Vec::new();
    let mut marks = Vec::new();
    for n in 0..3 {
        ids.push(world.submit(&mut client, &world.origin.page(n, PAGE)).await?);
        let told = stream.next(LIMIT, succeeded).await?;
        assert_eq!(id_of(&told)?, ids[ids.len() - 1]);
        marks.push(told.id);
    }
    drop(stream);
    for n in 3..5 {
        ids.push(world.submit(&mut client, &world.origin.page(n, PAGE)).await?);
        world.sink.wait_for(&ids[ids.len() - 1], LIMIT).await?;
    }
    let mut stream = EventStream::open(server.addr(), "/v1/events", Some(&marks[0])).await?;
    let mut missed = Vec::new();
    while missed.len() < 4 {
        // Nothing was lost, so nothing but what happened is told.
        let told = stream.next(LIMIT, |_| true).await?;
        assert_eq!(told.event, "job.succeeded", "{told:?}");
        missed.push(id_of(&told)?);
    }
    assert_eq!(missed, ids[1..]);
    world.settle(&server).await?;
    Ok(())
}
