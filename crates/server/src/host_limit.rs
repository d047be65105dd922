//! Limits of single hosts: `PATTERN=PACE`.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use jobs::{LaneKey, LaneLimit};
use url::{Host, Url};

use crate::pace::{InvalidPace, Pace};

/// One `--host-limit`: which hosts, and how hard each of them may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostLimit {
    pattern: Pattern,
    pace: Pace,
}

/// Hosts in their normal spelling, as lanes have it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    /// `example.com`: the host, whatever the port.
    Host(String),
    /// `example.com:8443`: one port of it.
    Port(String),
    /// `*.example.com`: every host below, each by itself.
    Below(String),
}

/// The text is no limit of a host.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum InvalidHostLimit {
    /// No `=`, or nothing a host could be.
    Pattern,
    /// What stands after the `=`.
    Pace(InvalidPace),
}

impl fmt::Display for InvalidHostLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern => f.write_str(
                "expected HOST=PACE, such as example.com=2/s,4; HOST is a name, an address, either \
                 with a port, or *.example.com",
            ),
            Self::Pace(invalid) => write!(f, "after the `=`: {invalid}"),
        }
    }
}

impl std::error::Error for InvalidHostLimit {}

impl FromStr for HostLimit {
    type Err = InvalidHostLimit;

    fn from_str(text: &str) -> Result<Self, InvalidHostLimit> {
        let (host, pace) = text.split_once('=').ok_or(InvalidHostLimit::Pattern)?;
        let pattern = Pattern::read(host.trim()).ok_or(InvalidHostLimit::Pattern)?;
        let pace = pace.trim().parse().map_err(InvalidHostLimit::Pace)?;
        Ok(Self { pattern, pace })
    }
}

impl Pattern {
    fn read(text: &str) -> Option<Self> {
        if text.contains(['/', '?', '#', '@', '\\']) {
            return None;
        }
        let (below, host) = match text.strip_prefix("*.") {
            Some(host) => (true, host),
            None => (false, text),
        };
        // The URL standard's reading of a host, which is the one lanes have.
        let url = Url::parse(&format!("http://{host}/")).ok()?;
        let name = url.host_str()?.to_owned();
        let named = matches!(url.host()?, Host::Domain(_)) && !name.contains('*');
        let port = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map(|(_, port)| port);
        match (below, port) {
            (true, None) if named => Some(Self::Below(name)),
            (false, None) if !name.contains('*') => Some(Self::Host(name)),
            (false, Some(port)) if !name.contains('*') => {
                let port: u16 = port.parse().ok()?;
                Some(Self::Port(format!("{name}:{port}")))
            }
            _ => None,
        }
    }
}

impl HostLimit {
    /// Fetches of one such host at once.
    pub(crate) fn at_once(&self) -> u32 {
        self.pace.0.concurrency
    }
}

impl fmt::Display for HostLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pattern {
            Pattern::Host(host) | Pattern::Port(host) => write!(f, "{host}={}", self.pace),
            Pattern::Below(domain) => write!(f, "*.{domain}={}", self.pace),
        }
    }
}

/// All of them; the closest pattern decides: a port before its host before the nearest domain.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostLimits {
    hosts: HashMap<String, LaneLimit>,
    below: HashMap<String, LaneLimit>,
}

impl HostLimits {
    /// Of two limits for the same pattern the later one holds.
    pub(crate) fn new(limits: &[HostLimit]) -> Self {
        let mut all = Self::default();
        for HostLimit { pattern, pace } in limits.iter().cloned() {
            match pattern {
                Pattern::Host(host) | Pattern::Port(host) => all.hosts.insert(host, pace.0),
                Pattern::Below(domain) => all.below.insert(domain, pace.0),
            };
        }
        all
    }

    /// The limit of the origin that a lane stands for, `host:port`; `None` when no pattern fits.
    pub(crate) fn of(&self, lane: &LaneKey) -> Option<LaneLimit> {
        let origin = lane.as_str();
        let host = origin.rsplit_once(':').map_or(origin, |(host, _)| host);
        let exact = self.hosts.get(origin).or_else(|| self.hosts.get(host));
        let mut above = host.split_once('.').map(|(_, domain)| domain);
        let domains = std::iter::from_fn(|| {
            let domain = above?;
            above = domain.split_once('.').map(|(_, next)| next);
            Some(domain)
        });
        exact.or_else(|| domains.filter_map(|domain| self.below.get(domain)).next()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(texts: &[&str]) -> HostLimits {
        let read: Vec<HostLimit> = texts.iter().map(|text| text.parse().unwrap()).collect();
        HostLimits::new(&read)
    }

    fn at_once(limits: &HostLimits, lane: &str) -> Option<u32> {
        limits.of(&LaneKey::new(lane)).map(|limit| limit.concurrency)
    }

    #[test]
    fn the_closest_pattern_decides() {
        let limits = limits(&[
            "*.example.com=1",
            "*.a.example.com=2",
            "www.a.example.com=3",
            "www.a.example.com:8443=4",
            "127.0.0.1=5",
            "[::1]=6",
            "[::1]:81=7",
        ]);
        for (lane, expected) in [
            ("example.com:443", None),
            ("www.example.com:443", Some(1)),
            ("x.y.example.com:80", Some(1)),
            ("x.a.example.com:80", Some(2)),
            ("www.a.example.com:443", Some(3)),
            ("www.a.example.com:8443", Some(4)),
            ("notexample.com:80", None),
            ("127.0.0.1:8080", Some(5)),
            ("127.0.0.2:8080", None),
            ("[::1]:80", Some(6)),
            ("[::1]:81", Some(7)),
        ] {
            assert_eq!(at_once(&limits, lane), expected, "{lane}");
        }
    }

    #[test]
    fn patterns_are_read_as_hosts_of_urls_are() {
        for (text, normal) in [
            ("Example.COM=4", "example.com=4"),
            ("bücher.example=0.5/s,1", "xn--bcher-kva.example=0.5/s,1"),
            ("*.EXAMPLE.com = 2/s,4", "*.example.com=2/s,4"),
            ("example.com:443=1", "example.com:443=1"),
            ("0x7f.1=1", "127.0.0.1=1"),
        ] {
            assert_eq!(text.parse::<HostLimit>().unwrap().to_string(), normal);
        }
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for text in ["", "example.com", "=4", "*=4", "*.=4", "a/b=4", "a*b=4", "a:x=4", "*.a:1=4"] {
            let refused = text.parse::<HostLimit>().unwrap_err();
            assert_eq!(refused, InvalidHostLimit::Pattern, "{text}");
        }
        let refused = "example.com=fast".parse::<HostLimit>().unwrap_err();
        assert!(refused.to_string().contains("2/s"), "{refused}");
    }
}
