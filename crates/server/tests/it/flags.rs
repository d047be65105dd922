//! Bad flags: exit code 2, and a message that names the flag and the remedy.

use crate::daemon::{pagewire, run, stderr};

#[test]
fn bad_flags_are_refused_with_their_name_and_a_remedy() {
    let long_key = "k".repeat(32);
    let table: &[(&[&str], &[&str])] = &[
        (&["--nonsense"], &["--nonsense", "--help"]),
        (&["--fetch-timeout", "5"], &["--fetch-timeout", "30s"]),
        (&["--fetch-timeout", "0"], &["--fetch-timeout", "at least 1s"]),
        (&["--grace", "soon"], &["--grace", "30s"]),
        (&["--memory-budget", "lots"], &["--memory-budget", "64MB"]),
        (&["--memory-budget", "1MB"], &["--memory-budget", "at least 16MB"]),
        (&["--max-bytes", "1GB"], &["--max-bytes", "--memory-budget", "raise the budget"]),
        (&["--max-body", "2GB"], &["--max-body", "--queue-max-bytes"]),
        (&["--deadline", "1s"], &["--deadline", "--fetch-timeout", "raise the deadline"]),
        (&["--fetch-schedule", "0,x"], &["--fetch-schedule", "30s"]),
        (&["--fetch-schedule", "0,2h"], &["--fetch-schedule", "--deadline"]),
        (&["--delivery-schedule", "0,x"], &["--delivery-schedule", "0,5s"]),
        (&["--per-host", "0"], &["--per-host", "2/s"]),
        (&["--per-sink", "0"], &["--per-sink", "1.."]),
        (&["--cpu-threads", "0"], &["--cpu-threads", "1.."]),
        (&["--fetch-concurrency", "4000000000"], &["--fetch-concurrency", "ulimit"]),
        (&["--listen", "8080"], &["--listen", "127.0.0.1:8080"]),
        (&["--listen", "0.0.0.0:8080"], &["--api-key", "127.0.0.1:8080", "keys create"]),
        (&["--tls-cert", "a.pem"], &["--tls-cert", "give --tls-key"]),
        (&["--tls-key", "a.pem"], &["--tls-key", "give --tls-cert"]),
        (&["--tls-cert", "no.pem", "--tls-key", "no.key"], &["--tls-cert no.pem"]),
        (&["--cors-origin", "example.com"], &["--cors-origin", "https://app.example.com"]),
        (&["--listen", "[::]:8080", "--api-key", "short"], &["--api-key", "openssl rand"]),
        (&["--store", "postgres://db"], &["--store", "sqlite"]),
        (&["--store", "disk"], &["--store", "sqlite or memory", "--data-dir"]),
        (&["--forward-to", "ftp://a/"], &["--forward-to", "`ftp:`", "https", "file"]),
        (&["--forward-to", "example.com/hook"], &["--forward-to", "https://example.com/hook"]),
        (&["--fetch-allow", "10.0.0.0/99"], &["--fetch-allow"]),
        (&["--sink-allow", "a b"], &["--sink-allow"]),
        (&["--log", "info,=x="], &["--log", "debug"]),
        (&["--log-format", "xml"], &["--log-format", "json"]),
        (&["--user-agent", "a\nb"], &["--user-agent", "MyBot"]),
        (&["--api-key", &long_key, "--secret", "whsec_c2hvcnQ="], &["--secret", "24 to 64"]),
    ];
    for (args, words) in table {
        let output = run(args);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        for word in *words {
            assert!(text.contains(word), "{args:?} should say {word:?}: {text}");
        }
        assert!(!text.contains("panicked"), "{args:?}: {text}");
    }
}

#[test]
fn a_bad_secret_is_not_repeated_on_the_screen() {
    for flag in ["--secret", "--api-key"] {
        let output = run(&[flag, "hunter2"]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2));
        assert!(text.contains(flag) && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_bad_environment_variable_is_refused_like_its_flag() {
    let output = pagewire(&[]).env("PAGEWIRE_FETCH_TIMEOUT", "5").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--fetch-timeout"), "{}", stderr(&output));
}
