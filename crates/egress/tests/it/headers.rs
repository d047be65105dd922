//! What a head may cost: fields, bytes, interim answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use egress::{Client, ClientConfig, Error, Kind, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::answers::{PATIENCE, get, loopback_client, policy};
use crate::origin::{Origin, Then};

/// An origin that says `first` once and then `again` until nobody takes it any more.
struct Flood {
    port: u16,
    taken: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Flood {
    async fn start(first: &'static str, again: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::<AtomicUsize>::default();
        let counter = Arc::clone(&taken);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let again = again.repeat(16 * 1024 / again.len());
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                let mut written = stream.write_all(first.as_bytes()).await;
                while written.is_ok() {
                    counter.fetch_add(again.len(), Ordering::SeqCst);
                    written = stream.write_all(again.as_bytes()).await;
                }
            }
        });
        Self { port, taken, _tasks: tasks }
    }

    async fn get(&self, client: &Client, timeout: Duration) -> Result<Response, Error> {
        let url = format!("http://127.0.0.1:{}/", self.port);
        client.send(http::Request::get(url).body(Bytes::new()).unwrap(), timeout).await
    }
}

/// hyper's read buffer at most (8 KiB and a hundred pages), and what the sockets of both sides may
/// hold beside it (`tcp_rmem` and `tcp_wmem`, 6 and 4 MiB at most as systems come).
const BUFFER_AND_SOCKETS: usize = (8 + 100 * 4) * 1024 + 11 * 1024 * 1024;

#[tokio::test]
async fn a_head_without_end_is_given_up_within_a_bounded_buffer() {
    for (first, again) in [
        // One header line, many of them that are small, a reason, a version, a name.
        ("HTTP/1.1 200 OK\r\nx: ", "aaaaaaaa"),
        ("HTTP/1.1 200 OK\r\n", "x: a\r\n"),
        ("HTTP/1.1 200 ", "O"),
        ("HTTP/1.1 200 OK\r\n", "name"),
        ("HTTP/1.1 200 OK\r\n", "x: a\r\n b\r\n"),
        ("", "\r\n"),
        ("", "HTTP/1.1 "),
    ] {
        let flood = Flood::start(first, again).await;
        let error = flood.get(&loopback_client(), PATIENCE).await.expect_err(again);
        assert_eq!(error.kind(), Kind::Protocol, "{first}{again}: {error}");
        let taken = flood.taken.load(Ordering::SeqCst);
        assert!(taken < BUFFER_AND_SOCKETS, "{first}{again}: {taken} bytes");
    }
}

async fn answer_with(head: String, config: ClientConfig) -> Result<Response, Error> {
    let answer = format!("HTTP/1.1 200 OK\r\n{head}Content-Length: 0\r\n\r\n");
    let origin = Origin::saying(Then::SayAndClose(answer.into_bytes())).await;
    let client = Client::new(policy(&["127.0.0.1"]), config).unwrap();
    get(&client, &origin.url("/")).await
}

#[tokio::test]
async fn fields_and_bytes_of_a_head_are_capped() {
    let fields = |n: usize| (0..n).map(|i| format!("x-{i}: {i}\r\n")).collect::<String>();
    let config = ClientConfig::default;
    // `Content-Length` is one more.
    for (n, accepted) in [(0, true), (99, true), (100, false), (5000, false)] {
        let answer = answer_with(fields(n), config()).await;
        assert_eq!(answer.is_ok(), accepted, "{n}: {answer:?}");
        if let Err(error) = answer {
            assert_eq!(error.kind(), Kind::Protocol, "{n}: {error}");
        }
    }
    for (n, accepted) in [(9, true), (10, false)] {
        let few = ClientConfig { http1_max_headers: 10, ..config() };
        assert_eq!(answer_with(fields(n), few).await.is_ok(), accepted, "{n}");
    }
    let most = config().max_header_bytes;
    let own = "content-length0".len();
    for (bytes, accepted) in [(most - own - 1, true), (most - own, false), (300_000, false)] {
        let answer = answer_with(format!("x: {}\r\n", "a".repeat(bytes)), config()).await;
        assert_eq!(answer.is_ok(), accepted, "{bytes}: {answer:?}");
        if let Err(error) = answer {
            assert_eq!(error.kind(), Kind::Protocol, "{bytes}: {error}");
        }
    }
}

#[tokio::test]
async fn interim_answers_are_passed_over() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let answer = interim.repeat(16) + "HTTP/1.1 204 No Content\r\n\r\n";
    let origin = Origin::saying(Then::SayAndClose(answer.clone().into_bytes())).await;
    let response = get(&loopback_client(), &origin.url("/")).await.unwrap();
    assert_eq!(response.status, 204);
    assert!(response.headers.is_empty(), "{:?}", response.headers);
    let one_more = "HTTP/1.1 100 Continue\r\n\r\n".to_owned() + &answer;
    let origin = Origin::saying(Then::SayAndHang(one_more.into_bytes())).await;
    let error = get(&loopback_client(), &origin.url("/")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol, "{error}");
}

#[tokio::test]
async fn interim_answers_without_end_are_no_answer_and_hold_up_nobody() {
    for again in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"]
    {
        let flood = Flood::start("", again).await;
        let client = loopback_client();
        let origin = Origin::saying(Then::SayAndClose(crate::origin::ok(b"hello"))).await;
        let endless = flood.get(&client, PATIENCE);
        let meanwhile = async {
            while flood.taken.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            get(&client, &origin.url("/")).await.map(|response| response.status)
        };
        let (endless, meanwhile) = tokio::join!(endless, meanwhile);
        assert_eq!(endless.unwrap_err().kind(), Kind::Protocol);
        assert_eq!(meanwhile.unwrap(), 200);
    }
}

#[tokio::test]
async fn a_switch_of_protocols_that_nobody_asked_for_is_no_page() {
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";
    let origin = Origin::saying(Then::SayAndClose(answer.into())).await;
    if let Ok(response) = get(&loopback_client(), &origin.url("/")).await {
        assert_eq!(response.status, 101);
        assert_eq!(response.read_capped(10).await.unwrap(), (Bytes::new(), false));
    }
}
