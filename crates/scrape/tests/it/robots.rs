//! The robots.txt of a site is asked for once, and obeyed.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderValue;
use scrape::{Config, Error, Format, Formats, Kind, Request, Response, Robots, Scraper};

use crate::origin::{Answer, Origin, Seen, answer, html, request, scraper, slowly, within};

const SECOND: Duration = Duration::from_secs(1);

fn polite(url: &str) -> Request {
    Request { robots: Robots::Obey, ..request(url) }
}

/// One of a plain body as it is: no thread has a part in it, so that time can be paused.
fn bare(url: &str) -> Request {
    let mut request = polite(url);
    request.options.formats = Formats::NONE.with(Format::Raw);
    request
}

/// A site with a robots.txt.
async fn site(robots: impl Fn() -> Answer + Send + Sync + 'static) -> Origin {
    Origin::start(move |seen| match seen.path() {
        "/robots.txt" => robots(),
        _ => html("<p>page"),
    })
    .await
}

/// A site whose robots.txt says this.
async fn saying(text: &str) -> Origin {
    let text = text.as_bytes().to_vec();
    site(move || answer("200 OK", &["content-type: text/plain"], &text)).await
}

async fn fetch(scraper: &Scraper, origin: &Origin, path: &str) -> Result<Response, Error> {
    within(scraper.scrape(polite(&origin.url(path)))).await
}

fn count(origin: &Origin, robots: bool) -> usize {
    let is_robots = |seen: &&Seen| (seen.path() == "/robots.txt") == robots;
    origin.seen().iter().filter(is_robots).count()
}

#[tokio::test]
async fn an_origin_is_asked_once() {
    let origin = saying("user-agent: *\ndisallow: /no").await;
    let scraper = scraper(Config::default());
    let urls: Vec<_> = (0..20).map(|n| origin.url(&format!("/{n}"))).collect();
    let fetches = urls.iter().map(|url| scraper.scrape(polite(url)));
    let pages = within(futures_util::future::join_all(fetches)).await;
    assert!(pages.iter().all(Result::is_ok));
    assert!(fetch(&scraper, &origin, "/later").await.is_ok());
    assert_eq!((count(&origin, true), count(&origin, false)), (1, 21));
    // Another port is another origin.
    let other = saying("user-agent: *\ndisallow: /").await;
    assert_eq!(fetch(&scraper, &other, "/").await.unwrap_err().kind(), Kind::Robots);
    assert_eq!(count(&other, true), 1);
}

