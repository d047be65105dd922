//! `serve`, over sockets.

use std::net::SocketAddr;
use std::time::Duration;

use ingest::{Config, ServeConfig};
use jobs::{Bounds, Store as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::world::World;

/// Longer than anything here takes; a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const JOB: &str = r#"{"url":"https://example.com"}"#;

pub(crate) struct Server {
    pub(crate) world: World,
    at: SocketAddr,
    pub(crate) stop: CancellationToken,
    running: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start(config: Config, serve: ServeConfig) -> Self {
        Self::over(World::with(config, Bounds::default()), serve).await
    }

    pub(crate) async fn over(world: World, serve: ServeConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = ingest::serve(listener, world.router.clone(), serve, stop.clone());
        #[expect(clippy::disallowed_methods, reason = "the test joins it")]
        let running = tokio::spawn(serving);
        Self { world, at, stop, running }
    }

    pub(crate) async fn plain() -> Self {
        Self::start(Config::default(), ServeConfig::default()).await
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.at).await.unwrap()
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.running).await.unwrap().unwrap().unwrap();
    }
}

fn post(body: &str) -> String {
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Reads until the peer closes, or until `enough` has come.
pub(crate) async fn read_until(stream: &mut TcpStream, enough: impl Fn(&str) -> bool) -> String {
    let mut text = Vec::new();
    let reading = async {
        let mut buf = [0; 4096];
        while !enough(&String::from_utf8_lossy(&text)) {
            match stream.read(&mut buf).await {
                Ok(0) | Err(_) => break,
                Ok(n) => text.extend_from_slice(&buf[..n]),
            }
        }
    };
    timeout(PATIENCE, reading).await.expect("the server answers or closes");
    String::from_utf8(text).unwrap()
}

pub(crate) async fn read_all(stream: &mut TcpStream) -> String {
    read_until(stream, |_| false).await
}

/// Sends a request on a connection of its own and reads its answer.
pub(crate) async fn exchange(server: &Server, request: &str) -> String {
    let mut stream = server.connect().await;
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    read_all(&mut stream).await
}

pub(crate) async fn until(what: &str, mut met: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !met() {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let server = Server::plain().await;
    let mut stream = server.connect().await;
    for n in 1..=3 {
        stream.write_all(post(JOB).as_bytes()).await.unwrap();
        let answer = read_until(&mut stream, |text| text.ends_with('}')).await;
        assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
        assert_eq!(server.world.store.counts().live(), n);
    }
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_after_sending_has_its_job_stored() {
    let server = Server::plain().await;
    for n in 1..=50 {
        let mut stream = server.connect().await;
        stream.write_all(post(JOB).as_bytes()).await.unwrap();
        drop(stream);
        until("the job is stored", || server.world.store.counts().live() == n).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_closes_its_side_is_answered() {
    let server = Server::plain().await;
    assert!(exchange(&server, &post(JOB)).await.starts_with("HTTP/1.1 202 "));
    server.stop().await;
}

#[tokio::test]
async fn a_slow_header_section_is_cut_off() {
    let time = Duration::from_millis(300);
    let config = ServeConfig { header_read_timeout: time, ..ServeConfig::default() };
    let server = Server::start(Config::default(), config).await;
    let begun = Instant::now();
    let mut stream = server.connect().await;
    let dripping = async {
        let mut drops = b"GET /healthz HTTP/1.1\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'x'));
        while stream.write_all(&[*drops.next().unwrap()]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, dripping).await.expect("the server cuts it off");
    assert!(begun.elapsed() >= time);
    let mut silent = server.connect().await;
    assert_eq!(read_all(&mut silent).await, "", "neither does silence hold a connection");
    server.stop().await;
}

#[tokio::test]
async fn an_idle_connection_is_kept_longer_than_a_header_may_take_and_then_closed() {
    let config = ServeConfig {
        header_read_timeout: Duration::from_millis(100),
        idle_timeout: Duration::from_millis(600),
        ..ServeConfig::default()
    };
    let server = Server::start(Config::default(), config).await;
    let mut stream = server.connect().await;
    let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request).await.unwrap();
    read_until(&mut stream, |text| text.ends_with('}')).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    stream.write_all(request).await.unwrap();
    let answer = read_until(&mut stream, |text| text.ends_with('}')).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let idle = Instant::now();
    assert_eq!(read_all(&mut stream).await, "");
    assert!(idle.elapsed() >= Duration::from_millis(500), "{:?}", idle.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn a_slow_body_is_cut_off() {
    let config = Config { body_timeout: Duration::from_millis(200), ..Config::default() };
    let server = Server::start(config, ServeConfig::default()).await;
    let mut stream = server.connect().await;
    let request = post(&JOB.repeat(10));
    stream.write_all(&request.as_bytes()[..request.len() - 5]).await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    assert_eq!(server.world.store.counts().live(), 0);
    server.stop().await;
}

#[tokio::test]
async fn an_oversized_body_is_refused_unread_and_the_answer_arrives() {
    let config = Config { max_body: 1000, ..Config::default() };
    let server = Server::start(config, ServeConfig::default()).await;
    // Announced: refused before a byte of it is sent.
    let mut stream = server.connect().await;
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    // Not announced, by a client that sends on without listening.
    let mut stream = server.connect().await;
    let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("2000\r\n{}\r\n", "x".repeat(0x2000));
    for _ in 0..20 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn bodies_that_do_not_fit_in_memory_are_told_to_come_back() {
    let config = Config { memory: 60, ..Config::default() };
    let server = Server::start(config, ServeConfig::default()).await;
    let mut first = server.connect().await;
    let request = post(&format!("{JOB}{}", " ".repeat(30)));
    let (most, rest) = request.split_at(request.len() - 5);
    first.write_all(most.as_bytes()).await.unwrap();
    // The first is charged once it has been read, which nothing shows but the answer to others.
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = exchange(&server, &post(JOB)).await;
        if answer.starts_with("HTTP/1.1 503 ") {
            assert!(answer.to_lowercase().contains("\r\nretry-after: "), "{answer}");
            break;
        }
        assert!(Instant::now() < end, "{answer}");
    }
    first.write_all(rest.as_bytes()).await.unwrap();
    let answer = read_until(&mut first, |text| text.ends_with('}')).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert!(exchange(&server, &post(JOB)).await.starts_with("HTTP/1.1 202 "));
    drop(first);
    server.stop().await;
}

#[tokio::test]
async fn a_large_header_section_is_431() {
    let config = ServeConfig { max_header_bytes: 8192, ..ServeConfig::default() };
    let server = Server::start(Config::default(), config).await;
    let request = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(10_000));
    let answer = exchange(&server, &request).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_http_is_400_or_closed() {
    let server = Server::plain().await;
    for garbage in ["hello\r\n\r\n", "\x16\x03\x01\x02\x00", "GET / HTTP/9.9\r\n\r\n"] {
        let answer = exchange(&server, garbage).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    assert!(exchange(&server, &post(JOB)).await.starts_with("HTTP/1.1 202 "));
    server.stop().await;
}

#[tokio::test]
async fn beyond_the_connection_limit_nothing_is_accepted_until_one_ends() {
    let config = ServeConfig { max_connections: 2, ..ServeConfig::default() };
    let server = Server::start(Config::default(), config).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        read_until(&mut stream, |text| text.ends_with('}')).await;
        held.push(stream);
    }
    let mut third = server.connect().await;
    third.write_all(post(JOB).as_bytes()).await.unwrap();
    let waited = timeout(Duration::from_millis(300), third.readable()).await;
    assert!(waited.is_err(), "the third is not served");
    assert_eq!(server.world.store.counts().live(), 0);
    held.pop();
    let answer = read_until(&mut third, |text| text.ends_with('}')).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    drop((held, third));
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_takes_no_answer_is_let_go() {
    let config = ServeConfig { idle_timeout: Duration::from_millis(300), ..ServeConfig::default() };
    let server = Server::start(Config::default(), config).await;
    // Enough answers, asked for and never read, to fill the buffers on the way.
    let mut stream = server.connect().await;
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
    let asking = async { while stream.write_all(&request).await.is_ok() {} };
    timeout(PATIENCE, asking).await.expect("the server closes the connection");
    server.stop().await;
}

#[tokio::test]
async fn stopping_lets_requests_finish_and_closes_idle_connections() {
    let server = Server::plain().await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read_until(&mut idle, |text| text.ends_with('}')).await;
    let mut busy = server.connect().await;
    let request = post(JOB);
    let (head, tail) = request.split_at(request.len() - 5);
    busy.write_all(head.as_bytes()).await.unwrap();
    // Served in order of arrival: once a later connection was answered, `busy` is being read.
    assert!(exchange(&server, &post(JOB)).await.starts_with("HTTP/1.1 202 "));
    server.stop.cancel();
    assert_eq!(read_all(&mut idle).await, "", "an idle connection is closed");
    busy.write_all(tail.as_bytes()).await.unwrap();
    let answer = read_all(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert!(TcpStream::connect(server.at).await.is_err(), "nobody listens any more");
    server.stop().await;
}
