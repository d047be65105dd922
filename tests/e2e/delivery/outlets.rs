//! Ways out that are no HTTP.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Stop, eventually, rng};
use rand::RngExt;
use serde_json::Value;
use tokio::time::sleep;

use crate::world::{LIMIT, World, wait_for_status};

/// Kills, each in the middle of the load.
const KILLS: u32 = 5;

/// Jobs a second of the load.
const RATE: f64 = 150.0;

/// The events in the files of the directory: their ids and URLs. Every line has to be one.
fn events(dir: &Path) -> Result<Vec<(String, String)>> {
    let mut events = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        // What is being written has no end yet.
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        for line in whole.lines() {
            let event: Value = serde_json::from_str(line)
                .with_context(|| format!("a line of {} is {line:?}", path.display()))?;
            let text = |name: &str| event["data"][name].as_str().map(str::to_owned);
            events.push((text("id").context("an id")?, text("url").context("a url")?));
        }
    }
    Ok(events)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_has_a_line_for_every_event_whatever_kills_the_server() -> Result<()> {
    let world = World::without_forwarding("file").await?;
    let dir = world.scratch.path().join("out");
    std::fs::create_dir(&dir)?;
    // It is put aside for a new one several times.
    let file = format!("file://{}?max_bytes=100000", dir.join("events.ndjson").display());
    let world = world.flags(["--forward-to", &file]);
    let mut rng = rng("file");
    let mut load = world.load(6);
    load.rate = Some(RATE);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let ledger = Arc::clone(&world.ledger);
    let killing = async {
        let mut killed = Ok(());
        for _ in 0..KILLS {
            killed = async {
                let mut server = world.start().await?;
                sleep(Duration::from_millis(rng.random_range(200..900))).await;
                server.kill9()
            }
            .await;
            if killed.is_err() {
                break;
            }
        }
        stop.send_replace(true);
        killed
    };
    let (report, killed) = tokio::join!(load.run(Stop::When(stopped), &ledger), killing);
    killed?;
    report.check()?;
    ensure!(report.accepted > 50, "too few jobs to mean anything: {report:?}");

    let server = world.start().await?;
    let fresh = world.submit(&mut server.client(), &world.origin.page(1 << 40, 2_000)).await?;
    wait_for_status(&mut server.client(), &fresh, "delivered").await?;
    let promised = world.ledger.entries();
    let is_there = async || {
        let there: HashSet<String> = match events(&dir) {
            Ok(events) => events.into_iter().map(|(id, _)| id).collect(),
            Err(_) => return false,
        };
        promised.accepted.iter().all(|job| there.contains(&job.id))
    };
    let waited = eventually("a line for every job", LIMIT * 2, is_there).await;
    waited.with_context(|| server.log_tail())?;
    for (id, url) in events(&dir)? {
        let known = promised.accepted.iter().find(|job| job.id == id);
        let sound = match known {
            Some(job) => job.url == url,
            None => promised.uncertain.contains(&url),
        };
        ensure!(sound, "nobody asked for {id}, {url}");
    }
    let files = std::fs::read_dir(&dir)?.count();
    ensure!(files > 1, "the file was never put aside");
    Ok(())
}
