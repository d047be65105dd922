use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

use crate::classify::{Phase, classify};
use crate::error::{Error, Kind, Result};
use crate::guard::{Exempt, Guarded};
use crate::policy::{Policy, Refused, Route};
use crate::resolver::{Resolver, ResolverConfig};
use crate::response::Response;
use crate::tls;

/// How a [`Client`] connects and reads.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The longest that one connection may take, name look-up and TLS handshake included.
    pub connect_timeout: Duration,
    /// The longest that a body may send nothing.
    pub read_timeout: Duration,
    /// How long an unused connection is kept. Short: one that has read a large body keeps a read
    /// buffer of up to about 400 KB for as long as it lives.
    pub pool_idle_timeout: Duration,
    /// Unused connections kept per host and port, at 30–40 KB of memory each, or ten times that
    /// after a large body.
    pub pool_max_idle_per_host: usize,
    /// Header fields in an answer; more is [`Kind::Protocol`].
    pub http1_max_headers: usize,
    /// Bytes of all header names and values of an answer; more is [`Kind::Protocol`].
    pub max_header_bytes: usize,
    /// Take the headers that browsers take and the standard does not: folded lines, spaces before
    /// the colon, lines that are no header (skipped). HTTP/1 only.
    pub lenient_headers: bool,
    /// The `User-Agent` of requests that set none. Visible ASCII.
    pub user_agent: String,
    /// Certificate authorities to trust besides Mozilla's, each a PEM text with one or more.
    pub extra_roots_pem: Vec<Vec<u8>>,
    /// The resolver to share; `None` makes one out of the system's settings.
    pub resolver: Option<Resolver>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(15),
            pool_idle_timeout: Duration::from_secs(2),
            pool_max_idle_per_host: 8,
            http1_max_headers: 100,
            max_header_bytes: 128 * 1024,
            lenient_headers: false,
            user_agent: concat!("Pagewire/", env!("CARGO_PKG_VERSION")).to_owned(),
            extra_roots_pem: Vec::new(),
            resolver: None,
        }
    }
}

/// What one HTTP/2 stream may have sent that is not read yet: it counts against no budget.
const H2_STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// The same for all streams of one connection.
const H2_CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// An HTTP client for URLs that strangers chose. Cheap to clone; its connections are shared.
///
/// One request is one hop: no redirects, no proxy (not even from the environment), no cookies, no
/// decompression, no retries but of requests that provably were not processed.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    policy: Arc<Policy>,
    guarded: reqwest::Client,
    exempt: reqwest::Client,
    read_timeout: Duration,
    max_header_bytes: usize,
}

impl Client {
    /// A client that obeys `policy`.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when the user agent or an extra root cannot be used.
    pub fn new(policy: Policy, config: ClientConfig) -> Result<Self> {
        let policy = Arc::new(policy);
        let tls = tls::client_config(&config.extra_roots_pem)?;
        let agent = HeaderValue::from_str(&config.user_agent).map_err(|e| {
            Error::new(Kind::Invalid, "the user agent is not a header value").because(e)
        })?;
        let guarded = builder(&config, tls.clone(), agent.clone());
        let exempt = builder(&config, tls, agent);
        let resolver =
            config.resolver.unwrap_or_else(|| Resolver::system(ResolverConfig::default()));
        let guard = Guarded { resolver: resolver.clone(), policy: Arc::clone(&policy) };
        Ok(Self {
            shared: Arc::new(Shared {
                guarded: build(guarded.dns_resolver(guard))?,
                exempt: build(exempt.dns_resolver(Exempt { resolver }))?,
                policy,
                read_timeout: config.read_timeout,
                max_header_bytes: config.max_header_bytes,
            }),
        })
    }

    /// The policy obeyed.
    pub fn policy(&self) -> &Policy {
        &self.shared.policy
    }

