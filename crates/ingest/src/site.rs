//! What holds for every request, whatever it is for: which sites' pages may make it, and what its
//! answer says of its key's limits.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};
use url::Url;

use crate::auth::Seat;
use crate::keys::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::problem::{Kind, Problem};
use crate::router::Api;

/// How long a browser may keep the answer to a preflight request.
const PREFLIGHT_TIME: Duration = Duration::from_hours(1);
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
/// What pages may send.
const SENT: [HeaderName; 8] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::RANGE,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("prefer"),
];
/// What they may read beside the few that browsers always show.
const SHOWN: [HeaderName; 10] = [
    header::LOCATION,
    header::LINK,
    header::ETAG,
    header::CONTENT_RANGE,
    header::RETRY_AFTER,
    RATE_LIMIT,
    RATE_LIMIT_POLICY,
    HeaderName::from_static("idempotency-replayed"),
    HeaderName::from_static("preference-applied"),
    HeaderName::from_static("repr-digest"),
];
/// Fetch Metadata: who made a browser ask.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A site whose pages may use the API: `https://app.example.com`, or `*` for every one.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// The text is no origin.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `*` or a scheme and a host, such as https://app.example.com, without a path")]
pub struct NotAnOrigin;

impl Origin {
    fn is_any(&self) -> bool {
        self.0 == "*"
    }
}

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let is_origin = || {
            let url = Url::parse(text).ok()?;
            (url.has_host() && url.origin().ascii_serialization() == text).then_some(())
        };
        // No browser understands a pattern, and `url` takes one for a name.
        if text != "*" && (text.contains('*') || is_origin().is_none()) {
            return Err(NotAnOrigin);
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| NotAnOrigin)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The router with what holds for all of it around it.
pub(crate) fn guarded(router: Router, api: &Arc<Api>) -> Router {
    let router = router.layer(from_fn_with_state(Arc::clone(api), pass));
    // Outermost: whoever asks beforehand has no key, and refusals are to be read too.
    match api.config.cors_origins.as_slice() {
        [] => router,
        origins => router.layer(cors(origins)),
    }
}

fn cors(origins: &[Origin]) -> CorsLayer {
    let allowed = match origins.iter().any(Origin::is_any) {
        true => AllowOrigin::from(Any),
        false => AllowOrigin::list(origins.iter().map(|Origin(value)| value.clone())),
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods(METHODS)
        .allow_headers(SENT)
        .expose_headers(SHOWN)
        .max_age(PREFLIGHT_TIME)
}

async fn pass(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    if api.keys.is_open() {
        return match admit(&api, request.method(), request.uri(), request.headers()) {
            Ok(()) => next.run(request).await,
            Err(problem) => problem.into_response(),
        };
    }
    if !api.keys.has_made() {
        return next.run(request).await;
    }
    let seat = Seat::default();
    request.extensions_mut().insert(seat.clone());
    let mut response = next.run(request).await;
    if let Some(key) = seat.key() {
        key.meter().tell(response.headers_mut(), api.clock.now());
    }
    response
}

/// Without keys, whoever reaches the server may use it, and a browser on this machine reaches it on
/// behalf of every page that it shows. With keys this is not needed: no browser adds one by itself.
fn admit(api: &Api, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    named(api, uri, headers)?;
    // What is pulled is gone for a while.
    let is_harmless = method.is_safe() && uri.path() != "/v1/pull";
    if is_harmless || !is_foreign(headers) || is_allowed(api, headers) {
        return Ok(());
    }
    let detail = "a page of another site asks for this, and this server has no keys: allow the \
                  site by --cors-origin, or have it send a key";
    Err(Problem::new(Kind::CrossSite, detail))
}

/// A name that leads here but is not ours is that of a page which wants to pass for one of ours.
fn named(api: &Api, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(ours) = &api.config.host_names else {
        return Ok(());
    };
    let field = headers.get(header::HOST).map(HeaderValue::to_str);
    let host = match (uri.authority(), field) {
        (Some(authority), _) => authority.host(),
        (None, Some(Ok(field))) => without_port(field),
        // HTTP/1.0 has no need for it, and browsers do not speak that.
        (None, None) => return Ok(()),
        (None, Some(Err(_))) => "",
    };
    if is_local(host) || ours.iter().any(|name| name.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    let detail = format!(
        "this server has no keys, and is therefore not reached as `{host}`: use its address, name \
         it by --public-url, or give it an --api-key"
    );
    Err(Problem::new(Kind::Misdirected, detail))
}

/// Whether nobody on the Internet can make a name lead here: an address, this very machine (RFC
/// 6761 §6.3), or a name without a dot, which only a network's own resolver knows.
fn is_local(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if bare.parse::<IpAddr>().is_ok() {
        return true;
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    (!name.is_empty() && !name.contains('.')) || name.ends_with(".localhost")
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether a browser says that another site's page makes it ask.
fn is_foreign(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).map_or(&b""[..], HeaderValue::as_bytes);
    match headers.get(header::ORIGIN) {
        Some(origin) => {
            let text = origin.to_str().unwrap_or_default();
            let authority = text.split_once("://").map_or("", |(_, authority)| authority);
            authority.is_empty() || !authority.as_bytes().eq_ignore_ascii_case(host)
        }
        None => headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "cross-site"),
    }
}

fn is_allowed(api: &Api, headers: &HeaderMap) -> bool {
    let allowed = &api.config.cors_origins;
    let origin = headers.get(header::ORIGIN);
    allowed.iter().any(|one| one.is_any() || Some(&one.0) == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_send() {
        for text in ["*", "https://app.example.com", "http://localhost:3000", "http://[::1]:8080"] {
            assert!(text.parse::<Origin>().is_ok(), "{text}");
        }
        for text in [
            "",
            "null",
            "example.com",
            "https://a.example/",
            "https://a.example/path",
            "https://a.example:443",
            "HTTPS://a.example",
            "https://A.example",
            "https://*.example",
            "file:///x",
            "https://a.example\n",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(NotAnOrigin), "{text}");
        }
    }

    #[test]
    fn addresses_and_this_machine_s_names_are_nobody_else_s() {
        for host in [
            "127.0.0.1",
            "[::1]",
            "::1",
            "192.0.2.7",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "web",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in ["", "example.com", "localhost.example.com", "127.0.0.1.example.com", "1.2.3"] {
            assert!(!is_local(host), "{host}");
        }
        assert_eq!(without_port("[::1]:8080"), "[::1]");
        assert_eq!(without_port("a:80"), "a");
        assert_eq!(without_port("a"), "a");
    }
}
