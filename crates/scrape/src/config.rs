//! What a scraper may use.

use std::time::Duration;

/// The limits and the identity of one scraper.
#[derive(Clone, Debug)]
pub struct Config {
    /// Time for the network's part of one fetch: every hop and the body. Default of a
    /// [`Request`](crate::Request); 30 s.
    pub timeout: Duration,
    /// Largest body in bytes, after decompression. Default of a request; 10 MB.
    pub max_bytes: u64,
    /// Most redirects that are followed. Default of a request; 10.
    pub max_redirects: u32,
    /// Sent as `user-agent` unless the request brings its own.
    pub user_agent: String,
    /// Threads that decompress, decode and extract. 0 stands for one per core.
    pub cpu_threads: usize,
    /// Bytes in memory at once, 128 MB: half of it bodies as they come, half of it what becomes of
    /// them, until the caller is done; of each half a large page can have three quarters. On top of
    /// it a CPU thread needs about five times the page it is working on, at worst twenty times.
    pub memory_budget: u64,
    /// Fetches under way at once; more callers wait, and their deadline does not run; 10,000.
    pub in_flight: usize,
    /// Time to resolve a name and connect to it, within `timeout`; 10 s.
    pub connect_timeout: Duration,
    /// The longest that a body may send nothing; 15 s.
    pub read_timeout: Duration,
    /// Unused connections kept per host and port, for two seconds; 8.
    pub idle_per_host: usize,
    /// Certificate authorities to trust besides Mozilla's, each a PEM text with one or more.
    pub extra_roots_pem: Vec<Vec<u8>>,
    /// The resolver to share with other clients; `None` makes one out of the system's settings.
    pub resolver: Option<egress::Resolver>,
    /// Which addresses may be talked to, at every hop. Default: public ones only.
    pub policy: egress::Policy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            max_bytes: 10_000_000,
            max_redirects: 10,
            user_agent: concat!("Pagewire/", env!("CARGO_PKG_VERSION")).to_owned(),
            cpu_threads: 0,
            memory_budget: 128_000_000,
            in_flight: 10_000,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(15),
            idle_per_host: 8,
            extra_roots_pem: Vec::new(),
            resolver: None,
            policy: egress::Policy::public_only(),
        }
    }
}

impl Config {
    /// The number of CPU threads that `cpu_threads` stands for, at least one.
    #[must_use]
    pub fn threads(&self) -> usize {
        match self.cpu_threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        }
    }
}
