//! `GET /v1/jobs` and `/v1/lanes`.

use std::collections::HashSet;
use std::time::Duration;

use http::header;
use jobs::{JobId, NewJob, Store as _, Timestamp};

use crate::world::{Answer, SCRAPE, START_MS, World};

async fn submit(world: &World, n: usize) -> Vec<JobId> {
    let mut ids = Vec::new();
    for i in 0..n {
        ids.push(world.submit(&format!(r#"{{"url":"https://h{}.example/{i}"}}"#, i % 3)).await);
    }
    ids
}

/// One page, and the jobs on it.
async fn page(world: &World, path: &str) -> (Answer, Vec<JobId>) {
    let answer = world.get(path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let page = answer.json();
    let jobs = page["jobs"].as_array().unwrap();
    let ids = jobs.iter().map(|j| j["id"].as_str().unwrap().parse().unwrap()).collect();
    (answer, ids)
}

/// Walks all pages from `path`; new jobs arrive between the pages.
async fn walk(world: &World, path: &str) -> Vec<JobId> {
    let mut seen = Vec::new();
    let mut path = path.to_owned();
    loop {
        let (answer, jobs) = page(world, &path).await;
        seen.extend(jobs);
        let link = answer.header(header::LINK);
        let body = answer.json();
        let Some(cursor) = body["next_cursor"].as_str() else {
            assert_eq!(link, "", "no link after the last page");
            return seen;
        };
        let next = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
        assert!(next.ends_with(&format!("cursor={cursor}")), "{next}");
        path = next.to_owned();
        submit(world, 1).await;
    }
}

#[tokio::test]
async fn pages_neither_skip_nor_repeat() {
    for (jobs, limit) in [(0, 10), (1, 1), (7, 3), (9, 3), (70, 33), (70, 32), (70, 1000)] {
        let world = World::new();
        let mut expected = submit(&world, jobs).await;
        expected.reverse();
        let seen = walk(&world, &format!("/v1/jobs?limit={limit}")).await;
        assert_eq!(seen, expected, "{jobs} jobs by {limit}");
    }
}

#[tokio::test]
async fn a_status_filter_is_exact_on_every_page() {
    let world = World::new();
    let ids = submit(&world, 40).await;
    for _ in 0..4 {
        world.fetched("{}").await;
    }
    let leased = world.claim(&SCRAPE).await.lease.id;
    let fetched = walk(&world, "/v1/jobs?status=fetched&limit=3").await;
    assert_eq!(fetched.len(), 4);
    assert_eq!(walk(&world, "/v1/jobs?status=fetching").await, [leased]);
    let queued: HashSet<_> =
        walk(&world, "/v1/jobs?limit=7&status=queued").await.into_iter().collect();
    let all: HashSet<_> = ids.into_iter().collect();
    let found: HashSet<_> = queued.intersection(&all).copied().collect();
    assert_eq!(found.len(), 35);
    assert!(!found.contains(&leased) && fetched.iter().all(|id| !found.contains(id)));
    assert!(walk(&world, "/v1/jobs?status=undelivered").await.is_empty());
}

#[tokio::test]
async fn a_page_of_heavy_jobs_ends_early_and_goes_on() {
    let world = World::new();
    let heavy =
        format!(r#"{{"url":"https://e.example","metadata":{{"x":"{}"}}}}"#, "x".repeat(1_000_000));
    let mut expected = Vec::new();
    for _ in 0..12 {
        expected.push(world.submit(&heavy).await);
    }
    expected.reverse();
    let first = world.get("/v1/jobs?limit=100").await;
    assert!(first.body.len() < 6 << 20, "{} bytes", first.body.len());
    assert_eq!(walk(&world, "/v1/jobs?limit=100").await, expected);
}

#[tokio::test]
async fn a_job_in_a_list_is_the_job_by_itself() {
    let world = World::new();
    let id = submit(&world, 1).await[0];
    let page = world.get("/v1/jobs").await.json();
    assert_eq!(page["jobs"][0], world.get(&format!("/v1/jobs/{id}")).await.json());
}

#[tokio::test]
async fn parameters_are_held_to_their_meaning() {
    let world = World::new();
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("limit=-1", "limit"),
        ("limit=1&limit=2", "limit"),
        ("status=gone", "status"),
        ("status=", "status"),
        ("status=queued&status=failed", "status"),
        ("cursor=x", "cursor"),
        ("cursor=AAAAAAAAAAAAAAAAAAAAAAA", "cursor"),
        ("host=example.com:443", "host"),
        ("host=", "host"),
        ("host=a&host=a", "host"),
        ("sink=", "sink"),
        ("tag=", "tag"),
        ("tag=a&tag=b", "tag"),
        ("since=yesterday", "since"),
        ("since=", "since"),
        ("until=2026-13-01T00:00:00Z", "until"),
        ("until=1h&until=1h", "until"),
        ("error=timeout", "error"),
        ("%00=1", "\0"),
    ] {
        let answer = world.get(&format!("/v1/jobs?{query}")).await;
        answer.problem(400);
        assert_eq!(answer.json()["errors"][0]["parameter"], parameter, "{query}");
    }
    world.get("/v1/lanes?cursor=x").await.problem(400);
    assert_eq!(world.get("/v1/jobs?").await.status, 200);
}

/// A job with this id, and its body's remaining members.
async fn planted(world: &World, id: JobId, rest: &str) -> JobId {
    let found = world.submit(&format!(r#"{{"url":"https://h.example"{rest}}}"#)).await;
    let record = world.record(found).await;
    let (stage, lane, spec) = (record.stage, record.lane, record.spec);
    let job = NewJob::new(id, stage, lane, world.now(), spec);
    world.store.submit(vec![job], world.now()).await.unwrap();
    world.store.cancel(found, None, world.now()).await.unwrap();
    id
}

#[tokio::test]
async fn jobs_are_found_by_what_they_are_for() {
    let world = World::new();
    let tagged =
        world.submit(r#"{"url":"https://B\u00fccher.example/1","tags":["a b","c"]}"#).await;
    let told = world
        .submit(r#"{"url":"https://h.example","tags":["c"],"sink":"https://S.example/in?key=1"}"#)
        .await;
    let other = world.submit(r#"{"url":"http://h.example:8080/2"}"#).await;
    for (query, expected) in [
        ("tag=c", &[told, tagged][..]),
        ("tag=a+b", &[tagged]),
        ("tag=nothing", &[]),
        ("host=xn--bcher-kva.example", &[tagged]),
        ("host=B%C3%BCcher.example", &[tagged]),
        ("host=H.example", &[other, told]),
        ("host=example", &[]),
        ("sink=https%3A%2F%2Fs.example%2Fin", &[told]),
        ("sink=https%3A%2F%2FS.example%2Fin%3Fkey%3D1", &[told]),
        ("sink=https%3A%2F%2Fs.example%2Fin%3Fkey%3D2", &[]),
        ("sink=archive", &[]),
        ("tag=c&host=h.example&status=queued", &[told]),
        ("tag=c&status=delivered", &[]),
        ("since=1h", &[other, told, tagged]),
    ] {
        assert_eq!(
            walk_still(&world, &format!("/v1/jobs?{query}&limit=1")).await,
            expected,
            "{query}"
        );
    }
}

/// Walks all pages while nothing else happens.
async fn walk_still(world: &World, path: &str) -> Vec<JobId> {
    let mut seen = Vec::new();
    let mut path = path.to_owned();
    loop {
        let (answer, jobs) = page(world, &path).await;
        seen.extend(jobs);
        let link = answer.header(header::LINK);
        let Some(next) = link.strip_prefix('<') else {
            return seen;
        };
        path = next.strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
}

#[tokio::test]
async fn jobs_are_found_by_when_they_were_accepted() {
    let world = World::new();
    let at = |s: u64| JobId::floor(Timestamp::from_millis(START_MS + 1000 * s));
    let mut ids = Vec::new();
    for s in [0, 10, 20, 30] {
        ids.push(planted(&world, at(s), "").await);
    }
    world.pass(Duration::from_secs(40));
    for (query, expected) in [
        ("until=2026-11-22T10:00:10Z", &ids[..1]),
        ("since=2026-11-22T10:00:10Z&until=30s", &ids[1..1]),
        ("since=2026-11-22T10:00:10Z&until=10s", &ids[1..3]),
        ("since=30s&until=2026-11-22T11:00:00%2B00:00", &ids[1..4]),
        ("until=2026-11-22T09:00:00Z", &[]),
    ] {
        let mut found =
            walk_still(&world, &format!("/v1/jobs?limit=1&status=queued&{query}")).await;
        found.reverse();
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn a_page_says_where_it_stopped_looking() {
    let world = World::new();
    let wanted = world.submit(r#"{"url":"https://h.example","tags":["rare"]}"#).await;
    let spec = world.record(wanted).await;
    let job = |_| {
        let (stage, lane) = (spec.stage.clone(), spec.lane.clone());
        let spec = ingest::JobSpec::new("https://h.example".parse().unwrap()).to_bytes();
        NewJob::new(JobId::draw(), stage, lane, world.now(), spec)
    };
    world.store.submit((0..10_500).map(job).collect(), world.now()).await.unwrap();
    let first = world.get("/v1/jobs?tag=rare").await.json();
    assert_eq!(first["jobs"].as_array().unwrap().len(), 0);
    assert!(first["next_cursor"].is_string());
    assert_eq!(walk_still(&world, "/v1/jobs?tag=rare").await, [wanted]);
}

#[tokio::test]
async fn lanes_are_shown() {
    let world = World::new();
    submit(&world, 5).await;
    world.claim(&SCRAPE).await;
    let lanes = world.get("/v1/lanes").await.json();
    let lanes = lanes["lanes"].as_array().unwrap();
    assert_eq!(lanes.len(), 3);
    assert!(lanes.iter().all(|lane| lane["circuit"] == "closed"), "{lanes:?}");
    let sum = |field: &str| lanes.iter().map(|l| l[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("waiting"), sum("in_flight")), (4, 1));
    let one = world.get("/v1/lanes?limit=1").await.json();
    assert_eq!(one["lanes"].as_array().unwrap().len(), 1);
    assert_eq!(one["lanes"][0]["stage"], "scrape");
}

#[tokio::test]
async fn a_closed_store_cannot_list() {
    let world = World::new();
    world.store.close().await.unwrap();
    world.get("/v1/jobs").await.problem(503);
}
