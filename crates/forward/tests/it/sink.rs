//! A receiver that does what a test wants, and remembers what came.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use forward::{Config, Delivery, Forwarder, JSON, Receipt, Secret};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;

/// The time that deliveries of these tests carry.
pub(crate) const NOW_S: i64 = 1_790_000_000;

/// What the sink does with each request, once it has read all of it.
#[derive(Clone)]
pub(crate) enum Reply {
    /// These bytes, and on to the next request.
    Raw(String),
    /// This head, then bytes for ever, each piece of this size after this pause.
    Endless { head: &'static str, piece_bytes: usize, pause: Duration },
    /// Nothing at all.
    Silence,
    /// A TCP reset.
    Reset,
    /// 204 as soon as the gate is open.
    Gated(watch::Receiver<bool>),
    /// One of these for each request, in this order; then 204.
    Script(Arc<Mutex<VecDeque<Reply>>>),
}

impl Reply {
    pub(crate) fn status(line: &str) -> Self {
        Self::Raw(format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\n\r\n"))
    }

    /// What it does with the request that is there now.
    fn next(&self) -> Self {
        match self {
            Self::Script(left) => left
                .lock()
                .unwrap()
                .pop_front()
                .unwrap_or_else(|| Self::Raw("HTTP/1.1 204 No Content\r\n\r\n".into())),
            other => other.clone(),
        }
    }

    pub(crate) fn script(replies: impl IntoIterator<Item = Self>) -> Self {
        Self::Script(Arc::new(Mutex::new(replies.into_iter().collect())))
    }
}

pub(crate) struct Received {
    pub(crate) request_line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
struct Seen {
    received: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    answered: AtomicUsize,
    hung_up: AtomicUsize,
}

pub(crate) struct Sink {
    pub(crate) url: Url,
    seen: Arc<Seen>,
    _server: JoinSet<()>,
}

impl Sink {
    pub(crate) async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?from=test", listener.local_addr().unwrap());
        let seen = Arc::new(Seen::default());
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::clone(&seen), reply));
        Self { url: url.parse().unwrap(), seen, _server: server }
    }

    pub(crate) async fn gated() -> (Self, watch::Sender<bool>) {
        let (gate, opened) = watch::channel(false);
        (Self::start(Reply::Gated(opened)).await, gate)
    }

    pub(crate) fn received(&self) -> std::sync::MutexGuard<'_, Vec<Received>> {
        self.seen.received.lock().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.seen.in_flight.load(Ordering::SeqCst)
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        self.seen.most_in_flight.load(Ordering::SeqCst)
    }

    pub(crate) fn answered(&self) -> usize {
        self.seen.answered.load(Ordering::SeqCst)
    }

    /// Connections whose other end went away while the sink was writing.
    pub(crate) fn hung_up(&self) -> usize {
        self.seen.hung_up.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, seen: Arc<Seen>, reply: Reply) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        connections.spawn(converse(stream, Arc::clone(&seen), reply.clone()));
    }
}

async fn converse(mut stream: TcpStream, seen: Arc<Seen>, reply: Reply) {
    while let Some(received) = read_request(&mut stream).await {
        seen.received.lock().unwrap().push(received);
        let now = seen.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most_in_flight.fetch_max(now, Ordering::SeqCst);
        let on = answer(&mut stream, &seen, &reply.next()).await;
        seen.in_flight.fetch_sub(1, Ordering::SeqCst);
        if !on {
            return;
        }
    }
}

/// Whether the connection goes on.
async fn answer(stream: &mut TcpStream, seen: &Seen, reply: &Reply) -> bool {
    match reply {
        Reply::Raw(text) => stream.write_all(text.as_bytes()).await.unwrap(),
        Reply::Silence => std::future::pending().await,
        Reply::Reset => {
            stream.set_zero_linger().unwrap();
            return false;
        }
        Reply::Endless { head, piece_bytes, pause } => {
            stream.write_all(head.as_bytes()).await.unwrap();
            let piece = vec![b'x'; *piece_bytes];
            while stream.write_all(&piece).await.is_ok() {
                tokio::time::sleep(*pause).await;
            }
            seen.hung_up.fetch_add(1, Ordering::SeqCst);
            return false;
        }
        Reply::Script(_) => unreachable!("`next` gave one of its lines"),
        Reply::Gated(gate) => {
            gate.clone().wait_for(|open| *open).await.unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    }
    seen.answered.fetch_add(1, Ordering::SeqCst);
    true
}

pub(crate) async fn read_request(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut body = bytes.split_off(head_end);
    let head = String::from_utf8(bytes).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let request_line = lines.next().unwrap().to_owned();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    assert_eq!(body.len(), length, "nothing is sent after the body");
    Some(Received { request_line, headers, body })
}

/// A forwarder's configuration that trusts `sink`.
pub(crate) fn trusting(sink: &Sink) -> Config {
    Config { trusted: vec![sink.url.clone()], ..Config::default() }
}

/// A delivery marked as going to the operator's own sink.
pub(crate) fn delivery(id: &str, sink: &Url) -> Delivery {
    Delivery {
        id: id.into(),
        sink: sink.clone(),
        trusted: true,
        headers: HeaderMap::new(),
        body: Bytes::from_static(br#"{"type":"job.succeeded"}"#),
        content_type: JSON,
        secrets: vec![Secret::from_bytes(&[7; 32]).unwrap()],
        timeout: None,
        gzip: false,
        batch: None,
        timestamp_s: NOW_S,
    }
}

/// One delivery to a sink that replies so.
pub(crate) async fn deliver_to(reply: Reply) -> (Sink, Receipt) {
    let sink = Sink::start(reply).await;
    let (forwarder, _running) = forward::start(trusting(&sink)).unwrap();
    let receipt = forwarder.deliver(delivery("evt_1", &sink.url)).await;
    (sink, receipt)
}

/// A delivery under way in a task of its own.
pub(crate) fn spawn(tasks: &mut JoinSet<Receipt>, forwarder: &Forwarder, delivery: Delivery) {
    let forwarder = forwarder.clone();
    tasks.spawn(async move { forwarder.deliver(delivery).await });
}

/// Waits until `condition` holds; fails the test after ten seconds.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let patience = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), patience).await;
    assert!(waited.is_ok(), "waited in vain until {what}");
}
