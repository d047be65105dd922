//! What a client of ScraperAPI's asynchronous interface sees.

use bytes::Bytes;
use http::Request;
use ingest::{Config, EventFormat, Format, JobSpec, Links};
use jobs::{Bounds, JobId, Outcome, Store as _, Verdict};
use serde_json::{Value, json};

use crate::world::{Answer, SCRAPE, World};

const PAGE: &str = r#"{"type":"job.succeeded","timestamp":"2026-11-22T10:00:00Z","data":{"id":"1","url":"https://a.example/","final_url":"https://a.example/","status":200,"headers":{"content-type":"text/html"},"html":"<h1>A</h1>","text":"A","attempt":1,"metadata":{}}}"#;
const NO_PAGE: &str = r#"{"type":"job.failed","timestamp":"2026-11-22T10:00:00Z","data":{"id":"1","url":"https://a.example/","status":404,"error":{"code":"status","detail":"the site answered 404 Not Found","transient":false},"attempt":1,"metadata":{}}}"#;

fn refused(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{answer:?}");
    answer.json()["error"].as_str().unwrap().to_owned()
}

async fn submitted(world: &World, body: &Value) -> (JobId, Value) {
    let answer = world.give("POST", "/jobs", body.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    (told["id"].as_str().unwrap().parse().unwrap(), told)
}

#[tokio::test]
async fn a_job_runs_and_is_finished_with_its_page() {
    let world = World::new();
    let asked = json!({"apiKey": "any", "url": "https://a.example/", "meta": {"k": 1}});
    let (id, told) = submitted(&world, &asked).await;
    let running = json!({
        "id": id.to_string(), "attempts": 0, "status": "running",
        "statusUrl": format!("/jobs/{id}"), "url": "https://a.example/", "meta": {"k": 1},
    });
    assert_eq!(told, running);
    assert_eq!(world.get(&format!("/jobs/{id}")).await.json(), running);
    world.fetched(PAGE).await;
    let told = world.get(&format!("/jobs/{id}?apiKey=any")).await.json();
    assert_eq!((&told["status"], &told["meta"]["k"]), (&json!("finished"), &json!(1)));
    let expected = json!({
        "headers": {"content-type": "text/html"}, "body": "<h1>A</h1>", "statusCode": 200,
        "finalUrl": "https://a.example/", "credits": 0,
    });
    assert_eq!(told["response"], expected);
}

#[tokio::test]
async fn a_job_that_failed_says_why() {
    let world = World::new();
    let (id, _) = submitted(&world, &json!({"url": "https://a.example/"})).await;
    let result = Some(Bytes::from_static(NO_PAGE.as_bytes()));
    let failed = Outcome::Done { verdict: Some(Verdict::Failed), result, note: None };
    world.settle(&SCRAPE, failed).await;
    let told = world.get(&format!("/jobs/{id}")).await.json();
    assert_eq!(told["status"], "failed");
    assert_eq!(told["failReason"], "status: the site answered 404 Not Found");
    assert_eq!(told["response"]["statusCode"], 404);
}

#[tokio::test]
async fn the_request_is_made_as_it_is_asked_for() {
    let world = World::new();
    let asked = json!({
        "url": "https://a.example/post", "method": "post", "headers": {"X-A": "b"}, "body": "a=b",
        "callback": {"type": "webhook", "url": "https://me:pw@hook.example/in"},
        "apiParams": {"keep_headers": true, "render": "false", "output_format": "markdown"},
    });
    let (id, _) = submitted(&world, &asked).await;
    let spec = world.spec(id).await;
    assert_eq!((spec.method.as_str(), spec.body.as_deref()), ("POST", Some(&b"a=b"[..])));
    assert_eq!(spec.headers, [("x-a".to_owned(), "b".to_owned())]);
    assert_eq!(spec.formats, [Format::Markdown]);
    let sink = spec.sink.unwrap();
    assert_eq!(
        (sink.url.as_str(), sink.format),
        ("https://hook.example/in", EventFormat::ScraperApi)
    );
    assert_eq!(sink.events, ["job.succeeded"]);
    assert_eq!(sink.headers, [("authorization".to_owned(), "Basic bWU6cHc=".to_owned())]);

    let asked = json!({
        "url": "https://a.example/", "callback": {"type": "webhook", "url": "https://hook.example/"},
        "expectsUnsuccessReport": true, "apiParams": {"binary_target": true},
    });
    let spec = world.spec(submitted(&world, &asked).await.0).await;
    assert_eq!(spec.formats, [Format::Raw]);
    assert_eq!(spec.sink.unwrap().events, ["job.succeeded", "job.failed"]);
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_by_its_name() {
    let world = World::new();
    for (members, at) in [
        (json!({"apiParams": {"render": true}}), "apiParams.render: cannot be done here"),
        (json!({"apiParams": {"render": "true"}}), "apiParams.render: cannot"),
        (json!({"apiParams": {"premium": true}}), "apiParams.premium: cannot"),
        (json!({"apiParams": {"country_code": "us"}}), "apiParams.country_code: cannot"),
        (json!({"apiParams": {"output_format": "csv"}}), "apiParams.output_format: cannot"),
        (json!({"apiParams": {"zzz": 1}}), "apiParams.zzz: unknown"),
        (json!({"apiParams": 1}), "apiParams: "),
        (json!({"callback": {"type": "s3", "url": "https://h.example"}}), "callback.type: is"),
        (json!({"callback": {"type": "webhook"}}), "callback.url: "),
        (json!({"callback": {"type": "webhook", "url": "http://127.0.0.1"}}), "callback.url: 127"),
        (json!({"meta": 1}), "meta: must be an object"),
        (json!({"method": "BREW"}), "method: not one of"),
        (json!({"url": "x"}), "url: not an absolute URL"),
        (json!({"url": null}), "url: is required"),
        (json!({"zzz": 1}), "zzz: unknown"),
    ] {
        let mut body = json!({"url": "https://a.example"});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let error = refused(&world.give("POST", "/jobs", body.to_string()).await, 400);
        assert!(error.starts_with(at), "{error}");
    }
    assert_eq!(world.store.counts().live(), 0);
}

#[tokio::test]
async fn a_batch_is_accepted_whole_or_not_at_all() {
    let world = World::new();
    let urls = ["https://a.example/1", "https://a.example/2"];
    let body = json!({"apiKey": "any", "urls": urls}).to_string();
    let jobs = world.give("POST", "/batchjobs", body).await.json();
    for (job, url) in jobs.as_array().unwrap().iter().zip(urls) {
        assert_eq!((&job["url"], &job["status"]), (&json!(url), &json!("running")));
        let status = world.get(job["statusUrl"].as_str().unwrap()).await.json();
        assert_eq!(status["url"], url);
    }
    for (urls, at) in [
        (json!(["https://a.example", "http://127.0.0.1"]), "urls.1: 127.0.0.1 may not"),
        (json!([]), "urls: name 1 to 50000"),
        (json!("x"), "urls: "),
    ] {
        let body = json!({ "urls": urls }).to_string();
        let error = refused(&world.give("POST", "/batchjobs", body).await, 400);
        assert!(error.starts_with(at), "{error}");
    }
    assert_eq!(world.store.counts().live(), 2);
    let full = World::with(Config::default(), Bounds { jobs: 1, ..Bounds::default() });
    let body = json!({"urls": ["https://a.example/1", "https://a.example/2"]}).to_string();
    refused(&full.give("POST", "/batchjobs", body).await, 503);
    assert_eq!(full.store.counts().live(), 0);
}

#[tokio::test]
async fn a_job_is_called_off() {
    let world = World::new();
    let (id, _) = submitted(&world, &json!({"url": "https://a.example/"})).await;
    for _ in 0..2 {
        let told = world.call("DELETE", &format!("/jobs/{id}")).await.json();
        assert_eq!((&told["status"], &told["failReason"]), (&json!("failed"), &json!("cancelled")));
    }
    refused(&world.get(&format!("/jobs/{}", JobId::draw())).await, 404);
    assert!(refused(&world.get(&format!("/jobs/{id}?x=1")).await, 400).starts_with("x: unknown"));
}

#[tokio::test]
async fn the_key_may_stand_in_the_body_the_query_or_the_header() {
    let config = Config { api_keys: vec!["first-key".to_owned()], ..Config::default() };
    let world = World::with(config, Bounds::default());
    let job = |key: &str| json!({"apiKey": key, "url": "https://a.example/"});
    let (id, _) = submitted(&world, &job("first-key")).await;
    for key in ["", "other", "first-key\n", "é"] {
        refused(&world.give("POST", "/jobs", job(key).to_string()).await, 401);
    }
    let batch = r#"{"apiKey":"other","urls":["https://a.example/"]}"#;
    refused(&world.give("POST", "/batchjobs", batch).await, 401);
    refused(&world.give("POST", "/jobs", r#"{"url":"https://a.example/"}"#).await, 401);
    for (query, status) in
        [("", 401), ("?apiKey=other", 401), ("?apiKey=first-key", 200), ("?api_key=first-key", 200)]
    {
        for method in ["GET", "DELETE"] {
            let answer = world.call(method, &format!("/jobs/{id}{query}")).await;
            assert_eq!(answer.status, status, "{method} {query}");
        }
    }
    let request = Request::get(format!("/jobs/{id}")).header("authorization", "Bearer first-key");
    assert_eq!(world.send(request.body("".into()).unwrap()).await.status, 200);
}

#[tokio::test]
async fn the_status_is_where_the_client_has_reached_the_server() {
    let links = Links::new([1; 32], "https://pages.example/in".parse().unwrap());
    let config = Config { links: Some(links), ..Config::default() };
    let world = World::with(config, Bounds::default());
    for (host, base) in [
        ("127.0.0.1:9", "http://127.0.0.1:9"),
        ("pages.example", "https://pages.example/in"),
        ("\"<x>", "https://pages.example/in"),
    ] {
        let request = Request::post("/jobs").header("content-type", "application/json");
        let request = request.header("host", host);
        let answer =
            world.send(request.body(r#"{"url":"https://a.example"}"#.into()).unwrap()).await;
        let url = answer.json()["statusUrl"].as_str().unwrap().to_owned();
        assert!(url.starts_with(&format!("{base}/jobs/")), "{url}");
    }
}

#[test]
fn the_page_is_stored_under_the_names_that_are_told() {
    let spec = JobSpec::new("https://a.example/".parse().unwrap());
    let body = ingest::scraper_api_body(JobId::draw(), &spec, "", PAGE.as_bytes()).unwrap();
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(told["response"]["body"], "<h1>A</h1>");
    assert!(ingest::scraper_api_body(JobId::draw(), &spec, "", b"{}").is_none());
}
