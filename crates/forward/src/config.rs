use std::fmt;
use std::time::Duration;

use tokio::sync::Semaphore;
use url::Url;

use crate::error::{Error, ErrorKind};

/// What a forwarder may do and how much of it.
///
/// `Debug` shows of [`trusted`](Self::trusted) only the hosts: the URLs may hold credentials.
#[derive(Clone)]
pub struct Config {
    /// One attempt: name look-up, connection, request, head and body of the answer. Default 15 s.
    pub timeout: Duration,
    /// The part of `timeout` that a connection may take, TLS included. Default 10 s.
    pub connect_timeout: Duration,
    /// Attempts in flight at once, over all sinks. Default 256. Bounds per sink are the caller's:
    /// it knows which deliveries can wait.
    pub concurrency: usize,
    /// Deliveries that may wait for a free place; above, [`deliver`](crate::Forwarder::deliver)
    /// waits before it hands over. Default 256.
    pub queue: usize,
    /// Which addresses sinks may have. Default: public ones only.
    pub sink_policy: egress::Policy,
    /// Sinks named by the operator: their host and port are exempt from the address policy, for
    /// deliveries marked [`trusted`](crate::Delivery::trusted). Only these may be other than HTTP,
    /// see [`check_sink_url`](crate::check_sink_url). Default: none.
    pub trusted: Vec<Url>,
    /// For `s3:` sinks: the standard variables (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    /// `AWS_REGION`, …) and their values; others are not looked at. Default: none.
    pub aws: Vec<(String, String)>,
    /// The `user-agent` header. Default `Pagewire/<version>`.
    pub user_agent: String,
    /// Most of an answer's body that is read, in bytes, so that its connection can be used again;
    /// more than that and the connection is closed. Default 64 KiB.
    pub max_answer_bytes: u64,
    /// Connections kept open for each job-supplied sink while nothing is sent. Each costs a
    /// descriptor and up to 40 KB. Default 8. For trusted sinks it is `concurrency`.
    pub idle_per_sink: usize,
    /// How long an unused connection is kept. Default 4 s: common receivers close theirs after
    /// 5 s, and a POST that meets such a close is lost and has to be repeated.
    pub idle_timeout: Duration,
    /// Certificate authorities to trust besides Mozilla's, each a PEM text. Default: none.
    pub extra_roots_pem: Vec<Vec<u8>>,
    /// The name resolver to share with the rest of the process. Default: one of its own, out of
    /// the system's settings.
    pub resolver: Option<egress::Resolver>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(10),
            concurrency: 256,
            queue: 256,
            sink_policy: egress::Policy::public_only(),
            trusted: Vec::new(),
            aws: Vec::new(),
            user_agent: concat!("Pagewire/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_answer_bytes: 64 * 1024,
            idle_per_sink: 8,
            idle_timeout: Duration::from_secs(4),
            extra_roots_pem: Vec::new(),
            resolver: None,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trusted: Vec<_> = self.trusted.iter().filter_map(Url::host_str).collect();
        f.debug_struct("Config")
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("concurrency", &self.concurrency)
            .field("queue", &self.queue)
            .field("sink_policy", &self.sink_policy)
            .field("trusted", &trusted)
            .field("user_agent", &self.user_agent)
            .field("max_answer_bytes", &self.max_answer_bytes)
            .field("idle_per_sink", &self.idle_per_sink)
            .field("idle_timeout", &self.idle_timeout)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Checks what the types do not say.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let invalid = |what: String| Err(Error::new(ErrorKind::Config, what));
        if self.timeout.is_zero() || self.connect_timeout.is_zero() {
            return invalid("the delivery timeouts must be longer than zero".into());
        }
        for (name, value) in [("concurrency", self.concurrency), ("queue", self.queue)] {
            if !(1..=Semaphore::MAX_PERMITS).contains(&value) {
                return invalid(format!("the delivery {name} must be at least 1, not {value}"));
            }
        }
        for url in &self.trusted {
            if let Err(why) = crate::check_sink_url(url) {
                return invalid(format!("a trusted sink cannot be used: {why}"));
            }
        }
        Ok(())
    }
}
