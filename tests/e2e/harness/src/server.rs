use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep};

use crate::{Connection, Usage, eventually};

/// Bytes of the log shown when something fails.
const TAIL: u64 = 6_000;

/// Separates the starts in the log.
const START: &str = "---- start ----";

/// Ports that the system does not hand out to clients, so that a restarted server finds its own
/// free.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

/// How to start the binary. The same configuration starts it again on the same port and data.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The binary.
    pub binary: PathBuf,
    /// Where it listens (`--listen`).
    pub addr: SocketAddr,
    /// `--data-dir`.
    pub data: PathBuf,
    /// The file that takes stdout and stderr, of all starts.
    pub log: PathBuf,
    /// Further flags.
    pub flags: Vec<String>,
    /// Further environment, such as [`crate::FaultFs::environment`].
    pub environment: Vec<(OsString, OsString)>,
    /// What [`Server::client`] shows; not a flag by itself. Default none.
    pub api_key: Option<String>,
    /// How long it may take until `/readyz` says yes. Default 20 s.
    pub ready_limit: Duration,
}

impl ServerConfig {
    /// A server on a free port that keeps everything in `home` and may fetch from loopback
    /// (`--fetch-allow 127.0.0.0/8`).
    pub fn new(binary: impl Into<PathBuf>, home: &Path) -> Self {
        let flags = ["--fetch-allow", "127.0.0.0/8"].map(str::to_owned).to_vec();
        Self {
            binary: binary.into(),
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, free_port())),
            data: home.join("data"),
            log: home.join("server.log"),
            flags,
            environment: Vec::new(),
            api_key: None,
            ready_limit: Duration::from_secs(20),
        }
    }

    /// With more flags.
    #[must_use]
    pub fn with<S: Into<String>>(mut self, flags: impl IntoIterator<Item = S>) -> Self {
        self.flags.extend(flags.into_iter().map(Into::into));
        self
    }

    /// With `flag` set to `value`, whatever it was set to before.
    #[must_use]
    pub fn set(mut self, flag: &str, value: &str) -> Self {
        match self.flags.iter().position(|one| one == flag) {
            Some(at) if at + 1 < self.flags.len() => value.clone_into(&mut self.flags[at + 1]),
            _ => self.flags.extend([flag, value].map(str::to_owned)),
        }
        self
    }

    fn command(&self) -> anyhow::Result<Command> {
        if let Some(parent) = self.log.parent() {
            std::fs::create_dir_all(parent).context("making the log's directory")?;
        }
        let mut log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("opening {}", self.log.display()))?;
        writeln!(log, "{START}").context("writing the log")?;
        let mut command = Command::new(&self.binary);
        // Flags have twins in the environment: this run's are the ones given here.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PAGEWIRE_") {
                command.env_remove(name);
            }
        }
        command
            .arg("--listen")
            .arg(self.addr.to_string())
            .arg("--data-dir")
            .arg(&self.data)
            .args(&self.flags)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("sharing the log")?)
            .stderr(log);
        Ok(command)
    }

    /// The end of the log.
    pub fn log_tail(&self) -> String {
        tail(&self.log).unwrap_or_else(|error| format!("(no log: {error})"))
    }
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn free_port() -> u16 {
    (0..1000)
        .map(|_| rand::random_range(PORTS))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("one of a thousand ports is free")
}

/// The real binary as a process. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    child: Child,
    started: Instant,
}

impl Server {
    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// When it ends before, or is not ready in time: with the end of its log.
    pub async fn start(config: &ServerConfig) -> anyhow::Result<Self> {
        let mut server = Self::spawn(config)?;
        server.ready().await?;
        Ok(server)
    }

    /// Starts it and does not wait.
    ///
    /// # Errors
    /// When there is no such program.
    pub fn spawn(config: &ServerConfig) -> anyhow::Result<Self> {
        let child = config
            .command()?
            .spawn()
            .with_context(|| format!("starting {}", config.binary.display()))?;
        Ok(Self { config: config.clone(), child, started: Instant::now() })
    }

    /// Waits until `/readyz` answers 200; how long that was after the start.
    ///
    /// # Errors
    /// When it ends before, or is not ready in time: with the end of its log.
    pub async fn ready(&mut self) -> anyhow::Result<Duration> {
        let end = self.started + self.config.ready_limit;
        let mut probe = self.client().with_timeout(Duration::from_secs(2));
        loop {
            if let Some(status) = self.child.try_wait().context("looking after the server")? {
                anyhow::bail!(
                    "the server ended ({status}) before it was ready:\n{}",
                    self.log_tail()
                );
            }
            if probe.get("/readyz").await.is_ok_and(|answer| answer.status == 200) {
                return Ok(self.started.elapsed());
            }
            if Instant::now() > end {
                let limit = self.config.ready_limit;
                anyhow::bail!("the server was not ready in {limit:?}:\n{}", self.log_tail());
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Runs it until it ends by itself: its status, and what it printed.
    ///
    /// # Errors
    /// When it does not end within `limit` (it is then killed).
    pub async fn run_to_end(
        config: &ServerConfig,
        limit: Duration,
    ) -> anyhow::Result<(ExitStatus, String)> {
        let mut server = Self::spawn(config)?;
        let status = server.wait_exit(limit).await?;
        let said = config.log_tail();
        let said = said.rsplit_once(START).map_or(said.as_str(), |(_, last)| last).to_owned();
        Ok((status, said))
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.config.addr
    }

    /// How it was started.
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A new connection to it, with the API key if there is one.
    pub fn client(&self) -> Connection {
        let client = Connection::new(self.config.addr);
        match &self.config.api_key {
            Some(key) => client.with_api_key(key),
            None => client,
        }
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// When it is gone.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.pid()).context("the server is gone")
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        self.config.log_tail()
    }

    /// SIGKILL, and waits until it is gone.
    ///
    /// # Errors
    /// When it had ended by itself before.
    pub fn kill9(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait().context("looking after the server")? {
            anyhow::bail!("the server had ended by itself ({status}):\n{}", self.log_tail());
        }
        self.child.kill().context("killing the server")?;
        self.child.wait().context("waiting for the killed server")?;
        Ok(())
    }

    /// SIGTERM.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn terminate(&self) -> anyhow::Result<()> {
        self.signal("TERM")
    }

    /// Sends the signal of that name (`TERM`, `STOP`, `CONT`, …).
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn signal(&self, name: &str) -> anyhow::Result<()> {
        let kill = Command::new("kill").arg("-s").arg(name).arg(self.pid().to_string()).status();
        let kill = kill.context("running kill")?;
        anyhow::ensure!(kill.success(), "cannot send {name} to the server");
        Ok(())
    }

    /// Its status when it has ended.
    ///
    /// # Errors
    /// When it cannot be looked after.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.child.try_wait().context("looking after the server")
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// After `limit`, with the end of its log.
    pub async fn wait_exit(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        let mut status = None;
        let child = &mut self.child;
        let waited = eventually("the server's end", limit, async || {
            status = child.try_wait().ok().flatten();
            status.is_some()
        })
        .await;
        waited.with_context(|| self.config.log_tail())?;
        status.context("the server has ended")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails when it has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            crate::env::say(&format!("---- end of the server's log ----\n{}", self.log_tail()));
        }
    }
}
