//! The benchmark's tools, as processes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A tool that is killed when its test ends.
struct Tool(Child);

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(args: &[&str]) -> (Tool, SocketAddr) {
    let mut tool = spawn(args);
    let mut line = String::new();
    let out = tool.0.stdout.take().expect("it is piped");
    BufReader::new(out).read_line(&mut line).expect("it says where it listens");
    (tool, line.trim().parse().expect("an address"))
}

fn spawn(args: &[&str]) -> Tool {
    let child = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("internal")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    Tool(child)
}

fn exchange(addr: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a sane time");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers and closes");
    answer
}

fn stats(sink: SocketAddr) -> Value {
    let answer = exchange(sink, "GET /report HTTP/1.1\r\nConnection: close\r\n\r\n");
    let body = answer.split_once("\r\n\r\n").expect("a body").1;
    serde_json::from_str(body).expect("JSON")
}

#[test]
fn the_origin_serves_pages_of_the_size_asked_for_under_every_address() {
    let (_origin, addr) =
        start(&["origin", "--size", "15000", "--latency-ms", "0", "--hosts", "3"]);
    for host in 1..=3 {
        let addr = SocketAddr::from(([127, 0, 1, host], addr.port()));
        let answer = exchange(addr, "GET /7 HTTP/1.1\r\nConnection: close\r\n\r\n");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert_eq!(body.len(), 15_000);
    }
}

#[test]
fn the_origin_answers_at_its_gate_and_tells_what_it_saw() {
    let (_origin, addr) =
        start(&["origin", "--size=2000", "--latency-ms=1", "--hosts=3", "--silent=1", "--gate=3"]);
    let get = |host: u8, path: &str| {
        let addr = SocketAddr::from(([127, 0, 1, host], addr.port()));
        exchange(addr, &format!("GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n"))
    };
    assert!(get(1, "/robots.txt").starts_with("HTTP/1.1 404 "));
    // Two wait for a third one, which the silent address takes and does not answer.
    std::thread::scope(|scope| {
        let two = [1, 2].map(|host| scope.spawn(move || get(host, "/7")));
        let silent = SocketAddr::from(([127, 0, 1, 3], addr.port()));
        let mut third = TcpStream::connect(silent).expect("it listens");
        third.write_all(b"GET /7 HTTP/1.1\r\n\r\n").expect("it reads");
        for one in two {
            assert!(one.join().expect("no panic").starts_with("HTTP/1.1 200 "));
        }
    });
    let report = get(1, "/bench/report");
    let seen: Value =
        serde_json::from_str(report.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    assert_eq!(seen["peak"], 3, "{seen}");
    let of = |host: usize, what: &str| seen["hosts"][host][what].clone();
    assert_eq!((of(0, "robots"), of(1, "robots")), (1.into(), 0.into()));
    assert_eq!(of(0, "arrivals_us").as_array().map(Vec::len), Some(1));
    assert_eq!((of(0, "peak"), of(2, "peak")), (1.into(), 1.into()));
}

#[test]
fn the_load_generator_marks_its_jobs_and_the_sink_counts_them() {
    let (_sink, sink) = start(&["sink"]);
    let dir = tempfile::tempdir().expect("a directory");
    let accepted = dir.path().join("accepted");
    // The sink stands in for the server: each submission is a delivery to it, and its 204 is not
    // what accepts a job.
    let mut load = spawn(&[
        "load",
        &format!("--target={sink}"),
        "--jobs=50",
        "--clients=4",
        "--formats=raw",
        "--origin-port=1",
        "--hosts=2",
        &format!("--accepted={}", accepted.display()),
        "--within-s=20",
    ]);
    let mut said = String::new();
    let out = load.0.stdout.as_mut().expect("it is piped");
    out.read_to_string(&mut said).expect("it ends");
    let report: Value = serde_json::from_str(&said).expect("one line of JSON");
    assert_eq!((&report["accepted"], &report["errors"]), (&0.into(), &50.into()), "{report}");
    assert_eq!(std::fs::read(&accepted).expect("it was written"), [0; 50]);

    let stats = stats(sink);
    assert_eq!((&stats["distinct"], &stats["unknown"]), (&50.into(), &0.into()), "{stats}");
}

#[test]
fn a_tool_ends_when_whoever_started_it_is_gone() {
    let (mut sink, _) = start(&["sink"]);
    drop(sink.0.stdin.take());
    assert!(sink.0.wait().expect("it can be waited for").success());
}
