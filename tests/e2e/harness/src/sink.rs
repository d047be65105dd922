use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::event::Event;
use crate::signature::verify;
use crate::treatment::{Deck, Treatment};
use crate::wire::{Body, Hangup, abandon, bind, full, serve};
use crate::{eventually, unix_micros};

/// Strays kept; more are only counted.
const MAX_STRAYS: usize = 100;

/// How a sink starts.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    /// Where to listen; port 0 for any. Default `127.0.0.1:0`.
    pub addr: SocketAddr,
    /// The secret deliveries must be signed with (`whsec_…`); `None` accepts any signature.
    pub secret: Option<String>,
    /// Whether a succeeded event's content is compared with the page its URL stands for. The page
    /// must come from an [`crate::Origin`]. Default true.
    pub check_content: bool,
}

impl Default for SinkConfig {
    fn default() -> Self {
        Self { addr: SocketAddr::from(([127, 0, 0, 1], 0)), secret: None, check_content: true }
    }
}

/// How a sink treats what it receives. Whatever it answers, it records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// 200 at once.
    #[default]
    Accept,
    /// 200 after a while.
    Slow(Duration),
    /// This status, with `Retry-After` in seconds when given.
    Status(u16, Option<u64>),
    /// Reads the body, then resets the connection.
    Reset,
    /// Everything that a sink can do to a sender, in a random order: see [`Sink::turn_hostile`].
    Hostile,
}

/// A receiver of webhooks that checks each delivery on its own.
#[derive(Debug)]
pub struct Sink {
    addr: SocketAddr,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    secret: Option<String>,
    check_content: bool,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    mode: Mode,
    deck: Option<Deck>,
    events: HashMap<String, Event>,
    posts: u64,
    delivered_ids: u64,
    strays: Vec<String>,
    stray_count: u64,
}

/// Everything a sink has seen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SinkReport {
    /// One entry per `webhook-id`.
    pub events: Vec<Event>,
    /// POSTs received as a whole.
    pub posts: u64,
    /// Requests that were no sound delivery (not signed, not an event, …), the first of them.
    pub strays: Vec<String>,
    /// How many of those there were.
    pub stray_count: u64,
}

