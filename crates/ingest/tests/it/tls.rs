//! The API over TLS. The certificates (`tls/first.pem`, `tls/second.pem`) are for `api.example`,
//! signed by themselves, and last until 2126.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ingest::{Config, ServeConfig, SinkSpec, Tls, TlsError};
use jobs::{Bounds, State};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::served::{PATIENCE, read_all};
use crate::world::World;

const FIRST: [&[u8]; 2] = [include_bytes!("tls/first.pem"), include_bytes!("tls/first.key")];
const SECOND: [&[u8]; 2] = [include_bytes!("tls/second.pem"), include_bytes!("tls/second.key")];
const GET: &str = "GET /healthz HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n\r\n";

struct Server {
    world: World,
    at: SocketAddr,
    tls: Tls,
    stop: CancellationToken,
    running: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(world: World, serve: ServeConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let tls = Tls::new(FIRST[0], FIRST[1]).unwrap();
        let router = world.router.clone();
        let serving = ingest::serve_tls(listener, router, serve, tls.clone(), stop.clone());
        #[expect(clippy::disallowed_methods, reason = "the test joins it")]
        let running = tokio::spawn(serving);
        Self { world, at, tls, stop, running }
    }

    async fn plain() -> Self {
        Self::start(World::new(), ServeConfig::default()).await
    }

    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.at).await.unwrap()
    }

    /// A session with whoever shows this certificate.
    async fn session(&self, certificate: &[u8]) -> std::io::Result<TlsStream<TcpStream>> {
        let connector = TlsConnector::from(Arc::new(trusting(certificate)));
        let name = ServerName::try_from("api.example").unwrap();
        timeout(PATIENCE, connector.connect(name, self.tcp().await)).await.unwrap()
    }

    async fn stop(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.running).await.unwrap().unwrap().unwrap();
    }
}

/// A client that offers HTTP/2 and HTTP/1.1.
fn trusting(certificate: &[u8]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

async fn answer(stream: &mut TlsStream<TcpStream>, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    text
}

#[tokio::test]
async fn requests_are_answered_over_tls_and_the_session_ends_in_order() {
    let server = Server::plain().await;
    let mut stream = server.session(FIRST[0]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let job = r#"{"url":"https://example.com"}"#;
    let post = format!(
        "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{job}",
        job.len()
    );
    stream.write_all(post.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut head)).await.unwrap().unwrap();
    assert_eq!(&head, b"HTTP/1.1 202");
    let mut stream = server.session(FIRST[0]).await.unwrap();
    // `read_to_string` holds that there is a close_notify: without one it is an error.
    assert!(answer(&mut stream, GET).await.starts_with("HTTP/1.1 200 OK\r\n"));
    let refused = "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n";
    let mut stream = server.session(FIRST[0]).await.unwrap();
    assert!(answer(&mut stream, refused).await.starts_with("HTTP/1.1 4"));
    server.stop().await;
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_whoever_comes_next_and_a_broken_one_to_nobody() {
    let server = Server::plain().await;
    let mut old = server.session(FIRST[0]).await.unwrap();
    server.tls.replace(SECOND[0], SECOND[1]).unwrap();
    assert!(server.session(FIRST[0]).await.is_err(), "the first one is not shown any more");
    let mut new = server.session(SECOND[0]).await.unwrap();
    assert!(answer(&mut old, GET).await.starts_with("HTTP/1.1 200 "), "open sessions stay");
    assert!(answer(&mut new, GET).await.starts_with("HTTP/1.1 200 "));
    assert!(matches!(server.tls.replace(FIRST[0], SECOND[1]), Err(TlsError::Mismatch)));
    assert!(matches!(server.tls.replace(b"", FIRST[1]), Err(TlsError::NoCertificate)));
    assert!(matches!(server.tls.replace(FIRST[0], FIRST[0]), Err(TlsError::NoKey)));
    let mut kept = server.session(SECOND[0]).await.unwrap();
    assert!(answer(&mut kept, GET).await.starts_with("HTTP/1.1 200 "));
    server.stop().await;
}

#[tokio::test]
async fn who_speaks_http_to_the_tls_port_is_told_so() {
    let server = Server::plain().await;
    let mut stream = server.tcp().await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    let text = read_all(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
    let problem: serde_json::Value =
        serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("https"), "{problem}");
    for rubbish in [&b"\x16\x03\x01\xff\xff rubbish"[..], b"\x00\x00\x00", b"\x16"] {
        let mut stream = server.tcp().await;
        stream.write_all(rubbish).await.unwrap();
        stream.shutdown().await.unwrap();
        assert!(!read_all_bytes(&mut stream).await.starts_with(b"HTTP"));
    }
    let mut stream = server.session(FIRST[0]).await.unwrap();
    assert!(answer(&mut stream, GET).await.starts_with("HTTP/1.1 200 "));
    server.stop().await;
}

async fn read_all_bytes(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the server closes");
    bytes
}

#[tokio::test]
async fn a_slow_handshake_is_cut_off() {
    let time = Duration::from_millis(200);
    let config =
        ServeConfig { header_read_timeout: time, max_connections: 2, ..ServeConfig::default() };
    let server = Server::start(World::new(), config).await;
    let mut silent = server.tcp().await;
    let mut slow = server.tcp().await;
    slow.write_all(b"\x16\x03\x01").await.unwrap();
    assert!(read_all_bytes(&mut silent).await.is_empty());
    read_all_bytes(&mut slow).await;
    let mut stream = server.session(FIRST[0]).await.unwrap();
    assert!(answer(&mut stream, GET).await.starts_with("HTTP/1.1 200 "));
    server.stop().await;
}

#[tokio::test]
async fn a_puller_that_goes_away_over_tls_is_noticed() {
    let desk = Arc::new(Desk::with_operators("queue", SinkSpec::new("pull:".parse().unwrap())));
    let world = World::composed(Config::default(), Bounds::default(), desk, |store| store);
    let server = Server::start(world, ServeConfig::default()).await;
    let pull = "GET /v1/pull?sink=queue&wait=60s HTTP/1.1\r\nHost: x\r\n\r\n";
    for in_order in [true, false] {
        let mut stream = server.session(FIRST[0]).await.unwrap();
        stream.write_all(pull.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        // It waits by now, or will find that nobody is there when it begins to.
        if in_order {
            stream.shutdown().await.unwrap();
            let mut text = String::new();
            let begun = Instant::now();
            timeout(PATIENCE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
            assert!(begun.elapsed() < PATIENCE && text.starts_with("HTTP/1.1 204"), "{text}");
        }
        drop(stream);
        let id = server.world.submit(r#"{"url":"https://example.com"}"#).await;
        server.world.advance("queue", r#"{"type":"job.succeeded"}"#).await;
        let mut stream = server.session(FIRST[0]).await.unwrap();
        stream.write_all(pull.as_bytes()).await.unwrap();
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&text).contains(&id.to_string()) {
            let read = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&buffer[..read]);
        }
        assert_eq!(server.world.record(id).await.state, State::Leased);
    }
    server.stop().await;
}

#[tokio::test]
async fn requests_that_come_together_over_tls_are_all_answered() {
    let server = Server::plain().await;
    let mut stream = server.session(FIRST[0]).await.unwrap();
    let one = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let text = answer(&mut stream, &format!("{one}{one}{GET}")).await;
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 3, "{text}");
    server.stop().await;
}
