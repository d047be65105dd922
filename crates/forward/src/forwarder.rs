use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::delivery::Delivery;
use crate::error::{Error, ErrorKind};
use crate::post::Poster;
use crate::receipt::{Answer, Receipt};

/// Starts the task that drains the queue of deliveries.
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
    let posts = TaskTracker::new();
    let dispatcher = Dispatcher {
        waiting,
        places: Arc::new(Semaphore::new(config.concurrency)),
        poster: Arc::new(Poster::new(config)?),
        posts: posts.clone(),
    };
    let task = TaskTracker::new().spawn_on(dispatcher.run(), &runtime);
    Ok((Forwarder { queue, posts }, Running(task)))
}

/// Hands deliveries over. Clones share the queue and its bound; when the last one is dropped,
/// [`Running`] ends.
#[derive(Clone, Debug)]
pub struct Forwarder {
    queue: mpsc::Sender<Entry>,
    posts: TaskTracker,
}

impl Forwarder {
    /// Makes one attempt and says what became of it. Never fails: trouble is a [`Receipt`] too.
    ///
    /// Waits while the queue is full. Dropping the future before the POST began takes the
    /// delivery back; later it goes on, and only its receipt is lost: the sink may get it.
    pub async fn deliver(&self, delivery: Delivery) -> Receipt {
        let (reply, receipt) = oneshot::channel();
        let entry = Entry { delivery, since: Instant::now(), reply };
        if self.queue.send(entry).await.is_err() {
            return lost("the forwarder has stopped");
        }
        receipt.await.unwrap_or_else(|_| lost("the delivery ended without an answer"))
    }

    /// How much there is to do at this moment.
    pub fn load(&self) -> Load {
        Load {
            queued: self.queue.max_capacity() - self.queue.capacity(),
            in_flight: self.posts.len(),
        }
    }
}

fn lost(detail: &str) -> Receipt {
    Receipt::unanswered(Answer::Retryable, Duration::ZERO, detail)
}

/// What a forwarder is busy with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Deliveries that wait for a free place.
    pub queued: usize,
    /// Attempts that are being made.
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
    /// Attempts made, whatever their outcome.
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

/// A delivery in the queue.
#[derive(Debug)]
struct Entry {
    delivery: Delivery,
    /// When it was handed over.
    since: Instant,
    /// Closed once nobody waits for it any more.
    reply: oneshot::Sender<Receipt>,
}

/// The task that drains the queue: one place in flight for each entry it takes.
struct Dispatcher {
    waiting: mpsc::Receiver<Entry>,
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
            let Some(entry) = self.waiting.recv().await else {
                break;
            };
            let poster = Arc::clone(&self.poster);
            // A task each, so that signing and TLS use every core and a defect ends one delivery.
            self.posts.spawn(async move {
                serve(&poster, entry).await;
                drop(place);
            });
        }
        self.posts.close();
        self.posts.wait().await;
        self.poster.drained()
    }
}

async fn serve(poster: &Poster, entry: Entry) {
    let Entry { delivery, since, reply } = entry;
    if reply.is_closed() {
        poster.count_cancelled();
        return;
    }
    let id = tracing::enabled!(tracing::Level::DEBUG)
        .then(|| (delivery.id.clone(), delivery.sink.host_str().unwrap_or_default().to_owned()));
    let receipt = poster.post(delivery, since).await;
    if let Some((id, host)) = id {
        let duration_ms = u64::try_from(receipt.duration.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(webhook.id = id, url.host = host, duration_ms, "{receipt}");
    }
    // The caller may have gone meanwhile; the attempt was made all the same.
    let _ = reply.send(receipt);
}
