//! The binary at work.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A command that sees nothing of this process's environment.
pub(crate) fn pagewire(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pagewire"));
    command.env_clear().args(args).stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    pagewire(args).output().unwrap()
}

/// What the binary wrote to standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The whole answer to a request.
pub(crate) fn ask(at: SocketAddr, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A running server, killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    log: BufReader<ChildStderr>,
    /// Where it listens.
    pub(crate) at: SocketAddr,
}

impl Daemon {
    /// Starts a server on any port, with its store in `data_dir`, and waits until it listens.
    pub(crate) fn start(data_dir: &Path, args: &[&str]) -> Self {
        let mut child = pagewire(&["--listen", "127.0.0.1:0", "--log-format", "json"])
            .arg("--data-dir")
            .arg(data_dir)
            .args(args)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut server = Self { child, log, at: ([127, 0, 0, 1], 0).into() };
        let listening = server.wait_for("listening");
        server.at = listening["listen"].as_str().unwrap().parse().unwrap();
        server
    }

    /// Reads its log until an event with this message, and answers that.
    pub(crate) fn wait_for(&mut self, message: &str) -> serde_json::Value {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            let length = self.log.read_line(&mut line).unwrap();
            assert!(length > 0, "it ended before it said {message:?}: {seen}");
            seen.push_str(&line);
            let event: serde_json::Value = serde_json::from_str(&line).unwrap();
            if event["message"] == message {
                return event;
            }
        }
    }

    /// Asks it to end.
    pub(crate) fn signal(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// Tells it that its terminal is gone, or that its files have changed.
    pub(crate) fn hang_up(&self) {
        kill_process(Pid::from_child(&self.child), Signal::HUP).unwrap();
    }

    /// Asks it to end and answers its exit code and last log line.
    pub(crate) fn terminate(self) -> (Option<i32>, String) {
        self.signal();
        self.ended()
    }

    /// Waits for its end and answers its exit code and last log line.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let last = self.log.by_ref().lines().map_while(Result::ok).last();
        (self.child.wait().unwrap().code(), last.unwrap_or_default())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
