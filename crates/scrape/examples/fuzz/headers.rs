//! Everything that is read in an answer's headers.

use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE,
};
use http::{Method, StatusCode};
use url::{Host, Url};

use crate::cookie::Jar;
use crate::random::Random;
use crate::redirect::Hop;
use crate::robots::fresh;
use crate::{Kept, coding, header, holds};

#[rustfmt::skip]
const NAMES: &[&str] = &[
    "retry-after", "date", "expires", "age", "cache-control", "content-encoding", "ratelimit",
    "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-remaining", "ratelimit-reset",
];

#[rustfmt::skip]
const VALUES: &[&str] = &[
    "0", "1", "30", "-1", "99999999999999999999", "1795341630", "1795341630000", "0.5", "", " ", ",", ";",
    "=", "\"", "\\", "max-age=", "max-age=\"7\"", "no-store", "gzip", "br", "identity", "x-gzip", "zstd",
    "deflate", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", "Sun, 99 Nov 9999", "default",
    ";r=0", ";t=30", "remaining=0", "reset=30", "\u{e9}", "9223372036854775807", "Fri, 31 Dec 9999 23:59:59 GMT",
];

const HOSTS: &[&str] = &[
    "a.example",
    "www.a.example",
    "b.a.example",
    "evila.example",
    "example",
    "shop.co.uk",
    "co.uk",
    "www.shop.co.uk",
    "uk",
    "127.0.0.1",
    "27.0.0.1",
    "[::1]",
    "github.io",
    "me.github.io",
];

#[rustfmt::skip]
const COOKIES: &[&str] = &[
    "a=1", "a=2", "b=\"x\"", "=", ";", "; ", "secure", "path=/", "path=/x", "path=/x/", "path=x", "max-age=0",
    "max-age=5", "max-age=-", "expires=Thu, 01 Jan 1970 00:00:00 GMT", "expires=x", "expires=::: 1 2 jan 99",
    "domain=", "domain=.", "__Host-a=1", "__secure-b=2", "httponly", "samesite=none", "\u{e9}=\u{e9}", "==", "a",
    "domain=.a.example", "domain=a.example", "domain=co.uk", "domain=shop.co.uk", "domain=github.io",
    "domain=example", "domain=127.0.0.1", "domain=0.0.1", "domain=[::1]", "domain=%00", "domain=A.EXAMPLE.",
];

#[rustfmt::skip]
const TARGETS: &[&str] = &[
    "/", "//", "\\", "http:", "https:", "ftp://", "a.example", "b.example", ":80", ":443", "@", "me:pw@", "?",
    "#", "%", "[", "]", "\u{e9}", " ", "..", "x", "javascript:", "file:///", "data:,", "0x7f.1",
];

const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

pub(crate) fn check(random: &mut Random) -> Kept {
    let mut headers = HeaderMap::new();
    for _ in 0..random.below(8) {
        let value = HeaderValue::from_bytes(random.several(VALUES, 5).as_bytes());
        let Ok(value) = value else { continue };
        headers.append(HeaderName::from_static(NAMES[random.below(NAMES.len())]), value);
    }
    let statuses = [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
    let status = statuses[random.below(3)];
    let waits = [
        header::retry_after(&headers),
        header::rate_limit(&headers),
        header::wait(status, &headers),
    ];
    holds(waits.iter().flatten().all(|wait| *wait <= LONGEST), "a wait", (waits, &headers))?;
    holds(waits[2] >= waits[0], "less than was asked for", (waits, &headers))?;
    let fresh = fresh::of(&headers);
    holds((fresh::MIN..=fresh::MAX).contains(&fresh), "freshness", (fresh, &headers))?;
    if let Ok(codings) = coding::codings(&headers) {
        let named = headers.get_all(CONTENT_ENCODING).iter().count();
        holds(codings.len() <= 2 && (named > 0 || codings.is_empty()), "codings", &headers)?;
    }
    cookies(random)?;
    redirects(random)
}

fn cookies(random: &mut Random) -> Kept {
    let mut jar = Jar::default();
    let mut set = Vec::new();
    for _ in 0..1 + random.below(4) {
        let Some(from) = site(random) else { continue };
        for _ in 0..random.below(30) {
            let mut line = random.of(&["a=1; ", "b=2; ", "c=3;", ""]).to_owned();
            line += &random.several(COOKIES, 4).replace("=1", "=1; ");
            line = line.replace("domain", "; domain").replace("path", "; path");
            let Ok(value) = HeaderValue::from_bytes(line.as_bytes()) else { continue };
            let mut headers = HeaderMap::new();
            headers.append(SET_COOKIE, value);
            jar.take(&from, &headers);
            set.push((from.clone(), line));
        }
    }
    let Some(to) = site(random) else { return Ok(()) };
    let mut headers = HeaderMap::new();
    jar.add_to(&to, &mut headers);
    let Some(sent) = headers.get(COOKIE) else { return Ok(()) };
    holds(sent.len() <= 8 * 1024 + 200, "long cookies", (sent, &set))?;
    // Whoever gets any shares a domain with somebody who set some, and that is no public suffix.
    let related = |from: &Url| {
        let (Some(Host::Domain(from)), Some(Host::Domain(to))) = (from.host(), to.host()) else {
            return from.host() == to.host();
        };
        from == to
            || (psl::domain_str(from).is_some() && psl::domain_str(from) == psl::domain_str(to))
    };
    holds(set.iter().any(|(from, _)| related(from)), "to a stranger", (sent, &to, &set))?;
    let safe = |(from, line): &(Url, String)| {
        let is_secure = line.split(';').any(|part| part.trim().eq_ignore_ascii_case("secure"));
        from.scheme() == "http" || !is_secure
    };
    let unsafe_target = to.scheme() == "http";
    holds(!unsafe_target || set.iter().any(safe), "a safe one in the open", (sent, &to, &set))
}

fn site(random: &mut Random) -> Option<Url> {
    let (scheme, host) = (random.of(&["http", "https"]), random.of(HOSTS));
    Url::parse(&format!("{scheme}://{host}/{}", random.of(&["", "x", "x/y", "xy"]))).ok()
}

fn redirects(random: &mut Random) -> Kept {
    let Some(from) = site(random) else { return Ok(()) };
    let secret = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("secret"))]);
    let mut hop = Hop::first(from.clone(), Method::POST, secret, "body".into());
    let target = random.several(TARGETS, 6);
    let statuses = [301, 302, 303, 307, 308].map(StatusCode::from_u16);
    let Ok(status) = statuses[random.below(5)] else { return Ok(()) };
    let followed = hop.follow(status, target.as_bytes());
    let input = (from.as_str(), &*target, hop.url.as_str());
    if followed.is_err() {
        return holds(hop.url == from, "changed by an error", input);
    }
    holds(matches!(hop.url.scheme(), "http" | "https"), "a scheme", input)?;
    let stays = hop.url.origin() == from.origin();
    holds(stays || !hop.headers.contains_key(AUTHORIZATION), "a secret that left", input)?;
    let keeps = matches!(status.as_u16(), 307 | 308);
    holds(keeps == (hop.method == Method::POST), "the method", input)?;
    holds(keeps != hop.body.is_empty(), "the body", input)
}
