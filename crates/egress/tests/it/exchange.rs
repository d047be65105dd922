use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use egress::{Client, ClientConfig, Kind, Response};
use http::{Method, Version};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::answers::{PATIENCE, get, loopback_client, policy};
use crate::origin::{Origin, Then, ok};

async fn error_of(then: Then) -> egress::Error {
    let origin = Origin::saying(then).await;
    get(&loopback_client(), &origin.url("/secret?token=1")).await.expect_err("no such answer")
}

#[tokio::test]
async fn a_head_that_is_no_http_is_a_protocol_error() {
    let many = "X-A: 1\r\n".repeat(101);
    let big = format!("X-A: {}\r\n", "a".repeat(200_000));
    for answer in [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(),
        "\0\u{1}\u{2}garbage\r\n\r\n".to_owned(),
        "HTTP/1.1 abc OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nbad header line\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
        format!("HTTP/1.1 200 OK\r\n{big}\r\n"),
    ] {
        let error = error_of(Then::SayAndHang(answer.clone().into_bytes())).await;
        assert_eq!(error.kind(), Kind::Protocol, "{answer:.40}: {error}");
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_head_is_a_connect_error() {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-"] {
        let error = error_of(Then::SayAndClose(answer.into())).await;
        assert_eq!(error.kind(), Kind::Connect, "{error}");
        assert!(error.is_transient());
    }
}

/// An origin that ends each connection at its second request, and how many requests it saw.
async fn fickle() -> (Origin, Arc<AtomicUsize>) {
    let seen = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&seen);
    let answer = move |_: &str| match counter.fetch_add(1, Ordering::SeqCst) {
        0 | 2 => Then::Say(ok(b"hello")),
        _ => Then::SayAndClose(Vec::new()),
    };
    (Origin::start(answer).await, seen)
}

/// RFC 9112, section 9.3.1.
#[tokio::test]
async fn what_is_lost_on_a_used_connection_is_sent_again_if_that_does_no_harm() {
    for (method, is_sent_again) in
        [(Method::GET, true), (Method::HEAD, true), (Method::POST, false)]
    {
        let (origin, seen) = fickle().await;
        let client = loopback_client();
        get(&client, &origin.url("/")).await.unwrap().discard(100).await;
        let request = http::Request::builder().method(method).uri(origin.url("/"));
        let sent = client.send(request.body(Bytes::new()).unwrap(), PATIENCE).await;
        assert_eq!(sent.is_ok(), is_sent_again, "{sent:?}");
        let (requests, connections) = if is_sent_again { (3, 2) } else { (2, 1) };
        assert_eq!(seen.load(Ordering::SeqCst), requests);
        assert_eq!(origin.connections(), connections);
    }
}

#[tokio::test]
async fn what_is_lost_on_a_new_connection_is_not_sent_again() {
    let origin = Origin::saying(Then::SayAndClose(Vec::new())).await;
    let error = get(&loopback_client(), &origin.url("/")).await.unwrap_err();
    assert_eq!((error.kind(), origin.connections()), (Kind::Connect, 1));
}

#[tokio::test]
async fn nobody_listening_is_a_connect_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let error = get(&loopback_client(), &format!("http://{addr}/")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect, "{error}");
    assert_eq!(error.to_string(), "request to 127.0.0.1 failed: connection refused");
}

