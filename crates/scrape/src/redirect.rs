//! The rules of a redirect (Fetch standard, "HTTP-redirect fetch").

use bytes::Bytes;
use egress::Response;
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, StatusCode};
use url::Url;

use crate::error::{Error, Kind};

/// Job-supplied headers that go along to another origin.
const TRAVELLING: [HeaderName; 3] = [header::ACCEPT, header::ACCEPT_LANGUAGE, header::USER_AGENT];

/// Headers that describe a body; gone with it.
const OF_THE_BODY: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LOCATION,
];

/// Headers that belong to one connection or that the client writes itself.
const NOT_THE_JOBS: [HeaderName; 11] = [
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// A redirect's body up to this length is read away.
const DISCARD_BYTES: u64 = 16 * 1024;

/// Longest target of a redirect that is followed; browsers stop at 32 to 64 KiB or so.
const MAX_LOCATION_BYTES: usize = 16 * 1024;

/// The request of one hop.
pub(crate) struct Hop {
    pub(crate) url: Url,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Hop {
    /// The first hop: the job's request without the headers that are not its own.
    pub(crate) fn first(url: Url, method: Method, mut headers: HeaderMap, body: Bytes) -> Self {
        for name in &NOT_THE_JOBS {
            headers.remove(name);
        }
        Self { url, method, headers, body }
    }

    /// The hop after an answer of `status` with `location`. The target's address is judged where
    /// it is connected to, not here.
    pub(crate) fn follow(&mut self, status: StatusCode, location: &[u8]) -> Result<(), Error> {
        if location.len() > MAX_LOCATION_BYTES {
            let context = format!(
                "the redirect's target has {} bytes: {MAX_LOCATION_BYTES} are followed",
                location.len()
            );
            return Err(Error::new(Kind::Redirect, context));
        }
        let location = String::from_utf8_lossy(location);
        let mut next = self.url.join(location.trim()).map_err(|e| {
            Error::new(Kind::Redirect, "the redirect's target is no URL").with_source(e)
        })?;
        if !matches!(next.scheme(), "http" | "https") {
            let context = format!("the redirect leads to the scheme {:?}", next.scheme());
            return Err(Error::new(Kind::Redirect, context));
        }
        if next.fragment().is_none() {
            next.set_fragment(self.url.fragment());
        }
        if becomes_get(status, &self.method) {
            self.method = Method::GET;
            self.body = Bytes::new();
            for name in &OF_THE_BODY {
                self.headers.remove(name);
            }
        }
        if next.origin() != self.url.origin() {
            self.headers = travelling(&self.headers);
        }
        self.url = next;
        Ok(())
    }
}

/// Whether an answer of this status is a redirect when it has a `location`.
pub(crate) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Reads a redirect's body away where that is quick, so that its connection can be used again.
pub(crate) async fn discard(response: Response) {
    // Without a length there is no telling how long it would take.
    if response.content_length().is_some() {
        response.discard(DISCARD_BYTES).await;
    }
}

fn becomes_get(status: StatusCode, method: &Method) -> bool {
    match status.as_u16() {
        301 | 302 => method == Method::POST,
        303 => method != Method::GET && method != Method::HEAD,
        _ => false,
    }
}

fn travelling(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in TRAVELLING {
        for value in headers.get_all(&name) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn hop(url: &str, method: Method) -> Hop {
        let mut headers = HeaderMap::new();
        for name in ["accept", "cookie", "authorization", "content-type", "x-own", "host"] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("v"));
        }
        Hop::first(url.parse().unwrap(), method, headers, Bytes::from_static(b"body"))
    }

    fn names(hop: &Hop) -> Vec<&str> {
        let mut names: Vec<_> = hop.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn methods_follow_the_fetch_standard() {
        let after = |status: u16, method: Method| {
            let mut hop = hop("http://a.example/", method);
            hop.follow(StatusCode::from_u16(status).unwrap(), b"/next").unwrap();
            (hop.method, hop.body.len())
        };
        assert_eq!(after(301, Method::POST), (Method::GET, 0));
        assert_eq!(after(302, Method::POST), (Method::GET, 0));
        assert_eq!(after(302, Method::PUT), (Method::PUT, 4));
        assert_eq!(after(303, Method::PUT), (Method::GET, 0));
        assert_eq!(after(303, Method::HEAD), (Method::HEAD, 4));
        assert_eq!(after(307, Method::POST), (Method::POST, 4));
        assert_eq!(after(308, Method::POST), (Method::POST, 4));
    }

    #[test]
    fn secrets_stay_with_their_origin() {
        let mut same = hop("https://a.example/x", Method::GET);
        same.follow(StatusCode::FOUND, b"/y").unwrap();
        assert_eq!(names(&same), ["accept", "authorization", "content-type", "cookie", "x-own"]);
        for elsewhere in ["https://b.example/", "http://a.example/", "https://a.example:444/"] {
            let mut hop = hop("https://a.example/x", Method::GET);
            hop.follow(StatusCode::FOUND, elsewhere.as_bytes()).unwrap();
            assert_eq!(names(&hop), ["accept"], "{elsewhere}");
            hop.follow(StatusCode::FOUND, b"https://a.example/x").unwrap();
            assert_eq!(names(&hop), ["accept"], "back from {elsewhere}");
        }
    }

    #[test]
    fn fragments_and_schemes() {
        let mut hop = hop("https://a.example/x#part", Method::GET);
        hop.follow(StatusCode::FOUND, b"/y").unwrap();
        assert_eq!(hop.url.as_str(), "https://a.example/y#part");
        let refused = hop.follow(StatusCode::FOUND, b"file:///etc/passwd").unwrap_err();
        assert_eq!(refused.kind(), Kind::Redirect);
        assert_eq!(hop.follow(StatusCode::FOUND, b"http://[").unwrap_err().kind(), Kind::Redirect);
        let far = [b'x'; MAX_LOCATION_BYTES + 1];
        assert_eq!(hop.follow(StatusCode::FOUND, &far).unwrap_err().kind(), Kind::Redirect);
        assert!(hop.follow(StatusCode::FOUND, &far[1..]).is_ok());
    }
}
