//! `pagewire config` and what else answers without serving.

use std::process::Output;

use crate::daemon::{pagewire, run, stderr};

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn line(page: &str, flag: &str) -> Vec<String> {
    let found = page.lines().find(|line| line.split_whitespace().next() == Some(flag));
    let line = found.unwrap_or_else(|| panic!("no {flag} in {page}"));
    line.split_whitespace().skip(1).map(str::to_owned).collect()
}

#[test]
fn config_prints_each_value_with_its_source() {
    let output = pagewire(&["--fetch-timeout", "20s", "config", "--max-bytes", "5MB"])
        .env("PAGEWIRE_GRACE", "10s")
        .env("PAGEWIRE_FETCH_TIMEOUT", "25s")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let page = stdout(&output);
    assert_eq!(line(&page, "--fetch-timeout"), ["20s", "flag"]);
    assert_eq!(line(&page, "--max-bytes"), ["5MB", "flag"]);
    assert_eq!(line(&page, "--grace"), ["10s", "PAGEWIRE_GRACE"]);
    assert_eq!(line(&page, "--retain"), ["24h", "default"]);
    assert_eq!(line(&page, "--forward-to"), ["–", "not", "set"]);
    let threads = line(&page, "--cpu-threads");
    assert!(threads[0].parse::<u32>().unwrap() > 0 && threads[1] == "fitted", "{threads:?}");
}

#[test]
fn config_shows_no_secret() {
    let key = "0123456789abcdef0123456789abcdef";
    let secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let sink = "https://user:hunter2@sink.example/hook?token=hunter3";
    let output = run(&["config", "--api-key", key, "--secret", secret, "--forward-to", sink]);
    assert!(output.status.success(), "{}", stderr(&output));
    let page = stdout(&output);
    for hidden in [key, secret, "hunter2", "hunter3"] {
        assert!(!page.contains(hidden), "{page}");
    }
    assert_eq!(line(&page, "--forward-to"), ["https://sink.example/hook", "flag"]);
    assert_eq!(line(&page, "--api-key"), ["[1", "hidden]", "flag"]);
}

#[test]
fn config_refuses_what_does_not_fit_together() {
    let output = run(&["config", "--listen", "0.0.0.0:80"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--api-key"));
}

#[test]
fn help_and_version_answer_and_end() {
    let version = run(&["--version"]);
    assert_eq!(stdout(&version), concat!("pagewire ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = stdout(&run(&["--help"]));
    for word in ["Listening", "Fetching", "--data-dir", "PAGEWIRE_DATA_DIR", "Exit codes"] {
        assert!(help.contains(word), "{word} is missing in {help}");
    }
}
