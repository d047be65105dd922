//! The baseline of the benchmark: the smallest program that does the same work without a promise.
//!
//! A handler takes `{"url": …}`, a spawned task fetches it and POSTs what came to `--forward-to`.
//! Nothing is stored, nothing is extracted, nothing is retried and nothing is bounded: whatever it
//! holds is lost when it stops. What Pagewire costs beside it is the price of keeping a promise.
//!
//! `post URL COUNT IN_FLIGHT BYTES` makes that many bare POSTs instead, says so and waits to be
//! measured: what a delivery costs when nobody signs it, claims it or writes it down.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, thread};

use anyhow::{Context, Result, bail};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::task::JoinSet;

#[derive(Deserialize)]
struct Job {
    url: String,
    metadata: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Page<'a> {
    url: &'a str,
    status: u16,
    body: &'a str,
    metadata: Option<&'a RawValue>,
}

struct App {
    client: reqwest::Client,
    forward_to: String,
}

/// The only argument is where to POST pages to, unless it is `post`.
#[tokio::main]
async fn main() -> Result<()> {
    const USAGE: &str = "usage: baseline FORWARD_TO_URL | baseline post URL COUNT IN_FLIGHT BYTES";
    let args: Vec<String> = env::args().skip(1).collect();
    exit_with_parent()?;
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok()
        .context("a TLS provider is installed already")?;
    // Only plain http is fetched: no roots, no proxy.
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .context("cannot make the client")?;
    let forward_to = match args.as_slice() {
        [forward_to] => forward_to.clone(),
        [post, url, count, in_flight, bytes] if post == "post" => {
            post_all(&client, url, count.parse()?, in_flight.parse()?, bytes.parse()?).await?;
            say("done")?;
            return std::future::pending().await;
        }
        _ => bail!(USAGE),
    };
    let app = Router::new()
        .route("/", post(submit))
        .route("/v1/jobs", post(submit))
        .with_state(Arc::new(App { client, forward_to }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("cannot listen")?;
    let addr = listener.local_addr().context("cannot tell the address")?;
    say(&addr.to_string())?;
    axum::serve(listener, app).await.context("cannot serve")
}

/// Tells the parent.
fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("cannot write to standard output")
}

/// POSTs the same bytes `count` times, `in_flight` at once; each has to be answered 2xx.
async fn post_all(
    client: &reqwest::Client,
    url: &str,
    count: u64,
    in_flight: usize,
    bytes: usize,
) -> Result<()> {
    let body = axum::body::Bytes::from(vec![b'x'; bytes]);
    let left = Arc::new(AtomicU64::new(count));
    let mut workers = JoinSet::new();
    for _ in 0..in_flight {
        let (client, url, body, left) =
            (client.clone(), url.to_owned(), body.clone(), Arc::clone(&left));
        workers.spawn(async move {
            let take = |left: u64| left.checked_sub(1);
            while left.try_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                let post = client.post(&url).header("content-type", "application/json");
                post.body(body.clone()).send().await?.error_for_status()?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the point of the baseline is to promise nothing")]
async fn submit(State(app): State<Arc<App>>, Json(job): Json<Job>) -> StatusCode {
    tokio::spawn(async move {
        // A page that cannot be had is lost, as in every program of this kind.
        let _ = forward(&app, &job).await;
    });
    StatusCode::ACCEPTED
}

#[expect(clippy::disallowed_methods, reason = "the point of the baseline is to bound nothing")]
async fn forward(app: &App, job: &Job) -> Result<()> {
    let response = app.client.get(&job.url).send().await?;
    let status = response.status().as_u16();
    let body = response.text().await?;
    let page = Page { url: &job.url, status, body: &body, metadata: job.metadata.as_deref() };
    let event = serde_json::to_vec(&page)?;
    app.client
        .post(&app.forward_to)
        .header("content-type", "application/json")
        .body(event)
        .send()
        .await?;
    Ok(())
}

/// Ends the process when its standard input closes, so that it does not outlive the benchmark.
fn exit_with_parent() -> Result<()> {
    thread::Builder::new()
        .spawn(|| {
            let mut byte = [0];
            while std::io::stdin().read(&mut byte).is_ok_and(|n| n > 0) {}
            std::process::exit(0);
        })
        .context("cannot start the thread that watches the parent")?;
    Ok(())
}
