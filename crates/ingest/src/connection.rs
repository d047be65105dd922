use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use http::header::{CONNECTION, HeaderValue, TRANSFER_ENCODING};
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::ServeConfig;

/// What is read and thrown away after an early refusal, so that the peer sees the answer before
/// the reset that unread bytes would cause (RFC 9112 §9.6).
const LINGER_BYTES: usize = 1 << 20;
const LINGER_TIME: Duration = Duration::from_secs(1);

/// What the two ends of a connection tell each other: the handler knows where requests begin and
/// end, the socket knows when nothing moves. Both live in one task.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    /// A handler is at work: silence is its business.
    active: AtomicBool,
    /// Requests begun.
    begun: AtomicU32,
    /// The last answer was a refusal that may have left a part of the request unread.
    refused: AtomicBool,
}

/// Who is at the other end of a connection, for handlers that keep it waiting: an extension of
/// each request, cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Peer(Arc<Ends>);

#[derive(Debug)]
struct Ends {
    reading: Reading,
    stop: CancellationToken,
}

impl Peer {
    pub(crate) fn new(reading: Reading, stop: CancellationToken) -> Self {
        Self(Arc::new(Ends { reading, stop }))
    }

    /// Resolves when the peer has closed its side, or when the server stops. Once it has sent
    /// another request that can no longer be seen.
    pub(crate) async fn gone(&self) {
        let closed = std::future::poll_fn(|cx| {
            let mut byte = [0];
            let mut byte = ReadBuf::new(&mut byte);
            let half = self.0.reading.lock();
            match half.as_ref().poll_peek(cx, &mut byte) {
                Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(()),
                Poll::Ready(Ok(_)) | Poll::Pending => Poll::Pending,
            }
        });
        tokio::select! {
            () = closed => {}
            () = self.0.stop.cancelled() => {}
        }
    }
}

/// The side of a socket that is read. Whoever reads and whoever looks live in one task, so there
/// is never a wait for the lock, and they share the socket's one waker.
#[derive(Clone, Debug)]
pub(crate) struct Reading(Arc<Mutex<OwnedReadHalf>>);

impl Reading {
    fn lock(&self) -> MutexGuard<'_, OwnedReadHalf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_read(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_read(cx, buf)
    }
}

/// The router as hyper wants it.
pub(crate) struct Handler {
    router: Router,
    exchange: Arc<Exchange>,
    peer: Peer,
}

impl Handler {
    pub(crate) const fn new(router: Router, exchange: Arc<Exchange>, peer: Peer) -> Self {
        Self { router, exchange, peer }
    }
}

impl hyper::service::Service<http::Request<Incoming>> for Handler {
    type Response = Response;
    type Error = Infallible;
    type Future = Handling;

    fn call(&self, mut request: http::Request<Incoming>) -> Handling {
        request.extensions_mut().insert(self.peer.clone());
        self.exchange.begun.fetch_add(1, Ordering::Relaxed);
        self.exchange.active.store(true, Ordering::Relaxed);
        let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
        let answer = self.router.clone().call(request);
        Handling { answer, exchange: Arc::clone(&self.exchange), is_chunked }
    }
}

/// A request being answered.
pub(crate) struct Handling {
    answer: RouteFuture<Infallible>,
    exchange: Arc<Exchange>,
    /// Its body came in chunks, maybe besides a length: somebody on the way may see another end
    /// than we do, so nothing may follow (RFC 9112 §6.1).
    is_chunked: bool,
}

impl Future for Handling {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(mut response) = ready!(Pin::new(&mut self.answer).poll(cx));
        let refused = response.status().is_client_error() || response.status().is_server_error();
        self.exchange.refused.store(refused, Ordering::Relaxed);
        self.exchange.active.store(false, Ordering::Relaxed);
        if self.is_chunked {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response))
    }
}

