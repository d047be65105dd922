//! The network half: hops, redirects, the body.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use egress::{Reservation, Response};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LOCATION, RANGE,
};
use http::{Method, StatusCode};
use tokio::time::Instant;
use url::Url;

use crate::coding::{self, Coding};
use crate::cookie::Jar;
use crate::error::{Error, Kind};
use crate::patience::Patience;
use crate::redirect::{self, Hop, is_redirect};
use crate::robots::{Gate, Means};
use crate::{Request, Robots, Validators, body, header};

/// Sent where the job has no opinion.
const DEFAULT_ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// A final answer with its body as it was on the wire.
pub(crate) struct Fetched {
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) remote_addr: Option<SocketAddr>,
    pub(crate) redirects: u32,
    pub(crate) codings: Vec<Coding>,
    pub(crate) not_modified: bool,
    pub(crate) crawl_delay: Option<Duration>,
    pub(crate) body: Bytes,
    pub(crate) held: Reservation,
    /// How long it took to take the codings off, once that is done.
    pub(crate) unpack: Duration,
    pub(crate) elapsed: Duration,
}

/// What a fetch needs.
pub(crate) struct Network<'a> {
    pub(crate) means: Means<'a>,
    pub(crate) gate: &'a Gate,
    /// Bytes per second.
    pub(crate) min_rate: u64,
}

impl Network<'_> {
    /// Follows `request` to its final answer and reads the body.
    ///
    /// # Errors
    /// An [`Error`] of every kind.
    pub(crate) async fn fetch(
        &self,
        request: Request,
        patience: &mut Patience,
    ) -> Result<Fetched, Error> {
        let mut learned = Learned::default();
        let fetched = self.run(request, patience, &mut learned).await;
        fetched.map_err(|error| {
            error.with_crawl_delay(learned.crawl_delay).elsewhere(learned.is_elsewhere)
        })
    }

    async fn run(
        &self,
        request: Request,
        patience: &mut Patience,
        learned: &mut Learned,
    ) -> Result<Fetched, Error> {
        let begun = Instant::now();
        let Request { url, method, headers, body, timeout, max_bytes, max_redirects, .. } = request;
        let conditions = Conditions::of(request.validators, &url);
        let terms = Terms { robots: request.robots, pace: request.pace, timeout, max_redirects };
        let mut hop = Hop::first(url, method, headers, body);
        let followed =
            self.follow(&mut hop, conditions.as_ref(), &terms, patience, learned).await?;
        let (mut response, redirects) = followed;
        let status = response.status;
        let answer = judge(&response, &hop, conditions.as_ref())?;
        let codings = match answer {
            Answer::Page => coding::codings(&response.headers)?,
            Answer::Empty | Answer::NotModified => Vec::new(),
        };
        let (headers, remote_addr) = (std::mem::take(&mut response.headers), response.remote_addr);
        let reading = self.means.reading;
        let (body, held) = match answer {
            Answer::Page => {
                body::read(response, reading, max_bytes, self.min_rate, patience).await?
            }
            Answer::Empty | Answer::NotModified => {
                (Bytes::new(), patience.own(reading.reserve(0)).await?)
            }
        };
        Ok(Fetched {
            url: without_credentials(hop.url),
            status,
            headers,
            remote_addr,
            redirects,
            codings,
            not_modified: answer == Answer::NotModified,
            crawl_delay: learned.crawl_delay,
            body,
            held,
            unpack: Duration::ZERO,
            elapsed: begun.elapsed(),
        })
    }

    /// Sends hops until an answer is no redirect. Each hop passes robots.txt and the address policy.
    async fn follow(
        &self,
        hop: &mut Hop,
        conditions: Option<&Conditions>,
        terms: &Terms,
        patience: &mut Patience,
        learned: &mut Learned,
    ) -> Result<(Response, u32), Error> {
        let mut redirects = 0;
        let mut jar = Jar::default();
        let first = hop.url.origin();
        loop {
            if terms.robots == Robots::Obey {
                let passed = self.gate.pass(self.means, &hop.url, patience).await?;
                let delay = passed.crawl_delay.filter(|_| redirects == 0);
                learned.crawl_delay = learned.crawl_delay.or(delay);
                passed.check(&hop.url)?;
                if let Some(delay) = delay.filter(|delay| *delay > terms.pace) {
                    return Err(Error::paced(delay, terms.pace));
                }
            }
            let (method, url, body) = (hop.method.clone(), hop.url.clone(), hop.body.clone());
            let mut headers = outgoing(&hop.headers);
            jar.add_to(&url, &mut headers);
            if let Some(conditions) = conditions.filter(|conditions| conditions.apply_to(hop)) {
                conditions.add_to(&mut headers);
            }
            let Means { client, via, .. } = self.means;
            let sent = client.send_to(method, url, headers, body, terms.timeout, via);
            let response = patience.network(sent).await??;
            let location = response.headers.get(LOCATION).filter(|_| is_redirect(response.status));
            let Some(location) = location else {
                return Ok((response, redirects));
            };
            if redirects == terms.max_redirects {
                let context = format!("more than {redirects} redirects");
                return Err(Error::new(Kind::Redirect, context));
            }
            redirects += 1;
            jar.take(&hop.url, &response.headers);
            hop.follow(response.status, location.as_bytes())?;
            learned.is_elsewhere = hop.url.origin() != first;
            patience.network(redirect::discard(response)).await?;
        }
    }
}

