//! What is refused, with which status, and where it says the fault is.

use http::header;
use ingest::{Config, Limits};
use jobs::{Bounds, Store as _};
use proptest::prelude::*;

use crate::world::World;

/// Bodies that cannot be read as JSON: 400.
const UNREADABLE: &[&[u8]] = &[
    b"",
    b" ",
    b"{",
    b"[",
    b"nul",
    b"url=https%3A%2F%2Fexample.com",
    br#"{"url":"https://example.com"}x"#,
    br#"{"url":"https://example.com"}{}"#,
    br#"{"url":"https://example.com""#,
    br#"{"url":"https://example.com",}"#,
    br#"{"url" "https://example.com"}"#,
    br#"{url:"https://example.com"}"#,
    br#"{'url':'https://example.com'}"#,
    b"// a comment\n{}",
    br#"{"url":NaN}"#,
    br#"{"max_bytes":Infinity}"#,
    br#"{"max_bytes":-Infinity}"#,
    br#"{"max_bytes":1e999}"#,
    br#"{"max_bytes":01}"#,
    br#"{"max_bytes":+1}"#,
    br#"{"max_bytes":.5}"#,
    br#"{"url":"\ud800"}"#,
    br#"{"url":"\udc00\ud800"}"#,
    br#"{"url":"\x41"}"#,
    b"{\"url\":\"https://exa\nmple.com\"}",
    b"{\"url\":\"https://exa\x00mple.com\"}",
    b"{\"url\":\"\xff\"}",
    b"{\"url\":\"\xc0\xaf\"}",
    b"\xef\xbb\xbf{\"url\":\"https://example.com\"}",
    b"\xff\xfe{\x00}\x00",
    br#"{"url":"https://example.com","metadata":{"a":"\ud800"}}"#,
    br#"{"url":"https://example.com","metadata":{"a":1e999}}"#,
    br#"{"url":"https://example.com","metadata":{"a":"#,
    b"{\"url\":\"https://example.com\",\"metadata\":{\"a\":\"\xff\"}}",
];

