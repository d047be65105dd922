use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::answers::{
    address, cut, drip, elsewhere, html, huge, later, number, redirect, tagged, text_plain,
};
use crate::page::{DEFAULT_BYTES, article, render};
use crate::sink::json;
use crate::unix_micros;
use crate::wire::{Body, Hangup, abandon, bind, full, serve};

/// How an origin starts.
#[derive(Clone, Debug)]
pub struct OriginConfig {
    /// Hosts, each an address of its own with the same port: the first is 127.0.0.1, the others are
    /// 127.1.x.y. At least 1, at most 60,000 (a descriptor each). Default 1.
    pub hosts: usize,
    /// The port; 0 for any. Default 0.
    pub port: u16,
    /// Added to every page's own delay. Default none.
    pub delay: Duration,
    /// Whether the time of every request is kept ([`HostReport::arrivals_us`]). Default no.
    pub record: bool,
}

impl Default for OriginConfig {
    fn default() -> Self {
        Self { hosts: 1, port: 0, delay: Duration::ZERO, record: false }
    }
}

/// A site with many hosts that misbehaves on request.
///
/// | path | answers |
/// | --- | --- |
/// | `/page/N?size=S&delay=MS` | page `N` of `S` bytes ([`crate::page`]) after `MS` milliseconds |
/// | `/article/N` | article `N` ([`crate::page::article`]) |
/// | `/fail/CODE/N` | that status |
/// | `/flaky/K/N?size=S` | 503 the first `K` times, then page `N` |
/// | `/hang/N` | nothing, ever |
/// | `/slow/N?size=S&ms=MS` | page `N` in ten parts, `MS` milliseconds apart (default 100) |
/// | `/huge/N?bytes=B` | `B` bytes of HTML without a length (default 1 GiB) |
/// | `/redirect/K/N?size=S` | `K` redirects, then page `N` |
/// | `/away/HOST/N` | a redirect to page `N` on another host |
/// | `/loop/N` | a redirect to itself |
/// | `/later/S/K/N?size=S` | 429 with `Retry-After: S` the first `K` times, then page `N` |
/// | `/tagged/N?size=S` | page `N` with an `ETag`, or 304 to who has it already |
/// | `/reset/N` | a reset connection |
/// | `/cut/N?size=S` | half of page `N`, then a closed connection |
/// | `/robots.txt` | what [`Origin::set_robots`] says, else 404; at once, and counted apart |
/// | `/report` | [`OriginReport`] as JSON; not counted |
#[derive(Debug)]
pub struct Origin {
    port: u16,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    delay: Duration,
    record: bool,
    hosts: Vec<Host>,
    flaky: Mutex<std::collections::HashMap<String, u64>>,
    /// True while answers are held back.
    held: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Host {
    requests: AtomicU64,
    in_flight: AtomicU64,
    peak: AtomicU64,
    first_us: AtomicU64,
    last_us: AtomicU64,
    arrivals_us: Mutex<Vec<u64>>,
    robots: Mutex<Robots>,
    asked_robots: AtomicU64,
}

/// What a host answers to who asks for its `/robots.txt`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Robots {
    /// 404: everything is allowed.
    #[default]
    Missing,
    /// 200 with this text.
    Text(String),
    /// This status.
    Status(u16),
}

/// What one host of an origin has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostReport {
    /// Requests received.
    pub requests: u64,
    /// Requests being answered now.
    pub in_flight: u64,
    /// The most at once.
    pub peak: u64,
    /// Microseconds since 1970 of the first request; 0 when there was none.
    pub first_us: u64,
    /// Microseconds since 1970 of the last request; 0 when there was none.
    pub last_us: u64,
    /// Requests for `/robots.txt`, which the other numbers do not count.
    #[serde(default)]
    pub robots: u64,
    /// Microseconds since 1970 of each request, in order, where they are kept.
    #[serde(default)]
    pub arrivals_us: Vec<u64>,
}

