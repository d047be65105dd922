//! `pagewire verify` as a receiver's developer runs it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::daemon::{pagewire, run, stderr};

// The vectors published with the Standard Webhooks reference libraries.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const REQUEST: &str = "POST /hook HTTP/1.1\r\nhost: sink.example\r\n\
    webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\r\nwebhook-timestamp: 1614265330\r\n\
    webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\r\n\r\n\
    {\"test\": 2432232314}";
const PUBLIC: &str = "whpk_";

fn fed(args: &[&str], input: &str) -> Output {
    let mut child = pagewire(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses its flags does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn path(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_request_is_verified_from_standard_input_and_from_files() {
    let right = |output: Output| {
        let said = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(said.contains("`v1` signature is by secret 1; sent 20 s ago"), "{said}");
    };
    let now = ["--now", "2021-02-25T15:02:30Z"];
    right(fed(&["verify", "--secret", SECRET, now[0], now[1]], REQUEST));
    right(fed(&["verify", "--secret", SECRET, now[0], now[1], "-"], REQUEST));

    let dir = tempfile::tempdir().unwrap();
    let whole = path(dir.path(), "request", REQUEST);
    let secrets = path(dir.path(), "secret", &format!("\n{SECRET}\n"));
    right(run(&["verify", "--secret-file", &secrets, now[0], now[1], &whole]));

    let (head, body) = REQUEST.split_once("\r\n\r\n").unwrap();
    let head_path = path(dir.path(), "head", head);
    let body_path = path(dir.path(), "body", body);
    let parts = ["--headers", &head_path, "--body", &body_path];
    right(run(&[&["verify", "--secret", SECRET], &parts[..], &now[..]].concat()));
    let fields: Vec<&str> =
        head.split("\r\n").skip(1).flat_map(|line| ["--header", line]).collect();
    right(fed(
        &[&["verify", "--secret", SECRET, "--body", "-"], &fields[..], &now[..]].concat(),
        body,
    ));

    let by_environment = pagewire(&["verify", now[0], now[1], &whole])
        .env("PAGEWIRE_SECRET", SECRET)
        .output()
        .unwrap();
    right(by_environment);
}

#[test]
fn what_does_not_verify_is_explained_and_ends_with_1() {
    for (input, args, words) in [
        (REQUEST.to_owned(), &[][..], &["s old", "--any-age"][..]),
        (format!("{REQUEST}\n"), &["--any-age"], &["without the line feed at its end"]),
        (REQUEST.replace("test", "text"), &["--any-age"], &["no signature matches"]),
        (REQUEST.replace("v1,", "v2,"), &["--any-age"], &["no `v1,` signature"]),
        (REQUEST.replace("webhook-id", "id"), &["--any-age"], &["`webhook-id` is missing"]),
    ] {
        let output = fed(&[&["verify", "--secret", SECRET], args].concat(), &input);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(stdout(&output).is_empty());
        for word in words {
            assert!(text.contains(word), "{args:?} should say {word:?}: {text}");
        }
        assert!(!text.contains(SECRET) && !text.contains("MfKQ9r8G"), "{text}");
    }
}

#[test]
fn bad_flags_end_with_2_and_repeat_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let bad = path(dir.path(), "secrets", "hunter2\n");
    let good = path(dir.path(), "request", REQUEST);
    let absent = dir.path().join("absent");
    for (args, words) in [
        (&["verify", &good][..], &["--secret-file", "pagewire-data/secret"][..]),
        (&["verify", "--secret", "hunter2", &good], &["--secret", "whsec_", "whpk_"]),
        (&["verify", "--secret-file", &bad, &good], &["--secret-file", "line 1"]),
        (&["verify", "--secret", PUBLIC, &good], &["whpk_", "0 bytes"]),
        (&["verify", "--secret", SECRET, absent.to_str().unwrap()], &["absent"]),
        (&["verify", "--secret", SECRET, "--header", "x", &good], &["--header", "name: value"]),
        (&["verify", "--secret", SECRET, "--now", "soon", &good], &["--now", "2026-11-22T10"]),
        (&["verify", "--secret", SECRET, "--body", "-", "--headers", "-"], &["standard input"]),
        (&["verify", "--secret", SECRET, "--body", &good, &good], &["--body"]),
    ] {
        let output = run(args);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        for word in words {
            assert!(text.contains(word), "{args:?} should say {word:?}: {text}");
        }
        assert!(!text.contains("hunter2") && !text.contains("panicked"), "{text}");
    }
}