/// A socket that gives up on a peer that sends no request, sends its header section too slowly,
/// or does not take its answer. One timer per connection, which is moved only when it fires.
pub(crate) struct Guarded {
    reading: Reading,
    writing: OwnedWriteHalf,
    exchange: Arc<Exchange>,
    header_time: Duration,
    idle_time: Duration,
    timer: Pin<Box<Sleep>>,
    /// When waiting for a request's header section ends.
    read_by: Instant,
    /// Whether a part of that section has come.
    in_header: bool,
    /// [`Exchange::begun`] when `read_by` was set.
    seen: u32,
    /// Set while the peer takes nothing.
    write_by: Option<Instant>,
    /// Set while what comes is thrown away: until when, and how much more of it.
    linger: Option<(Instant, usize)>,
}

impl Guarded {
    pub(crate) fn new(stream: TcpStream, exchange: Arc<Exchange>, config: &ServeConfig) -> Self {
        let read_by = Instant::now() + config.header_read_timeout;
        let (reading, writing) = stream.into_split();
        Self {
            reading: Reading(Arc::new(Mutex::new(reading))),
            writing,
            exchange,
            header_time: config.header_read_timeout,
            idle_time: config.idle_timeout,
            timer: Box::pin(tokio::time::sleep_until(read_by)),
            read_by,
            in_header: true,
            seen: 0,
            write_by: None,
            linger: None,
        }
    }

    pub(crate) fn reading(&self) -> Reading {
        self.reading.clone()
    }

    /// Whether `deadline` has passed; if not, the task is woken then or earlier.
    fn passed(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        loop {
            if self.timer.as_mut().poll(cx).is_pending() {
                if self.timer.deadline() <= deadline {
                    return false;
                }
            } else if Instant::now() >= deadline {
                return true;
            }
            self.timer.as_mut().reset(deadline);
        }
    }

    /// When the silence before the next header section ends.
    fn silent_until(&mut self) -> Instant {
        let begun = self.exchange.begun.load(Ordering::Relaxed);
        if begun != self.seen {
            self.seen = begun;
            self.in_header = false;
            self.read_by = Instant::now() + self.idle_time;
        }
        self.read_by
    }

    fn received(&mut self) {
        let waited = !self.exchange.active.load(Ordering::Relaxed);
        if waited && !self.in_header {
            self.in_header = true;
            self.read_by = Instant::now() + self.header_time;
        }
    }

    /// Turns a write that waits for the peer into an error once it has waited too long.
    fn write<T>(
        &mut self,
        result: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.write_by = None;
            return result;
        }
        let idle_time = self.idle_time;
        let by = *self.write_by.get_or_insert_with(|| Instant::now() + idle_time);
        if self.passed(by, cx) { Poll::Ready(Err(too_slow())) } else { Poll::Pending }
    }

    /// Reads what a refused peer still sends, for a while.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scrap = [0; 4096];
        loop {
            let (by, left) =
                *self.linger.get_or_insert_with(|| (Instant::now() + LINGER_TIME, LINGER_BYTES));
            let mut scrap = ReadBuf::new(&mut scrap);
            match self.reading.poll_read(cx, &mut scrap) {
                Poll::Ready(Ok(())) if !scrap.filled().is_empty() && left > 0 => {
                    self.linger = Some((by, left.saturating_sub(scrap.filled().len())));
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending if self.passed(by, cx) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the peer is too slow")
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(result) = self.reading.poll_read(cx, buf) {
            self.received();
            return Poll::Ready(result);
        }
        if self.exchange.active.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let by = self.silent_until();
        if self.passed(by, cx) { Poll::Ready(Err(too_slow())) } else { Poll::Pending }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.writing).poll_write(cx, buf);
        self.write(result, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.writing).poll_write_vectored(cx, bufs);
        self.write(result, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.writing.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writing).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.writing).poll_shutdown(cx))?;
        }
        if self.exchange.refused.load(Ordering::Relaxed) {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
