//! A hundred requests that nobody should send, and ordinary ones beside them.

mod cases;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt as _, stream};
use harness::say;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::cases::{Case, cases};
use crate::world::{PAGE, World};

/// Fewest requests in the table.
const LEAST: usize = 100;
/// Requests under way at once.
const AT_ONCE: usize = 12;
/// Longest that one may take: the server gives a body 30 seconds.
const LIMIT: Duration = Duration::from_secs(90);
/// How much more memory the server may take.
const GROWTH: u64 = 50_000_000;
/// Ordinary jobs before memory is looked at.
const WARM_UP: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_hostile_requests_are_refused_by_name_and_ordinary_ones_are_served_meanwhile()
-> Result<()> {
    let world = Arc::new(World::new("requests").await?);
    let server = world.start().await?;
    let mut client = server.client();
    for n in 0..WARM_UP {
        world.submit(&mut client, &world.origin.page(n, PAGE)).await?;
    }
    world.settle(&server).await?;
    let before = server.usage()?;

    let cases = cases();
    ensure!(cases.len() >= LEAST, "{} requests", cases.len());
    let over = Arc::new(AtomicBool::new(false));
    let mut beside = JoinSet::new();
    beside.spawn({
        let (world, over, client) = (Arc::clone(&world), Arc::clone(&over), server.client());
        async move { ordinary(&world, client, &over).await }
    });
    let addr = server.addr();
    let count = cases.len();
    let failed: Vec<String> = stream::iter(cases)
        .map(|case| async move { judge(addr, &case).await.err() })
        .buffer_unordered(AT_ONCE)
        .filter_map(|error| async move { error.map(|error| format!("{error:#}")) })
        .collect()
        .await;
    over.store(true, Ordering::Relaxed);
    let ended = beside.join_next().await.context("the ordinary client is gone")?;
    let (served, slowest) = ended.context("the ordinary client")??;
    let after = server.usage()?;
    ensure!(failed.is_empty(), "{} of {count}:\n{}", failed.len(), failed.join("\n"));

    let grown = after.peak_rss_bytes.saturating_sub(before.rss_bytes);
    say(&format!(
        "{count} hostile requests; {served} ordinary ones beside them, the slowest in {slowest:?}; \
         {grown} bytes more at the most"
    ));
    ensure!(grown <= GROWTH, "{grown} bytes more");
    ensure!(served > 0, "no ordinary request was made");
    world.settle(&server).await?;
    ensure!(!server.log_tail().contains("panicked"), "{}", server.log_tail());
    Ok(())
}

/// Submits jobs and asks after them, one after the other, until it is over: how many requests were
/// served, and how long the slowest took.
async fn ordinary(
    world: &World,
    mut client: harness::Connection,
    over: &AtomicBool,
) -> Result<(u64, Duration)> {
    let (mut served, mut slowest) = (0, Duration::ZERO);
    for n in WARM_UP.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let begun = Instant::now();
        let id = world.submit(&mut client, &world.origin.page(n, PAGE)).await?;
        let answer = client.get(&format!("/v1/jobs/{id}")).await?;
        ensure!(answer.status == 200, "{} for {id}: {}", answer.status, answer.text());
        slowest = slowest.max(begun.elapsed());
        served += 2;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok((served, slowest))
}

/// Sends one request, and holds the answer to what is expected.
async fn judge(addr: std::net::SocketAddr, case: &Case) -> Result<()> {
    let told = || case.name.clone();
    let answers = tokio::time::timeout(LIMIT, wire::exchange(addr, &case.send));
    let answers = answers.await.with_context(|| format!("{}: a hang", case.name))?;
    case.expect.check(&answers.with_context(told)?).with_context(told)
}
