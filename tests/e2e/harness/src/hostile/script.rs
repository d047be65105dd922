//! What is sent, as data.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;

/// What a request asked for.
pub(super) struct Asked {
    /// Path and query.
    pub(super) path: String,
    /// Bytes of the request's head.
    pub(super) head_bytes: usize,
    /// The address that was connected to.
    pub(super) ip: Ipv4Addr,
    /// The port of all addresses.
    pub(super) port: u16,
}

/// Makes the steps for one request, or for one connection.
pub(super) type Script = Box<dyn Fn(&Asked) -> Vec<Step> + Send + Sync>;

/// One thing that is done to a connection. After the last one it is closed in good order.
#[derive(Clone)]
pub(super) enum Step {
    /// Sends these bytes.
    Send(Bytes),
    /// Sends these bytes again and again, pausing after each time, until the peer has left.
    Forever(Bytes, Duration),
    /// Sends nothing more, and waits until the peer has left.
    Silence,
    /// Resets the connection.
    Reset,
    /// Keeps the connection for the next request.
    Keep,
}

/// Sends `bytes`.
pub(super) fn send(bytes: impl Into<Vec<u8>>) -> Step {
    Step::Send(Bytes::from(bytes.into()))
}

/// Sends `bytes` without end, as fast as the peer takes them.
pub(super) fn forever(bytes: impl Into<Vec<u8>>) -> Step {
    Step::Forever(Bytes::from(bytes.into()), Duration::ZERO)
}

/// Sends `bytes` without end, a tenth of a second apart.
pub(super) fn drip(bytes: impl Into<Vec<u8>>) -> Step {
    Step::Forever(Bytes::from(bytes.into()), Duration::from_millis(100))
}

/// The same steps whatever was asked for.
pub(super) fn always(steps: impl Into<Vec<Step>>) -> Script {
    let steps = steps.into();
    Box::new(move |_| steps.clone())
}

/// A page that nothing is wrong with.
pub(super) const PAGE: &str = "<!doctype html><html lang=\"en\"><title>A page</title><p>This page is as \
    good as any other, but for the way in which it was brought to whoever reads it now.</p></html>";

/// A 200 of HTML with these header lines (each ended by CR LF), its length and a body.
pub(super) fn page(lines: &str, body: impl AsRef<[u8]>) -> Step {
    typed("text/html; charset=utf-8", lines, body)
}

/// The same with another content type.
pub(super) fn typed(content_type: &str, lines: &str, body: impl AsRef<[u8]>) -> Step {
    answer("200 OK", &format!("Content-Type: {content_type}\r\n{lines}"), body)
}

/// An answer of any status, with its length.
pub(super) fn answer(status: &str, lines: &str, body: impl AsRef<[u8]>) -> Step {
    let body = body.as_ref();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{lines}Connection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    send([head.as_bytes(), body].concat())
}

/// The head of a 200 without a length: its body ends with the connection.
pub(super) fn open(lines: &str) -> Step {
    send(format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{lines}Connection: close\r\n\r\n"))
}

/// The head of a chunked 200.
pub(super) fn chunked(lines: &str) -> Step {
    send(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{lines}Transfer-Encoding: chunked\r\n\r\n"
    ))
}
