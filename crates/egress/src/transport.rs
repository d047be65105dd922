use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;

use crate::client::ClientConfig;
use crate::direct::{
    Direct, H2_CONNECTION_WINDOW_BYTES, H2_STREAM_WINDOW_BYTES, HYPER_MAX_HEADERS,
};
use crate::error::{Error, Kind, Result};
use crate::guard::{Guard, Rule};
use crate::policy::{Policy, Route};
use crate::proxy::Proxy;
use crate::resolver::Resolver;
use crate::tls;

/// Clients of proxies kept, each with its connections: the least recently used goes.
const MAX_PROXIED: usize = 64;

/// Makes the clients below: two for direct requests, and more for proxies as they come.
pub(crate) struct Transport {
    config: ClientConfig,
    tls: rustls::ClientConfig,
    agent: HeaderValue,
    resolver: Resolver,
    policy: Arc<Policy>,
    /// Most recently used first.
    proxied: Mutex<VecDeque<(Path, reqwest::Client)>>,
}

/// The way through a proxy. Requests that differ in it share no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) proxy: Proxy,
    /// How the proxy's name is resolved.
    pub(crate) to_proxy: Route,
    /// How the target's name is resolved, where that happens here.
    pub(crate) to_target: Route,
}

impl Transport {
    pub(crate) fn new(
        config: ClientConfig,
        resolver: Resolver,
        policy: Arc<Policy>,
    ) -> Result<Self> {
        let tls = tls::client_config(&config.extra_roots_pem)?;
        let agent = HeaderValue::from_str(&config.user_agent).map_err(|e| {
            Error::new(Kind::Invalid, "the user agent is not a header value").because(e)
        })?;
        Ok(Self { config, tls, agent, resolver, policy, proxied: Mutex::default() })
    }

    /// A client that goes straight to its targets.
    pub(crate) fn direct(&self, route: Route) -> Direct {
        let guard = self.guard(Rule::All(route));
        Direct::new(&self.config, self.tls.clone(), self.agent.clone(), guard)
    }

    /// The client for a way through a proxy, made when there is none.
    pub(crate) fn through(&self, path: &Path) -> Result<reqwest::Client> {
        if let Some(client) = self.used_before(path) {
            return Ok(client);
        }
        let Path { proxy, to_proxy, to_target } = path;
        let rule =
            Rule::Proxied { proxy: proxy.host(), to_proxy: *to_proxy, to_target: *to_target };
        let client = build(self.builder(rule).proxy(proxy.for_reqwest()?))?;
        let mut proxied = self.proxied.lock().unwrap_or_else(PoisonError::into_inner);
        proxied.push_front((path.clone(), client.clone()));
        proxied.truncate(MAX_PROXIED);
        Ok(client)
    }

    fn used_before(&self, path: &Path) -> Option<reqwest::Client> {
        let mut proxied = self.proxied.lock().unwrap_or_else(PoisonError::into_inner);
        let at = proxied.iter().position(|(other, _)| other == path)?;
        proxied.make_contiguous()[..=at].rotate_right(1);
        proxied.front().map(|(_, client)| client.clone())
    }

    fn guard(&self, rule: Rule) -> Guard {
        Guard { resolver: self.resolver.clone(), policy: Arc::clone(&self.policy), rule }
    }

    fn builder(&self, rule: Rule) -> reqwest::ClientBuilder {
        let config = &self.config;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .dns_resolver(self.guard(rule))
            .user_agent(self.agent.clone())
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
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client> {
    builder
        .build()
        .map_err(|e| Error::new(Kind::Invalid, "the http client cannot be set up").because(e))
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