#[tokio::test]
async fn a_slow_head_times_out_in_time() {
    let origin = Origin::saying(Then::SayAndHang(b"HTTP/1.1 200".to_vec())).await;
    let began = tokio::time::Instant::now();
    let request = http::Request::get(origin.url("/")).body(Bytes::new()).unwrap();
    let error = loopback_client().send(request, Duration::from_millis(150)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout, "{error}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_error_shows_neither_path_nor_query() {
    use std::error::Error as _;
    let error = error_of(Then::SayAndClose(b"garbage\r\n\r\n".to_vec())).await;
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(" | {cause} {cause:?}");
        source = cause.source();
    }
    assert!(!text.contains("secret") && !text.contains("token"), "{text}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let answer =
        "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n";
    let origin = Origin::saying(Then::Say(answer.into())).await;
    let response = get(&loopback_client(), &origin.url("/")).await.unwrap();
    assert_eq!(response.status, 302);
    assert_eq!(response.headers["location"], "http://169.254.169.254/");
    assert_eq!(response.version, Version::HTTP_11);
    assert_eq!(response.remote_addr, Some(origin.addr));
    assert_eq!(origin.connections(), 1);
}

/// What the server was sent, in lower case.
async fn sent(client: &Client, authority: &str, request: http::request::Builder) -> String {
    let seen = Arc::new(Mutex::new(String::new()));
    let copy = Arc::clone(&seen);
    let origin = Origin::start(move |request| {
        request.clone_into(&mut copy.lock().unwrap());
        Then::SayAndClose(ok(b""))
    })
    .await;
    let url = format!("http://{authority}:{}/x?y=z#f", origin.port());
    let request = request.uri(url).body(Bytes::new()).unwrap();
    client.send(request, PATIENCE).await.unwrap();
    let seen = seen.lock().unwrap();
    seen.to_ascii_lowercase()
}

#[tokio::test]
async fn what_is_sent_is_what_was_given() {
    let config = ClientConfig { user_agent: "Robot/1".into(), ..ClientConfig::default() };
    let client = Client::new(policy(&["127.0.0.0/8"]), config).unwrap();
    let builder = http::Request::builder;

    let plain = sent(&client, "127.0.0.1", builder()).await;
    assert!(plain.starts_with("get /x?y=z http/1.1\r\n"), "{plain}");
    assert!(plain.contains("user-agent: robot/1\r\n"), "{plain}");
    assert!(!plain.contains("accept-encoding") && !plain.contains("content-length"), "{plain}");

    let agent = builder().method(Method::POST).header("user-agent", "mine").header("x-a", "1");
    let agent = sent(&client, "127.0.0.1", agent).await;
    assert!(agent.starts_with("post /x?y=z http/1.1\r\n"), "{agent}");
    assert!(agent.contains("user-agent: mine\r\n") && agent.contains("x-a: 1\r\n"), "{agent}");
    assert!(agent.contains("content-length: 0\r\n") && !agent.contains("robot"), "{agent}");

    let credentials = sent(&client, "user:p%40ss@127.0.0.1", builder()).await;
    assert!(credentials.contains("authorization: basic dxnlcjpwqhnz\r\n"), "{credentials}");
    assert!(credentials.contains("host: 127.0.0.1:"), "{credentials}");
}

#[tokio::test]
async fn connections_are_used_again() {
    let origin = Origin::saying(Then::Say(ok(b"hello"))).await;
    let config = ClientConfig { pool_max_idle_per_host: 64, ..ClientConfig::default() };
    let client = Client::new(policy(&["127.0.0.1"]), config).unwrap();
    for _ in 0..5 {
        let mut all = JoinSet::new();
        for _ in 0..64 {
            let (client, url) = (client.clone(), origin.url("/"));
            all.spawn(async move { get(&client, &url).await?.read_capped(100).await });
        }
        for result in all.join_all().await {
            assert_eq!(result.unwrap().0, "hello");
        }
    }
    assert!(origin.connections() <= 96, "{} connections for 320 requests", origin.connections());
}

#[tokio::test]
async fn a_bad_request_or_configuration_is_the_callers() {
    let relative = http::Request::get("/only/a/path").body(Bytes::new()).unwrap();
    let error = loopback_client().send(relative, PATIENCE).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid, "{error}");

    for config in [
        ClientConfig { user_agent: "a\nb".into(), ..ClientConfig::default() },
        ClientConfig { extra_roots_pem: vec![b"no pem".to_vec()], ..ClientConfig::default() },
        ClientConfig {
            extra_roots_pem: vec![
                b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".to_vec(),
            ],
            ..ClientConfig::default()
        },
    ] {
        let error = Client::new(policy(&[]), config).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid, "{error}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn lenient_headers_are_a_choice() {
    let answer = "HTTP/1.1 200 OK\r\nno header\r\nA : 1\r\nB: 2\r\n 3\r\nContent-Length: 0\r\n\r\n";
    let origin = Origin::saying(Then::SayAndClose(answer.into())).await;
    let error = get(&loopback_client(), &origin.url("/")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol, "{error}");
    let config = ClientConfig { lenient_headers: true, ..ClientConfig::default() };
    let client = Client::new(policy(&["127.0.0.1"]), config).unwrap();
    let response = get(&client, &origin.url("/")).await.unwrap();
    assert_eq!(response.headers["a"], "1");
}

/// In a process of its own, for the environment is the process's.
#[test]
fn a_proxy_in_the_environment_is_not_used() {
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "exchange::a_redirect_is_an_answer_and_is_not_followed"]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    {
        again.env(name, "http://127.0.0.1:1");
    }
    let output = again.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn what_is_handed_around_can_be() {
    fn assert_send<T: Send + Sync + 'static>() {}
    fn assert_send_only<T: Send + 'static>() {}
    assert_send::<Client>();
    assert_send::<egress::Error>();
    assert_send::<egress::Budget>();
    assert_send::<egress::Resolver>();
    assert_send_only::<Response>();
    assert_send_only::<egress::Reservation>();
}
