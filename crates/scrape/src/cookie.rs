//! Cookies between the hops of one fetch (RFC 6265): many sites set one, redirect, and want to see
//! it. Nothing is kept beyond the fetch, and there is no clock: what expires is judged by the
//! answer's own date.

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use jiff::civil;
use jiff::tz::TimeZone;
use url::{Host, Url};

use crate::header;

/// RFC 6265, section 6.1, asks for 50 for each domain; those set first go first.
const MAX_COOKIES: usize = 50;

/// Name and value of one; longer ones are not taken.
const MAX_COOKIE_BYTES: usize = 4096;

/// All of them together; most servers take no more in one header.
const MAX_BYTES: usize = 8 * 1024;

/// Without a date of the answer's own this is taken for now, 2020-01-01: a cookie is taken back with
/// a date in 1970.
const SURELY_PAST_S: i64 = 1_577_836_800;

/// The cookies of one fetch.
#[derive(Default)]
pub(crate) struct Jar {
    /// In the order they were first set.
    cookies: Vec<Cookie>,
}

struct Cookie {
    name: Vec<u8>,
    /// `None` for one that was taken back, so that the job's own of that name is not sent either.
    value: Option<Vec<u8>>,
    domain: String,
    is_host_only: bool,
    path: String,
    is_secure: bool,
}

impl Jar {
    /// Takes the cookies that the answer of `url` sets.
    pub(crate) fn take(&mut self, url: &Url, headers: &HeaderMap) {
        for line in headers.get_all(SET_COOKIE) {
            if let Some(cookie) = Cookie::parse(line.as_bytes(), url, headers) {
                self.keep(cookie, url);
            }
        }
    }

    fn keep(&mut self, cookie: Cookie, url: &Url) {
        // What was set safely is not replaced from where everybody can write.
        let shadows = |own: &Cookie| {
            let related = own.domain_matches(&cookie.domain) || cookie.domain_matches(&own.domain);
            own.is_secure && own.name == cookie.name && related
        };
        if url.scheme() != "https" && self.cookies.iter().any(shadows) {
            return;
        }
        let same = |own: &&mut Cookie| {
            let place = own.domain == cookie.domain && own.path == cookie.path;
            own.name == cookie.name && own.is_host_only == cookie.is_host_only && place
        };
        match self.cookies.iter_mut().find(same) {
            Some(own) => *own = cookie,
            None => self.cookies.push(cookie),
        }
        let bytes = |cookies: &[Cookie]| cookies.iter().map(Cookie::bytes).sum::<usize>();
        while self.cookies.len() > MAX_COOKIES || bytes(&self.cookies) > MAX_BYTES {
            self.cookies.remove(0);
        }
    }

    /// Adds to the headers of a request of `url` what it is to be sent; of the same name, it takes
    /// the place of the job's own.
    pub(crate) fn add_to(&self, url: &Url, headers: &mut HeaderMap) {
        let mut fitting: Vec<_> = self.cookies.iter().filter(|own| own.fits(url)).collect();
        if fitting.is_empty() {
            return;
        }
        fitting.sort_by_key(|own| std::cmp::Reverse(own.path.len()));
        let mut pairs: Vec<Vec<u8>> = Vec::new();
        for line in headers.get_all(COOKIE) {
            for pair in line.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
                let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
                let is_replaced = fitting.iter().any(|own| own.name == name.trim_ascii_end());
                if !is_replaced && !pair.is_empty() {
                    pairs.push(pair.to_vec());
                }
            }
        }
        for own in fitting {
            pairs.extend(own.value.as_ref().map(|value| [&own.name[..], value].join(&b'=')));
        }
        match HeaderValue::from_bytes(&pairs.join(&b"; "[..])) {
            Ok(line) if !line.is_empty() => headers.insert(COOKIE, line),
            _ => headers.remove(COOKIE),
        };
    }
}

