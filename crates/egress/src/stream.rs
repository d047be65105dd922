use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

/// Reads in a row before others get their turn.
///
/// hyper reads for as long as there is something to read and no answer yet, and tokio stops it
/// after 128 reads: of a server that sends nothing but interim answers, as fast as it can, that is
/// a second of parsing on a thread that others wait for.
const TURN: u32 = 8;

/// A connection that takes turns.
pub(crate) struct Stream<T> {
    inner: T,
    /// Reads since it last had to wait.
    turn: u32,
    used: Used,
}

/// Whether a connection has brought an answer before: a request that is lost on such a one may
/// have met its end, which is nobody's fault (RFC 9112, section 9.3.1).
#[derive(Clone, Debug, Default)]
pub(crate) struct Used(Arc<AtomicBool>);

impl Used {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<T> Stream<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self { inner, turn: 0, used: Used::default() }
    }
}

impl<T: Connection> Connection for Stream<T> {
    fn connected(&self) -> Connected {
        self.inner.connected().extra(self.used.clone())
    }
}

impl<T: Read + Unpin> Read for Stream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.turn == TURN {
            self.turn = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
        self.turn = if read.is_pending() { 0 } else { self.turn + 1 };
        read
    }
}

impl<T: Write + Unpin> Write for Stream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use hyper::rt::ReadBuf;

    use super::*;

    /// Always has one more byte.
    struct Endless;

    impl Read for Endless {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            mut buffer: ReadBufCursor<'_>,
        ) -> Poll<io::Result<()>> {
            buffer.put_slice(b"x");
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn a_connection_that_always_has_something_lets_others_have_their_turn() {
        let mut stream = Stream::new(Endless);
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            let mut read = || {
                let mut byte = [0; 1];
                let mut buffer = ReadBuf::new(&mut byte);
                Pin::new(&mut stream).poll_read(&mut cx, buffer.unfilled()).is_ready()
            };
            assert!((0..TURN).all(|_| read()));
            assert!(!read());
        }
    }
}
