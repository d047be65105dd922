use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use egress::{
    Client, ClientConfig, Error, Kind, ParseProxyError, Policy, Proxy, Response, TlsFault,
};
use http::header::{COOKIE, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method};

use crate::answers::{Answers, PATIENCE, policy, resolver};
use crate::origin::{Origin, Then, ok};
use crate::through::{Gateway, Speaks};
use crate::tls::{self, LEAF, ROOT, server_config};

#[test]
fn a_proxy_is_read_in_every_form_and_printed_without_its_credentials() {
    for (text, printed) in [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://proxy.example", "http://proxy.example:80"),
        ("HTTPS://Proxy.Example./", "https://proxy.example.:443"),
        ("socks5://proxy.example", "socks5://proxy.example:1080"),
        ("socks5://proxy.example:80", "socks5://proxy.example:80"),
        (" http://user:s3cret@127.1:8080 ", "http://127.0.0.1:8080"),
        ("socks5://user:s3cret@0x7f.1:8080", "socks5://127.0.0.1:8080"),
        ("socks5://user:s3cret@[::1]:8080", "socks5://[::1]:8080"),
        ("socks5://b%C3%BCcher.example", "socks5://xn--bcher-kva.example:1080"),
        ("https://s3cret@[::1]", "https://[::1]:443"),
    ] {
        let proxy = Proxy::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(proxy.to_string(), printed, "{text}");
        let debug = format!("{proxy:?}");
        assert!(debug.contains(printed) && !debug.contains("s3cret"), "{debug}");
        assert!(!debug.contains("user"), "{debug}");
    }
}

#[test]
fn what_is_no_proxy_is_refused_with_a_remedy_and_no_secret() {
    let long = format!("http://s3cret:{}@proxy.example", "x".repeat(2048));
    for (text, error) in [
        ("", ParseProxyError::NotUrl),
        ("proxy.example:3128/s3cret", ParseProxyError::Scheme),
        ("//s3cret@proxy.example", ParseProxyError::NotUrl),
        ("socks5h://u:s3cret@proxy.example", ParseProxyError::RemoteNames),
        ("socks4a://u:s3cret@proxy.example", ParseProxyError::RemoteNames),
        ("socks4://u:s3cret@proxy.example", ParseProxyError::Scheme),
        ("ftp://u:s3cret@proxy.example", ParseProxyError::Scheme),
        ("http://u:s3cret@proxy.example/path", ParseProxyError::Path),
        ("http://u:s3cret@proxy.example?q", ParseProxyError::Path),
        ("socks5://u:s3cret@proxy.example#f", ParseProxyError::Path),
        ("http://u:s3cret@proxy.example:0", ParseProxyError::Port),
        ("http://u:s3cret@proxy.example:99999", ParseProxyError::NotUrl),
        ("socks5:proxy.example", ParseProxyError::Path),
        ("socks5:///", ParseProxyError::Host),
        ("socks5://u:s3cret@a b", ParseProxyError::NotUrl),
        ("socks5://u:s3cret@[::1%25eth0]", ParseProxyError::NotUrl),
        ("socks5://u:s3cret@1.2.3.4.5", ParseProxyError::Host),
        ("socks5://u:s3cret@proxy}.example", ParseProxyError::Host),
        ("socks5://s3cret@proxy.example", ParseProxyError::Credentials),
        (&long, ParseProxyError::TooLong),
    ] {
        let refused = Proxy::parse(text).expect_err(text);
        assert_eq!(refused, error, "{text:.60}");
        let printed = format!("{refused} {refused:?}");
        assert!(!printed.contains("s3cret"), "{printed}");
        assert!(printed.contains("HOST") || printed.contains("socks5") || text.len() > 2048);
    }
    let byte = "%ff".repeat(255);
    assert!(Proxy::parse(&format!("socks5://{byte}:{byte}@proxy.example")).is_ok());
    let more = format!("socks5://{byte}a:b@proxy.example");
    assert_eq!(Proxy::parse(&more), Err(ParseProxyError::Credentials));
}

#[test]
fn a_proxy_is_found_among_the_targets_that_are_allowed() {
    let at = |proxy: &str, allow: &str| {
        Proxy::parse(proxy).unwrap().is_at(&allow.parse::<egress::Allow>().unwrap())
    };
    for (proxy, allow) in [
        ("http://me:secret@proxy.example:3128", "proxy.example"),
        ("http://PROXY.example.:3128", "proxy.example:3128"),
        ("socks5://10.1.2.3", "10.0.0.0/8"),
        ("socks5://10.1.2.3", "10.1.2.3:1080"),
        ("http://[fd00::1]:8080", "[fd00::1]:8080"),
    ] {
        assert!(at(proxy, allow), "{proxy} {allow}");
    }
    for (proxy, allow) in [
        ("http://proxy.example:3128", "proxy.example:3129"),
        ("http://a.proxy.example:3128", "proxy.example"),
        ("http://11.1.2.3", "10.0.0.0/8"),
        ("http://proxy.example", "10.0.0.0/8"),
    ] {
        assert!(!at(proxy, allow), "{proxy} {allow}");
    }
}