impl Cookie {
    /// Sections 5.2 and 5.3, with the rules for names that begin with `__Secure-` and `__Host-`.
    fn parse(line: &[u8], url: &Url, headers: &HeaderMap) -> Option<Self> {
        let mut parts = line.split(|byte| *byte == b';');
        let (name, value) = pair(parts.next()?);
        let value = value?;
        if name.is_empty() || name.len() + value.len() > MAX_COOKIE_BYTES {
            return None;
        }
        let host = url.host_str()?;
        let (mut domain, mut path, mut is_secure) = (None, None, false);
        let (mut max_age, mut expires) = (None, None);
        for attribute in parts {
            let (key, value) = pair(attribute);
            let value = value.unwrap_or_default();
            match key.to_ascii_lowercase().as_slice() {
                b"domain" => domain = Some(value),
                b"path" => path = value.starts_with(b"/").then_some(value),
                b"secure" => is_secure = true,
                b"max-age" => max_age = lasts(value).or(max_age),
                b"expires" => expires = date_s(value).or(expires),
                _ => {}
            }
        }
        let domain = domain.map(|domain| domain.strip_prefix(b".").unwrap_or(domain));
        let domain = match domain.filter(|domain| !domain.is_empty()) {
            Some(domain) => covering(domain, url)?,
            None => None,
        };
        let is_named = |prefix: &[u8]| {
            name.get(..prefix.len()).is_some_and(|own| own.eq_ignore_ascii_case(prefix))
        };
        let is_safe = url.scheme() == "https";
        let of_this_host = domain.is_none() && path == Some(b"/");
        if (is_secure && !is_safe)
            || (is_named(b"__Secure-") && !is_secure)
            || (is_named(b"__Host-") && !(is_secure && of_this_host))
        {
            return None;
        }
        let now_s = header::answered_s(headers).unwrap_or(SURELY_PAST_S);
        let is_kept = max_age.unwrap_or(expires.is_none_or(|end_s| end_s > now_s));
        let path = match path {
            Some(path) => String::from_utf8_lossy(path).into_owned(),
            None => default_path(url.path()).to_owned(),
        };
        Some(Self {
            name: name.to_vec(),
            value: is_kept.then(|| value.to_vec()),
            is_host_only: domain.is_none(),
            domain: domain.unwrap_or_else(|| host.to_owned()),
            path,
            is_secure,
        })
    }

    fn bytes(&self) -> usize {
        self.name.len() + self.value.as_ref().map_or(0, Vec::len) + self.path.len()
    }

    /// Section 5.4.
    fn fits(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let is_there = match self.is_host_only {
            true => self.domain == host,
            false => self.domain_matches(host),
        };
        is_there
            && path_matches(&self.path, url.path())
            && (!self.is_secure || url.scheme() == "https")
    }

    /// Section 5.1.3. That `domain` is no address was seen to when it was set.
    fn domain_matches(&self, host: &str) -> bool {
        let rest = host.strip_suffix(&self.domain);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

/// The domain of a `domain` attribute, if the host is in it and nobody's (a public suffix); `None`
/// in it when it says no more than nothing.
fn covering(domain: &[u8], url: &Url) -> Option<Option<String>> {
    let host = url.host_str()?;
    let domain = match Host::parse(std::str::from_utf8(domain).ok()?).ok()? {
        Host::Domain(domain) => domain,
        address => return (address.to_string() == host).then_some(None),
    };
    if psl::suffix(domain.as_bytes()).is_none_or(|suffix| suffix.as_bytes() == domain.as_bytes()) {
        return (domain == host).then_some(None);
    }
    let is_name = matches!(url.host(), Some(Host::Domain(_)));
    let rest = host.strip_suffix(&domain).filter(|_| is_name)?;
    (rest.is_empty() || rest.ends_with('.')).then_some(Some(domain))
}

/// What is before the first `=`, and what is after it.
fn pair(part: &[u8]) -> (&[u8], Option<&[u8]>) {
    match part.iter().position(|byte| *byte == b'=') {
        Some(at) => (part[..at].trim_ascii(), Some(part[at + 1..].trim_ascii())),
        None => (part.trim_ascii(), None),
    }
}

/// Section 5.1.4.
fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}

fn path_matches(own: &str, path: &str) -> bool {
    let rest = path.strip_prefix(own);
    rest.is_some_and(|rest| rest.is_empty() || own.ends_with('/') || rest.starts_with('/'))
}

/// Whether a `max-age` leaves any time; `None` where it is no number.
fn lasts(value: &[u8]) -> Option<bool> {
    let (is_negative, digits) = match value.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| !is_negative && digits.iter().any(|digit| *digit != b'0'))
}

