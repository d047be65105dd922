//! Asks an origin for its robots.txt (RFC 9309, section 2.3.1).

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use egress::{Budget, Client, Proxy, Reservation, Response};
use http::Method;
use http::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue, LOCATION};
use url::Url;

use super::fresh;
use super::rules::{MAX_BYTES, Rules};
use crate::coding::{self, Coding};
use crate::error::{Error, Kind};
use crate::patience::Patience;
use crate::pool::Pool;
use crate::{header, redirect};

/// Redirects that are followed; RFC 9309, section 2.3.1.2, asks for no fewer.
const MAX_REDIRECTS: u32 = 5;

/// How long it is remembered that a file could not be had.
pub(super) const FAILURE: Duration = Duration::from_secs(60);

/// The longest that a site is heeded that wants to be left alone.
const MAX_FAILURE: Duration = Duration::from_secs(600);

/// Reserved for a file of unknown length until it proves to be longer.
const UNKNOWN_LENGTH_BYTES: u64 = 16 * 1024;

/// A plain file up to this length is read on the spot: it takes no longer than a trip to the pool.
const INLINE_BYTES: usize = 32 * 1024;

/// What asking needs.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    pub(crate) client: &'a Client,
    pub(crate) reading: &'a Budget,
    pub(crate) pool: &'a Pool,
    /// The proxy to ask through.
    pub(crate) via: Option<&'a Proxy>,
}

/// What came of it.
pub(super) enum Answer {
    /// Rules, and for how long they are fresh.
    Rules(Rules, Duration),
    /// It cannot be had. For how long that is remembered.
    Failed(Error, Duration),
}

/// The rules of the origin of `site` for `token`.
pub(super) async fn ask(
    means: Means<'_>,
    site: &Url,
    token: Option<&str>,
    patience: &mut Patience,
) -> Answer {
    match rules(means, site, token, patience).await {
        Ok((rules, fresh)) => Answer::Rules(rules, fresh),
        Err(error) if error.kind() == Kind::RobotsUnreachable => {
            let asked = error.retry_after().unwrap_or_default();
            Answer::Failed(error, asked.clamp(FAILURE, MAX_FAILURE))
        }
        // It is not the file that is wrong: whoever tries again, tries again.
        Err(error) => Answer::Failed(error, Duration::ZERO),
    }
}

async fn rules(
    means: Means<'_>,
    site: &Url,
    token: Option<&str>,
    patience: &mut Patience,
) -> Result<(Rules, Duration), Error> {
    let none = |fresh| Ok((Rules::default(), fresh));
    let Some(response) = follow(means, site, patience).await? else {
        return none(fresh::MAX);
    };
    let (status, fresh) = (response.status, fresh::of(&response.headers));
    match status.as_u16() {
        206 | 429 | 500.. | 100..=199 => {
            let context = format!("the site's robots.txt cannot be had: {}", status.as_u16());
            let retry_after = header::wait(status, &response.headers);
            return Err(Error::new(Kind::RobotsUnreachable, context).answered(status, retry_after));
        }
        200..=299 => {}
        _ => return none(fresh),
    }
    let codings = coding::codings(&response.headers).map_err(unreachable)?;
    let (file, is_cut, held) = read(response, means.reading, patience).await?;
    if codings.is_empty() && file.len() <= INLINE_BYTES {
        return Ok((Rules::parse(&file, token), fresh));
    }
    let place = patience.own(means.pool.place()).await??;
    let token = token.map(str::to_owned);
    let work = move || {
        let _held = held;
        parse(&file, &codings, is_cut, token.as_deref())
    };
    let rules = patience.own(means.pool.run(place, work)).await???;
    Ok((rules, fresh))
}

fn parse(
    file: &Bytes,
    codings: &[Coding],
    is_cut: bool,
    token: Option<&str>,
) -> Result<Rules, Error> {
    let file = coding::beginning(file, codings, is_cut, MAX_BYTES + 1).map_err(unreachable)?;
    Ok(Rules::parse(&file, token))
}

/// The answer of the origin, or of where it redirects to; `None` when that leads nowhere.
async fn follow(
    Means { client, via, .. }: Means<'_>,
    site: &Url,
    patience: &mut Patience,
) -> Result<Option<Response>, Error> {
    let mut url = address(site);
    for _ in 0..=MAX_REDIRECTS {
        let is_own = url.origin() == site.origin();
        let (get, nothing) = (Method::GET, Bytes::new());
        let sent = client.send_to(get, url.clone(), headers(), nothing, FAR_OFF, via);
        let response = match patience.network(sent).await? {
            Ok(response) => response,
            Err(error) => return Err(refused(error.into(), is_own)),
        };
        let location = response.headers.get(LOCATION);
        let location = location.filter(|_| redirect::is_redirect(response.status));
        let Some(location) = location else {
            return Ok(Some(response));
        };
        let next = url.join(String::from_utf8_lossy(location.as_bytes()).trim());
        url = match next {
            Ok(next) if matches!(next.scheme(), "http" | "https") => next,
            _ => return Ok(None),
        };
        redirect::discard(response).await;
    }
    Ok(None)
}

/// The patience ends it.
const FAR_OFF: Duration = Duration::from_secs(3600);

/// `/robots.txt` of the origin, without what is only for the page.
fn address(site: &Url) -> Url {
    let mut url = site.clone();
    url.set_path("/robots.txt");
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only for a URL that cannot have credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("text/plain,*/*;q=0.8"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(coding::OFFERED));
    headers
}

/// That there is no way to the origin itself is what the caller has to know, and would be just the
/// same for the page.
fn refused(error: Error, is_own: bool) -> Error {
    match error.kind() {
        Kind::Dns | Kind::Connect | Kind::Tls | Kind::Blocked if is_own => error,
        _ => unreachable(error),
    }
}

pub(super) fn unreachable(error: Error) -> Error {
    Error::new(Kind::RobotsUnreachable, "the site's robots.txt cannot be had").with_source(error)
}

/// As much of the file as is read, whether it is cut, and the reservation for it.
async fn read(
    mut response: Response,
    reading: &Budget,
    patience: &mut Patience,
) -> Result<(Bytes, bool, Reservation), Error> {
    // One byte more says whether the last line is whole.
    let most = MAX_BYTES + 1;
    let announced = response.content_length().map(|length| length.min(most as u64));
    let mut held = patience.own(reading.reserve(announced.unwrap_or(UNKNOWN_LENGTH_BYTES))).await?;
    let mut file = BytesMut::new();
    while let Some(chunk) = patience.network(response.chunk()).await?.map_err(lost)? {
        let taken = chunk.len().min(most - file.len());
        if (file.len() + taken) as u64 > held.bytes() {
            patience.own(held.grow_to(most as u64)).await?;
        }
        file.extend_from_slice(&chunk[..taken]);
        if file.len() == most {
            return Ok((file.freeze(), true, held));
        }
    }
    Ok((file.freeze(), false, held))
}

fn lost(error: egress::Error) -> Error {
    unreachable(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_of_the_origin_alone() {
        let site = Url::parse("https://me:secret@a.example:8443/x/y?z#f").unwrap();
        assert_eq!(address(&site).as_str(), "https://a.example:8443/robots.txt");
    }
}
