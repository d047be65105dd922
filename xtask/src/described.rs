//! The API against its description: schemathesis holds what the binary answers against
//! docs/openapi.json, and a client that is generated from it does what README.md does with curl.
//!
//! Both come from PyPI, at the versions and checksums in `xtask/openapi`, and are kept in a folder
//! below the build's.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::clock;
use crate::command::{root, target_dir};
use crate::official::{install, pip, python_is_here, within};
use crate::test;

/// Where versions, checksums and checks stand, below the workspace.
const OURS: &str = "xtask/openapi";
const DOCUMENT: &str = "docs/openapi.json";
/// Longest that schemathesis may take; it takes about a minute.
const TRYING: Duration = Duration::from_secs(300);
/// Longest that a client may take to be generated, and to run; it takes seconds.
const CHECKING: Duration = Duration::from_secs(120);
/// Longest until the server is ready.
const STARTING: Duration = Duration::from_secs(30);
/// How often it is asked.
const TICK: Duration = Duration::from_millis(50);
const KEY: &str = "a-key-for-the-description";

/// Requests made up for each operation, beside those that cover each bound.
const EXAMPLES: &str = "20";
/// Makes up the same ones each time.
const SEED: &str = "20261122";

/// Holds the binary to its description.
pub(crate) fn conforms() -> Result<()> {
    test::build()?;
    python_is_here()?;
    let (ours, kept) = (root().join(OURS).join("schemathesis"), target_dir().join("openapi"));
    let python = kept.join("schemathesis");
    install(&python, &ours, &["requirements.txt"], pip)?;
    let server = Server::start()?;
    let mut run = Command::new("python3");
    run.args(["-c", "from schemathesis.cli import schemathesis; schemathesis()"]);
    run.arg("--config-file").arg(ours.join("schemathesis.toml"));
    run.arg("run").arg(root().join(DOCUMENT)).args(["--url", &server.url()]);
    run.args(["--header", &format!("Authorization: Bearer {KEY}")]);
    run.args(["--phases", "examples,coverage,fuzzing"]);
    run.args(["--max-examples", EXAMPLES, "--seed", SEED, "--generation-database", "none"]);
    // One worker: Python 3.11 fails now and then when two threads parse code, as hypothesis does.
    run.args(["--no-shrink", "--continue-on-failure", "--warnings", "off", "--workers", "1"]);
    // A stream that ends only with the server is no answer to be waited for.
    run.args(["--exclude-operation-id", "followEvents"]);
    // Longer than a caller that pulls may wait.
    run.args(["--request-timeout", "70"]);
    run.env("PYTHONPATH", format!("{}:{}", python.display(), ours.display()));
    run.env("PYTHONDONTWRITEBYTECODE", "1").env("SCHEMATHESIS_HOOKS", "hooks");
    run.env("PAGEWIRE_TARGET", server.url() + "/healthz").current_dir(server.home.path());
    within(TRYING, run).with_context(|| {
        format!("an answer is not what {DOCUMENT} says, or the server failed:\n{}", server.log())
    })
}

/// Generates a client from the description and runs it.
pub(crate) fn generates_a_client() -> Result<()> {
    test::build()?;
    python_is_here()?;
    let (ours, kept) = (root().join(OURS).join("client"), target_dir().join("openapi"));
    let python = kept.join("client");
    install(&python, &ours, &["requirements.txt"], pip)?;
    let server = Server::start()?;
    let made = server.home.path().join("client");
    fs::create_dir(&made).context("cannot make a directory")?;
    let mut generate = Command::new("python3");
    generate.args(["-c", "from openapi_python_client.cli import app; app()", "generate"]);
    generate.arg("--path").arg(root().join(DOCUMENT));
    generate.arg("--output-path").arg(made.join("pagewire_client"));
    generate.arg("--config").arg(ours.join("config.yml"));
    generate.args(["--meta", "none", "--fail-on-warning"]);
    generate.env("PYTHONPATH", &python).env("PYTHONDONTWRITEBYTECODE", "1");
    within(CHECKING, generate).context("no whole client can be generated")?;
    let mut check = Command::new("python3");
    check.arg(ours.join("check.py")).arg(&made).args([&server.url(), KEY]);
    check.env("PYTHONPATH", &python).env("PYTHONDONTWRITEBYTECODE", "1");
    within(CHECKING, check).with_context(|| format!("the server's log:\n{}", server.log()))
}

/// The binary with a store in memory, which may reach this machine and needs a key. Dropping it
/// ends it.
struct Server {
    child: Child,
    address: SocketAddr,
    home: TempDir,
}

impl Server {
    fn start() -> Result<Self> {
        let home = tempfile::tempdir().context("cannot make a directory")?;
        // Free a moment ago, and ports are not handed out again at once.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
        let address = free.local_addr().context("no port is free")?;
        drop(free);
        let log = File::create(home.path().join("log")).context("cannot make a log")?;
        let mut command = Command::new(target_dir().join("debug/pagewire"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PAGEWIRE_") {
                command.env_remove(name);
            }
        }
        command.args(["--listen", &address.to_string(), "--store", "memory", "--api-key", KEY]);
        command.args(["--fetch-allow", "127.0.0.0/8", "--sink-allow", "127.0.0.0/8"]);
        command.arg("--data-dir").arg(home.path().join("data"));
        let errors = log.try_clone().context("cannot share the log")?;
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        let child = command.spawn().context("cannot start the binary")?;
        let mut server = Self { child, address, home };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let begun = clock::now();
        while !self.is_ready() {
            if let Some(status) = self.child.try_wait().context("cannot wait for the server")? {
                bail!("the server ended ({status}):\n{}", self.log());
            }
            if begun.elapsed() > STARTING {
                bail!("the server is not ready after {} s:\n{}", STARTING.as_secs(), self.log());
            }
            sleep(TICK);
        }
        Ok(())
    }

    fn is_ready(&self) -> bool {
        let asked = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(self.address)?;
            stream.set_read_timeout(Some(STARTING))?;
            stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        asked().is_ok_and(|answer| answer.starts_with("HTTP/1.0 200 "))
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The last lines of what it wrote.
    fn log(&self) -> String {
        let log = fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Best effort: it keeps nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
