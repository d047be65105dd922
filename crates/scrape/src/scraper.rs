//! The handle, and how the two halves join.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use egress::{Budget, Client, ClientConfig, Reservation};
use futures_util::FutureExt;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::error::{Error, Kind};
use crate::fetch::{Fetched, Network};
use crate::patience::{LONGEST_OWN_WAIT, Patience};
use crate::pool::{self, Pool, Threads};
use crate::robots::{Gate, Means};
use crate::{Config, Options, Page, Request, Response, coding, header, response};

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
    /// Bodies as they come. Who holds of it may wait for places and for `making`.
    reading: Budget,
    /// What becomes of them. Who holds of it waits for no place and for no more of it.
    making: Budget,
    /// Whoever has something that outgrew its reservation and waits for a new one: one at a time.
    outgrown: Semaphore,
    slots: Semaphore,
    in_flight: usize,
    pool: Pool,
    gate: Gate,
    min_rate: u64,
}

/// What a scraper is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Fetches under way.
    pub fetches: usize,
    /// Bytes reserved for bodies and for what becomes of them.
    pub body_bytes: u64,
    /// Bytes that may be reserved.
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
    let gate = Gate::new(config.robots_token(), config.robots_cache);
    let min_rate = config.min_rate;
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
    let half = config.memory_budget / 2;
    let shared = Shared {
        client,
        reading: Budget::with_middle(half),
        making: Budget::new(half),
        outgrown: Semaphore::new(1),
        slots,
        in_flight,
        pool,
        gate,
        min_rate,
    };
    let shared = Arc::new(shared);
    Ok((Scraper { shared }, Running { threads }))
}

impl Scraper {
    /// Fetches one page. Dropping the future stops the fetch.
    ///
    /// # Errors
    /// See [`Kind`]. Any final answer other than 2xx is an error.
    pub async fn scrape(&self, request: Request) -> Result<Response, Error> {
        self.scrape_with(request, |response| response).await.map(|(response, _)| response)
    }

    /// Fetches one page and turns it into what is kept of it. [`Options::cost`] of the page, its
    /// headers and the request's `extra_bytes` count against the memory budget until the
    /// reservation is dropped: have [`Scraper::cover`] fit it to what `then` made, and hold it for
    /// as long as that is on its way. `then` runs on a CPU thread, or on the caller's task when the
    /// body is plain, below 64 KiB and nothing was to be made of it. It must not block.
    ///
    /// # Errors
    /// As [`Scraper::scrape`]; [`Kind::Internal`] when `then` panics.
    pub async fn scrape_with<T: Send + 'static>(
        &self,
        request: Request,
        then: impl FnOnce(Response) -> T + Send + 'static,
    ) -> Result<(T, Reservation), Error> {
        let slot = self.shared.slots.acquire().await;
        let _slot = slot.map_err(|_| Error::new(Kind::Internal, "the scraper is closed"))?;
        self.running(request, then).await
    }

    /// Boxed, so that the many futures around it stay small; and not boxed in an `async fn`, which
    /// would keep room for what it moves into the box.
    fn running<T: Send + 'static>(
        &self,
        request: Request,
        then: impl FnOnce(Response) -> T + Send + 'static,
    ) -> Pin<Box<impl Future<Output = Result<(T, Reservation), Error>>>> {
        Box::pin(self.shared.run(request, then))
    }

    /// Fits a page's reservation to the `bytes` that were made of it: gives back what is too much,
    /// or takes what is missing. More than can ever be reserved counts as that much.
    ///
    /// Things that outgrew their reservation are not piled up: where memory is short, one of them
    /// waits for its turn, and the others are refused, to be made anew later.
    ///
    /// # Errors
    /// [`Kind::Busy`]: let go of it and come back later.
    pub async fn cover(&self, mut held: Reservation, bytes: u64) -> Result<Reservation, Error> {
        held.shrink_to(bytes);
        // Only if it need not wait: it may hold of what others wait for.
        if held.grow_to(bytes).now_or_never() == Some(true) {
            return Ok(held);
        }
        let _alone = self.shared.outgrown.try_acquire().map_err(|_| Error::busy())?;
        drop(held);
        self.reserve(bytes).await
    }

    /// Room for `bytes` that do not come from a page, such as an earlier result. More than can ever
    /// be reserved counts as that much.
    ///
    /// # Errors
    /// [`Kind::Busy`]: come back later.
    pub async fn reserve(&self, bytes: u64) -> Result<Reservation, Error> {
        let room = tokio::time::timeout(LONGEST_OWN_WAIT, self.shared.making.reserve(bytes));
        room.await.map_err(|_| Error::busy())
    }

    /// What the scraper is busy with now.
    #[must_use]
    pub fn load(&self) -> Load {
        let shared = &*self.shared;
        Load {
            fetches: shared.in_flight - shared.slots.available_permits(),
            body_bytes: shared.reading.in_use() + shared.making.in_use(),
            body_bytes_limit: shared.reading.total() + shared.making.total(),
            pages: shared.pool.tasks(),
        }
    }
}

