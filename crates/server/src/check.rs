//! From flags to what the parts are started with. What does not fit together is refused here, with
//! the remedy in the message.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use egress::{Allow, Policy};
use forward::Secret;
use ingest::SinkSpec;
use jobs::{Breaker, LaneLimit, LaneLimits, StageConfig};
use url::Url;

use crate::byte_size::ByteSize;
use crate::cli::{ForwardTo, Options, RobotsRule, StoreKind};
use crate::descriptors::{LEAST, Shares};
use crate::exit::Failure;
use crate::host_limit::{HostLimit, HostLimits};
use crate::span::Span;
use crate::stages::sinks::{Defaults, Registry};
use crate::stages::{DELIVER, PULL, SCRAPE, Terms};
use crate::tls::Certificate;

/// Fetches in flight unless told otherwise, when the descriptors allow it: enough for slow
/// origins, few enough that their buffers stay within some 100 MB.
const FETCHES: usize = 1_792;
/// Below this there is no room for a page and its extraction.
const LEAST_MEMORY: u64 = 16_000_000;
/// Shorter keys can be guessed.
const LEAST_KEY_CHARS: usize = 16;
/// When a sink is left alone for a while: half of what it was sent lately went badly. A single
/// event that it cannot digest does not hold up the others.
const SINK_BREAKER: Breaker = Breaker { window: 20, failures: 10 };

/// What the parts are started with.
pub(crate) struct Settings {
    /// Where to accept jobs.
    pub(crate) listen: std::net::SocketAddr,
    /// What clients see of the server over TLS; `None` for plain HTTP.
    pub(crate) certificate: Option<Certificate>,
    /// The sqlite store's directory; `None` for the memory store.
    pub(crate) data_dir: Option<PathBuf>,
    /// The queue.
    pub(crate) jobs: jobs::Config,
    /// The sqlite store's memory.
    pub(crate) sqlite: jobs::SqliteConfig,
    /// The HTTP interface.
    pub(crate) ingest: ingest::Config,
    /// Its connections.
    pub(crate) serve: ingest::ServeConfig,
    /// Fetching and extraction.
    pub(crate) scrape: scrape::Config,
    /// When a fetch is repeated.
    pub(crate) terms: Terms,
    /// Delivering.
    pub(crate) forward: forward::Config,
    /// The operator's sinks, and whatever else will be known of sinks.
    pub(crate) sinks: Arc<Registry>,
    /// How long a delivery waits for a sink that fails.
    pub(crate) give_up_after: Duration,
    /// How long a sink may fail; `None` for ever.
    pub(crate) disable_after: Option<Duration>,
    /// How long links to results work.
    pub(crate) link_ttl: Duration,
    /// Where receivers reach this server, when that was said.
    pub(crate) public_url: Option<Url>,
    /// What robots.txt is worth.
    pub(crate) robots: RobotsRule,
    /// The proxies that jobs may name.
    pub(crate) proxies: Vec<Allow>,
    /// The sink of jobs that name none.
    pub(crate) forward_to: Option<ForwardTo>,
    /// The operator's signing secrets.
    pub(crate) secrets: Vec<Secret>,
    /// Bytes of results that deliveries hold at once.
    pub(crate) delivery_bytes: u64,
    /// How much of everything at once.
    pub(crate) shares: Shares,
    /// How long finished jobs are kept.
    pub(crate) retain: Duration,
    /// How long a stop may take.
    pub(crate) grace: Duration,
}

impl Settings {
    /// What clients speak.
    pub(crate) const fn scheme(&self) -> &'static str {
        if self.certificate.is_some() { "https" } else { "http" }
    }

    /// Whether clients must show a key, as far as is known at start.
    pub(crate) const fn keyed(&self) -> bool {
        !self.ingest.api_keys.is_empty() || !self.ingest.stored_keys.is_empty()
    }
}

