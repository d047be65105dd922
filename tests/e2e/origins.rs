//! Origins that fail, dawdle, hang, flood and lie.

use std::time::Duration;

use anyhow::Result;
use harness::{Load, Stop};

use crate::world::{LIMIT, PAGE, World, job, wait_for_status};

/// Resident bytes that a server with a 64 MB budget may never pass.
const RSS_LIMIT: u64 = 64_000_000 + 150_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetch_that_fails_for_good_is_an_event_too() -> Result<()> {
    let world = World::new("failed").await?.flags(["--fetch-timeout", "1s"]);
    let server = world.start().await?;
    let mut client = server.client();
    // Path, error code, requests: transient ones are made three times (the fetch schedule), and
    // once more when the first was lost on the connection that had brought robots.txt.
    let cases = [
        ("/fail/404/1", "status", 1..=1),
        ("/fail/500/2", "status", 3..=3),
        ("/reset/3", "", 3..=4),
        ("/cut/4?size=5000", "", 3..=4),
        ("/hang/5", "timeout", 3..=3),
        ("/loop/6", "redirect", 11..=11),
    ];
    for (host, (path, code, requests)) in cases.into_iter().enumerate() {
        let id = world.submit(&mut client, &world.origin.url(host, path)).await?;
        let event = world.sink.wait_for(&id, LIMIT).await?;
        assert_eq!(event.kind, "job.failed", "{path}");
        if !code.is_empty() {
            assert_eq!(event.error.as_deref(), Some(code), "{path}");
        }
        wait_for_status(&mut client, &id, "failed").await?;
        let seen = world.origin.report().hosts[host].requests;
        assert!(requests.contains(&seen), "{path}: {seen} requests");
    }
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flaky_and_a_slow_origin_and_redirects_are_waited_for() -> Result<()> {
    let world = World::new("flaky").await?;
    let server = world.start().await?;
    let mut client = server.client();
    for path in ["/flaky/2/7?size=3000", "/slow/8?size=3000&ms=50", "/redirect/3/9?size=3000"] {
        let id = world.submit(&mut client, &world.origin.url(0, path)).await?;
        let event = world.sink.wait_for(&id, LIMIT).await?;
        assert_eq!((event.kind.as_str(), event.fault), ("job.succeeded", None), "{path}");
    }
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_hosts_neither_stop_good_ones_nor_take_the_memory() -> Result<()> {
    let world = World::new("hostile").await?.flags([
        "--fetch-timeout",
        "2s",
        // Hosts that do not answer are asked less and less: their jobs end when they are given up.
        "--deadline",
        "8s",
        "--max-bytes",
        "4MB",
        "--memory-budget",
        "64MB",
    ]);
    let server = world.start().await?;
    let origin = std::sync::Arc::clone(&world.origin);
    // Four hosts of ten are bad, each in its way.
    let mut load = Load::new(world.config.addr, move |n| {
        let host = usize::try_from(n % 10).unwrap_or(0);
        match host {
            0 => origin.url(0, &format!("/hang/{n}")),
            1 => origin.url(1, &format!("/huge/{n}?bytes=1000000000")),
            2 => origin.url(2, &format!("/slow/{n}?size=3000&ms=400")),
            3 => origin.url(3, &format!("/fail/503/{n}")),
            _ => origin.url(host, &format!("/page/{n}?size={PAGE}")),
        }
    });
    load.clients = 8;
    load.run(Stop::Jobs(400), &world.ledger).await.check()?;
    let started = tokio::time::Instant::now();
    let good: Vec<_> = world.ledger.entries().accepted;
    let good = good.iter().filter(|job| job.url.contains("/page/"));
    for job in good {
        world.sink.wait_for(&job.id, LIMIT).await?;
    }
    assert!(started.elapsed() < Duration::from_secs(20), "good hosts waited for bad ones");
    let verdict = world.settle(&server).await?;
    assert!(verdict.count("job.failed") >= 120, "{:?}", verdict.kinds);
    let peak = server.usage()?.peak_rss_bytes;
    assert!(peak < RSS_LIMIT, "{} MB resident", peak / 1_000_000);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_is_not_asked_harder_than_its_pace() -> Result<()> {
    let world = World::new("pace").await?.flags(["--per-host", "2"]);
    let server = world.start().await?;
    let mut client = server.client();
    let mut last = String::new();
    for n in 0..30 {
        let url = world.origin.url(0, &format!("/page/{n}?size={PAGE}&delay=20"));
        last = world.submit(&mut client, &url).await?;
    }
    world.settle(&server).await?;
    assert_eq!(job(&mut client, &last).await?["attempts"], 1);
    assert!(world.origin.report().peak() <= 2, "{:?}", world.origin.report().hosts[0]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_out_of_policy_is_not_followed() -> Result<()> {
    let world = World::new("policy").await?;
    let only = format!("127.0.0.1:{}", world.origin.port());
    let world = world.flags(["--fetch-allow", &only]);
    let server = world.start().await?;
    let mut client = server.client();
    let id = world.submit(&mut client, &world.origin.url(0, "/away/1/7")).await?;
    let event = world.sink.wait_for(&id, LIMIT).await?;
    assert_eq!((event.kind.as_str(), event.error.as_deref()), ("job.failed", Some("blocked")));
    // And what is forbidden from the start is not even accepted.
    for url in [world.origin.url(1, "/page/1"), "http://169.254.169.254/latest/".to_owned()] {
        let answer = client.post("/v1/jobs", format!("{{\"url\":\"{url}\"}}")).await?;
        assert_eq!(answer.status, 422, "{url}: {}", answer.text());
        assert_eq!(answer.json()?["errors"][0]["pointer"], "/url");
    }
    assert_eq!(world.origin.report().hosts[1].requests, 0);
    Ok(())
}
