//! The handle, and how the two halves join.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use egress::{Budget, Client, ClientConfig, Reservation};
use http::header::CONTENT_TYPE;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::error::{Error, Kind};
use crate::fetch::{self, Fetched};
use crate::pool::{self, Pool, Threads};
use crate::{Config, Extracted, Formats, Page, Request, coding, extract};

/// A plain body below this length of which only the bytes are wanted is finished on the caller's
/// task: there is nothing to compute, and a trip to the pool would cost more than `then`.
const INLINE_BYTES: usize = 64 * 1024;

/// Fetches pages. Cheap to clone.
#[derive(Clone)]
pub struct Scraper {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    budget: Budget,
    slots: Semaphore,
    in_flight: usize,
    pool: Pool,
}

/// What a scraper is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Fetches under way.
    pub fetches: usize,
    /// Bytes of bodies reserved.
    pub body_bytes: u64,
    /// Bytes of bodies that may be reserved.
    pub body_bytes_limit: u64,
    /// Pages waiting for a CPU thread or on one.
    pub pages: usize,
}

/// The threads of a scraper. Await it to be sure that they have ended: it is ready when every
/// [`Scraper`] is dropped and the work they had handed in is over. Not awaited, the threads end
/// all the same.
pub struct Running {
    threads: Threads,
}

/// Starts the CPU threads of a scraper.
///
/// # Errors
/// [`Kind::Internal`] when the HTTP client or the threads cannot be made.
pub fn start(config: Config) -> Result<(Scraper, Running), Error> {
    let threads = config.threads();
    let client = ClientConfig {
        connect_timeout: config.connect_timeout,
        read_timeout: config.read_timeout,
        pool_max_idle_per_host: config.idle_per_host,
        user_agent: config.user_agent,
        extra_roots_pem: config.extra_roots_pem,
        resolver: config.resolver,
        ..ClientConfig::default()
    };
    let client = Client::new(config.policy, client)
        .map_err(|e| Error::new(Kind::Internal, "cannot make the HTTP client").with_source(e))?;
    let (pool, threads) = Pool::start(threads)?;
    let in_flight = config.in_flight.clamp(1, Semaphore::MAX_PERMITS);
    let slots = Semaphore::new(in_flight);
    let budget = Budget::new(config.memory_budget);
    let shared = Arc::new(Shared { client, budget, slots, in_flight, pool });
    Ok((Scraper { shared }, Running { threads }))
}

impl Scraper {
    /// Fetches one page. Dropping the future stops the fetch.
    ///
    /// # Errors
    /// See [`Kind`]. Any final answer other than 2xx is an error.
    pub async fn scrape(&self, request: Request) -> Result<Page, Error> {
        self.scrape_with(request, |page| page).await.map(|(page, _)| page)
    }

    /// Fetches one page and turns it into what is kept of it. The page's bytes count against the
    /// memory budget until the reservation is dropped: hold it for as long as what was made of
    /// the page is on its way. `then` runs on a CPU thread, or on the caller's task when the
    /// body is plain, below 64 KiB and nothing was to be made of it. It must not block.
    ///
    /// # Errors
    /// As [`Scraper::scrape`]; [`Kind::Internal`] when `then` panics.
    pub async fn scrape_with<T: Send + 'static>(
        &self,
        request: Request,
        then: impl FnOnce(Page) -> T + Send + 'static,
    ) -> Result<(T, Reservation), Error> {
        let slot = self.shared.slots.acquire().await;
        let _slot = slot.map_err(|_| Error::new(Kind::Internal, "the scraper is closed"))?;
        let timeout = request.timeout;
        // Boxed, so that the many futures around it stay small.
        let work = Box::pin(self.shared.run(request, then));
        tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| {
            let context = format!("not done within {} ms", timeout.as_millis());
            Err(Error::new(Kind::Timeout, context))
        })
    }

    /// What the scraper is busy with now.
    #[must_use]
    pub fn load(&self) -> Load {
        let shared = &*self.shared;
        Load {
            fetches: shared.in_flight - shared.slots.available_permits(),
            body_bytes: shared.budget.in_use(),
            body_bytes_limit: shared.budget.total(),
            pages: shared.pool.tasks(),
        }
    }
}

impl Shared {
    async fn run<T: Send + 'static>(
        &self,
        request: Request,
        then: impl FnOnce(Page) -> T + Send + 'static,
    ) -> Result<(T, Reservation), Error> {
        let (formats, max_bytes) = (request.formats, request.max_bytes);
        let fetched = fetch::fetch(&self.client, &self.budget, request).await?;
        let plain = fetched.codings.is_empty() && !formats.needs_text();
        if plain && fetched.body.len() < INLINE_BYTES {
            return pool::guard(|| finish(fetched, formats, max_bytes, then))?;
        }
        self.pool.run(move || finish(fetched, formats, max_bytes, then)).await?
    }
}

/// The CPU half.
fn finish<T>(
    fetched: Fetched,
    formats: Formats,
    max_bytes: u64,
    then: impl FnOnce(Page) -> T,
) -> Result<(T, Reservation), Error> {
    let begun = Instant::now();
    let Fetched { url, status, headers, remote_addr, redirects, codings, body, held, elapsed } =
        fetched;
    let body = coding::decode(body, &codings, max_bytes)?;
    let content_type = headers
        .get(CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let made = match formats.needs_text() {
        true => extract(&body, content_type.as_deref(), &url, formats),
        false => Extracted::default(),
    };
    let bytes = body.len() as u64;
    let raw: Option<Bytes> = formats.raw.then_some(body);
    let page = Page {
        final_url: url,
        status,
        headers,
        content_type,
        charset: made.charset,
        title: made.title,
        text: made.text,
        markdown: made.markdown,
        html: made.html,
        raw,
        links: made.links,
        metadata: made.metadata,
        bytes,
        truncated: made.truncated,
        redirects,
        fetch: elapsed,
        extract: begun.elapsed(),
        remote_addr,
    };
    Ok((then(page), held))
}

impl fmt::Debug for Scraper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scraper").field("load", &self.load()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

impl Future for Running {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.threads.poll_end(context)
    }
}
