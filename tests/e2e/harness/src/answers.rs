//! What an origin answers.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use tokio::time::sleep;

use crate::page::render;
use crate::wire::{Body, abandon, full};

/// Addresses on one /24 of the loopback network that are used before the next one.
const PER_NET: usize = 250;

/// Bytes a `/huge` body is made of.
const CHUNK: usize = 64 * 1024;

/// The address of host `index`.
pub(crate) fn address(index: usize) -> Ipv4Addr {
    if index == 0 {
        return Ipv4Addr::LOCALHOST;
    }
    let [net, host] = [index / PER_NET, index % PER_NET + 1];
    Ipv4Addr::new(
        127,
        1,
        u8::try_from(net).unwrap_or(u8::MAX),
        u8::try_from(host).unwrap_or(u8::MAX),
    )
}

/// The query's number of that name.
pub(crate) fn number(query: &str, name: &str) -> Option<u64> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

pub(crate) fn html(status: u16, body: Body) -> io::Result<Response<Body>> {
    let answer =
        Response::builder().status(status).header("content-type", "text/html; charset=utf-8");
    answer.body(body).map_err(io::Error::other)
}

pub(crate) fn text_plain(text: String) -> io::Result<Response<Body>> {
    let answer = Response::builder().header("content-type", "text/plain; charset=utf-8");
    answer.body(full(text)).map_err(io::Error::other)
}

/// 429: come back in that many seconds.
pub(crate) fn later(seconds: u64) -> io::Result<Response<Body>> {
    let answer = Response::builder().status(429).header("retry-after", seconds);
    answer.body(full("<p>too often</p>")).map_err(io::Error::other)
}

/// Page `n` under a tag, or 304 to who shows that tag.
pub(crate) fn tagged(
    request: &Request<Incoming>,
    n: u64,
    bytes: usize,
) -> io::Result<Response<Body>> {
    let tag = format!("\"{n}-{bytes}\"");
    let known = request.headers().get("if-none-match").and_then(|value| value.to_str().ok());
    let answer = Response::builder().header("etag", &tag);
    if known.is_some_and(|known| known.contains(&tag)) {
        return answer.status(304).body(full("")).map_err(io::Error::other);
    }
    let answer = answer.header("content-type", "text/html; charset=utf-8");
    answer.body(full(render(n, bytes))).map_err(io::Error::other)
}

pub(crate) fn redirect(to: &str) -> io::Result<Response<Body>> {
    let answer = Response::builder().status(302).header("location", to);
    answer.body(full("")).map_err(io::Error::other)
}

/// Page `n` on host `host`, whose port is that of the request.
pub(crate) fn elsewhere(request: &Request<Incoming>, host: u64, n: u64) -> String {
    let asked = request.headers().get("host").and_then(|host| host.to_str().ok());
    let port = asked.and_then(|host| host.rsplit_once(':')).map_or("80", |(_, port)| port);
    format!("http://{}:{port}/page/{n}", address(usize::try_from(host).unwrap_or(0)))
}

/// `page` in ten parts, `ms` milliseconds apart.
pub(crate) fn drip(page: String, ms: u64) -> Body {
    let part = page.len().div_ceil(10).max(1);
    let parts = stream::unfold(Bytes::from(page), move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        sleep(Duration::from_millis(ms)).await;
        let part = rest.split_to(part.min(rest.len()));
        Some((Ok(Frame::data(part)), rest))
    });
    StreamBody::new(parts).boxed_unsync()
}

/// That many bytes of paragraphs, made as they are read.
pub(crate) fn huge(bytes: u64) -> Body {
    let text = b"<p>all work and no play makes jack a dull boy</p>\n";
    let chunk: Bytes = text.iter().copied().cycle().take(CHUNK).collect();
    let parts = stream::unfold(bytes, move |left| {
        let take = left.min(CHUNK as u64);
        let part = chunk.slice(..usize::try_from(take).unwrap_or(CHUNK));
        async move { (take > 0).then(|| (Ok(Frame::data(part)), left - take)) }
    });
    StreamBody::new(parts).boxed_unsync()
}

/// Half of `page` under a header that promises all of it.
pub(crate) fn cut(page: String) -> io::Result<Response<Body>> {
    let len = page.len();
    let half = Bytes::from(page).slice(..len / 2);
    let parts = stream::iter([Ok(Frame::data(half)), Err(abandon())]);
    let answer = Response::builder().status(200).header("content-length", len);
    answer.body(StreamBody::new(parts).boxed_unsync()).map_err(io::Error::other)
}
