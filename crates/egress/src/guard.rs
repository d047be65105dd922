use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::policy::{Policy, Refused};
use crate::resolver::{LookupError, LookupFailure, Resolver};

/// Hands out permitted addresses only. The connection is made to the very addresses returned, so
/// a name cannot change its answer between the check and the use.
pub(crate) struct Guarded {
    pub(crate) resolver: Resolver,
    pub(crate) policy: Arc<Policy>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, policy) = (self.resolver.clone(), Arc::clone(&self.policy));
        Box::pin(async move {
            let host = name.as_str();
            // Absolute: a stranger's name is not completed with this machine's search domains.
            let absolute = if host.ends_with('.') { host.to_owned() } else { format!("{host}.") };
            let found = resolver.resolve(&absolute).await?;
            let permitted: Vec<_> = found
                .iter()
                .filter(|ip| policy.permits(**ip))
                .map(|ip| SocketAddr::new(*ip, 0))
                .collect();
            if permitted.is_empty() {
                let refused = found.iter().find_map(|ip| Some((*ip, policy.refusal(*ip)?)));
                let (ip, block) = refused.ok_or(LookupError::new(LookupFailure::NotFound))?;
                return Err(Refused::Resolved { host: host.to_owned(), ip, block }.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

/// Hands out whatever the exempt host resolves to.
pub(crate) struct Exempt {
    pub(crate) resolver: Resolver,
}

impl Resolve for Exempt {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.resolver.clone();
        Box::pin(async move {
            let found = resolver.resolve(name.as_str()).await?;
            Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}
