//! The processes that a benchmark starts beside the binary. They speak just enough HTTP/1.1, by
//! hand, to cost the machine as little as can be: what is measured shares its cores with them.

mod hosts;
mod job;
mod load;
mod origin;
mod page;
mod sink;
mod upload;
mod wire;

use std::future::Future;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Subcommand;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

pub(crate) use load::Report as LoadReport;
pub(crate) use origin::{Host as OriginHost, Seen as OriginSeen};
pub(crate) use sink::{Stats as SinkStats, percentile};
pub(crate) use upload::Report as UploadReport;

/// Connections that may wait to be accepted: a burst is not to be refused by the measuring side.
const BACKLOG: u32 = 4_096;

/// One tool.
#[derive(Subcommand)]
pub(crate) enum Tool {
    /// Serves one page under many addresses
    Origin(origin::Options),
    /// Takes deliveries and remembers them
    Sink(sink::Options),
    /// Submits jobs
    Load(load::Options),
    /// Submits one large batch
    Upload(upload::Options),
}

/// Runs a tool until its work is done or whoever started it is gone.
pub(crate) fn run(tool: Tool) -> Result<()> {
    exit_with_parent()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    match tool {
        Tool::Origin(options) => runtime.block_on(origin::run(options)),
        Tool::Sink(options) => runtime.block_on(sink::run(options)),
        Tool::Load(options) => runtime.block_on(load::run(options)),
        Tool::Upload(options) => runtime.block_on(upload::run(options)),
    }
}

/// Ends this process when its standard input closes: whoever started a tool holds the other end,
/// so that none outlives its benchmark, however that ends.
fn exit_with_parent() -> Result<()> {
    thread::Builder::new()
        .name("parent".to_owned())
        .spawn(|| {
            let mut byte = [0];
            while std::io::stdin().read(&mut byte).is_ok_and(|n| n > 0) {}
            std::process::exit(0);
        })
        .context("cannot start the thread that watches the parent")?;
    Ok(())
}

/// The address of the origin's first host.
pub(crate) fn first_host() -> Ipv4Addr {
    hosts::address(0)
}

/// Tells the parent where this tool listens.
fn announce(addr: SocketAddr) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{addr}").and_then(|()| out.flush()).context("cannot say where the tool listens")
}

fn listen(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Serves every connection of `listener` with `serve`, without end.
async fn accept<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let connections = tokio_util::task::TaskTracker::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                connections.spawn(serve(stream));
            }
            // Out of descriptors: those in use will come back.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}
