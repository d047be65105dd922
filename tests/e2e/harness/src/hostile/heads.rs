//! Heads of answers that are too long, too many, too slow, or no HTTP.

use super::bombs::noise;
use super::script::{PAGE, Step, always, answer, drip, forever, page, send};
use super::{Behaviour, Expected};

const BODY: Expected = Expected::Failure(&["body"]);
const TIMEOUT: Expected = Expected::Failure(&["timeout", "too_slow"]);

pub(super) fn behaviours() -> Vec<Behaviour> {
    [many(), interim(), broken(), foreign()].into_iter().flatten().collect()
}

fn of(name: &'static str, expected: Expected, steps: impl Into<Vec<Step>>) -> Behaviour {
    Behaviour::answer(name, expected, always(steps))
}

fn begin() -> Step {
    send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")
}

fn many() -> Vec<Behaviour> {
    let thousand: String = (0..1_000).map(|n| format!("x-{n}: v\r\n")).collect();
    let large: String = (0..50).map(|n| format!("x-{n}: {}\r\n", "v".repeat(4_000))).collect();
    let line = format!("x-line: {}\r\n", "v".repeat(10_000_000));
    let name = format!("{}: v\r\n", "n".repeat(100_000));
    vec![
        of("headers-endless", BODY, [begin(), forever("x-more: and more\r\n".repeat(500))]),
        of("headers-thousand", BODY, [page(&thousand, PAGE)]),
        of("headers-large", BODY, [page(&large, PAGE)]),
        of("header-line-huge", BODY, [page(&line, PAGE)]),
        of("header-name-huge", BODY, [page(&name, PAGE)]),
        of("header-line-endless", BODY, [begin(), send("x: "), forever("v".repeat(10_000))]),
        of("status-line-endless", BODY, [send("HTTP/1.1 200 "), forever("O".repeat(10_000))]),
        of("drip-head", TIMEOUT, [begin(), send("x: "), drip("v")]),
        of("drip-headers", TIMEOUT, [begin(), drip("x: v\r\n")]),
        of("drip-status-line", TIMEOUT, [send("HTTP/1.1 200 "), drip("O")]),
        of("silence-before-head", TIMEOUT, [Step::Silence]),
        of("silence-in-head", TIMEOUT, [begin(), Step::Silence]),
    ]
}

/// Interim answers (RFC 9110, section 15.2).
fn interim() -> Vec<Behaviour> {
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    let hint = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n";
    vec![
        // As many as are allowed are passed over; then no answer is waited for any more.
        of("interim-endless", BODY, [forever(go_on.repeat(500))]),
        of("interim-hundred", BODY, [send(hint.repeat(100)), page("", PAGE)]),
        of("interim-few", Expected::Page, [send(go_on), send(hint.repeat(3)), page("", PAGE)]),
        of("interim-drip", Expected::Failure(&["body", "timeout", "too_slow"]), [drip(go_on)]),
        of("interim-only", Expected::Failure(&["connect", "body"]), [send(go_on)]),
        of("switching-protocols", Expected::Failure(&["status", "body"]), {
            [send(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
            )]
        }),
    ]
}

fn broken() -> Vec<Behaviour> {
    let line = |name, line: &str| of(name, BODY, [page(line, PAGE)]);
    let length = PAGE.len();
    vec![
        line("header-without-colon", "no colon here\r\n"),
        line("header-without-name", ": value\r\n"),
        line("header-name-with-space", "x name: value\r\n"),
        line("header-space-before-colon", "x-name : value\r\n"),
        line("header-nul-in-value", "x: a\0b\r\n"),
        line("header-nul-in-name", "x\0y: v\r\n"),
        line("header-control-in-name", "x\u{7}y: v\r\n"),
        line("header-bare-cr", "x: a\rb: c\r\n"),
        // RFC 9112, section 5.2: to be refused, or read as a space.
        of("header-folded", Expected::PageOr(&["body"]), [page("x: a\r\n  b\r\n", PAGE)]),
        // Section 2.2: a bare LF may be taken for the end of a line.
        of("bare-line-feeds", Expected::PageOr(&["body"]), {
            [send(format!("HTTP/1.1 200 OK\nContent-Length: {length}\n\n{PAGE}"))]
        }),
        of("header-latin-1", Expected::Page, {
            [send(
                [b"HTTP/1.1 200 OK\r\nx: caf\xe9\r\nContent-Length: 4\r\n\r\npage".as_slice()]
                    .concat(),
            )]
        }),
        of("empty-lines-first", Expected::PageOr(&["body"]), [send("\r\n\r\n"), page("", PAGE)]),
        of("empty-lines-endless", BODY, [forever("\r\n".repeat(5_000))]),
    ]
}

/// What is no HTTP/1.
fn foreign() -> Vec<Behaviour> {
    let status = |name, status: &str| of(name, BODY, [answer(status, "", PAGE)]);
    let text = |name, text: &str| of(name, BODY, [send(text)]);
    let version = |name, line: &str| {
        of(name, BODY, [send(format!("{line}\r\nContent-Length: 4\r\n\r\npage"))])
    };
    vec![
        text("not-http-page", PAGE),
        text("not-http-ssh", "SSH-2.0-OpenSSH_9.9\r\n"),
        text("not-http-smtp", "220 mail.example ESMTP ready\r\n"),
        text("not-http-json", "{\"HTTP/1.1\": 200}\r\n\r\n"),
        text("not-http-request", "GET / HTTP/1.1\r\nHost: you\r\n\r\n"),
        of("not-http-noise", BODY, [send(noise(5_000))]),
        of("not-http-frames", BODY, [send([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100])]),
        of("not-http-endless", BODY, [forever([b'A'; 8_192])]),
        version("version-2", "HTTP/2.0 200 OK"),
        version("version-3.7", "HTTP/3.7 200 OK"),
        version("version-lower-case", "http/1.1 200 OK"),
        version("version-icy", "ICY 200 OK"),
        status("status-two-digits", "99 OK"),
        status("status-four-digits", "2000 OK"),
        status("status-word", "OK OK"),
        status("status-negative", "-200 OK"),
        status("status-none", ""),
        status("status-zero", "000 OK"),
        of("status-without-reason", Expected::Page, {
            [send(format!("HTTP/1.1 200\r\nContent-Length: {}\r\n\r\n{PAGE}", PAGE.len()))]
        }),
        of("version-1.0", Expected::Page, {
            [send(format!("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n{PAGE}"))]
        }),
        Behaviour::accept(
            "answer-before-request",
            Expected::PageOr(&["connect", "body", "robots_unreachable"]),
            always([page("", PAGE)]),
        ),
    ]
}
