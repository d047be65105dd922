use std::env;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::process::Process;
use super::{Options, binary, release_dir};
use crate::clock;
use crate::command::{output, target_dir};

/// Longest a server may take from its start until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How often readiness is asked for: the precision of a measured start.
const READY_POLL: Duration = Duration::from_millis(2);
/// Longest a local process may take to answer a question of ours.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What every scenario of one call shares.
pub(crate) struct Rig<'a> {
    /// What was asked for.
    pub(crate) options: &'a Options,
    dir: PathBuf,
}

/// Which program is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    /// The product.
    Pagewire,
    /// The same without a promise.
    Baseline,
}

impl System {
    /// Its name in results.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pagewire => "pagewire",
            Self::Baseline => "baseline",
        }
    }
}

/// What the origin is like, and what the binary is told.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Bytes of a page.
    pub(crate) size: u64,
    /// Time before an answer.
    pub(crate) latency_ms: u64,
    /// Addresses of the origin.
    pub(crate) hosts: u32,
    /// How many of them, the last ones, never answer.
    pub(crate) silent: u32,
    /// Requests that wait at once before any is answered: the latency is as long as that takes.
    pub(crate) gate: u32,
    /// Flags of the binary with their values, one with an empty value left out; `--server-arg` wins
    /// over them.
    pub(crate) flags: Vec<(&'static str, String)>,
}

/// One set-up running: an origin, a sink, a server. All end when it is dropped.
pub(crate) struct Bench {
    pub(crate) origin: Process,
    pub(crate) origin_port: u16,
    pub(crate) sink: Process,
    pub(crate) sink_addr: SocketAddr,
    pub(crate) server: Process,
    pub(crate) server_addr: SocketAddr,
    pub(crate) system: System,
    pub(crate) dir: TempDir,
}

impl<'a> Rig<'a> {
    /// Checks that what is needed is there.
    pub(crate) fn new(options: &'a Options) -> Result<Self> {
        let tools = release_dir();
        for path in [binary(options), tools.join("xtask"), tools.join("baseline")] {
            if !path.is_file() {
                bail!("{} is not there: leave --no-build away", path.display());
            }
        }
        let dir = options.dir.clone().unwrap_or_else(|| target_dir().join("bench"));
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let mut stat = Command::new("stat");
        stat.args(["-f", "-c", "%T"]).arg(&dir);
        let kind = output(stat).context("cannot tell what the data directory stands on")?;
        if matches!(kind.trim_ascii(), b"tmpfs" | b"ramfs") {
            bail!("{} is in memory, where a sync costs nothing: give --dir", dir.display());
        }
        Ok(Self { options, dir })
    }

    /// Starts a set-up and waits until the server is ready.
    pub(crate) fn start(&self, system: System, setup: &Setup) -> Result<Bench> {
        self.start_with_sink(system, setup, &[])
    }

    /// The same, the sink told what it is like.
    pub(crate) fn start_with_sink(
        &self,
        system: System,
        setup: &Setup,
        sink_args: &[String],
    ) -> Result<Bench> {
        let dir = self.scratch()?;
        let (origin, origin_addr) = self.start_origin(dir.path(), setup, 0)?;
        let (sink, sink_addr) = start_sink(dir.path(), sink_args)?;
        let (server, server_addr, _) = self.start_server(system, setup, dir.path(), sink_addr)?;
        let origin_port = origin_addr.port();
        Ok(Bench { origin, origin_port, sink, sink_addr, server, server_addr, system, dir })
    }

    /// A directory for one run.
    pub(crate) fn scratch(&self) -> Result<TempDir> {
        tempfile::Builder::new()
            .prefix("run-")
            .tempdir_in(&self.dir)
            .context("cannot make a directory for the run")
    }

    /// Starts an origin; port 0 for a free one.
    pub(crate) fn start_origin(
        &self,
        dir: &Path,
        setup: &Setup,
        port: u16,
    ) -> Result<(Process, SocketAddr)> {
        let args = [
            ("--size", setup.size),
            ("--latency-ms", setup.latency_ms),
            ("--hosts", u64::from(setup.hosts)),
            ("--port", u64::from(port)),
            ("--silent", u64::from(setup.silent)),
            ("--gate", u64::from(setup.gate)),
        ];
        let args: Vec<String> =
            args.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut origin = tool("origin", &dir.join("origin.log"), &args)?;
        let addr = origin.announced()?;
        Ok((origin, addr))
    }

