//! Sinks that have names, and their secrets.

use anyhow::{Context, Result, ensure};
use harness::{Inbox, Method, Server};
use serde_json::json;

use super::desk::{
    change, conserved, define, fresh_job, job_for, send, sink, sink_becomes, told, world,
};
use crate::world::{LIMIT, SECRET, World, wait_for_status};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_sink_signs_with_its_own_secret_and_survives_kill_9() -> Result<()> {
    let world = world("named").await?;
    let inbox = Inbox::start().await?;
    let mut server = world.start().await?;
    let mut client = server.client();
    let definition = json!({"name": "crm", "url": inbox.url(), "headers": {"x-team": "sales"}});
    let defined = define(&mut client, &definition).await?;
    let secret = defined["secret"].as_str().context("a secret that is told once")?.to_owned();
    ensure!(secret.starts_with("whsec_"), "{secret}");
    let shown = sink(&mut client, "crm").await?.to_string();
    ensure!(!shown.contains(&secret) && !shown.contains("sales"), "{shown}");

    let mut ids = vec![job_for(&world, &mut client, 1, "crm").await?];
    let post = inbox.wait_for(&ids[0], LIMIT).await?;
    post.verify(&secret)?;
    ensure!(post.verify(SECRET).is_err(), "signed by the server's secret as well");
    assert_eq!(post.header("x-team"), "sales");
    assert_eq!(post.json()?["data"]["id"], ids[0].as_str());

    server.kill9()?;
    let server = world.start().await?;
    let mut client = server.client();
    ids.push(job_for(&world, &mut client, 2, "crm").await?);
    inbox.wait_for(&ids[1], LIMIT).await?.verify(&secret)?;
    // A crash may repeat what it had not written down yet.
    ensure!(!inbox.posts_of(&ids[0]).is_empty());
    wait_for_status(&mut client, &ids[1], "delivered").await?;

    let job = json!({"url": world.origin.page(3, 500), "sink": "crn"});
    let refused = client.post("/v1/jobs", job.to_string()).await?;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(refused.json()?["errors"][0]["pointer"], "/sink");
    fresh_job(&world, &server, "crm", &inbox).await?.verify(&secret)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_secret_signs_beside_the_old_one_until_the_overlap_ends() -> Result<()> {
    let world = world("rotate").await?;
    let inbox = Inbox::start().await?;
    let server = world.start().await?;
    let mut client = server.client();
    let definition = json!({"name": "crm", "url": inbox.url(), "secret": SECRET});
    define(&mut client, &definition).await?;
    let mut ids = vec![job_for(&world, &mut client, 1, "crm").await?];
    inbox.wait_for(&ids[0], LIMIT).await?.verify(SECRET)?;

    let path = "/v1/sinks/crm/rotate";
    let rotated = told(&mut client, Method::POST, path, &json!({"overlap": "1h"}), 200).await?;
    let second = rotated["secret"].as_str().context("the new secret")?.to_owned();
    ids.push(job_for(&world, &mut client, 2, "crm").await?);
    let post = inbox.wait_for(&ids[1], LIMIT).await?;
    assert_eq!(post.header("webhook-signature").split(' ').count(), 2);
    post.verify(SECRET)?;
    post.verify(&second)?;

    let rotated = told(&mut client, Method::POST, path, &json!({"overlap": "0s"}), 200).await?;
    let third = rotated["secret"].as_str().context("the newest secret")?.to_owned();
    ids.push(job_for(&world, &mut client, 3, "crm").await?);
    let post = inbox.wait_for(&ids[2], LIMIT).await?;
    post.verify(&third)?;
    ensure!(post.verify(SECRET).is_err() && post.verify(&second).is_err(), "an old one signs on");
    conserved(&inbox, &ids).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_may_be_signed_asymmetrically() -> Result<()> {
    let world = world("ed25519").await?;
    let inbox = Inbox::start().await?;
    let server = world.start().await?;
    let mut client = server.client();
    let definition = json!({"name": "crm", "url": inbox.url(), "signature": "v1a"});
    let defined = define(&mut client, &definition).await?;
    let key = defined["secrets"][0]["public_key"].as_str().context("a public key")?;
    ensure!(key.starts_with("whpk_"), "{defined}");
    let id = job_for(&world, &mut client, 1, "crm").await?;
    let post = inbox.wait_for(&id, LIMIT).await?;
    ensure!(post.header("webhook-signature").starts_with("v1a,"), "{post:?}");
    conserved(&inbox, &[id]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_gets_only_the_events_it_asked_for() -> Result<()> {
    let world = world("events").await?;
    let inbox = Inbox::start().await?;
    let server = world.start().await?;
    let mut client = server.client();
    define(&mut client, &json!({"name": "alarm", "url": inbox.url(), "events": ["job.failed"]}))
        .await?;
    let fine = job_for(&world, &mut client, 1, "alarm").await?;
    let job = json!({"url": world.origin.url(0, "/fail/404/1"), "sink": "alarm"});
    let failed = super::desk::submit(&mut client, &job).await?;
    wait_for_status(&mut client, &fine, "fetched").await?;
    let posts = conserved(&inbox, &[failed]).await?;
    assert_eq!(posts[0].json()?["type"], "job.failed");
    let bad = json!({"name": "x", "url": inbox.url(), "events": ["job.nonsense"]});
    let refused = send(&mut client, Method::POST, "/v1/sinks", &bad).await?;
    assert_eq!(refused.status, 422, "{}", refused.text());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sinks_of_the_operators_file_are_trusted_and_only_switched_by_the_api() -> Result<()> {
    let world = World::without_forwarding("sink-file").await?;
    let inbox = Inbox::start().await?;
    let file = world.scratch.path().join("sinks.toml");
    let sinks = format!(
        "[sinks.crm]\nurl = \"{}\"\nsecret = \"{SECRET}\"\nheaders = {{ x-team = \"sales\" }}\n",
        inbox.url()
    );
    std::fs::write(&file, sinks)?;
    let file = file.to_str().context("a path in UTF-8")?;
    // On loopback, which jobs may not name: nothing allows it but the file.
    let world = world.flags(["--sinks", file, "--forward-to", "crm"]);
    let server = world.start().await?;
    let mut client = server.client();
    let by_default = world.submit(&mut client, &world.origin.page(1, 500)).await?;
    let by_name = job_for(&world, &mut client, 2, "crm").await?;
    for id in [&by_default, &by_name] {
        let post = inbox.wait_for(id, LIMIT).await?;
        post.verify(SECRET)?;
        assert_eq!(post.header("x-team"), "sales");
    }
    let patch = json!({"url": "https://example.com/"});
    let refused = send(&mut client, Method::PATCH, "/v1/sinks/crm", &patch).await?;
    assert_eq!(refused.status, 409, "{}", refused.text());
    let mut ids = vec![by_default, by_name];
    change(&mut client, "crm", &json!({"enabled": false})).await?;
    ids.push(job_for(&world, &mut client, 3, "crm").await?);
    sink_becomes(&mut client, "crm", "to have one waiting", |sink| sink["waiting"] == 1).await?;
    assert_eq!(inbox.posts().len(), 2);
    change(&mut client, "crm", &json!({"enabled": true})).await?;
    conserved(&inbox, &ids).await?;

    std::fs::write(file, "[sinks.crm]\nurll = \"https://example.com/\"\n")?;
    let (status, said) = Server::run_to_end(&world.config, LIMIT).await?;
    ensure!(!status.success() && said.contains("urll") && said.contains("--sinks"), "{said}");
    Ok(())
}
