//! HTTPS.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use harness::{Connection, Method, Secure, Server, eventually};
use serde_json::json;

use crate::world::{LIMIT, PAGE, World, accepted_id};

/// Certificates of `localhost`, valid until 2126; their keys are of use to nobody.
const FIRST: (&str, &str) = (include_str!("tls/first.pem"), include_str!("tls/first.key"));
const SECOND: (&str, &str) = (include_str!("tls/second.pem"), include_str!("tls/second.key"));

/// Where a world's certificate and key are.
fn files(world: &World) -> (PathBuf, PathBuf) {
    (world.scratch.path().join("cert.pem"), world.scratch.path().join("key.pem"))
}

fn install(world: &World, (chain, key): (&str, &str)) -> Result<()> {
    let (cert_file, key_file) = files(world);
    std::fs::write(cert_file, chain)?;
    std::fs::write(key_file, key)?;
    Ok(())
}

/// A server that shows the first certificate, once it does.
async fn start(world: &World) -> Result<Server> {
    let server = Server::spawn(&world.config)?;
    let ready = eventually("the server to answer over TLS", LIMIT, async || {
        let Ok(mut client) = Secure::connect(server.addr(), FIRST.0).await else { return false };
        let answer = client.request(Method::GET, "/readyz", "").await;
        answer.is_ok_and(|answer| answer.status == 200)
    });
    ready.await.with_context(|| server.log_tail())?;
    Ok(server)
}

async fn submit(world: &World, client: &mut Secure, n: u64) -> Result<()> {
    let url = world.origin.page(n, PAGE);
    let body = json!({"url": url}).to_string();
    let id = accepted_id(&client.request(Method::POST, "/v1/jobs", body).await?)?;
    world.ledger.accept(harness::Accepted { id, url, sent_us: 0, accepted_us: 0 });
    Ok(())
}

async fn secured(name: &str) -> Result<World> {
    let world = World::new(name).await?;
    install(&world, FIRST)?;
    let (cert, key) = files(&world);
    let path = |path: &PathBuf| path.to_str().map(str::to_owned).context("a path in UTF-8");
    Ok(world.flags(["--tls-cert", &path(&cert)?, "--tls-key", &path(&key)?]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_shown_without_a_restart_and_a_broken_one_never() -> Result<()> {
    let world = secured("tls").await?;
    let mut server = start(&world).await?;
    let mut early = Secure::connect(server.addr(), FIRST.0).await?;
    submit(&world, &mut early, 1).await?;
    ensure!(Secure::connect(server.addr(), SECOND.0).await.is_err(), "not trusted, and taken");

    install(&world, ("-----BEGIN CERTIFICATE-----\nbroken", FIRST.1))?;
    server.signal("HUP")?;
    let said = async || server.log_tail().contains("cert.pem");
    eventually("the log to name the broken certificate", LIMIT, said).await?;
    submit(&world, &mut Secure::connect(server.addr(), FIRST.0).await?, 2).await?;

    install(&world, SECOND)?;
    server.signal("HUP")?;
    let shown = async || Secure::connect(server.addr(), SECOND.0).await.is_ok();
    eventually("the new certificate to be shown", LIMIT, shown).await?;
    submit(&world, &mut Secure::connect(server.addr(), SECOND.0).await?, 3).await?;
    ensure!(Secure::connect(server.addr(), FIRST.0).await.is_err(), "the old one is still shown");
    // A session that was agreed upon goes on.
    submit(&world, &mut early, 4).await?;
    world.ledger.settle(&world.sink, LIMIT).await.with_context(|| server.log_tail())?;
    server.kill9()?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_noticed_by_itself() -> Result<()> {
    let world = secured("tls-files").await?;
    let server = start(&world).await?;
    install(&world, SECOND)?;
    let shown = async || Secure::connect(server.addr(), SECOND.0).await.is_ok();
    eventually("the new certificate to be shown", LIMIT * 3, shown).await?;
    submit(&world, &mut Secure::connect(server.addr(), SECOND.0).await?, 1).await?;
    world.ledger.settle(&world.sink, LIMIT).await.with_context(|| server.log_tail())?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_on_a_tls_port_is_told_to_use_https() -> Result<()> {
    let world = secured("tls-plain").await?;
    let server = start(&world).await?;
    let answer = Connection::new(server.addr()).get("/v1/jobs").await?;
    assert_eq!(answer.status, 400);
    ensure!(answer.text().contains("https"), "{}", answer.text());
    submit(&world, &mut Secure::connect(server.addr(), FIRST.0).await?, 1).await?;
    world.ledger.settle(&world.sink, LIMIT).await.with_context(|| server.log_tail())?;

    let mut config = world.bare().with(["--tls-cert", "/nowhere/cert.pem"]);
    config.addr.set_port(0);
    config.data = world.scratch.path().join("other");
    let (status, said) = Server::run_to_end(&config, LIMIT).await?;
    ensure!(!status.success() && said.contains("--tls-key"), "{said}");
    Ok(())
}