/// Bodies that are JSON but no job: 422 at this pointer.
const INVALID: &[(&str, &str)] = &[
    ("[]", ""),
    ("null", ""),
    ("42", ""),
    (r#""https://example.com""#, ""),
    ("{}", "/url"),
    (r#"{"url":null}"#, "/url"),
    (r#"{"url":5}"#, "/url"),
    (r#"{"url":["https://example.com"]}"#, "/url"),
    (r#"{"url":""}"#, "/url"),
    (r#"{"url":"example.com"}"#, "/url"),
    (r#"{"url":"//example.com"}"#, "/url"),
    (r#"{"url":"ftp://example.com"}"#, "/url"),
    (r#"{"url":"javascript:alert(1)"}"#, "/url"),
    (r#"{"url":"file:///etc/passwd"}"#, "/url"),
    (r#"{"url":"https://"}"#, "/url"),
    (r#"{"url":"http://exa mple.com"}"#, "/url"),
    (r#"{"url":"http://[::1"}"#, "/url"),
    (r#"{"url":"http://example.com:99999"}"#, "/url"),
    (r#"{"url":"https://me:secret@example.com"}"#, "/url"),
    (r#"{"url":"http://127.0.0.1/"}"#, "/url"),
    (r#"{"url":"http://0x7f.1/"}"#, "/url"),
    (
        r#"{"url":"https://example.com","url":"https://example.com"}"#,
        "/url",
    ),
    (r#"{"url":"https://example.com","urll":1}"#, "/urll"),
    (r#"{"url":"https://example.com","a/b~c":1}"#, "/a~1b~0c"),
    (r#"{"url":"https://example.com","":1}"#, "/"),
    (
        r#"{"url":"https://example.com","proxy":"http://p"}"#,
        "/proxy",
    ),
    (r#"{"url":"https://example.com","select":{}}"#, "/select"),
    (
        r#"{"url":"https://example.com","robots":"obey"}"#,
        "/robots",
    ),
    (r#"{"url":"https://example.com","cache":{}}"#, "/cache"),
    (r#"{"url":"https://example.com","priority":1}"#, "/priority"),
    (r#"{"url":"https://example.com","method":"get"}"#, "/method"),
    (
        r#"{"url":"https://example.com","method":"CONNECT"}"#,
        "/method",
    ),
    (r#"{"url":"https://example.com","method":1}"#, "/method"),
    (r#"{"url":"https://example.com","headers":[]}"#, "/headers"),
    (
        r#"{"url":"https://example.com","headers":{"x":1}}"#,
        "/headers/x",
    ),
    (
        r#"{"url":"https://example.com","headers":{"host":"x"}}"#,
        "/headers/host",
    ),
    (
        r#"{"url":"https://example.com","headers":{"Connection":"x"}}"#,
        "/headers/Connection",
    ),
    (
        r#"{"url":"https://example.com","headers":{"content-length":"1"}}"#,
        "/headers/content-length",
    ),
    (
        r#"{"url":"https://example.com","headers":{"a b":"x"}}"#,
        "/headers/a b",
    ),
    (
        r#"{"url":"https://example.com","headers":{"":"x"}}"#,
        "/headers/",
    ),
    (
        r#"{"url":"https://example.com","headers":{"x":"a\r\nb: c"}}"#,
        "/headers/x",
    ),
    (
        r#"{"url":"https://example.com","headers":{"x":"a\u0000b"}}"#,
        "/headers/x",
    ),
    (
        r#"{"url":"https://example.com","headers":{"x":"\u00fc"}}"#,
        "/headers/x",
    ),
    (
        r#"{"url":"https://example.com","headers":{"x":" a"}}"#,
        "/headers/x",
    ),
    (
        r#"{"url":"https://example.com","headers":{"x":"1","X":"2"}}"#,
        "/headers/X",
    ),
    (
        r#"{"url":"https://example.com","headers":{"x":"1","x":"2"}}"#,
        "/headers/x",
    ),
    (
        r#"{"url":"https://example.com","cookies":{"a b":"x"}}"#,
        "/cookies/a b",
    ),
    (
        r#"{"url":"https://example.com","cookies":{"a":"x; y"}}"#,
        "/cookies/a",
    ),
    (
        r#"{"url":"https://example.com","cookies":{"a":"x"},"headers":{"cookie":"b=y"}}"#,
        "/cookies",
    ),
    (r#"{"url":"https://example.com","body":{}}"#, "/body"),
    (
        r#"{"url":"https://example.com","body":"x","body_base64":"eA=="}"#,
        "/body_base64",
    ),
    (
        r#"{"url":"https://example.com","body_base64":"!!"}"#,
        "/body_base64",
    ),
    (r#"{"url":"https://example.com","timeout":30}"#, "/timeout"),
    (
        r#"{"url":"https://example.com","timeout":"30"}"#,
        "/timeout",
    ),
    (
        r#"{"url":"https://example.com","timeout":"-1s"}"#,
        "/timeout",
    ),
    (
        r#"{"url":"https://example.com","timeout":"0s"}"#,
        "/timeout",
    ),
    (
        r#"{"url":"https://example.com","timeout":"31s"}"#,
        "/timeout",
    ),
    (
        r#"{"url":"https://example.com","timeout":"99999999999999999999d"}"#,
        "/timeout",
    ),
    (
        r#"{"url":"https://example.com","max_bytes":-1}"#,
        "/max_bytes",
    ),
    (
        r#"{"url":"https://example.com","max_bytes":0}"#,
        "/max_bytes",
    ),
    (
        r#"{"url":"https://example.com","max_bytes":1.5}"#,
        "/max_bytes",
    ),
    (
        r#"{"url":"https://example.com","max_bytes":10000001}"#,
        "/max_bytes",
    ),
    (
        r#"{"url":"https://example.com","max_bytes":"11MB"}"#,
        "/max_bytes",
    ),
    (
        r#"{"url":"https://example.com","max_bytes":"10mb"}"#,
        "/max_bytes",
    ),
    (
        r#"{"url":"https://example.com","max_bytes":true}"#,
        "/max_bytes",
    ),
    (
        r#"{"url":"https://example.com","max_redirects":11}"#,
        "/max_redirects",
    ),
    (
        r#"{"url":"https://example.com","max_redirects":-1}"#,
        "/max_redirects",
    ),
    (
        r#"{"url":"https://example.com","max_redirects":4294967296}"#,
        "/max_redirects",
    ),
    (
        r#"{"url":"https://example.com","max_redirects":123456789012345678901234567890}"#,
        "/max_redirects",
    ),
    (
        r#"{"url":"https://example.com","formats":"raw"}"#,
        "/formats",
    ),
    (r#"{"url":"https://example.com","formats":[]}"#, "/formats"),
    (
        r#"{"url":"https://example.com","formats":["raw","pdf"]}"#,
        "/formats/1",
    ),
    (
        r#"{"url":"https://example.com","formats":["raw","raw"]}"#,
        "/formats/1",
    ),
    (r#"{"url":"https://example.com","sink":5}"#, "/sink"),
    (r#"{"url":"https://example.com","sink":"nowhere"}"#, "/sink"),
    (
        r#"{"url":"https://example.com","sink":"http://127.0.0.1/"}"#,
        "/sink",
    ),
    (r#"{"url":"https://example.com","sink":{}}"#, "/sink/url"),
    (
        r#"{"url":"https://example.com","sink":{"url":"ftp://s.example"}}"#,
        "/sink/url",
    ),
    (
        r#"{"url":"https://example.com","sink":{"urll":"https://s.example"}}"#,
        "/sink/urll",
    ),
    (
        r#"{"url":"https://example.com","sink":{"url":"https://s.example","format":"x"}}"#,
        "/sink/format",
    ),
    (
        r#"{"url":"https://example.com","sink":{"url":"https://a.example","url":"https://b.example"}}"#,
        "/sink/url",
    ),
    (
        r#"{"url":"https://example.com","sink":{"url":"https://s.example","headers":{"Webhook-Id":"x"}}}"#,
        "/sink/headers/Webhook-Id",
    ),
    (
        r#"{"url":"https://example.com","sink":{"url":"https://s.example","headers":{"content-type":"x"}}}"#,
        "/sink/headers/content-type",
    ),
    (
        r#"{"url":"https://example.com","metadata":[]}"#,
        "/metadata",
    ),
    (
        r#"{"url":"https://example.com","metadata":"x"}"#,
        "/metadata",
    ),
    (
        r#"{"url":"https://example.com","metadata":{"a":[{"b":1,"b":2}]}}"#,
        "/metadata/a/0/b",
    ),
    (r#"{"url":"https://example.com","tags":"x"}"#, "/tags"),
    (r#"{"url":"https://example.com","tags":[1]}"#, "/tags/0"),
    (
        r#"{"url":"https://example.com","tags":["a",""]}"#,
        "/tags/1",
    ),
    (
        r#"{"url":"https://example.com","tags":["a","a"]}"#,
        "/tags/1",
    ),
    (
        r#"{"url":"https://example.com","tags":["a\u0007"]}"#,
        "/tags/0",
    ),
    (r#"{"url":"https://example.com","delay":"31d"}"#, "/delay"),
    (
        r#"{"url":"https://example.com","delay":"1s","not_before":"2026-11-22T11:00:00Z"}"#,
        "/delay",
    ),
    (
        r#"{"url":"https://example.com","not_before":"tomorrow"}"#,
        "/not_before",
    ),
    (
        r#"{"url":"https://example.com","not_before":"2027-11-22T10:00:00Z"}"#,
        "/not_before",
    ),
    (
        r#"{"url":"https://example.com","deadline":"soon"}"#,
        "/deadline",
    ),
    (
        r#"{"url":"https://example.com","deadline":"0s"}"#,
        "/deadline",
    ),
    (
        r#"{"url":"https://example.com","deadline":"31d"}"#,
        "/deadline",
    ),
    (
        r#"{"url":"https://example.com","deadline":"2020-01-01T00:00:00Z"}"#,
        "/deadline",
    ),
    (
        r#"{"url":"https://example.com","deadline":"1m","delay":"2m"}"#,
        "/deadline",
    ),
    (r#"{"url":"https://example.com","retry":3}"#, "/retry"),
    (
        r#"{"url":"https://example.com","retry":{"max_attempts":0}}"#,
        "/retry/max_attempts",
    ),
    (
        r#"{"url":"https://example.com","retry":{"max_attempts":21}}"#,
        "/retry/max_attempts",
    ),
    (
        r#"{"url":"https://example.com","retry":{"schedule":"0,5s"}}"#,
        "/retry/schedule",
    ),
];

#[tokio::test]
async fn what_is_not_json_is_400_with_its_place() {
    let world = World::new();
    for body in UNREADABLE {
        let detail = world.post(*body).await.problem(400);
        assert!(
            detail.contains("line ") && detail.contains("column "),
            "{detail}"
        );
    }
    assert_eq!(world.store.counts().live(), 0);
}

#[tokio::test]
async fn what_is_no_job_is_422_at_its_pointer() {
    let world = World::new();
    for (body, pointer) in INVALID {
        let answer = world.post(*body).await;
        assert_eq!(answer.status, 422, "{body}");
        let detail = answer.problem(422);
        let errors = &answer.json()["errors"];
        assert_eq!(errors[0]["pointer"], *pointer, "{body}: {detail}");
        assert!(!errors[0]["detail"].as_str().unwrap().is_empty(), "{body}");
        assert!(!detail.contains("secret"), "{detail}");
    }
    assert_eq!(world.store.counts().live(), 0);
}

#[tokio::test]
async fn nesting_is_bounded_wherever_it_is() {
    let world = World::new();
    for depth in [200, 100_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for field in ["metadata", "unknown", "url"] {
            let body = format!(r#"{{"tags":[],"{field}":{{"a":{deep}}}}}"#);
            let answer = world.post(body).await;
            assert_eq!(answer.status, 400, "{field} {depth}: {answer:?}");
        }
        assert_eq!(world.post(deep).await.status, 400);
    }
}

#[tokio::test]
async fn too_many_and_too_long_are_refused() {
    let world = World::new();
    let members = |n: usize| {
        (0..n)
            .map(|i| format!(r#""x-{i}":"v""#))
            .collect::<Vec<_>>()
            .join(",")
    };
    for (field, value, pointer) in [
        ("headers", format!("{{{}}}", members(65)), "/headers"),
        (
            "headers",
            format!(r#"{{"x":"{}"}}"#, "v".repeat(20_000)),
            "/headers",
        ),
        ("cookies", format!("{{{}}}", members(65)), "/cookies"),
        (
            "tags",
            format!("[{}]", vec![r#""t""#; 33].join(",")),
            "/tags",
        ),
        ("tags", format!(r#"["{}"]"#, "t".repeat(129)), "/tags/0"),
        (
            "sink",
            format!(r#""https://s.example/{}""#, "p".repeat(8192)),
            "/sink",
        ),
        (
            "sink",
            format!(r#""https://s.example/{}""#, "ü".repeat(3000)),
            "/sink",
        ),
    ] {
        let answer = world
            .post(format!(
                r#"{{"url":"https://e.example","{field}":{value}}}"#
            ))
            .await;
        answer.problem(422);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{field}");
    }
}

#[tokio::test]
async fn hostile_texts_are_not_echoed_whole() {
    let world = World::new();
    let long = "ü".repeat(200_000);
    for body in [
        format!(r#"{{"url":"https://e.example","{long}":1}}"#),
        format!(r#"{{"url":"https://e.example","timeout":"{long}"}}"#),
        format!(r#"{{"url":"https://e.example","formats":["{long}"]}}"#),
    ] {
        let answer = world.post(body).await;
        answer.problem(422);
        assert!(answer.body.len() < 4096, "{} bytes", answer.body.len());
    }
}

#[tokio::test]
async fn an_unknown_field_names_those_that_are_known() {
    let world = World::new();
    let sink = r#"{"url":"https://e.example","sink":{"urll":"https://s.example"}}"#;
    let detail = world.post(sink).await.problem(422);
    assert_eq!(
        detail,
        "/sink/urll: unknown field `urll`, expected `url` or `headers`"
    );
    let detail = world
        .post(r#"{"uri":"https://e.example"}"#)
        .await
        .problem(422);
    for known in ["`url`", "`sink`", "`retry`", "`body_base64`"] {
        assert!(detail.contains(known), "{detail}");
    }
}

#[tokio::test]
async fn all_faults_are_told_at_once() {
    let world = World::new();
    let body = r#"{"url":"nope","method":"FETCH","timeout":"1h","sink":"nope","tags":[""]}"#;
    let answer = world.post(body).await;
    let detail = answer.problem(422);
    assert!(detail.ends_with("(and 4 more)"), "{detail}");
    let errors = answer.json()["errors"].clone();
    let mut pointers: Vec<_> = errors
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["pointer"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        ["/method", "/sink", "/tags/0", "/timeout", "/url"]
    );
}

#[tokio::test]
async fn only_json_is_taken_and_a_bare_curl_on_the_root() {
    let world = World::new();
    let job = r#"{"url":"https://example.com"}"#;
    let form = "application/x-www-form-urlencoded";
    for (path, media, status) in [
        ("/v1/jobs", Some("application/json"), 202),
        ("/v1/jobs", Some("Application/JSON; charset=UTF-8"), 202),
        ("/v1/jobs", Some("application/cloudevents+json"), 202),
        ("/v1/jobs", Some("application/json; charset=latin1"), 415),
        ("/v1/jobs", Some("text/plain"), 415),
        ("/v1/jobs", Some("application/jsonx"), 415),
        ("/v1/jobs", Some(form), 415),
        ("/v1/jobs", None, 415),
        ("/", Some("application/json"), 202),
        ("/", Some(form), 202),
        ("/", None, 202),
        ("/", Some("text/plain"), 415),
        ("/", Some("multipart/form-data"), 415),
    ] {
        let mut request = http::Request::post(path);
        if let Some(media) = media {
            request = request.header(header::CONTENT_TYPE, media);
        }
        let answer = world.send(request.body(job.into()).unwrap()).await;
        assert_eq!(answer.status, status, "{path} {media:?}");
        if status == 415 {
            answer.problem(415);
            assert_eq!(answer.header(header::ACCEPT), "application/json");
        }
    }
}

#[tokio::test]
async fn a_page_of_another_site_cannot_submit_behind_its_reader_s_back() {
    let world = World::new();
    let form = "application/x-www-form-urlencoded";
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let request = http::Request::post("/")
            .header("content-type", form)
            .header(name, value);
        let body = r#"{"url":"https://example.com"}"#;
        world
            .send(request.body(body.into()).unwrap())
            .await
            .problem(415);
    }
}

#[tokio::test]
async fn an_encoded_body_is_refused_with_what_is_taken() {
    let world = World::new();
    let answer = world.post_with("x", &[("content-encoding", "gzip")]).await;
    answer.problem(415);
    assert_eq!(answer.header(header::ACCEPT_ENCODING), "identity");
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let world = World::with(
        Config {
            max_body: 100,
            ..Config::default()
        },
        Bounds::default(),
    );
    let body = format!(r#"{{"url":"https://example.com/{}"}}"#, "x".repeat(100));
    let detail = world.post(body).await.problem(413);
    assert_eq!(detail, "the body is larger than 100 bytes");
}

#[tokio::test]
async fn ceilings_are_the_operator_s() {
    let limits = Limits {
        max_attempts: 2,
        max_redirects: 0,
        ..Limits::default()
    };
    let world = World::with(
        Config {
            limits,
            ..Config::default()
        },
        Bounds::default(),
    );
    let body = r#"{"url":"https://e.example","retry":{"max_attempts":3}}"#;
    let detail = world.post(body).await.problem(422);
    assert_eq!(detail, "/retry/max_attempts: over this server's limit of 2");
    let body = r#"{"url":"https://e.example","max_redirects":1}"#;
    assert!(
        world
            .post(body)
            .await
            .problem(422)
            .ends_with("over this server's limit of 0")
    );
}

const WHOLE: &[u8] = br#"{"url":"https://example.com/a","method":"POST","headers":{"x-a":"b"},
"cookies":{"c":"d"},"body":"hello","timeout":"5s","deadline":"1h","max_bytes":"1MB",
"max_redirects":3,"formats":["raw","links"],"sink":{"url":"https://s.example","headers":{"y":"z"}},
"metadata":{"k":[1,2.5e3,"\u00fc",null,true]},"tags":["t"],"delay":"1s","retry":{"max_attempts":2}}"#;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_body_is_the_server_s_fault(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
    ) {
        let mut body = WHOLE.to_vec();
        for (at, byte, edit) in edits {
            let at = at.index(body.len());
            match edit {
                0 => body[at] = byte,
                1 => body.insert(at, byte),
                _ => { body.remove(at); }
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(async { World::new().post(body).await });
        prop_assert!(matches!(answer.status.as_u16(), 202 | 400 | 422), "{answer:?}");
    }
}