    /// Sends one request and waits for the head of its answer, `timeout_to_head` at most:
    /// look-up, connecting and handshake included. Cancel-safe: dropped, it sends no more.
    ///
    /// # Errors
    /// See [`Kind`]. Any status is a success here.
    pub async fn send(
        &self,
        request: http::Request<Bytes>,
        timeout_to_head: Duration,
    ) -> Result<Response> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|e| {
            Error::new(Kind::Invalid, format!("not an absolute URL: {e}")).because(e)
        })?;
        self.send_to(parts.method, url, parts.headers, body, timeout_to_head).await
    }

    /// [`Client::send`] for a caller that has the URL parsed already.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn send_to(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
        timeout_to_head: Duration,
    ) -> Result<Response> {
        let shared = &*self.shared;
        let route = shared.policy.check_url(&url).map_err(|refused| {
            let host = url.host_str().unwrap_or_default();
            Error::new(Kind::Refused, format!("request to {host} refused: {refused}"))
                .because(refused)
        })?;
        let client = match route {
            Route::Guarded => &shared.guarded,
            Route::Exempt => &shared.exempt,
        };
        // For messages; the URL itself moves into the request.
        let host = url.host_str().unwrap_or_default().to_owned();
        let request = assemble(client, method, url, headers, body)
            .map_err(|e| classify(e, Phase::Head, &host))?;
        let inner = match tokio::time::timeout(timeout_to_head, client.execute(request)).await {
            Ok(Ok(inner)) => inner,
            Ok(Err(error)) => return Err(classify(error, Phase::Head, &host)),
            Err(_) => {
                let waited_ms = timeout_to_head.as_millis();
                let message = format!("request to {host} timed out: no answer in {waited_ms} ms");
                return Err(Error::new(Kind::Timeout, message));
            }
        };
        let response = Response::new(inner, shared.read_timeout);
        if route == Route::Guarded {
            shared.assert_address(&response, &host)?;
        }
        shared.assert_head(&response, &host)?;
        Ok(response)
    }
}

impl Shared {
    /// The second line: whatever was checked before, the answer of a forbidden address is not
    /// handed out.
    fn assert_address(&self, response: &Response, host: &str) -> Result<()> {
        let Some(address) = response.remote_addr else {
            // The peer was gone before it could be asked for.
            let message = format!("request to {host} failed: the peer's address is not known");
            return Err(Error::new(Kind::Connect, message));
        };
        let ip: IpAddr = address.ip();
        let Some(block) = self.policy.refusal(ip) else {
            return Ok(());
        };
        tracing::error!(url.host = host, %ip, "connected to a forbidden address: answer dropped");
        let refused = Refused::Address { ip, block };
        Err(Error::new(Kind::Refused, format!("answer of {host} refused: {refused}"))
            .because(refused))
    }

    fn assert_head(&self, response: &Response, host: &str) -> Result<()> {
        let headers = response.headers.iter();
        let bytes: usize = headers.map(|(name, value)| name.as_str().len() + value.len()).sum();
        if bytes <= self.max_header_bytes {
            return Ok(());
        }
        let most = self.max_header_bytes;
        let message = format!("answer of {host} has {bytes} bytes of headers: {most} are accepted");
        Err(Error::new(Kind::Protocol, message))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("policy", &self.shared.policy).finish_non_exhaustive()
    }
}

fn assemble(
    client: &reqwest::Client,
    method: Method,
    url: Url,
    mut headers: HeaderMap,
    body: Bytes,
) -> reqwest::Result<reqwest::Request> {
    // RFC 9110 section 8.6; hyper leaves it out, and some servers answer 411.
    if body.is_empty() && matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // Turns them into an `authorization`, which the caller's own replaces.
        return client.request(method, url).headers(headers).body(body).build();
    }
    let mut request = reqwest::Request::new(method, url);
    *request.headers_mut() = headers;
    *request.body_mut() = Some(body.into());
    Ok(request)
}

fn builder(
    config: &ClientConfig,
    tls: rustls::ClientConfig,
    agent: HeaderValue,
) -> reqwest::ClientBuilder {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .user_agent(agent)
        .connect_timeout(config.connect_timeout)
        .pool_idle_timeout(config.pool_idle_timeout)
        .pool_max_idle_per_host(config.pool_max_idle_per_host)
        .tcp_nodelay(true)
        .http1_allow_obsolete_multiline_headers_in_responses(config.lenient_headers)
        .http1_allow_spaces_after_header_name_in_responses(config.lenient_headers)
        .http1_ignore_invalid_headers_in_responses(config.lenient_headers)
        .http2_initial_stream_window_size(H2_STREAM_WINDOW_BYTES)
        .http2_initial_connection_window_size(H2_CONNECTION_WINDOW_BYTES)
        .http2_max_header_list_size(config.max_header_bytes.try_into().unwrap_or(u32::MAX));
    if config.http1_max_headers != HYPER_MAX_HEADERS {
        builder = builder.http1_max_headers(config.http1_max_headers);
    }
    builder
}

/// What hyper parses into without an allocation, as long as it is not told a number.
const HYPER_MAX_HEADERS: usize = 100;

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client> {
    builder
        .build()
        .map_err(|e| Error::new(Kind::Invalid, "the http client cannot be set up").because(e))
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
