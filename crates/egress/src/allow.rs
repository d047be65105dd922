use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use url::Host;

/// An exemption from the address policy, given by the operator.
///
/// Written as `10.0.0.0/8`, `::1`, `127.0.0.1:9000`, `[::1]:80`, `internal.example` or
/// `internal.example:8080`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Allow {
    /// Every address of this network, on any port that is not a [bad port](crate::is_bad_port).
    Net(IpNet),
    /// This host name (no suffix match), whatever it resolves to, on any port that is not bad.
    Host(String),
    /// This host name or address on this port alone, be it a bad one. An IPv6 address has no
    /// brackets here.
    HostPort(String, u16),
}

/// Why a string is no exemption; the message says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseAllowError {
    /// Nothing there.
    #[error("an empty exemption: write a network (10.0.0.0/8), an address, a host or host:port")]
    Empty,
    /// A URL.
    #[error("`{0}` is a URL: write only its host or host:port")]
    Url(String),
    /// A slash, but no network.
    #[error("`{0}` is not a network: write ADDRESS/PREFIX such as 10.0.0.0/8 or fd00::/8")]
    Net(String),
    /// The part behind the colon is not a port.
    #[error("`{0}` has no valid port: write host:port with a port from 1 to 65535")]
    Port(String),
    /// A pattern.
    #[error(
        "`{0}` is a pattern, which is not supported: name each host, or the network they are in"
    )]
    Pattern(String),
    /// Not a host name.
    #[error(
        "`{0}` is not a host name or address: write for example internal.example or [::1]:8080"
    )]
    Host(String),
}

impl FromStr for Allow {
    type Err = ParseAllowError;

    fn from_str(text: &str) -> Result<Self, ParseAllowError> {
        let s = text.trim();
        let quoted = || s.chars().take(MAX_QUOTED_CHARS).collect::<String>();
        if s.is_empty() {
            return Err(ParseAllowError::Empty);
        }
        if s.contains("://") {
            return Err(ParseAllowError::Url(quoted()));
        }
        if s.contains('/') {
            let net: IpNet = s.parse().map_err(|_| ParseAllowError::Net(quoted()))?;
            return Ok(Self::Net(net.trunc()));
        }
        if let Ok(ip) = s.parse::<IpAddr>() {
            return Ok(Self::Net(ip.into()));
        }
        if s.contains('*') || s.starts_with('.') {
            return Err(ParseAllowError::Pattern(quoted()));
        }
        let (host, port) = split_port(s).ok_or_else(|| ParseAllowError::Port(quoted()))?;
        match (parse_host(host).ok_or_else(|| ParseAllowError::Host(quoted()))?, port) {
            (Named::Ip(ip), None) => Ok(Self::Net(ip.into())),
            (Named::Ip(ip), Some(port)) => Ok(Self::HostPort(ip.to_string(), port)),
            (Named::Name(name), None) => Ok(Self::Host(name)),
            (Named::Name(name), Some(port)) => Ok(Self::HostPort(name, port)),
        }
    }
}

/// Enough to recognise a flag's value by, whatever was pasted into it.
const MAX_QUOTED_CHARS: usize = 80;

enum Named {
    Ip(IpAddr),
    Name(String),
}

/// Splits at the colon that is not inside brackets. `None`: there is one, but no port behind it.
fn split_port(s: &str) -> Option<(&str, Option<u16>)> {
    let after = s.rfind(']').map_or(0, |i| i + 1);
    match s[after..].rfind(':') {
        None => Some((s, None)),
        Some(colon) => {
            let digits = &s[after + colon + 1..];
            let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            let port = digits.parse::<u16>().ok().filter(|p| plain && *p > 0)?;
            Some((&s[..after + colon], Some(port)))
        }
    }
}

fn parse_host(host: &str) -> Option<Named> {
    if let Some(inner) = host.strip_prefix('[') {
        let v6: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(Named::Ip(v6.into()));
    }
    // The same parser as for URLs, so that an exemption and a URL that look alike are alike.
    match Host::parse(host).ok()? {
        Host::Ipv4(v4) => Some(Named::Ip(v4.into())),
        Host::Ipv6(v6) => Some(Named::Ip(v6.into())),
        Host::Domain(name) => {
            let name = normal_name(&name);
            (!name.is_empty()).then(|| Named::Name(name.to_owned()))
        }
    }
}

/// A host name without the dot of the root. `url` has made it lower case ASCII already.
pub(crate) fn normal_name(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Net(net) => net.fmt(f),
            Self::Host(host) => f.write_str(host),
            Self::HostPort(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::HostPort(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(s: &str) -> Allow {
        s.parse().unwrap_or_else(|e| panic!("{s}: {e}"))
    }

    #[test]
    fn reads_every_form() {
        let host = |h: &str| Allow::Host(h.to_owned());
        let host_port = |h: &str, p| Allow::HostPort(h.to_owned(), p);
        assert_eq!(parse("10.1.2.3/8"), Allow::Net("10.0.0.0/8".parse().unwrap()));
        assert_eq!(parse("::1"), Allow::Net("::1/128".parse().unwrap()));
        assert_eq!(parse("[::1]"), Allow::Net("::1/128".parse().unwrap()));
        assert_eq!(parse("0x7f.1"), Allow::Net("127.0.0.1/32".parse().unwrap()));
        assert_eq!(parse(" 127.0.0.1:9000 "), host_port("127.0.0.1", 9000));
        assert_eq!(parse("[::1]:80"), host_port("::1", 80));
        assert_eq!(parse("Internal.Example."), host("internal.example"));
        assert_eq!(parse("internal.example:8080"), host_port("internal.example", 8080));
        assert_eq!(parse("bücher.example"), host("xn--bcher-kva.example"));
    }

    #[test]
    fn what_is_printed_reads_back() {
        for s in
            ["10.0.0.0/8", "fd00::/8", "127.0.0.1:9000", "[::1]:80", "a.example", "a.example:1"]
        {
            assert_eq!(parse(s).to_string(), s);
        }
    }

    #[test]
    fn errors_name_the_remedy() {
        for (s, says) in [
            ("", "write a network"),
            ("http://a.example/", "only its host"),
            ("10.0.0.0/33", "ADDRESS/PREFIX"),
            ("a.example/24", "ADDRESS/PREFIX"),
            ("a.example:http", "1 to 65535"),
            ("a.example:0", "1 to 65535"),
            ("a.example:+80", "1 to 65535"),
            ("a.example:65536", "1 to 65535"),
            ("*.example", "name each host"),
            (".example", "name each host"),
            ("a b", "internal.example"),
            ("[::1", "[::1]:8080"),
            ("[nonsense]:80", "internal.example"),
            ("1.2.3.4.5", "internal.example"),
        ] {
            let error = s.parse::<Allow>().expect_err(s).to_string();
            assert!(error.contains(says), "{s}: {error}");
        }
    }
}
