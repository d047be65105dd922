//! Plays a script on a connection.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::script::{Asked, Step};
use super::{Act, Behaviour};

/// Longest request head that is read; a longer one is answered 431.
const MAX_HEAD: usize = 64 * 1024;
/// How long a connection that was closed in good order may take to be closed by the peer too.
const LINGER: Duration = Duration::from_secs(2);

/// Accepts and serves until dropped, which closes everything.
pub(super) async fn serve(listener: TcpListener, behaviours: Arc<Vec<Behaviour>>, index: usize) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let behaviours = Arc::clone(&behaviours);
                    connections.spawn(async move { connection(stream, &behaviours[index]).await });
                }
                // Out of descriptors for a moment: do not spin.
                Err(_) => sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// What goes wrong here is the peer leaving, and that is its right.
async fn connection(mut stream: TcpStream, behaviour: &Behaviour) {
    let _ = stream.set_nodelay(true);
    let Ok(local) = stream.local_addr() else { return };
    let IpAddr::V4(ip) = local.ip() else { return };
    let port = local.port();
    match &behaviour.act {
        Act::Handshake(certificate) => certificate.shake_hands(stream).await,
        Act::Accept(script) => {
            let asked = Asked { path: String::new(), head_bytes: 0, ip, port };
            play(&mut stream, script(&asked)).await;
        }
        Act::Answer(_) => while answer(&mut stream, behaviour, ip, port).await {},
    }
}

/// Answers one request; whether another may follow.
async fn answer(stream: &mut TcpStream, behaviour: &Behaviour, ip: Ipv4Addr, port: u16) -> bool {
    let Some(head) = head(stream).await else { return false };
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let asked = Asked { path, head_bytes: head.len(), ip, port };
    let steps = match (&behaviour.act, &behaviour.robots) {
        (_, Some(robots)) if asked.path == "/robots.txt" => robots(&asked),
        (_, None) if asked.path == "/robots.txt" => no_robots(),
        (Act::Answer(script), _) => script(&asked),
        _ => return false,
    };
    play(stream, steps).await
}

fn no_robots() -> Vec<Step> {
    let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    vec![Step::Send(Bytes::from_static(answer)), Step::Keep]
}

/// A request's head; `None` when the peer has left.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        head.extend_from_slice(&buffer[..read]);
        if head.len() > MAX_HEAD {
            let sorry = b"HTTP/1.1 431 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(sorry).await;
            close(stream).await;
            return None;
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// Whether the connection is still of use afterwards.
async fn play(stream: &mut TcpStream, steps: Vec<Step>) -> bool {
    for step in steps {
        let sent = match step {
            Step::Send(bytes) => stream.write_all(&bytes).await.is_ok(),
            Step::Forever(bytes, pause) => {
                repeat(stream, &bytes, pause).await;
                false
            }
            Step::Silence => {
                gone(stream).await;
                false
            }
            Step::Reset => {
                // What does not linger is reset when it is dropped.
                let _ = stream.set_zero_linger();
                return false;
            }
            Step::Keep => return true,
        };
        if !sent {
            return false;
        }
    }
    close(stream).await;
    false
}

async fn repeat(stream: &mut TcpStream, bytes: &[u8], pause: Duration) {
    while stream.write_all(bytes).await.is_ok() {
        match pause.is_zero() {
            true => tokio::task::yield_now().await,
            false => sleep(pause).await,
        }
    }
}

/// Until the peer has left.
async fn gone(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}

/// Ends our side, and lets the peer read all of it: a socket that is closed with something unread
/// resets the connection.
async fn close(stream: &mut TcpStream) {
    if stream.shutdown().await.is_ok() {
        let _ = timeout(LINGER, gone(stream)).await;
    }
}
