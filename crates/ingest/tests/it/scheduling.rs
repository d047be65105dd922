//! `/v1/schedules`, and the jobs that they submit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header;
use ingest::{Config, JobSpec};
use jobs::{Bounds, Filter, Record, Store as _};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::documents::Documents;
use crate::edits::{edited, edits};
use crate::world::{Answer, START_MS, World};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const HOURLY: &str = r#"{"name":"hourly","cron":"0 * * * *","job":{"url":"https://e.example/"}}"#;

async fn made(world: &World, body: &str) -> String {
    let answer = world.give("POST", "/v1/schedules", body.to_owned()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.header(header::LOCATION).to_owned()
}

/// Every job there is, oldest first.
async fn jobs(world: &World) -> Vec<Record> {
    let mut jobs = world.store.list(Filter::default(), None, 1000).await.unwrap();
    jobs.reverse();
    jobs
}

/// Waits until there are so many jobs, and then whether there will be more.
async fn settled(world: &World, count: usize) -> Vec<Record> {
    for _ in 0..1000 {
        if jobs(world).await.len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Longer than any wait of the runner's: time is the test's own.
    tokio::time::sleep(Duration::from_mins(3)).await;
    let jobs = jobs(world).await;
    assert_eq!(jobs.len(), count);
    jobs
}

/// Waits until what is shown of a schedule's latest run is so.
async fn last(world: &World, at: &str, outcome: &str) -> Value {
    let mut last = Value::Null;
    for _ in 0..3000 {
        last = world.get(at).await.json()["last"].take();
        if last["outcome"] == outcome {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{outcome} was expected: {last}");
}

fn pointers(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let errors = body["errors"].as_array().unwrap();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

/// A world over the store of another, as after a restart so much later.
fn again(documents: &Arc<Documents>, later: Duration) -> World {
    let world =
        World::composed(Config::default(), Bounds::default(), Arc::new(Desk::default()), |_| {
            documents.clone()
        });
    world.pass(later);
    world
}

/// A world whose documents outlive it.
fn lasting() -> (World, Arc<Documents>) {
    let mut kept = None;
    let world =
        World::composed(Config::default(), Bounds::default(), Arc::new(Desk::default()), |store| {
            kept.insert(Documents::new(store)).clone()
        });
    (world, kept.unwrap())
}

#[tokio::test]
async fn a_schedule_is_made_shown_listed_and_removed() {
    let world = World::new();
    let body = r#"{"name":"daily","cron":"30 2 * * *","time_zone":"europe/berlin","jitter":"0s",
        "missed":"all","end_at":"2027-01-01T00:00:00Z","job":{"url":"https://e.example/",
        "headers":{"authorization":"Bearer hush"},"body":"hush","method":"POST",
        "metadata":{"n":1.10},"sink":{"url":"https://s.example/","headers":{"x-key":"hush"}}}}"#;
    let at = made(&world, body).await;
    let shown = world.get(&at).await;
    assert!(!String::from_utf8_lossy(&shown.body).contains("hush"));
    assert!(String::from_utf8_lossy(&shown.body).contains("1.10"), "metadata stays as it is");
    let mut shown = shown.json();
    let next = ["23", "24", "25", "26", "27"].map(|day| format!("2026-11-{day}T01:30:00Z"));
    let expected = json!({"id": at.rsplit('/').next(), "name": "daily", "cron": "30 2 * * *",
        "time_zone": "Europe/Berlin", "missed": "all", "end_at": "2027-01-01T00:00:00Z",
        "paused": false, "next_at": next, "created_at": "2026-11-22T10:00:00Z",
        "updated_at": "2026-11-22T10:00:00Z", "job": {"url": "https://e.example/",
        "method": "POST", "metadata": {"n": 1.10}, "sink": {"url": "https://s.example/"}}});
    assert_eq!(shown, expected);
    made(&world, HOURLY).await;
    let listed = world.get("/v1/schedules").await.json();
    shown.as_object_mut().unwrap().remove("job");
    shown["next_at"] = json!([next[0]]);
    assert_eq!(listed["schedules"][0], shown);
    assert_eq!(listed["schedules"][1]["name"], "hourly");
    assert_eq!(world.call("DELETE", &at).await.status, 204);
    world.get(&at).await.problem(404);
    world.call("DELETE", &at).await.problem(404);
    assert_eq!(world.get("/v1/schedules").await.json()["schedules"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_schedule_is_told_with_its_place() {
    let world = World::new();
    let job = r#""job":{"url":"https://e.example/"}"#;
    let rest = format!(r#""name":"x","cron":"@daily",{job}"#);
    for (body, expected) in [
        ("{}".to_owned(), vec!["/name", "/cron", "/job"]),
        ("[]".to_owned(), vec![""]),
        (format!(r#"{{{rest},"colour":1}}"#), vec!["/colour"]),
        (format!(r#"{{"name":"X y","cron":"@daily",{job}}}"#), vec!["/name"]),
        (format!(r#"{{"name":"x","cron":"61 * * * *",{job}}}"#), vec!["/cron"]),
        (format!(r#"{{"name":"x","cron":"0 0 30 2 *",{job}}}"#), vec!["/cron"]),
        (format!(r#"{{"name":"x","cron":"* * * * * * 2027",{job}}}"#), vec!["/cron"]),
        (format!(r#"{{{rest},"every":"1m"}}"#), vec!["/every"]),
        (format!(r#"{{"name":"x","every":"999ms",{job}}}"#), vec!["/every"]),
        (format!(r#"{{"name":"x","every":"367d",{job}}}"#), vec!["/every"]),
        (format!(r#"{{"name":"x","every":900,{job}}}"#), vec!["/every"]),
        (format!(r#"{{"name":"x","every":"1m","time_zone":"UTC",{job}}}"#), vec!["/time_zone"]),
        (format!(r#"{{{rest},"time_zone":"Mars/Olympus"}}"#), vec!["/time_zone"]),
        (format!(r#"{{{rest},"time_zone":"../../etc/passwd"}}"#), vec!["/time_zone"]),
        (format!(r#"{{{rest},"jitter":"25h"}}"#), vec!["/jitter"]),
        (format!(r#"{{{rest},"missed":"some"}}"#), vec!["/missed"]),
        (format!(r#"{{{rest},"start_at":"soon"}}"#), vec!["/start_at"]),
        (format!(r#"{{{rest},"end_at":"2026-11-22T11:00:00Z"}}"#), vec!["/end_at"]),
        (
            format!(r#"{{{rest},"start_at":"2027-01-02T00:00:00Z","end_at":"2027-01-01T00:00:00Z"}}"#),
            vec!["/end_at"],
        ),
        (format!(r#"{{{rest},"paused":"no"}}"#), vec!["/paused"]),
        (r#"{"name":"x","cron":"@daily","job":"https://e.example/"}"#.to_owned(), vec!["/job"]),
        (r#"{"name":"x","cron":"@daily","job":{}}"#.to_owned(), vec!["/job/url"]),
        (
            r#"{"name":"x","cron":"x","job":{"url":"http://127.0.0.1/","tags":[""]}}"#.to_owned(),
            vec!["/cron", "/job/url", "/job/tags/0"],
        ),
        (
            r#"{"name":"x","cron":"@daily","job":{"url":"https://e.example/","colour":1}}"#
                .to_owned(),
            vec!["/job/colour"],
        ),
        (
            r#"{"name":"x","cron":"@daily","job":{"url":"https://e.example/","metadata":{"a":1,"a":2}}}"#
                .to_owned(),
            vec!["/job/metadata/a"],
        ),
        (
            r#"{"name":"x","cron":"@daily","job":{"url":"https://e.example/",
            "not_before":"2027-01-01T00:00:00Z","deadline":"2027-01-01T00:00:00Z"}}"#
                .to_owned(),
            vec!["/job/not_before", "/job/deadline"],
        ),
        (
            format!(
                r#"{{"name":"x","cron":"@daily","job":{{"url":"https://e.example/","body":"{}"}}}}"#,
                "x".repeat(20_000)
            ),
            vec!["/job"],
        ),
    ] {
        let answer = world.give("POST", "/v1/schedules", body.clone()).await;
        answer.problem(422);
        assert_eq!(pointers(&answer), expected, "{body}");
    }
    for (body, status) in [(r#"{"job":{"url":"\ud800"}}"#, 400), ("{", 400), (HOURLY, 415)] {
        match status {
            415 => world.call("POST", "/v1/schedules").await.problem(415),
            _ => world.give("POST", "/v1/schedules", body).await.problem(status),
        };
    }
    assert_eq!(world.get("/v1/schedules").await.json(), json!({"schedules": []}));
    world.get("/v1/schedules?limit=1").await.problem(400);
}

#[tokio::test]
async fn names_are_unique_and_there_is_a_most_of_them() {
    let world = World::with(Config { max_schedules: 2, ..Config::default() }, Bounds::default());
    made(&world, HOURLY).await;
    let detail = world.give("POST", "/v1/schedules", HOURLY).await.problem(409);
    assert_eq!(detail, "there is a schedule `hourly` already");
    made(&world, &HOURLY.replace("hourly", "other")).await;
    let third = HOURLY.replace("hourly", "third");
    let detail = world.give("POST", "/v1/schedules", third).await.problem(409);
    assert_eq!(detail, "there are 2 schedules already, this server's limit");
}

#[tokio::test]
async fn what_is_no_schedule_s_address_is_404_and_all_of_it_wants_a_key() {
    let world = World::new();
    let none = "0190b0c5-0000-7000-8000-000000000000";
    for id in ["other", none, "%00", "%ff", "..", "a%2fb", &"x".repeat(5000)] {
        for (method, end) in
            [("GET", ""), ("DELETE", ""), ("POST", "/run"), ("POST", "/pause"), ("POST", "/resume")]
        {
            world.call(method, &format!("/v1/schedules/{id}{end}")).await.problem(404);
        }
        world.give("PATCH", &format!("/v1/schedules/{id}"), "{}").await.problem(404);
    }
    world.call("PUT", "/v1/schedules").await.problem(405);
    let config = Config { api_keys: vec!["key".to_owned()], ..Config::default() };
    let world = World::with(config, Bounds::default());
    world.give("POST", "/v1/schedules", HOURLY).await.problem(401);
    world.get("/v1/schedules").await.problem(401);
    world.get(&format!("/v1/schedules/{none}")).await.problem(401);
    world.call("POST", &format!("/v1/schedules/{none}/run")).await.problem(401);
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_a_new_time_holds_from_now_on() {
    let world = World::new();
    let at = made(&world, HOURLY).await;
    world.pass(MINUTE * 90);
    let patch = async |body: &str| world.give("PATCH", &at, body.to_owned()).await;
    let changed = patch(r#"{"jitter":null,"missed":"skip"}"#).await.json();
    assert_eq!((&changed["missed"], &changed["cron"]), (&"skip".into(), &"0 * * * *".into()));
    assert_eq!(changed["next_at"][0], "2026-11-22T11:00:00Z", "it was not run yet");
    assert_eq!(changed["updated_at"], "2026-11-22T11:30:00Z");
    let changed = patch(r#"{"every":"20m"}"#).await.json();
    assert_eq!((&changed["every"], &changed["cron"]), (&"20m".into(), &Value::Null));
    assert_eq!(changed["next_at"][0], "2026-11-22T11:50:00Z");
    let changed = patch(r#"{"cron":"0 9 * * *","time_zone":"Asia/Tokyo"}"#).await.json();
    assert_eq!(
        (&changed["every"], &changed["next_at"][0]),
        (&Value::Null, &"2026-11-23T00:00:00Z".into())
    );
    let changed = patch(r#"{"job":{"url":"https://f.example/","tags":["a"]}}"#).await.json();
    assert_eq!(changed["job"], json!({"url": "https://f.example/", "tags": ["a"]}));
    assert!(patch(r#"{"paused":true}"#).await.json()["next_at"].as_array().unwrap().is_empty());
    for (body, pointer) in [
        ("[]", ""),
        (r#"{"name":"other"}"#, "/name"),
        (r#"{"name":null}"#, "/name"),
        (r#"{"cron":null}"#, "/cron"),
        (r#"{"job":null}"#, "/job"),
        (r#"{"job":{"url":"http://127.0.0.1/"}}"#, "/job/url"),
        (r#"{"colour":null}"#, "/colour"),
        (r#"{"missed":"skip","missed":"all"}"#, "/missed"),
        (r#"{"end_at":"2026-11-22T11:31:00Z"}"#, "/end_at"),
    ] {
        let answer = patch(body).await;
        answer.problem(422);
        assert_eq!(pointers(&answer), [pointer], "{body}");
    }
    let shown = world.get(&at).await.json();
    assert_eq!((&shown["cron"], &shown["paused"]), (&"0 9 * * *".into(), &true.into()));
}

#[tokio::test]
async fn the_next_runs_heed_the_zone_s_clock_changes() {
    let world = World::new();
    // In New York, 2027-03-14 has no 02:30.
    let at = made(
        &world,
        r#"{"name":"x","cron":"30 2 13-15 3 *","time_zone":"America/New_York",
        "job":{"url":"https://e.example/"}}"#,
    )
    .await;
    let runs = ["2027-03-13T07:30:00Z", "2027-03-14T07:00:00Z", "2027-03-15T06:30:00Z"];
    let next = world.get(&at).await.json()["next_at"].take();
    assert_eq!(next.as_array().unwrap()[..3], runs.map(Value::from));
}

#[tokio::test(start_paused = true)]
async fn each_run_is_submitted_once_at_its_time_and_can_be_found_by_its_schedule() {
    let world = World::new();
    let _guard = world.at_work();
    let body = r#"{"name":"often","every":"1m","job":{"url":"https://e.example/","tags":["a"],
        "deadline":"5m","priority":"high"}}"#;
    let at = made(&world, body).await;
    settled(&world, 0).await;
    for count in 1..=3 {
        world.pass(MINUTE);
        settled(&world, count).await;
    }
    let jobs = jobs(&world).await;
    for (n, job) in (1_u64..).zip(&jobs) {
        let spec = JobSpec::from_bytes(&job.spec).unwrap();
        assert_eq!(job.created_at.as_millis(), START_MS + n * 60_000);
        assert_eq!(spec.deadline(), Some(job.created_at + MINUTE * 5), "it counts from the run");
        assert_eq!(spec.tags, ["a", "schedule:often"]);
    }
    let found = world.get("/v1/jobs?tag=schedule:often").await.json();
    assert_eq!(found["jobs"].as_array().unwrap().len(), 3);
    let last = last(&world, &at, "submitted").await;
    let id = jobs[2].id.to_string();
    let expected = json!({"at": "2026-11-22T10:03:00Z", "planned_at": "2026-11-22T10:03:00Z",
        "outcome": "submitted", "job_id": id, "status_url": format!("/v1/jobs/{id}")});
    assert_eq!(last, expected);
    assert_eq!(world.get(&at).await.json()["next_at"][0], "2026-11-22T10:04:00Z");
    world.call("DELETE", &at).await;
    world.pass(MINUTE);
    settled(&world, 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_a_crash_cut_short_is_not_made_twice() {
    let (world, documents) = lasting();
    let guard = world.at_work();
    let at = made(&world, HOURLY).await;
    // The job is accepted, and then the schedule cannot be kept.
    documents.full.store(true, Ordering::Relaxed);
    world.pass(HOUR);
    let first = settled(&world, 1).await;
    assert!(world.get(&at).await.json()["last"].is_null(), "nothing tells of it yet");
    drop(guard);
    documents.full.store(false, Ordering::Relaxed);
    let restarted = again(&documents, HOUR + MINUTE);
    let _guard = restarted.at_work();
    let last = last(&restarted, &at, "submitted").await;
    assert_eq!(last["job_id"], first[0].id.to_string());
    settled(&world, 1).await;
    restarted.pass(HOUR);
    settled(&world, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_keep_a_schedule_does_not_make_its_runs_twice() {
    let (world, documents) = lasting();
    let _guard = world.at_work();
    made(&world, HOURLY).await;
    documents.full.store(true, Ordering::Relaxed);
    world.pass(HOUR);
    settled(&world, 1).await;
    for _ in 0..5 {
        world.pass(MINUTE);
        settled(&world, 1).await;
    }
    documents.full.store(false, Ordering::Relaxed);
    world.pass(HOUR);
    settled(&world, 2).await;
}

#[tokio::test(start_paused = true)]
async fn what_no_server_was_there_for_is_made_up_for_as_the_schedule_says() {
    for (missed, count, outcome) in
        [("skip", 0, "skipped"), ("once", 1, "submitted"), ("all", 5, "submitted")]
    {
        let (world, documents) = lasting();
        let body = HOURLY.replace("\"cron\"", &format!("\"missed\":\"{missed}\",\"cron\""));
        let at = made(&world, &body).await;
        let restarted = again(&documents, HOUR * 5 + MINUTE * 10);
        let _guard = restarted.at_work();
        let last = last(&restarted, &at, outcome).await;
        assert_eq!(last["planned_at"], "2026-11-22T15:00:00Z", "{missed}");
        settled(&world, count).await;
        restarted.pass(MINUTE * 50);
        settled(&world, count + 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_very_many_missed_runs_the_latest_hundred_are_made_up_for() {
    let (world, documents) = lasting();
    let body = r#"{"name":"x","every":"1s","missed":"all","job":{"url":"https://e.example/"}}"#;
    made(&world, body).await;
    let restarted = again(&documents, HOUR * 24 * 365);
    let _guard = restarted.at_work();
    settled(&world, 100).await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_has_missed_its_runs() {
    let world = World::new();
    let _guard = world.at_work();
    let at = made(&world, &HOURLY.replace("\"cron\"", "\"missed\":\"skip\",\"cron\"")).await;
    settled(&world, 0).await;
    world.pass(HOUR * 5 + MINUTE * 10);
    assert_eq!(last(&world, &at, "skipped").await["planned_at"], "2026-11-22T15:00:00Z");
    settled(&world, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_paused_schedule_waits_and_what_fell_in_the_pause_was_missed() {
    let world = World::new();
    let _guard = world.at_work();
    let at = made(&world, HOURLY).await;
    let paused = world.call("POST", &format!("{at}/pause")).await;
    assert_eq!((paused.status.as_u16(), &paused.json()["paused"]), (200, &true.into()));
    assert!(paused.json()["next_at"].as_array().unwrap().is_empty());
    for _ in 0..3 {
        world.pass(HOUR);
        settled(&world, 0).await;
    }
    world.pass(MINUTE);
    let resumed = world.call("POST", &format!("{at}/resume")).await.json();
    assert_eq!(resumed["paused"], false);
    let made_up = last(&world, &at, "submitted").await;
    assert_eq!(made_up["planned_at"], "2026-11-22T13:00:00Z");
    settled(&world, 1).await;

    world.give("PATCH", &at, r#"{"paused":true,"missed":"skip"}"#).await;
    world.pass(HOUR * 2);
    settled(&world, 1).await;
    world.give("PATCH", &at, r#"{"paused":false}"#).await;
    last(&world, &at, "skipped").await;
    settled(&world, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_finds_the_queue_full_is_tried_again_and_not_lost() {
    let world = World::with(Config::default(), Bounds { jobs: 1, ..Bounds::default() });
    let _guard = world.at_work();
    let at = made(&world, HOURLY).await;
    let first = world.submit(r#"{"url":"https://e.example/"}"#).await;
    world.pass(HOUR);
    let told = last(&world, &at, "retrying").await;
    assert_eq!(told["detail"], "the queue is full; nothing was kept");
    settled(&world, 1).await;
    world.call("DELETE", &format!("/v1/jobs/{first}")).await;
    world.pass(MINUTE * 2);
    let told = last(&world, &at, "submitted").await;
    assert_eq!(told["planned_at"], "2026-11-22T11:00:00Z");
    settled(&world, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_cannot_be_accepted_any_more_is_told_of_and_the_schedule_goes_on() {
    let (world, _) = lasting();
    let _guard = world.at_work();
    let sink = r#"{"name":"search","url":"https://hooks.example/in"}"#;
    assert_eq!(world.give("POST", "/v1/sinks", sink).await.status, 201);
    let at = made(&world, &HOURLY.replace("{\"url\"", "{\"sink\":\"search\",\"url\"")).await;
    world.call("DELETE", "/v1/sinks/search").await;
    settled(&world, 0).await;
    world.pass(HOUR);
    let told = last(&world, &at, "refused").await;
    assert!(told["detail"].as_str().unwrap().contains("there is no sink `search`"), "{told}");
    assert!(told["job_id"].is_null());
    let now = world.call("POST", &format!("{at}/run")).await;
    now.problem(422);
    assert_eq!(pointers(&now), ["/job/sink"]);
    assert_eq!(world.give("PATCH", &at, r#"{"missed":"all"}"#).await.status, 200);
    world.give("POST", "/v1/sinks", sink).await;
    world.pass(HOUR);
    last(&world, &at, "submitted").await;
    settled(&world, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_schedule_can_be_run_at_once_even_when_it_is_paused() {
    let world = World::new();
    let at = made(&world, &HOURLY.replace("\"cron\"", "\"paused\":true,\"cron\"")).await;
    for count in 1..=2 {
        let answer = world.call("POST", &format!("{at}/run")).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let job = answer.json();
        assert_eq!(answer.header(header::LOCATION), job["status_url"]);
        assert_eq!(job["tags"], json!(["schedule:hourly"]));
        let last = world.get(&at).await.json()["last"].take();
        assert_eq!((&last["job_id"], &last["planned_at"]), (&job["id"], &Value::Null));
        assert_eq!(jobs(&world).await.len(), count);
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_repeats_nothing_and_stops_nothing() {
    let world = World::new();
    let _guard = world.at_work();
    made(&world, HOURLY).await;
    settled(&world, 0).await;
    world.pass(HOUR);
    settled(&world, 1).await;
    world.turn_back(MINUTE * 30);
    settled(&world, 1).await;
    for _ in 0..45 {
        world.pass(MINUTE);
        settled(&world, 1).await;
    }
    world.pass(MINUTE * 45);
    settled(&world, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_for_its_delay() {
    let world = World::new();
    let _guard = world.at_work();
    let at = made(&world, &HOURLY.replace("\"cron\"", "\"jitter\":\"50m\",\"cron\"")).await;
    let next = world.get(&at).await.json()["next_at"][0].take();
    let next: jiff::Timestamp = next.as_str().unwrap().parse().unwrap();
    let next_ms = next.as_millisecond() as u64;
    assert!(next_ms > START_MS + 3_600_000, "this one has a delay");
    while world.now().as_millis() + 20_000 < next_ms {
        world.pass(Duration::from_secs(20));
        settled(&world, 0).await;
    }
    world.pass(Duration::from_secs(20));
    settled(&world, 1).await;
}

const WHOLE: &[u8] = br#"{"name":"x","cron":"*/5 6-18 * * MON-FRI","time_zone":"Europe/Berlin",
"jitter":"30s","missed":"all","start_at":"2026-12-01T00:00:00Z","end_at":"2027-12-01T00:00:00Z",
"paused":true,"job":{"url":"https://e.example/","tags":["a"],"metadata":{"a":1.10}}}"#;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_schedule_is_the_server_s_fault_and_what_is_accepted_reads_back(edits in edits(0..3)) {
        let body = edited(WHOLE, edits);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (world, documents) = lasting();
            let answer = world.give("POST", "/v1/schedules", body).await;
            prop_assert!(matches!(answer.status.as_u16(), 201 | 400 | 422), "{answer:?}");
            if answer.status == 201 {
                let at = answer.header(header::LOCATION).to_owned();
                let patched = world.give("PATCH", &at, "{}").await;
                prop_assert_eq!(patched.status, 200, "{:?}", patched);
                prop_assert_eq!(patched.json(), answer.json());
                let restarted = again(&documents, Duration::ZERO);
                prop_assert_eq!(restarted.get(&at).await.json(), answer.json());
            }
            Ok(())
        })?;
    }
}
