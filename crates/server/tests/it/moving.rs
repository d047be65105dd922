//! `pagewire store export | import` as whoever moves to another machine runs them.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::daemon::{Daemon, ask, pagewire, run, stderr};

/// Jobs that are accepted and not due for an hour.
const JOBS: usize = 5;

fn request(at: SocketAddr, method: &str, path: &str, body: &str) -> (u16, Value) {
    let answer = ask(at, method, path, body);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

/// A store with jobs that wait and a sink.
fn filled(dir: &Path) {
    let server = Daemon::start(dir, &[]);
    for n in 0..JOBS {
        let body = format!(r#"{{"url":"https://example.com/{n}","delay":"1h"}}"#);
        let (status, answer) = request(server.at, "POST", "/v1/jobs", &body);
        assert_eq!(status, 202, "{answer}");
    }
    let sink = r#"{"name":"shop","url":"https://sink.example/hook"}"#;
    let (status, answer) = request(server.at, "POST", "/v1/sinks", sink);
    assert!(matches!(status, 200 | 201), "{status} {answer}");
    assert_eq!(server.terminate().0, Some(0));
}

/// What the API tells of a store, as far as a start does not change it.
fn told(dir: &Path) -> (Value, Value) {
    let server = Daemon::start(dir, &[]);
    let jobs = request(server.at, "GET", "/v1/jobs", "").1;
    let sinks = request(server.at, "GET", "/v1/sinks", "").1;
    assert_eq!(server.terminate().0, Some(0));
    (jobs, sinks)
}

fn export(from: &Path, to: &Path) -> Output {
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    run(&["store", "export", "--data-dir", from, "--output", to])
}

fn import(from: &Path, to: &Path) -> Output {
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    run(&["store", "import", "--data-dir", to, "--file", from, "--json"])
}

fn ended(output: &Output, code: i32, says: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
    assert!(stderr(output).contains(says), "{}", stderr(output));
}

#[test]
fn a_store_moves_with_its_jobs_its_sinks_and_its_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let [old, lines, new] = ["old", "lines", "new"].map(|name| dir.path().join(name));
    filled(&old);
    let before = told(&old);
    assert_eq!(before.0["jobs"].as_array().map(Vec::len), Some(JOBS), "{}", before.0);

    ended(&export(&old, &lines), 0, "exported 5 jobs (5 of them not over)");
    assert_eq!(fs::metadata(&lines).unwrap().permissions().mode() & 0o777, 0o600);
    let imported = import(&lines, &new);
    ended(&imported, 0, "");
    let said: Value = serde_json::from_slice(&imported.stdout).unwrap();
    assert_eq!((&said["jobs"], &said["waiting"]), (&JOBS.into(), &JOBS.into()), "{said}");
    for name in ["secret", "link-key"] {
        let [was, is] = [&old, &new].map(|dir| fs::read_to_string(dir.join(name)).unwrap());
        assert_eq!(was, is, "{name}");
        let mode = fs::metadata(new.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(told(&new), before);
}

#[test]
fn lines_go_through_a_pipe_and_a_second_import_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let [old, lines, new] = ["old", "lines", "new"].map(|name| dir.path().join(name));
    filled(&old);
    let piped = run(&["store", "export", "--data-dir", old.to_str().unwrap()]);
    ended(&piped, 0, "exported 5 jobs");
    fs::write(&lines, &piped.stdout).unwrap();

    let mut command = pagewire(&["store", "import", "--data-dir", new.to_str().unwrap()]);
    let fed = command.stdin(File::open(&lines).unwrap()).output().unwrap();
    ended(&fed, 0, "");
    assert!(String::from_utf8_lossy(&fed.stdout).contains("imported 5 jobs"));
    let again: Value = serde_json::from_slice(&import(&lines, &new).stdout).unwrap();
    assert_eq!(again["already"], true, "{again}");
}

#[test]
fn what_cannot_be_moved_is_told_with_its_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let [old, lines, new] = ["old", "lines", "new"].map(|name| dir.path().join(name));
    ended(&export(&old, &lines), 74, "there is no store in");
    filled(&old);

    let server = Daemon::start(&old, &[]);
    ended(&export(&old, &lines), 74, "another pagewire runs on it");
    assert_eq!(server.terminate().0, Some(0));
    ended(&export(&old, &lines), 0, "exported");
    ended(&import(&lines, &old), 74, "it is not empty");

    let text = fs::read_to_string(&lines).unwrap();
    let damaged = text.replacen("example.com/3", "example.com/4", 1);
    fs::write(&lines, damaged).unwrap();
    let refused = import(&lines, &new);
    ended(&refused, 1, "line ");

    // What was begun with lines that were cut off goes on with the whole of them.
    let half = text.len() * 9 / 10;
    fs::write(&lines, &text[..half]).unwrap();
    let cut = dir.path().join("cut");
    ended(&import(&lines, &cut), 1, "line ");
    fs::write(&lines, &text).unwrap();
    ended(&import(&lines, &cut), 0, "");
    assert_eq!(told(&cut), told(&old));
}

#[test]
fn flags_of_the_server_before_it_are_refused() {
    let refused = run(&["--data-dir", "/nowhere", "store", "export"]);
    ended(&refused, 2, "`pagewire store --help`");
}
