use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, Version};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper_util::client::legacy::connect::HttpInfo;

use crate::classify::{Phase, Target, classify};
use crate::error::{Error, Kind, Result};

/// The head of an answer, and its body to be read.
///
/// The body comes as it was sent: compressed, if the request allowed for that. Dropped before the
/// end, it takes its connection with it ([`Response::discard`] spares that).
pub struct Response {
    /// The status of this one hop; a redirect is an answer like any other.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The protocol spoken.
    pub version: Version,
    /// The address connected to: the proxy's, if there is one.
    pub remote_addr: Option<SocketAddr>,
    content_length: Option<u64>,
    /// Of what was announced.
    to_come: Option<u64>,
    read_timeout: Duration,
    /// For messages.
    host: Box<str>,
    https: bool,
    body: reqwest::Body,
}

impl Response {
    /// `method` is the request's: the answer to `HEAD` has no body.
    pub(crate) fn new(
        answer: http::Response<reqwest::Body>,
        method: &Method,
        target: Target<'_>,
        read_timeout: Duration,
    ) -> Self {
        let (head, body) = answer.into_parts();
        // RFC 9110 section 6.4.1. HTTP/2 below goes by the header all the same.
        let bodiless = *method == Method::HEAD
            || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let content_length = if bodiless { Some(0) } else { body.size_hint().exact() };
        Self {
            status: head.status,
            headers: head.headers,
            version: head.version,
            remote_addr: head.extensions.get::<HttpInfo>().map(HttpInfo::remote_addr),
            content_length,
            to_come: content_length,
            read_timeout,
            host: target.host.into(),
            https: target.https,
            body,
        }
    }

    /// Bytes of the whole body as announced; `None` if that was not. Zero for an answer that has
    /// none (to `HEAD`, 204, 304). What is announced is what comes, or reading fails.
    pub const fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// The next piece of the body; `None` at its end. Cancel-safe.
    ///
    /// # Errors
    /// [`Kind::Timeout`] when nothing comes for the client's read timeout, [`Kind::Body`] when the
    /// connection ends before the body does, [`Kind::Protocol`] when its framing is wrong. There is
    /// nothing more to read after an error.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let next = tokio::time::timeout(self.read_timeout, next_data(&mut self.body)).await;
        match next {
            Ok(Ok(chunk)) => self.counted(chunk),
            Ok(Err(error)) => {
                let target = Target { host: &self.host, https: self.https, via: false };
                Err(classify(error.into(), Phase::Body, target))
            }
            Err(_) => Err(self.stalled()),
        }
    }

    fn counted(&mut self, chunk: Option<Bytes>) -> Result<Option<Bytes>> {
        match &chunk {
            Some(bytes) => {
                let came = bytes.len() as u64;
                self.to_come = self.to_come.map(|to_come| to_come.saturating_sub(came));
            }
            None => self.assert_whole()?,
        }
        Ok(chunk)
    }

    /// hyper takes a stream of HTTP/2 that is reset with `NO_ERROR` for one that has ended. That is
    /// true only of one that has ended before (RFC 9113 section 8.1).
    fn assert_whole(&self) -> Result<()> {
        let missing = match self.to_come {
            Some(0) => return Ok(()),
            Some(to_come) => format!("{to_come} bytes are missing"),
            None if self.version == Version::HTTP_2 => "the stream was reset".to_owned(),
            // Chunked, or ended by the connection: hyper sees to it.
            None => return Ok(()),
        };
        if self.to_come.is_none() && self.body.is_end_stream() {
            return Ok(());
        }
        let message = format!("answer of {} failed: {missing}", self.host);
        Err(Error::new(Kind::Body, message))
    }

    fn stalled(&self) -> Error {
        let host = &self.host;
        let waited_ms = self.read_timeout.as_millis();
        Error::new(Kind::Timeout, format!("answer of {host} stalled: nothing for {waited_ms} ms"))
    }

    /// The body up to `max` bytes, and whether there was more. The rest is not read.
    ///
    /// # Errors
    /// As [`Response::chunk`].
    pub async fn read_capped(mut self, max: u64) -> Result<(Bytes, bool)> {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let Some(mut first) = self.chunk().await? else {
            return Ok((Bytes::new(), false));
        };
        if first.len() > max {
            first.truncate(max);
            return Ok((first, true));
        }
        // Most bodies are one piece, which needs no copy.
        let Some(second) = self.chunk().await? else {
            return Ok((first, false));
        };
        let announced = self.content_length.and_then(|n| usize::try_from(n).ok());
        let expected = announced.unwrap_or(0).max(first.len() + second.len()).min(max);
        let mut body = BytesMut::with_capacity(expected);
        body.extend_from_slice(&first);
        drop(first);
        let mut next = Some(second);
        while let Some(chunk) = next {
            let room = max - body.len();
            if chunk.len() > room {
                body.extend_from_slice(&chunk[..room]);
                return Ok((body.freeze(), true));
            }
            body.extend_from_slice(&chunk);
            next = self.chunk().await?;
        }
        Ok((body.freeze(), false))
    }

    /// Reads up to `max` bytes of the body away, so that the connection of a short answer can be
    /// used again. An error only costs the connection.
    pub async fn discard(mut self, max: u64) {
        let mut left = max;
        if self.content_length.is_some_and(|n| n > max) {
            return;
        }
        while let Ok(Some(chunk)) = self.chunk().await {
            left = left.saturating_sub(chunk.len() as u64);
            if left == 0 {
                return;
            }
        }
    }
}

/// The next piece; trailers are passed over.
async fn next_data(body: &mut reqwest::Body) -> reqwest::Result<Option<Bytes>> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("version", &self.version)
            .field("remote_addr", &self.remote_addr)
            .finish_non_exhaustive()
    }
}
