//! The Robots Exclusion Protocol (RFC 9309): what may be fetched, and how often.

mod ask;
mod cache;
mod fresh;
mod pattern;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use url::Url;

use self::ask::Answer;
pub(crate) use self::ask::Means;
use self::cache::{Cache, Entry, Key};
use self::rules::Rules;
use crate::error::{Error, Kind};
use crate::patience::Patience;

/// The longest that a robots.txt may take; never more than half of what its fetch has left.
const LONGEST: Duration = Duration::from_secs(15);

/// More than so many bytes are not looked through between two answers of the reactor.
const INLINE_WORK_BYTES: u64 = 1 << 20;

/// What every robots.txt says to this program.
pub(crate) struct Gate {
    token: Option<String>,
    cache: Cache,
}

/// What a robots.txt says of one URL.
pub(crate) struct Passed {
    is_allowed: bool,
    /// What is to be kept between two fetches of the origin.
    pub(crate) crawl_delay: Option<Duration>,
}

impl Passed {
    /// # Errors
    /// [`Kind::Robots`] when `url`, which it is about, may not be fetched.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Error> {
        if self.is_allowed {
            return Ok(());
        }
        let host = url.host_str().unwrap_or_default();
        Err(Error::new(Kind::Robots, format!("the robots.txt of {host} disallows the page")))
    }
}

impl Gate {
    /// For the crawler `token`; remembers the files of `origins`.
    pub(crate) fn new(token: Option<&str>, origins: usize) -> Self {
        Self { token: token.map(str::to_owned), cache: Cache::new(origins) }
    }

    /// What is said of `url`. Asks the origin when nothing fresh is known of it, once for all who want
    /// to know; those wait at the cost of their own time. Cancel-safe: if the one who asks is
    /// dropped, one of those who wait goes on.
    ///
    /// # Errors
    /// [`Kind::RobotsUnreachable`], and what keeps from connecting to the origin.
    pub(crate) async fn pass(
        &self,
        means: Means<'_>,
        url: &Url,
        patience: &mut Patience,
    ) -> Result<Passed, Error> {
        let rules = self.rules(means, url, patience).await?;
        let crawl_delay = rules.crawl_delay();
        let is_allowed = match rules.work(url) {
            ..INLINE_WORK_BYTES => rules.allows(url),
            _ => {
                let url = url.clone();
                let place = patience.own(means.pool.place()).await??;
                patience.own(means.pool.run(place, move || rules.allows(&url))).await??
            }
        };
        Ok(Passed { is_allowed, crawl_delay })
    }

    async fn rules(
        &self,
        means: Means<'_>,
        url: &Url,
        patience: &mut Patience,
    ) -> Result<Arc<Rules>, Error> {
        let asked = Instant::now();
        let key = Key { origin: url.origin(), via: means.via.cloned() };
        let entry = self.cache.entry(key.clone());
        if let Some(answer) = entry.answer(asked) {
            return answer;
        }
        let _turn = patience.network(entry.turn.lock()).await?;
        if let Some(answer) = entry.answer(asked) {
            return answer;
        }
        self.learning(means, url, (&key, &entry), patience).await;
        entry.answer(asked).unwrap_or_else(|| {
            Err(Error::new(Kind::Internal, "nothing was learned of the site's robots.txt"))
        })
    }

    /// Boxed, since few fetches ask and all of them would have to have room for it; and not in an
    /// `async fn`, which would keep that room.
    fn learning<'a>(
        &'a self,
        means: Means<'a>,
        url: &'a Url,
        of: (&'a Key, &'a Arc<Entry>),
        patience: &'a mut Patience,
    ) -> BoxFuture<'a, ()> {
        Box::pin(self.learn(means, url, of, patience))
    }

    /// Asks the origin of `url`.
    async fn learn(
        &self,
        means: Means<'_>,
        url: &Url,
        (key, entry): (&Key, &Arc<Entry>),
        patience: &mut Patience,
    ) {
        let longest = LONGEST.min(patience.network_left() / 2);
        let mut own = patience.part(longest);
        let answer = ask::ask(means, url, self.token.as_deref(), &mut own).await;
        patience.join(&own);
        match answer {
            Answer::Rules(rules, fresh) => self.cache.learn(key, entry, rules, fresh),
            Answer::Failed(error, _) if error.kind() == Kind::Timeout => {
                // Had it had more time it might have come: only those who waited are told so.
                let remembered = if longest < LONGEST { Duration::ZERO } else { ask::FAILURE };
                entry.fail(ask::unreachable(error), remembered);
            }
            Answer::Failed(error, remembered) => entry.fail(error, remembered),
        }
    }
}
