use std::fmt;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Request, Response};
use tokio::task::JoinSet;

use crate::signature::verify;
use crate::wire::{Body, Hangup, bind, full, serve};
use crate::{eventually, unix_micros};

/// Bytes of a body that is decompressed; more is not what any test sends.
const MAX_PLAIN: u64 = 64 << 20;

/// One request as it came, and what it was answered.
#[derive(Clone, Debug)]
pub struct Post {
    /// The path and the query.
    pub path: String,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body, compressed as it came.
    pub body: Bytes,
    /// The status that it was answered.
    pub status: u16,
    /// Microseconds since 1970 when it was here as a whole.
    pub at_us: u64,
}

/// What a request is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Header fields.
    pub headers: Vec<(&'static str, String)>,
}

impl Reply {
    /// This status, and nothing else.
    pub const fn status(status: u16) -> Self {
        Self { status, headers: Vec::new() }
    }

    /// With one more header field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Post {
    /// The header's value; empty when it is missing or no text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The `webhook-id`.
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// Whether it was answered 2xx.
    pub fn is_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body without its `content-encoding`.
    ///
    /// # Errors
    /// When it is not what its header says.
    pub fn plain(&self) -> anyhow::Result<Bytes> {
        match self.header("content-encoding") {
            "" => Ok(self.body.clone()),
            "gzip" => {
                let mut plain = Vec::new();
                let decoder = flate2::read::GzDecoder::new(&self.body[..]);
                decoder.take(MAX_PLAIN).read_to_end(&mut plain).context("decompressing")?;
                Ok(plain.into())
            }
            other => anyhow::bail!("the content-encoding is {other:?}"),
        }
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not, with its beginning in the message.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        let plain = self.plain()?;
        let start = String::from_utf8_lossy(&plain[..plain.len().min(300)]).into_owned();
        serde_json::from_slice(&plain).with_context(|| format!("the body is {start:?}"))
    }

    /// Checks its signature by `secret` as a receiver would.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn verify(&self, secret: &str) -> anyhow::Result<()> {
        let at = self.header("webhook-timestamp");
        let (signatures, now_s) = (self.header("webhook-signature"), unix_micros() / 1_000_000);
        verify(secret, self.id(), at, signatures, &self.plain()?, now_s)
            .map_err(|error| anyhow::anyhow!("{}: {error}", self.id()))
    }
}

/// Decides what the `n`-th request, counted from 0, is answered.
type Script = Box<dyn FnMut(usize, &Post) -> Reply + Send>;

/// A server that keeps every request as it came. It checks nothing by itself.
pub struct Inbox {
    addr: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    posts: Mutex<Vec<Post>>,
    script: Mutex<Script>,
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Inbox {
    /// Starts to listen; everything is answered 204.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> anyhow::Result<Self> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = bind(any).await.context("binding the inbox")?;
        let addr = listener.local_addr()?;
        let script: Script = Box::new(|_, _| Reply::status(204));
        let shared = Arc::new(Shared { posts: Mutex::default(), script: Mutex::new(script) });
        let mut tasks = JoinSet::new();
        let served = Arc::clone(&shared);
        tasks.spawn(serve(listener, move |request, _: Hangup| {
            let shared = Arc::clone(&served);
            async move { shared.handle(request).await }
        }));
        Ok(Self { addr, shared, _tasks: tasks })
    }

    /// Where to post to.
    pub fn url(&self) -> String {
        format!("http://{}/inbox", self.addr)
    }

    /// What is answered from now on; it is told which request it is, counted from 0 since the start.
    pub fn reply(&self, script: impl FnMut(usize, &Post) -> Reply + Send + 'static) {
        *lock(&self.shared.script) = Box::new(script);
    }

    /// The same answer to everything from now on.
    pub fn reply_with(&self, reply: Reply) {
        self.reply(move |_, _| reply.clone());
    }

    /// What came so far, in order.
    pub fn posts(&self) -> Vec<Post> {
        lock(&self.shared.posts).clone()
    }

    /// What came under this `webhook-id`, in order.
    pub fn posts_of(&self, id: &str) -> Vec<Post> {
        lock(&self.shared.posts).iter().filter(|post| post.id() == id).cloned().collect()
    }

    /// Waits until the requests that are there satisfy `enough`: all of them.
    ///
    /// # Errors
    /// After `limit`, naming `what` was waited for.
    pub async fn wait_until(
        &self,
        what: &str,
        limit: Duration,
        enough: impl Fn(&[Post]) -> bool,
    ) -> anyhow::Result<Vec<Post>> {
        let waited = eventually(what, limit, async || enough(&lock(&self.shared.posts))).await;
        waited.with_context(|| format!("{} requests came", lock(&self.shared.posts).len()))?;
        Ok(self.posts())
    }

    /// Waits until a request under this `webhook-id` was answered 2xx: that request.
    ///
    /// # Errors
    /// After `limit`.
    pub async fn wait_for(&self, id: &str, limit: Duration) -> anyhow::Result<Post> {
        let taken = |post: &&Post| post.id() == id && post.is_taken();
        let what = format!("{id} at the inbox");
        let posts = self.wait_until(&what, limit, |posts| posts.iter().any(|p| taken(&p))).await?;
        posts.iter().find(taken).cloned().context("a request does not go away")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    async fn handle(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let at_us = unix_micros();
        let mut post = Post { path, headers: head.headers, body, status: 0, at_us };
        let reply = {
            let mut posts = lock(&self.posts);
            let reply = (lock(&self.script))(posts.len(), &post);
            post.status = reply.status;
            posts.push(post);
            reply
        };
        let mut answer = Response::builder().status(reply.status);
        for (name, value) in reply.headers {
            answer = answer.header(name, value);
        }
        answer.body(full("")).map_err(io::Error::other)
    }
}
