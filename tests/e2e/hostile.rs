//! Every behaviour of the hostile origin at once, and good sites beside it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Behaviour, Connection, HostileOrigin, Server, say};
use tokio::time::Instant;

use crate::world::{LIMIT, PAGE, World};

/// Good pages asked for at a time.
const GOOD: u64 = 60;

/// Longest that a fetch may take here.
const TIMEOUT: &str = "5s";

/// Longest from a job's acceptance to its event: robots.txt and the page, each within the timeout,
/// and several times that for a machine that runs other things too.
const DEADLINE: Duration = Duration::from_secs(30);

/// How much the server may grow over what it takes when it is idle.
const GROWTH: u64 = 100_000_000;

/// Good pages may take this many times as long in bad company, and [`SLACK`] more.
const SLOWER: u32 = 5;
const SLACK: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_behaviour_ends_in_its_event_and_good_sites_are_served_meanwhile()
-> Result<()> {
    let world = World::new("hostile-origin").await?.flags([
        "--fetch-timeout",
        TIMEOUT,
        "--fetch-schedule",
        "0",
        "--max-bytes",
        "2MB",
        "--memory-budget",
        "32MB",
    ]);
    // A part of the name of those to meet alone, for a closer look.
    let only = std::env::var("PAGEWIRE_E2E_HOSTILE").ok();
    let root = world.scratch.path().join("root.pem");
    std::fs::write(&root, HostileOrigin::ROOT_PEM).context("writing the root")?;
    let world = world.flags(["--ca-file", &root.display().to_string()]);
    let hostile = HostileOrigin::start().await?;
    let server = world.start().await?;
    let idle = server.usage()?.rss_bytes;
    let mut client = server.client();

    let alone = good_pages(&world, &mut client, 0).await?;
    let mut ids = Vec::new();
    for (index, behaviour) in hostile.behaviours().iter().enumerate() {
        if only.as_ref().is_none_or(|only| behaviour.name.contains(only.as_str())) {
            ids.push((behaviour, world.submit(&mut client, &hostile.url(index)).await?));
        }
    }
    let beside = good_pages(&world, &mut client, GOOD).await?;
    assert!(beside < alone * SLOWER + SLACK, "alone {alone:?}, in bad company {beside:?}");

    let wrong = judge(&world, &ids).await?;
    let grown = server.usage()?.peak_rss_bytes.saturating_sub(idle);
    let mb = |bytes: u64| bytes / 1_000_000;
    say(&format!(
        "{} behaviours; good pages in {alone:?} alone, {beside:?} beside them; {} MB idle, {} MB more",
        ids.len(),
        mb(idle),
        mb(grown)
    ));
    ensure!(wrong.is_empty(), "not as expected:\n{wrong}");
    ensure!(grown < GROWTH, "{} MB more than when idle", mb(grown));
    still_well(&world, &server).await
}

/// Has [`GOOD`] good pages fetched, from `first` on: how long until the last was delivered.
async fn good_pages(world: &World, client: &mut Connection, first: u64) -> Result<Duration> {
    let started = Instant::now();
    let mut ids = Vec::new();
    for n in first..first + GOOD {
        ids.push(world.submit(client, &world.origin.page(n, PAGE)).await?);
    }
    for id in ids {
        let event = world.sink.wait_for(&id, LIMIT).await?;
        ensure!(event.kind == "job.succeeded" && event.fault.is_none(), "{event:?}");
    }
    Ok(started.elapsed())
}

/// What did not end as it should have, or not in time: a line each.
async fn judge(world: &World, met: &[(&Behaviour, String)]) -> Result<String> {
    let accepted = world.ledger.entries().accepted;
    let accepted: HashMap<&str, u64> =
        accepted.iter().map(|job| (job.id.as_str(), job.accepted_us)).collect();
    let mut wrong = String::new();
    for (behaviour, id) in met {
        let (name, expected) = (behaviour.name, behaviour.expected);
        let Ok(event) = world.sink.wait_for(id, LIMIT).await else {
            writeln!(wrong, "{name}: {expected:?} expected, and nothing came")?;
            continue;
        };
        let (kind, code) = (event.kind.as_str(), event.error.as_deref());
        if !expected.is_met_by(kind, code) || event.fault.is_some() {
            let said = event.fault.or(event.detail).unwrap_or_default();
            writeln!(wrong, "{name}: {expected:?} expected, {kind} {code:?} came: {said}")?;
        }
        let since = *accepted.get(id.as_str()).context("it was accepted")?;
        let took = Duration::from_micros(event.delivered_us.saturating_sub(since));
        if took > DEADLINE {
            writeln!(wrong, "{name}: took {took:?}")?;
        }
    }
    Ok(wrong)
}

/// Ready, nothing lost and nothing told twice.
async fn still_well(world: &World, server: &Server) -> Result<()> {
    let ready = server.client().get("/readyz").await?;
    ensure!(ready.status == 200, "{}: {}", ready.status, ready.text());
    let verdict = world.settle(server).await?;
    ensure!(verdict.duplicates == 0 && verdict.rewritten == 0, "{verdict:?}");
    Ok(())
}
