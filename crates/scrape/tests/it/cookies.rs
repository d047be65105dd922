//! Cookies between the hops of one fetch, and no further.

use http::HeaderValue;
use scrape::Config;

use crate::origin::{Origin, answer, html, request, scraper, within};

#[tokio::test]
async fn a_wall_of_cookies_is_passed_and_nothing_is_kept() {
    let origin = Origin::start(|seen| match (seen.path(), seen.header("cookie")) {
        ("/", None) => answer("302 Found", &["location: /", "set-cookie: seen=1; HttpOnly"], b""),
        ("/", Some("seen=1")) => html("<p>in"),
        _ => answer("400 Bad", &[], b""),
    })
    .await;
    let scraper = scraper(Config::default());
    for _ in 0..2 {
        let page = within(scraper.scrape(request(&origin.url("/")))).await.unwrap();
        assert_eq!((page.redirects, page.page.text.as_deref()), (1, Some("in")));
    }
    let cookies: Vec<_> =
        origin.seen().iter().map(|seen| seen.header("cookie").is_some()).collect();
    assert_eq!(cookies, [false, true, false, true]);
}

#[tokio::test]
async fn the_jobs_own_go_to_its_origin_and_the_sites_where_they_belong() {
    let other = Origin::start(|_| html("<p>other")).await;
    let target = format!("location: {}", other.url("/there"));
    let origin = Origin::start(move |seen| match seen.path() {
        "/" => answer(
            "302 Found",
            &[
                "location: /next",
                "set-cookie: session=new; path=/",
                "set-cookie: deep=1; path=/elsewhere",
                "set-cookie: foreign=1; domain=b.example",
                "set-cookie: safe=1; secure",
            ],
            b"",
        ),
        _ => answer("302 Found", &[&target, "set-cookie: gone=1; max-age=0"], b""),
    })
    .await;
    let mut request = request(&origin.url("/"));
    request.headers.insert("cookie", HeaderValue::from_static("own=1; session=old"));
    within(scraper(Config::default()).scrape(request)).await.unwrap();
    let [first, second] = &origin.seen()[..] else { panic!("two requests") };
    assert_eq!(first.header("cookie"), Some("own=1; session=old"));
    assert_eq!(second.header("cookie"), Some("own=1; session=new"));
    // A cookie belongs to a host, whatever the port (RFC 6265, section 8.5).
    assert_eq!(other.seen()[0].header("cookie"), Some("session=new"));
}
