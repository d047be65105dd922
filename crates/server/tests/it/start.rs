//! Starting and stopping: what can be in the way, and what is left behind.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::thread::sleep;
use std::time::Duration;

use tokio::time::Instant;

use crate::daemon::{Daemon, ask, pagewire, run, stderr};

/// How long anything may take; a test ends long before, or fails.
const PATIENCE: Duration = Duration::from_secs(30);

fn get(at: SocketAddr, path: &str) -> String {
    ask(at, "GET", path, "")
}

/// Asks until the answer has this in it.
fn until(at: SocketAddr, path: &str, wanted: &str) -> String {
    let begun = Instant::now();
    loop {
        let answer = get(at, path);
        if answer.contains(wanted) {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "no {wanted} in {answer}");
        sleep(Duration::from_millis(10));
    }
}

/// An origin that has taken a request and not answered, and the job that waits for it.
struct Hanging {
    origin: TcpListener,
    _connection: TcpStream,
    job: String,
}

impl Hanging {
    fn on(server: &Daemon) -> Self {
        let origin = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", origin.local_addr().unwrap());
        let answer = ask(server.at, "POST", "/v1/jobs", &format!("{{\"url\":\"{url}\"}}"));
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        let job: serde_json::Value = serde_json::from_str(body).unwrap();
        let job = job["id"].as_str().unwrap().to_owned();
        let (connection, _) = origin.accept().unwrap();
        Self { origin, _connection: connection, job }
    }

    /// Answers the next request.
    fn relent(&self) {
        let (mut connection, _) = self.origin.accept().unwrap();
        assert!(connection.read(&mut [0; 4096]).unwrap() > 0);
        write!(connection, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").unwrap();
    }
}

#[test]
fn an_idle_server_stops_at_once_and_sums_up() {
    let dir = tempfile::tempdir().unwrap();
    let server = Daemon::start(dir.path(), &[]);
    assert!(get(server.at, "/readyz").starts_with("HTTP/1.1 200"));
    let (code, last) = server.terminate();
    assert_eq!(code, Some(0), "{last}");
    assert!(last.contains("stopped") && last.contains("\"waiting\":0"), "{last}");
}

#[test]
fn metrics_tell_the_depth_of_the_queue() {
    let dir = tempfile::tempdir().unwrap();
    let server = Daemon::start(dir.path(), &[]);
    let page = get(server.at, "/metrics");
    for line in ["pagewire_jobs{stage=\"scrape\",state=\"waiting\"} 0", "pagewire_store_up 1"] {
        assert!(page.contains(line), "{line} is missing in {page}");
    }
}

#[test]
fn a_secret_is_made_once_and_kept_private() {
    let dir = tempfile::tempdir().unwrap();
    drop(Daemon::start(dir.path(), &[]));
    let path = dir.path().join("secret");
    let first = fs::read_to_string(&path).unwrap();
    assert!(first.starts_with("whsec_"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    drop(Daemon::start(dir.path(), &[]));
    assert_eq!(fs::read_to_string(&path).unwrap(), first);
}

#[test]
fn a_data_directory_in_use_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let server = Daemon::start(dir.path(), &[]);
    let second = run(&["--listen", "127.0.0.1:0", "--data-dir", path]);
    assert_eq!(second.status.code(), Some(74));
    let text = stderr(&second);
    assert!(text.contains(path) && text.contains("another pagewire"), "{text}");
    assert!(get(server.at, "/healthz").starts_with("HTTP/1.1 200"), "the first one is not harmed");
}

#[test]
fn a_data_directory_that_cannot_be_one_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    for path in [file.clone(), file.join("below")] {
        let path = path.to_str().unwrap();
        let output = run(&["--listen", "127.0.0.1:0", "--data-dir", path]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(74), "{text}");
        assert!(text.contains(path) && text.contains("--data-dir"), "{text}");
    }
}

#[test]
fn a_port_that_is_taken_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let path = dir.path().to_str().unwrap();
    let output = run(&["--listen", &at, "--data-dir", path]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&at) && text.contains("--listen"), "{text}");
}

