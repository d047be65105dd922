use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use super::wire::Wire;
use super::{accept, announce, hosts, listen, page};
use crate::clock;

/// Thousands of connections wait here at once: a request head is all that has to fit.
const BUFFER: usize = 4 << 10;
/// A site without rules for crawlers, as most are. Given at once: it is no part of what is measured.
const NO_ROBOTS: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
/// Ports tried until one is free under all addresses.
const PORT_TRIES: u32 = 20;

/// Longest that answers are held back for more requests to come.
const GATE_WITHIN: Duration = Duration::from_secs(60);
/// Where what was seen is told.
const REPORT: &str = "/bench/report";

/// What to serve, and how slowly.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Bytes of the page
    #[arg(long)]
    size: usize,
    /// Time before an answer begins, in milliseconds
    #[arg(long)]
    latency_ms: u64,
    /// How many loopback addresses to listen on
    #[arg(long)]
    hosts: u32,
    /// The port; 0 for a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many of the addresses, the last ones, take requests and never answer
    #[arg(long, default_value_t = 0)]
    silent: u32,
    /// Take as long for every answer as it takes until this many requests wait at once, if that is
    /// longer
    #[arg(long, default_value_t = 0)]
    gate: u32,
}

/// What the origin has seen; requests for robots.txt are counted apart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// The most requests that waited for their answer at once, under all addresses.
    pub(crate) peak: u32,
    /// By address, in order.
    pub(crate) hosts: Vec<Host>,
    #[serde(skip)]
    waiting: u32,
}

/// What one address has seen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Host {
    /// When each request was here as a whole, in microseconds since the Unix epoch.
    pub(crate) arrivals_us: Vec<u64>,
    /// Requests for robots.txt.
    pub(crate) robots: u32,
    /// The most requests that waited for their answer at once.
    pub(crate) peak: u32,
    #[serde(skip)]
    waiting: u32,
}

/// What all connections share.
struct Site {
    answer: Vec<u8>,
    latency: Duration,
    /// Addresses from this one on are silent.
    silent_from: usize,
    gate: u32,
    /// How long every answer takes, once that is known.
    takes: watch::Sender<Option<Duration>>,
    /// When the first request came.
    first: OnceLock<Instant>,
    seen: Mutex<Seen>,
}

/// Answers every request but that for `/robots.txt` with the same page. The port is the same under
/// all addresses. Tells what it saw at `/bench/report`, as JSON.
pub(crate) async fn run(options: Options) -> Result<()> {
    let html = page::html(options.size);
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\r\n{html}",
        html.len()
    );
    let count = options.hosts.max(1);
    let listeners = bind(count, options.port)?;
    announce(listeners[0].local_addr().context("cannot tell the address")?)?;
    let latency = Duration::from_millis(options.latency_ms);
    let site = Arc::new(Site {
        answer: answer.into_bytes(),
        latency,
        silent_from: count.saturating_sub(options.silent) as usize,
        gate: options.gate,
        takes: watch::Sender::new((options.gate == 0).then_some(latency)),
        first: OnceLock::new(),
        seen: Mutex::new(Seen { hosts: vec![Host::default(); count as usize], ..Seen::default() }),
    });
    let mut loops = JoinSet::new();
    for (host, listener) in listeners.into_iter().enumerate() {
        let site = Arc::clone(&site);
        loops.spawn(async move {
            accept(listener, |stream| serve(stream, Arc::clone(&site), host)).await;
        });
    }
    while loops.join_next().await.is_some() {}
    Ok(())
}

impl Site {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a request down; it waits for its answer until what is handed back is dropped.
    fn arrived(self: &Arc<Self>, host: usize) -> Waiting {
        let now_us = clock::unix_us();
        let mut seen = self.seen();
        seen.waiting += 1;
        seen.peak = seen.peak.max(seen.waiting);
        let first = *self.first.get_or_init(clock::now);
        if seen.waiting >= self.gate && self.takes.borrow().is_none() {
            self.takes.send_replace(Some(self.latency.max(first.elapsed())));
        }
        let of = &mut seen.hosts[host];
        of.arrivals_us.push(now_us);
        of.waiting += 1;
        of.peak = of.peak.max(of.waiting);
        Waiting { site: Arc::clone(self), host }
    }

    /// Until the answer is due.
    async fn wait(&self, host: usize) {
        if host >= self.silent_from {
            std::future::pending::<()>().await;
        }
        let began = tokio::time::Instant::now();
        let mut takes = self.takes.subscribe();
        let takes = async {
            // Too few have come when it is over: the report tells.
            let takes = timeout(GATE_WITHIN, takes.wait_for(Option::is_some)).await;
            takes.ok().and_then(Result::ok).and_then(|takes| *takes)
        };
        let takes = takes.await.unwrap_or(self.latency);
        if !takes.is_zero() {
            sleep_until(began + takes).await;
        }
    }

    fn report(&self) -> Vec<u8> {
        let body = serde_json::to_vec(&*self.seen()).unwrap_or_default();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), &body].concat()
    }
}

/// A request that waits for its answer.
struct Waiting {
    site: Arc<Site>,
    host: usize,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut seen = self.site.seen();
        seen.waiting -= 1;
        seen.hosts[self.host].waiting -= 1;
    }
}

fn bind(hosts: u32, port: u16) -> Result<Vec<TcpListener>> {
    let mut last = None;
    for _ in 0..PORT_TRIES {
        match bind_all(hosts, port) {
            Ok(listeners) => return Ok(listeners),
            Err(error) if port == 0 => last = Some(error),
            Err(error) => return Err(error).context("the port is taken"),
        }
    }
    Err(last.context("no port was tried")?).context("no port is free under all addresses")
}

fn bind_all(hosts: u32, port: u16) -> std::io::Result<Vec<TcpListener>> {
    let mut listeners = vec![listen(SocketAddr::from((hosts::address(0), port)))?];
    let port = listeners[0].local_addr()?.port();
    for host in 1..hosts {
        listeners.push(listen(SocketAddr::from((hosts::address(host), port)))?);
    }
    Ok(listeners)
}

/// Ends with the connection: what goes wrong on it is for the other side to tell.
async fn serve(stream: TcpStream, site: Arc<Site>, host: usize) {
    let mut wire = Wire::new(stream, BUFFER);
    while let Ok(Some(head)) = wire.head().await {
        if wire.body(head.length, |_| {}).await.is_err() {
            return;
        }
        let written = match head.first.split(' ').nth(1).unwrap_or_default() {
            "/robots.txt" => {
                site.seen().hosts[host].robots += 1;
                wire.write(NO_ROBOTS).await
            }
            REPORT => wire.write(&site.report()).await,
            _ => {
                let waiting = site.arrived(host);
                // Whoever leaves does not wait any more.
                tokio::select! {
                    () = site.wait(host) => {}
                    () = wire.closed() => return,
                }
                drop(waiting);
                wire.write(&site.answer).await
            }
        };
        if written.is_err() || head.close {
            return;
        }
    }
}
