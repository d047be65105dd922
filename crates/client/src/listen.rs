//! `pagewire listen`: a sink to try things with.

mod delivery;
mod keyring;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::delivery::Delivery;
use self::keyring::Keyring;
use crate::failure::{Failure, Result};
use crate::out::Out;

/// A larger body is refused: events are, in their default form, at most 5 MB.
const MAX_BODY_BYTES: usize = 256 << 20;
/// Connections at once.
const MAX_CONNECTIONS: usize = 256;
/// A header section takes no longer.
const HEADER_TIME: Duration = Duration::from_secs(15);
/// After the last delivery, its answer has this long to get out.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// When no connection can be taken: descriptors are short, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How to receive.
#[derive(Clone, Debug, Args)]
pub struct Listen {
    /// Where to listen.
    #[arg(value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9000", value_parser = address)]
    at: SocketAddr,
    /// What to verify with: a secret (whsec_…) or a public key (whpk_…); repeat it for more.
    /// Unless given, the server's own, from its data directory.
    #[arg(
        long,
        env = "PAGEWIRE_SECRET",
        value_name = "SECRET",
        value_delimiter = ',',
        hide_env_values = true
    )]
    secret: Vec<String>,
    /// A file with secrets or public keys, one a line.
    #[arg(long, value_name = "PATH")]
    secret_file: Vec<PathBuf>,
    /// The server's data directory.
    #[arg(long, env = "PAGEWIRE_DATA_DIR", value_name = "PATH", default_value = "./pagewire-data")]
    data_dir: PathBuf,
    /// Verify nothing.
    #[arg(long, conflicts_with_all = ["secret", "secret_file"])]
    unverified: bool,
    /// The status to answer with.
    #[arg(long, value_name = "CODE", default_value_t = 200,
          value_parser = clap::value_parser!(u16).range(200..=599))]
    status: u16,
    /// Answer every Nth delivery with 503, to see it come again.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    fail_every: Option<u64>,
    /// Print bodies too.
    #[arg(short, long)]
    verbose: bool,
    /// End after so many deliveries.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Print one JSON object a delivery.
    #[arg(long)]
    pub(crate) json: bool,
}

fn address(text: &str) -> std::result::Result<SocketAddr, String> {
    let usage = "expected an address and a port, such as 127.0.0.1:9000, or a port";
    let text = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => format!("127.0.0.1:{text}"),
        None => text.to_owned(),
    };
    text.parse().map_err(|_| usage.to_owned())
}

/// What every connection shares.
struct Receiver {
    out: Out,
    keyring: Keyring,
    status: StatusCode,
    fail_every: Option<u64>,
    most: u64,
    is_verbose: bool,
    seen: AtomicU64,
    /// Why there is nothing more to do.
    end: watch::Sender<Option<End>>,
}

/// Why a receiver ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It has seen as many deliveries as it should.
    Enough,
    /// Nobody reads what it prints.
    Unread,
}

impl Listen {
    pub(crate) async fn run(&self, out: Out) -> Result<()> {
        let keyring = Keyring::new(self)?;
        let listener = TcpListener::bind(self.at).await.map_err(|error| {
            Failure::Failed(format!("cannot listen on {}: {error}: give another port", self.at))
        })?;
        let at = listener.local_addr().unwrap_or(self.at);
        self.greet(out, at, &keyring);
        let receiver = Arc::new(Receiver {
            out,
            keyring,
            status: StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK),
            fail_every: self.fail_every,
            most: self.count.unwrap_or(u64::MAX),
            is_verbose: self.verbose,
            seen: AtomicU64::new(0),
            end: watch::Sender::new(None),
        });
        accept(listener, receiver).await
    }

    fn greet(&self, out: Out, at: SocketAddr, keyring: &Keyring) {
        if out.is_json() {
            out.note(serde_json::json!({"listening": format!("http://{at}/")}));
            return;
        }
        out.note(format_args!(
            "listening on http://{at}/ ({})\n  in another terminal: pagewire --forward-to http://{at}/",
            keyring.describe()
        ));
    }
}

/// Takes connections until there has been enough, or nobody reads what is printed.
async fn accept(listener: TcpListener, receiver: Arc<Receiver>) -> Result<()> {
    let mut connections = JoinSet::new();
    let mut end = receiver.end.subscribe();
    let ended = loop {
        tokio::select! {
            biased;
            end = over(&mut end) => break end,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&receiver)));
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
        }
    };
    // The last answers are still on their way.
    let _ = timeout(LAST_WORDS, async { while connections.join_next().await.is_some() {} }).await;
    match ended {
        End::Enough => Ok(()),
        End::Unread => Err(Failure::Closed),
    }
}

/// Waits until there is nothing more to do.
async fn over(end: &mut watch::Receiver<Option<End>>) -> End {
    match end.wait_for(Option::is_some).await {
        Ok(end) => end.unwrap_or(End::Enough),
        Err(_) => End::Enough,
    }
}

async fn serve(stream: TcpStream, receiver: Arc<Receiver>) {
    let mut end = receiver.end.subscribe();
    let service = service_fn(move |request| answer(Arc::clone(&receiver), request));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME);
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // What a stranger sent that is no HTTP is nobody's concern.
        _ = connection.as_mut() => {}
        _ = over(&mut end) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn answer(
    receiver: Arc<Receiver>,
    request: Request<Incoming>,
) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        let text = "this is `pagewire listen`: POST events here\n";
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, text);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return Ok(response);
    }
    let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
        return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large, or broke off\n"));
    };
    let number = receiver.seen.fetch_add(1, Ordering::Relaxed) + 1;
    let status = match receiver.fail_every {
        Some(every) if number.is_multiple_of(every) => StatusCode::SERVICE_UNAVAILABLE,
        _ => receiver.status,
    };
    let delivery = Delivery::read(&parts, body.to_bytes(), status, &receiver.keyring);
    if delivery.print(receiver.out, receiver.is_verbose).is_err() {
        receiver.end.send_replace(Some(End::Unread));
    }
    if number >= receiver.most {
        receiver.end.send_replace(Some(End::Enough));
    }
    Ok(plain(status, ""))
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests;