const SECRET: &str = "s3cret";

/// 127.0.0.2 plays the public addresses, and 127.0.0.3 the public address of proxies.
fn public() -> Policy {
    policy(&["127.0.0.2", "127.0.0.3"])
}

fn names() -> Arc<Answers> {
    Arc::new(Answers::new(&[
        ("proxy.example", &[&["127.0.0.3"]]),
        ("private-proxy.example", &[&["127.0.0.1"]]),
        ("site.example", &[&["127.0.0.2"]]),
        ("tls.example", &[&["127.0.0.2"]]),
        ("private.example", &[&["127.0.0.1"]]),
        ("mixed.example", &[&["127.0.0.1", "127.0.0.2"]]),
        ("mixed6.example", &[&["127.0.0.2", "::1"]]),
        ("rebind.example", &[&["127.0.0.2"], &["127.0.0.1"], &["127.0.0.2"], &["10.0.0.1"]]),
    ]))
}

fn client(policy: Policy, answers: &Arc<Answers>) -> Client {
    let config = ClientConfig {
        resolver: Some(resolver(answers)),
        extra_roots_pem: vec![ROOT.to_vec()],
        // Each request makes a connection.
        pool_max_idle_per_host: 0,
        ..ClientConfig::default()
    };
    Client::new(policy, config).unwrap()
}

async fn get_via(client: &Client, url: &str, via: &str) -> Result<Response, Error> {
    send_via(client, url, &Proxy::parse(via).unwrap()).await
}

async fn send_via(client: &Client, url: &str, proxy: &Proxy) -> Result<Response, Error> {
    let url = url.parse().unwrap();
    let headers = HeaderMap::from_iter([
        (PROXY_AUTHORIZATION, HeaderValue::from_static("Basic from-the-caller")),
        (COOKIE, HeaderValue::from_static("of=the-origin")),
    ]);
    client.send_to(Method::GET, url, headers, Bytes::new(), PATIENCE, Some(proxy)).await
}

/// Everything that could be logged of an error.
fn whole(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text += &format!(" | {cause} {cause:?}");
        source = cause.source();
    }
    text
}

/// `user:s3cret` as it is sent.
const BASIC: &str = "proxy-authorization: basic dxnlcjpzm2nyzxq=\r\n";

fn https_proxy() -> Speaks {
    Speaks::Https(server_config(LEAF, &["http/1.1"]))
}

/// An origin that answers with the head of the request.
async fn mirror() -> Origin {
    Origin::start(|head| Then::SayAndClose(ok(head.to_ascii_lowercase().as_bytes()))).await
}

async fn text(response: Response) -> String {
    String::from_utf8(response.read_capped(10_000).await.unwrap().0.to_vec()).unwrap()
}

#[tokio::test]
async fn an_http_proxy_is_asked_in_absolute_form_and_alone_gets_the_credentials() {
    for (scheme, speaks) in [("http", Speaks::Http), ("https", https_proxy())] {
        let (proxy, origin) = (Gateway::start(speaks).await, mirror().await);
        let via = format!("{scheme}://user:{SECRET}@proxy.example:{}", proxy.port());
        let url = format!("http://site.example:{}/x?y=z", origin.port());
        let response = get_via(&client(public(), &names()), &url, &via).await.unwrap();
        assert_eq!(response.status, 200);
        let peer: SocketAddr = ([127, 0, 0, 3], proxy.port()).into();
        assert_eq!(response.remote_addr, Some(peer));

        let told = text(response).await;
        assert!(told.starts_with("get /x?y=z http/1.1\r\n"), "{told}");
        assert!(told.contains("cookie: of=the-origin") && !told.contains("proxy-auth"), "{told}");
        let asked = proxy.asked();
        assert!(asked[0].starts_with(&format!("get {url} http/1.1\r\n")), "{asked:?}");
        assert!(asked[0].contains(BASIC) && !asked[0].contains("from-the-caller"), "{asked:?}");
        assert_eq!((asked.len(), origin.connections()), (1, 1));
    }
}

