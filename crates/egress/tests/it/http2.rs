//! HTTP/2, against a server that speaks it over TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use egress::{Client, ClientConfig, Kind, Proxy};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::header::TRAILER;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::answers::{Answers, PATIENCE, get, policy, resolver};
use crate::through::{Gateway, Speaks};
use crate::tls::{LEAF, ROOT, server_config};

type Asked = (Request<RecvStream>, SendResponse<Bytes>);

struct Server {
    addr: SocketAddr,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// `answer` has each stream; what it returns lives as long as the connection. After
    /// `streams` of them the connection is ended in good order, others are not begun.
    async fn start<T: Send + 'static>(
        streams: usize,
        answer: impl Fn(Asked) -> T + Send + Sync + 'static,
    ) -> Self {
        let acceptor = TlsAcceptor::from(server_config(LEAF, &["h2"]));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let connections = Arc::<AtomicUsize>::default();
        let (counter, answer) = (Arc::clone(&connections), Arc::new(answer));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
                open.spawn(async move {
                    let stream = acceptor.accept(stream).await.unwrap();
                    let mut connection = h2::server::Builder::new()
                        .max_concurrent_streams(1000)
                        .handshake(stream)
                        .await
                        .unwrap();
                    let (mut kept, mut begun) = (Vec::new(), 0);
                    while let Some(Ok(asked)) = connection.accept().await {
                        begun += 1;
                        kept.push(answer(asked));
                        if begun == streams {
                            connection.graceful_shutdown();
                        }
                    }
                });
            }
        });
        Self { addr, connections, _tasks: tasks }
    }

    fn url(&self) -> String {
        format!("https://tls.example:{}/", self.addr.port())
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

const MANY: usize = usize::MAX;

fn client() -> Client {
    let answers = Arc::new(Answers::new(&[("tls.example", &[&["127.0.0.1"]])]));
    let config = ClientConfig {
        resolver: Some(resolver(&answers)),
        extra_roots_pem: vec![ROOT.to_vec()],
        ..ClientConfig::default()
    };
    Client::new(policy(&["127.0.0.1"]), config).unwrap()
}

fn say(mut answer: SendResponse<Bytes>, body: &'static [u8]) {
    let mut stream = answer.send_response(Response::new(()), body.is_empty()).unwrap();
    if !body.is_empty() {
        stream.send_data(Bytes::from_static(body), true).unwrap();
    }
}

#[tokio::test]
async fn http2_is_agreed_on_and_its_body_is_read() {
    let server = Server::start(MANY, |(request, answer)| {
        assert_eq!(request.version(), Version::HTTP_2);
        say(answer, b"hello");
    })
    .await;
    let response = get(&client(), &server.url()).await.unwrap();
    assert_eq!((response.version, response.status.as_u16()), (Version::HTTP_2, 200));
    assert_eq!(response.remote_addr, Some(server.addr));
    assert_eq!(response.read_capped(100).await.unwrap(), (Bytes::from_static(b"hello"), false));
}

#[tokio::test]
async fn one_connection_serves_many_streams() {
    let server = Server::start(MANY, |(_, answer)| say(answer, b"hello")).await;
    let client = client();
    get(&client, &server.url()).await.unwrap().read_capped(100).await.unwrap();
    for _ in 0..3 {
        let mut all = JoinSet::new();
        for _ in 0..100 {
            let (client, url) = (client.clone(), server.url());
            all.spawn(async move { get(&client, &url).await?.read_capped(100).await });
        }
        for result in all.join_all().await {
            assert_eq!(result.unwrap().0, "hello");
        }
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_way_through_a_proxy_is_one_connection_as_well() {
    let server = Server::start(MANY, |(_, answer)| say(answer, b"hello")).await;
    for (scheme, speaks) in [("http", Speaks::Http), ("socks5", Speaks::Socks5(None))] {
        let gateway = Gateway::start(speaks).await;
        let (client, url) = (client(), server.url());
        for (n, password) in [(1, "a"), (1, "a"), (2, "b"), (2, "b"), (2, "a")] {
            // A SOCKS proxy that asks for none is not told.
            let login = if scheme == "http" { format!("user:{password}@") } else { String::new() };
            let via = format!("{scheme}://{login}127.0.0.1:{}", gateway.port());
            let via = Proxy::parse(&via).unwrap();
            let (url, headers) = (url.parse().unwrap(), HeaderMap::new());
            let sent =
                client.send_to(Method::GET, url, headers, Bytes::new(), PATIENCE, Some(&via));
            let response = sent.await.unwrap();
            assert_eq!(response.version, Version::HTTP_2);
            assert_eq!(response.read_capped(100).await.unwrap().0, "hello");
            // Other credentials have a connection of their own.
            let expected = if scheme == "http" { n } else { 1 };
            assert_eq!(gateway.connections(), expected, "{scheme} {password}");
        }
    }
}

#[tokio::test]
async fn a_server_that_takes_its_leave_fails_no_request() {
    let server = Server::start(5, |(_, answer)| say(answer, b"hello")).await;
    let client = client();
    for _ in 0..23 {
        let response = get(&client, &server.url()).await.unwrap();
        assert_eq!(response.read_capped(100).await.unwrap().0, "hello");
    }
    assert!(server.connections() >= 4, "{}", server.connections());
}

#[tokio::test]
async fn what_was_not_processed_is_asked_for_again_and_what_was_is_not() {
    let asked = Arc::<AtomicUsize>::default();
    for (reason, times) in [(Reason::REFUSED_STREAM, 2), (Reason::INTERNAL_ERROR, 1)] {
        let counter = Arc::clone(&asked);
        counter.store(0, Ordering::SeqCst);
        let server = Server::start(MANY, move |(_, mut answer)| {
            if counter.fetch_add(1, Ordering::SeqCst) == 0 {
                answer.send_reset(reason);
            } else {
                say(answer, b"hello");
            }
        })
        .await;
        let result = get(&client(), &server.url()).await;
        assert_eq!(asked.load(Ordering::SeqCst), times, "{reason}: {result:?}");
        match result {
            Ok(response) => assert_eq!((times, response.status.as_u16()), (2, 200)),
            Err(error) => assert_eq!((times, error.kind()), (1, Kind::Connect), "{error}"),
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_reset_within_its_body_is_an_error() {
    let reasons = [Reason::CANCEL, Reason::INTERNAL_ERROR, Reason::NO_ERROR];
    for (reason, announced) in reasons.into_iter().flat_map(|r| [(r, true), (r, false)]) {
        let server = Server::start(MANY, move |(_, mut answer)| {
            let mut head = Response::new(());
            if announced {
                head.headers_mut().insert("content-length", HeaderValue::from_static("100"));
            }
            let mut stream = answer.send_response(head, false).unwrap();
            stream.send_data(Bytes::from_static(b"some of it"), false).unwrap();
            // Once that is sent; a reset would overtake it.
            let mut later = JoinSet::new();
            later.spawn(async move {
                stream.reserve_capacity(1);
                let _ = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
                stream.send_reset(reason);
            });
            later
        })
        .await;
        let error = match get(&client(), &server.url()).await {
            Ok(response) => response.read_capped(1000).await.expect_err("cut short"),
            Err(error) => error,
        };
        assert!(error.is_transient());
        assert!(matches!(error.kind(), Kind::Body), "{reason} {announced}: {error}");
    }
}

#[tokio::test]
async fn a_stream_that_ends_in_good_order_is_whole_with_and_without_trailers() {
    for trailers in [false, true] {
        let server = Server::start(MANY, move |(_, mut answer)| {
            let mut stream = answer.send_response(Response::new(()), false).unwrap();
            stream.send_data(Bytes::from_static(b"hello"), !trailers).unwrap();
            if trailers {
                let trailer = HeaderMap::from_iter([(TRAILER, HeaderValue::from_static("x"))]);
                stream.send_trailers(trailer).unwrap();
            }
        })
        .await;
        let mut response = get(&client(), &server.url()).await.unwrap();
        assert_eq!(response.content_length(), None);
        assert_eq!(response.chunk().await.unwrap().unwrap(), "hello");
        for _ in 0..2 {
            assert_eq!(response.chunk().await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn a_body_of_another_length_than_announced_is_an_error() {
    for length in [4, 6] {
        let server = Server::start(MANY, move |(_, mut answer)| {
            let head = Response::builder().header("content-length", length).body(()).unwrap();
            let mut stream = answer.send_response(head, false).unwrap();
            stream.send_data(Bytes::from_static(b"hello"), true).unwrap();
        })
        .await;
        let read = match get(&client(), &server.url()).await {
            Ok(response) => response.read_capped(1000).await,
            Err(error) => Err(error),
        };
        let error = read.expect_err("a lie about the length");
        assert_eq!(error.kind(), Kind::Protocol, "{length}: {error}");
    }
}

#[tokio::test]
async fn an_answer_that_has_no_body_announces_none() {
    let server = Server::start(MANY, |(request, mut answer)| {
        let status = if request.method() == Method::HEAD { 200 } else { 304 };
        let head = Response::builder().status(status).header("content-length", 100);
        answer.send_response(head.body(()).unwrap(), true).unwrap();
    })
    .await;
    for method in [Method::HEAD, Method::GET] {
        let request = Request::builder().method(method).uri(server.url());
        let sent = client().send(request.body(Bytes::new()).unwrap(), PATIENCE).await.unwrap();
        assert_eq!(sent.content_length(), Some(0));
        assert_eq!(sent.read_capped(10).await.unwrap(), (Bytes::new(), false));
    }
}

#[tokio::test]
async fn a_head_has_the_same_limits_as_in_http1() {
    // Each counts its name, its value and 32 bytes: RFC 9113 section 6.5.2.
    for (fields, bytes, accepted) in
        [(20, 5000, true), (27, 5000, false), (1, 127_000, true), (1, 132_000, false)]
    {
        let server = Server::start(MANY, move |(_, mut answer)| {
            let mut head = Response::builder();
            for i in 0..fields {
                head = head.header(format!("x-{i}"), "a".repeat(bytes));
            }
            // The peer's limit is known; whoever keeps to it would send nothing.
            let _ = answer.send_response(head.body(()).unwrap(), true);
        })
        .await;
        match get(&client(), &server.url()).await {
            Ok(response) => assert_eq!((accepted, response.headers.len()), (true, fields)),
            Err(error) => assert_eq!((accepted, error.kind()), (false, Kind::Protocol), "{error}"),
        }
    }
}

/// Sends as long as the windows allow, and counts.
async fn flood(mut stream: SendStream<Bytes>, sent: Arc<AtomicUsize>) {
    loop {
        stream.reserve_capacity(16 * 1024);
        match std::future::poll_fn(|cx| stream.poll_capacity(cx)).await {
            Some(Ok(room)) => {
                sent.fetch_add(room, Ordering::SeqCst);
                stream.send_data(Bytes::from(vec![b'x'; room]), false).unwrap();
            }
            _ => return,
        }
    }
}

#[tokio::test]
async fn what_is_not_read_is_not_sent_beyond_the_windows() {
    const STREAM: usize = 256 * 1024;
    const CONNECTION: usize = 1024 * 1024;
    let sent: [Arc<AtomicUsize>; 8] = Default::default();
    let (counters, next) = (sent.clone(), AtomicUsize::new(0));
    let server = Server::start(MANY, move |(request, mut answer)| {
        if request.uri().path() == "/small" {
            say(answer, b"");
            return JoinSet::new();
        }
        let counter = Arc::clone(&counters[next.fetch_add(1, Ordering::SeqCst)]);
        let stream = answer.send_response(Response::new(()), false).unwrap();
        let mut flooding = JoinSet::new();
        flooding.spawn(flood(stream, counter));
        flooding
    })
    .await;
    let client = client();
    let total = || sent.iter().map(|n| n.load(Ordering::SeqCst)).sum::<usize>();
    let (client, server, total) = (&client, &server, &total);
    let until = |bytes: usize| {
        async move {
            let reached = async {
                while total() < bytes {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(PATIENCE, reached).await.expect("the window opens");
            // Time for more to come, were more allowed.
            for _ in 0..10 {
                get(client, &format!("{}small", server.url())).await.unwrap();
            }
            assert_eq!(total(), bytes);
        }
    };
    let mut held = vec![get(client, &server.url()).await.unwrap()];
    until(STREAM).await;
    for _ in 1..sent.len() {
        held.push(get(client, &server.url()).await.unwrap());
    }
    until(CONNECTION).await;
    assert!(sent.iter().all(|n| n.load(Ordering::SeqCst) <= STREAM));
    assert_eq!(server.connections(), 1);
    // Dropped, they give back what they held: the connection is not stuck.
    drop(held);
    let again = get(client, &format!("{}small", server.url())).await.unwrap();
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn many_interim_answers_are_passed_over() {
    let server = Server::start(MANY, |(_, mut answer)| {
        for _ in 0..10 {
            let hint = Response::builder().status(103).header("link", "</a>; rel=preload");
            answer.send_informational(hint.body(()).unwrap()).unwrap();
        }
        say(answer, b"hello");
    })
    .await;
    let response = get(&client(), &server.url()).await.unwrap();
    assert_eq!(response.status, 200);
    assert!(!response.headers.contains_key("link"));
    assert_eq!(response.read_capped(100).await.unwrap().0, "hello");
}
