//! What `/proc` says of a process.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Ticks per second of the times in `/proc/PID/stat`: 100 on every Linux architecture (USER_HZ).
const TICKS: u64 = 100;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// User and system time of all its threads, dead ones included; in steps of 10 ms.
    pub cpu: Duration,
    /// Resident bytes now.
    pub rss_bytes: u64,
    /// The most resident bytes so far.
    pub peak_rss_bytes: u64,
    /// Threads now.
    pub threads: u64,
    /// Open descriptors now.
    pub descriptors: u64,
}

impl Usage {
    /// Reads what process `pid` has used; `None` when there is no such process or no `/proc`.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field, the name in parentheses, may hold spaces.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        Some(Self {
            cpu: Duration::from_millis(ticks * 1000 / TICKS),
            rss_bytes: line("VmRSS:").unwrap_or(0) * 1024,
            peak_rss_bytes: line("VmHWM:").unwrap_or(0) * 1024,
            threads: line("Threads:").unwrap_or(0),
            descriptors: std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
                as u64,
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::Usage;

    #[test]
    fn this_process_uses_something() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.peak_rss_bytes >= usage.rss_bytes && usage.rss_bytes > 0);
        assert!(usage.threads >= 1 && usage.descriptors >= 3);
        assert_eq!(Usage::of(u32::MAX), None);
    }
}
