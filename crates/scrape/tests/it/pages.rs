//! What a page becomes, and which answers are no page.

use std::time::Duration;

use http::{HeaderValue, Method};
use scrape::{Config, Format, Formats, Kind, MediaKind, MediaSource, Page};

use crate::origin::{Answer, Origin, answer, html, request, scrape, scraper, within};

#[tokio::test]
async fn every_format_of_a_page() {
    let response = scrape(|_| {
        html("<html lang=en><title>H</title><meta name=description content=Tea><h1>H</h1><a href=/x>y</a>")
    })
    .await
    .unwrap();
    assert_eq!(response.content_type.as_deref(), Some("text/html; charset=utf-8"));
    assert_eq!(response.headers["content-type"], "text/html; charset=utf-8");
    let page = response.page;
    assert_eq!((page.charset.as_deref(), page.truncated), (Some("utf-8"), false));
    assert_eq!(page.title.as_deref(), Some("H"));
    assert_eq!(page.text.as_deref(), Some("H\n\ny"));
    assert!(page.html.unwrap().starts_with("<html lang=en>"));
    assert!(page.markdown.unwrap().starts_with("# H\n\n[y](http://127.0.0.1"));
    assert_eq!(page.links.unwrap()[0].text, "y");
    let metadata = page.metadata.unwrap();
    assert_eq!(
        (metadata.description.as_deref(), metadata.language.as_deref()),
        (Some("Tea"), Some("en"))
    );
}

#[tokio::test]
async fn only_what_was_asked_for() {
    let origin = Origin::start(|_| html("<title>T</title><p>x")).await;
    let mut request = request(&origin.url("/"));
    request.options.formats = Formats::NONE.with(Format::Raw);
    let response = within(scraper(Config::default()).scrape(request)).await.unwrap();
    assert_eq!(response.raw.as_deref(), Some(&b"<title>T</title><p>x"[..]));
    assert_eq!(response.page, Page::default());
}

#[tokio::test]
async fn a_status_other_than_success_is_an_error() {
    for (status, transient) in [
        ("404 Not Found", false),
        ("503 Busy", true),
        ("429 Slow", true),
        ("300 Choose", false),
        ("999 Denied", false),
    ] {
        let error = scrape(move |_| answer(status, &["retry-after: 7"], b"")).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (Kind::Status, transient), "{status}");
        assert_eq!(error.status().unwrap().to_string(), status[..3]);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    }
}

#[tokio::test]
async fn a_rate_limit_that_is_used_up_is_reported_and_heeded() {
    let used_up = ["ratelimit: \"default\";r=0;t=30"];
    let page = scrape(move |_| answer("200 OK", &used_up, b"")).await.unwrap();
    assert_eq!(page.rate_limit, Some(Duration::from_secs(30)));
    let error = scrape(move |_| answer("429 Slow", &used_up, b"")).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    let left = ["ratelimit: \"default\";r=1;t=30"];
    let page = scrape(move |_| answer("200 OK", &left, b"")).await.unwrap();
    assert_eq!(page.rate_limit, None);
}

#[tokio::test]
async fn a_page_says_where_it_sends_its_reader_and_is_not_followed() {
    let origin =
        Origin::start(|_| html("<meta http-equiv=refresh content='5; url=/next'><p>wait")).await;
    let page = within(scraper(Config::default()).scrape(request(&origin.url("/")))).await.unwrap();
    assert_eq!(page.page.meta_refresh.unwrap().url, origin.url("/next"));
    assert_eq!((page.final_url.as_str(), origin.seen().len()), (&*origin.url("/"), 1));
}

#[tokio::test]
async fn a_failed_handshake_has_a_code_of_its_own() {
    let origin = Origin::start(|_| html("")).await;
    // Whoever speaks HTTP where TLS is spoken gives no handshake.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let mut site = tokio::task::JoinSet::new();
    site.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ =
                tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 No\r\n\r\n").await;
        }
    });
    for robots in [scrape::Robots::Ignore, scrape::Robots::Obey] {
        let mut request = request(&url);
        request.robots = robots;
        let error = within(scraper(Config::default()).scrape(request)).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Tls, "tls_handshake"), "{error}");
        assert!(error.is_transient());
    }
    assert!(origin.seen().is_empty());
}

#[tokio::test]
async fn a_proxy_is_asked_for_everything() {
    let proxy = Origin::start(|seen| match seen.path() {
        path if path.ends_with("/robots.txt") => {
            answer("200 OK", &[], b"user-agent: *\ndisallow: /no")
        }
        path if path.ends_with("/next") => html("<p>through"),
        _ => answer("302 Found", &["location: /next"], b""),
    })
    .await;
    let scraper = scraper(Config::default());
    let mut request = request("http://127.0.0.2:81/");
    request.robots = scrape::Robots::Obey;
    request.proxy = Some(egress::Proxy::parse(&format!("http://{}", proxy.addr)).unwrap());
    // The target is judged as ever.
    let error = within(scraper.scrape(request.clone())).await.unwrap_err();
    assert_eq!((error.kind(), proxy.seen().len()), (Kind::Blocked, 0), "{error}");
    let allowed = ["127.0.0.0/8".parse().unwrap()];
    let policy = egress::Policy::public_only().allow(&allowed);
    let (scraper, _running) = scrape::start(Config { policy, ..Config::default() }).unwrap();
    let page = within(scraper.scrape(request.clone())).await.unwrap();
    assert_eq!(page.page.text.as_deref(), Some("through"));
    assert_eq!(page.remote_addr, Some(proxy.addr));
    let asked: Vec<_> = proxy.seen().iter().map(|seen| seen.path().to_owned()).collect();
    let base = "http://127.0.0.2:81";
    assert_eq!(asked, [format!("{base}/robots.txt"), format!("{base}/"), format!("{base}/next")]);
    request.url = format!("{base}/no").parse().unwrap();
    assert_eq!(within(scraper.scrape(request)).await.unwrap_err().kind(), Kind::Robots);
}

