//! What a client of Firecrawl sees.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use ingest::{Config, EventFormat, Format, HtmlName, JobSpec, Scope};
use jobs::{Bounds, JobId, Outcome, Store as _, Verdict};
use serde_json::{Value, json};

use crate::world::{Answer, SCRAPE, World};

const PAGE: &str = r##"{"type":"job.succeeded","timestamp":"2026-11-22T10:00:00Z","data":{"id":"1","url":"https://a.example/","final_url":"https://a.example/home","status":200,"headers":{},"content_type":"text/html; charset=utf-8","charset":"utf-8","title":"A","markdown":"# A","html":"<h1>A</h1>","links":[{"url":"https://b.example/","position":1,"region":"main"}],"page":{"language":"en","description":"D"},"truncated":false,"metadata":{}}}"##;
const NO_PAGE: &str = r#"{"type":"job.failed","timestamp":"2026-11-22T10:00:00Z","data":{"id":"1","url":"https://a.example/","error":{"code":"CODE","detail":"it is so","transient":false},"metadata":{}}}"#;

fn failed(code: &str) -> Outcome {
    let event = Bytes::from(NO_PAGE.replace("CODE", code));
    Outcome::Done { verdict: Some(Verdict::Failed), result: Some(event), note: None }
}

/// Holds that this is a refusal in Firecrawl's shape; gives what it says.
fn refused(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{answer:?}");
    let body = answer.json();
    assert_eq!(body["success"], false);
    assert!(!body["code"].as_str().unwrap().is_empty());
    body["error"].as_str().unwrap().to_owned()
}

/// Scrapes while somebody does what there is to do.
async fn scraped(world: &World, body: &str, work: impl Future<Output = ()>) -> Answer {
    let (answer, ()) = tokio::join!(world.give("POST", "/v2/scrape", body.to_owned()), work);
    answer
}

