use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::connection::{Exchange, Guarded, Handler, Line, Peer, Secured};
use crate::{ServeConfig, Tls};

/// First and longest pause after a failed accept: out of descriptors, or of memory. Somebody has
/// to let go of some first.
const BACK_OFF: Duration = Duration::from_millis(10);
const MAX_BACK_OFF: Duration = Duration::from_secs(1);
/// Least that hyper takes for a header section.
const LEAST_HEADER_BYTES: usize = 8192;
/// What is said, unencrypted, to a peer that speaks HTTP where TLS is spoken.
const SPEAK_TLS: &str = "HTTP/1.1 400 Bad Request\r\n\
    Content-Type: application/problem+json\r\nConnection: close\r\n\r\n\
    {\"type\":\"urn:pagewire:problem:bad-request\",\"title\":\"Bad request\",\"status\":400,\
    \"detail\":\"this port speaks TLS: use https\"}";

/// Serves `router` over HTTP/1.1 until `stop`, then lets requests that are under way finish; those
/// that only wait for something to happen are answered at once, and event streams end. The time
/// for that is the caller's: dropping the future closes what is still open.
///
/// # Errors
/// When the listener cannot be used at all. What fails while a connection is accepted is waited
/// out.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: ServeConfig,
    stop: CancellationToken,
) -> io::Result<()> {
    accept_all(listener, router, config, None, stop).await
}

/// As [`serve`], over TLS and nothing else. A handshake is held to the time of a header section,
/// which begins with it.
///
/// # Errors
/// As [`serve`].
pub async fn serve_tls(
    listener: TcpListener,
    router: Router,
    config: ServeConfig,
    tls: Tls,
    stop: CancellationToken,
) -> io::Result<()> {
    accept_all(listener, router, config, Some(tls), stop).await
}

async fn accept_all(
    listener: TcpListener,
    router: Router,
    config: ServeConfig,
    tls: Option<Tls>,
    stop: CancellationToken,
) -> io::Result<()> {
    let slots = Arc::new(Semaphore::new(config.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    let mut back_off = BACK_OFF;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = connections.join_next() => {
                report(ended);
                continue;
            }
            accepted = accept(&listener, &slots) => accepted,
        };
        match accepted {
            Ok((stream, slot)) => {
                back_off = BACK_OFF;
                let (router, tls, stop) = (router.clone(), tls.clone(), stop.clone());
                connections.spawn(connection(stream, router, config, tls, stop, slot));
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) if is_the_listeners(&error) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, pause_ms = u64::try_from(back_off.as_millis()).unwrap_or(u64::MAX), "cannot accept");
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(back_off) => {}
                }
                back_off = MAX_BACK_OFF.min(back_off.saturating_mul(2));
            }
        }
    }
    drop(listener);
    while let Some(ended) = connections.join_next().await {
        report(ended);
    }
    Ok(())
}

/// A connection and the right to serve it. Nothing is accepted that could not be served; whoever
/// is not accepted waits in the listener's backlog.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
    let (stream, _) = listener.accept().await?;
    Ok((stream, slot))
}

fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn is_the_listeners(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a request's handler panicked");
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    config: ServeConfig,
    tls: Option<Tls>,
    stop: CancellationToken,
    _slot: OwnedSemaphorePermit,
) {
    // An answer is one write; waiting to join it with the next only delays it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "connection gone before it was served");
        return;
    }
    let exchange = Arc::new(Exchange::default());
    let guarded = Guarded::new(stream, Arc::clone(&exchange), &config);
    let Some(tls) = tls else {
        let peer = Peer::new(Line::Plain(guarded.reading()), stop.clone());
        return requests(guarded, Handler::new(router, exchange, peer), config, stop).await;
    };
    let secured = tokio::select! {
        biased;
        () = stop.cancelled() => return,
        secured = secure(guarded, &tls, &exchange) => secured,
    };
    match secured {
        Ok(Some(secured)) => {
            let peer = Peer::new(Line::Secured(secured.clone()), stop.clone());
            requests(secured, Handler::new(router, exchange, peer), config, stop).await;
        }
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "no TLS session came about"),
    }
}

/// Agrees on a TLS session; `None` with a peer that speaks HTTP at once, which is told so.
async fn secure(
    mut guarded: Guarded,
    tls: &Tls,
    exchange: &Exchange,
) -> io::Result<Option<Secured>> {
    let first = guarded.first_byte().await?;
    if first.is_some_and(|byte| byte.is_ascii_alphabetic()) {
        exchange.refuse();
        guarded.write_all(SPEAK_TLS.as_bytes()).await?;
        guarded.shutdown().await?;
        return Ok(None);
    }
    let session = TlsAcceptor::from(tls.current()).accept(guarded).await?;
    Ok(Some(Secured::new(session)))
}

/// Serves the requests of one connection.
async fn requests<I>(io: I, handler: Handler, config: ServeConfig, stop: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let max_header_bytes = config.max_header_bytes.max(LEAST_HEADER_BYTES);
    let served = http1::Builder::new()
        // `Guarded` keeps the time, for less than a timer per request.
        .header_read_timeout(None)
        // Whoever has sent a whole request and closes its side is served all the same.
        .half_close(true)
        .max_header_size(max_header_bytes)
        .max_buf_size(max_header_bytes)
        .serve_connection(TokioIo::new(io), handler);
    tokio::pin!(served);
    let ended = tokio::select! {
        biased;
        ended = served.as_mut() => ended,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}
