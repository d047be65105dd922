//! Conditional requests: a page that has not changed is not sent again.

use http::{HeaderValue, Method};
use scrape::{Config, Format, Formats, Kind, Page, Validators};

use crate::origin::{Answer, Origin, Seen, answer, html, request, scrape, scraper, within};

fn known(url: Option<String>) -> Validators {
    Validators {
        etag: Some(HeaderValue::from_static("\"v1\"")),
        last_modified: Some(HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT")),
        url: url.map(|url| url.parse().unwrap()),
    }
}

fn answer_by_version(seen: &Seen) -> Answer {
    match seen.header("if-none-match") {
        Some("\"v1\"") => answer("304 Not Modified", &["etag: \"v1\""], b""),
        _ => answer("200 OK", &["etag: \"v1\"", "content-type: text/html"], b"<p>page"),
    }
}

#[tokio::test]
async fn a_page_that_has_not_changed_comes_without_its_body() {
    let origin = Origin::start(answer_by_version).await;
    let scraper = scraper(Config::default());
    let mut request = request(&origin.url("/#part"));
    let page = within(scraper.scrape(request.clone())).await.unwrap();
    assert!(!page.not_modified && page.page.text.is_some());
    request.validators = known(None);
    request.headers.insert("if-none-match", HeaderValue::from_static("\"mine\""));
    let page = within(scraper.scrape(request.clone())).await.unwrap();
    assert_eq!((page.not_modified, page.status.as_u16(), page.bytes), (true, 304, 0));
    assert_eq!((page.page, page.raw), (Page::default(), None));
    assert_eq!(page.headers["etag"], "\"v1\"");
    let seen = &origin.seen()[1];
    assert_eq!(seen.header("if-modified-since"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    // Another version is a page like any other.
    request.validators.etag = Some(HeaderValue::from_static("\"v0\""));
    assert!(!within(scraper.scrape(request)).await.unwrap().not_modified);
}

#[tokio::test]
async fn the_version_of_one_page_is_not_named_to_another() {
    let origin = Origin::start(|seen| match seen.path() {
        "/" => answer("302 Found", &["location: /page"], b""),
        _ => answer_by_version(seen),
    })
    .await;
    let scraper = scraper(Config::default());
    let mut request = request(&origin.url("/"));
    // Of where the page was found the last time.
    request.validators = known(Some(origin.url("/page")));
    let page = within(scraper.scrape(request.clone())).await.unwrap();
    assert_eq!((page.not_modified, page.redirects), (true, 1));
    assert_eq!(page.final_url.as_str(), origin.url("/page"));
    // Of the first address, or of another one.
    for of in [None, Some(origin.url("/other"))] {
        request.validators = known(of);
        let page = within(scraper.scrape(request.clone())).await.unwrap();
        assert!(!page.not_modified);
    }
    for seen in origin.seen() {
        let is_asked = seen.header("if-none-match").is_some();
        assert!(!is_asked || seen.path() == "/page" || seen.path() == "/");
    }
    request.method = Method::POST;
    request.validators = known(None);
    within(scraper.scrape(request)).await.unwrap();
    let posted = origin.seen().into_iter().find(|seen| seen.method() == "POST").unwrap();
    assert_eq!(posted.header("if-none-match"), None);
}

#[tokio::test]
async fn nothing_new_is_only_news_to_who_asked() {
    let origin = Origin::start(|seen| match seen.path() {
        "/" => answer("302 Found", &["location: /page"], b""),
        _ => answer("304 Not Modified", &[], b""),
    })
    .await;
    let mut request = request(&origin.url("/"));
    request.validators = known(None);
    let error = within(scraper(Config::default()).scrape(request)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (Kind::Body, true));
}

#[tokio::test]
async fn a_hash_tells_whether_the_content_changed() {
    let hash = async |content_type: &str, body: &str, formats: Formats| {
        let header = format!("content-type: {content_type}");
        let body = body.as_bytes().to_vec();
        let origin = Origin::start(move |_| answer("200 OK", &[&header], &body)).await;
        let mut request = request(&origin.url("/"));
        request.options.formats = formats;
        within(scraper(Config::default()).scrape(request)).await.unwrap().content_hash()
    };
    let html = "text/html; charset=utf-8";
    for formats in [Formats::ALL, Formats::default()] {
        // The pages are at different ports: no link is part of them.
        let one = hash(html, "<title>T</title><p data-token=1>words", formats).await;
        assert_eq!(one, hash(html, "<title>T</title><p data-token=2>words", formats).await);
        assert_ne!(one, hash(html, "<title>T</title><p data-token=1>other words", formats).await);
        assert_ne!(one, hash(html, "<title>U</title><p data-token=1>words", formats).await);
    }
    // Of what has no text the bytes are compared, asked for or not.
    for formats in [Formats::default(), Formats::NONE.with(Format::Raw), Formats::NONE] {
        let one = hash("image/png", "\u{89}PNG 1", formats).await;
        assert_eq!(one, hash("image/png", "\u{89}PNG 1", formats).await);
        assert_ne!(one, hash("image/png", "\u{89}PNG 2", formats).await);
    }
}

#[tokio::test]
async fn what_was_not_asked_for_conditionally_is_a_page() {
    let page = scrape(|seen| {
        assert!(seen.header("if-none-match").is_none());
        html("<p>x")
    });
    assert!(!page.await.unwrap().not_modified);
}