impl Shared {
    async fn run<T: Send + 'static>(
        &self,
        request: Request,
        mut then: impl FnOnce(Response) -> T + Send + 'static,
    ) -> Result<(T, Reservation), Error> {
        let mut patience = Patience::new(request.timeout);
        let (options, max_bytes) = (request.options.clone(), request.max_bytes);
        let extra_bytes = request.extra_bytes;
        let proxy = request.proxy.clone();
        let (client, reading, pool) = (&self.client, &self.reading, &self.pool);
        let means = Means { client, reading, pool, via: proxy.as_ref() };
        let network = Network { means, gate: &self.gate, min_rate: self.min_rate };
        let mut fetched = network.fetch(request, &mut patience).await?;
        let wanted = Wanted {
            options,
            max_bytes,
            extra_bytes: extra_bytes.saturating_add(header_bytes(&fetched.headers)),
        };
        let wire_bytes = fetched.body.len() as u64;
        let most = coding::most_bytes(wire_bytes, &fetched.codings, max_bytes);
        let plain = fetched.codings.is_empty() && !wanted.options.needs_text();
        if plain && fetched.body.len() < INLINE_BYTES {
            let room = patience.own(self.making.reserve(wanted.cost(most))).await?;
            let body = fetched.body.clone();
            return pool::guard(|| finish(fetched, body, &wanted, room, then));
        }
        let mut limit = coding::likely_bytes(wire_bytes, &fetched.codings, max_bytes);
        loop {
            // The place first: who has room is never without one, so nobody waits in a circle.
            let place = patience.own(self.pool.place()).await??;
            let room = patience.own(self.making.reserve(wanted.cost(limit.min(most)))).await?;
            let asked = wanted.clone();
            let work = move || attempt(fetched, limit, &asked, room, then);
            match patience.own(self.pool.run(place, work)).await??? {
                Attempt::Made(made, room) => return Ok((made, room)),
                Attempt::Larger(unused) => (fetched, then) = *unused,
            }
            limit = max_bytes;
        }
    }
}

/// What came of trying to make do with what a page is likely to take.
enum Attempt<T, F> {
    Made(T, Reservation),
    /// It is larger than that: untouched, to be tried once more with room for the worst.
    Larger(Box<(Fetched, F)>),
}

/// The CPU half, for a body that has at most `limit` bytes without its codings.
fn attempt<T, F: FnOnce(Response) -> T>(
    mut fetched: Fetched,
    limit: u64,
    wanted: &Wanted,
    room: Reservation,
    then: F,
) -> Result<Attempt<T, F>, Error> {
    let begun = Instant::now();
    match coding::decode(fetched.body.clone(), &fetched.codings, limit) {
        Ok(body) => {
            fetched.unpack = begun.elapsed();
            let (made, room) = finish(fetched, body, wanted, room, then);
            Ok(Attempt::Made(made, room))
        }
        Err(error) if error.kind() == Kind::TooLarge && limit < wanted.max_bytes => {
            Ok(Attempt::Larger(Box::new((fetched, then))))
        }
        Err(error) => Err(error),
    }
}

/// What is to be made of a body, and within what.
#[derive(Clone)]
struct Wanted {
    options: Options,
    max_bytes: u64,
    /// What comes on top of the page's forms.
    extra_bytes: u64,
}

impl Wanted {
    fn cost(&self, page_bytes: u64) -> u64 {
        self.options.cost(page_bytes).saturating_add(self.extra_bytes)
    }
}

/// As received and once more as text, in which a byte beyond ASCII takes two.
fn header_bytes(headers: &HeaderMap) -> u64 {
    headers.iter().map(|(name, value)| (name.as_str().len() + value.len()) as u64 * 3).sum()
}

/// Makes of a plain body what is wanted, and of that what is kept.
fn finish<T>(
    fetched: Fetched,
    body: Bytes,
    wanted: &Wanted,
    mut room: Reservation,
    then: impl FnOnce(Response) -> T,
) -> (T, Reservation) {
    let Fetched {
        url,
        status,
        headers,
        remote_addr,
        redirects,
        elapsed,
        unpack,
        not_modified,
        crawl_delay,
        body: wire,
        held,
        ..
    } = fetched;
    let options = &wanted.options;
    let begun = Instant::now();
    // What it takes from here on is in `room`.
    drop((wire, held));
    room.shrink_to(wanted.cost(body.len() as u64));
    let rate_limit = header::rate_limit(&headers);
    let content_type = headers
        .get(CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let page = match options.needs_text() && !not_modified {
        true => extract::extract(&body, content_type.as_deref(), &url, options),
        false => Page::default(),
    };
    let is_compared_by_bytes = !not_modified && !options.formats.raw && response::is_bare(&page);
    let body_hash = is_compared_by_bytes.then(|| Sha256::digest(&body).into());
    let response = Response {
        final_url: url,
        status,
        headers,
        content_type,
        not_modified,
        page,
        bytes: body.len() as u64,
        raw: (options.formats.raw && !not_modified).then_some(body),
        redirects,
        fetch: elapsed,
        extract: unpack + begun.elapsed(),
        remote_addr,
        crawl_delay,
        rate_limit,
        body_hash,
    };
    (then(response), room)
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
