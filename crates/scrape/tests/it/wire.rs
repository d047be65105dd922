//! Answers that are not what they say they are.

use std::sync::Arc;

use scrape::{Config, Format, Formats, Kind};
use tokio::sync::Barrier;

use crate::origin::{Answer, Origin, request, scrape, scraper, within};

#[tokio::test]
async fn what_is_cut_short_or_garbled_is_no_page() {
    for bytes in [
        // Lengths that do not agree, and none at all.
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n<p>half",
        "HTTP/1.0 200 OK\r\ncontent-length: 9\r\n\r\n<p>half",
        "HTTP/1.1 200 OK\r\ncontent-length: 7\r\ncontent-length: 8\r\n\r\n<p>half!",
        "HTTP/1.1 200 OK\r\ncontent-length: -7\r\n\r\n<p>half",
        "HTTP/1.1 200 OK\r\ncontent-length: 7x\r\n\r\n<p>half",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n<p>half",
        // Chunks: cut, without a length, with a wrong one, without their end.
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\n<p>ha",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\n<p>half\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\n<p>half\r\n0",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-7\r\n<p>half\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n<p>half\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n<p>half\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n<p>not a chunk</p>",
        // No HTTP, or no longer.
        "<html><p>HTTP/0.9 has no head\n</html>",
        "ICY 200 OK\r\ncontent-length: 1\r\n\r\nx",
        "HTTP/1.1 OK\r\n\r\n",
        "HTTP/9.9 200 OK\r\ncontent-length: 1\r\n\r\nx",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\0\u{1}\u{2}\u{3}",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let error = scrape(move |_| Answer::Bytes(bytes.into())).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (Kind::Body, true), "{bytes:?}: {error}");
    }
}

#[tokio::test]
async fn what_is_whole_in_its_own_way_is_a_page() {
    for bytes in [
        "HTTP/1.0 200 OK\r\n\r\n<p>page",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<p>page",
        "HTTP/1.1 200 OK\r\ncontent-length: 7\r\ncontent-length: 7\r\n\r\n<p>page",
        "HTTP/1.1 200\r\ncontent-length: 7\r\n\r\n<p>page",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\n<p>\r\n4\r\npage\r\n0\r\nx: y\r\n\r\n",
        // RFC 9112, section 6.3: the chunks count.
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n7\r\n<p>page\r\n0\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n<p>page",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n<p>page",
    ] {
        let page = scrape(move |_| Answer::Bytes(bytes.into())).await;
        let page = page.unwrap_or_else(|error| panic!("{bytes:?}: {error}"));
        assert_eq!(page.raw.as_deref(), Some(&b"<p>page"[..]), "{bytes:?}");
    }
}

#[tokio::test]
async fn what_comes_after_a_page_is_never_taken_for_the_next_one() {
    let first = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n<p>page";
    let smuggled = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n<p>evil";
    let origin = Origin::start(move |_| Answer::Keep(format!("{first}{smuggled}").into())).await;
    let scraper = scraper(Config::default());
    for _ in 0..5 {
        let page = within(scraper.scrape(request(&origin.url("/")))).await.unwrap();
        assert_eq!(page.raw.as_deref(), Some(&b"<p>page"[..]));
    }
    assert_eq!(origin.seen().len(), 5);
}

#[tokio::test]
async fn many_bodies_of_unknown_length_are_read_at_once() {
    const BODIES: usize = 40;
    let meeting = Arc::new(Barrier::new(BODIES));
    let origin = Origin::start(move |_| {
        let mut most = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for _ in 0..25 {
            most.extend(format!("1f40\r\n{}\r\n", "x".repeat(8_000)).bytes());
        }
        // Nobody has its end before all have come this far.
        Answer::Meet(most, Arc::clone(&meeting), b"0\r\n\r\n".to_vec())
    })
    .await;
    let scraper = scraper(Config::default());
    let mut request = request(&origin.url("/"));
    request.options.formats = Formats::NONE.with(Format::Raw);
    let fetches = (0..BODIES).map(|_| scraper.scrape(request.clone()));
    for page in within(futures_util::future::join_all(fetches)).await {
        assert_eq!(page.unwrap().bytes, 200_000);
    }
    assert_eq!(scraper.load().body_bytes, 0);
}

#[tokio::test]
async fn bodies_of_any_length_and_kind_get_through_a_small_budget() {
    let origin = Origin::start(|seen| {
        let length: usize = seen.path()[1..].parse().unwrap();
        let mut bytes = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        bytes.resize(bytes.len() + length, b'x');
        Answer::Bytes(bytes)
    })
    .await;
    // Room for one large body, one of up to a megabyte, and sixteen small ones.
    let scraper = scraper(Config { memory_budget: 8 << 20, ..Config::default() });
    let lengths = [0, 65_536, 65_537, 300_000, 600_000, 1_048_576, 1_048_577, 1_900_000, 250_000];
    let lengths: Vec<_> = lengths.into_iter().cycle().take(60).collect();
    let fetches = lengths.iter().map(|length| {
        let mut request = request(&origin.url(&format!("/{length}")));
        request.options.formats = Formats::NONE.with(Format::Raw);
        request.max_bytes = 2_000_000;
        scraper.scrape(request)
    });
    let pages = within(futures_util::future::join_all(fetches)).await;
    for (page, length) in pages.into_iter().zip(lengths) {
        assert_eq!(page.unwrap().bytes, length);
    }
    assert_eq!(scraper.load().body_bytes, 0);
}
