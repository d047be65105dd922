//! Puts the parts together, waits, and takes them apart in order.

mod ending;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use forward::Forwarder;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ingest::{Links, StoredKeys};
use jobs::{Clock, Drained, DriverConfig, Stage, Store, SystemClock, Work};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use self::ending::{close, drained, finish, log_failure, sum_up};
use crate::check::{Settings, check, closed};
use crate::cli::{self, Options};
use crate::exit::Failure;
use crate::logs::{self, Reader};
use crate::secret::{self, Secrets};
use crate::shutdown::{Asked, Signals};
use crate::stages::sinks::{Desk, Switch};
use crate::stages::{Bodies, DELIVER, DeliverWork, Order, SCRAPE, ScrapeWork};
use crate::{descriptors, metrics, open, retention, welcome};

/// The part of `--grace` that work under way gets; the rest is for the tail: the pools, the queue,
/// the last commit.
const WORK_SHARE: f64 = 0.9;
/// The tail gets at least this, whatever `--grace` says.
const LEAST_TAIL: Duration = Duration::from_secs(1);
/// After the store failed, requests under way have this long to be told so.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Deliveries in hand beside those on their way: they wait for others to travel with.
const PLACES_FOR_COMPANY: usize = 4_096;

/// Serves until told to stop.
///
/// # Errors
/// Why it could not start, or could not go on.
pub(crate) fn serve(options: &Options) -> Result<(), Failure> {
    let descriptors = descriptors::raise_limit();
    let filter = logs::filter(&options.log).map_err(Failure::Usage)?;
    let settings = check(options, descriptors)?;
    let reader = Reader::of(options.log_format);
    logs::start(filter, reader);
    for name in cli::unknown_variables() {
        tracing::warn!(name, "this environment variable sets nothing; see `pagewire --help`");
    }
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the asynchronous runtime")?;
    let ended = runtime.block_on(live(settings, reader));
    // Nothing that is left may hold up the end: what counts is on disk.
    runtime.shutdown_background();
    ended
}

/// The whole life of the server.
async fn live(mut settings: Settings, reader: Reader) -> Result<(), Failure> {
    let mut signals = Signals::listen().context("taking over SIGINT and SIGTERM")?;
    let grace = settings.grace;
    // Opening may read a long log; whoever wants to stop meanwhile need not wait for it.
    let opening = tokio::task::spawn_blocking(open::store(&settings));
    let store = tokio::select! {
        biased;
        asked = signals.next() => {
            tracing::info!(signal = asked.name(), "stopped before the store was open");
            return Ok(());
        }
        opened = opening => opened.context("opening the store")??,
    };
    let keys = StoredKeys::load(&*store).await.context("reading the API keys");
    settings.ingest.stored_keys = keys.map_err(Failure::Storage)?;
    closed(&settings)?;
    let mut server = Server::start(settings, store, reader).await?;
    let asked = tokio::select! {
        asked = signals.next() => asked,
        failure = server.ended() => return Err(server.give_up(failure).await),
    };
    tracing::info!(signal = asked.name(), grace_ms = logs::millis(grace), "stopping");
    let store = Arc::clone(&server.store);
    tokio::select! {
        biased;
        asked = signals.next() => cut_short(asked),
        reason = store.failed() => Err(store_failed(&reason)),
        ended = server.drain(grace) => ended,
    }
}

/// A second signal: whoever sends it does not want to wait.
#[expect(clippy::exit, reason = "ending at once is what is asked for; the store survives it")]
fn cut_short(asked: Asked) -> ! {
    tracing::warn!(signal = asked.name(), "second signal: ending at once");
    std::process::exit(asked.code())
}

/// A stage at work: how it was drained, or why it ended.
type Driving = BoxFuture<'static, Result<Drained, Failure>>;

/// Everything that runs.
struct Server {
    store: Arc<dyn Store>,
    /// Stops accepting.
    accept: CancellationToken,
    /// Stops claiming, sweeping and upkeep.
    work: CancellationToken,
    listener: JoinHandle<std::io::Result<()>>,
    scraping: Driving,
    delivering: Driving,
    scraper: scrape::Running,
    sender: Forwarder,
    forwarder: forward::Running,
    chores: TaskTracker,
}

