//! Clients that leave early and clients that are too many.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::Method;
use harness::{Connection, Server, Stop, percentile};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::world::{LIMIT, PAGE, World, accepted_id};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_hang_up_after_sending_cause_no_harm() -> Result<()> {
    let world = World::new("hangup").await?;
    let server = world.start().await?;
    for n in 0..100 {
        let url = world.origin.page(n, PAGE);
        world.ledger.doubt(&url);
        send_and_leave(&server, &url, "", n % 2 == 0).await?;
    }
    world.settle(&server).await?;
    // Each is there once or not at all, and what is there is delivered.
    let listed = list(&mut server.client()).await?;
    for id in &listed {
        world.sink.wait_for(id, LIMIT).await?;
    }
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hung_up_can_ask_again_under_its_key() -> Result<()> {
    let world = World::new("again").await?;
    let server = world.start().await?;
    let mut client = server.client();
    for n in 0..20 {
        let url = world.origin.page(n, PAGE);
        world.ledger.doubt(&url);
        send_and_leave(&server, &url, &format!("idempotency-key: \"key-{n}\"\r\n"), true).await?;
        let headers =
            [("content-type", "application/json"), ("idempotency-key", &*format!("\"key-{n}\""))];
        let body = format!("{{\"url\":\"{url}\"}}");
        let mut answer;
        loop {
            answer =
                client.request(Method::POST, "/v1/jobs", &headers, body.clone().into()).await?;
            // The first one may still be being stored.
            if answer.status != 409 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // One id for each URL: the verdict finds a second one spurious.
        world.sink.wait_for(&accepted_id(&answer)?, LIMIT).await?;
    }
    world.settle(&server).await?;
    assert_eq!(list(&mut client).await?.len(), 21);
    Ok(())
}

/// Sends a whole request and closes, before any answer or in the middle of it.
async fn send_and_leave(server: &Server, url: &str, header: &str, reset: bool) -> Result<()> {
    let body = format!("{{\"url\":\"{url}\"}}");
    let request = format!(
        "POST /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{header}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server.addr()).await?;
    stream.write_all(request.as_bytes()).await?;
    if reset {
        stream.set_zero_linger()?;
    }
    Ok(())
}

/// The ids of all jobs there are.
async fn list(client: &mut Connection) -> Result<Vec<String>> {
    let answer = client.get("/v1/jobs?limit=1000").await?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    let page = answer.json()?;
    let jobs = page["jobs"].as_array().into_iter().flatten();
    Ok(jobs.filter_map(|job| job["id"].as_str().map(str::to_owned)).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overload_is_told_and_what_is_accepted_is_delivered() -> Result<()> {
    let world = World::new("overload").await?.flags(["--queue-max-jobs", "50"]);
    let server = world.start().await?;
    world.origin.hold();
    let mut load = world.load(32);
    load.refused_pause = Duration::ZERO;
    let report = load.run(Stop::Jobs(2000), &world.ledger).await;
    report.check()?;
    assert_eq!((report.accepted, report.refused), (50, 1950));
    assert_eq!(report.refused_without_retry_after, 0);
    let refused_us = percentile(&report.refuse_us, 0.99);
    assert!(refused_us < 1_000_000, "refusals took {refused_us} µs at the 99th percentile");
    let healthy = server.client().get("/healthz").await?;
    assert_eq!(healthy.status, 200);
    world.origin.release();
    world.ledger.settle(&world.sink, LIMIT).await?;
    // There is room again, and under a steady overload whatever gets in gets out.
    let mut load = world.load(32);
    load.first = 10_000;
    load.refused_pause = Duration::from_millis(1);
    let report = load.run(Stop::After(Duration::from_secs(5)), &world.ledger).await;
    report.check()?;
    assert!(report.accepted > 100, "{} accepted of {}", report.accepted, report.refused);
    world.settle(&server).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_clients_get_wrong_is_told_and_nothing_breaks() -> Result<()> {
    let world = World::new("wrong").await?.flags(["--max-body", "64KB"]);
    let server = world.start().await?;
    let mut client = server.client();
    let url = world.origin.page(1, PAGE);
    let long = format!("{{\"url\":\"{url}\",\"tags\":[\"{}\"]}}", "x".repeat(100_000));
    let cases = [
        ("{\"url\":".to_owned(), 400, None),
        ("[]".to_owned(), 422, None),
        ("{}".to_owned(), 422, None),
        (format!("{{\"url\":\"{url}\",\"colour\":1}}"), 422, Some("/colour")),
        ("{\"url\":17}".to_owned(), 422, Some("/url")),
        ("{\"url\":\"ftp://example.com/\"}".to_owned(), 422, Some("/url")),
        (format!("{{\"url\":\"{url}\",\"timeout\":\"9h\"}}"), 422, Some("/timeout")),
        (format!("{{\"url\":\"{url}\",\"formats\":[\"pdf\"]}}"), 422, Some("/formats/0")),
        (long, 413, None),
    ];
    for (body, status, pointer) in cases {
        let shown = body[..body.len().min(80)].to_owned();
        // A connection of its own: a server may close one whose body it did not read to the end.
        let answer = server.client().post("/v1/jobs", body).await?;
        ensure!(answer.status == status, "{} for {shown}: {}", answer.status, answer.text());
        ensure!(answer.header("content-type") == Some("application/problem+json"), "{shown}");
        if let Some(pointer) = pointer {
            let problem = answer.json()?;
            ensure!(problem["errors"][0]["pointer"] == pointer, "{shown}: {problem}");
        }
    }
    for path in ["/v1/jobs/not-an-id", "/v1/jobs/0190b0c5-0000-7000-8000-000000000000", "/nowhere"]
    {
        let answer = client.get(path).await?;
        ensure!(answer.status == 404, "{} for {path}: {}", answer.status, answer.text());
    }
    let answer = client.request(Method::PUT, "/v1/jobs", &[], "".into()).await?;
    ensure!(answer.status == 405, "{}: {}", answer.status, answer.text());
    world.settle(&server).await?;
    ensure!(!server.log_tail().contains("panicked"), "{}", server.log_tail());
    Ok(())
}