#[tokio::test]
async fn answers_to_another_question_are_no_page() {
    for head in [
        "206 Partial Content\r\ncontent-range: bytes 0-3/100",
        "304 Not Modified\r\netag: \"1\"",
        "101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket",
    ] {
        let bytes = format!("HTTP/1.1 {head}\r\ncontent-length: 4\r\n\r\n<p>h").into_bytes();
        let error = scrape(move |_| Answer::Bytes(bytes.clone())).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (Kind::Body, true), "{head}: {error}");
    }
}

#[tokio::test]
async fn what_a_job_asks_for_in_its_own_headers_is_asked_for() {
    let origin = Origin::start(|seen| match seen.header("range") {
        Some(_) => answer("206 Partial Content", &["content-range: bytes 0-3/100"], b"<p>h"),
        None => answer("304 Not Modified", &[], b""),
    })
    .await;
    let scraper = scraper(Config::default());
    let mut part = request(&origin.url("/"));
    part.headers.insert("range", HeaderValue::from_static("bytes=0-3"));
    assert_eq!(within(scraper.scrape(part)).await.unwrap().status.as_u16(), 206);
    let mut own = request(&origin.url("/"));
    own.headers.insert("if-none-match", HeaderValue::from_static("\"1\""));
    let error = within(scraper.scrape(own)).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::Status, Some(304)));
}

#[tokio::test]
async fn an_answer_without_content_is_an_empty_page() {
    let packed = "content-encoding: gzip";
    for bytes in [
        "HTTP/1.1 204 No Content\r\ncontent-encoding: gzip\r\n\r\n",
        "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n",
        "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 205 Reset Content\r\ncontent-encoding: x\r\ncontent-length: 5\r\n\r\nhello",
        "HTTP/1.1 205 Reset Content\r\ncontent-length: 500\r\n\r\nhello",
    ] {
        let page = scrape(move |_| Answer::Bytes(bytes.into())).await.unwrap();
        assert_eq!((page.bytes, page.raw.as_deref()), (0, Some(&b""[..])), "{bytes}");
        assert!(!page.not_modified && page.page.text.unwrap_or_default().is_empty());
    }
    let page = scrape(move |_| answer("200 OK", &[packed], b"")).await.unwrap();
    assert_eq!((page.bytes, page.status.as_u16()), (0, 200));
}

#[tokio::test]
async fn answers_without_a_body() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 123\r\n\r\n";
    let origin = Origin::start(move |_| Answer::Bytes(head.into())).await;
    let mut request = request(&origin.url("/"));
    request.method = Method::HEAD;
    let page = within(scraper(Config::default()).scrape(request)).await.unwrap();
    assert_eq!((page.bytes, page.headers["content-length"].to_str().unwrap()), (0, "123"));
}

#[tokio::test]
async fn the_jobs_headers_go_out_and_ours_stay_ours() {
    let origin = Origin::start(|_| html("")).await;
    let scraper = scraper(Config { user_agent: "Agent/1".to_owned(), ..Config::default() });
    let mut own = request(&origin.url("/"));
    for name in ["x-own", "user-agent", "accept", "accept-encoding", "host", "transfer-encoding"] {
        own.headers.insert(name, HeaderValue::from_static("own"));
    }
    within(scraper.scrape(own)).await.unwrap();
    within(scraper.scrape(request(&origin.url("/")))).await.unwrap();
    let [own, plain] = &origin.seen()[..] else { panic!("two requests") };
    for name in ["x-own", "user-agent", "accept"] {
        assert_eq!(own.header(name), Some("own"), "{name}");
    }
    assert_eq!(own.header("accept-encoding"), Some("gzip, deflate, br, zstd"));
    assert_eq!(own.header("host"), Some(origin.addr.to_string().as_str()));
    assert_eq!(own.header("transfer-encoding"), None);
    assert_eq!(plain.header("user-agent"), Some("Agent/1"));
    assert!(plain.header("accept").unwrap().starts_with("text/html"));
}

#[tokio::test]
async fn credentials_are_used_and_not_shown() {
    let origin = Origin::start(|_| html("<p>in")).await;
    let url = format!("http://me:secret@{}/", origin.addr);
    let page = within(scraper(Config::default()).scrape(request(&url))).await.unwrap();
    assert_eq!(origin.seen()[0].header("authorization"), Some("Basic bWU6c2VjcmV0"));
    assert_eq!(page.final_url.as_str(), origin.url("/"));
}

#[tokio::test]
async fn no_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = within(scraper(Config::default()).scrape(request(&url))).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (Kind::Connect, true));
}

#[tokio::test]
async fn other_bodies_than_html() {
    let json = scrape(|_| answer("200 OK", &["content-type: application/json"], b"{\"a\": 1}"));
    let json = json.await.unwrap().page;
    assert_eq!(json.text.as_deref(), Some("{\"a\": 1}"));
    assert_eq!(json.markdown.as_deref(), Some("```json\n{\"a\": 1}\n```\n"));
    assert!(json.title.is_none() && json.html.is_none());

    let picture =
        scrape(|_| answer("200 OK", &["content-type: image/png"], b"\x89PNG\0")).await.unwrap();
    assert_eq!(picture.raw.as_deref(), Some(&b"\x89PNG\0"[..]));
    let media = (Some(MediaKind::Image), Some(MediaSource::Header));
    assert_eq!(picture.page, Page { media: media.0, media_source: media.1, ..Page::default() });
}
