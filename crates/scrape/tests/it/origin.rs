//! An origin that answers each request with bytes that a test wrote.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scrape::{Config, Error, Formats, Options, Request, Response, Robots, Scope, Scraper};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// No test takes longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// What the origin does with one request.
pub(crate) enum Answer {
    /// Sends the bytes and closes.
    Bytes(Vec<u8>),
    /// Sends the bytes and then nothing, keeping the connection.
    Hang(Vec<u8>),
    /// Sends the bytes and waits for the next request.
    Keep(Vec<u8>),
    /// Sends the first bytes, and the second again and again, each time after a while.
    Drip(Vec<u8>, Vec<u8>, Duration),
    /// Sends the first bytes, and the second when enough others are there as well.
    Meet(Vec<u8>, Arc<Barrier>, Vec<u8>),
}

/// A request as it arrived: the head as text, and the body.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    pub(crate) fn method(&self) -> &str {
        self.head.split(' ').next().unwrap()
    }
}

/// A server on loopback; it ends when it is dropped.
pub(crate) struct Origin {
    pub(crate) addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    _tasks: JoinSet<()>,
}

impl Origin {
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&seen));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&answer), Arc::clone(&log)));
            }
        });
        Self { addr, seen, _tasks: tasks }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve<A: Fn(&Seen) -> Answer>(
    mut stream: TcpStream,
    answer: Arc<A>,
    log: Arc<Mutex<Vec<Seen>>>,
) {
    while let Some(seen) = read(&mut stream).await {
        log.lock().unwrap().push(seen.clone());
        match answer(&seen) {
            Answer::Keep(bytes) => {
                if stream.write_all(&bytes).await.is_ok() {
                    continue;
                }
            }
            Answer::Bytes(bytes) => {
                let _ = stream.write_all(&bytes).await;
            }
            Answer::Hang(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
            Answer::Drip(head, piece, every) => {
                let _ = stream.write_all(&head).await;
                while stream.write_all(&piece).await.is_ok() {
                    tokio::time::sleep(every).await;
                }
            }
            Answer::Meet(first, others, second) => {
                let _ = stream.write_all(&first).await;
                others.wait().await;
                let _ = stream.write_all(&second).await;
            }
        }
        let _ = stream.shutdown().await;
        return;
    }
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let seen = Seen { head, body: String::new() };
            let length = seen.header("content-length").map_or(0, |n| n.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(Seen {
                    body: String::from_utf8(bytes[end + 4..].to_vec()).unwrap(),
                    ..seen
                });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// An answer with its length.
pub(crate) fn answer(status: &str, headers: &[&str], body: &[u8]) -> Answer {
    let mut bytes = format!("HTTP/1.1 {status}\r\nconnection: close\r\n").into_bytes();
    for header in headers {
        bytes.extend(format!("{header}\r\n").into_bytes());
    }
    bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
    bytes.extend(body);
    Answer::Bytes(bytes)
}

/// A good page.
pub(crate) fn html(body: &str) -> Answer {
    answer("200 OK", &["content-type: text/html; charset=utf-8"], body.as_bytes())
}

/// A scraper that may talk to this machine.
pub(crate) fn scraper(config: Config) -> Scraper {
    let policy = egress::Policy::public_only().allow(&["127.0.0.1".parse().unwrap()]);
    scrape::start(Config { policy, cpu_threads: 2, ..config }).unwrap().0
}

/// A request for every format of the whole page, whatever robots.txt says.
pub(crate) fn request(url: &str) -> Request {
    let mut request = Request::get(url.parse().unwrap());
    request.robots = Robots::Ignore;
    request.options = Options { formats: Formats::ALL, scope: Scope::Page, select: None };
    request
}

/// What comes of `answer`.
pub(crate) async fn scrape(
    answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
) -> Result<Response, Error> {
    let origin = Origin::start(answer).await;
    within(scraper(Config::default()).scrape(request(&origin.url("/")))).await
}

/// The value of a future that must not take long.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("a test must not hang")
}

/// In a test with paused time: lets it go on only a little whenever nothing is to be done, so that
/// what is on its way through the kernel arrives in time.
pub(crate) fn slowly() -> JoinSet<()> {
    let mut ticking = JoinSet::new();
    ticking.spawn(async {
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    ticking
}
