use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::batcher::Batcher;
use crate::config::Config;
use crate::delivery::Delivery;
use crate::error::{Error, ErrorKind};
use crate::lines;
use crate::post::Poster;
use crate::receipt::{Answer, Receipt};

/// Starts the task that drains the queue of deliveries, and the one that collects batches.
///
/// # Errors
/// When a value in `config` cannot be used, outside a tokio runtime, or when the HTTP client
/// cannot be built.
pub fn start(config: Config) -> Result<(Forwarder, Running), Error> {
    config.check()?;
    let runtime = Handle::try_current().map_err(|e| {
        Error::new(ErrorKind::NoRuntime, "a forwarder has to be started in a tokio runtime")
            .because(e)
    })?;
    let (queue, waiting) = mpsc::channel(config.queue);
    let (batches, incoming) = mpsc::channel(config.queue);
    let posts = TaskTracker::new();
    let dispatcher = Dispatcher {
        waiting,
        places: Arc::new(Semaphore::new(config.concurrency)),
        poster: Arc::new(Poster::new(config)?),
        posts: posts.clone(),
    };
    let hurry = CancellationToken::new();
    let batcher = Batcher::new(incoming, queue.clone(), hurry.clone());
    let tasks = TaskTracker::new();
    // Ends when the last handle is dropped, and then the dispatcher has heard everything.
    tasks.spawn_on(batcher.run(), &runtime);
    let task = tasks.spawn_on(dispatcher.run(), &runtime);
    let waiting = Arc::default();
    Ok((Forwarder { queue, batches, posts, waiting, hurry }, Running(task)))
}

/// Hands deliveries over. Clones share the queue and its bound; when the last one is dropped,
/// [`Running`] ends.
#[derive(Clone, Debug)]
pub struct Forwarder {
    queue: mpsc::Sender<Work>,
    batches: mpsc::Sender<Entry>,
    posts: TaskTracker,
    waiting: Arc<AtomicUsize>,
    hurry: CancellationToken,
}

impl Forwarder {
    /// Makes one attempt and says what became of it. Never fails: trouble is a [`Receipt`] too.
    ///
    /// Waits while the queue is full. Dropping the future before the POST began takes the
    /// delivery back, also out of a batch; later it goes on, and only its receipt is lost: the
    /// sink may get it.
    pub async fn deliver(&self, delivery: Delivery) -> Receipt {
        let (reply, receipt) = oneshot::channel();
        let since = Instant::now();
        let batched = delivery.batch.is_some();
        // It counts as waiting from when it has its place in the queue.
        let entry = || Entry { delivery, since, reply, waiting: Waiting::new(&self.waiting) };
        let handed = if batched {
            self.batches.reserve().await.map(|place| place.send(entry()))
        } else {
            self.queue.reserve().await.map(|place| place.send(Work::One(entry())))
        };
        if handed.is_err() {
            return lost("the forwarder has stopped");
        }
        receipt.await.unwrap_or_else(|_| lost("the delivery ended without an answer"))
    }

    /// From now on no delivery waits for company: open batches are sent as they are, and so is what
    /// is still handed over. For a drain, which has no time to lose.
    pub fn hasten(&self) {
        self.hurry.cancel();
    }

    /// How much there is to do at this moment.
    pub fn load(&self) -> Load {
        Load { queued: self.waiting.load(Ordering::Relaxed), in_flight: self.posts.len() }
    }
}

fn lost(detail: &str) -> Receipt {
    Receipt::unanswered(Answer::Retryable, Duration::ZERO, detail)
}

/// What a forwarder is busy with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Deliveries that wait for a free place, or for company.
    pub queued: usize,
    /// Attempts that are being made; a batch is one.
    pub in_flight: usize,
}

/// Ends when every [`Forwarder`] is dropped and every attempt that had begun is over. Dropping it
/// stops nothing.
#[derive(Debug)]
#[must_use = "awaiting it is how a drain is known to be over"]
pub struct Running(JoinHandle<Drained>);

/// What a forwarder did in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Attempts made, whatever their outcome; a batch is one.
    pub attempts: u64,
    /// Deliveries that were taken back before their POST began.
    pub cancelled: u64,
}

impl Future for Running {
    type Output = Result<Drained, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_err(|e| {
            Error::new(ErrorKind::Internal, "the forwarder's task did not end by itself").because(e)
        })
    }
}

/// What the queue holds: something to send as soon as there is a place.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the usual one is large, and is not to be boxed")]
pub(crate) enum Work {
    /// A delivery.
    One(Entry),
    /// Deliveries that travel together, at least one.
    Batch(Vec<Entry>),
}

/// A delivery that was handed over.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) delivery: Delivery,
    /// When that was.
    pub(crate) since: Instant,
    /// Closed once nobody waits for it any more.
    reply: oneshot::Sender<Receipt>,
    waiting: Waiting,
}

/// Counts for as long as it lives.
#[derive(Debug)]
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The task that drains the queue: one place in flight for each entry it takes.
struct Dispatcher {
    waiting: mpsc::Receiver<Work>,
    places: Arc<Semaphore>,
    poster: Arc<Poster>,
    posts: TaskTracker,
}

impl Dispatcher {
    async fn run(mut self) -> Drained {
        loop {
            // The place first: what has none stays in the queue, which is what the bound counts.
            let place = Arc::clone(&self.places).acquire_owned().await;
            let place = place.expect("nobody closes the semaphore");
            let Some(work) = self.waiting.recv().await else {
                break;
            };
            let poster = Arc::clone(&self.poster);
            // A task each, so that signing and TLS use every core and a defect ends one delivery.
            self.posts.spawn(async move {
                match work {
                    Work::One(entry) => serve(&poster, entry).await,
                    Work::Batch(entries) => serve_together(&poster, entries).await,
                }
                drop(place);
            });
        }
        self.posts.close();
        self.posts.wait().await;
        self.poster.drained()
    }
}

async fn serve(poster: &Poster, entry: Entry) {
    let Entry { delivery, since, reply, waiting } = entry;
    drop(waiting);
    if reply.is_closed() {
        poster.count_cancelled();
        return;
    }
    let receipt = post(poster, delivery, since).await;
    // The caller may have gone meanwhile; the attempt was made all the same.
    let _ = reply.send(receipt);
}

/// One POST for all of them whose callers still wait; each gets its receipt.
async fn serve_together(poster: &Poster, entries: Vec<Entry>) {
    let mut deliveries = Vec::with_capacity(entries.len());
    let mut replies = Vec::with_capacity(entries.len());
    let mut first_since = None;
    for Entry { delivery, since, reply, waiting } in entries {
        drop(waiting);
        if reply.is_closed() {
            poster.count_cancelled();
            continue;
        }
        first_since.get_or_insert(since);
        deliveries.push(delivery);
        replies.push(reply);
    }
    let (Some(delivery), Some(since)) = (lines::together(deliveries), first_since) else {
        return;
    };
    let receipt = post(poster, delivery, since).await;
    for reply in replies {
        let _ = reply.send(receipt.clone());
    }
}

async fn post(poster: &Poster, delivery: Delivery, since: Instant) -> Receipt {
    let id = tracing::enabled!(tracing::Level::DEBUG)
        .then(|| (delivery.id.clone(), delivery.sink.host_str().unwrap_or_default().to_owned()));
    let receipt = poster.post(delivery, since).await;
    if let Some((id, host)) = id {
        let duration_ms = u64::try_from(receipt.duration.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(webhook.id = id, url.host = host, duration_ms, "{receipt}");
    }
    receipt
}
