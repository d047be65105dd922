//! Events that are too long travel as links.

use anyhow::{Context, Result, ensure};
use harness::{Connection, Inbox, Method, eventually, page};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::desk::{define, submit, world};
use crate::world::{LIMIT, World};

/// Whoever has it may do everything.
const KEY: &str = "a-key-of-the-end-to-end-tests";

/// Bytes of a page whose event is above the sink's limit.
const LONG: usize = 60_000;

/// A job whose event is too long for its sink: what the event says of where it is.
async fn reference(world: &World, client: &mut Connection, inbox: &Inbox, n: u64) -> Result<Value> {
    let url = world.origin.page(n, LONG);
    let id = submit(client, &json!({"url": url, "sink": "small"})).await?;
    let event = inbox.wait_for(&id, LIMIT).await?.json()?;
    ensure!(event["data"]["markdown"].is_null(), "{event}");
    assert_eq!(event["data"]["id"], id.as_str());
    Ok(event["data"]["content_ref"].clone())
}

/// The link's path and query.
fn path(reference: &Value) -> Result<String> {
    let url = reference["url"].as_str().context("a link")?;
    let (_, path) = url.split_once("/v1/").context("a link to this server")?;
    Ok(format!("/v1/{path}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_event_travels_as_a_link_that_needs_no_key_and_expires() -> Result<()> {
    let world = world("links").await?.flags(["--api-key", KEY]);
    let inbox = Inbox::start().await?;
    let mut server = world.start().await?;
    let mut client = server.client().with_api_key(KEY);
    let definition = json!({"name": "small", "url": inbox.url(), "inline_limit": "4KB"});
    define(&mut client, &definition).await?;
    let link = reference(&world, &mut client, &inbox, 7).await?;
    let path_of_link = path(&link)?;

    let mut stranger = server.client();
    let whole = stranger.get(&path_of_link).await?;
    assert_eq!(whole.status, 200, "{}", whole.text());
    assert_eq!(link["bytes"], whole.body.len());
    let digest: String = Sha256::digest(&whole.body).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(link["sha256"], digest.as_str());
    let event = whole.json()?;
    let markdown = event["data"]["markdown"].as_str().context("the page is in it")?;
    ensure!(page::markers(7, LONG).iter().all(|marker| markdown.contains(marker.as_str())));

    let range = [("range", "bytes=1000-1999")];
    let part = stranger.request(Method::GET, &path_of_link, &range, "".into()).await?;
    assert_eq!(part.status, 206, "{}", part.text());
    assert_eq!(part.body, whole.body.slice(1000..2000));
    let place = format!("bytes 1000-1999/{}", whole.body.len());
    assert_eq!(part.header("content-range"), Some(place.as_str()));

    let bare = path_of_link.split('?').next().unwrap_or_default();
    assert_eq!(stranger.get(bare).await?.status, 401);
    // A link that says that it lasts longer.
    let forged = path_of_link.replace("expires=1", "expires=2");
    ensure!(forged != path_of_link, "{path_of_link}");
    let refused = stranger.get(&forged).await?.status;
    assert!((400..=403).contains(&refused), "{refused} for a forged link");

    // The links of a server that starts again are good still, and new ones are short-lived.
    server.kill9()?;
    let world = world.flags(["--link-ttl", "1s"]);
    let server = world.start().await?;
    let (mut client, mut stranger) = (server.client().with_api_key(KEY), server.client());
    // What the last moments before a crash brought is fetched again first.
    eventually("the link to be good again", LIMIT, async || {
        stranger.get(&path_of_link).await.is_ok_and(|answer| answer.status == 200)
    })
    .await?;
    let short = path(&reference(&world, &mut client, &inbox, 8).await?)?;
    eventually("the link to expire", LIMIT, async || {
        stranger.get(&short).await.is_ok_and(|answer| answer.status == 403)
    })
    .await?;
    Ok(())
}
