//! Batches: what is accepted of them, what is said of each line, how they end.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header;
use ingest::{Config, JobSpec, NoSinks, Priority};
use jobs::{Bounds, Filter, JobId, Next, Outcome, Record, State, Store as _, Verdict};
use serde_json::{Value, json};

use crate::documents::Documents;
use crate::served::until;
use crate::world::{Answer, DELIVER, SCRAPE, World};

const NDJSON: &str = "application/x-ndjson";

/// The answer's lines.
fn lines(answer: &Answer) -> Vec<Value> {
    let text = std::str::from_utf8(&answer.body).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The id of the batch, its verdicts, and what its last line says.
fn parts(answer: &Answer) -> (JobId, Vec<Value>, Value) {
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.header(header::CONTENT_TYPE), NDJSON);
    let mut lines = lines(answer);
    let (last, first) = (lines.pop().unwrap(), lines.remove(0));
    let id = first["batch"]["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(first["batch"]["status_url"], format!("/v1/batches/{id}"));
    assert_eq!(answer.header(header::LOCATION), format!("/v1/batches/{id}"));
    assert_eq!(last["batch"]["id"], first["batch"]["id"]);
    assert_eq!(last["batch"]["closed"], true);
    (id, lines, last["batch"].clone())
}

fn job(n: usize) -> String {
    format!("{{\"url\":\"https://example.com/{n}\"}}\n")
}

impl World {
    async fn batch_with(
        &self,
        query: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = http::Request::post(format!("/v1/batches{query}"));
        request = request.header("content-type", NDJSON);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn batch(&self, body: impl Into<Body>) -> Answer {
        self.batch_with("", &[], body).await
    }

    async fn shown(&self, id: JobId) -> Value {
        self.get(&format!("/v1/batches/{id}")).await.json()
    }

    /// All jobs, newest first.
    async fn all(&self) -> Vec<Record> {
        self.store.list(Filter::default(), None, 10_000).await.unwrap()
    }

    /// The notices of completed batches.
    async fn notices(&self) -> Vec<Value> {
        let mut notices = Vec::new();
        for record in self.all().await {
            if let Some(notice) = self.spec(record.id).await.notice {
                notices.push(serde_json::from_str(notice.get()).unwrap());
            }
        }
        notices
    }

    async fn until_status(&self, id: JobId, status: &str) -> Value {
        for _ in 0..2_000 {
            let shown = self.shown(id).await;
            if shown["status"] == status {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("batch {id} never was {status}: {}", self.shown(id).await)
    }
}

#[tokio::test]
async fn every_line_gets_its_verdict_in_order() {
    let world = World::new();
    let body = concat!(
        "{\"url\":\"https://example.com/1\"}\n",
        "\n",
        "{\"url\":\"ftp://example.com\"}\r\n",
        "  \t\n",
        "{\"url\":\"https://example.com/5\",\"url\":\"x\"}\n",
        "not json\n",
        "{\"url\":\"https://example.com/7\",\"metadata\":{\"n\":7}}\r\n",
        "{\"url\":\"https://example.com/8\"}",
    );
    let (id, verdicts, last) = parts(&world.batch(body).await);
    let numbers: Vec<_> = verdicts.iter().map(|verdict| verdict["line"].clone()).collect();
    assert_eq!(numbers, [1, 3, 5, 6, 7, 8]);
    for at in [0, 4, 5] {
        let verdict = &verdicts[at];
        assert_eq!(verdict["status"], "queued", "{verdict}");
        let spec = world.spec(verdict["id"].as_str().unwrap().parse().unwrap()).await;
        assert_eq!(spec.url.path(), format!("/{}", verdict["line"]));
        assert_eq!(spec.batch, Some(id));
    }
    let errors: Vec<_> = verdicts.iter().filter_map(|verdict| verdict.get("error")).collect();
    assert_eq!(errors.len(), 3);
    assert_eq!(errors[0]["errors"][0]["pointer"], "/url");
    assert_eq!(errors[0]["status"], 422);
    assert_eq!(errors[1]["errors"][0]["pointer"], "/url");
    assert_eq!(errors[2]["type"], "urn:pagewire:problem:unreadable-body");
    assert_eq!(errors[2]["status"], 400);
    assert!(errors.iter().all(|error| error["title"].is_string() && error["detail"].is_string()));
    assert_eq!((&last["accepted"], &last["refused"]), (&json!(3), &json!(3)));
    assert_eq!(world.store.counts().live(), 3);
}

#[tokio::test]
async fn a_line_that_is_too_long_or_not_utf8_is_that_line_s_fault_alone() {
    let config = Config { max_body: 100, ..Config::default() };
    let world = World::with(config, Bounds::default());
    let mut body = job(1).into_bytes();
    body.extend(vec![b'x'; 5_000]);
    body.extend(b"\n\xff\xfe{}\n");
    body.extend(job(4).into_bytes());
    body.extend(vec![b' '; 101]);
    let (_, verdicts, last) = parts(&world.batch(body).await);
    let kinds: Vec<_> = verdicts.iter().map(|verdict| verdict["error"]["status"].clone()).collect();
    assert_eq!(kinds, [json!(null), json!(413), json!(400), json!(null), json!(413)]);
    assert!(verdicts[2]["error"]["detail"].as_str().unwrap().contains("UTF-8"));
    assert_eq!((&last["accepted"], &last["refused"]), (&json!(2), &json!(3)));
}

#[tokio::test]
async fn an_array_is_answered_with_one_document() {
    let world = World::new();
    let body =
        r#"[{"url":"https://example.com/1"}, {"url":7}, null, {"url":"https://example.com/4"}]"#;
    let answer = world.give("POST", "/v1/batches", body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header(header::CONTENT_TYPE)),
        (202, "application/json")
    );
    let body = answer.json();
    assert_eq!(body["batch"]["accepted"], 2);
    assert_eq!(body["batch"]["refused"], 2);
    let verdicts = body["verdicts"].as_array().unwrap();
    let numbers: Vec<_> = verdicts.iter().map(|verdict| verdict["line"].clone()).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(verdicts[1]["error"]["errors"][0]["pointer"], "/url");
    assert!(verdicts[3]["id"].is_string());
    let empty = world.give("POST", "/v1/batches", "[]").await.json();
    assert_eq!((&empty["batch"]["accepted"], &empty["verdicts"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn what_is_no_batch_is_refused_as_a_whole() {
    let config = Config { max_body: 100_000, ..Config::default() };
    let world = World::with(config, Bounds::default());
    for (body, status) in [("{", 400), ("{}", 422), ("[{]", 400), ("7", 422), ("[1,]", 400)] {
        world.give("POST", "/v1/batches", body).await.problem(status);
    }
    let many = format!("[{}1]", "1,".repeat(10_000));
    let detail = world.give("POST", "/v1/batches", many).await.problem(422);
    assert!(detail.contains("application/x-ndjson"), "{detail}");
    world.give("POST", "/v1/batches", vec![b' '; 100_001]).await.problem(413);
    for media in ["text/plain", "application/x-ndjson; charset=latin1", "application/xml"] {
        let request = http::Request::post("/v1/batches").header("content-type", media);
        let answer = world.send(request.body(Body::from(job(1))).unwrap()).await;
        assert!(answer.problem(415).contains("application/x-ndjson"));
    }
    let encoded = world.batch_with("", &[("content-encoding", "gzip")], "x").await;
    encoded.problem(415);
    assert_eq!(world.store.counts().live(), 0);
    assert_eq!(world.get("/v1/batches").await.json()["batches"], json!([]));
}

#[tokio::test]
async fn wrong_options_are_refused_by_name() {
    let world = World::new();
    for (query, name) in [
        ("?sink=nowhere", "sink"),
        ("?sink=http://127.0.0.1/", "sink"),
        ("?metadata=7", "metadata"),
        ("?metadata={", "metadata"),
        ("?metadata=%7B%22a%22:1,%22a%22:2%7D", "metadata"),
        ("?defaults=[]", "defaults"),
        ("?defaults=%7B%22prioritty%22:1%7D", "defaults"),
        ("?defaults=%7B%22timeout%22:%223h%22%7D", "defaults"),
        ("?sink=https://a.example/&sink=https://a.example/", "sink"),
        ("?priority=high", "priority"),
    ] {
        let answer = world.batch_with(&query.replace('{', "%7B"), &[], job(1)).await;
        answer.problem(400);
        assert_eq!(answer.json()["errors"][0]["parameter"], name, "{query}");
    }
    assert_eq!(world.store.counts().live(), 0);
}

#[tokio::test]
async fn lines_take_what_they_do_not_say_from_the_defaults() {
    let world = World::new();
    let defaults = json!({
        "sink": "https://hooks.example/in", "priority": "low", "delay": "1h",
        "tags": ["batch"], "body": "x", "method": "POST",
    });
    let query: String =
        url::form_urlencoded::byte_serialize(defaults.to_string().as_bytes()).collect();
    let body = concat!(
        "{\"url\":\"https://example.com/1\"}\n",
        "{\"url\":\"https://example.com/2\",\"priority\":\"high\",\"tags\":[],\"body_base64\":\"AP8=\",",
        "\"not_before\":\"2026-11-22T12:00:00Z\"}\n",
    );
    let answer = world.batch_with(&format!("?defaults={query}"), &[], body).await;
    let (_, verdicts, _) = parts(&answer);
    let id = |at: usize| verdicts[at]["id"].as_str().unwrap().parse().unwrap();
    let (first, second) = (world.spec(id(0)).await, world.spec(id(1)).await);
    assert_eq!((first.priority, second.priority), (Priority::Low, Priority::High));
    assert_eq!(first.sink.unwrap().url.as_str(), "https://hooks.example/in");
    assert_eq!((first.tags, second.tags), (vec!["batch".to_owned()], vec![]));
    assert_eq!(second.body.as_deref(), Some(&[0, 255][..]));
    let hour = Duration::from_secs(3600);
    assert_eq!(world.record(id(0)).await.due, world.now() + hour);
    assert_eq!(world.record(id(1)).await.due, world.now() + hour * 2);
}

#[tokio::test]
async fn the_same_key_accepts_no_line_twice_and_goes_on_where_it_was() {
    let world = World::new();
    let key = [("idempotency-key", "nightly")];
    let (id, first, _) = parts(&world.batch_with("", &key, job(1) + &job(2)).await);
    world.pass(Duration::from_secs(5));
    let whole = job(1) + &job(2) + &job(3);
    let (same, again, last) = parts(&world.batch_with("", &key, whole.clone()).await);
    assert_eq!(id, same);
    for at in [0, 1] {
        assert_eq!(again[at]["id"], first[at]["id"]);
        assert_eq!(again[at]["replayed"], true);
    }
    assert_eq!(again[2].get("replayed"), None);
    assert_eq!((&last["accepted"], &last["replayed"]), (&json!(3), &json!(2)));
    assert_eq!(world.store.counts().live(), 3);
    assert_eq!(world.shown(id).await["jobs"], 3);
    let changed = whole.replace("/2", "/two");
    let (_, verdicts, last) = parts(&world.batch_with("", &key, changed).await);
    assert_eq!(verdicts[1]["error"]["type"], "urn:pagewire:problem:idempotency-key-reused");
    assert_eq!((&last["replayed"], &last["refused"]), (&json!(2), &json!(1)));
    let other = world.batch_with("", &[("idempotency-key", "other")], whole).await;
    assert_ne!(parts(&other).0, id);
    assert_eq!(world.store.counts().live(), 6);
}

#[tokio::test]
async fn with_a_short_answer_only_refused_lines_are_told_of() {
    let world = World::new();
    let answer =
        world.batch_with("", &[("prefer", "return=minimal")], job(1) + "{}\n" + &job(3)).await;
    assert_eq!(answer.header("preference-applied"), "return=minimal");
    let (_, verdicts, last) = parts(&answer);
    assert_eq!(verdicts.len(), 1);
    assert_eq!((&verdicts[0]["line"], &last["accepted"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn lines_that_come_together_are_stored_together() {
    let mut kept = None;
    let world = World::composed(Config::default(), Bounds::default(), Arc::new(NoSinks), |store| {
        kept.insert(Documents::new(store)).clone()
    });
    let body: String = (0..5_500).map(job).collect();
    let (_, verdicts, _) = parts(&world.batch(body).await);
    assert_eq!(verdicts.len(), 5_500);
    assert_eq!(world.store.counts().live(), 5_500);
    assert_eq!(*kept.unwrap().groups.lock().unwrap(), [1_000, 1_000, 1_000, 1_000, 1_000, 500]);
}

#[tokio::test(start_paused = true)]
async fn lines_wait_for_room_and_are_told_when_there_is_none() {
    let world = World::with(Config::default(), Bounds { jobs: 2, ..Bounds::default() });
    let body = job(1) + &job(2) + &job(3) + &job(4);
    let making_room = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.fetched("{}").await;
    };
    let (answer, ()) = tokio::join!(world.batch(body), making_room);
    let (_, verdicts, last) = parts(&answer);
    assert_eq!(verdicts[2]["status"], "queued", "it waited for room");
    assert_eq!(verdicts[3]["error"]["type"], "urn:pagewire:problem:queue-full");
    assert_eq!(verdicts[3]["error"]["status"], 503);
    assert_eq!((&last["accepted"], &last["refused"]), (&json!(3), &json!(1)));
}

#[tokio::test]
async fn a_store_that_fails_ends_the_batch_with_a_verdict_for_each_line() {
    let mut kept = None;
    let world = World::composed(Config::default(), Bounds::default(), Arc::new(NoSinks), |store| {
        kept.insert(Documents::new(store)).clone()
    });
    let documents = kept.unwrap();
    world.store.close().await.unwrap();
    let (id, verdicts, last) = parts(&world.batch(job(1) + &job(2)).await);
    assert_eq!(verdicts.len(), 2);
    assert_eq!(verdicts[1]["error"]["type"], "urn:pagewire:problem:store-unavailable");
    assert_eq!((&last["refused"], &last["interrupted"]), (&json!(2), &json!(true)));
    assert_eq!(documents.groups.lock().unwrap().len(), 1, "{id}");
}

#[tokio::test]
async fn a_batch_is_shown_counted_and_listed() {
    let world = World::new();
    let answer =
        world.batch_with("?metadata=%7B%22n%22:1.10%7D", &[], job(1) + "{}\n" + &job(3)).await;
    let (first, verdicts, _) = parts(&answer);
    world.fetched("{}").await;
    world.pass(Duration::from_secs(1));
    let (second, _, _) = parts(&world.batch(job(1)).await);
    let shown = world.shown(first).await;
    assert_eq!(
        shown,
        json!({
            "id": first.to_string(), "status": "running", "interrupted": false,
            "status_url": format!("/v1/batches/{first}"),
            "jobs_url": format!("/v1/jobs?batch={first}"),
            "jobs": 2, "open": 1, "succeeded": 1, "failed": 0, "cancelled": 0, "unchanged": 0,
            "refused": 1, "metadata": {"n": 1.10}, "created_at": "2026-11-22T10:00:00Z",
        })
    );
    let jobs = world.get(shown["jobs_url"].as_str().unwrap()).await.json();
    let ids: Vec<_> = jobs["jobs"].as_array().unwrap().iter().map(|job| &job["id"]).collect();
    assert_eq!(ids, [&verdicts[2]["id"], &verdicts[0]["id"]]);
    let page = world.get("/v1/batches?limit=1").await.json();
    assert_eq!(page["batches"][0]["id"], second.to_string(), "newest first");
    let cursor = page["next_cursor"].as_str().unwrap();
    let page = world.get(&format!("/v1/batches?limit=1&cursor={cursor}")).await.json();
    assert_eq!(page["batches"][0]["id"], first.to_string());
    assert_eq!(page.get("next_cursor"), None);
}

#[tokio::test]
async fn what_is_asked_wrongly_of_batches_is_refused() {
    let world = World::new();
    for path in
        ["/v1/batches?limit=0", "/v1/batches?cursor=x", "/v1/batches?x=1", "/v1/jobs?batch=1"]
    {
        world.get(path).await.problem(400);
    }
    let unknown = format!("/v1/batches/{}", JobId::draw());
    world.get(&unknown).await.problem(404);
    world.call("DELETE", &unknown).await.problem(404);
    world.get("/v1/batches/x").await.problem(404);
    world.call("PUT", "/v1/batches").await.problem(405);
}

#[tokio::test]
async fn a_batch_is_told_of_once_when_its_last_outcome_is_known() {
    let world = World::new();
    let _upkeep = world.at_work();
    let query = "?sink=https://hooks.example/done&metadata=%7B%22run%22:7%7D";
    let (id, _, _) = parts(&world.batch_with(query, &[], job(1) + &job(2) + "{}\n").await);
    world.fetched("{}").await;
    assert_eq!(world.until_status(id, "running").await["open"], 1);
    assert_eq!(world.notices().await, [] as [Value; 0]);
    let note = "given up".to_owned();
    world.settle(&SCRAPE, Outcome::Dead { note }).await;
    let shown = world.until_status(id, "completed").await;
    assert_eq!(shown["completed_at"], "2026-11-22T10:00:00Z");
    let notices = world.notices().await;
    assert_eq!(
        notices,
        [json!({
            "type": "batch.completed", "timestamp": "2026-11-22T10:00:00Z",
            "data": {
                "id": id.to_string(), "jobs": 2, "succeeded": 1, "failed": 1, "cancelled": 0,
                "unchanged": 0, "refused": 1, "interrupted": false,
                "created_at": "2026-11-22T10:00:00Z", "completed_at": "2026-11-22T10:00:00Z",
                "metadata": {"run": 7},
            },
        })]
    );
    let specs = world.all().await.into_iter().map(|job| JobSpec::from_bytes(&job.spec).unwrap());
    let notice = specs.into_iter().find(|spec| spec.notice.is_some()).unwrap();
    assert_eq!(notice.sink.unwrap().url.as_str(), "https://hooks.example/done");
}

#[tokio::test]
async fn a_batch_without_a_sink_or_jobs_is_completed_all_the_same() {
    let world = World::new();
    let _upkeep = world.at_work();
    let (id, verdicts, _) = parts(&world.batch("").await);
    assert_eq!(verdicts.len(), 0);
    world.until_status(id, "completed").await;
    assert_eq!(world.notices().await, [] as [Value; 0]);
}

/// A crash between telling of it and noting that: it is told under the same id, so it is there.
#[tokio::test]
async fn after_a_crash_a_batch_is_completed_and_told_of_only_once() {
    let mut kept = None;
    let world = World::composed(Config::default(), Bounds::default(), Arc::new(NoSinks), |store| {
        kept.insert(Documents::in_turns(store)).clone()
    });
    let documents = kept.unwrap();
    documents.turns.add_permits(2);
    let query = "?sink=https://hooks.example/done";
    let (id, _, _) = parts(&world.batch_with(query, &[], job(1)).await);
    world.fetched("{}").await;
    let upkeep = world.at_work();
    until("it is told of", || world.store.counts().live() == 1).await;
    drop(upkeep);
    assert_eq!(world.shown(id).await["status"], "running", "it was never noted");
    documents.turns.close();
    let store = Arc::clone(&world.store);
    let again = World::over(Config::default(), store, Arc::new(NoSinks), |_| documents);
    let _upkeep = again.at_work();
    again.until_status(id, "completed").await;
    assert_eq!(again.notices().await.len(), 1);
}

/// The process died while it was received.
#[tokio::test]
async fn a_batch_of_an_earlier_process_has_all_it_will_get() {
    let world = World::new();
    let key = [("idempotency-key", "nightly")];
    let (id, _, _) = parts(&world.batch_with("", &key, job(1)).await);
    // As it was before its end was noted.
    let value = Bytes::from(r#"{"created_ms":1795341600000}"#);
    world.store.put_document("batches", id.to_string(), Some(value)).await.unwrap();
    let store = Arc::clone(&world.store);
    let world = World::over(Config::default(), store.clone(), Arc::new(NoSinks), |store| store);
    let _upkeep = world.at_work();
    assert_eq!(world.until_status(id, "running").await["interrupted"], true);
    let query = "?sink=https://hooks.example/done";
    let (same, _, _) = parts(&world.batch_with(query, &key, job(1) + &job(2)).await);
    assert_eq!(same, id);
    world.fetched("{}").await;
    world.fetched("{}").await;
    let shown = world.until_status(id, "completed").await;
    assert_eq!((&shown["interrupted"], &shown["jobs"]), (&json!(false), &json!(2)));
    assert_eq!(world.notices().await[0]["data"]["jobs"], 2);
}

#[tokio::test]
async fn a_completed_batch_is_told_of_again_only_when_jobs_came_to_it() {
    let world = World::new();
    let _upkeep = world.at_work();
    let (query, key) = ("?sink=https://hooks.example/done", [("idempotency-key", "nightly")]);
    let (id, _, _) = parts(&world.batch_with(query, &key, job(1)).await);
    world.fetched("{}").await;
    world.until_status(id, "completed").await;
    let (_, verdicts, _) = parts(&world.batch_with(query, &key, job(1)).await);
    assert_eq!(verdicts[0]["replayed"], true);
    assert_eq!(world.shown(id).await["status"], "completed", "nothing was added");
    // Claimed before the notice, which waits in the other stage here.
    world.batch_with(query, &key, job(1) + &job(2)).await;
    assert_eq!(world.until_status(id, "running").await["jobs"], 2);
    while world.store.counts().stages[0].waiting > 0 {
        world.fetched("{}").await;
    }
    world.until_status(id, "completed").await;
    let mut jobs: Vec<_> =
        world.notices().await.iter().map(|notice| notice["data"]["jobs"].clone()).collect();
    jobs.reverse();
    jobs.sort_by_key(Value::as_u64);
    assert_eq!(jobs, [1, 2]);
}

#[tokio::test]
async fn calling_a_batch_off_ends_every_job_without_an_outcome() {
    let world = World::new();
    let _upkeep = world.at_work();
    let body: String = (0..100).map(job).collect();
    let (id, _, _) = parts(&world.batch(body).await);
    let other = world.submit(r#"{"url":"https://example.com/other"}"#).await;
    world.fetched("{}").await;
    let next = Next {
        stage: DELIVER,
        lane: jobs::LaneKey::new("hooks.example"),
        due: world.now(),
        verdict: Verdict::Succeeded,
        result: Bytes::from_static(b"{}"),
    };
    world.settle(&SCRAPE, Outcome::Advance(next)).await;
    let answer = world.call("DELETE", &format!("/v1/batches/{id}")).await;
    assert_eq!(answer.status, 200);
    let shown = world.until_status(id, "completed").await;
    assert_eq!((&shown["succeeded"], &shown["cancelled"]), (&json!(2), &json!(98)));
    assert_eq!(world.record(other).await.state, State::Waiting, "it is of no batch");
    assert_eq!(world.store.counts().live(), 2, "what is being delivered is delivered");
    let again = world.call("DELETE", &format!("/v1/batches/{id}")).await;
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn completed_batches_are_forgotten_in_time() {
    let config = Config { retain: Duration::from_millis(400), ..Config::default() };
    let world = World::with(config, Bounds::default());
    let _upkeep = world.at_work();
    let (id, _, _) = parts(&world.batch(job(1)).await);
    world.pass(Duration::from_secs(3600));
    world.fetched("{}").await;
    world.until_status(id, "completed").await;
    world.pass(Duration::from_secs(1));
    for _ in 0..2_000 {
        if world.get(&format!("/v1/batches/{id}")).await.status == 404 {
            assert_eq!(world.store.group(id), None);
            assert_eq!(world.store.document("batches", id.to_string()).await.unwrap(), None);
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("batch {id} is kept for ever")
}

/// What stands in a batch is the same as what stands alone.
#[tokio::test]
async fn a_job_of_a_batch_is_a_job_like_any_other() {
    let world = World::new();
    let line =
        r#"{"url":"https://example.com/a","formats":["text"],"tags":["t"],"priority":"high"}"#;
    let alone = world.spec(world.submit(line).await).await;
    let (id, verdicts, _) = parts(&world.batch(line).await);
    let mut spec = world.spec(verdicts[0]["id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!(spec.batch.take(), Some(id));
    assert_eq!(spec.to_bytes(), alone.to_bytes());
}