/// Checks what the flags mean together. `descriptors` is how many files may be open.
///
/// # Errors
/// [`Failure::Usage`] with a flag and a remedy.
pub(crate) fn check(options: &Options, descriptors: u64) -> Result<Settings, Failure> {
    refusals(options, descriptors).map_err(Failure::Usage)?;
    let shares = shares(options).fit(descriptors);
    let sink_policy = Policy::public_only().allow(&options.sink_allow);
    let budget = options.memory_budget.0;
    let operators = operators_sinks(options.sinks.as_deref()).map_err(Failure::Usage)?;
    let trusted = trusted(options.forward_to.as_ref(), &operators);
    let sinks = Registry::new(sink_defaults(options), options.forward_to.as_ref(), operators);
    let sinks = Arc::new(sinks.map_err(Failure::Usage)?);
    let settings = Settings {
        listen: options.listen,
        certificate: certificate(options).map_err(Failure::Usage)?,
        data_dir: (options.store == StoreKind::Sqlite).then(|| options.data_dir.clone()),
        jobs: queue(options, &sinks),
        sqlite: jobs::SqliteConfig { hot_bytes: budget / 4, ..jobs::SqliteConfig::default() },
        ingest: ingest_config(options),
        serve: ingest::ServeConfig {
            max_connections: shares.connections,
            ..ingest::ServeConfig::default()
        },
        scrape: scrape::Config {
            memory_budget: budget / 2,
            in_flight: shares.fetches,
            ..fetching(options).map_err(Failure::Usage)?
        },
        terms: Terms {
            schedule: options.fetch_schedule.iter().map(|span| span.0).collect(),
            deadline: options.deadline.0,
            timeout: options.fetch_timeout.0,
            max_bytes: options.max_bytes.0,
            max_redirects: options.max_redirects,
            remember: options.remember.0,
        },
        robots: options.robots,
        proxies: options.proxy_allow.clone(),
        forward: forward::Config {
            timeout: options.delivery_timeout.0,
            concurrency: shares.deliveries,
            queue: shares.deliveries,
            sink_policy,
            trusted,
            aws: aws(std::env::vars_os()),
            ..forward::Config::default()
        },
        sinks,
        give_up_after: options.give_up_after.0,
        disable_after: options.disable_after.0,
        link_ttl: options.link_ttl.0.min(options.retain.0),
        public_url: options.public_url.clone(),
        forward_to: options.forward_to.clone(),
        secrets: secrets(options).map_err(Failure::Usage)?,
        delivery_bytes: budget / 16 * 3,
        shares,
        retain: options.retain.0,
        grace: options.grace.0,
    };
    // Where there is no store yet there are no keys in it, and none need be made to see that.
    if settings.data_dir.as_ref().is_none_or(|dir| !dir.exists()) {
        closed(&settings)?;
    }
    Ok(settings)
}

/// How pages are fetched, by the server and by `pagewire get`. Memory is what a page of the largest
/// size needs.
///
/// # Errors
/// A file with certificate authorities that cannot be read.
pub(crate) fn fetching(options: &Options) -> Result<scrape::Config, String> {
    let usual = scrape::Config::default();
    Ok(scrape::Config {
        extra_roots_pem: authorities(&options.ca_file)?,
        min_rate: options.min_rate.0,
        timeout: options.fetch_timeout.0,
        max_bytes: options.max_bytes.0,
        max_redirects: options.max_redirects,
        user_agent: options.user_agent.clone(),
        cpu_threads: options.cpu_threads.map_or(usual.cpu_threads, usize::from),
        memory_budget: usual.memory_budget.max(options.max_bytes.0.saturating_mul(16)),
        policy: Policy::public_only().allow(&options.fetch_allow),
        // More than may be in use at once would only cost memory.
        idle_per_host: usual.idle_per_host.min(most_at_once(options)),
        ..usual
    })
}

/// The most fetches of one host that are ever under way.
fn most_at_once(options: &Options) -> usize {
    let single = options.host_limit.iter().map(HostLimit::at_once).max().unwrap_or_default();
    options.per_host.0.concurrency.max(single) as usize
}

fn authorities(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, String> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|error| format!("--ca-file {}: {error}", path.display()))
    };
    files.iter().map(read).collect()
}

/// Read here and not by the flag parser, which would repeat a bad one on the screen.
fn secrets(options: &Options) -> Result<Vec<Secret>, String> {
    let read = |text: &String| text.trim().parse().map_err(|error| format!("--secret: {error}"));
    options.secret.iter().map(read).collect()
}

fn shares(options: &Options) -> Shares {
    let whole = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    Shares {
        connections: whole(options.max_connections),
        fetches: options.fetch_concurrency.map_or(FETCHES, whole),
        deliveries: whole(options.delivery_concurrency),
    }
}

fn queue(options: &Options, sinks: &Arc<Registry>) -> jobs::Config {
    let hosts = HostLimits::new(&options.host_limit);
    let per_host = LaneLimits::same(options.per_host.0).with(move |lane| hosts.of(lane));
    let sinks = Arc::clone(sinks);
    let per_sink = LaneLimits::same(per_sink(options)).with(move |lane| sinks.limit(lane));
    let give_up_after = |after: Span| Some(after.0);
    jobs::Config {
        stages: vec![
            StageConfig {
                stage: SCRAPE,
                lanes: per_host,
                give_up_after: give_up_after(options.deadline),
            },
            StageConfig {
                stage: DELIVER,
                lanes: per_sink,
                give_up_after: give_up_after(options.give_up_after),
            },
            StageConfig::new(PULL, LaneLimit::default()),
        ],
        bounds: jobs::Bounds {
            jobs: options.queue_max_jobs,
            bytes: options.queue_max_bytes.0,
            ..jobs::Bounds::default()
        },
    }
}

