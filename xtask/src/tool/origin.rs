use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::wire::Wire;
use super::{accept, announce, hosts, listen, page};

/// Thousands of connections wait here at once: a request head is all that has to fit.
const BUFFER: usize = 4 << 10;
/// A site without rules for crawlers, as most are. Given at once: it is no part of what is measured.
const NO_ROBOTS: &[u8] = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
/// Ports tried until one is free under all addresses.
const PORT_TRIES: u32 = 20;

/// What to serve, and how slowly.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Bytes of the page
    #[arg(long)]
    size: usize,
    /// Time before an answer begins, in milliseconds
    #[arg(long)]
    latency_ms: u64,
    /// How many loopback addresses to listen on
    #[arg(long)]
    hosts: u32,
    /// The port; 0 for a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// Answers every request but that for `/robots.txt` with the same page. The port is the same under all addresses.
pub(crate) async fn run(options: Options) -> Result<()> {
    let html = page::html(options.size);
    let answer: Arc<[u8]> = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\r\n{html}",
        html.len()
    )
    .into_bytes()
    .into();
    let latency = Duration::from_millis(options.latency_ms);
    let listeners = bind(options.hosts.max(1), options.port)?;
    announce(listeners[0].local_addr().context("cannot tell the address")?)?;
    let mut loops = JoinSet::new();
    for listener in listeners {
        let answer = answer.clone();
        loops.spawn(async move {
            accept(listener, |stream| serve(stream, answer.clone(), latency)).await;
        });
    }
    while loops.join_next().await.is_some() {}
    Ok(())
}

fn bind(hosts: u32, port: u16) -> Result<Vec<TcpListener>> {
    let mut last = None;
    for _ in 0..PORT_TRIES {
        match bind_all(hosts, port) {
            Ok(listeners) => return Ok(listeners),
            Err(error) if port == 0 => last = Some(error),
            Err(error) => return Err(error).context("the port is taken"),
        }
    }
    Err(last.context("no port was tried")?).context("no port is free under all addresses")
}

fn bind_all(hosts: u32, port: u16) -> std::io::Result<Vec<TcpListener>> {
    let mut listeners = vec![listen(SocketAddr::from((hosts::address(0), port)))?];
    let port = listeners[0].local_addr()?.port();
    for host in 1..hosts {
        listeners.push(listen(SocketAddr::from((hosts::address(host), port)))?);
    }
    Ok(listeners)
}

/// Ends with the connection: what goes wrong on it is for the other side to tell.
async fn serve(stream: TcpStream, answer: Arc<[u8]>, latency: Duration) {
    let mut wire = Wire::new(stream, BUFFER);
    while let Ok(Some(head)) = wire.head().await {
        if wire.body(head.length, |_| {}).await.is_err() {
            return;
        }
        if head.first.starts_with("GET /robots.txt ") {
            if wire.write(NO_ROBOTS).await.is_err() || head.close {
                return;
            }
            continue;
        }
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        if wire.write(&answer).await.is_err() || head.close {
            return;
        }
    }
}