#[tokio::test]
async fn an_https_target_is_reached_by_a_tunnel_and_does_not_see_the_credentials() {
    let port = tls::serve(LEAF).port();
    for (scheme, speaks) in [("http", Speaks::Http), ("https", https_proxy())] {
        let proxy = Gateway::start(speaks).await;
        let via = format!("{scheme}://user:{SECRET}@proxy.example:{}", proxy.port());
        let url = format!("https://tls.example:{port}/x");
        let response = get_via(&client(public(), &names()), &url, &via).await.unwrap();
        assert_eq!(response.remote_addr.unwrap().port(), proxy.port());
        let told = text(response).await.to_ascii_lowercase();
        assert!(told.contains("get /x http/1.1\r\n"), "{told}");
        assert!(!told.contains("proxy-authorization"), "{told}");
        let asked = proxy.asked();
        assert!(asked[0].starts_with(&format!("connect tls.example:{port} http/1.1\r\n")));
        assert!(asked[0].contains(BASIC) && !asked[0].contains("cookie"), "{asked:?}");
    }
}

#[tokio::test]
async fn a_socks_proxy_is_given_an_address_that_was_judged() {
    let (secure, origin) = (tls::serve(LEAF).port(), mirror().await);
    for credentials in [None, Some(("user", SECRET))] {
        let proxy = Gateway::start(Speaks::Socks5(credentials)).await;
        let login = credentials.map_or(String::new(), |(user, pass)| format!("{user}:{pass}@"));
        let via = format!("socks5://{login}proxy.example:{}", proxy.port());
        let client = client(public(), &names());
        let plain = origin.port();
        for (url, asked) in [
            (format!("http://site.example:{plain}/"), "127.0.0.2"),
            (format!("http://127.0.0.2:{plain}/"), "127.0.0.2"),
            (format!("http://[::ffff:127.0.0.2]:{plain}/"), "127.0.0.2"),
            (format!("https://tls.example:{secure}/"), "127.0.0.2"),
            // Of a mixed answer, the part that is permitted.
            (format!("http://mixed.example:{plain}/"), "127.0.0.2"),
            (format!("http://mixed6.example:{plain}/"), "127.0.0.2"),
        ] {
            let before = proxy.asked().len();
            let response = get_via(&client, &url, &via).await.expect(&url);
            let told = text(response).await.to_ascii_lowercase();
            assert!(told.contains("get / http/1.1\r\n") && !told.contains("authorization: "));
            let now = proxy.asked();
            let address = now[before].parse::<IpAddr>().unwrap().to_canonical().to_string();
            assert_eq!((now.len(), address.as_str()), (before + 1, asked), "{url}");
        }
    }
}

#[tokio::test]
async fn a_name_that_is_rebound_is_judged_each_time_a_socks_proxy_is_asked() {
    let (proxy, origin) = (Gateway::start(Speaks::Socks5(None)).await, mirror().await);
    let via = format!("socks5://proxy.example:{}", proxy.port());
    let url = format!("http://rebind.example:{}/", origin.port());
    let (client, mut reached) = (client(public(), &names()), 0);
    for _ in 0..8 {
        match get_via(&client, &url, &via).await {
            Ok(response) => reached += usize::from(response.status == 200),
            Err(error) => assert_eq!(error.kind(), Kind::Refused, "{error}"),
        }
    }
    assert!(proxy.asked().iter().all(|asked| asked == "127.0.0.2"), "{:?}", proxy.asked());
    assert_eq!((proxy.asked().len(), reached), (2, 2));
}

#[tokio::test]
async fn a_forbidden_proxy_is_refused_before_a_packet_is_sent() {
    let origin = mirror().await;
    let url = format!("http://site.example:{}/", origin.port());
    for (scheme, speaks) in
        [("http", Speaks::Http), ("https", https_proxy()), ("socks5", Speaks::Socks5(None))]
    {
        let proxy = Gateway::start(speaks).await;
        let client = client(public(), &names());
        for host in
            ["127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]", "localhost", "private-proxy.example"]
        {
            let via = format!("{scheme}://user:{SECRET}@{host}:{}", proxy.port());
            let error = get_via(&client, &url, &via).await.expect_err(&via);
            assert_eq!(error.kind(), Kind::Refused, "{via}: {error}");
            assert!(!error.is_transient() && !whole(&error).contains(SECRET), "{}", whole(&error));
        }
        let error = get_via(&client, &url, &format!("{scheme}://proxy.example:25")).await;
        assert_eq!(error.expect_err("a port of mail").kind(), Kind::Refused);
        assert_eq!((proxy.connections(), origin.connections()), (0, 0));
    }
}

