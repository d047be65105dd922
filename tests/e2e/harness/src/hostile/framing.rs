//! Where a body begins and ends, and how that can be told wrong.

use super::script::{PAGE, Step, always, chunked, forever, open, page, send};
use super::{Behaviour, Expected};

const BODY: Expected = Expected::Failure(&["body"]);
/// Lost in the head: nothing came that is an answer.
const LOST: Expected = Expected::Failure(&["connect", "body"]);

pub(super) fn behaviours() -> Vec<Behaviour> {
    [lengths(), chunks(), cuts()].into_iter().flatten().collect()
}

fn of(name: &'static str, expected: Expected, steps: impl Into<Vec<Step>>) -> Behaviour {
    Behaviour::answer(name, expected, always(steps))
}

/// A 200 with these header lines and a page.
fn with(lines: &str) -> [Step; 1] {
    [send(format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{lines}\r\n{PAGE}"))]
}

fn lengths() -> Vec<Behaviour> {
    let length = PAGE.len();
    let twice = format!("Content-Length: {length}\r\nContent-Length: {length}\r\n");
    let short = format!("Content-Length: {}\r\nConnection: close\r\n", length - 20);
    vec![
        of("length-too-long", BODY, with(&format!("Content-Length: {}\r\n", length + 100))),
        of("length-too-short", Expected::Page, with(&short)),
        of("length-negative", BODY, with("Content-Length: -5\r\n")),
        of("length-signed", BODY, with(&format!("Content-Length: +{length}\r\n"))),
        of("length-no-number", BODY, with("Content-Length: many\r\n")),
        of("length-hexadecimal", BODY, with("Content-Length: 0x20\r\n")),
        of("length-beyond-64-bits", BODY, with("Content-Length: 99999999999999999999999\r\n")),
        of("length-enormous", Expected::Failure(&["too_large", "body"]), {
            with("Content-Length: 18446744073709551614\r\n")
        }),
        // RFC 9112, section 6.3: the same value twice may be taken for one, different ones may not.
        of("length-twice-the-same", Expected::PageOr(&["body"]), with(&twice)),
        of("length-twice-different", BODY, {
            with(&format!("Content-Length: {length}\r\nContent-Length: 5\r\n"))
        }),
        of("length-list", Expected::PageOr(&["body"]), {
            with(&format!("Content-Length: {length}, {length}\r\n"))
        }),
        of("length-list-different", BODY, with(&format!("Content-Length: 5, {length}\r\n"))),
        // The chunks count, and the connection is not used again; or it is refused.
        of("length-and-chunks", Expected::PageOr(&["body"]), {
            let lines = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n";
            [send(format!("HTTP/1.1 200 OK\r\n{lines}\r\n4\r\npage\r\n0\r\n\r\n"))]
        }),
        of("two-answers", Expected::Page, [page("", PAGE), page("", "<p>the second</p>")]),
    ]
}

fn chunks() -> Vec<Behaviour> {
    let bad = |name, chunks: &str| of(name, BODY, [chunked(""), send(chunks)]);
    let endless = |name, begin: &str, more: &str| {
        of(name, BODY, [chunked(""), send(begin), forever(more.repeat(1_000))])
    };
    let coding = |coding: &str, chunks: &str| {
        let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n");
        [send(format!("{head}Connection: close\r\n\r\n{chunks}"))]
    };
    vec![
        bad("chunk-size-no-number", "many\r\npage\r\n0\r\n\r\n"),
        bad("chunk-size-negative", "-4\r\npage\r\n0\r\n\r\n"),
        bad("chunk-size-beyond-64-bits", "fffffffffffffffff\r\npage\r\n"),
        bad("chunk-size-empty", "\r\npage\r\n0\r\n\r\n"),
        bad("chunk-too-short", "2\r\npage\r\n0\r\n\r\n"),
        bad("chunk-too-long", "ff\r\npage\r\n0\r\n\r\n"),
        bad("chunk-no-last", "4\r\npage\r\n"),
        bad("chunk-cut-size", "4\r\npage\r\n4"),
        bad("chunk-garbage", "\u{1}\u{2}\u{3}\u{4}"),
        endless("chunk-endless-extension", "4;a=", "bbbbbbbb"),
        // Sound, if absurd: as long as it grows, only its size and its time are against it.
        of(
            "chunk-endless-extensions",
            Expected::Failure(&["body", "too_large", "timeout", "too_slow"]),
            [chunked(""), forever("1;some=thing\r\na\r\n".repeat(1_000))],
        ),
        of("chunk-endless-zeros", Expected::Failure(&["body", "timeout", "too_slow"]), {
            [chunked(""), forever([b'0'; 8_192])]
        }),
        endless("chunk-endless-trailers", "4\r\npage\r\n0\r\n", "x-trailer: value\r\n"),
        endless("chunk-endless-trailer", "4\r\npage\r\n0\r\nx-trailer: ", "value value "),
        // RFC 9112, section 6.1: chunked is to be the last coding; nobody asked for others.
        of("transfer-coding-gzip", Expected::PageOr(&["body", "decode"]), {
            coding("gzip, chunked", "4\r\npage\r\n0\r\n\r\n")
        }),
        of("transfer-coding-unknown", Expected::PageOr(&["body", "decode"]), {
            coding("xchunked", PAGE)
        }),
        of("transfer-coding-not-last", Expected::PageOr(&["body", "decode"]), {
            coding("chunked, identity", "4\r\npage\r\n0\r\n\r\n")
        }),
    ]
}

fn cuts() -> Vec<Behaviour> {
    let promised = send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    vec![
        of("close-at-once", LOST, []),
        of("close-in-head", LOST, [send("HTTP/1.1 200 OK\r\nContent-Ty")]),
        of("close-before-body", BODY, [promised.clone()]),
        of("reset-at-once", LOST, [Step::Reset]),
        of("reset-in-head", LOST, [send("HTTP/1.1 200 OK\r\nContent-Ty"), Step::Reset]),
        of("reset-in-body", BODY, [promised, send(PAGE), Step::Reset]),
        of("reset-in-chunk", BODY, [chunked(""), send("ff\r\npage"), Step::Reset]),
        of("reset-in-open-body", BODY, [open(""), send(PAGE), Step::Reset]),
        Behaviour::accept(
            "reset-at-accept",
            Expected::Failure(&["connect", "robots_unreachable"]),
            always([Step::Reset]),
        ),
        Behaviour::accept(
            "close-at-accept",
            Expected::Failure(&["connect", "robots_unreachable"]),
            always([]),
        ),
        Behaviour::accept(
            "silence-at-accept",
            Expected::Failure(&["timeout", "robots_unreachable"]),
            always([Step::Silence]),
        ),
    ]
}
