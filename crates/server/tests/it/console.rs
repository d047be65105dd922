//! The subcommands as people type them, against a server and without one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::daemon::{Daemon, pagewire, run, stderr};

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn objects(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A site whose every page is this.
fn site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(64) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let body = "<title>Tea</title><p>Steamed, not roasted.";
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    at
}

#[test]
fn with_two_terminals_a_page_is_submitted_delivered_and_verified() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut listening =
        pagewire(&["listen", "127.0.0.1:0", "--json", "--count", "1", "--data-dir"])
            .arg(&data)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
    let mut told = String::new();
    BufReader::new(listening.stderr.take().unwrap()).read_line(&mut told).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    let sink = told["listening"].as_str().unwrap();

    let (site, flags) = (site(), ["--forward-to", sink, "--fetch-allow", "127.0.0.1"]);
    let server = Daemon::start(&data, &flags);
    let at = format!("http://{}", server.at);
    let page = format!("http://{site}/tea");
    let client = |args: &[&str]| pagewire(args).env("PAGEWIRE_SERVER", &at).output().unwrap();
    let submitted = client(&["submit", &page, "--wait", "--format", "text"]);
    assert_eq!(submitted.status.code(), Some(0), "{}", stderr(&submitted));
    assert!(stdout(&submitted).contains("Steamed, not roasted."), "{}", stdout(&submitted));

    let delivered = listening.wait_with_output().unwrap();
    assert_eq!(delivered.status.code(), Some(0));
    let delivered = &objects(&delivered)[0];
    assert_eq!(delivered["verified"], true, "{delivered}");
    let id = delivered["id"].as_str().unwrap();

    let job = client(&["job", id, "--json"]);
    assert_eq!(objects(&job)[0]["status"], "delivered");
    assert_eq!(objects(&job)[0]["ledger"].as_array().unwrap().len(), 2);
    let listed = client(&["jobs", "--status", "delivered"]);
    assert!(
        stdout(&listed).contains(id) && !stdout(&listed).contains('\u{1b}'),
        "no colours in a pipe"
    );
    let event: Value = serde_json::from_slice(&client(&["job", id, "--result"]).stdout).unwrap();
    assert_eq!(event["data"]["title"], "Tea");

    let gone = client(&["job", "01a1f2c5-2a00-7000-8000-000000000000"]);
    assert_eq!(gone.status.code(), Some(3), "{}", stderr(&gone));
    let refused = client(&["jobs", "--since", "soon"]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));

    let doctor = run(&[
        "doctor",
        "--json",
        "--listen",
        &server.at.to_string(),
        "--data-dir",
        data.to_str().unwrap(),
    ]);
    let found = objects(&doctor);
    let of = |check: &str| found.iter().find(|finding| finding["check"] == check).unwrap();
    assert_eq!(
        (of("listen")["result"].as_str(), of("data-dir")["result"].as_str()),
        (Some("ok"), Some("ok")),
        "{found:?}"
    );
    assert!(of("data-dir")["detail"].as_str().unwrap().contains("in use by the server"));
}

#[test]
fn a_server_that_is_not_there_ends_with_4_and_says_how_to_start_one() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let at = format!("http://{free}");
    let output = run(&["jobs", "--server", &at]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(stderr(&output).contains("start a server with `pagewire`"), "{}", stderr(&output));
}

#[test]
fn flags_that_make_no_sense_end_with_2() {
    for args in [
        &["submit"][..],
        &["submit", "-f", "/nowhere/urls.txt"],
        &["jobs", "--server", "localhost:8080"],
        &["jobs", "--limit", "0"],
        &["--retain", "1h", "jobs"],
        &["jobs", "--retain", "1h"],
        &["sinks", "change", "a"],
        &["listen", "nowhere"],
        &["completions", "tcsh"],
        &["man", "nothing"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains("panicked"), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn a_server_s_flag_in_the_environment_does_not_hinder_a_client_s_command() {
    let output = pagewire(&["completions", "bash"]).env("PAGEWIRE_RETAIN", "2h").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert!(output.status.success(), "{shell}: {}", stderr(&output));
        let script = stdout(&output);
        for word in ["redrive", "--idempotency-key", "--data-dir"] {
            let word = if shell == "fish" { word.trim_start_matches("--") } else { word };
            assert!(script.contains(word), "{shell} has no {word}");
        }
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let page = stdout(&run(&["man", "sinks", "add"]));
    assert!(page.contains(".TH") && page.contains("inline"), "{page}");
    assert!(stdout(&run(&["man"])).contains("doctor"));

    let dir = tempfile::tempdir().unwrap();
    let output = run(&["man", "--out", dir.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    for name in ["pagewire.1", "pagewire-submit.1", "pagewire-sinks-rotate.1"] {
        assert!(dir.path().join(name).is_file(), "{name} is missing");
    }
}

#[test]
fn the_doctor_names_what_is_in_the_way_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sink = format!("http://{nobody}/hook?token=hunter2");
    let args = ["doctor", "--data-dir", data.to_str().unwrap(), "--forward-to", &sink];
    let answering = std::thread::spawn(move || {
        // It is asked who it is, and is no pagewire.
        let (mut stream, _) = taken.accept().unwrap();
        let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
        taken
    });
    let output = run(&[&args[..], &["--listen", &listen]].concat());
    let page = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{page}");
    for words in ["FAIL  listen", "give another --listen", "FAIL  sink", "warn  user-agent"] {
        assert!(page.contains(words), "{words} is missing in {page}");
    }
    assert!(page.contains("it will be made") && !data.exists(), "{page}");
    assert!(!page.contains("hunter2"), "{page}");
    drop(answering.join().unwrap());

    let bad = run(&["doctor", "--json", "--listen", "0.0.0.0:0", "--store", "memory"]);
    assert_eq!(bad.status.code(), Some(1));
    assert_eq!(objects(&bad)[0]["result"], "fail");
    assert!(objects(&bad)[0]["detail"].as_str().unwrap().contains("--api-key"));
}

#[test]
fn a_store_that_was_stopped_opens_for_the_doctor_and_for_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Daemon::start(dir.path(), &[]).terminate().0, Some(0));
    let path = dir.path().to_str().unwrap();
    let output = run(&["doctor", "--data-dir", path, "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("opens; 0 jobs are under way"), "{}", stdout(&output));
    drop(Daemon::start(dir.path(), &[]));
}

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    let dir = tempfile::tempdir().unwrap();
    let server = Daemon::start(dir.path(), &["--fetch-allow", "127.0.0.1"]);
    let (at, site) = (format!("http://{}", server.at), site());
    let mut child = pagewire(&["tail", "--server", &at, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    for n in 0..40 {
        let page = format!("http://{site}/{n}");
        let submitted = run(&["submit", &page, "--server", &at]);
        assert_eq!(submitted.status.code(), Some(0), "{}", stderr(&submitted));
        std::thread::sleep(Duration::from_millis(50));
        if let Some(status) = child.try_wait().unwrap() {
            assert_eq!(status.code(), Some(0));
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            assert_eq!(said, "");
            return;
        }
    }
    child.kill().unwrap();
    panic!("it went on for nobody");
}
