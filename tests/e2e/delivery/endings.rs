//! However a job ends, that is told, and told once.

use anyhow::{Context, Result, ensure};
use harness::{Event, Method, Robots};
use serde_json::json;

use crate::world::{LIMIT, PAGE, World, wait_for_status};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_a_job_can_end_is_told_exactly_once() -> Result<()> {
    let world = World::new("endings").await?;
    world.origin.set_robots(1, Robots::Text("User-agent: *\nDisallow: /page/\n".to_owned()));
    let server = world.start().await?;
    let mut client = server.client();
    let page = |host: usize, path: &str| world.origin.url(host, path);

    let robots = world.submit(&mut client, &page(1, "/page/1")).await?;
    let missing = world.submit(&mut client, &page(0, "/fail/404/1")).await?;
    let late = json!({"url": page(2, "/hang/1"), "deadline": "2s"});
    let late = world.submit_job(&mut client, &late).await?;
    let never = json!({"url": page(3, "/page/3"), "delay": "1h"});
    let cancelled = world.submit_job(&mut client, &never).await?;
    let path = format!("/v1/jobs/{cancelled}");
    let answer = client.request(Method::DELETE, &path, &[], "".into()).await?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    // Once more is as it was, and nobody is told again.
    let again = client.request(Method::DELETE, &path, &[], "".into()).await?;
    ensure!(again.status == 200, "{}: {}", again.status, again.text());
    let tagged = page(4, &format!("/tagged/4?size={PAGE}"));
    let tagged = json!({"url": tagged, "only_if_changed": true});
    let first = world.submit_job(&mut client, &tagged).await?;
    world.sink.wait_for(&first, LIMIT).await?;
    wait_for_status(&mut client, &first, "delivered").await?;
    let unchanged = world.submit_job(&mut client, &tagged).await?;

    world.settle(&server).await?;
    // The deadline cuts the fetch short, or forbids another.
    let event = world.sink.event(&late).context("it was told")?;
    let code = event.error.as_deref().unwrap_or_default();
    ensure!(event.kind == "job.failed" && ["timeout", "deadline"].contains(&code), "{event:?}");
    assert_eq!((event.attempts, event.delivered), (1, 1), "told again: {event:?}");
    let told = [
        (&robots, "job.failed", Some("robots_disallowed")),
        (&missing, "job.failed", Some("status")),
        (&cancelled, "job.cancelled", None),
        (&first, "job.succeeded", None),
        (&unchanged, "job.unchanged", None),
    ];
    for (id, kind, code) in told {
        let event: Event = world.sink.event(id).context("it was told")?;
        assert_eq!((event.kind.as_str(), event.error.as_deref()), (kind, code), "{event:?}");
        assert_eq!((event.attempts, event.delivered), (1, 1), "told again: {event:?}");
    }
    Ok(())
}
