//! A server on loopback that says exactly the bytes it is told to.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What to do after the head of a request has been read.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// Write these bytes and wait for the next request.
    Say(Vec<u8>),
    /// Write these bytes, then close.
    SayAndClose(Vec<u8>),
    /// Write these bytes, then say nothing more and keep the connection open.
    SayAndHang(Vec<u8>),
}

pub(crate) struct Origin {
    pub(crate) addr: SocketAddr,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Origin {
    /// Listens on every loopback address of IPv4 (127.0.0.0/8), on one port.
    pub(crate) async fn start(answer: impl Fn(&str) -> Then + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        Self::serve(listener, answer)
    }

    /// One on every address of IPv6 that always answers the same.
    pub(crate) async fn on_v6(then: Then) -> Self {
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).await.unwrap();
        Self::serve(listener, move |_| then.clone())
    }

    fn serve(listener: TcpListener, answer: impl Fn(&str) -> Then + Send + Sync + 'static) -> Self {
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let answer: Arc<dyn Fn(&str) -> Then + Send + Sync> = Arc::new(answer);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                open.spawn(talk(stream, Arc::clone(&answer)));
            }
        });
        Self { addr: (Ipv4Addr::LOCALHOST, port).into(), connections, _tasks: tasks }
    }

    /// One that always answers the same.
    pub(crate) async fn saying(then: Then) -> Self {
        Self::start(move |_| then.clone()).await
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn port(&self) -> u16 {
        self.addr.port()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }
}

async fn talk(mut stream: TcpStream, answer: Arc<dyn Fn(&str) -> Then + Send + Sync>) {
    let mut head = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        head.push(byte);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let then = answer(&String::from_utf8_lossy(&head));
        head.clear();
        let (Then::Say(bytes) | Then::SayAndClose(bytes) | Then::SayAndHang(bytes)) = &then;
        if stream.write_all(bytes).await.is_err() {
            return;
        }
        match then {
            Then::Say(_) => {}
            Then::SayAndClose(_) => return,
            Then::SayAndHang(_) => std::future::pending().await,
        }
    }
}

/// A 200 with this body and its length.
pub(crate) fn ok(body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}
