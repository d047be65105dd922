use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// One keep-alive connection to a server, made when needed and again when it broke.
pub struct Connection {
    addr: SocketAddr,
    limit: Duration,
    api_key: Option<String>,
    sender: Option<SendRequest<Full<Bytes>>>,
    tasks: JoinSet<()>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not, with the status and the body in the message.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_slice(&self.body).map_err(|error| {
            anyhow::anyhow!("{error} in the answer {}: {}", self.status, self.text())
        })
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The header's value when it is there and readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// The request was not sent: the server cannot have seen it.
    NotSent(String),
    /// The request may have been seen, in part or as a whole.
    NoAnswer(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(why) => write!(f, "not sent: {why}"),
            Self::NoAnswer(why) => write!(f, "no answer: {why}"),
        }
    }
}

impl std::error::Error for Failure {}

impl Connection {
    /// A connection to `addr`, not made yet. Requests have 30 s.
    pub fn new(addr: SocketAddr) -> Self {
        let limit = Duration::from_secs(30);
        Self { addr, limit, api_key: None, sender: None, tasks: JoinSet::new() }
    }

    /// Gives each request `limit` instead.
    #[must_use]
    pub fn with_timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sends `authorization: Bearer KEY` with each request.
    #[must_use]
    pub fn with_api_key(mut self, key: &str) -> Self {
        self.api_key = Some(key.to_owned());
        self
    }

    /// Asks for `path`.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub async fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        self.request(Method::GET, path, &[], Bytes::new()).await
    }

    /// Posts JSON to `path`.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub async fn post(&mut self, path: &str, json: impl Into<Bytes>) -> Result<Answer, Failure> {
        let headers = [(CONTENT_TYPE.as_str(), "application/json")];
        self.request(Method::POST, path, &headers, json.into()).await
    }

    /// Makes any request.
    ///
    /// # Errors
    /// When there is no whole answer in time. The connection is then given up.
    pub async fn request(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer, Failure> {
        let mut request =
            Request::builder().method(method).uri(path).header(HOST, self.addr.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(key) = &self.api_key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request =
            request.body(Full::new(body)).map_err(|error| Failure::NotSent(error.to_string()))?;
        // Taken out, so that a request that is dropped or fails takes the connection with it.
        let mut sender = match self.kept().await {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let answer = timeout(self.limit, exchange(&mut sender, request)).await;
        let answer =
            answer.map_err(|_| Failure::NoAnswer(format!("none in {:?}", self.limit)))??;
        self.sender = Some(sender);
        Ok(answer)
    }

    async fn kept(&mut self) -> Option<SendRequest<Full<Bytes>>> {
        let mut sender = self.sender.take()?;
        sender.ready().await.is_ok().then_some(sender)
    }

    async fn connect(&mut self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let lost = |error: &dyn fmt::Display| Failure::NotSent(format!("{}: {error}", self.addr));
        let connected = timeout(self.limit, TcpStream::connect(self.addr)).await;
        let stream = connected.map_err(|late| lost(&late))?.map_err(|error| lost(&error))?;
        let _ = stream.set_nodelay(true);
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
        self.tasks.abort_all();
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(async move {
            // What goes wrong is told by the sender.
            let _ = connection.await;
        });
        Ok(sender)
    }
}

async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Answer, Failure> {
    let lost = |error: hyper::Error| Failure::NoAnswer(error.to_string());
    let (head, body) = sender.send_request(request).await.map_err(lost)?.into_parts();
    let body = body.collect().await.map_err(lost)?.to_bytes();
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
}
