use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, Entry, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::allow::normal_name;
use crate::classify::{Phase, Target, classify};
use crate::direct::Direct;
use crate::error::{Error, Kind, Result};
use crate::guard::{Unusable, all_permitted, permitted};
use crate::policy::{Policy, Refused, Route};
use crate::proxy::Proxy;
use crate::resolver::{LookupFailure, Resolver, ResolverConfig};
use crate::response::Response;
use crate::transport::{Path, Transport};

/// How a [`Client`] connects and reads.
///
/// What is not a matter of choice: of a head, hyper buffers 16 KiB more than `max_header_bytes`
/// before it is refused (through a proxy 408 KiB), and 32 interim answers (1xx) are passed over
/// (HTTP/1; otherwise, and through a proxy, they are bounded by the time for the head alone);
/// with HTTP/2 a server may be ahead of the reader by 256 KiB on a stream and by 1 MiB on a
/// connection, and may push nothing.
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
    /// Header fields in an answer; more is [`Kind::Protocol`]. HTTP/1 only: with HTTP/2 it is their
    /// bytes that count.
    pub http1_max_headers: usize,
    /// Bytes of all header names and values of an answer, with HTTP/2 32 more for each (RFC 9113
    /// section 6.5.2); more is [`Kind::Protocol`].
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

/// An HTTP client for URLs that strangers chose. Cheap to clone; its connections are shared.
///
/// One request is one hop: no redirects, no proxy but the one given (none from the environment),
/// no cookies, no decompression, no retries but of requests that provably were not processed, and of
/// a GET or HEAD whose connection had been used before and turned out to have ended.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    policy: Arc<Policy>,
    resolver: Resolver,
    guarded: Direct,
    exempt: Direct,
    transport: Transport,
    read_timeout: Duration,
    max_header_bytes: usize,
}

impl Client {
    /// A client that obeys `policy`.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when the user agent or an extra root cannot be used.
    pub fn new(policy: Policy, mut config: ClientConfig) -> Result<Self> {
        let policy = Arc::new(policy);
        let resolver =
            config.resolver.take().unwrap_or_else(|| Resolver::system(ResolverConfig::default()));
        let (read_timeout, max_header_bytes) = (config.read_timeout, config.max_header_bytes);
        let transport = Transport::new(config, resolver.clone(), Arc::clone(&policy))?;
        let guarded = transport.direct(Route::Guarded);
        let exempt = transport.direct(Route::Exempt);
        let shared =
            Shared { policy, resolver, guarded, exempt, transport, read_timeout, max_header_bytes };
        Ok(Self { shared: Arc::new(shared) })
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
        self.send_to(parts.method, url, parts.headers, body, timeout_to_head, None).await
    }

    /// [`Client::send`] for a caller that has the URL parsed already, straight to its host or
    /// `via` a proxy.
    ///
    /// The proxy's address obeys the policy, and so does the target: a literal address as ever, a
    /// name by what it resolves to here. Through a SOCKS proxy only an address that was judged is
    /// asked for. An HTTP proxy resolves the name by itself, so the target is refused when any of
    /// its addresses is forbidden. [`Response::remote_addr`] is the proxy's.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn send_to(
        &self,
        method: Method,
        url: Url,
        mut headers: HeaderMap,
        body: Bytes,
        timeout_to_head: Duration,
        via: Option<&Proxy>,
    ) -> Result<Response> {
        let shared = &*self.shared;
        let host = url.host_str().unwrap_or_default();
        let route = shared.policy.check_url(&url).map_err(|refused| {
            Error::new(Kind::Refused, format!("request to {host} refused: {refused}"))
                .because(refused)
        })?;
        // For messages; the URL itself moves into the request.
        let host = match via {
            None => host.to_owned(),
            Some(proxy) => format!("{host} through {proxy}"),
        };
        let target = Target { https: url.scheme() == "https", via: via.is_some(), host: &host };
        let asked = method.clone();
        let exchange = async {
            let failed = |error: reqwest::Error| classify(error.into(), Phase::Head, target);
            let Some(proxy) = via else {
                let (client, peer) = match route {
                    Route::Guarded => (&shared.guarded, Peer::Guarded),
                    Route::Exempt => (&shared.exempt, Peer::Exempt),
                };
                let request = assemble(method, url, headers, body.clone());
                let request = http::Request::try_from(request).map_err(failed)?;
                let (head, _) = request.into_parts();
                let sent = client.send(head, body).await;
                let inner = sent.map_err(|e| classify(e.into(), Phase::Head, target))?;
                return Ok((inner.map(reqwest::Body::wrap), peer));
            };
            // Another's, if anybody's: ours are for this proxy.
            headers.remove(PROXY_AUTHORIZATION);
            let (client, peer) = shared.through(proxy, &url, route, target.host).await?;
            let request = assemble(method, url, headers, body);
            let inner = client.execute(request).await.map_err(failed)?;
            Ok((inner.into(), peer))
        };
        let (inner, peer) =
            tokio::time::timeout(timeout_to_head, exchange).await.unwrap_or_else(|_| {
                let waited_ms = timeout_to_head.as_millis();
                let message = format!("request to {host} timed out: no answer in {waited_ms} ms");
                Err(Error::new(Kind::Timeout, message))
            })?;
        let response = Response::new(inner, &asked, target, shared.read_timeout);
        shared.assert_address(&response, peer, &host)?;
        shared.assert_head(&response, &host)?;
        Ok(response)
    }
}

