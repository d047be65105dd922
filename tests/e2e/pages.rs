//! Pages that were fetched before, and the ledger of what was tried.

use anyhow::{Context, Result};
use harness::{Connection, Event};
use serde_json::{Value, json};

use crate::world::{LIMIT, PAGE, World, wait_for_status};

/// Submits `job`, waits until it has that status, and reads its event.
async fn done(
    world: &World,
    client: &mut Connection,
    job: &Value,
    status: &str,
) -> Result<(Event, Value)> {
    let id = world.submit_job(client, job).await?;
    let event = world.sink.wait_for(&id, LIMIT).await?;
    wait_for_status(client, &id, status).await?;
    let result = client.get(&format!("/v1/jobs/{id}/result")).await?.json()?;
    Ok((event, result))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_not_changed_is_not_delivered_again_over_a_restart_too() -> Result<()> {
    let world = World::new("unchanged").await?;
    // One that has a tag to ask with, and one whose content alone can tell.
    let paths = [
        (0, format!("/tagged/5?size={PAGE}"), "validators"),
        (1, format!("/page/6?size={PAGE}"), "content"),
    ];
    for round in 0..3 {
        let mut server = world.start().await?;
        let mut client = server.client();
        for (host, path, by) in &paths {
            let job = json!({"url": world.origin.url(*host, path), "only_if_changed": true});
            let (kind, status) = match round {
                0 => ("job.succeeded", "delivered"),
                _ => ("job.unchanged", "unchanged"),
            };
            let (event, result) = done(&world, &mut client, &job, status).await?;
            assert_eq!((event.kind.as_str(), &event.fault), (kind, &None), "{path}: {result}");
            if round > 0 {
                assert_eq!(result["data"]["unchanged"]["by"], *by, "{path}: {result}");
                assert!(result["data"].get("markdown").is_none(), "{path}: {result}");
            }
            assert_eq!(world.origin.report().hosts[*host].requests, round + 1, "{path}");
        }
        server.terminate()?;
        server.wait_exit(LIMIT).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_young_enough_is_not_asked_for() -> Result<()> {
    let world = World::new("cached").await?;
    let server = world.start().await?;
    let mut client = server.client();
    let url = world.origin.url(0, &format!("/tagged/5?size={PAGE}"));
    let young = json!({"url": url, "cache": {"max_age": "1h"}});
    let (first, _) = done(&world, &mut client, &young, "delivered").await?;
    let (second, result) = done(&world, &mut client, &young, "delivered").await?;
    assert_eq!((first.kind.as_str(), first.fault), ("job.succeeded", None));
    assert_eq!((second.kind.as_str(), second.fault), ("job.succeeded", None));
    assert_eq!(result["data"]["cache"]["by"], "age", "{result}");
    assert_eq!(world.origin.report().hosts[0].requests, 1);

    let asked = json!({"url": url, "cache": {"revalidate": true}});
    let (third, result) = done(&world, &mut client, &asked, "delivered").await?;
    assert_eq!((third.kind.as_str(), third.fault), ("job.succeeded", None));
    assert_eq!(result["data"]["cache"]["by"], "validators", "{result}");
    assert_eq!(world.origin.report().hosts[0].requests, 2);
    // A job that does not ask for it gets the page anew.
    let (fourth, result) = done(&world, &mut client, &json!({"url": url}), "delivered").await?;
    assert_eq!((fourth.fault, result["data"].get("cache")), (None, None));
    assert_eq!(world.origin.report().hosts[0].requests, 3);
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attempt_of_either_stage_is_in_the_ledger() -> Result<()> {
    let world = World::new("attempts").await?;
    let id = {
        let mut server = world.start().await?;
        let mut client = server.client();
        let url = world.origin.url(0, &format!("/flaky/2/7?size={PAGE}"));
        let job = json!({"url": url, "retry": {"schedule": ["0s", "50ms", "100ms"]}});
        let id = world.submit_job(&mut client, &job).await?;
        world.sink.wait_for(&id, LIMIT).await?;
        wait_for_status(&mut client, &id, "delivered").await?;
        server.terminate()?;
        server.wait_exit(LIMIT).await?;
        id
    };
    let server = world.start().await?;
    let told = server.client().get(&format!("/v1/jobs/{id}/attempts")).await?.json()?;
    let attempts = told["attempts"].as_array().context("attempts")?;
    let of = |name: &str| -> Vec<Value> { attempts.iter().map(|one| one[name].clone()).collect() };
    assert_eq!(of("stage"), ["fetch", "fetch", "fetch", "deliver"], "{told}");
    assert_eq!(of("attempt"), [1, 2, 3, 1], "{told}");
    assert_eq!(of("outcome"), ["status", "status", "ok", "ok"], "{told}");
    assert_eq!(of("status"), [503, 503, 200, 200], "{told}");
    let next: Vec<bool> = of("next_at").iter().map(Value::is_string).collect();
    assert_eq!(next, [true, true, false, false], "{told}");
    assert!(of("duration_ms").iter().chain(&of("at")).all(|value| !value.is_null()), "{told}");
    world.settle(&server).await?;
    Ok(())
}
