//! `file:` sinks, in a directory of their own.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use forward::{Answer, Config, Delivery, ErrorKind, Forwarder, Receipt, Running};
use tempfile::TempDir;
use tokio::task::JoinSet;
use url::Url;

use crate::sink::{NOW_S, delivery, spawn};

/// A sink's URL for `events.ndjson` in `directory`.
fn file_in(directory: &TempDir, query: &str) -> Url {
    let mut url = Url::from_file_path(directory.path().join("events.ndjson")).unwrap();
    url.set_query(Some(query).filter(|query| !query.is_empty()));
    url
}

fn start(url: &Url) -> (Forwarder, Running) {
    forward::start(Config { trusted: vec![url.clone()], ..Config::default() }).unwrap()
}

/// The event says which it is.
fn event(n: usize, url: &Url) -> Delivery {
    let body = Bytes::from(format!("{{\"n\":{n}}}"));
    Delivery { body, ..delivery(&format!("evt_{n}"), url) }
}

fn assert_accepted(receipt: &Receipt) {
    assert_eq!((receipt.outcome, receipt.status), (Answer::Accepted, None), "{receipt}");
}

fn text_of(directory: &TempDir, name: &str) -> String {
    fs::read_to_string(directory.path().join(name)).unwrap()
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn every_accepted_event_is_one_line_and_the_drain_waits_for_it() {
    let directory = TempDir::new().unwrap();
    let url = file_in(&directory, "");
    let (forwarder, running) = start(&url);
    let mut tasks = JoinSet::new();
    for n in 0..500 {
        spawn(&mut tasks, &forwarder, event(n, &url));
    }
    for receipt in tasks.join_all().await {
        assert_accepted(&receipt);
    }
    drop(forwarder);
    assert_eq!(running.await.unwrap().attempts, 500);
    let text = text_of(&directory, "events.ndjson");
    assert!(text.ends_with('\n'));
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort();
    let mut expected: Vec<_> = (0..500).map(|n| format!("{{\"n\":{n}}}")).collect();
    expected.sort();
    assert_eq!(lines, expected);
    assert_eq!(names_in(directory.path()), ["events.ndjson"], "nothing else is left there");
}

#[tokio::test]
async fn what_a_crash_left_of_a_line_is_cut_off() {
    let directory = TempDir::new().unwrap();
    let url = file_in(&directory, "");
    fs::write(directory.path().join("events.ndjson"), "{\"n\":0}\n{\"n\":\"torn").unwrap();
    let (forwarder, _running) = start(&url);
    assert_accepted(&forwarder.deliver(event(1, &url)).await);
    assert_eq!(text_of(&directory, "events.ndjson"), "{\"n\":0}\n{\"n\":1}\n");
}

#[tokio::test]
async fn a_file_that_would_grow_too_long_is_put_aside_and_the_oldest_are_removed() {
    let directory = TempDir::new().unwrap();
    let url = file_in(&directory, "max_bytes=16&keep=2");
    fs::write(directory.path().join("events-mine.ndjson"), "mine").unwrap();
    let (forwarder, _running) = start(&url);
    // Two lines of eight bytes fill a file.
    for n in 0..9 {
        assert_accepted(&forwarder.deliver(event(n, &url)).await);
    }
    let names = names_in(directory.path());
    let [second, third, mine, now] = &names[..] else { panic!("{names:?}") };
    assert!(second.ends_with("Z-2.ndjson") && third.ends_with("Z-3.ndjson"), "{names:?}");
    assert_eq!((mine.as_str(), now.as_str()), ("events-mine.ndjson", "events.ndjson"));
    assert_eq!(text_of(&directory, second), "{\"n\":4}\n{\"n\":5}\n");
    assert_eq!(text_of(&directory, third), "{\"n\":6}\n{\"n\":7}\n");
    assert_eq!(text_of(&directory, now), "{\"n\":8}\n");
}

#[tokio::test]
async fn a_file_of_a_certain_age_is_put_aside_under_the_time_of_that() {
    let directory = TempDir::new().unwrap();
    let url = file_in(&directory, "max_age=1h");
    let (forwarder, _running) = start(&url);
    for (n, after_s) in [(0, 0), (1, 3599), (2, 3600), (3, 3601)] {
        let later = Delivery { timestamp_s: NOW_S + after_s, ..event(n, &url) };
        assert_accepted(&forwarder.deliver(later).await);
    }
    // 1 790 003 600 is 2026-09-21T15:13:20Z.
    let names = names_in(directory.path());
    assert_eq!(names, ["events-20260921T151320Z.ndjson", "events.ndjson"]);
    assert_eq!(text_of(&directory, &names[0]), "{\"n\":0}\n{\"n\":1}\n");
    assert_eq!(text_of(&directory, &names[1]), "{\"n\":2}\n{\"n\":3}\n");
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_begun_anew() {
    let directory = TempDir::new().unwrap();
    let url = file_in(&directory, "");
    let (forwarder, _running) = start(&url);
    assert_accepted(&forwarder.deliver(event(0, &url)).await);
    let path = directory.path().join("events.ndjson");
    fs::rename(&path, directory.path().join("taken")).unwrap();
    assert_accepted(&forwarder.deliver(event(1, &url)).await);
    // Emptied in its place, as some log rotators do.
    fs::write(&path, "").unwrap();
    assert_accepted(&forwarder.deliver(event(2, &url)).await);
    assert_eq!(text_of(&directory, "taken"), "{\"n\":0}\n");
    assert_eq!(text_of(&directory, "events.ndjson"), "{\"n\":2}\n");
}

#[tokio::test]
async fn trouble_with_the_file_passes() {
    let directory = TempDir::new().unwrap();
    let url = file_in(&directory, "");
    let (forwarder, _running) = start(&url);
    let path = directory.path().join("events.ndjson");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let receipt = forwarder.deliver(event(0, &url)).await;
    assert_eq!(receipt.outcome, Answer::Retryable);
    assert!(receipt.detail.contains("not a regular file"), "{receipt}");
    fs::remove_dir(&path).unwrap();
    assert_accepted(&forwarder.deliver(event(0, &url)).await);
    assert_eq!(text_of(&directory, "events.ndjson"), "{\"n\":0}\n");
}

/// Set in the process that may write no file longer than this many bytes.
const LIMIT_BYTES: &str = "PAGEWIRE_TEST_FILE_LIMIT_BYTES";

/// A limit on the size of files stands for the full disk: a write stops in the middle of a line.
#[test]
fn a_full_disk_is_retryable_and_leaves_no_torn_line() {
    if let Ok(limit) = env::var(LIMIT_BYTES) {
        return fill_the_disk(limit.parse().unwrap());
    }
    // Without the signal the write fails with an error, as it does on a full disk.
    let script = "trap '' XFSZ; ulimit -f 2; exec \"$0\" --exact \
                  outlet_file::a_full_disk_is_retryable_and_leaves_no_torn_line --nocapture";
    let done = Command::new("sh")
        .args(["-c", script])
        .arg(env::current_exe().unwrap())
        .env(LIMIT_BYTES, "1024")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{done:?}");
}

#[tokio::main(flavor = "current_thread")]
async fn fill_the_disk(limit_bytes: u64) {
    let directory = TempDir::new().unwrap();
    let url = file_in(&directory, "");
    let (forwarder, _running) = start(&url);
    let path = directory.path().join("events.ndjson");
    let long = |n: usize| {
        let body = Bytes::from(format!("{{\"n\":{n},\"is\":\"{}\"}}", "x".repeat(300)));
        Delivery { body, ..event(n, &url) }
    };
    let mut written = 0;
    let refused = loop {
        let receipt = forwarder.deliver(long(written)).await;
        if receipt.outcome != Answer::Accepted {
            break receipt;
        }
        written += 1;
        assert!(written < 10, "the limit does not hold");
    };
    assert_eq!(refused.outcome, Answer::Retryable);
    assert!(refused.detail.contains("cannot write"), "{refused}");
    assert!(written > 0 && fs::metadata(&path).unwrap().len() < limit_bytes);
    // A short one still has room: what was refused left nothing behind.
    assert_accepted(&forwarder.deliver(event(99, &url)).await);
    let text = text_of(&directory, "events.ndjson");
    assert_eq!(text.lines().count(), written + 1);
    assert!(text.ends_with("\"}\n{\"n\":99}\n"), "{text}");
    // Space again.
    fs::remove_file(&path).unwrap();
    assert_accepted(&forwarder.deliver(long(0)).await);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told_at_start() {
    let directory = TempDir::new().unwrap();
    let plain = directory.path().join("plain");
    fs::write(&plain, "").unwrap();
    fs::create_dir(directory.path().join("folder")).unwrap();
    for (name, told) in [
        ("plain/events.ndjson", "plain/events.ndjson"),
        ("missing/events.ndjson", "its directory has to be there"),
        ("folder", "not a regular file"),
    ] {
        let url = Url::from_file_path(directory.path().join(name)).unwrap();
        let config = Config { trusted: vec![url], ..Config::default() };
        let error = forward::start(config).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(told), "{name}: {error}");
    }
}

#[tokio::test]
async fn two_sinks_do_not_share_a_file() {
    let directory = TempDir::new().unwrap();
    let trusted = vec![file_in(&directory, ""), file_in(&directory, "keep=1")];
    let error = forward::start(Config { trusted, ..Config::default() }).err().unwrap();
    assert!(error.to_string().contains("give each its own"), "{error}");
    let url = file_in(&directory, "");
    let trusted = vec![url.clone(), url];
    assert!(forward::start(Config { trusted, ..Config::default() }).is_ok(), "it is the same");
}

#[tokio::test]
async fn nobody_but_the_operator_names_a_file() {
    let directory = TempDir::new().unwrap();
    let url = file_in(&directory, "");
    let other = Url::from_file_path(directory.path().join("other")).unwrap();
    let (forwarder, running) = start(&url);
    for (delivery, told) in [
        (Delivery { trusted: false, ..event(0, &url) }, "only sinks of the operator"),
        (event(1, &other), "named at start"),
        (event(2, &"stdout:".parse().unwrap()), "named at start"),
        (Delivery { trusted: false, ..event(3, &other) }, "only sinks of the operator"),
    ] {
        let receipt = forwarder.deliver(delivery).await;
        assert_eq!(receipt.outcome, Answer::Forbidden, "{receipt}");
        assert!(receipt.detail.contains(told), "{receipt}");
    }
    assert_eq!(names_in(directory.path()), ["events.ndjson"]);
    assert_eq!(text_of(&directory, "events.ndjson"), "");
    drop(forwarder);
    running.await.unwrap();
}
