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
use bytes::Bytes;
use http::header::{self, HeaderValue, TRANSFER_ENCODING};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::ServeConfig;

/// What is read and thrown away after an early refusal, so that the peer sees the answer before
/// the reset that unread bytes would cause (RFC 9112 §9.6).
const LINGER_BYTES: usize = 1 << 20;
const LINGER_TIME: Duration = Duration::from_secs(1);
/// A body up to this length comes with its request: when it was not read, what is left of it is
/// no loss.
const SMALL_BODY: u64 = 16 << 10;

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
    /// The request has a large body that was not read to its end.
    unread: AtomicBool,
    /// Requests that are read on while they are answered: silence is their readers' business.
    held: AtomicU32,
}

impl Exchange {
    /// Whether somebody else watches the time.
    fn is_watched(&self) -> bool {
        self.active.load(Ordering::Relaxed) || self.held.load(Ordering::Relaxed) > 0
    }
}

/// A request's right to be read on while it is answered: an extension of each request.
#[derive(Clone, Debug)]
pub(crate) struct Duplex(Arc<Exchange>);

impl Duplex {
    /// Until this is dropped, whoever reads the body says how long it may take.
    pub(crate) fn hold(&self) -> Held {
        self.0.held.fetch_add(1, Ordering::Relaxed);
        Held(Arc::clone(&self.0))
    }
}

/// See [`Duplex::hold`].
#[derive(Debug)]
pub(crate) struct Held(Arc<Exchange>);

impl Held {
    /// The answer is complete, and a part of the request may not have been read.
    pub(crate) fn cut_short(&self) {
        self.0.refused.store(true, Ordering::Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A large body, which says when it was read to its end.
struct Large {
    body: Incoming,
    exchange: Arc<Exchange>,
}

impl HttpBody for Large {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.exchange.unread.store(false, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Exchange {
    /// What comes next is a refusal that may leave something unread.
    pub(crate) fn refuse(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }
}

/// Who is at the other end of a connection, for handlers that keep it waiting: an extension of
/// each request, cheap to clone.
#[derive(Clone)]
pub(crate) struct Peer(Arc<Ends>);

struct Ends {
    line: Line,
    stop: CancellationToken,
}

/// Where to look for what the peer does.
pub(crate) enum Line {
    Plain(Reading),
    Secured(Secured),
}

impl Peer {
    pub(crate) fn new(line: Line, stop: CancellationToken) -> Self {
        Self(Arc::new(Ends { line, stop }))
    }

    /// Cancelled when the server stops.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.0.stop.clone()
    }

    /// Resolves when the peer has closed its side, or when the server stops. Once it has sent
    /// another request that can no longer be seen.
    pub(crate) async fn gone(&self) {
        let closed = std::future::poll_fn(|cx| match &self.0.line {
            Line::Plain(reading) => match reading.poll_peek(cx) {
                Poll::Ready(Ok(None) | Err(_)) => Poll::Ready(()),
                Poll::Ready(Ok(Some(_))) | Poll::Pending => Poll::Pending,
            },
            Line::Secured(secured) => secured.lock().poll_closed(cx),
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

    /// The next byte, which stays there to be read; `None` at the end.
    fn poll_peek(&self, cx: &mut Context<'_>) -> Poll<io::Result<Option<u8>>> {
        let mut byte = [0];
        let mut buf = ReadBuf::new(&mut byte);
        let peeked = ready!(self.lock().as_ref().poll_peek(cx, &mut buf))?;
        Poll::Ready(Ok((peeked > 0).then_some(byte[0])))
    }
}

/// A TLS session over a [`Guarded`] socket. Whether the peer has closed its side is said inside the
/// session, so whoever looks has to read ahead. Who reads and who looks live in one task.
#[derive(Clone)]
pub(crate) struct Secured(Arc<Mutex<Session>>);

pub(crate) struct Session {
    stream: TlsStream<Guarded>,
    /// Read by whoever looked.
    ahead: Option<u8>,
    /// Nothing more will come.
    ended: bool,
}

impl Secured {
    pub(crate) fn new(stream: TlsStream<Guarded>) -> Self {
        Self(Arc::new(Mutex::new(Session { stream, ahead: None, ended: false })))
    }

    fn lock(&self) -> MutexGuard<'_, Session> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ended {
            return Poll::Ready(());
        }
        if self.ahead.is_some() {
            return Poll::Pending;
        }
        let mut byte = [0];
        let mut buf = ReadBuf::new(&mut byte);
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf));
        self.ahead = buf.filled().first().copied();
        self.ended = read.is_err() || self.ahead.is_none();
        if self.ended { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut session = self.lock();
        if buf.remaining() > 0
            && let Some(byte) = session.ahead.take()
        {
            buf.put_slice(&[byte]);
            return Poll::Ready(Ok(()));
        }
        if session.ended {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut session.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.lock().stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.lock().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.lock().stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_shutdown(cx)
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
        let exchange = Arc::clone(&self.exchange);
        request.extensions_mut().insert(self.peer.clone());
        request.extensions_mut().insert(Duplex(Arc::clone(&exchange)));
        exchange.begun.fetch_add(1, Ordering::Relaxed);
        exchange.active.store(true, Ordering::Relaxed);
        let is_large = request.body().size_hint().exact().is_none_or(|bytes| bytes > SMALL_BODY);
        exchange.unread.store(is_large, Ordering::Relaxed);
        let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
        let mut router = self.router.clone();
        let answer = if is_large {
            let exchange = Arc::clone(&exchange);
            router.call(request.map(|body| Large { body, exchange }))
        } else {
            router.call(request)
        };
        Handling { answer, exchange, is_chunked }
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
        // What is left of the body is not read, so no other request can follow (RFC 9112 §9.6).
        let is_unread = refused && self.exchange.unread.load(Ordering::Relaxed);
        if is_unread || self.is_chunked {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.exchange.refused.store(refused, Ordering::Relaxed);
        self.exchange.active.store(false, Ordering::Relaxed);
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

    /// The first byte that comes, which stays there to be read; `None` when none does.
    pub(crate) async fn first_byte(&mut self) -> io::Result<Option<u8>> {
        std::future::poll_fn(|cx| {
            let peeked = self.reading.poll_peek(cx);
            let by = self.read_by;
            if peeked.is_pending() && self.passed(by, cx) {
                return Poll::Ready(Err(too_slow()));
            }
            peeked
        })
        .await
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
        if !self.exchange.is_watched() && !self.in_header {
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
        if self.exchange.is_watched() {
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
