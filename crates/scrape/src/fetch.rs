//! The network half: hops, redirects, the body.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use egress::{Budget, Client, Proxy, Reservation, Response};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, DATE, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LOCATION, RANGE, RETRY_AFTER,
};
use http::{Method, StatusCode};
use tokio::time::Instant;
use url::Url;

use crate::coding::{self, Coding};
use crate::error::{Error, Kind};
use crate::patience::Patience;
use crate::redirect::{Hop, is_redirect};
use crate::{Request, Validators, body};

/// Sent where the job has no opinion.
const DEFAULT_ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// A redirect's body up to this length is read away, so that its connection can be used again.
const DISCARD_BYTES: u64 = 16 * 1024;

/// A final answer with its body as it was on the wire.
pub(crate) struct Fetched {
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) remote_addr: Option<SocketAddr>,
    pub(crate) redirects: u32,
    pub(crate) codings: Vec<Coding>,
    pub(crate) not_modified: bool,
    pub(crate) body: Bytes,
    pub(crate) held: Reservation,
    /// How long it took to take the codings off, once that is done.
    pub(crate) unpack: Duration,
    pub(crate) elapsed: Duration,
}

/// Follows `request` to its final answer and reads the body.
///
/// # Errors
/// An [`Error`] of every kind but [`Kind::Internal`].
pub(crate) async fn fetch(
    client: &Client,
    budget: &Budget,
    request: Request,
    patience: &mut Patience,
) -> Result<Fetched, Error> {
    let begun = Instant::now();
    let Request { url, method, headers, body, timeout, max_bytes, max_redirects, .. } = request;
    let conditions = Conditions::new(request.validators, &url);
    let origin = url.origin();
    let mut hop = Hop::first(url, method, headers, body);
    let via = request.proxy.as_ref();
    let followed = follow(client, via, &mut hop, &conditions, timeout, max_redirects);
    let followed = patience.network(followed).await.and_then(|followed| followed);
    let elsewhere = hop.url.origin() != origin;
    let (mut response, redirects) = followed.map_err(|error| error.elsewhere(elsewhere))?;
    let status = response.status;
    let answer = judge(&response, &hop, &conditions).map_err(|error| error.elsewhere(elsewhere))?;
    let codings = match answer {
        Answer::Page => coding::codings(&response.headers)?,
        Answer::Empty | Answer::NotModified => Vec::new(),
    };
    let (headers, remote_addr) = (std::mem::take(&mut response.headers), response.remote_addr);
    let (body, held) = match answer {
        Answer::Page => body::read(response, budget, max_bytes, patience).await?,
        Answer::Empty | Answer::NotModified => {
            (Bytes::new(), patience.own(budget.reserve(0)).await?)
        }
    };
    let not_modified = answer == Answer::NotModified;
    let url = without_credentials(hop.url);
    let elapsed = begun.elapsed();
    let unpack = Duration::ZERO;
    Ok(Fetched {
        url,
        status,
        headers,
        remote_addr,
        redirects,
        codings,
        not_modified,
        body,
        held,
        unpack,
        elapsed,
    })
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
fn judge(response: &Response, hop: &Hop, conditions: &Conditions) -> Result<Answer, Error> {
    let status = response.status;
    let unasked = |what: &'static str| Err(Error::new(Kind::Body, what));
    match status.as_u16() {
        204 | 205 => Ok(Answer::Empty),
        206 if !hop.headers.contains_key(RANGE) => {
            unasked("the site answered with a part of the page (206) that nobody asked for")
        }
        304 if conditions.apply_to(hop) => Ok(Answer::NotModified),
        304 if !OF_A_CONDITION.iter().any(|name| hop.headers.contains_key(name)) => {
            unasked("the site answered that nothing changed (304) where nobody asked for that")
        }
        100..=199 => unasked("the site answered with a change of protocol that nobody asked for"),
        _ if status.is_success() => Ok(Answer::Page),
        _ => Err(Error::status_answer(status, retry_after(&response.headers))),
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
    fn new(validators: Validators, first: &Url) -> Self {
        let mut of = without_credentials(validators.url.as_ref().unwrap_or(first).clone());
        of.set_fragment(None);
        Self { of, validators }
    }

    /// Whether `hop` asks for the very page that they are of, in a way that can be conditional.
    fn apply_to(&self, hop: &Hop) -> bool {
        let asks = matches!(hop.method, Method::GET | Method::HEAD);
        asks && !self.validators.is_empty() && {
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

/// Sends hops until an answer is no redirect. Each hop passes the address policy.
async fn follow(
    client: &Client,
    via: Option<&Proxy>,
    hop: &mut Hop,
    conditions: &Conditions,
    timeout: Duration,
    max_redirects: u32,
) -> Result<(Response, u32), Error> {
    let mut redirects = 0;
    loop {
        let (method, url, body) = (hop.method.clone(), hop.url.clone(), hop.body.clone());
        let mut headers = outgoing(&hop.headers);
        if conditions.apply_to(hop) {
            conditions.add_to(&mut headers);
        }
        let response = client.send_to(method, url, headers, body, timeout, via).await?;
        let location = response.headers.get(LOCATION).filter(|_| is_redirect(response.status));
        let Some(location) = location else {
            return Ok((response, redirects));
        };
        if redirects == max_redirects {
            let context = format!("more than {max_redirects} redirects");
            return Err(Error::new(Kind::Redirect, context));
        }
        redirects += 1;
        hop.follow(response.status, location.as_bytes())?;
        // Without a length there is no telling how long it would take.
        if response.content_length().is_some() {
            response.discard(DISCARD_BYTES).await;
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

/// The delay the site asks for. A date is taken relative to the answer's own `date`, so that
/// neither side's clock has to be right.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let is_seconds = |v: &HeaderValue| v.as_bytes().trim_ascii().iter().all(u8::is_ascii_digit);
    if headers.get(RETRY_AFTER).is_some_and(is_seconds) {
        return egress::retry_after(headers, 0);
    }
    let date = headers.get(DATE)?.to_str().ok()?;
    let answered = jiff::fmt::rfc2822::parse(date).ok()?;
    egress::retry_after(headers, answered.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_date_is_relative_to_the_answer() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(retry_after(&headers), None);
        headers.insert(DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:07 GMT"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(30)));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("120"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(120)));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("soon"));
        assert_eq!(retry_after(&headers), None);
    }

    #[test]
    fn credentials_do_not_get_out() {
        let url = without_credentials("https://me:secret@a.example/x".parse().unwrap());
        assert_eq!(url.as_str(), "https://a.example/x");
    }
}