#[test]
fn work_that_outlasts_the_grace_is_put_back_uncharged() {
    let dir = tempfile::tempdir().unwrap();
    let flags = ["--grace", "1s", "--fetch-allow", "127.0.0.0/8", "--robots", "ignore"];
    let server = Daemon::start(dir.path(), &flags);
    let origin = Hanging::on(&server);
    let (code, last) = server.terminate();
    assert_eq!(code, Some(0), "{last}");
    assert!(last.contains("\"put_back\":1") && last.contains("\"waiting\":1"), "{last}");

    let server = Daemon::start(dir.path(), &flags);
    origin.relent();
    let path = format!("/v1/jobs/{}/result", origin.job);
    let result = until(server.at, &path, "job.succeeded");
    assert!(result.contains("\"attempt\":1,"), "{result}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Daemon::start(dir.path(), &["--fetch-allow", "127.0.0.0/8"]);
    let _origin = Hanging::on(&server);
    server.signal();
    server.wait_for("stopping");
    server.signal();
    let (code, last) = server.ended();
    assert_eq!(code, Some(143), "{last}");
}

#[test]
fn a_request_without_the_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = Daemon::start(dir.path(), &["--api-key", "0123456789abcdef"]);
    let answer = ask(server.at, "POST", "/", r#"{"url":"https://example.com"}"#);
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[test]
fn a_key_that_was_made_closes_the_server_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let server = Daemon::start(dir.path(), &[]);
    let made = ask(server.at, "POST", "/v1/keys", r#"{"scopes":["admin"]}"#);
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    assert!(get(server.at, "/v1/jobs").starts_with("HTTP/1.1 401"));
    assert_eq!(server.terminate().0, Some(0));
    let server = Daemon::start(dir.path(), &[]);
    assert!(get(server.at, "/v1/jobs").starts_with("HTTP/1.1 401"));
}

#[test]
fn a_store_without_keys_does_not_open_a_server_to_other_machines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    Daemon::start(dir.path(), &[]).terminate();
    let output = run(&["--listen", "0.0.0.0:0", "--data-dir", path]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("--api-key") && text.contains("pagewire keys create"), "{text}");
}

#[test]
fn a_certificate_is_read_again_on_a_hangup_and_a_broken_one_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    fs::write(&cert, include_bytes!("../../../ingest/tests/it/tls/first.pem")).unwrap();
    fs::write(&key, include_bytes!("../../../ingest/tests/it/tls/first.key")).unwrap();
    let flags = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let mut server = Daemon::start(&dir.path().join("data"), &flags);
    assert!(get(server.at, "/healthz").contains("use https"), "it speaks TLS and nothing else");
    server.hang_up();
    server.wait_for("certificate read again");
    fs::write(&cert, "rubbish").unwrap();
    server.hang_up();
    let told = server.wait_for("the certificate stays as it was");
    assert!(told["reason"].as_str().unwrap().contains("--tls-cert"), "{told}");
    assert!(get(server.at, "/healthz").contains("use https"));
}

#[test]
fn a_page_that_gives_itself_out_for_this_machine_reads_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Daemon::start(dir.path(), &["--public-url", "https://pages.example"]);
    for (host, status) in [("evil.example", "421"), ("pages.example", "200")] {
        let mut stream = TcpStream::connect(server.at).unwrap();
        write!(stream, "GET /v1/jobs HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}

#[test]
fn a_finished_job_goes_after_its_retention() {
    let dir = tempfile::tempdir().unwrap();
    let flags = ["--retain", "1s", "--fetch-schedule", "0", "--fetch-allow", "127.0.0.0/8"];
    let server = Daemon::start(dir.path(), &flags);
    let origin = Hanging::on(&server);
    let path = format!("/v1/jobs/{}", origin.job);
    assert!(get(server.at, &path).contains("\"status\":\"fetching\""));
    drop(origin);
    until(server.at, &path, "HTTP/1.1 404");
}

#[test]
fn a_misspelt_variable_is_mentioned() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let output = pagewire(&["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&file)
        .env("PAGEWIRE_FORWARD_TOO", "x")
        .output()
        .unwrap();
    assert!(stderr(&output).contains("PAGEWIRE_FORWARD_TOO"), "{}", stderr(&output));
}
