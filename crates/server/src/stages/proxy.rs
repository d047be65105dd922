//! Proxies that jobs name: only those that the operator allows.

use egress::{Allow, Proxy};
use ingest::JobSpec;

use super::scrape::{Fault, INVALID};

/// The proxy that a job is fetched through. What the operator allows may have changed since the
/// job was accepted.
pub(super) fn of(allowed: &[Allow], spec: &JobSpec) -> Result<Option<Proxy>, Fault> {
    let read = |text: &String| {
        admit(allowed, text).map_err(|error| Fault::new(INVALID, format!("proxy: {error}"), false))
    };
    spec.proxy.as_ref().map(read).transpose()
}

/// The proxy, if a job may name it; otherwise why not.
pub(super) fn admit(allowed: &[Allow], text: &str) -> Result<Proxy, String> {
    let proxy = Proxy::parse(text).map_err(|error| error.to_string())?;
    if allowed.is_empty() {
        return Err(
            "jobs may not name a proxy here; the operator allows it with --proxy-allow".to_owned()
        );
    }
    match allowed.iter().any(|target| proxy.is_at(target)) {
        true => Ok(proxy.trusted()),
        false => {
            Err("not among the proxies that the operator allows with --proxy-allow".to_owned())
        }
    }
}