fn per_sink(options: &Options) -> LaneLimit {
    LaneLimit {
        concurrency: options.per_sink,
        interval: Duration::ZERO,
        breaker: Some(SINK_BREAKER),
        in_order: false,
    }
}

fn sink_defaults(options: &Options) -> Defaults {
    Defaults {
        schedule: Arc::new(options.delivery_schedule.clone()),
        limit: per_sink(options),
        inline_limit: options.inline_limit.0,
    }
}

/// The sinks of the operator's file.
fn operators_sinks(path: Option<&Path>) -> Result<Vec<(String, SinkSpec)>, String> {
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    let named = |error: String| format!("--sinks {}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    ingest::sinks_from_toml(&text, |name| std::env::var(name).ok()).map_err(named)
}

/// The addresses that are exempt from the policy: the operator's own.
fn trusted(forward_to: Option<&ForwardTo>, operators: &[(String, SinkSpec)]) -> Vec<Url> {
    let default = match forward_to {
        Some(ForwardTo::Url(url)) => Some(url),
        _ => None,
    };
    let named = operators.iter().map(|(_, spec)| &spec.url);
    let sent = |url: &&Url| url.scheme() != "pull";
    default.into_iter().chain(named).filter(sent).cloned().collect()
}

/// What `s3:` sinks are told of the environment.
fn aws(variables: impl Iterator<Item = (OsString, OsString)>) -> Vec<(String, String)> {
    variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("AWS_"))
        .collect()
}

fn ingest_config(options: &Options) -> ingest::Config {
    ingest::Config {
        max_body: options.max_body.0,
        memory: options.memory_budget.0 / 16,
        api_keys: options.api_key.clone(),
        cors_origins: options.cors_origin.clone(),
        host_names: Some(public_host(options).into_iter().collect()),
        limits: ingest::Limits {
            max_timeout: options.fetch_timeout.0,
            max_bytes: options.max_bytes.0,
            max_redirects: options.max_redirects,
            ..ingest::Limits::default()
        },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        retain: options.retain.0,
        idempotency_window: options.idempotency_window.unwrap_or(options.retain).0,
        // Whatever is redriven leaves room for what comes.
        redrive_live_jobs: options.queue_max_jobs / 2,
        redrive_live_bytes: options.queue_max_bytes.0 / 2,
        ..ingest::Config::default()
    }
}

/// The name that receivers reach this server by.
fn public_host(options: &Options) -> Option<String> {
    Some(options.public_url.as_ref()?.host_str()?.to_owned())
}

fn certificate(options: &Options) -> Result<Option<Certificate>, String> {
    match (&options.tls_cert, &options.tls_key) {
        (None, None) => Ok(None),
        (Some(chain), Some(key)) => Certificate::read(chain, key).map(Some),
        (Some(_), None) => {
            Err("--tls-cert is of no use without its key: give --tls-key too".into())
        }
        (None, Some(_)) => {
            Err("--tls-key is of no use without its certificate: give --tls-cert too".into())
        }
    }
}

/// Whether the server may listen where it is told to, with these keys.
///
/// # Errors
/// [`Failure::Usage`] when it would be open to everybody.
pub(crate) fn closed(settings: &Settings) -> Result<(), Failure> {
    let listen = settings.listen;
    let ingest::Config { api_keys, stored_keys, .. } = &settings.ingest;
    if listen.ip().is_loopback() || !api_keys.is_empty() || !stored_keys.is_empty() {
        return Ok(());
    }
    let port = listen.port();
    Err(Failure::Usage(format!(
        "--listen {listen} is open to other machines and there is no key: anybody could make this \
         server fetch and send. Set --api-key; or start with --listen 127.0.0.1:{port}, make a key \
         there by `pagewire keys create NAME --scope admin`, and start again"
    )))
}

/// The first thing that does not make sense.
fn refusals(options: &Options, descriptors: u64) -> Result<(), String> {
    let checks = [access(options), sizes(options), times(options), files(options, descriptors)];
    checks.into_iter().collect()
}

fn access(options: &Options) -> Result<(), String> {
    for key in &options.api_key {
        let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if key.len() < LEAST_KEY_CHARS || !visible {
            return Err(format!(
                "--api-key: a key has at least {LEAST_KEY_CHARS} visible ASCII characters without \
                 spaces; `openssl rand -hex 32` makes a good one"
            ));
        }
    }
    if http::HeaderValue::from_str(&options.user_agent).is_err() || options.user_agent.is_empty() {
        return Err("--user-agent: expected visible ASCII characters, such as MyBot/1.0".to_owned());
    }
    Ok(())
}

