//! Server-sent events, as the WHATWG HTML standard has them (section 9.2).

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The last `id` of the stream.
    pub id: String,
    /// Its `event`; empty when it had none.
    pub event: String,
    /// Its `data`, the lines joined.
    pub data: String,
}

/// A listener on a stream of events.
#[derive(Debug)]
pub struct EventStream {
    body: Incoming,
    reader: Reader,
    _connection: JoinSet<()>,
}

/// Takes events out of what has come.
#[derive(Debug, Default)]
struct Reader {
    buffer: Vec<u8>,
    id: String,
}

impl EventStream {
    /// Asks for `path`, going on after `last_event_id` when there is one.
    ///
    /// # Errors
    /// When the answer is anything but 200 with `text/event-stream`.
    pub async fn open(
        addr: SocketAddr,
        path: &str,
        last_event_id: Option<&str>,
    ) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await.context("connecting for events")?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // What goes wrong is told by the body.
            let _ = connection.await;
        });
        let mut request = Request::get(path)
            .header("host", addr.to_string())
            .header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        let is_stream = kind.is_some_and(|kind| kind.starts_with("text/event-stream"));
        anyhow::ensure!(answer.status() == 200 && is_stream, "{path}: {answer:?}");
        Ok(Self { body: answer.into_body(), reader: Reader::default(), _connection: tasks })
    }

    /// The next event that is `wanted`.
    ///
    /// # Errors
    /// When the stream ends before, or none comes within `limit`.
    pub async fn next(
        &mut self,
        limit: Duration,
        wanted: impl Fn(&Told) -> bool,
    ) -> anyhow::Result<Told> {
        let end = Instant::now() + limit;
        loop {
            while let Some(told) = self.reader.parsed() {
                if wanted(&told) {
                    return Ok(told);
                }
            }
            let frame = timeout_at(end, self.body.frame());
            let frame = frame.await.with_context(|| format!("no such event in {limit:?}"))?;
            let frame = frame.context("the stream of events ended")??;
            if let Some(data) = frame.data_ref() {
                self.reader.buffer.extend_from_slice(data);
            }
        }
    }
}

impl Reader {
    /// The next whole event of what has come, if there is one. Blocks without data are none.
    fn parsed(&mut self) -> Option<Told> {
        loop {
            let end = self.buffer.windows(2).position(|two| two == b"\n\n")?;
            let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
            if let Some(told) = self.told(&String::from_utf8_lossy(&block)) {
                return Some(told);
            }
        }
    }

    fn told(&mut self, block: &str) -> Option<Told> {
        let (mut event, mut data) = (String::new(), Vec::new());
        for line in block.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => value.clone_into(&mut self.id),
                "event" => value.clone_into(&mut event),
                "data" => data.push(value),
                // A comment, or what nobody knows.
                _ => {}
            }
        }
        let told = || Told { id: self.id.clone(), event, data: data.join("\n") };
        (!data.is_empty()).then(told)
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, Told};

    #[test]
    fn events_are_read_as_the_standard_has_them() {
        let mut reader = Reader::default();
        reader
            .buffer
            .extend_from_slice(b"retry: 5\n\n: hush\nid: 7\nevent: a\ndata: x\ndata:y\n\nda");
        let told = Told { id: "7".into(), event: "a".into(), data: "x\ny".into() };
        assert_eq!(reader.parsed(), Some(told));
        assert_eq!(reader.parsed(), None);
        reader.buffer.extend_from_slice(b"ta: z\n\n");
        let told = Told { id: "7".into(), data: "z".into(), ..Told::default() };
        assert_eq!(reader.parsed(), Some(told));
    }
}