/// A date as servers write it (section 5.1.1), in seconds of Unix time.
fn date_s(value: &[u8]) -> Option<i64> {
    const MONTHS: [&[u8]; 12] = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
        b"dec",
    ];
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let is_delimiter = |byte: &u8| !(byte.is_ascii_alphanumeric() || *byte == b':' || *byte > 127);
    for token in value.split(is_delimiter).filter(|token| !token.is_empty()) {
        let numbers = || token.split(|byte| *byte == b':').map(number).collect::<Vec<_>>();
        if time.is_none() && token.contains(&b':') {
            if let [Some(hour), Some(minute), Some(second)] = numbers()[..] {
                time = Some((hour, minute, second));
            }
        } else if let Some(number) = number(token).filter(|_| token.len() <= 2 && day.is_none()) {
            day = Some(number);
        } else if let Some(at) = token
            .get(..3)
            .filter(|_| month.is_none())
            .and_then(|name| MONTHS.iter().position(|own| own.eq_ignore_ascii_case(name)))
        {
            month = Some(at as i16 + 1);
        } else if let Some(number) = number(token).filter(|_| token.len() <= 4 && year.is_none()) {
            year = Some(match number {
                0..=69 => number + 2000,
                70..=99 => number + 1900,
                _ => number,
            });
        }
    }
    let small = |number: i16| i8::try_from(number).ok();
    let (hour, minute, second) = time?;
    let date = civil::DateTime::new(
        year?,
        small(month?)?,
        small(day?)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        0,
    );
    Some(date.ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

fn number(token: &[u8]) -> Option<i16> {
    let is_number = !token.is_empty() && token.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(token).ok().filter(|_| is_number)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is sent to `to` after each of `set` was answered by `from`.
    fn sent(from: &str, set: &[&str], to: &str) -> String {
        let mut jar = Jar::default();
        let mut headers = HeaderMap::new();
        for line in set {
            headers.append(SET_COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        jar.take(&from.parse().unwrap(), &headers);
        asked(&jar, to, &[])
    }

    fn asked(jar: &Jar, to: &str, own: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for line in own {
            headers.append(COOKIE, HeaderValue::from_static(line));
        }
        jar.add_to(&to.parse().unwrap(), &mut headers);
        assert!(headers.get_all(COOKIE).iter().count() <= 1 || !own.is_empty());
        headers.get(COOKIE).map_or(String::new(), |line| line.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_cookie_goes_back_to_its_host_and_path() {
        let site = "https://www.a.example/x/y";
        assert_eq!(
            sent(site, &["a=1; HttpOnly", "b = 2 "], "https://www.a.example/x/z"),
            "a=1; b=2"
        );
        for elsewhere in [
            "https://a.example/x/",
            "https://b.www.a.example/x/",
            "https://www.a.example/",
            "https://www.a.example/xy",
            "https://other.example/x/",
        ] {
            assert_eq!(sent(site, &["a=1"], elsewhere), "", "{elsewhere}");
        }
        // Ports and schemes share theirs.
        assert_eq!(sent(site, &["a=1; path=/"], "http://www.a.example:8080/"), "a=1");
        assert_eq!(sent(site, &["a=1; path=/x/", "b=2; path=q"], "https://www.a.example/x"), "b=2");
        let deep = ["a=1; path=/", "b=2; path=/x/y", "c=3; path=/x"];
        assert_eq!(sent(site, &deep, "https://www.a.example/x/y/z"), "b=2; c=3; a=1");
    }

    #[test]
    fn a_domain_covers_its_hosts_and_is_nobodys() {
        let site = "https://www.shop.co.uk/";
        for domain in ["shop.co.uk", ".Shop.CO.uk", "www.shop.co.uk"] {
            let set = format!("a=1; Domain={domain}");
            assert_eq!(sent(site, &[&set], "https://www.shop.co.uk/"), "a=1", "{domain}");
            assert_eq!(sent(site, &[&set], "https://x.www.shop.co.uk/"), "a=1", "{domain}");
        }
        assert_eq!(sent(site, &["a=1; domain=shop.co.uk"], "https://myshop.co.uk/"), "");
        for domain in ["co.uk", "uk", "other.co.uk", "x.www.shop.co.uk", "[", "1.2.3.4"] {
            let set = format!("a=1; Domain={domain}");
            assert_eq!(sent(site, &[&set], site), "", "{domain}");
        }
        // The site of a suffix itself has its own, and nobody else.
        let suffix = "https://github.io/";
        assert_eq!(sent(suffix, &["a=1; domain=github.io"], suffix), "a=1");
        assert_eq!(sent(suffix, &["a=1; domain=github.io"], "https://me.github.io/"), "");
        assert_eq!(sent(site, &["a=1; domain=", "b=2; domain=."], site), "a=1; b=2");
        let address = "http://127.0.0.1/";
        assert_eq!(sent(address, &["a=1; domain=127.0.0.1"], address), "a=1");
        assert_eq!(sent(address, &["a=1; domain=0.0.1"], address), "");
        assert_eq!(
            sent(
                "http://münchen.example/",
                &["a=1; domain=münchen.example"],
                "http://x.xn--mnchen-3ya.example/"
            ),
            "a=1"
        );
    }

    #[test]
    fn what_is_safe_stays_safe() {
        let (safe, unsafe_) = ("https://a.example/", "http://a.example/");
        assert_eq!(sent(safe, &["a=1; secure"], safe), "a=1");
        assert_eq!(sent(safe, &["a=1; Secure"], unsafe_), "");
        assert_eq!(sent(unsafe_, &["a=1; secure"], safe), "");
        assert_eq!(sent(safe, &["__Secure-a=1", "__host-b=2; secure"], safe), "");
        assert_eq!(sent(safe, &["__Host-b=2; secure; path=/"], safe), "__Host-b=2");
        let mut jar = Jar::default();
        let set = |line| HeaderMap::from_iter([(SET_COOKIE, HeaderValue::from_static(line))]);
        jar.take(&safe.parse().unwrap(), &set("a=1; secure"));
        jar.take(&unsafe_.parse().unwrap(), &set("a=2"));
        assert_eq!(asked(&jar, safe, &[]), "a=1");
    }

    #[test]
    fn the_last_one_counts_and_one_that_is_over_is_gone() {
        let site = "https://a.example/";
        assert_eq!(sent(site, &["a=1", "b=2", "a=3"], site), "a=3; b=2");
        for over in [
            "max-age=0",
            "Max-Age=-5",
            "expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "expires=Thu, 01-Jan-70 00:00:01 GMT",
            "expires=Thu, 01-Jan-1970 00:00:10 GMT; max-age=x",
            "expires=Wed, 31 Dec 2025 00:00:00 GMT; max-age=0",
        ] {
            assert_eq!(sent(site, &["a=1", &format!("a=; {over}")], site), "", "{over}");
        }
        for lasting in ["max-age=1", "expires=never", "expires=Fri, 31 Dec 2049 00:00:00 GMT", ""] {
            assert_eq!(sent(site, &[&format!("a=1; {lasting}")], site), "a=1", "{lasting}");
        }
        for nothing in ["", "=1", "a", "; path=/"] {
            assert_eq!(sent(site, &[nothing], site), "", "{nothing}");
        }
    }

    #[test]
    fn the_jobs_own_are_sent_beside_and_replaced_by_name() {
        let mut jar = Jar::default();
        let mut headers = HeaderMap::new();
        for line in ["a=1", "gone=; max-age=0"] {
            headers.append(SET_COOKIE, HeaderValue::from_static(line));
        }
        jar.take(&"https://a.example/".parse().unwrap(), &headers);
        let own = ["a=own; b=own; ;gone=x", "c=own"];
        assert_eq!(asked(&jar, "https://a.example/", &own), "b=own; c=own; a=1");
        assert_eq!(asked(&jar, "https://b.example/", &["a=own"]), "a=own");
    }

    #[test]
    fn a_jar_is_bounded() {
        let many: Vec<_> = (0..200).map(|n| format!("c{n}=1")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        let line = sent("https://a.example/", &many, "https://a.example/");
        assert_eq!(line.split("; ").count(), MAX_COOKIES);
        assert!(line.ends_with("c199=1"));
        let long = "x".repeat(4_000);
        let long: Vec<_> = (0..9).map(|n| format!("c{n}={long}")).collect();
        let long: Vec<_> = long.iter().map(String::as_str).collect();
        assert!(sent("https://a.example/", &long, "https://a.example/").len() < MAX_BYTES + 100);
        let too_long = format!("a={}", "x".repeat(MAX_COOKIE_BYTES));
        assert_eq!(sent("https://a.example/", &[&too_long], "https://a.example/"), "");
    }

    #[test]
    fn dates_as_servers_write_them() {
        for (text, expected) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("06 Nov 1994", None),
            ("Sun, 32 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 25:49:37 GMT", None),
            ("", None),
        ] {
            assert_eq!(date_s(text.as_bytes()), expected, "{text}");
        }
    }
}