/// What is known whether or not there is a page in the end.
#[derive(Default)]
struct Learned {
    /// Of the first origin.
    crawl_delay: Option<Duration>,
    /// A redirect led to another origin.
    is_elsewhere: bool,
}

/// What a request says of its hops.
struct Terms {
    robots: Robots,
    pace: Duration,
    timeout: Duration,
    max_redirects: u32,
}

/// What a final answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// A page, which may be empty.
    Page,
    /// It says that it has no content (204, 205): whatever else it says of that, or sends, is void.
    Empty,
    /// The version that the request named is still the one.
    NotModified,
}

/// Whether a final answer is one to the question that was asked with `hop`.
fn judge(response: &Response, hop: &Hop, conditions: Option<&Conditions>) -> Result<Answer, Error> {
    let status = response.status;
    let unasked = |what: &'static str| Err(Error::new(Kind::Body, what));
    match status.as_u16() {
        204 | 205 => Ok(Answer::Empty),
        206 if !hop.headers.contains_key(RANGE) => {
            unasked("the site answered with a part of the page (206) that nobody asked for")
        }
        304 if conditions.is_some_and(|conditions| conditions.apply_to(hop)) => {
            Ok(Answer::NotModified)
        }
        304 if !OF_A_CONDITION.iter().any(|name| hop.headers.contains_key(name)) => {
            unasked("the site answered that nothing changed (304) where nobody asked for that")
        }
        100..=199 => unasked("the site answered with a change of protocol that nobody asked for"),
        _ if status.is_success() => Ok(Answer::Page),
        _ => Err(Error::status_answer(status, header::wait(status, &response.headers))),
    }
}

/// Headers of a job's own that make its request conditional (RFC 9110, section 13.1).
const OF_A_CONDITION: [HeaderName; 2] = [IF_NONE_MATCH, IF_MODIFIED_SINCE];

/// Which version the caller has, and of what.
struct Conditions {
    of: Url,
    validators: Validators,
}

impl Conditions {
    /// `None` when there is nothing to be sent.
    fn of(validators: Validators, first: &Url) -> Option<Self> {
        if validators.is_empty() {
            return None;
        }
        let mut of = without_credentials(validators.url.as_ref().unwrap_or(first).clone());
        of.set_fragment(None);
        Some(Self { of, validators })
    }

    /// Whether `hop` asks for the very page that they are of, in a way that can be conditional.
    fn apply_to(&self, hop: &Hop) -> bool {
        matches!(hop.method, Method::GET | Method::HEAD) && {
            let mut asked = without_credentials(hop.url.clone());
            asked.set_fragment(None);
            asked == self.of
        }
    }

    /// Puts them in the place of the job's own.
    fn add_to(&self, headers: &mut HeaderMap) {
        for (name, value) in
            OF_A_CONDITION.into_iter().zip([&self.validators.etag, &self.validators.last_modified])
        {
            match value {
                Some(value) => headers.insert(name, value.clone()),
                None => headers.remove(name),
            };
        }
    }
}

fn outgoing(own: &HeaderMap) -> HeaderMap {
    let mut headers = own.clone();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(coding::OFFERED));
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static(DEFAULT_ACCEPT));
    headers
}

fn without_credentials(mut url: Url) -> Url {
    // Both fail only for a URL that cannot have credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_get_out() {
        let url = without_credentials("https://me:secret@a.example/x".parse().unwrap());
        assert_eq!(url.as_str(), "https://a.example/x");
    }
}