    /// Starts the server over the data directory in `dir`; also the time until it was ready.
    pub(crate) fn start_server(
        &self,
        system: System,
        setup: &Setup,
        dir: &Path,
        sink: SocketAddr,
    ) -> Result<(Process, SocketAddr, Duration)> {
        let forward_to = format!("http://{sink}/");
        let log = server_log(dir);
        if system == System::Baseline {
            let command = unlimited(&release_dir().join("baseline"), &[forward_to]);
            let started = clock::now();
            let mut server = Process::start(system.name(), command, &log)?;
            let addr = server.announced()?;
            return Ok((server, addr, started.elapsed()));
        }
        let addr = free_addr()?;
        let mut command = Command::new(binary(self.options));
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("PAGEWIRE_") {
                command.env_remove(name);
            }
        }
        command.args(self.server_args(setup, addr, &dir.join("data"), forward_to));
        let started = clock::now();
        let mut server = Process::start_logged(system.name(), command, &log)?;
        while !is_ready(addr) {
            server.check_alive(&log)?;
            if started.elapsed() > READY_WITHIN {
                bail!("the server is not ready after {READY_WITHIN:?}");
            }
            thread::sleep(READY_POLL);
        }
        Ok((server, addr, started.elapsed()))
    }

    fn server_args(
        &self,
        setup: &Setup,
        listen: SocketAddr,
        data: &Path,
        forward_to: String,
    ) -> Vec<String> {
        let given = &self.options.server_arg;
        let mut flags = vec![
            ("--listen", listen.to_string()),
            ("--data-dir", data.display().to_string()),
            ("--forward-to", forward_to),
            ("--fetch-allow", "127.0.0.0/8".to_owned()),
            ("--per-host", "256".to_owned()),
            ("--per-sink", "256".to_owned()),
            ("--log", "warn".to_owned()),
        ];
        for (name, value) in &setup.flags {
            flags.retain(|(other, _)| other != name);
            flags.push((name, value.clone()));
        }
        flags.retain(|(_, value)| !value.is_empty());
        // A flag stands once: what was asked for by hand replaces ours.
        flags.retain(|(name, _)| !given.iter().any(|arg| arg.split('=').next() == Some(*name)));
        let ours = flags.into_iter().map(|(name, value)| format!("{name}={value}"));
        ours.chain(given.iter().cloned()).collect()
    }
}

impl Bench {
    /// Where the server's log is.
    pub(crate) fn log(&self) -> PathBuf {
        server_log(self.dir.path())
    }
}

fn server_log(dir: &Path) -> PathBuf {
    dir.join("server.log")
}

/// Starts a sink that logs into `dir`.
pub(crate) fn start_sink(dir: &Path, args: &[String]) -> Result<(Process, SocketAddr)> {
    let mut sink = tool("sink", &dir.join("sink.log"), args)?;
    let addr = sink.announced()?;
    Ok((sink, addr))
}

/// Starts a loop of bare POSTs, `in_flight` at once; its output is a line once it is done.
pub(crate) fn start_posts(
    dir: &Path,
    to: &str,
    count: u64,
    in_flight: u32,
    bytes: u64,
) -> Result<Process> {
    let numbers = [count, u64::from(in_flight), bytes].map(|number| number.to_string());
    let mut args = vec!["post".to_owned(), to.to_owned()];
    args.extend(numbers);
    let command = unlimited(&release_dir().join("baseline"), &args);
    Process::start("bare POSTs", command, &dir.join("posts.log"))
}

/// Starts one of our own tools.
pub(crate) fn tool(name: &'static str, log: &Path, args: &[String]) -> Result<Process> {
    let mut all = vec!["internal".to_owned(), name.to_owned()];
    all.extend_from_slice(args);
    Process::start(name, unlimited(&release_dir().join("xtask"), &all), log)
}

/// `program` with as many file descriptors as the system lets it have: thousands of connections
/// are open at once. (The product has to see to that by itself.)
fn unlimited(program: &Path, args: &[String]) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n \"$(ulimit -Hn)\" 2>/dev/null; exec \"$0\" \"$@\""])
        .arg(program)
        .args(args);
    command
}

/// An address that nobody listened on a moment ago.
pub(crate) fn free_addr() -> Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .context("no port is free")
}

fn is_ready(addr: SocketAddr) -> bool {
    matches!(get(addr, "/readyz"), Ok((200, _)))
}

/// `GET`s `path`: the status and the body.
pub(crate) fn get(addr: SocketAddr, path: &str) -> Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect_timeout(&addr, ANSWER_WITHIN)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_nodelay(true)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => return Err(error.into()),
        _ => {}
    }
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("no answer")?;
    let head = str::from_utf8(&answer[..end]).context("not an HTTP answer")?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((status.context("no status in the answer")?, answer.split_off(end + 4)))
}

/// Calls `each` every now and then until it says that it is done or `within` is over; whether it
/// was done.
pub(crate) fn poll(
    within: Duration,
    every: Duration,
    mut each: impl FnMut() -> Result<bool>,
) -> Result<bool> {
    let began: Instant = clock::now();
    loop {
        if each()? {
            return Ok(true);
        }
        if began.elapsed() > within {
            return Ok(false);
        }
        thread::sleep(every);
    }
}
