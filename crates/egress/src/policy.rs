use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use crate::address::{Block, special_block};
use crate::allow::{Allow, normal_name};
use crate::port::is_bad_port;

/// Which addresses may be talked to: no special-purpose block, and what the operator exempts.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    nets: Vec<IpNet>,
    hosts: HashMap<String, Ports>,
    /// Exempt address literals with their port.
    endpoints: Vec<(IpAddr, u16)>,
}

#[derive(Clone, Debug, Default)]
struct Ports {
    any: bool,
    these: Vec<u16>,
}

/// How a URL that passed is to be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// Only to an address that [`Policy::permits`].
    Guarded,
    /// To whatever the exempt host resolves to.
    Exempt,
}

/// Why the policy refused a URL or an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Neither http nor https.
    #[error("the scheme `{0}` is not allowed: only http and https are")]
    Scheme(String),
    /// The URL names no host.
    #[error("the URL has no host")]
    NoHost,
    /// The host is neither an address nor what a name of a host can be (RFC 952, RFC 1123, and the
    /// underscore that is in use).
    #[error("`{0}` cannot be the name of a host")]
    Name(String),
    /// A port of another protocol, WHATWG Fetch "bad port".
    #[error("port {0} is blocked for http, since it belongs to another protocol")]
    Port(u16),
    /// The address, or one that it carries, is in a special-purpose block.
    #[error("{ip} is not a public address ({}: {}, {})", block.cidr, block.name, block.source)]
    Address {
        /// The address.
        ip: IpAddr,
        /// What it belongs to.
        block: &'static Block,
    },
    /// A name that means this machine: RFC 6761 section 6.3.
    #[error("`{0}` means this machine")]
    Localhost(String),
    /// A host name that resolves to addresses which are all refused; this is one of them.
    #[error("`{host}` resolves to {ip}, which is not a public address ({}: {}, {})",
        block.cidr, block.name, block.source)]
    Resolved {
        /// The name.
        host: String,
        /// The first of its addresses.
        ip: IpAddr,
        /// What that belongs to.
        block: &'static Block,
    },
}

impl Policy {
    /// Refuses every special-purpose block of the IANA registries, IPv4 and IPv6, and the IPv6
    /// forms that carry such an address. The default.
    pub fn public_only() -> Self {
        Self::default()
    }

    /// The same with these exemptions added.
    #[must_use]
    pub fn allow(mut self, exemptions: &[Allow]) -> Self {
        for exemption in exemptions {
            match exemption {
                Allow::Net(net) => self.nets.push(*net),
                Allow::Host(host) => match host.parse::<IpAddr>() {
                    Ok(ip) => self.nets.push(ip.into()),
                    Err(_) => self.ports_of(host).any = true,
                },
                Allow::HostPort(host, port) => match host.parse() {
                    Ok(ip) => self.endpoints.push((ip, *port)),
                    Err(_) => self.ports_of(host).these.push(*port),
                },
            }
        }
        self
    }

    /// [`Policy::public_only`] with the host and port of each of these URLs exempt. Meant for
    /// targets that the operator wrote down, never for one out of a request.
    pub fn trusted(urls: &[Url]) -> Self {
        let exemptions: Vec<_> = urls
            .iter()
            .filter_map(|url| {
                let port = url.port_or_known_default()?;
                let host = match url.host()? {
                    Host::Domain(name) => name.to_owned(),
                    Host::Ipv4(ip) => ip.to_string(),
                    Host::Ipv6(ip) => ip.to_string(),
                };
                Some(Allow::HostPort(host, port))
            })
            .collect();
        Self::public_only().allow(&exemptions)
    }

    fn ports_of(&mut self, host: &str) -> &mut Ports {
        self.hosts.entry(normal_name(host).to_ascii_lowercase()).or_default()
    }

    /// Judges a URL before anything is sent: its scheme, its port, and its host where that is an
    /// address or means this machine. A host name is judged again by what it resolves to.
    ///
    /// # Errors
    /// [`Refused`], with the reason.
    pub fn check_url(&self, url: &Url) -> Result<Route, Refused> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme(url.scheme().to_owned()));
        }
        let host = url.host().ok_or(Refused::NoHost)?;
        let port = url.port_or_known_default().ok_or(Refused::NoHost)?;
        self.check_host(&host, port)
    }

    /// [`Policy::check_url`] without a URL.
    pub(crate) fn check_host(&self, host: &Host<&str>, port: u16) -> Result<Route, Refused> {
        match host {
            Host::Domain(name) => self.check_name(normal_name(name), port),
            Host::Ipv4(ip) => self.check_literal((*ip).into(), port),
            Host::Ipv6(ip) => self.check_literal((*ip).into(), port),
        }
    }

    fn check_name(&self, name: &str, port: u16) -> Result<Route, Refused> {
        if name.is_empty() {
            return Err(Refused::NoHost);
        }
        // URLs know more names than there are hosts. Some of the others are addresses to whoever
        // reads them loosely: `+40` is 0.0.0.40 to C libraries.
        if !name.bytes().all(is_of_a_name) {
            return Err(Refused::Name(name.to_owned()));
        }
        let exempt = self.hosts.get(name);
        if exempt.is_some_and(|ports| ports.these.contains(&port)) {
            return Ok(Route::Exempt);
        }
        check_port(port)?;
        if exempt.is_some_and(|ports| ports.any) {
            return Ok(Route::Exempt);
        }
        let localhost = name == "localhost" || name.ends_with(".localhost");
        if localhost && !LOOPBACKS.into_iter().any(|ip| self.permits(ip)) {
            return Err(Refused::Localhost(name.to_owned()));
        }
        Ok(Route::Guarded)
    }

    fn check_literal(&self, ip: IpAddr, port: u16) -> Result<Route, Refused> {
        if self.endpoints.contains(&(ip, port)) {
            return Ok(Route::Exempt);
        }
        check_port(port)?;
        self.refusal(ip).map_or(Ok(Route::Guarded), |block| Err(Refused::Address { ip, block }))
    }

    /// Whether a connection to `ip` may be made on behalf of a host that is not itself exempt.
    pub fn permits(&self, ip: IpAddr) -> bool {
        self.refusal(ip).is_none()
    }

    /// The block for which `ip` is refused.
    pub(crate) fn refusal(&self, ip: IpAddr) -> Option<&'static Block> {
        let block = special_block(ip)?;
        // An IPv4-mapped address is the IPv4 address in another spelling.
        let plain = ip.to_canonical();
        let exempt = self.nets.iter().any(|net| net.contains(&plain) || net.contains(&ip));
        (!exempt).then_some(block)
    }
}

/// What names of hosts are made of, in their ASCII form.
pub(crate) const fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

const LOOPBACKS: [IpAddr; 2] =
    [IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)];

fn check_port(port: u16) -> Result<(), Refused> {
    if is_bad_port(port) { Err(Refused::Port(port)) } else { Ok(()) }
}
