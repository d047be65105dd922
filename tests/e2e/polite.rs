//! How sites are treated: robots.txt, limits of hosts, wishes to be left alone, hosts that are down.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Connection, Event, HostReport, Robots, Server, eventually};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::world::{LIMIT, PAGE, World, accepted_id, wait_for_status};

/// A disallowed path, for everybody.
const NO_PAGES: &str = "User-agent: *\nDisallow: /page/\n";

/// Submits a job for `path` of `host` and waits for its event.
async fn event_of(
    world: &World,
    client: &mut Connection,
    host: usize,
    path: &str,
) -> Result<Event> {
    let id = world.submit(client, &world.origin.url(host, path)).await?;
    world.sink.wait_for(&id, LIMIT).await
}

fn failed_with(event: &Event, code: &str) -> Result<()> {
    let is = event.kind == "job.failed" && event.error.as_deref() == Some(code);
    ensure!(is, "{code} expected: {event:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn robots_txt_is_obeyed_at_every_hop_and_asked_for_once() -> Result<()> {
    let world = World::new("robots").await?.flags(["--user-agent", "MyBot/1.0 (+https://my.site)"]);
    let server = world.start().await?;
    let mut client = server.client();
    world.origin.set_robots(0, Robots::Text(NO_PAGES.to_owned()));
    let mine = "User-agent: *\nDisallow: /\n\nUser-agent: mybot\nDisallow: /fail/\n";
    world.origin.set_robots(2, Robots::Text(mine.to_owned()));
    world.origin.set_robots(3, Robots::Status(503));

    failed_with(&event_of(&world, &mut client, 0, "/page/1").await?, "robots_disallowed")?;
    // Host 1 has no rules, but leads to a page of host 0.
    failed_with(&event_of(&world, &mut client, 1, "/away/0/1").await?, "robots_disallowed")?;
    // It is remembered for a while that it cannot be had: once is enough here.
    let once = json!({"url": world.origin.url(3, "/page/1"), "retry": {"max_attempts": 1}});
    let id = world.submit_job(&mut client, &once).await?;
    failed_with(&world.sink.wait_for(&id, LIMIT).await?, "robots_unreachable")?;
    for n in 0..5 {
        for host in [1, 2] {
            let event = event_of(&world, &mut client, host, &format!("/page/{n}")).await?;
            ensure!(event.kind == "job.succeeded", "{event:?}");
        }
    }
    failed_with(&event_of(&world, &mut client, 2, "/fail/404/1").await?, "robots_disallowed")?;

    let hosts = world.origin.report().hosts;
    let seen = |host: usize| (hosts[host].robots, hosts[host].requests);
    assert_eq!((seen(0), seen(1), seen(2)), ((1, 0), (1, 6), (1, 5)));
    assert_eq!(hosts[3].requests, 0, "what cannot be asked forbids everything");
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn robots_txt_is_ignored_only_where_the_operator_allows_it() -> Result<()> {
    let world = World::new("robots-ignored").await?;
    world.origin.set_robots(0, Robots::Text(NO_PAGES.to_owned()));
    let job = json!({"url": world.origin.page(0, PAGE), "robots": "ignore"});
    {
        let server = world.start().await?;
        let refused = server.client().post("/v1/jobs", job.to_string()).await?;
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert_eq!(refused.json()?["errors"][0]["pointer"], "/robots");
    }
    let world = world.flags(["--robots", "optional"]);
    let server = world.start().await?;
    let mut client = server.client();
    let id = world.submit_job(&mut client, &job).await?;
    let event = world.sink.wait_for(&id, LIMIT).await?;
    assert_eq!((event.kind.as_str(), event.fault), ("job.succeeded", None));
    assert_eq!(world.origin.report().hosts[0].robots, 0);
    failed_with(&event_of(&world, &mut client, 0, "/page/10").await?, "robots_disallowed")?;
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crawl_delay_is_kept_between_fetches() -> Result<()> {
    let world = World::new("crawl-delay").await?;
    let rules = "User-agent: *\nCrawl-delay: 1\n";
    world.origin.set_robots(1, Robots::Text(rules.to_owned()));
    let server = world.start().await?;
    let mut client = server.client();
    for n in 0..4 {
        world.submit(&mut client, &world.origin.url(1, &format!("/page/{n}?size={PAGE}"))).await?;
    }
    world.settle(&server).await?;
    let host = &world.origin.report().hosts[1];
    let least = host.least_interval().context("four requests")?;
    assert!(least > Duration::from_millis(900), "{least:?}");
    assert_eq!((host.requests, host.robots), (4, 1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_host_has_limits_of_its_own() -> Result<()> {
    let world = World::new("host-limit").await?.flags(["--host-limit", "127.1.0.2=4/s,1"]);
    let server = world.start().await?;
    let mut client = server.client();
    for n in 0..8 {
        for host in [1, 2] {
            let url = world.origin.url(host, &format!("/page/{n}?size={PAGE}&delay=50"));
            world.submit(&mut client, &url).await?;
        }
    }
    world.settle(&server).await?;
    let hosts = world.origin.report().hosts;
    assert_eq!(hosts[1].peak, 1);
    assert!(hosts[1].most_within(Duration::from_secs(1)) <= 5, "{:?}", hosts[1]);
    assert!(hosts[2].peak > 1, "the others keep theirs: {:?}", hosts[2]);
    Ok(())
}

/// Hosts of the politeness scenario, from the first on, and jobs for each.
const HOSTS: u64 = 5;
const EACH: u64 = 15;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_host_sees_more_than_its_rate_whatever_happens_to_the_server() -> Result<()> {
    let world = World::new("rate").await?.flags(["--per-host", "5/s,2"]);
    let mut server = world.start().await?;
    let mut client = server.client();
    for n in 0..HOSTS * EACH {
        let host = usize::try_from(n % HOSTS)?;
        let url = world.origin.url(host, &format!("/page/{n}?size={PAGE}&delay=150"));
        world.submit(&mut client, &url).await?;
    }
    // Once in good order and once not, each in the middle.
    requests_reach(&world, HOSTS * EACH / 3).await?;
    server.terminate()?;
    ensure!(server.wait_exit(LIMIT).await?.success(), "{}", server.log_tail());
    let mut server = world.start().await?;
    requests_reach(&world, HOSTS * EACH * 2 / 3).await?;
    server.kill9()?;
    let server = world.start().await?;
    world.settle(&server).await?;

    let hosts = world.origin.report().hosts;
    for (n, host) in hosts.iter().take(usize::try_from(HOSTS)?).enumerate() {
        let most = host.most_within(Duration::from_secs(1));
        // Two that were sent a second apart may arrive a little closer.
        assert!(most <= 6, "host {n} saw {most} requests within a second: {host:?}");
        assert!(host.peak <= 2, "host {n} saw {} at once", host.peak);
    }
    Ok(())
}

async fn requests_reach(world: &World, count: u64) -> Result<()> {
    let reached = async || world.origin.report().requests() >= count;
    eventually(&format!("{count} requests"), LIMIT, reached).await
}

/// Seconds that a host asks to be left alone for.
const LATER_S: u64 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_a_pause_gets_it_from_all_jobs_and_over_a_restart() -> Result<()> {
    let world = World::new("later").await?;
    let mut server = world.start().await?;
    let mut client = server.client();
    world.submit(&mut client, &world.origin.url(1, &format!("/later/{LATER_S}/1/1"))).await?;
    requests_reach(&world, 1).await?;
    let paused =
        async || lane(&server, 1, &world).await.is_ok_and(|lane| !lane["paused_until"].is_null());
    eventually("the host's pause", LIMIT, paused).await?;
    for n in 2..5 {
        world.submit(&mut client, &world.origin.url(1, &format!("/page/{n}"))).await?;
    }
    let elsewhere = event_of(&world, &mut client, 2, "/page/9").await?;
    assert_eq!(elsewhere.kind, "job.succeeded");
    server.terminate()?;
    ensure!(server.wait_exit(LIMIT).await?.success(), "{}", server.log_tail());
    let server = world.start().await?;
    world.settle(&server).await?;
    let arrivals = &world.origin.report().hosts[1].arrivals_us;
    assert_eq!(arrivals.len(), 5);
    let pause = Duration::from_micros(arrivals[1] - arrivals[0]);
    assert!(pause >= Duration::from_secs(LATER_S), "asked again after {pause:?}");
    Ok(())
}

/// What the server says of a host's lane; null when it says nothing.
async fn lane(server: &Server, host: usize, world: &World) -> Result<Value> {
    let lanes = server.client().get("/v1/lanes?limit=1000").await?.json()?;
    let url = world.origin.url(host, "");
    let key = url.strip_prefix("http://").context("an http origin")?;
    let lanes = lanes["lanes"].as_array().context("lanes")?.iter();
    let mut found = lanes.filter(|lane| lane["stage"] == "scrape" && lane["key"] == key);
    Ok(found.next().cloned().unwrap_or_default())
}

/// Jobs for a host that is down.
const DEAD: u64 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_a_dead_host_end_promptly_and_harm_nobody() -> Result<()> {
    let world = World::new("dead-host").await?;
    let world = world.flags(["--deadline", "5s", "--fetch-timeout", "2s"]);
    let server = world.start().await?;
    let mut client = server.client();
    let started = Instant::now();
    let mut dead = Vec::new();
    for n in 0..DEAD {
        // Nobody listens there.
        let url = format!("http://127.9.9.9:{}/page/{n}", world.origin.port());
        dead.push(world.submit(&mut client, &url).await?);
    }
    let good = event_of(&world, &mut client, 2, "/page/9").await?;
    assert_eq!(good.kind, "job.succeeded");
    for id in &dead {
        let event = world.sink.wait_for(id, LIMIT).await?;
        let code = event.error.as_deref();
        let known = ["connect", "robots_unreachable", "host_unavailable"].map(Some);
        assert!(event.kind == "job.failed" && known.contains(&code), "{event:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_come_through_a_proxy_that_the_operator_allows() -> Result<()> {
    let world = World::new("proxy").await?;
    // An origin answers what a proxy is asked, too: host 1 stands in for one.
    let proxy = world.origin.url(1, "");
    let job = json!({"url": world.origin.page(0, PAGE), "proxy": proxy});
    {
        let server = world.start().await?;
        let refused = server.client().post("/v1/jobs", job.to_string()).await?;
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert_eq!(refused.json()?["errors"][0]["pointer"], "/proxy");
    }
    let world = world.flags(["--proxy-allow", "127.1.0.2"]);
    let server = world.start().await?;
    let mut client = server.client();
    let id = world.submit_job(&mut client, &job).await?;
    let event = world.sink.wait_for(&id, LIMIT).await?;
    assert_eq!((event.kind.as_str(), event.fault), ("job.succeeded", None));
    let seen = |host: &HostReport| (host.requests, host.robots);
    let hosts = world.origin.report().hosts;
    assert_eq!((seen(&hosts[0]), seen(&hosts[1])), ((0, 0), (1, 1)), "all by way of the proxy");
    let shown = server.client().get(&format!("/v1/jobs/{id}")).await?.text();
    assert!(!shown.contains(&proxy), "{shown}");
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_of_a_proxy_is_not_shown() -> Result<()> {
    let world = World::new("proxy-secret").await?.flags(["--proxy-allow", "127.1.0.2"]);
    let server = world.start().await?;
    let mut client = server.client();
    let proxy = world.origin.url(1, "").replace("http://", "http://me:hunter2@");
    let url = world.origin.url(0, "/fail/404/1");
    let answer = client.post("/v1/jobs", json!({"url": url, "proxy": proxy}).to_string()).await?;
    let id = accepted_id(&answer)?;
    wait_for_status(&mut client, &id, "failed").await?;
    for path in ["", "/result", "/attempts"] {
        let shown = client.get(&format!("/v1/jobs/{id}{path}")).await?.text();
        assert!(!shown.contains("hunter2"), "{path}: {shown}");
    }
    assert!(!server.log_tail().contains("hunter2"), "{}", server.log_tail());
    Ok(())
}
