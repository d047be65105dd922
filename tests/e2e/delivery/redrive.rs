//! Dead letters, and what can be done about them.

use anyhow::{Context, Result, ensure};
use harness::{Connection, Inbox, Method, Reply, eventually, page};
use serde_json::{Value, json};

use super::desk::{conserved, define, submit, told, world};
use crate::world::{LIMIT, PAGE, wait_for_status};

/// The ids that a listing has.
async fn listed(client: &mut Connection, query: &str) -> Result<Vec<String>> {
    let answer = client.get(&format!("/v1/jobs?{query}&limit=1000")).await?.json()?;
    let jobs = answer["jobs"].as_array().with_context(|| format!("{answer}"))?;
    let mut ids: Vec<String> =
        jobs.iter().filter_map(|job| job["id"].as_str().map(str::to_owned)).collect();
    ids.sort();
    Ok(ids)
}

/// Redrives what `wish` says, to its end: what is said of it then.
async fn redrive(client: &mut Connection, wish: &Value) -> Result<Value> {
    let begun = told(client, Method::POST, "/v1/redrive", wish, 202).await?;
    let id = begun["id"].as_str().context("a redrive has an id")?.to_owned();
    let mut last = begun;
    let waited = eventually("the redrive to end", LIMIT, async || {
        let answer = client.get(&format!("/v1/redrive/{id}")).await;
        if let Some(told) = answer.ok().and_then(|answer| answer.json().ok()) {
            last = told;
        }
        last["status"] != "running"
    });
    waited.await?;
    ensure!(last["status"] == "done", "{last}");
    Ok(last)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_listed_with_their_payload_and_redriven_by_filter_to_another_sink()
-> Result<()> {
    let world = world("redrive").await?;
    let (broken, spare) = (Inbox::start().await?, Inbox::start().await?);
    broken.reply_with(Reply::status(400));
    let server = world.start().await?;
    let mut client = server.client();
    define(&mut client, &json!({"name": "broken", "url": broken.url()})).await?;
    define(&mut client, &json!({"name": "spare", "url": spare.url()})).await?;
    let (mut red, mut blue) = (Vec::new(), Vec::new());
    for n in 0..10 {
        let tag = if n < 6 { "red" } else { "blue" };
        let job = json!({"url": world.origin.page(n, PAGE), "sink": "broken", "tags": [tag]});
        let id = submit(&mut client, &job).await?;
        if n < 6 { red.push(id) } else { blue.push(id) }
    }
    for id in red.iter().chain(&blue) {
        wait_for_status(&mut client, id, "undelivered").await?;
    }
    red.sort();
    blue.sort();
    assert_eq!(listed(&mut client, "status=undelivered&tag=red").await?, red);
    assert_eq!(listed(&mut client, "status=undelivered&sink=broken").await?.len(), 10);
    let path = format!("/v1/jobs/{}/result", red[0]);
    let payload = client.get(&path).await?.json()?;
    let markdown = payload["data"]["markdown"].as_str().context("a dead letter has its payload")?;
    ensure!(markdown.contains("pwstart"), "{payload}");
    let url = payload["data"]["url"].as_str().unwrap_or_default();
    ensure!(page::parse_address(url).is_some(), "{payload}");

    let tried = broken.posts().len();
    let mut wish = json!({"action": "redeliver", "tag": "red", "to": "spare", "dry_run": true});
    let dry = redrive(&mut client, &wish).await?;
    assert_eq!((&dry["matched"], &dry["redriven"]), (&json!(6), &json!(0)), "{dry}");
    assert!(spare.posts().is_empty());
    wish["dry_run"] = false.into();
    let done = redrive(&mut client, &wish).await?;
    assert_eq!((&done["matched"], &done["redriven"]), (&json!(6), &json!(6)), "{done}");
    conserved(&spare, &red).await?;
    for id in &red {
        wait_for_status(&mut client, id, "delivered").await?;
    }
    assert_eq!(listed(&mut client, "status=undelivered").await?, blue, "the others stay");
    assert_eq!(broken.posts().len(), tried);

    // The rest to their own sink, which is mended.
    broken.reply_with(Reply::status(204));
    let done = redrive(&mut client, &json!({"action": "redeliver", "sink": "broken"})).await?;
    assert_eq!(done["redriven"], 4, "{done}");
    for id in &blue {
        broken.wait_for(id, LIMIT).await?;
        wait_for_status(&mut client, id, "delivered").await?;
    }
    Ok(())
}
