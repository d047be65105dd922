//! Starting and stopping: what can be in the way, and what is left behind.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

use crate::daemon::{Daemon, run, stderr};

/// The status line and body of a GET.
fn get(at: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
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
