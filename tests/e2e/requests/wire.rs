//! Bytes on a socket, and what comes back.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

/// Most that is read of an answer.
const MOST: usize = 1 << 20;

/// What is sent.
pub(super) enum Send {
    /// This, and then nothing more.
    Bytes(Vec<u8>),
    /// The first part, and then the second this many times.
    Endless(Vec<u8>, Vec<u8>, usize),
    /// The first part, and then the second with pauses, until the server has had enough.
    Slow(Vec<u8>, Vec<u8>, Duration),
}

/// One answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The body of a problem document (RFC 9457).
    pub(super) fn problem(&self) -> Option<Value> {
        let is_problem = self.header("content-type") == Some("application/problem+json");
        is_problem.then(|| serde_json::from_slice(&self.body).ok())?
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (one, value) = line.split_once(':')?;
            one.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Sends, and reads until the server closes. No answers are what a closed connection is.
pub(super) async fn exchange(addr: SocketAddr, send: &Send) -> Result<Vec<Answer>> {
    let stream = TcpStream::connect(addr).await.context("connecting")?;
    let (mut reading, mut writing) = stream.into_split();
    let mut received = Vec::new();
    let read = async {
        let mut buffer = vec![0; 16 << 10];
        while received.len() < MOST {
            match reading.read(&mut buffer).await {
                // A reset is a close too.
                Ok(0) | Err(_) => break,
                Ok(count) => received.extend_from_slice(&buffer[..count]),
            }
        }
    };
    let write = async {
        // A server that has had enough takes no more, and is right.
        let _ = put(&mut writing, send).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = read => {}
        () = write => {}
    }
    Ok(answers(&received))
}

async fn put(writing: &mut OwnedWriteHalf, send: &Send) -> std::io::Result<()> {
    match send {
        Send::Bytes(bytes) => {
            writing.write_all(bytes).await?;
            writing.shutdown().await
        }
        Send::Endless(first, part, times) => {
            writing.write_all(first).await?;
            for _ in 0..*times {
                writing.write_all(part).await?;
            }
            writing.shutdown().await
        }
        Send::Slow(first, part, pause) => {
            writing.write_all(first).await?;
            loop {
                tokio::time::sleep(*pause).await;
                writing.write_all(part).await?;
            }
        }
    }
}

/// Reads one answer after the other; what cannot be read as one ends them.
fn answers(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let Some(status) = head.get(9..12).and_then(|status| status.parse().ok()) else {
            break;
        };
        let rest = &bytes[end + 4..];
        let mut answer = Answer { status, head, body: Vec::new() };
        let length = answer.header("content-length").and_then(|length| length.parse().ok());
        let length = rest.len().min(length.unwrap_or_default());
        answer.body = rest[..length].to_vec();
        bytes = &rest[length..];
        answers.push(answer);
    }
    answers
}
