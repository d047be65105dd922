use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use egress::{Client, ClientConfig, Kind, Policy, Resolver, ResolverConfig, Response};
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::config::Config;
use crate::control;
use crate::delivery::Delivery;
use crate::error::{Error, ErrorKind};
use crate::forwarder::Drained;
use crate::gzip;
use crate::outlet::Outlets;
use crate::receipt::{Answer, MAX_DETAIL_BYTES, Receipt, excerpt};
use crate::signed;

/// How long the rest of an answer is waited for once its head, which decides, is there.
const ANSWER_BODY_PATIENCE: Duration = Duration::from_secs(5);

/// The content coding of compressed bodies (RFC 9110, section 8.4.1.3).
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// Makes attempts.
pub(crate) struct Poster {
    /// For sinks that came with a job.
    sinks: Client,
    /// For sinks that the operator named; knows their hosts and ports as exempt.
    operator: Client,
    /// Host and port of each sink the operator named.
    trusted: Vec<(String, u16)>,
    outlets: Outlets,
    timeout: Duration,
    max_answer_bytes: u64,
    attempts: AtomicU64,
    cancelled: AtomicU64,
}

impl Poster {
    pub(crate) fn new(config: Config) -> Result<Self, Error> {
        let outlets = Outlets::new(&config)?;
        let resolver =
            config.resolver.unwrap_or_else(|| Resolver::system(ResolverConfig::default()));
        let client = |policy: Policy, idle: usize| {
            let settings = ClientConfig {
                connect_timeout: config.connect_timeout,
                pool_idle_timeout: config.idle_timeout,
                pool_max_idle_per_host: idle,
                user_agent: config.user_agent.clone(),
                extra_roots_pem: config.extra_roots_pem.clone(),
                resolver: Some(resolver.clone()),
                ..ClientConfig::default()
            };
            Client::new(policy, settings).map_err(|e| {
                Error::new(ErrorKind::Client, "cannot build the client for deliveries").because(e)
            })
        };
        Ok(Self {
            operator: client(Policy::trusted(&config.trusted), config.concurrency)?,
            sinks: client(config.sink_policy, config.idle_per_sink)?,
            trusted: config.trusted.iter().filter_map(host_and_port).collect(),
            timeout: config.timeout,
            max_answer_bytes: config.max_answer_bytes,
            outlets,
            attempts: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
        })
    }

    /// Makes one attempt. `since` is when the delivery's timestamp was true.
    pub(crate) async fn post(&self, mut delivery: Delivery, since: Instant) -> Receipt {
        let started = Instant::now();
        let waited_s = i64::try_from(started.duration_since(since).as_secs()).unwrap_or(i64::MAX);
        let now_s = delivery.timestamp_s.saturating_add(waited_s);
        let timeout = delivery.timeout.unwrap_or(self.timeout);
        let mut headers = match signed::headers(&mut delivery, now_s).await {
            Ok(headers) => headers,
            Err(receipt) => return receipt,
        };
        if !matches!(delivery.sink.scheme(), "http" | "https") {
            return self.hand_over(delivery, headers, timeout).await;
        }
        // What its owner says is encoded already is left as it is.
        if delivery.gzip
            && !headers.contains_key(CONTENT_ENCODING)
            && let Some(packed) = gzip::smaller(&delivery.body).await
        {
            headers.insert(CONTENT_ENCODING, GZIP);
            delivery.body = packed;
        }
        let client = self.client_for(&delivery);
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let Delivery { sink, body, .. } = delivery;
        match client.send_to(Method::POST, sink, headers, body, timeout, None).await {
            Ok(response) => self.answered(response, started, timeout, now_s).await,
            Err(error) => {
                let what = error.to_string();
                Receipt::unanswered(meaning(error.kind()), started.elapsed(), &what)
            }
        }
    }

    /// What is not sent by HTTP.
    async fn hand_over(
        &self,
        delivery: Delivery,
        headers: HeaderMap,
        timeout: Duration,
    ) -> Receipt {
        if !delivery.trusted {
            let scheme = delivery.sink.scheme();
            let why = format!("only sinks of the operator may have the scheme `{scheme}:`");
            return Receipt::forbidden(&why);
        }
        self.attempts.fetch_add(1, Ordering::Relaxed);
        self.outlets.send(delivery, headers, timeout).await
    }

    fn client_for(&self, delivery: &Delivery) -> &Client {
        let named = || {
            let host = delivery.sink.host_str();
            let port = delivery.sink.port_or_known_default();
            self.trusted.iter().any(|(h, p)| host == Some(h.as_str()) && port == Some(*p))
        };
        if delivery.trusted && named() { &self.operator } else { &self.sinks }
    }

    async fn answered(
        &self,
        response: Response,
        started: Instant,
        timeout: Duration,
        now_s: i64,
    ) -> Receipt {
        let outcome = outcome(response.status, &response.headers);
        let retry_after = match outcome {
            Answer::Accepted => None,
            _ => egress::retry_after(&response.headers, now_s),
        };
        let pause = egress::rate_limit(&response.headers, now_s);
        let status = Some(response.status.as_u16());
        let until = (started + timeout).min(Instant::now() + ANSWER_BODY_PATIENCE);
        let detail = self.read_answer(response, until).await;
        Receipt { outcome, status, duration: started.elapsed(), retry_after, pause, detail }
    }

    /// The beginning of the answer's body. It is read to its end when that is near, so that the
    /// connection can be used again.
    async fn read_answer(&self, mut response: Response, until: Instant) -> String {
        // An answer announced as too long costs its connection anyway.
        let too_long = response.content_length().is_some_and(|n| n > self.max_answer_bytes);
        let enough = if too_long { MAX_DETAIL_BYTES as u64 } else { self.max_answer_bytes };
        let mut kept = Vec::new();
        let mut read_bytes: u64 = 0;
        while read_bytes <= enough {
            // The head has decided: how the body ends changes nothing.
            let Ok(Ok(Some(chunk))) = timeout_at(until, response.chunk()).await else {
                break;
            };
            read_bytes = read_bytes.saturating_add(chunk.len() as u64);
            let room = MAX_DETAIL_BYTES - kept.len();
            kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        excerpt(&kept)
    }

    pub(crate) fn count_cancelled(&self) {
        self.cancelled.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn drained(&self) -> Drained {
        Drained {
            attempts: self.attempts.load(Ordering::Relaxed),
            cancelled: self.cancelled.load(Ordering::Relaxed),
        }
    }
}

/// What an answer means.
fn outcome(status: StatusCode, headers: &HeaderMap) -> Answer {
    match Answer::of_status(status) {
        Answer::Retryable | Answer::Refused if control::declines(headers) => Answer::Declined,
        other => other,
    }
}

fn host_and_port(url: &Url) -> Option<(String, u16)> {
    Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
}

/// What it means that there was no answer. A name that does not exist and a certificate that is
/// not valid are worth a retry too: the schedule leaves their owner days to mend them.
fn meaning(kind: Kind) -> Answer {
    match kind {
        Kind::Refused | Kind::Invalid => Answer::Forbidden,
        Kind::Dns | Kind::Connect | Kind::Tls | Kind::Timeout | Kind::Protocol | Kind::Body => {
            Answer::Retryable
        }
    }
}