fn sizes(options: &Options) -> Result<(), String> {
    let budget = options.memory_budget;
    if budget.0 < LEAST_MEMORY {
        return Err(format!(
            "--memory-budget {budget} leaves no room for pages: give at least {}",
            ByteSize(LEAST_MEMORY)
        ));
    }
    let page = options.max_bytes;
    // Fetching has half of the budget, bodies as they come have half of that, and of theirs a
    // large page can have half.
    let most = budget.0 / 8;
    if page.0 == 0 || page.0 > most {
        return Err(format!(
            "--max-bytes {page} does not fit --memory-budget {budget}: give between 1B and {}, or \
             raise the budget to {}",
            ByteSize(most),
            ByteSize(page.0.saturating_mul(8))
        ));
    }
    let (body, queue) = (options.max_body, options.queue_max_bytes);
    if body.0 == 0 || body.0 > queue.0 {
        return Err(format!(
            "--max-body {body} does not fit --queue-max-bytes {queue}: give between 1B and {queue}"
        ));
    }
    Ok(())
}

fn times(options: &Options) -> Result<(), String> {
    let positive = [
        ("--fetch-timeout", options.fetch_timeout),
        ("--delivery-timeout", options.delivery_timeout),
        ("--retain", options.retain),
        ("--remember", options.remember),
        ("--give-up-after", options.give_up_after),
        ("--link-ttl", options.link_ttl),
    ];
    for (flag, span) in positive {
        if span.0.is_zero() {
            return Err(format!("{flag} 0 leaves no time at all: give at least 1s"));
        }
    }
    if let Some(window) = options.idempotency_window {
        let retain = options.retain;
        if window.0.is_zero() || window.0 > retain.0 {
            return Err(format!(
                "--idempotency-window {window} does not fit --retain {retain}: a key is known as \
                 long as its job is kept; give between 1s and {retain}, or raise --retain"
            ));
        }
    }
    let (deadline, timeout) = (options.deadline, options.fetch_timeout);
    if deadline.0 < timeout.0 {
        return Err(format!(
            "--deadline {deadline} is shorter than --fetch-timeout {timeout}: raise the deadline \
             or lower the timeout"
        ));
    }
    if options.fetch_schedule.is_empty() {
        return Err("--fetch-schedule: give at least one wait, such as 0,5s,30s".to_owned());
    }
    let longest = options.fetch_schedule.iter().map(|span| span.0).max().unwrap_or_default();
    if longest > deadline.0 {
        return Err(format!(
            "--fetch-schedule has a wait of {}, longer than --deadline {deadline}: that attempt \
             would never be made",
            Span(longest)
        ));
    }
    Ok(())
}

fn files(options: &Options, descriptors: u64) -> Result<(), String> {
    if descriptors < LEAST {
        return Err(format!(
            "only {descriptors} files may be open at once, {LEAST} are needed: raise the limit \
             (`ulimit -n 65536`)"
        ));
    }
    let fitted = shares(options).fit(descriptors);
    match options.fetch_concurrency {
        Some(asked) if fitted.fetches < asked as usize => Err(format!(
            "--fetch-concurrency {asked} does not fit the {descriptors} files that may be open at \
             once: raise the limit (`ulimit -n`) or give at most {}",
            fitted.fetches
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use ingest::StoredKeys;
    use jobs::{Bounds, MemoryStore, Store as _};

    use super::*;
    use crate::cli::Cli;

    fn settings(flags: &[&str]) -> Result<Settings, Failure> {
        let args = ["pagewire", "--listen"].iter().chain(flags);
        check(&Cli::try_parse_from(args).unwrap().options, 4096)
    }

    #[tokio::test]
    async fn an_address_that_others_reach_wants_a_key_given_or_stored() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().to_str().unwrap();
        let mut open = settings(&["0.0.0.0:80", "--data-dir", dir]).unwrap();
        let told = closed(&open).unwrap_err();
        assert!(["--api-key", "pagewire keys create"].iter().all(|w| told.message().contains(w)));
        let store = MemoryStore::new(jobs::Config { stages: vec![], bounds: Bounds::default() });
        let digest = "0".repeat(64);
        let key = format!(r#"{{"digest":"{digest}","scopes":["admin"],"created_ms":1}}"#);
        store.put_document("keys", "abcdefgh".to_owned(), Some(key.into())).await.unwrap();
        open.ingest.stored_keys = StoredKeys::load(&*store).await.unwrap();
        closed(&open).unwrap();
        closed(&settings(&["127.0.0.1:80"]).unwrap()).unwrap();
        closed(&settings(&["0.0.0.0:80", "--api-key", "0123456789abcdef"]).unwrap()).unwrap();
        assert!(settings(&["0.0.0.0:80", "--store", "memory"]).is_err(), "no store, no keys");
    }
}
