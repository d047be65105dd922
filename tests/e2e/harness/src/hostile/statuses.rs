//! Statuses that nobody asked for, and absurd wishes beside them.

use super::script::{PAGE, Step, always, answer, forever, page, send};
use super::{Behaviour, Expected};

const STATUS: Expected = Expected::Failure(&["status"]);
const BODY: Expected = Expected::Failure(&["body"]);

pub(super) fn behaviours() -> Vec<Behaviour> {
    let of = |name, expected, steps: Vec<Step>| Behaviour::answer(name, expected, always(steps));
    let status = |name, line: &str, lines: &str| of(name, STATUS, vec![answer(line, lines, PAGE)]);
    let bare = |line: &str| vec![send(format!("HTTP/1.1 {line}\r\nConnection: close\r\n\r\n"))];
    let cookie = format!("Set-Cookie: a={}\r\n", "v".repeat(3_000)).repeat(30);
    vec![
        status("status-401", "401 Unauthorized", "WWW-Authenticate: Basic realm=\"\\\"\r\n"),
        status("status-403", "403 Forbidden", ""),
        status("status-404", "404 Not Found", ""),
        status("status-407", "407 Proxy Authentication Required", ""),
        status("status-410", "410 Gone", ""),
        status("status-999", "999 Request denied", ""),
        status("status-600", "600 Beyond", ""),
        status("later-for-ages", "429 Too Many Requests", "Retry-After: 1000000000000000000\r\n"),
        status("later-beyond-64-bits", "429 Too Many Requests", {
            "Retry-After: 99999999999999999999999999\r\n"
        }),
        status("later-year-9999", "429 Too Many Requests", {
            "Date: Mon, 23 Nov 2026 12:00:00 GMT\r\nRetry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"
        }),
        status("later-long-ago", "503 Service Unavailable", {
            "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        }),
        status("later-negative", "503 Service Unavailable", "Retry-After: -1\r\n"),
        status("later-garbage", "503 Service Unavailable", "Retry-After: \u{1f631}\r\n"),
        status("later-twice", "503 Service Unavailable", "Retry-After: 0\r\nRetry-After: 1e99\r\n"),
        status("later-by-limits", "429 Too Many Requests", {
            "RateLimit: \"default\";r=0;t=999999999999999\r\nX-RateLimit-Remaining: 0\r\n\
             X-RateLimit-Reset: 99999999999999999999\r\n"
        }),
        of(
            "status-500-endless",
            STATUS,
            vec![send("HTTP/1.1 500 Internal Server Error\r\n\r\n"), forever([b'x'; 8_192])],
        ),
        of("status-304-unasked", BODY, bare("304 Not Modified")),
        of(
            "status-206-unasked",
            BODY,
            vec![answer("206 Partial Content", "Content-Range: bytes 0-9/1000\r\n", "0123456789")],
        ),
        of("status-204", Expected::Page, bare("204 No Content")),
        of("status-205", Expected::Page, vec![answer("205 Reset Content", "", "")]),
        of("status-204-with-body", Expected::Page, vec![answer("204 No Content", "", PAGE)]),
        of("status-304-with-body", BODY, vec![answer("304 Not Modified", "", PAGE)]),
        of("status-299", Expected::Page, vec![answer("299 Something", "", PAGE)]),
        of("cookies-ninety-kilobytes", Expected::Page, vec![page(&cookie, PAGE)]),
        of(
            "cookies-garbage",
            Expected::Page,
            vec![page(
                "Set-Cookie: ===;;;=\r\nSet-Cookie: \r\nSet-Cookie: a=b; Max-Age=1e400; Domain=com\r\n",
                PAGE,
            )],
        ),
    ]
}
