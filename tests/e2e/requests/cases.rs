//! The table.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::wire::{Answer, Send};

/// One request, and how it has to end.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) send: Send,
    pub(super) expect: Expect,
}

/// How a request has to end. Nothing ends in a 5xx.
#[derive(Clone, Copy)]
pub(super) enum Expect {
    /// A problem document with this status that names the place: `/x` in the body (the empty
    /// string is the whole of it), `?x` in the query, `@x` in the header section; `-` when there
    /// is none to name.
    Problem(u16, &'static str),
    /// As many of them, one after the other.
    Each(usize, u16),
    /// HTTP itself is broken: one of these from the layer below, or a closed connection.
    Broken(&'static [u16]),
    /// Only the status: `HEAD` has no body.
    Status(u16),
}

impl Expect {
    pub(super) fn check(self, answers: &[Answer]) -> Result<()> {
        if let Some(answer) = answers.iter().find(|answer| answer.status >= 500) {
            bail!("a {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        match (self, answers) {
            (Self::Broken(_), []) => Ok(()),
            (Self::Broken(known), [answer]) => {
                ensure!(known.contains(&answer.status), "{answer:?}");
                Ok(())
            }
            (Self::Status(status), [answer]) => {
                ensure!(answer.status == status && answer.body.is_empty(), "{answer:?}");
                Ok(())
            }
            (Self::Problem(status, place), [answer]) => named(answer, status, place),
            (Self::Each(count, status), answers) if answers.len() == count => {
                answers.iter().try_for_each(|answer| named(answer, status, "-"))
            }
            (_, answers) => bail!("{} answers: {answers:?}", answers.len()),
        }
    }
}

fn named(answer: &Answer, status: u16, place: &str) -> Result<()> {
    ensure!(answer.status == status, "{status} was expected: {answer:?}");
    let problem = answer.problem().with_context(|| format!("no problem document: {answer:?}"))?;
    ensure!(problem["status"] == status, "{problem}");
    let (kind, at) = match place.as_bytes() {
        b"-" => return Ok(()),
        [b'?', ..] => ("parameter", &place[1..]),
        [b'@', ..] => ("header", &place[1..]),
        _ => ("pointer", place),
    };
    let errors = problem["errors"].as_array().with_context(|| format!("no place: {problem}"))?;
    ensure!(errors.iter().any(|error| error[kind] == at), "{kind} {at} was expected: {problem}");
    Ok(())
}

const JOBS: &str = "/v1/jobs";
const URL: &str = r#""url":"https://e.example/""#;
const JSON: &str = "Content-Type: application/json\r\n";
const MEGABYTE: usize = 1 << 20;

fn case(name: impl Into<String>, send: Send, expect: Expect) -> Case {
    Case { name: name.into(), send, expect }
}

/// A request with these header lines, each with its end, and this body as it stands.
fn request(line: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let head = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    [head.as_bytes(), body.as_ref()].concat()
}

/// A JSON body for this path.
fn posted(path: &str, body: impl AsRef<[u8]>) -> Send {
    given("POST", path, body)
}

fn given(method: &str, path: &str, body: impl AsRef<[u8]>) -> Send {
    let headers = format!("{JSON}Content-Length: {}\r\n", body.as_ref().len());
    Send::Bytes(request(&format!("{method} {path}"), &headers, body))
}

fn raw(bytes: impl AsRef<[u8]>) -> Send {
    Send::Bytes(bytes.as_ref().to_vec())
}

/// Every one of them.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = wrong_types();
    cases.extend(wrong_values());
    cases.extend(other_bodies());
    cases.extend(not_json());
    cases.extend(injections());
    cases.extend(too_much());
    cases.extend(framing());
    cases.extend(not_http());
    cases.extend(methods_and_targets());
    cases.extend(queries());
    cases.extend(header_fields());
    cases
}

/// Each field of a job as something it is not.
fn wrong_types() -> Vec<Case> {
    let fields = [
        ("method", "1", "/method"),
        ("headers", "[]", "/headers"),
        ("cookies", "5", "/cookies"),
        ("body", "{}", "/body"),
        ("body_base64", "true", "/body_base64"),
        ("timeout", "30", "/timeout"),
        ("deadline", "5", "/deadline"),
        ("max_bytes", "-1", "/max_bytes"),
        ("max_redirects", "\"x\"", "/max_redirects"),
        ("proxy", "1", "/proxy"),
        ("robots", "\"maybe\"", "/robots"),
        ("cache", "7", "/cache"),
        ("only_if_changed", "\"yes\"", "/only_if_changed"),
        ("formats", "\"raw\"", "/formats"),
        ("scope", "0", "/scope"),
        ("select", "5", "/select"),
        ("sink", "5", "/sink"),
        ("metadata", "[]", "/metadata"),
        ("tags", "\"x\"", "/tags"),
        ("delay", "5", "/delay"),
        ("not_before", "[1]", "/not_before"),
        ("retry", "3", "/retry"),
        ("priority", "11", "/priority"),
        ("headers", r#"{"a":1}"#, "/headers/a"),
        ("formats", r#"["raw",{}]"#, "/formats/1"),
        ("tags", "[null]", "/tags/0"),
        ("sink", r#"{"url":{}}"#, "/sink/url"),
        ("retry", r#"{"schedule":["1s",2]}"#, "/retry/schedule/1"),
        ("cache", r#"{"max_age":1}"#, "/cache/max_age"),
    ];
    let job = |(field, value, place): (&str, &str, &'static str)| {
        let body = format!("{{{URL},\"{field}\":{value}}}");
        case(body.clone(), posted(JOBS, body), Expect::Problem(422, place))
    };
    let mut cases: Vec<_> = fields.into_iter().map(job).collect();
    for (body, place) in [
        ("17", ""),
        ("null", ""),
        ("\"https://e.example/\"", ""),
        ("[{}]", "/0"),
        (r#"{"url":17}"#, "/url"),
        (r#"{"url":null}"#, "/url"),
        ("{}", "/url"),
    ] {
        cases.push(case(body, posted(JOBS, body), Expect::Problem(422, place)));
    }
    cases
}

/// Of the right type, and not possible.
fn wrong_values() -> Vec<Case> {
    let long = format!("{{\"url\":\"https://e.example/{}\"}}", "x".repeat(20_000));
    let mut bodies: Vec<(String, &'static str)> = [
        (r#"{"url":"file:///etc/passwd"}"#, "/url"),
        (r#"{"url":"javascript:alert(1)"}"#, "/url"),
        (r#"{"url":"http://user:pass@e.example/"}"#, "/url"),
        (r#"{"url":"http://a\u0000b/"}"#, "/url"),
        (r#"{"url":"http://169.254.169.254/latest/meta-data/"}"#, "/url"),
        (r#"{"url":"http://[::ffff:10.0.0.1]/"}"#, "/url"),
        (r#"{"url":"https://e.example/","url":"https://f.example/"}"#, "/url"),
        (r#"{"url":"https://e.example/","metadata":{"a":{"b":1,"b":2}}}"#, "/metadata/a/b"),
        (r#"{"url":"https://e.example/","headers":{"a":"1","a":"2"}}"#, "/headers/a"),
        (r#"{"url":"https://e.example/","__proto__":{}}"#, "/__proto__"),
        (r#"{"url":"https://e.example/","max_bytes":18446744073709551616}"#, "/max_bytes"),
        (r#"{"url":"https://e.example/","max_bytes":1e300}"#, "/max_bytes"),
        (r#"{"url":"https://e.example/","max_redirects":4294967296}"#, "/max_redirects"),
        (r#"{"url":"https://e.example/","timeout":"99999999999999999999s"}"#, "/timeout"),
        (r#"{"url":"https://e.example/","timeout":"18446744073709551615ms"}"#, "/timeout"),
        (
            r#"{"url":"https://e.example/","retry":{"max_attempts":1000000000}}"#,
            "/retry/max_attempts",
        ),
        (r#"{"url":"https://e.example/","sink":"http://169.254.169.254/"}"#, "/sink"),
        (r#"{"url":"https://e.example/","sink":"../../etc"}"#, "/sink"),
        (r#"{"url":"https://e.example/","tags":["a\u0000b"]}"#, "/tags/0"),
        (r#"{"url":"https://e.example/","body_base64":"%%%"}"#, "/body_base64"),
        (r#"{"url":"https://e.example/","select":{"a":":::"}}"#, "/select/a"),
        (
            r#"{"url":"https://e.example/","select":{"a":{"css":"p","regex":"("}}}"#,
            "/select/a/regex",
        ),
    ]
    .map(|(body, place)| (body.to_owned(), place))
    .to_vec();
    bodies.push((long, "/url"));
    let selector = format!("{{{URL},\"select\":{{\"a\":\"{}p\"}}}}", ":not(".repeat(150));
    bodies.push((selector, "/select/a"));
    let judged = |(body, place): (String, _)| {
        let name: String = body.chars().take(80).collect();
        case(name, posted(JOBS, body), Expect::Problem(422, place))
    };
    bodies.into_iter().map(judged).collect()
}

/// What else takes a body.
fn other_bodies() -> Vec<Case> {
    let job = r#""job":{"url":"https://e.example/"}"#;
    [
        ("POST", "/v1/sinks", r#"{"name":"../x","url":"https://s.example"}"#.to_owned(), "/name"),
        ("POST", "/v1/sinks", r#"{"name":"x","url":"gopher://s.example"}"#.to_owned(), "/url"),
        ("POST", "/v1/sinks", r#"{"name":"x","url":5}"#.to_owned(), "/url"),
        ("POST", "/v1/redrive", r#"{"action":"destroy"}"#.to_owned(), "/action"),
        ("POST", "/v1/redrive", r#"{"action":"refetch","limit":-1}"#.to_owned(), "/limit"),
        ("POST", "/v1/schedules", "{}".to_owned(), "/name"),
        ("POST", "/v1/schedules", format!(r#"{{"name":"x","cron":"* * *",{job}}}"#), "/cron"),
        ("POST", "/v1/schedules", format!(r#"{{"name":"x","cron":"0 0 31 2 *",{job}}}"#), "/cron"),
        ("POST", "/v1/schedules", format!(r#"{{"name":"x","every":"0s",{job}}}"#), "/every"),
        (
            "POST",
            "/v1/schedules",
            format!(r#"{{"name":"x","cron":"@daily","time_zone":"../../etc/passwd",{job}}}"#),
            "/time_zone",
        ),
        (
            "POST",
            "/v1/schedules",
            r#"{"name":"x","cron":"@daily","job":{"url":"http://169.254.169.254/"}}"#.to_owned(),
            "/job/url",
        ),
    ]
    .map(|(method, path, body, place)| {
        let name = format!("{method} {path} {body}");
        case(name, given(method, path, body), Expect::Problem(422, place))
    })
    .into()
}

/// Bodies that are no JSON.
fn not_json() -> Vec<Case> {
    let utf16: Vec<u8> = format!("{{{URL}}}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let nested = |open: &str, levels| format!("{{{URL},\"metadata\":{}", open.repeat(levels));
    let mut bodies: Vec<(&str, Vec<u8>)> = [
        ("nothing", ""),
        ("NaN", r#"{"url":"https://e.example/","max_bytes":NaN}"#),
        ("Infinity", r#"{"url":"https://e.example/","max_bytes":Infinity}"#),
        ("-Infinity", r#"{"url":"https://e.example/","max_bytes":-Infinity}"#),
        ("a number beyond a double", r#"{"url":"https://e.example/","metadata":{"n":1e999}}"#),
        ("a lone surrogate in the URL", r#"{"url":"https://e.example/\ud800"}"#),
        ("a lone surrogate in the metadata", r#"{"url":"https://e.example/","metadata":{"a":"\udfff"}}"#),
        ("a byte order mark", "\u{feff}{\"url\":\"https://e.example/\"}"),
        ("two objects", r#"{"url":"https://e.example/"}{"url":"https://e.example/"}"#),
        ("a comment", r#"{"url":"https://e.example/"/* */}"#),
        ("single quotes", "{'url':'https://e.example/'}"),
        ("a comma at the end", r#"{"url":"https://e.example/",}"#),
        ("a tab in a string", "{\"url\":\"https://e.example/\t\"}"),
        ("an octal number", r#"{"url":"https://e.example/","max_bytes":010}"#),
        ("a form", "url=https%3A%2F%2Fe.example%2F"),
        ("XML", "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>"),
    ]
    .map(|(name, body)| (name, body.as_bytes().to_vec()))
    .to_vec();
    bodies.push(("bad UTF-8", b"{\"url\":\"https://e.example/\xff\xfe\"}".to_vec()));
    bodies.push(("overlong UTF-8", b"{\"url\":\"https://e.example/\xc0\xaf\"}".to_vec()));
    bodies.push(("UTF-16", utf16));
    bodies.push(("NUL", vec![0; 1000]));
    bodies.push(("100,000 arrays", nested("[", 100_000).into_bytes()));
    bodies.push(("100,000 objects", nested("{\"a\":", 100_000).into_bytes()));
    bodies.push((
        "a thousand digits",
        format!("{{{URL},\"metadata\":{{\"n\":{}}}}}", "9".repeat(1000)).into_bytes(),
    ));
    let judged =
        |(name, body): (&str, Vec<u8>)| case(name, posted(JOBS, body), Expect::Problem(400, "-"));
    bodies.into_iter().map(judged).collect()
}

/// Attempts to say more to a site or a sink than one may.
fn injections() -> Vec<Case> {
    [
        (r#""headers":{"x-a":"b\r\nEvil: 1"}"#, "/headers/x-a"),
        (r#""headers":{"x-a":"b\nEvil: 1"}"#, "/headers/x-a"),
        (r#""headers":{"x-a":"b\u0000"}"#, "/headers/x-a"),
        (r#""headers":{"x-a\r\nEvil":"1"}"#, "/headers/x-a\r\nEvil"),
        (r#""headers":{"x-a: b":"1"}"#, "/headers/x-a: b"),
        (r#""headers":{"":"1"}"#, "/headers/"),
        (r#""headers":{"x\u0000y":"1"}"#, "/headers/x\0y"),
        (r#""headers":{"Host":"evil.example"}"#, "/headers/Host"),
        (r#""headers":{"Content-Length":"5"}"#, "/headers/Content-Length"),
        (r#""headers":{"transfer-encoding":"chunked"}"#, "/headers/transfer-encoding"),
        (r#""cookies":{"a":"b\r\nEvil: 1"}"#, "/cookies/a"),
        (r#""cookies":{"a;b":"c"}"#, "/cookies/a;b"),
        (r#""method":"GET / HTTP/1.1\r\nEvil: 1\r\n""#, "/method"),
        (r#""proxy":"http://p.example\r\nEvil: 1""#, "/proxy"),
        (
            r#""sink":{"url":"https://s.example/","headers":{"webhook-id":"1"}}"#,
            "/sink/headers/webhook-id",
        ),
        (r#""sink":{"url":"https://s.example/","headers":{"a":"b\r\nc: d"}}"#, "/sink/headers/a"),
    ]
    .map(|(member, place)| {
        let body = format!("{{{URL},{member}}}");
        case(member, posted(JOBS, body), Expect::Problem(422, place))
    })
    .into()
}

/// More than there may be, or more slowly.
fn too_much() -> Vec<Case> {
    let hundred = 100 * MEGABYTE;
    let announced = format!("{JSON}Content-Length: {hundred}\r\n");
    let chunked = format!("{JSON}Transfer-Encoding: chunked\r\n");
    let expecting = format!("{announced}Expect: 100-continue\r\n");
    let part = vec![b'x'; MEGABYTE];
    let chunk = [format!("{MEGABYTE:x}\r\n").as_bytes(), &part, b"\r\n"].concat();
    let long = |path: &str, headers: &str, part: &[u8]| {
        let head = request(&format!("POST {path}"), headers, "");
        Send::Endless(head, part.to_vec(), 100)
    };
    let many: String = (0..10_000).map(|n| format!("x-{n}: y\r\n")).collect();
    let slow = |first: Vec<u8>, part: &str| {
        Send::Slow(first, part.as_bytes().to_vec(), Duration::from_millis(500))
    };
    let whole = format!("{{{URL}}}");
    let short = format!("{JSON}Content-Length: {}\r\n", whole.len() + 10);
    let too_large = Expect::Problem(413, "-");
    let broken = Expect::Broken(&[400, 408, 414, 431]);
    vec![
        case("100 MB, announced", long(JOBS, &announced, &part), too_large),
        case("100 MB, in chunks", long(JOBS, &chunked, &chunk), too_large),
        case("100 MB to /", long("/", &announced, &part), too_large),
        case("100 MB of a sink", long("/v1/sinks", &announced, &part), too_large),
        case("100 MB of a schedule, in chunks", long("/v1/schedules", &chunked, &chunk), too_large),
        case("100 MB of a redrive", long("/v1/redrive", &announced, &part), too_large),
        case(
            "100 MB, only announced",
            Send::Bytes(request("POST /v1/jobs", &expecting, "")),
            too_large,
        ),
        case(
            "more than there is in the world",
            raw(request(
                "POST /v1/jobs",
                &format!("{JSON}Content-Length: 9223372036854775807\r\n"),
                "{",
            )),
            too_large,
        ),
        case(
            "a body that ends early",
            raw(request("POST /v1/jobs", &short, &whole)),
            Expect::Problem(400, "-"),
        ),
        case("10,000 header fields", raw(request("GET /healthz", &many, "")), broken),
        case(
            "a header field without an end",
            Send::Endless(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ".to_vec(), part.clone(), 100),
            broken,
        ),
        case(
            "a header section without an end",
            Send::Endless(
                b"GET /healthz HTTP/1.1\r\n".to_vec(),
                b"X-A: b\r\n".repeat(1000),
                10_000,
            ),
            broken,
        ),
        case(
            "a URL of a megabyte",
            raw(request(&format!("GET /{}", "x".repeat(MEGABYTE)), "", "")),
            broken,
        ),
        case("a method of a megabyte", raw(vec![b'A'; MEGABYTE]), broken),
        case(
            "a slow header section",
            slow(b"GET /healthz HTTP/1.1\r\nHost: x\r\n".to_vec(), "X-A: b\r\n"),
            broken,
        ),
        case("a slow request line", slow(b"GE".to_vec(), "T"), broken),
        case(
            "a slow body",
            slow(
                request("POST /v1/jobs", &announced.replace(&hundred.to_string(), "9999"), ""),
                " ",
            ),
            Expect::Problem(408, "-"),
        ),
        case(
            "a slow body in chunks",
            slow(request("POST /v1/jobs", &chunked, ""), "1\r\n \r\n"),
            Expect::Problem(408, "-"),
        ),
    ]
}

/// Two ideas of where a request ends.
fn framing() -> Vec<Case> {
    let post = |headers: &str, body: &str| {
        let head = format!("POST /v1/jobs HTTP/1.1\r\nHost: x\r\n{JSON}{headers}\r\n{body}");
        raw(head)
    };
    let second = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let broken = Expect::Broken(&[400]);
    let unreadable = Expect::Problem(400, "-");
    let ends = |length: &str| post(&format!("Content-Length: {length}\r\n"), "{}");
    vec![
        // The chunks count (RFC 9112 §6.3), and the connection ends: nothing is smuggled behind.
        case(
            "a length, and chunks",
            post(
                "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
                &format!("0\r\n\r\n{second}"),
            ),
            unreadable,
        ),
        case(
            "chunks, and a length",
            post(
                "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
                &format!("0\r\n\r\n{second}"),
            ),
            unreadable,
        ),
        case(
            "two lengths",
            post("Content-Length: 2\r\nContent-Length: 40\r\n", &format!("{{}}{second}")),
            broken,
        ),
        case("a list of lengths", ends("2, 40"), broken),
        case("a negative length", ends("-2"), broken),
        case("a length with a sign", ends("+2"), broken),
        case("a hexadecimal length", ends("0x2"), broken),
        case("a length beyond 64 bits", ends("99999999999999999999"), broken),
        case("a length that is empty", ends(""), broken),
        case("xchunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), broken),
        case(
            "chunked, but not at last",
            post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
            broken,
        ),
        case("gzip, and no chunks", post("Transfer-Encoding: gzip\r\n", "0\r\n\r\n"), broken),
        case(
            "a space before the colon",
            post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
            broken,
        ),
        case("a folded field", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), broken),
        case(
            "chunks in HTTP/1.0",
            raw("POST /v1/jobs HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            broken,
        ),
        case(
            "a chunk size that is none",
            post("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"),
            unreadable,
        ),
        case(
            "a negative chunk size",
            post("Transfer-Encoding: chunked\r\n", "-2\r\n{}\r\n0\r\n\r\n"),
            unreadable,
        ),
        case(
            "a chunk size beyond 64 bits",
            post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n{}\r\n"),
            unreadable,
        ),
        case(
            "a chunk longer than it says",
            post("Transfer-Encoding: chunked\r\n", "1\r\n{}\r\n0\r\n\r\n"),
            unreadable,
        ),
        case(
            "a chunk that ends in LF",
            post("Transfer-Encoding: chunked\r\n", "2\n{}\n0\n\n"),
            unreadable,
        ),
        case(
            "chunk extensions without an end",
            post(
                "Transfer-Encoding: chunked\r\n",
                &format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(100_000)),
            ),
            unreadable,
        ),
        case(
            "trailers without an end",
            post(
                "Transfer-Encoding: chunked\r\n",
                &format!("2\r\n{{}}\r\n0\r\n{}\r\n", "x-a: b\r\n".repeat(100_000)),
            ),
            unreadable,
        ),
        // Understood (RFC 9112 §7.1.1); it is the job that is wrong.
        case(
            "a chunk extension",
            post("Connection: close\r\nTransfer-Encoding: chunked\r\n", "2;a=b\r\n{}\r\n0\r\n\r\n"),
            Expect::Problem(422, "/url"),
        ),
        case(
            "a hundred requests at once",
            raw(format!(
                "{}{}",
                "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n".repeat(99),
                "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )),
            Expect::Each(100, 404),
        ),
    ]
}

/// Bytes that are no request.
fn not_http() -> Vec<Case> {
    let line = |line: &str| raw(format!("{line}\r\nHost: x\r\nConnection: close\r\n\r\n"));
    let field =
        |field: &[u8]| raw([b"GET /nowhere HTTP/1.1\r\nHost: x\r\n", field, b"\r\n\r\n"].concat());
    let broken = Expect::Broken(&[400]);
    vec![
        case("nothing at all", raw(""), broken),
        case("a TLS greeting", raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), broken),
        case(
            "the preface of HTTP/2",
            raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
            Expect::Broken(&[400, 505]),
        ),
        case("SOCKS 5", raw(b"\x05\x01\x00\r\n\r\n"), broken),
        case("HTTP/0.9", raw("GET /\r\n\r\n"), broken),
        case("HTTP/3.0", line("GET / HTTP/3.0"), broken),
        case("a version that is none", line("GET / HTTP/x"), broken),
        case("a method that is none", line("G\x01T / HTTP/1.1"), broken),
        case("two spaces in the first line", line("GET  / HTTP/1.1"), broken),
        case("a NUL in the target", line("GET /a\0b HTTP/1.1"), broken),
        case("a space in the target", line("GET /a b HTTP/1.1"), broken),
        case("a NUL in a field", field(b"X-A: a\0b"), broken),
        case("a carriage return in a field", field(b"X-A: a\rb: c"), broken),
        case("a field without a name", field(b": a"), broken),
        case("a field without a colon", field(b"X-A"), broken),
        case("a name with a space in it", field(b"X A: b"), broken),
        case("a name beyond ASCII", field("X-\u{e9}: b".as_bytes()), broken),
        // A lone LF ends a line too (RFC 9112 §2.2); what is asked for is not there.
        case(
            "lines that end in LF",
            raw("GET /nowhere HTTP/1.1\nHost: x\nConnection: close\n\n"),
            Expect::Problem(404, "-"),
        ),
    ]
}

/// What is asked of what.
fn methods_and_targets() -> Vec<Case> {
    let none = "0190b0c5-0000-7000-8000-000000000000";
    let long = format!("GET /v1/jobs/{}", "x".repeat(20_000));
    let asked = |line: &str| raw(request(line, "", ""));
    let mut cases = vec![
        case("HEAD where only POST goes", asked("HEAD /v1/pull/ack"), Expect::Status(405)),
        case(
            "HEAD of a job that is not there",
            asked(&format!("HEAD /v1/jobs/{none}")),
            Expect::Status(404),
        ),
        case("a very long id", asked(&long), Expect::Problem(404, "-")),
        case(
            "an upgrade to HTTP/2",
            raw(request(
                &format!("GET /v1/jobs/{none}"),
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
                "",
            )),
            Expect::Problem(404, "-"),
        ),
        case(
            "an upgrade to a WebSocket",
            raw(request(
                &format!("GET /v1/jobs/{none}"),
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
                "",
            )),
            Expect::Problem(404, "-"),
        ),
    ];
    for line in [
        "TRACE /v1/jobs",
        "BREW /v1/jobs",
        "PUT /v1/jobs",
        "DELETE /healthz",
        "PATCH /",
        "get /v1/jobs",
        "POST /v1/lanes",
        "PUT /v1/schedules",
    ] {
        cases.push(case(line, asked(line), Expect::Problem(405, "-")));
    }
    for line in [
        "GET /v1/jobs/..%2f..%2f..%2fetc%2fpasswd",
        "GET /v1/jobs/%2e%2e%2f",
        "GET /v1/jobs/%00",
        "GET /v1/jobs/%c0%ae%c0%ae%c0%af",
        "GET /v1/jobs/%ff%fe",
        "GET /v1/jobs/%",
        "GET /v1/jobs/../../../etc/passwd",
        "GET /v1/jobs/..\\..\\boot.ini",
        "GET /v1/jobs/0190B0C500007000800000000000000/result",
        "GET /v1/jobs/'%20OR%20'1'%3d'1",
        "GET //v1/jobs",
        "GET /v1/jobs/",
        "GET /.git/config",
        "GET /v1/sinks/..%2fkeys",
        "GET /v1/schedules/%00",
        "DELETE /v1/schedules/..",
        "GET /v1/redrive/%0d%0aEvil:%201",
        "OPTIONS *",
    ] {
        cases.push(case(line, asked(line), Expect::Problem(404, "-")));
    }
    // Meant for somebody else.
    for line in ["GET http://evil.example/nowhere", "CONNECT e.example:443"] {
        cases.push(case(line, asked(line), Expect::Problem(421, "-")));
    }
    cases
}

/// What is asked for with a question mark.
fn queries() -> Vec<Case> {
    [
        ("/v1/jobs?limit=0", "?limit"),
        ("/v1/jobs?limit=-1", "?limit"),
        ("/v1/jobs?limit=99999999999999999999", "?limit"),
        ("/v1/jobs?limit=1&limit=2", "?limit"),
        ("/v1/jobs?cursor=AAAA", "?cursor"),
        ("/v1/jobs?cursor=%00%ff", "?cursor"),
        ("/v1/jobs?status=lost", "?status"),
        ("/v1/jobs?since=yesterday", "?since"),
        ("/v1/jobs?colour=1", "?colour"),
        ("/v1/jobs?=1", "?"),
        ("/v1/lanes?status=queued", "?status"),
        ("/v1/sinks?x=1", "?x"),
        ("/v1/redrive?x=1", "?x"),
        ("/v1/schedules?limit=1", "?limit"),
    ]
    .map(|(path, place)| {
        let send = raw(request(&format!("GET {path}"), "", ""));
        case(path, send, Expect::Problem(400, place))
    })
    .into()
}

/// Types, codings and keys.
fn header_fields() -> Vec<Case> {
    let body = format!("{{{URL}}}");
    let with = |headers: &str| {
        let headers = format!("{headers}Content-Length: {}\r\n", body.len());
        raw(request("POST /v1/jobs", &headers, &body))
    };
    let typed = |media: &str| with(&format!("Content-Type: {media}\r\n"));
    let (wrong_type, wrong_coding) =
        (Expect::Problem(415, "@content-type"), Expect::Problem(415, "@content-encoding"));
    let wrong_key = Expect::Problem(400, "@idempotency-key");
    let coded = |coding: &str| with(&format!("{JSON}Content-Encoding: {coding}\r\n"));
    let keyed = |keys: &str| with(&format!("{JSON}{keys}"));
    vec![
        case("no type", with(""), wrong_type),
        case("plain text", typed("text/plain"), wrong_type),
        case("a form with parts", typed("multipart/form-data; boundary=x"), wrong_type),
        case("XML by its type", typed("application/xml"), wrong_type),
        case("JSON in UTF-16", typed("application/json; charset=utf-16"), wrong_type),
        case("a type that is none", typed("\u{1f4a5}"), wrong_type),
        case("gzip", coded("gzip"), wrong_coding),
        case("an unknown coding", coded("rot13"), wrong_coding),
        case(
            "a form from a foreign page",
            raw(request(
                "POST /",
                &format!(
                    "Origin: https://evil.example\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n",
                    body.len()
                ),
                &body,
            )),
            Expect::Problem(403, "-"),
        ),
        case("two keys", keyed("Idempotency-Key: a\r\nIdempotency-Key: b\r\n"), wrong_key),
        case("an empty key", keyed("Idempotency-Key: \"\"\r\n"), wrong_key),
        case(
            "a very long key",
            keyed(&format!("Idempotency-Key: {}\r\n", "k".repeat(10_000))),
            wrong_key,
        ),
        case("a key beyond ASCII", keyed("Idempotency-Key: \u{e9}\r\n"), wrong_key),
    ]
}
