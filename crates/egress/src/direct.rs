use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, USER_AGENT};
use http::request::Parts;
use http::{Extensions, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::ext::on_informational;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tower_service::Service;

use crate::classify::find;
use crate::client::ClientConfig;
use crate::guard::Guard;
use crate::stream::{Stream, Used};

/// What one HTTP/2 stream may have sent that is not read yet: it counts against no budget.
pub(crate) const H2_STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// The same for all streams of one connection.
pub(crate) const H2_CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// What hyper parses into without an allocation, as long as it is not told a number.
pub(crate) const HYPER_MAX_HEADERS: usize = 100;

/// Interim answers (1xx) to one request that are passed over. HTTP/1 only.
const MAX_INTERIM: u32 = 32;
/// How often a request is sent at most, when its connection turned out to have ended or the server
/// says that it did nothing.
const MAX_SENDS: u32 = 4;
/// What a head may have beside its header fields' names and values.
const HEAD_EXTRA_BYTES: usize = 16 * 1024;

/// A client that goes straight to its targets.
#[derive(Clone)]
pub(crate) struct Direct {
    inner: legacy::Client<Connector, Full<Bytes>>,
    agent: HeaderValue,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Told by the layers below.
    Client(legacy::Error),
    /// More than [`MAX_INTERIM`] interim answers.
    Interim,
}

impl Direct {
    pub(crate) fn new(
        config: &ClientConfig,
        tls: rustls::ClientConfig,
        agent: HeaderValue,
        guard: Guard,
    ) -> Self {
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(config.pool_idle_timeout)
            .pool_max_idle_per_host(config.pool_max_idle_per_host)
            .http1_max_buf_size(config.max_header_bytes.saturating_add(HEAD_EXTRA_BYTES))
            .http1_allow_obsolete_multiline_headers_in_responses(config.lenient_headers)
            .http1_allow_spaces_after_header_name_in_responses(config.lenient_headers)
            .http1_ignore_invalid_headers_in_responses(config.lenient_headers)
            .http2_initial_stream_window_size(H2_STREAM_WINDOW_BYTES)
            .http2_initial_connection_window_size(H2_CONNECTION_WINDOW_BYTES)
            .http2_max_header_list_size(config.max_header_bytes.try_into().unwrap_or(u32::MAX));
        if config.http1_max_headers != HYPER_MAX_HEADERS {
            builder.http1_max_headers(config.http1_max_headers);
        }
        Self { inner: builder.build(Connector::new(config, tls, guard)), agent }
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// It is sent again at once when the server certainly did nothing (RFC 9113, section 8.7), and a
    /// GET or HEAD also when it was lost on a connection that had been used before, which tells
    /// nothing of the server but that it ends connections (RFC 9112, section 9.3.1).
    pub(crate) async fn send(
        &self,
        mut head: Parts,
        body: Bytes,
    ) -> Result<http::Response<Incoming>, Failure> {
        head.headers.entry(USER_AGENT).or_insert_with(|| self.agent.clone());
        head.headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let mut sends = 1;
        loop {
            let request = Request::from_parts(head.clone(), Full::new(body.clone()));
            let failure = match self.send_once(request).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            if sends == MAX_SENDS || !failure.allows_another(&head.method) {
                return Err(failure);
            }
            sends += 1;
        }
    }

    async fn send_once(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<http::Response<Incoming>, Failure> {
        let interim = Arc::new(Interim::default());
        let counted = Arc::clone(&interim);
        on_informational(&mut request, move |_| counted.count());
        let response = tokio::select! {
            biased;
            () = interim.too_many.notified() => return Err(Failure::Interim),
            answered = self.inner.request(request) => answered.map_err(Failure::Client)?,
        };
        if let Some(used) = response.extensions().get::<Used>() {
            used.set();
        }
        Ok(response)
    }
}

/// The interim answers to one request.
#[derive(Default)]
struct Interim {
    seen: AtomicU32,
    too_many: Notify,
}

impl Interim {
    fn count(&self) {
        if self.seen.fetch_add(1, Ordering::Relaxed) == MAX_INTERIM {
            self.too_many.notify_one();
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(error) => error.fmt(f),
            Self::Interim => f.write_str("too many interim answers"),
        }
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Client(error) => error.source(),
            Self::Interim => None,
        }
    }
}

impl Failure {
    /// Whether there was no connection.
    pub(crate) fn is_connect(&self) -> bool {
        matches!(self, Self::Client(error) if error.is_connect())
    }

    fn allows_another(&self, method: &Method) -> bool {
        let Self::Client(error) = self else { return false };
        if error.is_connect() {
            return false;
        }
        if let Some(h2) = find::<h2::Error>(error) {
            return h2.is_remote()
                && (h2.is_go_away() && h2.reason() == Some(h2::Reason::NO_ERROR)
                    || h2.is_reset() && h2.reason() == Some(h2::Reason::REFUSED_STREAM));
        }
        let was_used = error.connect_info().is_some_and(|connected| {
            let mut extras = Extensions::new();
            connected.get_extras(&mut extras);
            extras.get::<Used>().is_some_and(Used::is_set)
        });
        was_used && matches!(*method, Method::GET | Method::HEAD) && is_lost(error)
    }
}

/// Whether the connection ended before anything of an answer was there.
fn is_lost(error: &(dyn StdError + 'static)) -> bool {
    let closed = find::<hyper::Error>(error)
        .is_some_and(|http| http.is_incomplete_message() || http.is_closed() || http.is_canceled());
    let cut = find::<std::io::Error>(error).is_some_and(|io| {
        use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        matches!(io.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
    });
    closed || cut
}

/// Connects to what the guard hands out, with TLS where the URL says so, in bounded time.
#[derive(Clone)]
struct Connector {
    inner: HttpsConnector<HttpConnector<Guard>>,
    timeout: Duration,
}

/// A connection was not there in time.
#[derive(Debug)]
pub(crate) struct ConnectTimeout;

impl fmt::Display for ConnectTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection in time")
    }
}

impl StdError for ConnectTimeout {}

impl Connector {
    fn new(config: &ClientConfig, tls: rustls::ClientConfig, guard: Guard) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(guard);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        Self { inner: (tcp, tls).into(), timeout: config.connect_timeout }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream<MaybeHttpsStream<TokioIo<TcpStream>>>;
    type Error = Box<dyn StdError + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let (connecting, limit) = (self.inner.call(target), self.timeout);
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected.map(Stream::new),
                Err(_) => Err(ConnectTimeout.into()),
            }
        })
    }
}
