use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

use crate::allow::{Allow, normal_name};
use crate::error::{Error, Kind, Result};
use crate::policy::{Policy, Refused, Route, is_of_a_name};

/// A proxy to send requests through.
///
/// Written as `http://HOST:PORT`, `https://HOST:PORT` or `socks5://HOST:PORT`, with
/// `USER:PASSWORD@` before the host where the proxy asks for that. Without a port it is 80, 443 or
/// 1080. Its credentials go to the proxy and are neither printed nor logged.
///
/// With all three, host names of targets are resolved here first, so that they can be judged. A
/// SOCKS proxy (RFC 1928) is then given the address. An HTTP proxy is given the name (absolute
/// form for `http`, `CONNECT` for `https`, RFC 9112 section 3.2) and resolves it once more by
/// itself; what address that leads to, nobody here can see.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    scheme: Scheme,
    /// As in a URL: lower case, an IPv6 address in brackets.
    host: Host,
    port: u16,
    /// Percent-encoded, as in a URL.
    username: String,
    password: String,
    trusted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Scheme {
    Http,
    Https,
    Socks5,
}

/// Why a string is no proxy; the message says what to write instead and repeats nothing of what
/// was written, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseProxyError {
    /// Not a URL.
    #[error("not a URL: write http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT")]
    NotUrl,
    /// Longer than any proxy's URL needs to be.
    #[error("too long: a proxy's URL has at most {MAX_LEN} bytes")]
    TooLong,
    /// Resolving names is left to the proxy, so they could not be judged.
    #[error("this scheme leaves names to the proxy, so they cannot be checked here: use socks5")]
    RemoteNames,
    /// Another scheme.
    #[error("not a proxy's scheme: use http, https or socks5")]
    Scheme,
    /// No host that can be connected to.
    #[error("no usable host: write SCHEME://HOST:PORT")]
    Host,
    /// Port zero.
    #[error("port 0 cannot be connected to: write SCHEME://HOST:PORT")]
    Port,
    /// A path, a query or a fragment.
    #[error("a proxy has no path, query or fragment: write SCHEME://HOST:PORT and no more")]
    Path,
    /// RFC 1929 has one byte for the length of each, and wants both.
    #[error("socks5 takes a user name and a password of 1 to 255 bytes each, or neither")]
    Credentials,
}

/// Room for a host name and two credentials of 255 bytes, percent-encoded. It also keeps the
/// layers below, which know URLs up to 64 KiB, from taking it for none.
const MAX_LEN: usize = 2048;

impl Proxy {
    /// Reads the form above.
    ///
    /// # Errors
    /// [`ParseProxyError`], with the remedy. `socks5h` and `socks4a` are refused: with those the
    /// proxy resolves the names alone.
    pub fn parse(text: &str) -> Result<Self, ParseProxyError> {
        if text.len() > MAX_LEN {
            return Err(ParseProxyError::TooLong);
        }
        let url = Url::parse(text.trim()).map_err(|_| ParseProxyError::NotUrl)?;
        let (scheme, usual_port) = match url.scheme() {
            "http" => (Scheme::Http, 80),
            "https" => (Scheme::Https, 443),
            "socks5" => (Scheme::Socks5, 1080),
            "socks5h" | "socks4a" => return Err(ParseProxyError::RemoteNames),
            _ => return Err(ParseProxyError::Scheme),
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(ParseProxyError::Path);
        }
        // Once more: in a scheme that `url` does not know, `127.1` is a name to it.
        let host = url.host_str().and_then(|host| Host::parse(host).ok());
        // URLs know more names than there are hosts, and more than the layers below can read.
        let host = host.filter(|host| match host {
            Host::Domain(name) => !name.is_empty() && name.bytes().all(is_of_a_name),
            Host::Ipv4(_) | Host::Ipv6(_) => true,
        });
        let host = host.ok_or(ParseProxyError::Host)?;
        let port = url.port().unwrap_or(usual_port);
        if port == 0 {
            return Err(ParseProxyError::Port);
        }
        let username = url.username().to_owned();
        let password = url.password().unwrap_or_default().to_owned();
        let lengths = [&username, &password].map(|text| decoded_len(text));
        let fit = lengths == [0, 0] || lengths.into_iter().all(|n| (1..=255).contains(&n));
        if scheme == Scheme::Socks5 && !fit {
            return Err(ParseProxyError::Credentials);
        }
        Ok(Self { scheme, host, port, username, password, trusted: false })
    }