impl Server {
    async fn start(
        settings: Settings,
        store: Arc<dyn Store>,
        reader: Reader,
    ) -> Result<Self, Failure> {
        let recorder = metrics::start()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let secrets = secret::obtain(settings.secrets.clone(), settings.data_dir.as_deref())
            .map_err(Failure::Storage)?;
        let listener = bind(&settings).await?;
        let at = listener.local_addr().context("reading the address listened on")?;

        let (scraper, scraper_running) =
            scrape::start(settings.scrape.clone()).context("starting the scraper")?;
        let (forwarder, forwarder_running) =
            forward::start(settings.forward.clone()).context("starting the forwarder")?;
        let feed = ingest::Feed::default();
        let order = Arc::new(Order {
            sinks: Arc::clone(&settings.sinks),
            feed: feed.clone(),
            fetch_policy: settings.scrape.policy.clone(),
            sink_policy: settings.forward.sink_policy.clone(),
            robots: settings.robots,
            proxies: settings.proxies.clone(),
        });
        let switch = Arc::new(Switch {
            registry: Arc::clone(&settings.sinks),
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            feed: feed.clone(),
            disable_after: settings.disable_after,
        });
        switch.load().await.context("reading the stored sinks").map_err(Failure::Storage)?;
        let links = links(&settings, at)?;
        let bodies = Arc::new(Bodies {
            links: links.clone(),
            link_ttl: settings.link_ttl,
            clock: Arc::clone(&clock),
            source: source(&settings),
        });
        let budget = egress::Budget::new(settings.delivery_bytes);

        let (accept, work) = (CancellationToken::new(), CancellationToken::new());
        let drive = |stage: Stage, slots: usize, adapter: Arc<dyn Work>| {
            let grace = settings.grace.mul_f64(WORK_SHARE);
            let config = DriverConfig { slots, grace, ..DriverConfig::default() };
            let (store, clock) = (Arc::clone(&store), Arc::clone(&clock));
            let stop = work.clone();
            watched(stage.clone(), jobs::drive(store, clock, stage, adapter, config, stop))
        };
        let scraping = ScrapeWork {
            order: Arc::clone(&order),
            store: Arc::clone(&store),
            scraper,
            clock: Arc::clone(&clock),
            terms: Arc::new(settings.terms.clone()),
        };
        let delivering = DeliverWork {
            registry: Arc::clone(&settings.sinks),
            switch: Arc::clone(&switch),
            bodies: Arc::clone(&bodies),
            forwarder: forwarder.clone(),
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            budget: budget.clone(),
            secrets: secrets.keys.clone().into(),
            give_up_after: settings.give_up_after,
        };
        let scraping = drive(SCRAPE, settings.shares.fetches, Arc::new(scraping));
        // The forwarder bounds what is sent at once; what waits for company to travel with takes
        // no place of what is on its way.
        let slots = settings.shares.deliveries + PLACES_FOR_COMPANY;
        let delivering = drive(DELIVER, slots, Arc::new(delivering));

        let chores = TaskTracker::new();
        let (retain, stop) = (settings.retain, work.clone());
        chores.spawn(retention::keep_swept(Arc::clone(&store), Arc::clone(&clock), retain, stop));
        chores.spawn(metrics::keep_up(recorder.clone(), work.clone()));
        chores.spawn(Arc::clone(&switch).keep_watch(work.clone()));

        let sinks = Arc::clone(&settings.sinks);
        let exposition =
            metrics::exposition(recorder, Arc::clone(&store), Arc::clone(&clock), budget, sinks);
        let desk = Desk {
            registry: Arc::clone(&settings.sinks),
            switch,
            bodies,
            policy: settings.forward.sink_policy.clone(),
            chores: chores.clone(),
        };
        let parts = ingest::Parts {
            store: Arc::clone(&store),
            clock,
            pipeline: order,
            sinks: Arc::new(desk),
            feed,
            metrics: exposition,
        };
        let config = ingest::Config {
            links: Some(links),
            retain: settings.retain,
            ..settings.ingest.clone()
        };
        let (router, upkeep) = ingest::router(parts, config);
        chores.spawn(upkeep.run(work.clone()));
        let (serve, stop) = (settings.serve, accept.clone());
        let listener = match settings.certificate.clone() {
            None => chores.spawn(ingest::serve(listener, router, serve, stop)),
            Some(certificate) => {
                let hangups = signal(SignalKind::hangup()).context("taking over SIGHUP")?;
                let tls = certificate.tls.clone();
                chores.spawn(certificate.keep_current(hangups, work.clone()));
                chores.spawn(ingest::serve_tls(listener, router, serve, tls, stop))
            }
        };
        greet(reader, &settings, at, &store, &secrets);
        if settings.certificate.is_none() && !at.ip().is_loopback() {
            tracing::warn!(listen = %at, "API keys and results cross the network unencrypted: set --tls-cert and --tls-key, unless a proxy in front speaks TLS");
        }
        Ok(Self {
            store,
            accept,
            work,
            listener,
            scraping,
            delivering,
            scraper: scraper_running,
            sender: forwarder,
            forwarder: forwarder_running,
            chores,
        })
    }

    /// Waits for something to end that should not.
    async fn ended(&mut self) -> Failure {
        tokio::select! {
            biased;
            reason = self.store.failed() => store_failed(&reason),
            ended = &mut self.scraping => driver_ended(&SCRAPE, ended),
            ended = &mut self.delivering => driver_ended(&DELIVER, ended),
            ended = &mut self.listener => {
                let error = match ended {
                    Ok(Ok(())) => anyhow!("the listener ended by itself"),
                    Ok(Err(error)) => anyhow!(error).context("listening"),
                    Err(error) => anyhow!(error).context("listening"),
                };
                Failure::Runtime(error)
            }
        }
    }