impl Sink {
    /// Starts to listen.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(config: SinkConfig) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            secret: config.secret,
            check_content: config.check_content,
            state: Mutex::default(),
            changed: Notify::new(),
        });
        let mut sink = Self { addr: config.addr, shared, tasks: JoinSet::new() };
        sink.up().await?;
        Ok(sink)
    }

    /// Where to deliver to.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.addr)
    }

    /// Its address, also while it is down.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Changes how deliveries are treated from now on.
    pub fn set(&self, mode: Mode) {
        self.shared.lock().mode = mode;
    }

    /// From now on each POST gets the next of all treatments that there are, shuffled by `rng`:
    /// errors of every kind, `Retry-After` as seconds and as a date, slow and missing heads, slow
    /// and endless bodies, garbage, resets, closed connections, redirects to `trap`; and half of
    /// the time it is accepted.
    pub fn turn_hostile(&self, rng: StdRng, trap: &str) {
        let mut state = self.shared.lock();
        state.deck = Some(Deck::new(rng, trap));
        state.mode = Mode::Hostile;
    }

    /// How often all treatments were given since it turned hostile.
    pub fn hostile_rounds(&self) -> u64 {
        self.shared.lock().deck.as_ref().map_or(0, |deck| deck.dealt)
    }

    /// Closes the port and all connections.
    pub async fn down(&mut self) {
        self.tasks.shutdown().await;
    }

    /// Opens the same port again (nothing when it is open).
    ///
    /// # Errors
    /// When somebody else has taken it.
    pub async fn up(&mut self) -> anyhow::Result<()> {
        if !self.tasks.is_empty() {
            return Ok(());
        }
        let listener =
            bind(self.addr).await.with_context(|| format!("binding the sink to {}", self.addr))?;
        self.addr = listener.local_addr()?;
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn(serve(listener, move |request, hangup| {
            let shared = Arc::clone(&shared);
            async move { shared.handle(request, hangup).await }
        }));
        Ok(())
    }

    /// Ids delivered (answered 2xx) so far.
    pub fn delivered(&self) -> u64 {
        self.shared.lock().delivered_ids
    }

    /// POSTs received as a whole so far.
    pub fn posts(&self) -> u64 {
        self.shared.lock().posts
    }

    /// What is known of one id.
    pub fn event(&self, id: &str) -> Option<Event> {
        self.shared.lock().events.get(id).cloned()
    }

    /// Whether `id` was delivered (answered 2xx).
    pub fn has(&self, id: &str) -> bool {
        self.shared.lock().events.get(id).is_some_and(|event| event.delivered > 0)
    }

    /// Everything seen so far.
    pub fn report(&self) -> SinkReport {
        self.shared.report()
    }

    /// Waits until `id` is delivered.
    ///
    /// # Errors
    /// After `limit`.
    pub async fn wait_for(&self, id: &str, limit: Duration) -> anyhow::Result<Event> {
        eventually(&format!("the event of {id}"), limit, async || self.has(id)).await?;
        self.event(id).context("an event does not go away")
    }

    /// Waits until `posts` POSTs were received, whatever they were answered.
    ///
    /// # Errors
    /// After `limit`.
    pub async fn wait_for_posts(&self, posts: u64, limit: Duration) -> anyhow::Result<()> {
        let what = format!("{posts} POSTs at the sink");
        eventually(&what, limit, async || self.posts() >= posts).await
    }

    /// Resolves at the next POST after this call was made.
    pub async fn next_post(&self) {
        self.shared.changed.notified().await;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self) -> SinkReport {
        let state = self.lock();
        SinkReport {
            events: state.events.values().cloned().collect(),
            posts: state.posts,
            strays: state.strays.clone(),
            stray_count: state.stray_count,
        }
    }

    async fn handle(
        &self,
        request: Request<Incoming>,
        hangup: Hangup,
    ) -> io::Result<Response<Body>> {
        if request.method() == Method::GET {
            return Ok(json(&self.report()));
        }
        let dealt = self.lock().deal();
        if dealt == Some(Treatment::Refuse) {
            return Err(abandon());
        }
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let read = self.read(
            header("webhook-id").unwrap_or_default(),
            header("webhook-timestamp").unwrap_or_default(),
            header("webhook-signature").unwrap_or_default(),
            &body,
        );
        let treatment = dealt.unwrap_or_else(|| self.lock().treatment());
        if let Treatment::SlowHead(delay) = treatment {
            tokio::time::sleep(delay).await;
        }
        self.record(read, &treatment);
        self.changed.notify_waiters();
        treatment.answer(&hangup).await
    }

    fn read(&self, id: &str, at: &str, signatures: &str, body: &[u8]) -> Result<Event, String> {
        if id.is_empty() {
            return Err(format!("no webhook-id on {} bytes", body.len()));
        }
        if let Some(secret) = &self.secret {
            verify(secret, id, at, signatures, body, unix_micros() / 1_000_000)
                .map_err(|error| format!("{id}: {error}"))?;
        }
        Event::read(id, body, self.check_content)
    }

    fn record(&self, read: Result<Event, String>, treatment: &Treatment) {
        let mut state = self.lock();
        state.posts += 1;
        let event = match read {
            Ok(event) => event,
            Err(stray) => {
                state.stray_count += 1;
                if state.strays.len() < MAX_STRAYS {
                    state.strays.push(stray);
                }
                return;
            }
        };
        let id = event.id.clone();
        let known = match state.events.entry(id) {
            std::collections::hash_map::Entry::Occupied(known) => {
                let known = known.into_mut();
                known.absorb(event);
                known
            }
            std::collections::hash_map::Entry::Vacant(free) => free.insert(event),
        };
        known.attempts += 1;
        let before = known.delivered;
        known.answered(treatment.status());
        known.lost += u32::from(treatment.loses_the_answer());
        if before == 0 && known.delivered > 0 {
            state.delivered_ids += 1;
        }
    }
}

impl State {
    /// The next treatment while it is hostile.
    fn deal(&mut self) -> Option<Treatment> {
        (self.mode == Mode::Hostile).then(|| self.deck.as_mut().map(Deck::deal))?
    }

    /// What everybody gets now.
    fn treatment(&self) -> Treatment {
        match self.mode {
            Mode::Accept | Mode::Hostile => Treatment::Accept,
            Mode::Slow(delay) => Treatment::SlowHead(delay),
            Mode::Status(status, retry_after) => Treatment::Status(status, retry_after),
            Mode::Reset => Treatment::Reset,
        }
    }
}

/// `value` as a JSON answer.
pub(crate) fn json(value: &impl Serialize) -> Response<Body> {
    let bytes = serde_json::to_vec(value).expect("reports have string keys only");
    Response::new(full(bytes))
}