#[tokio::test]
async fn when_the_one_who_asks_leaves_another_goes_on() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let origin = site(move || match counter.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::Hang(Vec::new()),
        _ => answer("404 Not Found", &[], b""),
    })
    .await;
    let scraper = scraper(Config::default());
    let url = origin.url("/");
    let mut first = Box::pin(scraper.scrape(polite(&url)));
    within(async {
        while asked.load(Ordering::SeqCst) == 0 {
            assert!(futures_util::poll!(&mut first).is_pending());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    let mut second = Box::pin(scraper.scrape(polite(&url)));
    let mut third = Box::pin(scraper.scrape(polite(&url)));
    assert!(futures_util::poll!(&mut second).is_pending());
    assert!(futures_util::poll!(&mut third).is_pending());
    assert_eq!(asked.load(Ordering::SeqCst), 1, "one asks, the others wait");
    drop(first);
    let (second, third) = within(async { tokio::join!(second, third) }).await;
    assert!(second.is_ok() && third.is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_site_without_a_file_allows_everything() {
    for status in ["404 Not Found", "401 Unauthorized", "403 Forbidden", "410 Gone", "400 Bad"] {
        let origin = site(move || answer(status, &[], b"user-agent: *\ndisallow: /")).await;
        let page = fetch(&scraper(Config::default()), &origin, "/").await.unwrap();
        assert_eq!((page.status.as_u16(), page.crawl_delay), (200, None), "{status}");
    }
    for text in ["", "<html><body>user-agent: *<br>disallow: /</body></html>", "\0\u{1}garbage"] {
        let origin = saying(text).await;
        assert!(fetch(&scraper(Config::default()), &origin, "/").await.is_ok(), "{text}");
    }
    let origin = site(|| answer("204 No Content", &[], b"")).await;
    assert!(fetch(&scraper(Config::default()), &origin, "/").await.is_ok());
}

#[tokio::test]
async fn a_file_that_cannot_be_had_disallows_everything_for_now() {
    for status in ["500 Oops", "503 Busy", "502 Bad", "429 Slow", "206 Partial Content"] {
        let origin = site(move || answer(status, &["retry-after: 90"], b"user-")).await;
        let scraper = scraper(Config::default());
        for _ in 0..2 {
            let error = fetch(&scraper, &origin, "/").await.unwrap_err();
            assert_eq!((error.kind(), error.is_transient()), (Kind::RobotsUnreachable, true));
            assert_eq!(error.code(), "robots_unreachable");
            assert_eq!(error.status().unwrap().to_string(), status[..3]);
            let again = error.retry_after().unwrap();
            assert!(again > 60 * SECOND && again <= 90 * SECOND, "{status}: {again:?}");
        }
        // It is remembered, and the page was never asked for.
        assert_eq!((count(&origin, true), count(&origin, false)), (1, 0), "{status}");
    }
    let broken = [
        "this is not HTTP",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nuser-agent: *",
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ncontent-encoding: x\r\ncontent-length: 3\r\n\r\nabc",
        "",
    ];
    for bytes in broken {
        let origin = site(move || Answer::Bytes(bytes.into())).await;
        let error = fetch(&scraper(Config::default()), &origin, "/").await.unwrap_err();
        // Where it is closed without a word there is no telling whether it is a site at all.
        let expected = if bytes.is_empty() { Kind::Connect } else { Kind::RobotsUnreachable };
        assert_eq!((error.kind(), error.is_transient()), (expected, true), "{bytes}: {error}");
        assert_eq!(count(&origin, false), 0, "{bytes}");
    }
}

#[tokio::test]
async fn what_is_disallowed_is_not_asked_for() {
    let origin = saying(
        "user-agent: other\nallow: /\n\nuser-agent: pagewire\ndisallow: /private\n\n\
         user-agent: *\ndisallow: /",
    )
    .await;
    let scraper = scraper(Config::default());
    let error = fetch(&scraper, &origin, "/private/x?y").await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (Kind::Robots, false));
    assert_eq!(error.code(), "robots_disallowed");
    assert_eq!(count(&origin, false), 0);
    assert!(fetch(&scraper, &origin, "/public").await.is_ok());
    assert!(fetch(&scraper, &origin, "/robots.txt").await.is_ok());
}

#[tokio::test]
async fn a_file_speaks_to_the_product_that_the_scraper_says_it_is() {
    let origin = saying("user-agent: some_bot\ndisallow: /a\nuser-agent: *\ndisallow: /b").await;
    let config = |user_agent: &str, robots_agent: Option<&str>| Config {
        user_agent: user_agent.to_owned(),
        robots_agent: robots_agent.map(str::to_owned),
        ..Config::default()
    };
    for config in [config("Some_Bot/2 (+https://bot.example)", None), config("x", Some("some_bot"))]
    {
        let scraper = scraper(config);
        assert_eq!(fetch(&scraper, &origin, "/a").await.unwrap_err().kind(), Kind::Robots);
        assert!(fetch(&scraper, &origin, "/b").await.is_ok());
    }
    let scraper = scraper(config("Other/1", None));
    assert!(fetch(&scraper, &origin, "/a").await.is_ok());
    assert_eq!(fetch(&scraper, &origin, "/b").await.unwrap_err().kind(), Kind::Robots);
}

#[tokio::test]
async fn every_hop_is_asked_about() {
    let other = saying("user-agent: *\ndisallow: /no\ncrawl-delay: 9").await;
    let (yes, no) = (other.url("/yes"), other.url("/no"));
    let origin = Origin::start(move |seen| match seen.path() {
        "/robots.txt" => answer("200 OK", &[], b"user-agent: *\ndisallow: /own"),
        "/to-own" => answer("302 Found", &["location: /own"], b""),
        "/to-no" => answer("302 Found", &[&format!("location: {no}")], b""),
        _ => answer("302 Found", &[&format!("location: {yes}")], b""),
    })
    .await;
    let scraper = scraper(Config::default());
    for path in ["/to-own", "/to-no"] {
        let error = fetch(&scraper, &origin, path).await.unwrap_err();
        assert_eq!((error.kind(), error.crawl_delay()), (Kind::Robots, None), "{path}");
    }
    assert_eq!(count(&other, false), 0);
    // Only the first origin has a pace to be kept.
    let page = fetch(&scraper, &origin, "/to-yes").await.unwrap();
    assert_eq!((page.redirects, page.crawl_delay), (1, None));
    assert_eq!((count(&origin, true), count(&other, true)), (1, 1));
    assert!(origin.seen().iter().all(|seen| seen.path() != "/own"));
}

/// A site whose robots.txt, which disallows everything, is so many redirects away.
async fn redirected(times: usize) -> Origin {
    Origin::start(move |seen| {
        let hop = match seen.path() {
            "/robots.txt" => 0,
            path => match path.strip_prefix("/r").and_then(|hop| hop.parse().ok()) {
                Some(hop) => hop,
                None => return html("<p>page"),
            },
        };
        match hop < times {
            true => answer("301 Moved", &[&format!("location: /r{}", hop + 1)], b"moved"),
            false => answer("200 OK", &[], b"user-agent: *\ndisallow: /"),
        }
    })
    .await
}

#[tokio::test]
async fn five_redirects_are_followed_and_more_lead_nowhere() {
    for times in [1, 5] {
        let origin = redirected(times).await;
        let error = fetch(&scraper(Config::default()), &origin, "/").await.unwrap_err();
        assert_eq!((error.kind(), count(&origin, true)), (Kind::Robots, 1), "{times}");
    }
    let origin = redirected(6).await;
    assert!(fetch(&scraper(Config::default()), &origin, "/").await.is_ok());
    assert_eq!(origin.seen().len(), 1 + 5 + 1, "the file six times, and the page");
}

#[tokio::test]
async fn a_file_may_be_on_another_site_and_no_forbidden_one() {
    let other = saying("user-agent: *\ndisallow: /x").await;
    let location = format!("location: {}", other.url("/robots.txt"));
    let origin = site(move || answer("302 Found", &[&location], b"")).await;
    let scraper = scraper(Config::default());
    assert_eq!(fetch(&scraper, &origin, "/x").await.unwrap_err().kind(), Kind::Robots);
    assert!(fetch(&scraper, &origin, "/y").await.is_ok());
    let origin = site(|| answer("302 Found", &["location: http://169.254.169.254/"], b"")).await;
    let error = fetch(&scraper, &origin, "/").await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (Kind::RobotsUnreachable, true));
    let origin = site(|| answer("302 Found", &["location: ftp://a.example/"], b"")).await;
    assert!(fetch(&scraper, &origin, "/").await.is_ok(), "it leads nowhere");
}

#[tokio::test]
async fn a_huge_file_is_read_as_far_as_500_kib() {
    let mut text = b"user-agent: *\ndisallow: /a\n".to_vec();
    text.resize(499 * 1024, b'#');
    text.extend(b"\ndisallow: /b\n");
    text.resize(600 * 1024, b'#');
    text.extend(b"\ndisallow: /c\n");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&text).unwrap();
    encoder.write_all(&vec![b'#'; 50_000_000]).unwrap();
    let packed = encoder.finish().unwrap();
    let mut endless = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec();
    endless.extend(&text);
    let mut unknown = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
    unknown.extend(&text);
    let files: [Box<dyn Fn() -> Answer + Send + Sync>; 4] = [
        Box::new(move || answer("200 OK", &[], &text)),
        Box::new(move || answer("200 OK", &["content-encoding: gzip"], &packed)),
        Box::new(move || Answer::Hang(endless.clone())),
        Box::new(move || Answer::Hang(unknown.clone())),
    ];
    for (n, file) in files.into_iter().enumerate() {
        let origin = site(file).await;
        let scraper = scraper(Config::default());
        for (path, is_allowed) in [("/a", false), ("/b", false), ("/c", true)] {
            let fetched = fetch(&scraper, &origin, path).await;
            assert_eq!(fetched.is_ok(), is_allowed, "{n} {path}");
        }
        assert_eq!((count(&origin, true), scraper.load().body_bytes), (1, 0));
    }
}

#[tokio::test]
async fn a_packed_file_is_unpacked() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(b"user-agent: *\ndisallow: /x").unwrap();
    let packed = encoder.finish().unwrap();
    let origin = site(move || answer("200 OK", &["content-encoding: gzip"], &packed)).await;
    let scraper = scraper(Config::default());
    assert_eq!(fetch(&scraper, &origin, "/x").await.unwrap_err().kind(), Kind::Robots);
    assert!(fetch(&scraper, &origin, "/y").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_does_not_come_to_an_end_is_given_up() {
    let _slowly = slowly();
    let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuser-agent: *\nallow: /\n".to_vec();
    let origin = site(move || Answer::Drip(head.clone(), b"#".to_vec(), SECOND)).await;
    let silent = site(|| Answer::Hang(Vec::new())).await;
    let scraper = scraper(Config::default());
    for origin in [origin, silent] {
        let begun = tokio::time::Instant::now();
        let error = scraper.scrape(bare(&origin.url("/"))).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (Kind::RobotsUnreachable, true));
        let took = begun.elapsed();
        assert!(took >= 14 * SECOND && took < 20 * SECOND, "{took:?}");
        let error = scraper.scrape(bare(&origin.url("/"))).await.unwrap_err();
        assert_eq!(error.kind(), Kind::RobotsUnreachable);
        assert_eq!((count(&origin, true), count(&origin, false)), (1, 0));
        // A minute later it is tried again.
        tokio::time::sleep(60 * SECOND).await;
        scraper.scrape(bare(&origin.url("/"))).await.unwrap_err();
        assert_eq!(count(&origin, true), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hurried_fetch_does_not_speak_for_the_others() {
    let _slowly = slowly();
    let asked = AtomicUsize::new(0);
    let origin = site(move || match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::Hang(Vec::new()),
        _ => answer("404 Not Found", &[], b""),
    })
    .await;
    let scraper = scraper(Config::default());
    let hurried = Request { timeout: 2 * SECOND, ..bare(&origin.url("/")) };
    let error = scraper.scrape(hurried).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (Kind::RobotsUnreachable, None));
    // Whoever asks later, however little, did not wait for that one.
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(scraper.scrape(bare(&origin.url("/"))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_file_is_asked_for_again_when_it_is_stale() {
    let _slowly = slowly();
    let origin = saying("user-agent: *\ndisallow: /no").await;
    let short = site(|| answer("200 OK", &["cache-control: max-age=600"], b"")).await;
    let scraper = scraper(Config::default());
    for (origin, fresh) in [(origin, 24 * 3600 * SECOND), (short, 600 * SECOND)] {
        assert!(scraper.scrape(bare(&origin.url("/"))).await.is_ok());
        tokio::time::advance(fresh - 5 * SECOND).await;
        assert!(scraper.scrape(bare(&origin.url("/"))).await.is_ok());
        assert_eq!(count(&origin, true), 1);
        tokio::time::advance(5 * SECOND).await;
        assert!(scraper.scrape(bare(&origin.url("/"))).await.is_ok());
        assert_eq!(count(&origin, true), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_file_is_better_than_none() {
    let _slowly = slowly();
    let asked = AtomicUsize::new(0);
    let origin = site(move || match asked.fetch_add(1, Ordering::SeqCst) {
        0 => answer("200 OK", &["cache-control: no-store"], b"user-agent: *\ndisallow: /no"),
        _ => answer("500 Oops", &[], b""),
    })
    .await;
    let scraper = scraper(Config::default());
    for round in 1..=3 {
        assert!(scraper.scrape(bare(&origin.url("/"))).await.is_ok());
        let error = scraper.scrape(bare(&origin.url("/no"))).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Robots);
        assert_eq!(count(&origin, true), round);
        tokio::time::advance(300 * SECOND).await;
    }
}

#[tokio::test]
async fn whoever_ignores_the_file_does_not_ask_for_it() {
    let origin = saying("user-agent: *\ndisallow: /\ncrawl-delay: 5").await;
    let page = within(scraper(Config::default()).scrape(request(&origin.url("/")))).await.unwrap();
    assert_eq!((count(&origin, true), page.crawl_delay), (0, None));
}

#[tokio::test]
async fn a_longer_pace_is_told_before_anything_is_fetched() {
    let origin = saying("user-agent: *\ndisallow: /no\ncrawl-delay: 2.5").await;
    let scraper = scraper(Config::default());
    let asked = Some(Duration::from_millis(2_500));
    let mut request = polite(&origin.url("/"));
    for pace in [Duration::ZERO, Duration::from_millis(2_499)] {
        request.pace = pace;
        let error = within(scraper.scrape(request.clone())).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Paced, "paced"));
        assert_eq!((error.crawl_delay(), error.is_transient()), (asked, true));
    }
    assert_eq!(count(&origin, false), 0);
    request.pace = Duration::from_millis(2_500);
    let page = within(scraper.scrape(request.clone())).await.unwrap();
    assert_eq!((page.crawl_delay, count(&origin, false)), (asked, 1));
    // What is disallowed is so at any pace.
    let error = fetch(&scraper, &origin, "/no").await.unwrap_err();
    assert_eq!((error.kind(), error.crawl_delay()), (Kind::Robots, asked));
}

#[tokio::test]
async fn what_fails_later_still_says_the_pace() {
    let origin = Origin::start(|seen| match seen.path() {
        "/robots.txt" => answer("200 OK", &[], b"user-agent: *\ncrawl-delay: 1"),
        _ => answer("503 Busy", &[], b""),
    })
    .await;
    let request = Request { pace: SECOND, ..polite(&origin.url("/")) };
    let error = within(scraper(Config::default()).scrape(request)).await.unwrap_err();
    assert_eq!((error.status(), error.crawl_delay()), (Some(503), Some(SECOND)));
}

#[tokio::test]
async fn a_file_is_asked_for_in_our_own_name() {
    let origin = saying("").await;
    let url = format!("http://me:secret@{}/page?q", origin.addr);
    let mut request = polite(&url);
    for name in ["cookie", "x-token", "user-agent", "accept"] {
        request.headers.insert(name, HeaderValue::from_static("own"));
    }
    let config = Config { user_agent: "Agent/1".to_owned(), ..Config::default() };
    within(scraper(config).scrape(request)).await.unwrap();
    let [robots, page] = &origin.seen()[..] else { panic!("two requests") };
    assert_eq!((robots.method(), robots.path()), ("GET", "/robots.txt"));
    assert_eq!(robots.header("user-agent"), Some("Agent/1"));
    for name in ["cookie", "x-token", "authorization"] {
        assert_eq!(robots.header(name), None, "{name}");
        assert!(page.header(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn where_there_is_no_site_that_is_what_is_said() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let scraper = scraper(Config::default());
    let error = within(scraper.scrape(polite(&url))).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (Kind::Connect, true));
    let error = within(scraper.scrape(polite("http://169.254.169.254/latest"))).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (Kind::Blocked, false));
}

#[tokio::test]
async fn a_hostile_file_is_asked_in_time() {
    let text = format!("user-agent: *\n{}", "disallow: /*a*a*b\n".repeat(25_000));
    let origin = saying(&text).await;
    let scraper = scraper(Config::default());
    let path = format!("/{}", "a".repeat(4_000));
    let begun = tokio::time::Instant::now();
    assert!(fetch(&scraper, &origin, &path).await.is_ok());
    assert!(begun.elapsed() < 20 * SECOND);
}