impl HostReport {
    /// Requests per second between the first and the last one.
    pub fn rate(&self) -> f64 {
        let micros = self.last_us.saturating_sub(self.first_us).max(1);
        self.requests.saturating_sub(1) as f64 * 1e6 / micros as f64
    }

    /// The shortest time between two requests that followed each other; `None` below two.
    pub fn least_interval(&self) -> Option<Duration> {
        let pairs = self.arrivals_us.windows(2);
        pairs.map(|pair| Duration::from_micros(pair[1].saturating_sub(pair[0]))).min()
    }

    /// The most requests within any stretch of time as long as `window`.
    pub fn most_within(&self, window: Duration) -> usize {
        let window = u64::try_from(window.as_micros()).unwrap_or(u64::MAX);
        let times = &self.arrivals_us;
        let ends = times.iter().enumerate();
        let within = ends.map(|(at, end)| {
            at + 1 - times.partition_point(|time| time.saturating_add(window) <= *end)
        });
        within.max().unwrap_or(0)
    }
}

/// What all hosts of an origin have seen, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginReport {
    /// One entry per host.
    pub hosts: Vec<HostReport>,
}

impl OriginReport {
    /// Requests received by all hosts.
    pub fn requests(&self) -> u64 {
        self.hosts.iter().map(|host| host.requests).sum()
    }

    /// The most at once on any one host.
    pub fn peak(&self) -> u64 {
        self.hosts.iter().map(|host| host.peak).max().unwrap_or(0)
    }
}

impl Origin {
    /// Starts to listen on all hosts.
    ///
    /// # Errors
    /// When an address cannot be bound.
    pub async fn start(config: OriginConfig) -> anyhow::Result<Self> {
        anyhow::ensure!((1..=60_000).contains(&config.hosts), "an origin has 1 to 60,000 hosts");
        let shared = Arc::new(Shared {
            delay: config.delay,
            record: config.record,
            hosts: (0..config.hosts).map(|_| Host::default()).collect(),
            flaky: Mutex::default(),
            held: watch::Sender::new(false),
        });
        let (mut port, mut tasks) = (config.port, JoinSet::new());
        for index in 0..config.hosts {
            let addr = SocketAddr::from((address(index), port));
            let listener =
                bind(addr).await.with_context(|| format!("binding the origin to {addr}"))?;
            port = listener.local_addr()?.port();
            let shared = Arc::clone(&shared);
            tasks.spawn(serve(listener, move |request, hangup| {
                let shared = Arc::clone(&shared);
                async move { shared.handle(index, request, hangup).await }
            }));
        }
        Ok(Self { port, shared, _tasks: tasks })
    }

    /// The URL of `path` (which starts with `/`) on host `host`, counted from 0 and wrapping around.
    pub fn url(&self, host: usize, path: &str) -> String {
        format!("http://{}:{}{path}", address(host % self.shared.hosts.len()), self.port)
    }

    /// The URL of page `n` with that many bytes, the hosts taken in turn.
    pub fn page(&self, n: u64, bytes: usize) -> String {
        self.url(usize::try_from(n).unwrap_or(0), &format!("/page/{n}?size={bytes}"))
    }

    /// The port of all hosts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Holds back all answers until [`Origin::release`]; requests are still counted.
    pub fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Lets held and later answers go.
    pub fn release(&self) {
        self.shared.held.send_replace(false);
    }

    /// What `host` (counted as in [`Origin::url`]) answers for `/robots.txt` from now on.
    pub fn set_robots(&self, host: usize, robots: Robots) {
        let host = &self.shared.hosts[host % self.shared.hosts.len()];
        *lock(&host.robots) = robots;
    }

