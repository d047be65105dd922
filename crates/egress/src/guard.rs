use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::dns;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use tower_service::Service;

use crate::allow::normal_name;
use crate::policy::{Policy, Refused, Route};
use crate::resolver::{LookupError, LookupFailure, Resolver};

/// Why a name leads nowhere.
#[derive(Debug)]
pub(crate) enum Unusable {
    Refused(Refused),
    Lookup(LookupError),
}

/// Which addresses of a name are handed out.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    /// The same for every name.
    All(Route),
    /// The proxy's name has a rule of its own.
    Proxied { proxy: String, to_proxy: Route, to_target: Route },
}

impl Rule {
    fn of(&self, name: &str) -> Route {
        match self {
            Self::All(route) => *route,
            Self::Proxied { proxy, to_proxy, .. } if normal_name(proxy) == normal_name(name) => {
                *to_proxy
            }
            Self::Proxied { to_target, .. } => *to_target,
        }
    }
}

/// Hands out permitted addresses only. The connection is made to the very addresses returned, so
/// a name cannot change its answer between the check and the use.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) resolver: Resolver,
    pub(crate) policy: Arc<Policy>,
    pub(crate) rule: Rule,
}

impl Guard {
    /// The addresses of `name` that may be connected to, with no port.
    fn addresses(&self, name: &str) -> BoxFuture<'static, Result<Addresses, Cause>> {
        let (resolver, policy) = (self.resolver.clone(), Arc::clone(&self.policy));
        let (route, name) = (self.rule.of(name), name.to_owned());
        Box::pin(async move {
            let usable = match route {
                Route::Guarded => permitted(&resolver, &policy, &name).await,
                Route::Exempt => exempt(&resolver, &name).await,
            };
            let usable = usable.map_err(Unusable::into_cause)?.into_iter();
            Ok(usable.map((|ip| SocketAddr::new(ip, 0)) as fn(IpAddr) -> SocketAddr))
        })
    }
}

type Addresses = std::iter::Map<std::vec::IntoIter<IpAddr>, fn(IpAddr) -> SocketAddr>;
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// For clients of proxies.
impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.addresses(name.as_str());
        Box::pin(async move { Ok(Box::new(addresses.await?) as Addrs) })
    }
}

/// For clients that go straight to their targets.
impl Service<dns::Name> for Guard {
    type Response = Addresses;
    type Error = Cause;
    type Future = BoxFuture<'static, Result<Addresses, Cause>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: dns::Name) -> Self::Future {
        self.addresses(name.as_str())
    }
}

/// The addresses of `host` that the policy permits: at least one.
pub(crate) async fn permitted(
    resolver: &Resolver,
    policy: &Policy,
    host: &str,
) -> Result<Vec<IpAddr>, Unusable> {
    let found = found(resolver, host).await?;
    let permitted: Vec<_> = found.iter().copied().filter(|ip| policy.permits(*ip)).collect();
    if permitted.is_empty() {
        return Err(refused(policy, host, &found));
    }
    Ok(permitted)
}

/// Judges `host` for a proxy that will resolve it by itself and may connect to any of its
/// addresses: one that is forbidden is enough to refuse it.
pub(crate) async fn all_permitted(
    resolver: &Resolver,
    policy: &Policy,
    host: &str,
) -> Result<(), Unusable> {
    let found = found(resolver, host).await?;
    if found.iter().all(|ip| policy.permits(*ip)) && !found.is_empty() {
        return Ok(());
    }
    Err(refused(policy, host, &found))
}

async fn found(resolver: &Resolver, host: &str) -> Result<Vec<IpAddr>, Unusable> {
    // A SOCKS proxy's client asks for addresses too.
    if let Some(ip) = literal(host) {
        return Ok(vec![ip]);
    }
    // Absolute: a stranger's name is not completed with this machine's search domains.
    let absolute = if host.ends_with('.') { host.to_owned() } else { format!("{host}.") };
    resolver.resolve(&absolute).await.map_err(Unusable::Lookup)
}

/// Whatever the exempt host resolves to.
async fn exempt(resolver: &Resolver, host: &str) -> Result<Vec<IpAddr>, Unusable> {
    match literal(host) {
        Some(ip) => Ok(vec![ip]),
        None => resolver.resolve(host).await.map_err(Unusable::Lookup),
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn refused(policy: &Policy, host: &str, found: &[IpAddr]) -> Unusable {
    match found.iter().find_map(|ip| Some((*ip, policy.refusal(*ip)?))) {
        Some((ip, block)) => {
            Unusable::Refused(Refused::Resolved { host: host.to_owned(), ip, block })
        }
        None => Unusable::Lookup(LookupError::new(LookupFailure::NotFound)),
    }
}

impl Unusable {
    fn into_cause(self) -> Box<dyn std::error::Error + Send + Sync> {
        match self {
            Self::Refused(refused) => refused.into(),
            Self::Lookup(lookup) => lookup.into(),
        }
    }
}
