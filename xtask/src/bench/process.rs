use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::clock;

/// Lines of a process's log shown when it dies.
const LOG_TAIL: usize = 15;

/// A process of ours; killed and reaped when dropped.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
}

impl Process {
    /// Starts `command`, its standard error going to `log`. Its standard input stays open as long
    /// as this value lives.
    pub(crate) fn start(name: &'static str, mut command: Command, log: &Path) -> Result<Self> {
        let file = open_log(log)?;
        Self::spawn(name, command.stdout(Stdio::piped()).stderr(file))
    }

    /// The same, standard output going to `log` too.
    pub(crate) fn start_logged(
        name: &'static str,
        mut command: Command,
        log: &Path,
    ) -> Result<Self> {
        let (out, err) = (open_log(log)?, open_log(log)?);
        Self::spawn(name, command.stdout(out).stderr(err))
    }

    fn spawn(name: &'static str, command: &mut Command) -> Result<Self> {
        let child = command
            .stdin(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start the {name}"))?;
        Ok(Self { name, child })
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// The first line it prints: the address it listens on.
    pub(crate) fn announced(&mut self) -> Result<SocketAddr> {
        let line = self.line()?;
        line.trim()
            .parse()
            .with_context(|| format!("the {} said {line:?} instead of where it listens", self.name))
    }

    /// The first line it prints, waiting for it; empty when it ended without one.
    pub(crate) fn line(&mut self) -> Result<String> {
        let out = self.child.stdout.take().context("its output was taken already")?;
        let mut line = String::new();
        BufReader::new(out)
            .read_line(&mut line)
            .with_context(|| format!("cannot read what the {} prints", self.name))?;
        Ok(line)
    }

    /// All it prints until it ends; an error unless it succeeds.
    pub(crate) fn finish(mut self) -> Result<String> {
        let mut text = String::new();
        if let Some(mut out) = self.child.stdout.take() {
            out.read_to_string(&mut text)
                .with_context(|| format!("cannot read what the {} prints", self.name))?;
        }
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the {} failed ({status})", self.name);
        }
        Ok(text)
    }

    /// An error that shows the end of `log` once the process is gone.
    pub(crate) fn check_alive(&mut self, log: &Path) -> Result<()> {
        let Some(status) = self.child.try_wait()? else {
            return Ok(());
        };
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LOG_TAIL)..];
        bail!("the {} ended ({status}); its last words:\n{}", self.name, tail.join("\n"));
    }

    /// `SIGKILL`, and waits for it to be gone.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.end()
    }

    /// The same, of one that keeps its place until there is another.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// `SIGTERM`, and waits for it to end by itself, at most `within`.
    pub(crate) fn terminate(mut self, within: Duration) -> Result<ExitStatus> {
        let pid = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid]).status()?;
        if !sent.success() {
            bail!("cannot signal the {}", self.name);
        }
        let until = clock::now() + within;
        while clock::now() < until {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!("the {} did not stop within {within:?} after SIGTERM", self.name);
    }

    /// What it has used so far.
    pub(crate) fn usage(&self) -> Result<Usage> {
        usage(self.child.id()).with_context(|| format!("cannot read what the {} used", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn open_log(log: &Path) -> Result<File> {
    File::options()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("cannot open {}", log.display()))
}

/// What a process has used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// User and system time of all its threads, in microseconds. Moves in steps of a clock tick.
    pub(crate) cpu_us: u64,
    /// Memory in use now, in bytes (`VmRSS`).
    pub(crate) rss: u64,
    /// Most memory in use at any time, in bytes (`VmHWM`).
    pub(crate) peak_rss: u64,
}

fn usage(pid: u32) -> Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    Ok(Usage {
        cpu_us: cpu_ticks(&stat).context("no times in /proc/PID/stat")? * 1_000_000
            / ticks_per_second(),
        rss: kib(&status, "VmRSS:").context("no VmRSS in /proc/PID/status")? << 10,
        peak_rss: kib(&status, "VmHWM:").context("no VmHWM in /proc/PID/status")? << 10,
    })
}

/// `utime` + `stime`, fields 14 and 15 of proc_pid_stat(5). The name in field 2 may hold anything,
/// so fields are counted from its closing parenthesis.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn kib(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn ticks_per_second() -> u64 {
    static TICKS: OnceLock<u64> = OnceLock::new();
    *TICKS.get_or_init(|| {
        let said = Command::new("getconf").arg("CLK_TCK").output().ok();
        let said = said.and_then(|out| String::from_utf8(out.stdout).ok());
        // 100 on every Linux of today.
        said.and_then(|text| text.trim().parse().ok()).unwrap_or(100)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_found() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 90 0 0 0 12 34 0 0 20 0 1 0 5 6 7";
        assert_eq!(cpu_ticks(stat), Some(46));
        let status = "Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t     12 kB\n";
        assert_eq!(kib(status, "VmHWM:"), Some(1_234));
        assert_eq!(kib(status, "VmSwap:"), None);
    }

    #[test]
    fn our_own_usage_can_be_read() {
        let ours = usage(std::process::id()).expect("we are alive");
        assert!(ours.rss > 0 && ours.peak_rss >= ours.rss);
    }
}