/// Waits until there is a job to fetch, and ends it so.
async fn end(world: &World, outcome: Outcome) {
    for _ in 0..1000 {
        if world.store.counts().live() > 0 {
            return world.settle(&SCRAPE, outcome).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no job came");
}

fn page() -> Outcome {
    let result = Some(Bytes::from_static(PAGE.as_bytes()));
    Outcome::Done { verdict: Some(Verdict::Succeeded), result, note: None }
}

async fn only_spec(world: &World) -> JobSpec {
    let records = world.store.list(jobs::Filter::default(), None, 10).await.unwrap();
    JobSpec::from_bytes(&records.last().unwrap().spec).unwrap()
}

async fn begun(world: &World, body: &Value) -> (JobId, Value) {
    let answer = world.give("POST", "/v2/batch/scrape", body.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    assert_eq!(told["success"], true);
    (told["id"].as_str().unwrap().parse().unwrap(), told)
}

#[tokio::test]
async fn a_page_is_waited_for_and_told_as_a_document() {
    let world = World::new();
    let body =
        r#"{"url":"a.example","formats":["markdown",{"type":"links"},"rawHtml"],"origin":"sdk"}"#;
    let answer = scraped(&world, body, end(&world, page())).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    let id = told["data"]["metadata"]["scrapeId"].clone();
    let expected = json!({"success": true, "data": {
        "markdown": "# A",
        "rawHtml": "<h1>A</h1>",
        "links": ["https://b.example/"],
        "metadata": {
            "title": "A", "description": "D", "language": "en",
            "sourceURL": "https://a.example/", "url": "https://a.example/home",
            "statusCode": 200, "contentType": "text/html; charset=utf-8",
            "scrapeId": id, "cacheState": "miss",
        },
    }});
    assert_eq!(told, expected);
    let spec = only_spec(&world).await;
    assert_eq!(spec.url.as_str(), "http://a.example/", "an address without a scheme is http");
    assert_eq!(spec.max_attempts, Some(2));
}

#[tokio::test]
async fn what_is_asked_for_is_what_the_job_is_to_do() {
    let world = World::new();
    let body = r#"{"url":"https://a.example","formats":["html","rawHtml"],"onlyMainContent":false,
        "headers":{"X-A":"b"},"timeout":5000,"maxAge":60000,"mobile":false,"waitFor":0,"actions":[],
        "blockAds":true,"removeBase64Images":true,"fastMode":false,"storeInCache":true,
        "proxy":"auto","parsers":["pdf"],"skipTlsVerification":false}"#;
    scraped(&world, body, end(&world, page())).await;
    let spec = only_spec(&world).await;
    assert_eq!(spec.formats, [Format::Metadata, Format::Html]);
    assert_eq!(spec.html_names, [HtmlName::Html, HtmlName::RawHtml]);
    assert_eq!(spec.scope, Scope::Page);
    assert_eq!(spec.headers, [("x-a".to_owned(), "b".to_owned())]);
    assert_eq!(spec.timeout_ms, Some(5000));
    assert_eq!(spec.cache.unwrap().max_age_ms, Some(60_000));
    assert_eq!(spec.priority, ingest::Priority::Normal);
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_by_its_name() {
    let world = World::new();
    for (field, value) in [
        ("waitFor", "100"),
        ("mobile", "true"),
        ("actions", r#"[{"type":"wait"}]"#),
        ("location", r#"{"country":"US"}"#),
        ("includeTags", r#"["main"]"#),
        ("proxy", r#""stealth""#),
        ("skipTlsVerification", "true"),
        ("storeInCache", "false"),
        ("formats", r#"["screenshot"]"#),
        ("formats", r#"[{"type":"json","prompt":"x"}]"#),
        ("formats", "[7]"),
        ("parsers", "[]"),
        ("timeout", "0"),
        ("timeout", "300001"),
        ("timeout", r#""5s""#),
        ("headers", r#"{"host":"x"}"#),
        ("zzz", "1"),
    ] {
        let body = format!(r#"{{"url":"https://a.example","{field}":{value}}}"#);
        let answer = world.give("POST", "/v2/scrape", body).await;
        let error = refused(&answer, 400);
        assert!(error.starts_with(field), "{error}");
        assert_eq!(answer.json()["details"][0]["path"][0], field);
    }
    for (body, at) in [
        (r#"{"url":"http://127.0.0.1/"}"#, "url: 127.0.0.1 may not be fetched"),
        ("{}", "url: is required"),
        (r#"{"url":"https://a.example","url":"x"}"#, "url: given twice"),
        ("[]", "invalid type"),
        ("{", "the body is not JSON"),
    ] {
        let error = refused(&world.give("POST", "/v2/scrape", body).await, 400);
        assert!(error.starts_with(at), "{error}");
    }
    assert_eq!(world.store.counts().live(), 0);
}

#[tokio::test]
async fn a_page_that_cannot_be_had_is_told_with_the_code_that_libraries_know() {
    for (ours, status, theirs) in [
        ("dns", 422, "SCRAPE_DNS_RESOLUTION_ERROR"),
        ("timeout", 408, "SCRAPE_TIMEOUT"),
        ("robots_disallowed", 403, "SCRAPE_ROBOTS_DISALLOWED"),
        ("status", 422, "SCRAPE_SITE_ERROR"),
    ] {
        let world = World::new();
        let body = r#"{"url":"https://a.example"}"#;
        let answer = scraped(&world, body, end(&world, failed(ours))).await;
        assert!(refused(&answer, status).starts_with("it is so"));
        assert_eq!(answer.json()["code"], theirs);
    }
}

#[tokio::test]
async fn a_page_that_does_not_come_in_time_is_called_off() {
    let world = World::new();
    let body = r#"{"url":"https://a.example","timeout":50}"#;
    let answer = world.give("POST", "/v2/scrape", body).await;
    refused(&answer, 408);
    assert_eq!(answer.json()["code"], "SCRAPE_TIMEOUT");
    assert_eq!((world.store.counts().live(), world.store.counts().cancelled), (0, 1));
}

#[tokio::test]
async fn without_a_key_nothing_is_scraped() {
    let config = Config { api_keys: vec!["first-key".to_owned()], ..Config::default() };
    let world = World::with(config, Bounds::default());
    for (method, path) in [
        ("POST", "/v2/scrape"),
        ("POST", "/v2/batch/scrape"),
        ("GET", "/v2/batch/scrape/x"),
        ("GET", "/v2/batch/scrape/x/errors"),
        ("DELETE", "/v2/batch/scrape/x"),
    ] {
        let answer = world.call(method, path).await;
        refused(&answer, 401);
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"pagewire\"");
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", "Bearer first-key").body("".into()).unwrap();
        assert_ne!(world.send(request).await.status, 401, "{method} {path}");
    }
}

#[tokio::test]
async fn a_batch_tells_its_pages_in_the_order_of_its_urls() {
    let world = World::new();
    let urls = ["https://a.example/1", "a.example/2", "https://a.example/3"];
    let (id, told) = begun(&world, &json!({"urls": urls, "formats": ["html"]})).await;
    assert_eq!(told["invalidURLs"], json!([]));
    assert!(told["url"].as_str().unwrap().ends_with(&format!("/v2/batch/scrape/{id}")));
    let path = format!("/v2/batch/scrape/{id}");
    let status = world.get(&path).await.json();
    assert_eq!((&status["status"], &status["total"]), (&json!("scraping"), &json!(3)));
    assert_eq!((&status["completed"], &status["data"]), (&json!(0), &json!([])));
    for _ in 0..2 {
        let claimed = world.claim(&SCRAPE).await;
        let spec = JobSpec::from_bytes(&claimed.spec).unwrap();
        assert_eq!(spec.batch, Some(id));
        let event = PAGE.replace("https://a.example/\"", &format!("{}\"", spec.url));
        let outcome = Outcome::Done {
            verdict: Some(Verdict::Succeeded),
            result: Some(event.into()),
            note: None,
        };
        let settlement = jobs::Settlement::new(claimed.lease, outcome);
        world.store.settle(vec![settlement], world.now()).await.unwrap();
    }
    world.settle(&SCRAPE, failed("robots_disallowed")).await;
    let status = world.get(&path).await.json();
    assert_eq!((&status["status"], &status["completed"]), (&json!("completed"), &json!(2)));
    assert_eq!((&status["success"], &status["next"]), (&json!(true), &Value::Null));
    assert_eq!(status["expiresAt"], "2026-11-23T10:00:00Z");
    let pages: Vec<_> =
        status["data"].as_array().unwrap().iter().map(|p| &p["metadata"]["sourceURL"]).collect();
    assert_eq!(pages.len(), 2);
    assert!(pages.is_sorted_by_key(|url| url.as_str().unwrap().chars().last()), "{pages:?}");
    assert_eq!(status["data"][0]["html"], "<h1>A</h1>");
    assert_eq!(status["data"][0].get("rawHtml"), None);
    let errors = world.get(&format!("{path}/errors")).await.json();
    assert_eq!(errors["errors"][0]["code"], "SCRAPE_ROBOTS_DISALLOWED");
    assert_eq!(errors["robotsBlocked"][0], errors["errors"][0]["url"]);
    refused(&world.call("DELETE", &path).await, 409);
}

#[tokio::test]
async fn a_large_batch_is_told_page_by_page() {
    let world = World::new();
    let urls: Vec<_> = (0..230).map(|n| format!("https://a.example/{n}")).collect();
    let (id, _) = begun(&world, &json!({ "urls": urls })).await;
    for _ in 0..230 {
        world.settle(&SCRAPE, page()).await;
    }
    let mut path = format!("/v2/batch/scrape/{id}");
    let mut sizes = Vec::new();
    for _ in 0..5 {
        let status = world.get(&path).await.json();
        sizes.push(status["data"].as_array().unwrap().len());
        let Some(next) = status["next"].as_str() else {
            break;
        };
        path = next[next.find("/v2/").unwrap()..].to_owned();
    }
    assert_eq!(sizes, [100, 100, 30]);
    let answer = world.get(&format!("/v2/batch/scrape/{id}?cursor=x")).await;
    assert!(refused(&answer, 400).starts_with("cursor: not a cursor"));
    assert!(
        refused(&world.get(&format!("/v2/batch/scrape/{id}?x=1")).await, 400).starts_with("x:")
    );
}

#[tokio::test]
async fn addresses_that_cannot_be_fetched_are_left_out_or_refuse_the_whole() {
    let world = World::new();
    let urls = ["https://a.example", "http://127.0.0.1/", "https://b.example", "ftp://c.example"];
    let (id, told) = begun(&world, &json!({ "urls": urls })).await;
    assert_eq!(told["invalidURLs"], json!(["http://127.0.0.1/", "ftp://c.example"]));
    assert_eq!(world.store.group(id).unwrap().jobs, 2);
    let strict = json!({"urls": urls, "ignoreInvalidURLs": false}).to_string();
    let answer = world.give("POST", "/v2/batch/scrape", strict).await;
    assert!(refused(&answer, 400).starts_with("urls.1: 127.0.0.1 may not"), "{answer:?}");
    let none = json!({"urls": ["http://127.0.0.1/"]}).to_string();
    let answer = world.give("POST", "/v2/batch/scrape", none).await;
    assert!(refused(&answer, 400).starts_with("urls.0:"), "{answer:?}");
    assert_eq!(world.store.counts().live(), 2, "nothing else was accepted");
}

#[tokio::test]
async fn a_batch_is_called_off_and_stays_so() {
    let world = World::new();
    let urls: Vec<_> = (0..70).map(|n| format!("https://a.example/{n}")).collect();
    let (id, _) = begun(&world, &json!({ "urls": urls })).await;
    world.settle(&SCRAPE, page()).await;
    let path = format!("/v2/batch/scrape/{id}");
    for _ in 0..2 {
        let answer = world.call("DELETE", &path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["status"], "cancelled");
    }
    let status = world.get(&path).await.json();
    assert_eq!((&status["status"], &status["completed"]), (&json!("cancelled"), &json!(1)));
    assert_eq!((world.store.counts().cancelled, world.store.counts().live()), (69, 0));
    refused(&world.get(&format!("/v2/batch/scrape/{}", JobId::draw())).await, 404);
    refused(&world.get("/v2/batch/scrape/x").await, 404);
}

#[tokio::test]
async fn a_webhook_is_the_sink_of_the_pages_and_is_told_of_the_beginning() {
    let world = World::new();
    let webhook = json!({
        "url": "https://hook.example/in?k=1", "headers": {"X-A": "b"}, "metadata": {"n": 1},
        "events": ["started", "page"],
    });
    let (id, _) = begun(&world, &json!({"urls": ["https://a.example"], "webhook": webhook})).await;
    let records = world.store.list(jobs::Filter::default(), None, 10).await.unwrap();
    let specs: Vec<_> = records.iter().map(|r| JobSpec::from_bytes(&r.spec).unwrap()).collect();
    let [notice, page] = specs.as_slice() else { panic!("{specs:?}") };
    let sink = page.sink.as_ref().unwrap();
    assert_eq!(sink.format, EventFormat::Firecrawl);
    assert_eq!(sink.events, ["job.succeeded", "job.failed"]);
    assert_eq!(sink.headers, [("x-a".to_owned(), "b".to_owned())]);
    assert_eq!(page.metadata.as_ref().unwrap().get(), r#"{"n":1}"#);
    let told: Value = serde_json::from_str(notice.notice.as_ref().unwrap().get()).unwrap();
    assert_eq!(
        (&told["type"], &told["data"]["id"]),
        (&json!("batch.started"), &json!(id.to_string()))
    );
    assert_eq!((told["data"]["metadata"]["n"].as_u64(), notice.batch), (Some(1), None));
    assert_eq!(notice.url.as_str(), "https://hook.example/in");
    assert_eq!(world.store.group(id).unwrap().jobs, 1, "a notice is no page");

    for (webhook, at) in [
        (json!("http://127.0.0.1/"), "webhook.url: 127.0.0.1 may not be sent to"),
        (json!({"url": "https://h.example", "events": ["x"]}), "webhook.events: `x` is not"),
        (json!({"url": "https://h.example", "metadata": 1}), "webhook.metadata: must be"),
        (json!({"url": "https://h.example", "zzz": 1}), "webhook.zzz: unknown"),
        (
            json!({"url": "https://h.example", "headers": {"webhook-id": "x"}}),
            "webhook.headers.webhook-id",
        ),
        (json!(7), "webhook: must be an object"),
    ] {
        let body = json!({"urls": ["https://a.example"], "webhook": webhook}).to_string();
        let error = refused(&world.give("POST", "/v2/batch/scrape", body).await, 400);
        assert!(error.starts_with(at), "{error}");
    }
}

#[tokio::test]
async fn a_batch_is_begun_once_for_each_key() {
    let world = World::new();
    let begin = async |body: &str| {
        let request = Request::post("/v2/batch/scrape").header("content-type", "application/json");
        let request = request.header("x-idempotency-key", "0b9d");
        world.send(request.body(body.to_owned().into()).unwrap()).await
    };
    let body = r#"{"urls":["https://a.example/1","https://a.example/2"]}"#;
    let first = begin(body).await.json();
    assert_eq!(begin(body).await.json()["id"], first["id"]);
    assert_eq!(world.store.counts().live(), 2);
    refused(&begin(r#"{"urls":["https://a.example/1"]}"#).await, 409);
    assert_eq!(world.store.counts().live(), 2);
}

#[tokio::test]
async fn a_full_queue_takes_no_part_of_a_batch() {
    let world = World::with(Config::default(), Bounds { jobs: 3, ..Bounds::default() });
    let urls: Vec<_> = (0..5).map(|n| format!("https://a.example/{n}")).collect();
    let body = json!({ "urls": urls }).to_string();
    let answer = world.give("POST", "/v2/batch/scrape", body).await;
    refused(&answer, 503);
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(world.store.counts().live(), 0);
}

#[tokio::test]
async fn what_a_batch_repeats_for_each_page_is_bounded() {
    let config = Config { max_body: 8 << 20, ..Config::default() };
    let world = World::with(config, Bounds::default());
    let urls: Vec<_> = (0..9000).map(|n| format!("https://a.example/{n}")).collect();
    let body = json!({"urls": urls, "headers": {"x-a": "b".repeat(15_000)}}).to_string();
    let answer = world.give("POST", "/v2/batch/scrape", body).await;
    assert!(refused(&answer, 400).starts_with("urls: "), "{answer:?}");
    assert_eq!(world.store.counts().live(), 0);
}