    /// The end without grace: nothing more is accepted, nothing more is acknowledged; what was
    /// decided is written if the store still can.
    async fn give_up(mut self, failure: Failure) -> Failure {
        tracing::error!(reason = failure.message(), "cannot go on; ending");
        self.accept.cancel();
        self.work.cancel();
        let _ = timeout(LAST_WORDS, &mut self.listener).await;
        if let Err(unwritten) = close(&self.store, Instant::now() + LEAST_TAIL).await {
            tracing::warn!(reason = unwritten.message(), "closing without the last outcomes");
        }
        failure
    }

    /// The end in order, within `grace`: stop accepting and claiming, let work under way finish,
    /// put back the rest, empty the pools and the queue, commit the tail. Whatever goes wrong on
    /// the way, the store is closed before it is told of.
    async fn drain(self, grace: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        self.accept.cancel();
        self.work.cancel();
        // What waits for company has waited long enough.
        self.sender.hasten();
        drop(self.sender);
        let requests = self.listener.abort_handle();
        // A driver keeps its own time, but may be held up by a store that waits for space.
        let at_work = begun + grace.max(LEAST_TAIL);
        let (listener, scraped, delivered) = tokio::join!(
            timeout_at(begun + grace, self.listener),
            drained(at_work, SCRAPE, self.scraping),
            drained(at_work, DELIVER, self.delivering),
        );
        if listener.is_err() {
            tracing::warn!("some requests were still open at the end of the grace period");
            requests.abort();
        }

        // Their last handles went with the drivers.
        let end = (begun + grace).max(Instant::now() + LEAST_TAIL);
        finish(end, "the scraper", self.scraper).await;
        finish(end, "the forwarder", log_failure(self.forwarder)).await;
        self.chores.close();
        if timeout_at(end, self.chores.wait()).await.is_err() {
            tracing::warn!("some chores were still under way at the end of the grace period");
        }
        let waiting = self.store.counts().live();
        let closed = close(&self.store, end.max(Instant::now() + LEAST_TAIL)).await;
        let (scraped, delivered) = (scraped?, delivered?);
        closed?;
        sum_up(scraped, delivered, waiting, begun.elapsed());
        Ok(())
    }
}

/// Makes links to results under the address that receivers reach this server by.
fn links(settings: &Settings, at: std::net::SocketAddr) -> Result<Links, Failure> {
    let key = secret::link_key(settings.data_dir.as_deref()).map_err(Failure::Storage)?;
    let base = match &settings.public_url {
        Some(url) => url.clone(),
        None => format!("{}://{at}/", settings.scheme())
            .parse()
            .context("making an address of --listen")?,
    };
    Ok(Links::new(key, base))
}

/// Who events come from. The address listened on may be another after the next start, and is no
/// name for others.
fn source(settings: &Settings) -> String {
    settings.public_url.as_ref().map_or_else(|| "pagewire".to_owned(), Url::to_string)
}

async fn bind(settings: &Settings) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(settings.listen).await;
    let listener = listener.with_context(|| {
        let at = settings.listen;
        format!("cannot listen on {at} (is it taken? choose another address with --listen)")
    })?;
    Ok(listener)
}

fn greet(
    reader: Reader,
    settings: &Settings,
    at: std::net::SocketAddr,
    store: &Arc<dyn Store>,
    secrets: &Secrets,
) {
    welcome::greet(reader, settings, at, store.counts().live(), secrets);
}

fn store_failed(reason: &str) -> Failure {
    Failure::Storage(anyhow!(
        "the store failed: {reason}; what was acknowledged is on disk: see to the disk and start again"
    ))
}

/// A stage's driver, whose defects end the server in good order instead of tearing it down.
fn watched(stage: Stage, running: jobs::Running) -> Driving {
    let caught = AssertUnwindSafe(running).catch_unwind();
    let judged = caught.map(move |ended| match ended {
        Ok(Ok(drained)) => Ok(drained),
        Ok(Err(error)) => {
            Err(Failure::Storage(anyhow!(error).context(format!("the {stage} stage ended"))))
        }
        Err(_) => Err(Failure::Runtime(anyhow!(
            "the {stage} stage panicked, which is a defect: please report what is above; nothing \
             that was acknowledged is lost, so start again"
        ))),
    });
    judged.boxed()
}

fn driver_ended(stage: &Stage, ended: Result<Drained, Failure>) -> Failure {
    match ended {
        Ok(_) => Failure::Runtime(anyhow!("the {stage} stage ended by itself")),
        Err(failure) => failure,
    }
}

#[cfg(test)]
mod tests;
