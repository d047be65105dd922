use std::fmt;
use std::time::Duration;

use crate::{Links, Origin, StoredKeys};

/// How the API behaves. Every field has a default that suits one machine.
#[derive(Clone)]
pub struct Config {
    /// Largest request body in bytes; above it 413. Default 1 MiB.
    pub max_body: u64,
    /// Time to receive a whole request body; after it 408. Default 30 s.
    pub body_timeout: Duration,
    /// Bytes of request bodies and results held in memory at once, over all connections; above
    /// it 503 with `Retry-After`. One result always fits when it is alone. Default 64 MiB.
    pub memory: u64,
    /// The operator's keys, which may do everything. When there are any, or stored ones, everything
    /// but `GET /`, `/healthz` and `/readyz` asks for one as `Authorization: Bearer …` (RFC 6750
    /// §2.1). Kept as SHA-256 digests once the router is made.
    pub api_keys: Vec<String>,
    /// The keys that were made through the API. Default none.
    pub stored_keys: StoredKeys,
    /// The sites whose pages may use the API from their readers' browsers (CORS). Default none.
    pub cors_origins: Vec<Origin>,
    /// While there are no keys: the hosts that requests may be for, besides `localhost` and
    /// addresses. Any other is refused: it may be a foreign page's, whose name was made to lead
    /// here (DNS rebinding). `None` not to look. Default none.
    pub host_names: Option<Vec<String>>,
    /// What one job may ask for.
    pub limits: Limits,
    /// Most sinks defined through the API; above it 409. Default 1,000.
    pub max_sinks: usize,
    /// Most schedules; above it 409. Default 1,000.
    pub max_schedules: usize,
    /// When set, `/readyz` fails while a job has been due for longer than this. Default none: one
    /// slow host's backlog is no reason to refuse everybody else's jobs.
    pub max_queue_age: Option<Duration>,
    /// What a refused caller is told to wait when the queue is full. Default 5 s.
    pub retry_after: Duration,
    /// Links to results that open without a key; `None` when there are none. Default none.
    pub links: Option<Links>,
    /// A redrive by filter waits while more jobs than this are not over. Default 500,000, half of
    /// what the queue takes by default.
    pub redrive_live_jobs: u64,
    /// It waits too while what they hold is more than this, in bytes. Default 500 MB.
    pub redrive_live_bytes: u64,
    /// Longest `Prefer: wait`; what is asked for beyond it is lowered to it. Default 120 s.
    pub max_wait: Duration,
    /// Callers that wait for outcomes at once; beyond it they are answered without waiting.
    /// Default 1,024.
    pub max_waiting: usize,
    /// For how long an idempotency key stands for the job that it was first used for. Default 24 h.
    pub idempotency_window: Duration,
    /// How long finished jobs and their results are kept, as clients are told it, and batches after
    /// they were completed. Default 24 h.
    pub retain: Duration,
    /// Shown on the page at `/` and by `/healthz`; empty to show none. Default: this crate's.
    pub version: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_body: 1 << 20,
            body_timeout: Duration::from_secs(30),
            memory: 64 << 20,
            api_keys: Vec::new(),
            stored_keys: StoredKeys::default(),
            cors_origins: Vec::new(),
            host_names: None,
            limits: Limits::default(),
            max_sinks: 1000,
            max_schedules: 1000,
            max_queue_age: None,
            retry_after: Duration::from_secs(5),
            links: None,
            redrive_live_jobs: 500_000,
            redrive_live_bytes: 500_000_000,
            max_wait: Duration::from_secs(120),
            max_waiting: 1024,
            idempotency_window: DAY,
            retain: DAY,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Leaves the API keys out.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("max_body", &self.max_body)
            .field("body_timeout", &self.body_timeout)
            .field("memory", &self.memory)
            .field("api_keys", &self.api_keys.len())
            .field("stored_keys", &self.stored_keys)
            .field("cors_origins", &self.cors_origins)
            .field("host_names", &self.host_names)
            .field("limits", &self.limits)
            .field("max_sinks", &self.max_sinks)
            .field("max_schedules", &self.max_schedules)
            .field("max_queue_age", &self.max_queue_age)
            .field("retry_after", &self.retry_after)
            .field("links", &self.links)
            .field("redrive_live_jobs", &self.redrive_live_jobs)
            .field("redrive_live_bytes", &self.redrive_live_bytes)
            .field("max_wait", &self.max_wait)
            .field("max_waiting", &self.max_waiting)
            .field("idempotency_window", &self.idempotency_window)
            .field("retain", &self.retain)
            .field("version", &self.version)
            .finish()
    }
}

/// Ceilings of what a job may ask for. A value above one is refused, never clamped. What a job
/// does not ask for is decided where it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest `timeout`. Default 30 s.
    pub max_timeout: Duration,
    /// Largest `max_bytes`, in bytes. Default 10,000,000.
    pub max_bytes: u64,
    /// Most `max_redirects`. Default 10.
    pub max_redirects: u32,
    /// Farthest `deadline`, from acceptance. Default 30 days.
    pub max_deadline: Duration,
    /// Farthest `not_before` or `delay`, from acceptance. Default 30 days.
    pub max_delay: Duration,
    /// Most `retry.max_attempts`. Default 20.
    pub max_attempts: u32,
}

const DAY: Duration = Duration::from_hours(24);

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_timeout: Duration::from_secs(30),
            max_bytes: 10_000_000,
            max_redirects: 10,
            max_deadline: DAY.saturating_mul(30),
            max_delay: DAY.saturating_mul(30),
            max_attempts: 20,
        }
    }
}

/// How connections are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeConfig {
    /// Time from a connection's first byte of a request to the end of its header section, and
    /// from the connection to its first byte. Default 15 s.
    pub header_read_timeout: Duration,
    /// Time a connection may stay silent between two requests, or leave what is written to it
    /// untaken. Default 60 s.
    pub idle_timeout: Duration,
    /// Connections served at once; above it, nothing is accepted until one ends. Default 4,096.
    pub max_connections: usize,
    /// Largest header section in bytes, at least 8,192; above it 431. Default 64 KiB.
    pub max_header_bytes: usize,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            header_read_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(60),
            max_connections: 4096,
            max_header_bytes: 64 << 10,
        }
    }
}
