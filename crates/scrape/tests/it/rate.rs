//! A body has to come at some rate. Time is paused; nothing here needs a thread.

use std::time::Duration;

use scrape::{Config, Format, Formats, Kind, Request};
use tokio::time::Instant;

use crate::origin::{Answer, Origin, request, scraper, slowly};

const SECOND: Duration = Duration::from_secs(1);

const ENDLESS: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n";

async fn dripping(bytes: usize, every: Duration) -> (Origin, Request) {
    let piece = vec![b'x'; bytes];
    let origin = Origin::start(move |_| Answer::Drip(ENDLESS.into(), piece.clone(), every)).await;
    let mut request = request(&origin.url("/"));
    request.options.formats = Formats::NONE.with(Format::Raw);
    request.timeout = 60 * SECOND;
    (origin, request)
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_is_given_up_after_ten_seconds() {
    let _slowly = slowly();
    let (_origin, request) = dripping(100, SECOND).await;
    let begun = Instant::now();
    let error = scraper(Config::default()).scrape(request).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Timeout, "too_slow"));
    assert!(error.is_transient());
    let took = begun.elapsed();
    assert!(took >= 10 * SECOND && took < 12 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_begins_well_and_then_drips_is_given_up_later() {
    let _slowly = slowly();
    let mut head = ENDLESS.to_vec();
    head.extend([b'x'; 15_000]);
    let origin = Origin::start(move |_| Answer::Drip(head.clone(), b"x".to_vec(), SECOND)).await;
    let mut request = request(&origin.url("/"));
    request.options.formats = Formats::NONE.with(Format::Raw);
    let begun = Instant::now();
    let error = scraper(Config::default()).scrape(request).await.unwrap_err();
    assert_eq!(error.code(), "too_slow");
    let took = begun.elapsed();
    assert!(took >= 14 * SECOND && took < 17 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_fast_enough_comes_whole() {
    let _slowly = slowly();
    let (_origin, request) = dripping(2_000, 3 * SECOND / 2).await;
    let page = scraper(Config::default()).scrape(request).await.unwrap();
    assert_eq!(page.bytes, 20_000);
    assert!(page.fetch > 10 * SECOND, "{:?}", page.fetch);
}

#[tokio::test(start_paused = true)]
async fn any_rate_will_do_where_none_is_asked_for() {
    let _slowly = slowly();
    let (_origin, request) = dripping(500, SECOND).await;
    let config = Config { min_rate: 0, ..Config::default() };
    assert_eq!(scraper(config).scrape(request.clone()).await.unwrap().bytes, 20_000);
    // The deadline holds all the same.
    let hurried = Request { timeout: 20 * SECOND, ..request };
    let config = Config { min_rate: 0, ..Config::default() };
    let error = scraper(config).scrape(hurried).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Timeout, "timeout"));
}