#[tokio::test]
async fn a_forbidden_target_is_refused_whatever_proxy_is_before_it() {
    let origin = mirror().await;
    for (scheme, speaks) in
        [("http", Speaks::Http), ("https", https_proxy()), ("socks5", Speaks::Socks5(None))]
    {
        let proxy = Gateway::start(speaks).await;
        let via = format!("{scheme}://proxy.example:{}", proxy.port());
        let client = client(public(), &names());
        let mut targets = vec![
            "127.0.0.1",
            "0x7f.1",
            "[::1]",
            "[::ffff:7f00:1]",
            "localhost",
            "private.example",
            "169.254.169.254",
        ];
        if scheme != "socks5" {
            // It could take the forbidden one.
            targets.extend(["mixed.example", "mixed6.example"]);
        }
        for host in targets {
            for target in ["http", "https"] {
                let url = format!("{target}://{host}:{}/", origin.port());
                let error = get_via(&client, &url, &via).await.expect_err(&url);
                assert_eq!(error.kind(), Kind::Refused, "{url} {via}: {error}");
            }
        }
        let unknown = get_via(&client, "http://nowhere.example/", &via).await.unwrap_err();
        assert_eq!((unknown.kind(), unknown.is_transient()), (Kind::Dns, false), "{unknown}");
        assert!(get_via(&client, "http://site.example:25/", &via).await.is_err(), "a bad port");
        assert_eq!((proxy.connections(), origin.connections()), (0, 0), "{scheme}");
    }
}

#[tokio::test]
async fn a_proxy_that_the_operator_named_may_be_anywhere_but_its_targets_may_not() {
    let origin = mirror().await;
    for (scheme, speaks) in [("http", Speaks::Http), ("socks5", Speaks::Socks5(None))] {
        let proxy = Gateway::start(speaks).await;
        for host in ["private-proxy.example", "127.0.0.1"] {
            let exempt = format!("{host}:{}", proxy.port());
            let client = client(policy(&[&exempt, "127.0.0.2"]), &names());
            let via = format!("{scheme}://{exempt}");
            let url = format!("http://site.example:{}/", origin.port());
            assert_eq!(get_via(&client, &url, &via).await.expect(&via).status, 200);
            // The same by the mark on the proxy.
            let (strict, trusted) = (self::client(public(), &names()), Proxy::parse(&via).unwrap());
            let trusted = trusted.trusted();
            assert_eq!(send_via(&strict, &url, &trusted).await.expect(&via).status, 200);
            let before = proxy.connections();
            for target in ["private.example", "127.0.0.1", host] {
                let url = format!("http://{target}:{}/", origin.port());
                for refused in
                    [get_via(&client, &url, &via).await, send_via(&strict, &url, &trusted).await]
                {
                    let error = refused.expect_err(&url);
                    assert_eq!(error.kind(), Kind::Refused, "{url} {via}: {error}");
                }
            }
            assert_eq!(proxy.connections(), before);
        }
    }
}

#[tokio::test]
async fn a_proxy_that_fails_is_an_error_without_its_credentials() {
    const REFUSED: &[u8] = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
    let origin = mirror().await;
    let urls =
        [format!("http://site.example:{}/s3cret", origin.port()), "https://site.example/".into()];
    for (scheme, speaks) in [
        ("http", Speaks::Only(b"")),
        ("http", Speaks::Only(b"\0\x01garbage\r\n\r\n")),
        ("http", Speaks::Only(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9\r\n\r\nno")),
        ("https", Speaks::Only(REFUSED)),
        ("socks5", Speaks::Only(b"")),
        ("socks5", Speaks::Only(b"\x05\xff")),
        ("socks5", Speaks::Only(b"\x04garbage")),
        ("socks5", Speaks::Socks5(Some(("user", "another")))),
    ] {
        let proxy = Gateway::start(speaks).await;
        let client = client(public(), &names());
        for url in &urls {
            let via = format!("{scheme}://user:{SECRET}@proxy.example:{}", proxy.port());
            let failed = match get_via(&client, url, &via).await {
                Ok(response) => response.read_capped(100).await.map(|_| ()),
                Err(error) => Err(error),
            };
            let text = whole(&failed.expect_err(&via));
            assert!(!text.contains(SECRET) && !text.contains("dXNlcj"), "{text}");
        }
        assert!(proxy.connections() > 0);
    }
    let proxy = Gateway::start(Speaks::Only(REFUSED)).await;
    let (client, via) = (client(public(), &names()), format!("http://127.0.0.3:{}", proxy.port()));
    // Of a tunnel it is the proxy's own answer, and else it is passed on like any other.
    let error = get_via(&client, &urls[1], &via).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect, "{error}");
    assert!(error.to_string().contains(&format!("through {via}")), "{error}");
    assert_eq!(get_via(&client, &urls[0], &via).await.unwrap().status, 407);
    assert_eq!(origin.connections(), 0);
}

#[tokio::test]
async fn the_certificate_of_a_proxy_is_checked() {
    let proxy = Gateway::start(https_proxy()).await;
    let client = client(public(), &names());
    for url in ["http://site.example/", "https://site.example/"] {
        let via = format!("https://127.0.0.3:{}", proxy.port());
        let error = get_via(&client, url, &via).await.unwrap_err();
        let expected = (Kind::Tls, Some(TlsFault::WrongName));
        assert_eq!((error.kind(), error.tls_fault()), expected, "{error}");
    }
    assert!(proxy.asked().is_empty(), "nothing was said to it");
}
