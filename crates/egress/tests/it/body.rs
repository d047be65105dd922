use bytes::Bytes;
use egress::Kind;

use crate::answers::{get, loopback_client};
use crate::origin::{Origin, Then, ok};

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

fn say(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

async fn read(then: Then, max: u64) -> Result<(Bytes, bool), egress::Error> {
    let origin = Origin::saying(then).await;
    get(&loopback_client(), &origin.url("/")).await?.read_capped(max).await
}

#[tokio::test]
async fn a_body_is_read_up_to_the_cap() {
    let body: Vec<u8> = (0..200_000_u32).map(|i| i as u8).collect();
    for (max, truncated) in
        [(0, true), (1, true), (199_999, true), (200_000, false), (1 << 40, false)]
    {
        let (read, cut) = read(Then::Say(ok(&body)), max).await.unwrap();
        assert_eq!(cut, truncated, "{max}");
        assert_eq!(read, body[..body.len().min(max as usize)], "{max}");
    }
    assert_eq!(read(Then::Say(ok(b"")), 0).await.unwrap(), (Bytes::new(), false));
}

#[tokio::test]
async fn a_chunked_body_is_put_together() {
    let answer =
        say(&[CHUNKED, b"5\r\nhello\r\n", b"7;x=y\r\n, world\r\n", b"0\r\nTrailer: x\r\n\r\n"]);
    for (max, expected) in
        [(100, "hello, world"), (12, "hello, world"), (11, "hello, worl"), (3, "hel")]
    {
        let (body, truncated) = read(Then::Say(answer.clone()), max).await.unwrap();
        assert_eq!((&body[..], truncated), (expected.as_bytes(), expected.len() < 12), "{max}");
    }
}

#[tokio::test]
async fn a_body_that_ends_with_the_connection_is_whole() {
    let answer = say(&[b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"all of it"]);
    let (body, truncated) = read(Then::SayAndClose(answer), 100).await.unwrap();
    assert_eq!((&body[..], truncated), (&b"all of it"[..], false));
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_an_error_however_it_is_framed() {
    for answer in [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123456789".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n".to_vec(),
        say(&[CHUNKED, b"5\r\nhello\r\n"]),
        say(&[CHUNKED, b"5\r\nhel"]),
        say(&[CHUNKED, b"5\r\nhello\r\n0\r\n"]),
    ] {
        let text = String::from_utf8_lossy(&answer).into_owned();
        let error = read(Then::SayAndClose(answer), 100).await.expect_err(&text);
        assert_eq!(error.kind(), Kind::Body, "{text}: {error}");
        assert!(error.is_transient());
    }
}

#[tokio::test]
async fn wrong_chunking_is_a_protocol_error() {
    for chunk in [&b"zz\r\nhello\r\n"[..], b"5\r\nhelloX", b"fffffffffffffffff\r\n"] {
        let error = read(Then::SayAndClose(say(&[CHUNKED, chunk])), 100).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol, "{chunk:?}: {error}");
    }
}

#[tokio::test]
async fn a_body_that_stalls_times_out() {
    let partial = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345".to_vec();
    let error = read(Then::SayAndHang(partial), 100).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout, "{error}");
    assert!(error.to_string().contains("300 ms"), "{error}");
}

#[tokio::test]
async fn the_length_is_what_was_announced() {
    let client = loopback_client();
    let origin = Origin::start(|request| {
        Then::Say(match request.split(' ').nth(1) {
            Some("/chunked") => say(&[CHUNKED, b"0\r\n\r\n"]),
            Some("/none") => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            _ => ok(b"12345"),
        })
    })
    .await;
    for (path, length) in [("/", Some(5)), ("/chunked", None), ("/none", Some(0))] {
        let response = get(&client, &origin.url(path)).await.unwrap();
        assert_eq!(response.content_length(), length, "{path}");
        response.read_capped(10).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_is_decompressed() {
    let answer = say(&[
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n",
        b"\x1f\x8b\x08\x00",
    ]);
    let origin = Origin::saying(Then::Say(answer)).await;
    let response = get(&loopback_client(), &origin.url("/")).await.unwrap();
    assert_eq!(response.headers["content-encoding"], "gzip");
    assert_eq!(response.read_capped(10).await.unwrap().0, &b"\x1f\x8b\x08\x00"[..]);
}

#[tokio::test]
async fn a_discarded_body_leaves_the_connection_usable() {
    let origin = Origin::saying(Then::Say(ok(&[b'x'; 20_000]))).await;
    let client = loopback_client();
    for _ in 0..20 {
        let response = get(&client, &origin.url("/")).await.unwrap();
        response.discard(64 * 1024).await;
    }
    // Not one: a connection may be a moment late in going back.
    assert!(origin.connections() < 10, "{}", origin.connections());
}
