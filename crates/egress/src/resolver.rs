use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolveHosts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use tokio::time::{Instant, timeout};

use crate::turns::Turns;

/// Turns a host name into addresses. The seam at which tests put their own answers.
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of `name`, in order of preference. A name that ends in a dot is absolute; any
    /// other may be completed with the system's search domains.
    fn lookup<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, LookupError>>;
}

/// What a caller can make of a failed look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupFailure {
    /// The name does not exist or has no address.
    NotFound,
    /// No answer in time.
    Timeout,
    /// No usable answer: no server, a broken one, or a name that is none.
    Failed,
}

/// A failed look-up.
#[derive(Debug)]
pub struct LookupError {
    failure: LookupFailure,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl LookupError {
    /// A failure without a cause.
    pub const fn new(failure: LookupFailure) -> Self {
        Self { failure, source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What a caller can decide by.
    pub const fn failure(&self) -> LookupFailure {
        self.failure
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.failure {
            LookupFailure::NotFound => "the name has no address",
            LookupFailure::Timeout => "the name server did not answer in time",
            LookupFailure::Failed => "the name server gave no usable answer",
        })
    }
}

impl StdError for LookupError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|s| s as _)
    }
}

/// How names are resolved.
#[derive(Clone, Debug)]
pub struct ResolverConfig {
    /// The longest a look-up takes, waiting for its turn included.
    pub deadline: Duration,
    /// Look-ups at once; more wait. Names that end in the same two labels have an eighth of it, and
    /// those that end in the same three a quarter of that, so that a zone whose servers do not answer
    /// holds up its own names only.
    pub concurrency: usize,
    /// How long a name without an address is remembered. Other failures: a sixth of it.
    pub negative_ttl: Duration,
}

impl Default for ResolverConfig {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            concurrency: 256,
            negative_ttl: Duration::from_secs(30),
        }
    }
}

/// Failures remembered at once.
const MAX_NEGATIVE: usize = 4096;
/// Other failures than "no such name" are forgotten this many times sooner.
const FAILED_TTL_DIVISOR: u32 = 6;
/// More addresses of one name than this are not tried.
const MAX_ADDRESSES: usize = 16;

/// A handle on one resolver with its cache. Cheap to clone; share one among all clients of a
/// process.
#[derive(Clone)]
pub struct Resolver {
    shared: Arc<Shared>,
}

struct Shared {
    lookup: Arc<dyn Lookup>,
    config: ResolverConfig,
    turns: Turns,
    negative: Mutex<HashMap<String, (Instant, LookupFailure)>>,
}

impl Resolver {
    /// The system's name servers and hosts file, both read once, now. When `/etc/resolv.conf`
    /// cannot be read, only the hosts file answers: names are never sent to servers that nobody
    /// configured.
    pub fn system(config: ResolverConfig) -> Self {
        let lookup = SystemLookup::new(&config);
        Self::with_lookup(Arc::new(lookup), config)
    }

    /// A resolver that asks `lookup`.
    pub fn with_lookup(lookup: Arc<dyn Lookup>, config: ResolverConfig) -> Self {
        let turns = Turns::new(config.concurrency);
        let negative = Mutex::new(HashMap::new());
        Self { shared: Arc::new(Shared { lookup, config, turns, negative }) }
    }

    /// The addresses of `name`: at least one, at most 16, in the order of the answer.
    ///
    /// # Errors
    /// [`LookupError`]; one that was met a moment ago is repeated without asking again.
    pub async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, LookupError> {
        if !can_exist(name) {
            return Err(LookupError::new(LookupFailure::NotFound));
        }
        if let Some(failure) = self.shared.remembered(name) {
            return Err(LookupError::new(failure));
        }
        let asked = timeout(self.shared.config.deadline, async {
            let _turn = self.shared.turns.take(name).await;
            self.shared.lookup.lookup(name).await
        });
        let error = match asked.await {
            Ok(Ok(mut addresses)) if !addresses.is_empty() => {
                addresses.truncate(MAX_ADDRESSES);
                return Ok(addresses);
            }
            Ok(Ok(_)) => LookupError::new(LookupFailure::NotFound),
            Ok(Err(error)) => error,
            Err(_) => LookupError::new(LookupFailure::Timeout),
        };
        self.shared.remember(name, error.failure);
        Err(error)
    }
}

/// Whether `name` keeps the lengths of RFC 1035 section 2.3.4, which URLs need not.
fn can_exist(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 253 && name.split('.').all(|label| matches!(label.len(), 1..=63))
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Shared {
    fn remembered(&self, name: &str) -> Option<LookupFailure> {
        let negative = self.negative.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, failure) = negative.get(name)?;
        (Instant::now() < *until).then_some(*failure)
    }

    fn remember(&self, name: &str, failure: LookupFailure) {
        let ttl = match failure {
            LookupFailure::NotFound => self.config.negative_ttl,
            LookupFailure::Timeout | LookupFailure::Failed => {
                self.config.negative_ttl / FAILED_TTL_DIVISOR
            }
        };
        if ttl.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut negative = self.negative.lock().unwrap_or_else(PoisonError::into_inner);
        if negative.len() >= MAX_NEGATIVE {
            negative.retain(|_, (until, _)| now < *until);
            if negative.len() >= MAX_NEGATIVE {
                negative.clear();
            }
        }
        negative.insert(name.to_owned(), (now + ttl, failure));
    }
}

/// Queries pending per name server connection; hickory's 32 would answer "busy" long before the
/// look-ups' own limit.
const MAX_ACTIVE_QUERIES: usize = 1024;
/// Tries per look-up, so that one lost datagram is made good within the deadline.
const TRIES: u32 = 2;

struct SystemLookup {
    hickory: Option<TokioResolver>,
}

impl SystemLookup {
    fn new(config: &ResolverConfig) -> Self {
        let mut builder = TokioResolver::builder_tokio().unwrap_or_else(|error| {
            tracing::warn!(%error, "no name servers: only the hosts file will be used");
            let none = hickory_resolver::config::ResolverConfig::from_parts(None, vec![], vec![]);
            TokioResolver::builder_with_config(none, TokioRuntimeProvider::default())
        });
        let options = builder.options_mut();
        options.use_hosts_file = ResolveHosts::Always;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = options.timeout.min(config.deadline / TRIES);
        options.attempts = TRIES as usize;
        options.max_active_requests = MAX_ACTIVE_QUERIES;
        let hickory = builder
            .build()
            .inspect_err(|error| tracing::error!(%error, "no resolver: no name will resolve"))
            .ok();
        Self { hickory }
    }
}

impl Lookup for SystemLookup {
    fn lookup<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, LookupError>> {
        Box::pin(async move {
            let hickory = self.hickory.as_ref().ok_or(LookupError::new(LookupFailure::Failed))?;
            match hickory.lookup_ip(name).await {
                Ok(found) => Ok(found.iter().collect()),
                Err(error) => Err(failed(error)),
            }
        })
    }
}

fn failed(error: NetError) -> LookupError {
    let failure = match &error {
        NetError::Timeout => LookupFailure::Timeout,
        e if e.is_no_records_found() => LookupFailure::NotFound,
        _ => LookupFailure::Failed,
    };
    LookupError::new(failure).because(error)
}
