//! Batches over sockets: verdicts that come while lines are sent, and peers that go away.

use std::time::Duration;

use ingest::{Config, ServeConfig};
use jobs::{Filter, JobId, Store as _};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::served::{PATIENCE, Server, read_all, read_until};

const HEAD: &str = "POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n\
                    Transfer-Encoding: chunked\r\n";

/// Begins a batch.
async fn begin(server: &Server, more: &str) -> TcpStream {
    let mut stream = server.connect().await;
    stream.write_all(format!("{HEAD}{more}\r\n").as_bytes()).await.unwrap();
    stream
}

async fn send(stream: &mut TcpStream, text: &str) {
    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
    stream.write_all(chunk.as_bytes()).await.unwrap();
}

fn job(n: usize) -> String {
    format!("{{\"url\":\"https://example.com/{n}\"}}\n")
}

/// The id in the first line of an answer.
fn id(answer: &str) -> JobId {
    let from = answer.find("{\"batch\":{\"id\":\"").unwrap() + 16;
    answer[from..from + 36].parse().unwrap()
}

async fn shown(server: &Server, id: JobId) -> Value {
    server.world.get(&format!("/v1/batches/{id}")).await.json()
}

async fn until_interrupted(server: &Server, id: JobId) -> Value {
    for _ in 0..2_000 {
        let shown = shown(server, id).await;
        if shown["interrupted"] == true {
            return shown;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("batch {id} never ended: {}", shown(server, id).await)
}

#[tokio::test]
async fn verdicts_come_while_lines_are_sent() {
    // Whoever sends a batch may take longer than a header section may.
    let serve = ServeConfig {
        header_read_timeout: Duration::from_millis(200),
        idle_timeout: Duration::from_millis(300),
        ..ServeConfig::default()
    };
    let server = Server::start(Config::default(), serve).await;
    let mut stream = begin(&server, "").await;
    for n in 1..=4 {
        send(&mut stream, &job(n)).await;
        let verdict = format!("{{\"line\":{n},\"id\":");
        let answer = read_until(&mut stream, |text| text.contains(&verdict)).await;
        assert!(answer.contains(&verdict), "{answer}");
        assert_eq!(server.world.store.counts().live(), n as u64);
        sleep(Duration::from_millis(350)).await;
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let answer = read_until(&mut stream, |text| text.ends_with("0\r\n\r\n")).await;
    assert!(
        answer.contains("\"accepted\":4,\"replayed\":0,\"refused\":0,\"closed\":true}"),
        "{answer}"
    );
    // Nothing follows a body in chunks.
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    server.stop().await;
}

#[tokio::test]
async fn what_was_accepted_stays_when_the_client_goes_away() {
    let server = Server::plain().await;
    let mut stream = begin(&server, "").await;
    send(&mut stream, &(job(1) + &job(2) + "{\"url\":\"https://exam")).await;
    let answer = read_until(&mut stream, |text| text.contains("\"line\":2,")).await;
    drop(stream);
    let shown = until_interrupted(&server, id(&answer)).await;
    assert_eq!((&shown["jobs"], &shown["status"]), (&2.into(), &"running".into()));
    assert_eq!(server.world.store.counts().live(), 2);
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_goes_silent_is_told_so() {
    let config = Config { body_timeout: Duration::from_millis(200), ..Config::default() };
    let server = Server::start(config, ServeConfig::default()).await;
    let mut stream = begin(&server, "").await;
    send(&mut stream, &job(1)).await;
    let answer = read_all(&mut stream).await;
    assert!(
        answer.contains("\"interrupted\":true,\"detail\":\"nothing more came within"),
        "{answer}"
    );
    let shown = shown(&server, id(&answer)).await;
    assert_eq!((&shown["jobs"], &shown["interrupted"]), (&1.into(), &true.into()));
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_says_how_far_it_came() {
    let server = Server::plain().await;
    let mut stream = begin(&server, "").await;
    send(&mut stream, &job(1)).await;
    read_until(&mut stream, |text| text.contains("\"line\":1,")).await;
    server.stop.cancel();
    let answer = read_all(&mut stream).await;
    assert!(answer.contains("\"accepted\":1"), "{answer}");
    assert!(answer.contains("\"interrupted\":true,\"detail\":\"the server stops\""), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn calling_off_a_batch_ends_its_upload() {
    let server = Server::plain().await;
    let mut stream = begin(&server, "").await;
    send(&mut stream, &job(1)).await;
    let answer = read_until(&mut stream, |text| text.contains("\"line\":1,")).await;
    let path = format!("/v1/batches/{}", id(&answer));
    let called_off = server.world.call("DELETE", &path).await;
    assert_eq!(called_off.status, 200);
    assert_eq!(
        (&called_off.json()["cancelled"], &called_off.json()["open"]),
        (&1.into(), &0.into())
    );
    let answer = read_all(&mut stream).await;
    assert!(answer.contains("\"detail\":\"the batch was called off\""), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_batch_is_received_by_one_at_a_time() {
    let server = Server::plain().await;
    let key = "Idempotency-Key: nightly\r\n";
    let mut first = begin(&server, key).await;
    send(&mut first, &job(1)).await;
    let answer = read_until(&mut first, |text| text.contains("\"line\":1,")).await;
    let mut second = begin(&server, key).await;
    send(&mut second, &job(1)).await;
    second.write_all(b"0\r\n\r\n").await.unwrap();
    let refused = read_until(&mut second, |text| text.ends_with('}')).await;
    assert!(refused.starts_with("HTTP/1.1 409 Conflict\r\n"), "{refused}");
    drop(first);
    until_interrupted(&server, id(&answer)).await;
    let mut third = begin(&server, key).await;
    send(&mut third, &(job(1) + &job(2))).await;
    third.write_all(b"0\r\n\r\n").await.unwrap();
    let resumed = read_until(&mut third, |text| text.ends_with("0\r\n\r\n")).await;
    assert!(resumed.contains("\"accepted\":2,\"replayed\":1,"), "{resumed}");
    assert_eq!(id(&resumed), id(&answer));
    server.stop().await;
}

#[tokio::test]
async fn only_so_many_are_received_at_once() {
    let server = Server::plain().await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        let mut stream = begin(&server, "").await;
        send(&mut stream, &job(1)).await;
        read_until(&mut stream, |text| text.contains("\"line\":1,")).await;
        streams.push(stream);
    }
    let mut stream = begin(&server, "").await;
    send(&mut stream, &job(1)).await;
    let answer = read_until(&mut stream, |text| text.ends_with('}')).await;
    assert!(answer.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nretry-after: 5\r\n"), "{answer}");
    drop(streams);
    server.stop().await;
}

/// Nobody takes the verdicts, so after a while no more lines are taken in either.
#[tokio::test]
async fn a_client_that_takes_no_verdicts_is_read_no_further_and_given_up() {
    const LINES: usize = 400_000;
    let serve = ServeConfig { idle_timeout: Duration::from_millis(500), ..ServeConfig::default() };
    let server = Server::start(Config::default(), serve).await;
    let mut stream = begin(&server, "").await;
    let piece = format!("{{}}{}\n", " ".repeat(97)).repeat(1_000);
    let sending = async {
        for _ in 0..LINES / 1_000 {
            let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
            if stream.write_all(chunk.as_bytes()).await.is_err() {
                return true;
            }
        }
        false
    };
    // 40 MB of lines fit nowhere, nor do 80 MB of verdicts.
    let is_broken_off = timeout(PATIENCE, sending).await.expect("it ends");
    assert!(is_broken_off, "all lines were taken in, though nobody took what was said of them");
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn whoever_waits_to_be_told_to_go_on_is_told() {
    let server = Server::plain().await;
    let mut stream = begin(&server, "Expect: 100-continue\r\n").await;
    let answer = read_until(&mut stream, |text| text.contains("\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n"), "{answer}");
    send(&mut stream, &job(1)).await;
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let answer = read_until(&mut stream, |text| text.ends_with("0\r\n\r\n")).await;
    assert!(answer.contains("\"accepted\":1"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_long_batch_goes_through_as_a_whole() {
    const LINES: usize = 20_000;
    let server = Server::plain().await;
    let mut stream = begin(&server, "").await;
    let (mut reading, mut writing) = stream.split();
    let sending = async {
        // Pieces that end anywhere.
        let text: String = (1..=LINES).map(job).collect();
        for piece in text.as_bytes().chunks(7_919) {
            let head = format!("{:x}\r\n", piece.len());
            let chunk = [head.as_bytes(), piece, b"\r\n"].concat();
            writing.write_all(&chunk).await.unwrap();
        }
        writing.write_all(b"0\r\n\r\n").await.unwrap();
    };
    let taking = async {
        let (mut answer, mut buf) = (Vec::new(), vec![0; 64 << 10]);
        while !answer.ends_with(b"0\r\n\r\n") {
            let n = reading.read(&mut buf).await.unwrap();
            assert!(n > 0, "it ends too early");
            answer.extend_from_slice(&buf[..n]);
        }
        String::from_utf8(answer).unwrap()
    };
    let both = async { tokio::join!(sending, taking) };
    let ((), answer) = timeout(PATIENCE, both).await.expect("it ends");
    assert!(answer.contains(&format!("\"accepted\":{LINES},\"replayed\":0,\"refused\":0")));
    let shown = shown(&server, id(&answer)).await;
    assert_eq!(shown["jobs"], LINES);
    let of_batch = Filter { group: Some(id(&answer)), ..Filter::default() };
    let jobs = server.world.store.list(of_batch, None, 2 * LINES).await.unwrap();
    assert_eq!(jobs.len(), LINES);
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn an_early_refusal_of_a_large_body_says_that_the_connection_ends() {
    let server = Server::start(
        Config { api_keys: vec!["key".to_owned()], ..Config::default() },
        ServeConfig::default(),
    )
    .await;
    let key = "Authorization: Bearer key\r\n";
    let json = "Content-Type: application/json\r\n";
    for (status, head) in [
        ("401", format!("{json}Content-Length: 1000000\r\n")),
        ("401", format!("{json}Transfer-Encoding: chunked\r\n")),
        ("415", format!("{key}Content-Length: 1000000\r\n")),
        ("413", format!("{key}{json}Content-Length: 100000000\r\n")),
        ("400", format!("{key}{json}Idempotency-Key:\r\nContent-Length: 1000000\r\n")),
    ] {
        let mut stream = server.connect().await;
        let head = format!("POST /v1/jobs HTTP/1.1\r\nHost: x\r\n{head}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = read_all(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    }
    // A small one is no reason to.
    let mut stream = server.connect().await;
    for _ in 0..2 {
        let request =
            format!("POST /v1/jobs HTTP/1.1\r\nHost: x\r\n{json}Content-Length: 2\r\n\r\n{{}}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_until(&mut stream, |text| text.ends_with('}')).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
    drop(stream);
    server.stop().await;
}
