//! An origin that does harm: every behaviour has a name and an address of its own.

mod bodies;
mod bombs;
mod framing;
mod heads;
mod redirects;
mod robots;
mod script;
mod serve;
mod statuses;
mod tls;
mod types;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use tokio::task::JoinSet;

use self::script::Script;
use self::serve::serve;
use self::tls::Certificate;
use crate::wire::bind;

/// The behaviours are spread over this network, one address each.
const NET: u8 = 2;
/// Each behaviour is found under the same address of this network too: somewhere to redirect to.
const TWIN_NET: u8 = 3;
/// Addresses used of each /24.
const PER_NET: usize = 250;
/// How often a port is drawn until it is free under all addresses.
const PORT_TRIES: usize = 20;

/// What has to become of a job that meets a behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `job.succeeded`.
    Page,
    /// `job.failed` with one of these codes.
    Failure(&'static [&'static str]),
    /// Either is sound: `job.succeeded`, or `job.failed` with one of these codes.
    PageOr(&'static [&'static str]),
}

impl Expected {
    /// Whether an event of that type, and with that error code when it has one, is what was
    /// expected.
    #[must_use]
    pub fn is_met_by(self, kind: &str, code: Option<&str>) -> bool {
        let page = kind == "job.succeeded" && code.is_none();
        let failure =
            |codes: &[&str]| kind == "job.failed" && code.is_some_and(|code| codes.contains(&code));
        match self {
            Self::Page => page,
            Self::Failure(codes) => failure(codes),
            Self::PageOr(codes) => page || failure(codes),
        }
    }
}

/// One way to do harm.
pub struct Behaviour {
    /// Its name, unique; the path of its URL.
    pub name: &'static str,
    /// What has to become of a job that meets it.
    pub expected: Expected,
    act: Act,
    /// What `/robots.txt` gets; 404 without.
    robots: Option<Script>,
}

/// When it begins.
enum Act {
    /// Once a request was read.
    Answer(Script),
    /// As soon as there is a connection, whatever it is for.
    Accept(Script),
    /// With a handshake under this certificate.
    Handshake(Certificate),
}

impl Behaviour {
    fn answer(name: &'static str, expected: Expected, script: Script) -> Self {
        Self { name, expected, act: Act::Answer(script), robots: None }
    }

    fn accept(name: &'static str, expected: Expected, script: Script) -> Self {
        Self { name, expected, act: Act::Accept(script), robots: None }
    }

    fn handshake(name: &'static str, expected: Expected, certificate: Certificate) -> Self {
        Self { name, expected, act: Act::Handshake(certificate), robots: None }
    }

    fn with_robots(mut self, robots: Script) -> Self {
        self.robots = Some(robots);
        self
    }

    /// Whether it is met by `https`.
    fn is_secure(&self) -> bool {
        matches!(self.act, Act::Handshake(_)) || self.name.starts_with("tls-")
    }
}

/// Every behaviour there is, in an order that stays.
fn table() -> Vec<Behaviour> {
    let parts = [
        bodies::behaviours(),
        framing::behaviours(),
        heads::behaviours(),
        redirects::behaviours(),
        statuses::behaviours(),
        types::behaviours(),
        tls::behaviours(),
        robots::behaviours(),
    ];
    parts.into_iter().flatten().collect()
}

/// A site that does harm in every way that is known, each under an address of its own, so that none
/// covers another. It has no threads but those of the runtime it was started on.
pub struct HostileOrigin {
    port: u16,
    behaviours: Arc<Vec<Behaviour>>,
    _tasks: JoinSet<()>,
}

impl HostileOrigin {
    /// Starts to listen.
    ///
    /// # Errors
    /// When no port is free under all addresses.
    pub async fn start() -> anyhow::Result<Self> {
        let behaviours = tokio::task::spawn_blocking(table).await.context("building the table")?;
        let behaviours = Arc::new(behaviours);
        let mut last = None;
        for _ in 0..PORT_TRIES {
            match listen(&behaviours).await {
                Ok((port, tasks)) => return Ok(Self { port, behaviours, _tasks: tasks }),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no port was tried")?).context("binding the hostile origin")
    }

    /// A certificate authority, as PEM, that has to be trusted for what is wrong with the name in a
    /// certificate to be all that is wrong with it.
    pub const ROOT_PEM: &str = tls::ROOT;

    /// The behaviours, in order.
    pub fn behaviours(&self) -> &[Behaviour] {
        &self.behaviours
    }

    /// Where behaviour `index` is met: `http://ADDRESS:PORT/hostile/NAME`, or `https` where that is
    /// the point.
    pub fn url(&self, index: usize) -> String {
        let behaviour = &self.behaviours[index];
        let scheme = if behaviour.is_secure() { "https" } else { "http" };
        format!("{scheme}://{}:{}/hostile/{}", address(NET, index), self.port, behaviour.name)
    }
}

async fn listen(behaviours: &Arc<Vec<Behaviour>>) -> std::io::Result<(u16, JoinSet<()>)> {
    let (mut port, mut tasks) = (0, JoinSet::new());
    for index in 0..behaviours.len() {
        for net in [NET, TWIN_NET] {
            let addr = SocketAddr::from((address(net, index), port));
            let listener = match port {
                0 => bind(addr).await?,
                _ => tokio::net::TcpListener::bind(addr).await?,
            };
            port = listener.local_addr()?.port();
            tasks.spawn(serve(listener, Arc::clone(behaviours), index));
        }
    }
    Ok((port, tasks))
}

fn address(net: u8, index: usize) -> Ipv4Addr {
    let part = |n: usize| u8::try_from(n).expect("there are fewer than 60,000 behaviours");
    Ipv4Addr::new(127, net, part(index / PER_NET), part(index % PER_NET + 1))
}

/// The same behaviour under its other address.
fn twin(ip: Ipv4Addr) -> Ipv4Addr {
    let [a, net, c, d] = ip.octets();
    Ipv4Addr::new(a, if net == NET { TWIN_NET } else { NET }, c, d)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_enough_behaviours_and_each_has_a_name() {
        let table = table();
        let names: HashSet<&str> = table.iter().map(|behaviour| behaviour.name).collect();
        assert_eq!(names.len(), table.len());
        assert!(table.len() >= 50, "{}", table.len());
    }

    #[test]
    fn an_expectation_is_a_type_and_its_codes() {
        let failure = Expected::Failure(&["body", "connect"]);
        assert!(failure.is_met_by("job.failed", Some("connect")));
        assert!(!failure.is_met_by("job.failed", Some("timeout")));
        assert!(!failure.is_met_by("job.succeeded", None));
        assert!(Expected::Page.is_met_by("job.succeeded", None));
        assert!(!Expected::Page.is_met_by("job.unchanged", None));
        assert!(Expected::PageOr(&["body"]).is_met_by("job.failed", Some("body")));
    }

    #[test]
    fn a_twin_s_twin_is_itself() {
        let ip = address(NET, 260);
        assert_eq!(ip, Ipv4Addr::new(127, 2, 1, 11));
        assert_eq!(twin(twin(ip)), ip);
        assert_ne!(twin(ip), ip);
    }
}