    /// The same proxy on the operator's word: its own address is not judged. What is asked for
    /// through it is, as ever.
    #[must_use]
    pub fn trusted(self) -> Self {
        Self { trusted: true, ..self }
    }

    /// Whether it is among the targets that `allow` names.
    pub fn is_at(&self, allow: &Allow) -> bool {
        let ip = match &self.host {
            Host::Domain(_) => None,
            Host::Ipv4(ip) => Some(IpAddr::V4(*ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(*ip).to_canonical()),
        };
        let host = self.host();
        let named = |other: &String| match (ip, other.parse::<IpAddr>()) {
            (Some(ip), Ok(other)) => ip == other.to_canonical(),
            (None, Err(_)) => normal_name(&host).eq_ignore_ascii_case(normal_name(other)),
            _ => false,
        };
        match allow {
            Allow::Net(net) => ip.is_some_and(|ip| net.contains(&ip)),
            Allow::Host(name) => named(name),
            Allow::HostPort(name, port) => self.port == *port && named(name),
        }
    }

    /// The host, without brackets.
    pub(crate) fn host(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(ip) => ip.to_string(),
            Host::Ipv6(ip) => ip.to_string(),
        }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Whether it resolves the target's name by itself.
    pub(crate) const fn resolves(&self) -> bool {
        !matches!(self.scheme, Scheme::Socks5)
    }

    /// Judges the proxy's own address as that of any target, unless it is trusted.
    pub(crate) fn check(&self, policy: &Policy) -> Result<Route, Refused> {
        if self.trusted {
            return Ok(Route::Exempt);
        }
        let host = match &self.host {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(ip) => Host::Ipv4(*ip),
            Host::Ipv6(ip) => Host::Ipv6(*ip),
        };
        policy.check_host(&host, self.port)
    }

    /// For the client below, with the credentials.
    pub(crate) fn for_reqwest(&self) -> Result<reqwest::Proxy> {
        let Self { host, port, username, password, .. } = self;
        let scheme = self.scheme.as_str();
        let credentials = match (username.as_str(), password.as_str()) {
            ("", "") => String::new(),
            (username, "") => format!("{username}@"),
            (username, password) => format!("{username}:{password}@"),
        };
        let url = format!("{scheme}://{credentials}{host}:{port}");
        // What the client cannot read in the end, it would silently go past.
        let readable = url.parse::<http::Uri>().is_ok();
        // No cause: it would have the URL.
        let unusable = || Error::new(Kind::Invalid, format!("proxy {self} cannot be used"));
        let proxy = reqwest::Proxy::all(url).map_err(|_| unusable())?;
        readable.then_some(proxy).ok_or_else(unusable)
    }
}

impl Scheme {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
        }
    }
}

/// Bytes of a percent-encoded text once it is decoded.
fn decoded_len(encoded: &str) -> usize {
    let escapes = encoded.as_bytes().windows(3);
    let escapes =
        escapes.filter(|w| w[0] == b'%' && w[1..].iter().all(u8::is_ascii_hexdigit)).count();
    encoded.len() - 2 * escapes
}

impl FromStr for Proxy {
    type Err = ParseProxyError;

    fn from_str(text: &str) -> Result<Self, ParseProxyError> {
        Self::parse(text)
    }
}

/// Without the credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme.as_str(), self.host, self.port)
    }
}

/// Without the credentials.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.to_string()).finish()
    }
}
