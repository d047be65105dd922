//! What a scraper may use.

use std::time::Duration;

/// The limits and the identity of one scraper.
#[derive(Clone, Debug)]
pub struct Config {
    /// Time for the network's part of one fetch: every hop and the body. Default of a
    /// [`Request`](crate::Request); 30 s.
    pub timeout: Duration,
    /// Largest body in bytes, after decompression. Default of a request; 10 MB.
    pub max_bytes: u64,
    /// Most redirects that are followed. Default of a request; 10.
    pub max_redirects: u32,
    /// Sent as `user-agent` unless the request brings its own.
    pub user_agent: String,
    /// The product token by which robots.txt files address this program (RFC 9309, section 2.2.1):
    /// letters, `-` and `_`. `None` takes it from `user_agent`, see [`Config::robots_token`].
    pub robots_agent: Option<String>,
    /// Origins whose robots.txt is remembered; those not used for longest are forgotten; 10,000.
    /// Their rules take 32 MiB at most, whatever this says.
    pub robots_cache: usize,
    /// Threads that decompress, decode and extract. 0 stands for one per core.
    pub cpu_threads: usize,
    /// Bytes in memory at once, 128 MB: half of it bodies as they come, half of it what becomes of
    /// them, until the caller is done. A large page can have half of the first and three quarters of
    /// the second. On top of it a CPU thread needs about five times the page it is working on, at
    /// worst twenty times.
    pub memory_budget: u64,
    /// Fetches under way at once; more callers wait, and their deadline does not run; 10,000.
    pub in_flight: usize,
    /// Time to resolve a name and connect to it, within `timeout`; 10 s.
    pub connect_timeout: Duration,
    /// The longest that a body may send nothing; 15 s.
    pub read_timeout: Duration,
    /// Bytes per second that a body has to come at, on the average from its beginning, once it has
    /// been coming for ten seconds; 1,000. Slower is [`Kind::Timeout`](crate::Kind::Timeout) with the
    /// code `too_slow`. 0 stands for any rate.
    pub min_rate: u64,
    /// Unused connections kept per host and port, for two seconds; 8.
    pub idle_per_host: usize,
    /// Certificate authorities to trust besides Mozilla's, each a PEM text with one or more.
    pub extra_roots_pem: Vec<Vec<u8>>,
    /// The resolver to share with other clients; `None` makes one out of the system's settings.
    pub resolver: Option<egress::Resolver>,
    /// Which addresses may be talked to, at every hop. Default: public ones only.
    pub policy: egress::Policy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            max_bytes: 10_000_000,
            max_redirects: 10,
            user_agent: concat!("Pagewire/", env!("CARGO_PKG_VERSION")).to_owned(),
            robots_agent: None,
            robots_cache: 10_000,
            cpu_threads: 0,
            memory_budget: 128_000_000,
            in_flight: 10_000,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(15),
            min_rate: 1_000,
            idle_per_host: 8,
            extra_roots_pem: Vec::new(),
            resolver: None,
            policy: egress::Policy::public_only(),
        }
    }
}

impl Config {
    /// The number of CPU threads that `cpu_threads` stands for, at least one.
    #[must_use]
    pub fn threads(&self) -> usize {
        match self.cpu_threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        }
    }

    /// The product token that robots.txt files address this program by: `robots_agent`, or the first
    /// product of `user_agent`; of a browser's `Mozilla/5.0 (compatible; Bot/1.0)` it is `Bot`. Cut
    /// to the letters, `-` and `_` that it begins with. `None` where that leaves nothing: then only
    /// the rules for `*` hold.
    #[must_use]
    pub fn robots_token(&self) -> Option<&str> {
        let named = self.robots_agent.as_deref().unwrap_or_else(|| product(&self.user_agent));
        let end = named.find(|c: char| !matches!(c, 'a'..='z' | 'A'..='Z' | '-' | '_'));
        Some(&named[..end.unwrap_or(named.len())]).filter(|token| !token.is_empty())
    }
}

/// The product that a `user-agent` names, with its version and what follows.
fn product(agent: &str) -> &str {
    let agent = agent.trim_start();
    let compatible = agent.starts_with("Mozilla/").then(|| agent.split_once("compatible;"));
    compatible.flatten().map_or(agent, |(_, product)| product.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_token_is_what_the_user_agent_begins_with() {
        let token = |user_agent: &str, robots_agent: Option<&str>| {
            let (user_agent, robots_agent) = (user_agent.to_owned(), robots_agent.map(Into::into));
            let config = Config { user_agent, robots_agent, ..Config::default() };
            config.robots_token().map(str::to_owned)
        };
        assert_eq!(Config::default().robots_token(), Some("Pagewire"));
        for (agent, expected) in [
            ("Some_Bot-x/2.0 (+https://bot.example)", Some("Some_Bot-x")),
            ("  Bot", Some("Bot")),
            ("Bot2/1", Some("Bot")),
            ("Mozilla/5.0 (compatible; FooBot/1.0; +https://foo.example)", Some("FooBot")),
            ("Mozilla/5.0 (X11; Linux)", Some("Mozilla")),
            ("7/1", None),
            ("", None),
        ] {
            assert_eq!(token(agent, None).as_deref(), expected, "{agent}");
        }
        assert_eq!(token("Pagewire/1", Some("Other/2")).as_deref(), Some("Other"));
        assert_eq!(token("Pagewire/1", Some("")), None);
    }
}
