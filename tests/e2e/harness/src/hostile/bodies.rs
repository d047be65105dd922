//! Bodies: bombs, lies about the coding, and what never ends.

use super::bombs::{GZIP_NAME, brotli, deflate, gzip, inside, wide_zstd, zlib, zstd};
use super::script::{PAGE, Step, always, chunked, drip, forever, open, page, send};
use super::{Behaviour, Expected};

const TOO_LARGE: Expected = Expected::Failure(&["too_large"]);
const DECODE: Expected = Expected::Failure(&["decode"]);
const SLOW: Expected = Expected::Failure(&["timeout", "too_slow"]);
/// A cut body: the coding says so, or the length does.
const CUT: Expected = Expected::Failure(&["body", "decode"]);

pub(super) fn behaviours() -> Vec<Behaviour> {
    [bombs(), lies(), endless(), slow()].into_iter().flatten().collect()
}

fn coded(
    name: &'static str,
    expected: Expected,
    codings: &str,
    body: impl AsRef<[u8]>,
) -> Behaviour {
    let answer = page(&format!("Content-Encoding: {codings}\r\n"), body);
    Behaviour::answer(name, expected, always([answer]))
}

fn bombs() -> Vec<Behaviour> {
    let inside = inside();
    let member = gzip(&inside[..1 << 20]);
    let zipped = gzip(&inside);
    let endless = [open("Content-Encoding: gzip\r\n"), forever(member.clone())];
    vec![
        coded("bomb-gzip-members", TOO_LARGE, "gzip", member.repeat(32)),
        coded("bomb-zlib", TOO_LARGE, "deflate", zlib(&inside)),
        coded("bomb-raw-deflate", TOO_LARGE, "deflate", deflate(&inside)),
        coded("bomb-brotli", TOO_LARGE, "br", brotli(&inside)),
        coded("bomb-zstd", TOO_LARGE, "zstd", zstd(&inside)),
        coded("bomb-gzip-in-gzip", TOO_LARGE, "gzip, gzip", gzip(&zipped)),
        coded("bomb-gzip-in-brotli", TOO_LARGE, "gzip, br", brotli(&zipped)),
        coded("bomb-brotli-in-zstd", TOO_LARGE, "br, zstd", zstd(&brotli(&inside))),
        coded("bomb-gzip", TOO_LARGE, "x-gzip", zipped),
        Behaviour::answer("bomb-gzip-endless", TOO_LARGE, always(endless)),
    ]
}

fn lies() -> Vec<Behaviour> {
    let long = PAGE.repeat(200);
    let cut = |body: Vec<u8>| body[..body.len() / 2].to_vec();
    let mut bad_sum = gzip(PAGE.as_bytes());
    let sum = bad_sum.len() - 8;
    bad_sum[sum] ^= 0xff;
    let trailing = [gzip(PAGE.as_bytes()), b"and then some".to_vec()].concat();
    let unprintable =
        [b"HTTP/1.1 200 OK\r\nContent-Encoding: \xff\xfe\r\nContent-Length: 4\r\n\r\npage"
            .to_vec()];
    vec![
        coded("coding-unknown", DECODE, "snappy", PAGE),
        coded("coding-three", DECODE, "gzip, gzip, gzip", gzip(&gzip(&gzip(PAGE.as_bytes())))),
        coded("coding-a-thousand", DECODE, &["gzip"; 1_000].join(","), PAGE),
        coded("coding-long-name", DECODE, &"x".repeat(20_000), PAGE),
        coded("coding-lie-plain-as-gzip", DECODE, "gzip", PAGE),
        coded("coding-lie-gzip-as-brotli", CUT, "br", gzip(long.as_bytes())),
        coded("coding-lie-plain-as-zstd", DECODE, "zstd", PAGE),
        coded("coding-lie-gzip-as-identity", Expected::Page, "identity", gzip(PAGE.as_bytes())),
        coded("coding-cut-gzip", CUT, "gzip", cut(gzip(long.as_bytes()))),
        coded("coding-cut-brotli", CUT, "br", cut(brotli(long.as_bytes()))),
        coded("coding-cut-zstd", CUT, "zstd", cut(zstd(long.as_bytes()))),
        coded("coding-cut-deflate", CUT, "deflate", cut(zlib(long.as_bytes()))),
        coded("coding-gzip-wrong-sum", CUT, "gzip", bad_sum),
        coded("coding-gzip-endless-name", CUT, "gzip", {
            [GZIP_NAME.as_slice(), &[b'n'; 1 << 20]].concat()
        }),
        coded("coding-zstd-wide-window", DECODE, "zstd", wide_zstd(long.as_bytes())),
        coded("coding-gzip-and-trailing", Expected::Page, "gzip", trailing),
        coded("coding-gzip-of-nothing", Expected::Page, "gzip", ""),
        Behaviour::answer("coding-unprintable", DECODE, always(unprintable.map(send))),
    ]
}

fn endless() -> Vec<Behaviour> {
    let text = "<p>all work and no play makes jack a dull boy</p>\n".repeat(1_000);
    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
    let length = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ";
    let fast = |name, steps: [Step; 2]| Behaviour::answer(name, TOO_LARGE, always(steps));
    vec![
        fast("endless-body", [open(""), forever(text.clone())]),
        fast("endless-chunks", [chunked(""), forever(chunk)]),
        fast(
            "endless-with-length",
            [send(format!("{length}1000000000000000\r\n\r\n")), forever(text.clone())],
        ),
        fast(
            "endless-inside-gzip-name",
            [
                open("Content-Encoding: gzip\r\n"),
                forever([GZIP_NAME.as_slice(), &[b'n'; 1 << 16]].concat()),
            ],
        ),
        Behaviour::answer(
            "endless-tiny-chunks",
            Expected::Failure(&["too_large", "timeout", "too_slow"]),
            always([chunked(""), forever("1\r\na\r\n".repeat(2_000))]),
        ),
    ]
}

fn slow() -> Vec<Behaviour> {
    let slow = |name, steps: Vec<Step>| Behaviour::answer(name, SLOW, always(steps));
    let promised = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n";
    vec![
        slow("drip-body", vec![open(""), drip("x")]),
        slow("drip-body-with-length", vec![send(promised), drip("x")]),
        slow("drip-chunks", vec![chunked(""), drip("1\r\nx\r\n")]),
        slow("drip-chunk-size", vec![chunked(""), drip("0")]),
        slow("drip-gzip", vec![open("Content-Encoding: gzip\r\n"), send(GZIP_NAME), drip("n")]),
        slow("silence-before-body", vec![send(promised), Step::Silence]),
        slow("silence-in-body", vec![send(promised), send(PAGE), Step::Silence]),
        slow("silence-before-last-chunk", vec![chunked(""), send("4\r\npage\r\n"), Step::Silence]),
        slow("silence-before-end", vec![open(""), send(PAGE), Step::Silence]),
    ]
}
