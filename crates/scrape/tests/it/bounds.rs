//! Size, time and memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use scrape::{Config, Format, Kind};
use tokio::time::Instant;

use crate::origin::{Answer, LIMIT, Origin, answer, html, request, scrape, scraper, within};

#[tokio::test]
async fn a_body_too_large_is_an_error_and_never_cut() {
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n6\r\n678901\r\n0\r\n\r\n";
    let to_the_end = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n12345678901";
    for body in
        [&chunked[..], &to_the_end[..], b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n12345678901"]
    {
        let origin = Origin::start(move |_| Answer::Bytes(body.to_vec())).await;
        let scraper = scraper(Config::default());
        let mut request = request(&origin.url("/"));
        request.max_bytes = 11;
        let page = within(scraper.scrape(request.clone())).await.unwrap();
        assert_eq!(page.raw.as_deref(), Some(&b"12345678901"[..]));
        request.max_bytes = 10;
        let error = within(scraper.scrape(request)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (Kind::TooLarge, false));
    }
}

#[tokio::test]
async fn an_announced_giant_is_not_read() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec();
    let error = scrape(move |_| Answer::Hang(head.clone())).await.unwrap_err();
    assert_eq!(error.kind(), Kind::TooLarge);
}

#[tokio::test]
async fn a_body_cut_short_is_no_page() {
    for cut in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n<p>half"[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\n<p>half\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n<p>half\r\n",
        b"this is not HTTP\r\n\r\n",
    ] {
        let error = scrape(move |_| Answer::Bytes(cut.to_vec())).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Body), "{:?}: {error}", error.kind());
        assert!(error.is_transient());
    }
}

#[tokio::test]
async fn one_deadline_covers_head_and_body() {
    for sent in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n<p>half"] {
        let origin = Origin::start(move |_| Answer::Hang(sent.to_vec())).await;
        let mut request = request(&origin.url("/"));
        request.timeout = Duration::from_millis(300);
        let begun = Instant::now();
        let error = within(scraper(Config::default()).scrape(request)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (Kind::Timeout, true));
        assert!(begun.elapsed() >= Duration::from_millis(300) && begun.elapsed() < LIMIT / 3);
    }
}

#[tokio::test]
async fn what_a_fetch_waits_for_us_is_not_charged_to_its_deadline() {
    let origin = Origin::start(|_| html("<p>x")).await;
    let policy = egress::Policy::public_only().allow(&["127.0.0.1".parse().unwrap()]);
    let (scraper, _running) =
        scrape::start(Config { policy, cpu_threads: 1, ..Config::default() }).unwrap();
    let (let_go, wait) = std::sync::mpsc::channel::<()>();
    let mut request = request(&origin.url("/"));
    request.timeout = Duration::from_millis(300);
    // The only thread is taken for twice the time that a fetch has.
    let blocker = scraper.scrape_with(request.clone(), move |_| wait.recv().is_ok());
    let waiting = async {
        while scraper.load().pages == 0 {
            tokio::task::yield_now().await;
        }
        scraper.scrape(request.clone()).await
    };
    let release = async {
        while scraper.load().pages < 2 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(request.timeout * 2).await;
        let_go.send(()).unwrap();
    };
    let (blocked, waited, ()) = within(async { tokio::join!(blocker, waiting, release) }).await;
    assert!(blocked.unwrap().0);
    assert!(waited.is_ok(), "{waited:?}");
}

#[tokio::test]
async fn waiting_for_memory_is_not_charged_to_the_deadline() {
    let body = vec![b'x'; 1_000_000];
    let origin =
        Origin::start(move |_| answer("200 OK", &["content-type: text/plain"], &body)).await;
    let scraper = scraper(Config { memory_budget: 4 << 20, ..Config::default() });
    let mut request = request(&origin.url("/"));
    request.timeout = Duration::from_millis(300);
    let (_, held) = within(scraper.scrape_with(request.clone(), |_| ())).await.unwrap();
    // All the memory that a large page can have is taken for twice the time that a fetch has.
    let waiting = scraper.scrape(request.clone());
    let release = async {
        while scraper.load().body_bytes <= held.bytes() {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(request.timeout * 2).await;
        drop(held);
    };
    let (waited, ()) = within(async { tokio::join!(waiting, release) }).await;
    assert!(waited.is_ok(), "{waited:?}");
}

#[tokio::test]
async fn what_becomes_of_a_page_is_reserved_and_not_only_what_came() {
    let page = b"<p>page".repeat(100_000);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, &page).unwrap();
    let packed = encoder.finish().unwrap();
    assert!(packed.len() < 7_000);
    let headers = ["content-type: text/html", "content-encoding: gzip"];
    let origin = Origin::start(move |_| answer("200 OK", &headers, &packed)).await;
    let scraper = scraper(Config::default());
    let mut request = request(&origin.url("/"));
    request.extra_bytes = 50_000;
    let cost = request.options.cost(page.len() as u64) + request.extra_bytes;
    let watched = scraper.clone();
    let then = move |page: scrape::Response| (page.bytes, watched.load().body_bytes);
    let ((bytes, reserved), held) = within(scraper.scrape_with(request, then)).await.unwrap();
    assert_eq!(bytes, page.len() as u64);
    assert!(reserved >= cost, "{reserved} < {cost}");
    assert!((cost..cost + 10_000).contains(&held.bytes()), "{held:?} for {cost}");
}

