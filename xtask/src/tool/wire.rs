use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One HTTP/1.1 connection with a buffer of fixed size, for either side. Knows what the benchmark
/// needs and refuses the rest: no chunked bodies, no pipelining, no upgrades.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

/// The beginning of a request or of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The request line or the status line.
    pub(crate) first: String,
    /// Bytes of the body.
    pub(crate) length: usize,
    /// Whether the connection ends after this message.
    pub(crate) close: bool,
    /// `Retry-After`, in seconds.
    pub(crate) retry_after: Option<u64>,
}

impl Wire {
    /// `buffer` bounds the size of a head, and how much of a body is looked at at once.
    pub(crate) fn new(stream: TcpStream, buffer: usize) -> Self {
        Self { stream, buffer: vec![0; buffer].into_boxed_slice(), start: 0, end: 0 }
    }

    /// The next head; `None` when the peer has closed between two messages.
    pub(crate) async fn head(&mut self) -> Result<Option<Head>> {
        let mut looked = 0;
        loop {
            let waiting = &self.buffer[self.start..self.end];
            if let Some(at) = find(&waiting[looked..], b"\r\n\r\n") {
                let length = looked + at + 4;
                let head = parse(&waiting[..length])?;
                self.start += length;
                return Ok(Some(head));
            }
            looked = waiting.len().saturating_sub(3);
            if self.fill().await? == 0 {
                let clean = self.start == self.end;
                return if clean { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
            }
        }
    }

    /// Reads a body of `length` bytes, showing it to `look` piece by piece.
    pub(crate) async fn body(
        &mut self,
        mut length: usize,
        mut look: impl FnMut(&[u8]),
    ) -> Result<()> {
        while length > 0 {
            if self.start == self.end && self.fill().await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let piece = length.min(self.end - self.start);
            look(&self.buffer[self.start..self.start + piece]);
            self.start += piece;
            length -= piece;
        }
        Ok(())
    }

    /// Writes all of `bytes`.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Until the peer has closed its side, or the connection broke; not when it sent something more.
    pub(crate) async fn closed(&self) {
        let mut byte = [0];
        if self.stream.peek(&mut byte).await.is_ok_and(|read| read > 0) {
            std::future::pending::<()>().await;
        }
    }

    async fn fill(&mut self) -> Result<usize> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            return Err(Error::new(ErrorKind::InvalidData, "the head is too large"));
        }
        let read = self.stream.read(&mut self.buffer[self.end..]).await?;
        self.end += read;
        Ok(read)
    }
}

/// Where `needle` first begins in `hay`.
pub(crate) fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = hay[from..].iter().position(|&byte| byte == first) {
        if hay[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

fn parse(head: &[u8]) -> Result<Head> {
    let text = str::from_utf8(head).map_err(|e| Error::new(ErrorKind::InvalidData, e))?;
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let mut head = Head { first, length: 0, close: false, retry_after: None };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.length = value.parse().map_err(|e| Error::new(ErrorKind::InvalidData, e))?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(Error::new(ErrorKind::InvalidData, "chunked bodies are not understood"));
        } else if name.eq_ignore_ascii_case("connection") {
            head.close = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("retry-after") {
            head.retry_after = value.parse().ok();
        }
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_taken_apart() {
        let head = parse(
            b"HTTP/1.1 503 No\r\nContent-Length: 12\r\nretry-after: 2\r\nConnection: close\r\n\r\n",
        );
        let expected = Head {
            first: "HTTP/1.1 503 No".to_owned(),
            length: 12,
            close: true,
            retry_after: Some(2),
        };
        assert_eq!(head.expect("it is well formed"), expected);
        assert!(parse(b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
        assert!(parse(b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n").is_err());
    }

    #[test]
    fn needles_are_found() {
        assert_eq!(find(b"aab\r\r\n\r\n", b"\r\n\r\n"), Some(4));
        assert_eq!(find(b"aab", b"b"), Some(2));
        assert_eq!(find(b"aab", b"abc"), None);
        assert_eq!(find(b"", b"a"), None);
    }

    #[tokio::test]
    async fn messages_larger_than_the_buffer_are_read_in_pieces() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let addr = listener.local_addr().expect("bound");
        let mut client = TcpStream::connect(addr).await.expect("connects");
        let (stream, _) = listener.accept().await.expect("accepts");
        let mut wire = Wire::new(stream, 64);
        let body = vec![b'x'; 50];
        let message =
            [b"POST /a HTTP/1.1\r\nContent-Length: 50\r\n\r\n".as_slice(), &body].concat();
        client.write_all(&[message.as_slice(), &message].concat()).await.expect("writes");
        drop(client);
        for _ in 0..2 {
            let head = wire.head().await.expect("reads").expect("there is one");
            assert_eq!((head.first.as_str(), head.length), ("POST /a HTTP/1.1", 50));
            let mut seen = 0;
            wire.body(50, |piece| seen += piece.len()).await.expect("reads");
            assert_eq!(seen, 50);
        }
        assert_eq!(wire.head().await.expect("reads"), None);
    }
}