    /// What it has seen so far.
    pub fn report(&self) -> OriginReport {
        self.shared.report()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts a request as in flight for as long as it lives, also when the client leaves.
struct InFlight<'a>(&'a Host);

impl<'a> InFlight<'a> {
    fn new(host: &'a Host, record: bool) -> Self {
        let now = unix_micros();
        if record {
            lock(&host.arrivals_us).push(now);
        }
        host.requests.fetch_add(1, Ordering::Relaxed);
        let _ = host.first_us.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        host.last_us.fetch_max(now, Ordering::Relaxed);
        let in_flight = host.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        host.peak.fetch_max(in_flight, Ordering::Relaxed);
        Self(host)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    fn report(&self) -> OriginReport {
        let read = |value: &AtomicU64| value.load(Ordering::Relaxed);
        let hosts = self.hosts.iter().map(|host| HostReport {
            requests: read(&host.requests),
            in_flight: read(&host.in_flight),
            peak: read(&host.peak),
            first_us: read(&host.first_us),
            last_us: read(&host.last_us),
            robots: read(&host.asked_robots),
            arrivals_us: lock(&host.arrivals_us).clone(),
        });
        OriginReport { hosts: hosts.collect() }
    }

    async fn handle(
        &self,
        host: usize,
        request: Request<Incoming>,
        hangup: Hangup,
    ) -> io::Result<Response<Body>> {
        let path = request.uri().path();
        if path == "/report" {
            return Ok(json(&self.report()));
        }
        if path == "/robots.txt" {
            return self.robots(&self.hosts[host]);
        }
        let _in_flight = InFlight::new(&self.hosts[host], self.record);
        let query = request.uri().query().unwrap_or_default();
        let mut held = self.held.subscribe();
        let _ = held.wait_for(|held| !held).await;
        let delay = self.delay + Duration::from_millis(number(query, "delay").unwrap_or(0));
        if !delay.is_zero() {
            sleep(delay).await;
        }
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let parse = |text: &&str| text.parse::<u64>().ok();
        let n = parts.last().and_then(parse).unwrap_or(0);
        let k = parts.get(1).and_then(parse).unwrap_or(0);
        let bytes = number(query, "size").and_then(|size| usize::try_from(size).ok());
        let bytes = bytes.unwrap_or(DEFAULT_BYTES);
        match parts[0] {
            "page" => html(200, full(render(n, bytes))),
            "article" => html(200, full(article(n))),
            "fail" => html(u16::try_from(k).unwrap_or(500), full("<p>failed on purpose</p>")),
            "flaky" if self.fails_still(path, k) => html(503, full("<p>not yet</p>")),
            "flaky" => html(200, full(render(n, bytes))),
            "hang" => std::future::pending().await,
            "slow" => html(200, drip(render(n, bytes), number(query, "ms").unwrap_or(100))),
            "huge" => html(200, huge(number(query, "bytes").unwrap_or(1 << 30))),
            "redirect" if k > 0 => redirect(&format!("/redirect/{}/{n}?{query}", k - 1)),
            "redirect" => redirect(&format!("/page/{n}?{query}")),
            "away" => redirect(&elsewhere(&request, k, n)),
            "loop" => redirect(path),
            "later" if self.fails_still(path, parts.get(2).and_then(parse).unwrap_or(1)) => {
                later(k)
            }
            "later" => html(200, full(render(n, bytes))),
            "tagged" => tagged(&request, n, bytes),
            "reset" => {
                hangup.reset();
                Err(abandon())
            }
            "cut" => cut(render(n, bytes)),
            _ => html(404, full("<p>no such page</p>")),
        }
    }

    fn robots(&self, host: &Host) -> io::Result<Response<Body>> {
        host.asked_robots.fetch_add(1, Ordering::Relaxed);
        match lock(&host.robots).clone() {
            Robots::Missing => html(404, full("<p>no such page</p>")),
            Robots::Text(text) => text_plain(text),
            Robots::Status(status) => html(status, full("<p>not now</p>")),
        }
    }

    fn fails_still(&self, path: &str, times: u64) -> bool {
        let mut flaky = lock(&self.flaky);
        let seen = flaky.entry(path.to_owned()).or_default();
        *seen += 1;
        *seen <= times
    }
}
