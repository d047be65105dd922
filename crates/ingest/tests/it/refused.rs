//! What is refused, with which status, and where it says the fault is.

use http::header;
use ingest::{Config, Limits};
use jobs::{Bounds, Store as _};
use proptest::prelude::*;

use crate::bodies::{INVALID, UNREADABLE};
use crate::edits::{edited, edits};
use crate::world::World;

#[tokio::test]
async fn what_is_not_json_is_400_with_its_place() {
    let world = World::new();
    for body in UNREADABLE {
        let detail = world.post(*body).await.problem(400);
        assert!(detail.contains("line ") && detail.contains("column "), "{detail}");
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
    let members =
        |n: usize| (0..n).map(|i| format!(r#""x-{i}":"v""#)).collect::<Vec<_>>().join(",");
    for (field, value, pointer) in [
        ("headers", format!("{{{}}}", members(65)), "/headers"),
        ("headers", format!(r#"{{"x":"{}"}}"#, "v".repeat(20_000)), "/headers"),
        ("cookies", format!("{{{}}}", members(65)), "/cookies"),
        ("tags", format!("[{}]", vec![r#""t""#; 33].join(",")), "/tags"),
        ("tags", format!(r#"["{}"]"#, "t".repeat(129)), "/tags/0"),
        ("select", format!("{{{}}}", members(101)), "/select"),
        ("select", format!(r#"{{"a":"{}"}}"#, "x".repeat(3000)), "/select/a"),
        ("select", format!(r#"{{"a":{{"css":"{}"}}}}"#, "x".repeat(3000)), "/select/a/css"),
        (
            "select",
            format!(
                "{}\"h1\"{}",
                r#"{"a":{"css":"p","fields":"#.repeat(4) + r#"{"a":"#,
                "}".repeat(9)
            ),
            "/select/a/fields/a/fields/a/fields/a/fields",
        ),
        ("sink", format!(r#""https://s.example/{}""#, "p".repeat(8192)), "/sink"),
        ("sink", format!(r#""https://s.example/{}""#, "ü".repeat(3000)), "/sink"),
    ] {
        let answer =
            world.post(format!(r#"{{"url":"https://e.example","{field}":{value}}}"#)).await;
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

const UNKNOWN_IN_SINK: &str = "/sink/urll: unknown field `urll`, expected one of `name`, `url`, `headers`, `format`, `events`";

#[tokio::test]
async fn an_unknown_field_names_those_that_are_known() {
    let world = World::new();
    let sink = r#"{"url":"https://e.example","sink":{"urll":"https://s.example"}}"#;
    let detail = world.post(sink).await.problem(422);
    assert_eq!(detail, UNKNOWN_IN_SINK);
    let detail = world.post(r#"{"uri":"https://e.example"}"#).await.problem(422);
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
    let mut pointers: Vec<_> =
        errors.as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/method", "/sink", "/tags/0", "/timeout", "/url"]);
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
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let request = http::Request::post("/").header("content-type", form).header(name, value);
        let body = r#"{"url":"https://example.com"}"#;
        world.send(request.body(body.into()).unwrap()).await.problem(403);
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
    let world = World::with(Config { max_body: 100, ..Config::default() }, Bounds::default());
    let body = format!(r#"{{"url":"https://example.com/{}"}}"#, "x".repeat(100));
    let detail = world.post(body).await.problem(413);
    assert_eq!(detail, "the body is larger than 100 bytes");
}

#[tokio::test]
async fn ceilings_are_the_operator_s() {
    let limits = Limits { max_attempts: 2, max_redirects: 0, ..Limits::default() };
    let world = World::with(Config { limits, ..Config::default() }, Bounds::default());
    let body = r#"{"url":"https://e.example","retry":{"max_attempts":3}}"#;
    let detail = world.post(body).await.problem(422);
    assert_eq!(detail, "/retry/max_attempts: over this server's limit of 2");
    let body = r#"{"url":"https://e.example","max_redirects":1}"#;
    assert!(world.post(body).await.problem(422).ends_with("over this server's limit of 0"));
}

const WHOLE: &[u8] = br#"{"url":"https://example.com/a","method":"POST","headers":{"x-a":"b"},
"cookies":{"c":"d"},"body":"hello","timeout":"5s","deadline":"1h","max_bytes":"1MB",
"max_redirects":3,"formats":["raw","links"],"sink":{"url":"https://s.example","headers":{"y":"z"}},
"metadata":{"k":[1,2.5e3,"\u00fc",null,true]},"tags":["t"],"delay":"1s","retry":{"max_attempts":2,"schedule":["0s"]},
"robots":"obey","cache":{"max_age":"1h","revalidate":true},"only_if_changed":true}"#;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_body_is_the_server_s_fault(
        edits in edits(1..4),
    ) {
        let body = edited(WHOLE, edits);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(async { World::new().post(body).await });
        prop_assert!(matches!(answer.status.as_u16(), 202 | 400 | 422), "{answer:?}");
    }
}