/// Who may have answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    /// Any address that the policy permits.
    Guarded,
    /// Any.
    Exempt,
    /// A proxy at this port: a request that was meant for a proxy never goes past it.
    Proxy(Route, u16),
}

impl Shared {
    /// The client for `proxy`, once the proxy and the target are judged.
    async fn through(
        &self,
        proxy: &Proxy,
        url: &Url,
        to_target: Route,
        host: &str,
    ) -> Result<(reqwest::Client, Peer)> {
        let forbidden = |refused: Refused| {
            let message = format!("request to {host} refused: {refused}");
            Error::new(Kind::Refused, message).because(refused)
        };
        let mut to_proxy = proxy.check(&self.policy).map_err(forbidden)?;
        let target = match url.host() {
            Some(Host::Domain(name)) => Some(name),
            _ => None,
        };
        let unusable = |unusable| match unusable {
            Unusable::Refused(refused) => forbidden(refused),
            Unusable::Lookup(error) => {
                let lasting = error.failure() == LookupFailure::NotFound;
                let message = format!("request to {host} failed: {error}");
                Error::new(Kind::Dns, message).lasting(lasting).because(error)
            }
        };
        if let (true, Route::Guarded, Some(name)) = (proxy.resolves(), to_target, target) {
            all_permitted(&self.resolver, &self.policy, name).await.map_err(unusable)?;
        }
        if !proxy.resolves() && to_proxy == Route::Guarded {
            // Judged again when it is connected to, but then the reason does not come through.
            permitted(&self.resolver, &self.policy, &proxy.host()).await.map_err(unusable)?;
        }
        // A resolver that is asked for one name cannot tell which of the two is meant.
        if target.is_some_and(|name| normal_name(name) == normal_name(&proxy.host()))
            && to_target == Route::Guarded
        {
            to_proxy = Route::Guarded;
        }
        // What resolves by itself does not ask here for the target.
        let to_target = if proxy.resolves() { Route::Guarded } else { to_target };
        let path = Path { proxy: proxy.clone(), to_proxy, to_target };
        Ok((self.transport.through(&path)?, Peer::Proxy(to_proxy, proxy.port())))
    }

    /// The second line: whatever was checked before, the answer of a forbidden address is not
    /// handed out.
    fn assert_address(&self, response: &Response, peer: Peer, host: &str) -> Result<()> {
        if peer == Peer::Exempt {
            return Ok(());
        }
        let Some(address) = response.remote_addr else {
            // The peer was gone before it could be asked for.
            let message = format!("request to {host} failed: the peer's address is not known");
            return Err(Error::new(Kind::Connect, message));
        };
        if matches!(peer, Peer::Proxy(_, port) if port != address.port()) {
            tracing::error!(url.host = host, %address, "went past the proxy: answer dropped");
            let message = format!("answer of {host} refused: it did not come from the proxy");
            return Err(Error::new(Kind::Refused, message));
        }
        if matches!(peer, Peer::Proxy(Route::Exempt, _)) {
            return Ok(());
        }
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

fn assemble(method: Method, mut url: Url, mut headers: HeaderMap, body: Bytes) -> reqwest::Request {
    // RFC 9110 section 8.6; hyper leaves it out, and some servers answer 411.
    if body.is_empty() && matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    if let Entry::Vacant(none) = headers.entry(AUTHORIZATION)
        && let Some(own) = credentials(&url)
    {
        none.insert(own);
    }
    let _ = (url.set_username(""), url.set_password(None));
    let mut request = reqwest::Request::new(method, url);
    *request.headers_mut() = headers;
    *request.body_mut() = Some(body.into());
    request
}

/// What a URL's credentials are as an `authorization` (RFC 7617).
fn credentials(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut plain: Vec<u8> = percent_decode_str(url.username()).collect();
    plain.push(b':');
    plain.extend(percent_decode_str(url.password().unwrap_or_default()));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(plain))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
