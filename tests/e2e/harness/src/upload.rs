use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1::handshake;
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Pieces that wait to be sent.
const WAITING: usize = 4;

/// A request whose body is sent line by line, while its answer is read line by line.
#[derive(Debug)]
pub struct Upload {
    lines: Option<mpsc::Sender<Bytes>>,
    answer: Incoming,
    status: u16,
    headers: HeaderMap,
    begun: Vec<u8>,
    read: VecDeque<Value>,
    _connection: JoinSet<()>,
}

impl Upload {
    /// Posts to `path` as `application/x-ndjson`, `first` being the first piece of the body. Returns
    /// once the head of the answer is there.
    ///
    /// # Errors
    /// When there is no answer within `limit`.
    pub async fn open(
        addr: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
        first: impl Into<Bytes>,
        limit: Duration,
    ) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await.context("connecting to upload")?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // What goes wrong is told by the answer.
            let _ = connection.await;
        });
        let (lines, mut pieces) = mpsc::channel::<Bytes>(WAITING);
        lines.send(first.into()).await.context("there is room for one")?;
        let body = stream::poll_fn(move |cx| {
            pieces
                .poll_recv(cx)
                .map(|piece| piece.map(|piece| Ok::<_, Infallible>(Frame::data(piece))))
        });
        let mut request = Request::post(path)
            .header("host", addr.to_string())
            .header("content-type", "application/x-ndjson");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(StreamBody::new(body))?;
        let answer = timeout(limit, sender.send_request(request)).await;
        let answer = answer.context("no answer to the upload in time")??;
        let (head, answer) = answer.into_parts();
        Ok(Self {
            lines: Some(lines),
            answer,
            status: head.status.as_u16(),
            headers: head.headers,
            begun: Vec::new(),
            read: VecDeque::new(),
            _connection: tasks,
        })
    }

    /// The status of the answer.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The header's value when it is there and readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Sends one more piece; waits while the server takes none, and reads what it says meanwhile.
    ///
    /// # Errors
    /// When the server does not take it within `limit`, or at all.
    pub async fn send(&mut self, piece: impl Into<Bytes>, limit: Duration) -> anyhow::Result<()> {
        let lines = self.lines.clone().context("the upload was finished")?;
        let piece = piece.into();
        let sending = async {
            let room = loop {
                tokio::select! {
                    room = lines.reserve() => break room.context("nothing more is taken")?,
                    more = self.more() => anyhow::ensure!(more?, "the answer ended early"),
                }
            };
            room.send(piece);
            Ok(())
        };
        timeout(limit, sending).await.context("a piece was not taken in time")?
    }

    /// Says that nothing more comes.
    pub fn finish(&mut self) {
        self.lines = None;
    }

    /// The next line of the answer; `None` at its end.
    ///
    /// # Errors
    /// When none comes within `limit`, the answer breaks off, or a line is not JSON.
    pub async fn next(&mut self, limit: Duration) -> anyhow::Result<Option<Value>> {
        let reading = async {
            while self.read.is_empty() {
                if !self.more().await? {
                    anyhow::ensure!(self.begun.is_empty(), "the answer ends within a line");
                    return Ok(None);
                }
            }
            Ok(self.read.pop_front())
        };
        timeout(limit, reading).await.context("no line of the answer in time")?
    }

    /// Finishes, and reads to the end.
    ///
    /// # Errors
    /// As [`Upload::next`].
    pub async fn rest(mut self, limit: Duration) -> anyhow::Result<Vec<Value>> {
        self.finish();
        let mut all = Vec::new();
        while let Some(line) = self.next(limit).await? {
            all.push(line);
        }
        Ok(all)
    }

    /// Reads one more piece of the answer; false at its end.
    async fn more(&mut self) -> anyhow::Result<bool> {
        let Some(frame) = self.answer.frame().await else {
            return Ok(false);
        };
        let Ok(data) = frame.context("the answer broke off")?.into_data() else {
            return Ok(true);
        };
        for piece in data.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.begun);
                let line = serde_json::from_slice(&line).with_context(|| {
                    format!("{:?} in the answer", String::from_utf8_lossy(&line))
                })?;
                self.read.push_back(line);
            }
        }
        Ok(true)
    }
}
