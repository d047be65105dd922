//! From a page to its content: through the API to the webhook, and by `pagewire get`.

use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::world::{LIMIT, World, accepted_id, wait_for_status};

/// Of the article itself.
const INSIDE: &str = "Green tea is steamed";
/// Around it.
const AROUND: [&str; 3] = ["Front page", "Ten kettles compared", "All rights reserved"];

/// Submits a job for article 7: the `data` of the event that its sink got.
async fn data_of(world: &World, more: Value) -> Result<Value> {
    let server = world.start().await?;
    let mut client = server.client();
    let mut job = json!({"url": world.origin.url(0, "/article/7")});
    let (Value::Object(job), Value::Object(more)) = (&mut job, more) else {
        anyhow::bail!("both are objects");
    };
    job.extend(more);
    let answer = client.post("/v1/jobs", serde_json::to_string(job)?).await?;
    let id = accepted_id(&answer)?;
    let event = world.sink.wait_for(&id, LIMIT).await?;
    ensure!(event.kind == "job.succeeded", "{event:?}");
    wait_for_status(&mut client, &id, "delivered").await?;
    // Byte for byte what was delivered, as another scenario shows.
    let mut result = client.get(&format!("/v1/jobs/{id}/result")).await?.json()?;
    Ok(result["data"].take())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_content_comes_without_what_is_around_it() -> Result<()> {
    let world = World::new("main").await?;
    let data =
        data_of(&world, json!({"formats": ["text", "markdown", "links", "metadata"]})).await?;
    for form in ["text", "markdown"] {
        let form = data[form].as_str().context("asked for")?;
        ensure!(form.contains(INSIDE), "{form}");
        ensure!(AROUND.iter().all(|around| !form.contains(around)), "{form}");
    }
    assert_eq!(data["title"], "Steam and leaf 7");
    assert_eq!(
        (&data["page"]["author"], &data["page"]["language"]),
        (&json!("Ada Green"), &json!("en"))
    );
    assert_eq!(data["page"]["published"], "2026-11-20");
    assert_eq!((&data["charset"], &data["charset_source"]), (&json!("utf-8"), &json!("header")));
    // Links are those of the whole page, and say where they stand.
    let region = |path: &str| {
        let url = world.origin.url(0, path);
        let link = data["links"].as_array()?.iter().find(|link| link["url"] == url.as_str())?;
        link["region"].as_str()
    };
    assert_eq!((region("/world"), region("/imprint")), (Some("nav"), Some("footer")));
    assert_eq!(region("/tea/7/harvest"), Some("main"));

    let whole = World::new("page").await?;
    let data = data_of(&whole, json!({"formats": ["text", "markdown"], "scope": "page"})).await?;
    for form in ["text", "markdown"] {
        let form = data[form].as_str().context("asked for")?;
        ensure!(form.contains(INSIDE), "{form}");
        ensure!(AROUND.iter().all(|around| form.contains(around)), "{form}");
    }
    assert!(data.get("links").is_none() && data.get("page").is_none());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_are_picked_by_selectors_and_patterns() -> Result<()> {
    let world = World::new("select").await?;
    let select = json!({
        "headline": "h1.headline",
        "price": {"css": ".price", "regex": "([0-9.]+)"},
        "report": {"css": "a.more", "attr": "href"},
        "menu": {"css": "nav a", "all": true},
        "read": {"css": ".sidebar li", "all": true, "fields": {"to": {"css": "a", "attr": "href"}}},
        "missing": ".nowhere",
    });
    let data = data_of(&world, json!({"formats": ["json_ld"], "select": select})).await?;
    let url = |path: &str| world.origin.url(0, path);
    assert_eq!(
        data["fields"],
        json!({
            "headline": "Steam and leaf 7",
            "price": "19.90",
            "report": url("/tea/7/harvest"),
            "menu": ["Front page", "World", "Sport", "Sign in"],
            "read": [{"to": url("/a")}, {"to": url("/b")}],
            "missing": null,
        })
    );
    assert_eq!(data["json_ld"][0]["author"]["name"], "Ada Green");
    assert!(data.get("markdown").is_none() && data.get("text").is_none());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_selector_that_cannot_be_used_is_refused_at_its_place() -> Result<()> {
    let world = World::new("selector").await?;
    let server = world.start().await?;
    let mut client = server.client();
    let url = world.origin.url(0, "/article/7");
    for (select, pointer) in [
        (json!({"price": {"css": "h1 >"}}), "/select/price/css"),
        (json!({"price": "h1["}), "/select/price"),
        (json!({"price": {"css": "h1", "regex": "(a"}}), "/select/price/regex"),
        (json!({"price": {"css": "h1", "regex": "(a)\\1"}}), "/select/price/regex"),
        (json!({"price": {"css": "h1", "xpath": "//h1"}}), "/select/price/xpath"),
        (json!({"a": {"css": "li", "fields": {"b": {"css": "::x("}}}}), "/select/a/fields/b/css"),
    ] {
        let job = json!({"url": url, "select": select});
        let answer = client.post("/v1/jobs", job.to_string()).await?;
        ensure!(answer.status == 422, "{select}: {} {}", answer.status, answer.text());
        let problem = answer.json()?;
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    assert_eq!(world.origin.report().requests(), 0);
    world.settle(&server).await?;
    Ok(())
}

/// Runs `pagewire get` with these arguments, beside the tasks of this runtime.
async fn get(args: &[&str]) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pagewire"));
    command.env_clear().arg("get").args(args).stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output()).await?.context("cannot run the binary")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn get_prints_a_page_without_a_server() -> Result<()> {
    let scratch = harness::Scratch::new("get")?;
    let file = scratch.path().join("article.html");
    std::fs::write(&file, harness::page::article(7))?;
    let file = file.to_str().context("a path in UTF-8")?;

    let markdown = text(&get(&[file]).await?.stdout);
    ensure!(markdown.contains(INSIDE), "{markdown}");
    ensure!(AROUND.iter().all(|around| !markdown.contains(around)), "{markdown}");
    let whole = text(&get(&["--text", "--scope", "page", file]).await?.stdout);
    ensure!(AROUND.iter().all(|around| whole.contains(around)), "{whole}");
    let links = text(&get(&["--links", "--base-url", "https://tea.example/x", file]).await?.stdout);
    ensure!(links.contains("https://tea.example/world\tWorld\n"), "{links}");
    let picked = get(&["--select", "price=.price", file]).await?;
    assert_eq!(serde_json::from_slice::<Value>(&picked.stdout)?, json!({"price": "EUR 19.90"}));

    // Several, one of them missing: the rest is printed, and the end says so.
    let several = get(&["--json", file, "/no/such/file.html", file]).await?;
    assert_eq!(several.status.code(), Some(1));
    let complaint = text(&several.stderr);
    ensure!(
        complaint.contains("/no/such/file.html") && complaint.contains("1 of 3"),
        "{complaint}"
    );
    let lines: Vec<Value> =
        text(&several.stdout).lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[1]["title"], &lines[1]["input"]),
        (&json!("Steam and leaf 7"), &json!(file))
    );
    ensure!(lines[1]["page"]["author"] == "Ada Green" && lines[1]["status"].is_null());

    for (bad, said) in [(["--select", "price"], "price=.price"), (["--select", "a=h1 >"], "/a/css")]
    {
        let refused = get(&[bad[0], bad[1], file]).await?;
        assert_eq!(refused.status.code(), Some(2), "{bad:?}");
        ensure!(text(&refused.stderr).contains(said), "{}", text(&refused.stderr));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn get_fetches_what_policy_allows() -> Result<()> {
    let world = World::without_forwarding("get-url").await?;
    let url = world.origin.url(0, "/article/7");
    let refused = get(&[&url]).await?;
    assert_eq!(refused.status.code(), Some(1));
    let complaint = text(&refused.stderr);
    ensure!(complaint.contains("127.0.0.1") && complaint.contains("--fetch-allow"), "{complaint}");
    assert_eq!(world.origin.report().requests(), 0);

    let fetched = get(&["--json", "--fetch-allow", "127.0.0.0/8", &url]).await?;
    ensure!(fetched.status.success(), "{}", text(&fetched.stderr));
    let page: Value = serde_json::from_slice(&fetched.stdout)?;
    assert_eq!((&page["status"], &page["final_url"]), (&json!(200), &json!(url)));
    ensure!(page["markdown"].as_str().is_some_and(|markdown| markdown.contains(INSIDE)), "{page}");

    let missing = world.origin.url(0, "/fail/404/1");
    let missing = get(&["--fetch-allow", "127.0.0.0/8", &missing]).await?;
    assert_eq!(missing.status.code(), Some(1));
    ensure!(text(&missing.stderr).contains("404 Not Found"), "{}", text(&missing.stderr));
    Ok(())
}
