//! Hops: what is sent where.

use std::sync::Arc;

use http::{HeaderValue, Method};
use scrape::{Config, Kind};

use crate::origin::{Origin, answer, html, request, scraper, within};

#[tokio::test]
async fn a_chain_ends_at_its_page() {
    let origin = Origin::start(|seen| match seen.path() {
        "/" => answer("301 Moved Permanently", &["location: /a?x=1"], b"moved"),
        "/a?x=1" => answer("307 Temporary Redirect", &["location: b#part"], b""),
        _ => html("<p>here"),
    })
    .await;
    let response =
        within(scraper(Config::default()).scrape(request(&origin.url("/")))).await.unwrap();
    assert_eq!(response.final_url.as_str(), origin.url("/b#part"));
    assert_eq!((response.redirects, response.status.as_u16()), (2, 200));
    assert_eq!(response.page.text.as_deref(), Some("here"));
    assert_eq!(response.remote_addr, Some(origin.addr));
}

#[tokio::test]
async fn a_loop_ends_at_the_limit() {
    let origin = Origin::start(|_| answer("302 Found", &["location: /"], b"")).await;
    let mut request = request(&origin.url("/"));
    request.max_redirects = 3;
    let error = within(scraper(Config::default()).scrape(request)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (Kind::Redirect, false));
    assert_eq!(origin.seen().len(), 4);
}

#[tokio::test]
async fn a_post_becomes_a_get_and_secrets_stay() {
    let other = Origin::start(|_| html("<p>other")).await;
    let target = format!("location: {}", other.url("/there"));
    let origin = Origin::start(move |seen| match seen.path() {
        "/" => answer("302 Found", &["location: /next"], b""),
        _ => answer("308 Permanent Redirect", &[&target], b""),
    })
    .await;
    let mut request = request(&origin.url("/"));
    request.method = Method::POST;
    request.body = "question".into();
    for name in ["cookie", "authorization", "x-token", "content-type", "accept-language"] {
        request.headers.insert(name, HeaderValue::from_static("mine"));
    }
    within(scraper(Config::default()).scrape(request)).await.unwrap();

    let [first, second] = &origin.seen()[..] else { panic!("two requests") };
    assert_eq!((first.method(), first.body.as_str()), ("POST", "question"));
    assert_eq!((second.method(), second.body.as_str()), ("GET", ""));
    assert_eq!((second.header("cookie"), second.header("content-type")), (Some("mine"), None));
    let third = &other.seen()[0];
    assert_eq!((third.method(), third.path()), ("GET", "/there"));
    assert_eq!(third.header("accept-language"), Some("mine"));
    for secret in ["cookie", "authorization", "x-token"] {
        assert_eq!(third.header(secret), None, "{secret}");
    }
}

#[tokio::test]
async fn a_redirect_to_a_forbidden_address_is_not_followed() {
    for target in ["http://169.254.169.254/latest/", "http://[::1]:8080/", "http://10.0.0.1/"] {
        let location = format!("location: {target}");
        let origin = Origin::start(move |_| answer("302 Found", &[&location], b"")).await;
        let error =
            within(scraper(Config::default()).scrape(request(&origin.url("/")))).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (Kind::Blocked, false), "{target}");
    }
}

#[tokio::test]
async fn a_forbidden_target_is_never_asked() {
    let origin = Arc::new(Origin::start(|_| html("<p>secret")).await);
    let (scraper, _running) = scrape::start(Config::default()).unwrap();
    let error = within(scraper.scrape(request(&origin.url("/")))).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Blocked, "blocked"));
    assert!(origin.seen().is_empty());
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere() {
    for (location, kind) in [
        ("location: ftp://a.example/", Kind::Redirect),
        ("location: http://[", Kind::Redirect),
        ("x-nothing: 1", Kind::Status),
    ] {
        let origin = Origin::start(move |_| answer("302 Found", &[location], b"")).await;
        let error =
            within(scraper(Config::default()).scrape(request(&origin.url("/")))).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{location}");
    }
}