#[tokio::test]
async fn what_outgrows_its_reservation_is_covered_one_at_a_time() {
    let origin = Origin::start(|_| html("<p>x")).await;
    let scraper = scraper(Config { memory_budget: 8 << 20, ..Config::default() });
    let small = async || {
        let request = request(&origin.url("/"));
        within(scraper.scrape_with(request, |_| ())).await.unwrap().1
    };
    let all = 3 << 20;
    let first = scraper.cover(small().await, 10 * all).await.unwrap();
    assert_eq!(first.bytes(), all, "a giant gets what there is");
    let mut second = Box::pin(scraper.cover(small().await, 100_000));
    assert!(futures_util::poll!(&mut second).is_pending());
    let error = within(scraper.cover(small().await, 100_000)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (Kind::Busy, true));
    drop(first);
    assert!(within(second).await.unwrap().bytes() >= 100_000);
    let large = scraper.cover(small().await, 200_000).await.unwrap();
    assert_eq!(within(scraper.cover(large, 1_000)).await.unwrap().bytes(), 1_024);
    assert_eq!(scraper.load().body_bytes, 0);
}

#[tokio::test]
async fn bytes_in_memory_stay_within_the_budget() {
    let body = vec![b'x'; 400_000];
    let origin =
        Origin::start(move |_| answer("200 OK", &["content-type: text/plain"], &body)).await;
    let scraper = scraper(Config { memory_budget: 8 << 20, ..Config::default() });
    let most = Arc::new(AtomicU64::new(0));
    let fetches = (0..20).map(|_| {
        let (watched, most) = (scraper.clone(), Arc::clone(&most));
        let mut request = request(&origin.url("/"));
        request.max_bytes = 500_000;
        let then = move |page: scrape::Response| {
            most.fetch_max(watched.load().body_bytes, Ordering::SeqCst);
            page.bytes
        };
        let fetch = scraper.scrape_with(request, then);
        async { fetch.await.map(|(length, _held)| length) }
    });
    let lengths = within(futures_util::future::join_all(fetches)).await;
    assert!(lengths.into_iter().all(|length| length.unwrap() == 400_000));
    let most = most.load(Ordering::SeqCst);
    assert!((400_000..=8 << 20).contains(&most), "{most}");
    assert_eq!((scraper.load().body_bytes, scraper.load().fetches), (0, 0));
}

#[tokio::test]
async fn a_panic_in_the_callers_closure_costs_one_page() {
    let origin = Origin::start(|_| html("<p>x")).await;
    let scraper = scraper(Config::default());
    for formats in [vec![Format::Raw], vec![Format::Text]] {
        let mut request = request(&origin.url("/"));
        request.options.formats = formats.into_iter().collect();
        let result = within(scraper.scrape_with(request, |_| -> () { panic!("oops") })).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), Kind::Internal);
        assert!(error.to_string().contains("oops"));
    }
    assert!(within(scraper.scrape(request(&origin.url("/")))).await.is_ok());
    assert_eq!(scraper.load().body_bytes, 0);
}

#[tokio::test]
async fn the_threads_end_with_the_last_handle() {
    let (scraper, mut running) = scrape::start(Config::default()).unwrap();
    let other = scraper.clone();
    drop(scraper);
    assert!(futures_util::poll!(&mut running).is_pending());
    drop(other);
    within(running).await;
}

#[tokio::test]
async fn fetches_beyond_the_limit_wait_without_their_deadline() {
    let origin = Origin::start(|_| Answer::Hang(Vec::new())).await;
    let scraper = scraper(Config { in_flight: 1, ..Config::default() });
    let mut request = request(&origin.url("/"));
    request.timeout = Duration::from_millis(200);
    let begun = Instant::now();
    let both = tokio::join!(scraper.scrape(request.clone()), scraper.scrape(request));
    assert!(both.0.is_err() && both.1.is_err());
    assert!(begun.elapsed() >= Duration::from_millis(400));
}

#[test]
fn a_waiting_fetch_is_small() {
    let scraper = scraper(Config::default());
    let fetch = scraper.scrape(request("http://127.0.0.1:1/"));
    assert!(size_of_val(&fetch) < 2048, "{}", size_of_val(&fetch));
}
