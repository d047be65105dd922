//! The baseline of the benchmark: the smallest program that does the same work without a promise.
//!
//! A handler takes `{"url": …}`, a spawned task fetches it and POSTs what came to `--forward-to`.
//! Nothing is stored, nothing is extracted, nothing is retried and nothing is bounded: whatever it
//! holds is lost when it stops. What Pagewire costs beside it is the price of keeping a promise.

use std::io::{Read, Write};
use std::sync::Arc;
use std::{env, thread};

use anyhow::{Context, Result};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

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

/// The only argument is where to POST pages to.
#[tokio::main]
async fn main() -> Result<()> {
    let forward_to = env::args().nth(1).context("usage: baseline FORWARD_TO_URL")?;
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
    let app = Router::new()
        .route("/", post(submit))
        .route("/v1/jobs", post(submit))
        .with_state(Arc::new(App { client, forward_to }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("cannot listen")?;
    let addr = listener.local_addr().context("cannot tell the address")?;
    let mut out = std::io::stdout();
    writeln!(out, "{addr}").and_then(|()| out.flush()).context("cannot tell the address")?;
    axum::serve(listener, app).await.context("cannot serve")
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
