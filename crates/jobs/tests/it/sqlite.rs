//! What is special about the embedded store: bounded memory, segments, and what it refuses to
//! open.

mod upgrade;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use jobs::{
    Claimed, Config, ErrorKind, Filter, JobId, LaneKey, LaneLimit, Next, Outcome, Settled,
    Settlement, SqliteConfig, SqliteStore, Stage, StageConfig, State, Store, Submitted,
};
use tempfile::TempDir;

use crate::backend::{FETCH, database, disk_bytes, roomy};
use crate::rig::{Differently, LEASE_MS, MANY, at, id, job, next, soon};

const SMALL: SqliteConfig = SqliteConfig { hot_bytes: 2_000, segment_bytes: 20_000 };

fn open(dir: &Path) -> Arc<dyn Store> {
    SqliteStore::open_with(dir, roomy(), SMALL).expect("it opens")
}

fn dir() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// Jobs `0..count`, claimed.
async fn claimed(store: &dyn Store, count: u64) -> Vec<Claimed> {
    let answers = store.submit((0..count).map(job).collect(), at(0)).await.expect("accepted");
    assert!(answers.iter().all(|a| *a == Submitted::Created));
    let mut claimed = store.claim(&FETCH, MANY, at(LEASE_MS), at(0)).await.expect("claimed");
    claimed.sort_by_key(|c| c.lease.id);
    assert_eq!(claimed.len() as u64, count);
    claimed
}

fn body(n: u64, bytes: usize) -> Bytes {
    Bytes::from((0..bytes as u64).map(|i| (i * 31 + n * 7) as u8).collect::<Vec<_>>())
}

async fn settle(
    store: &dyn Store,
    claimed: &[Claimed],
    outcome: impl Fn(u64) -> Outcome,
    now: u64,
) {
    let settlements = (0..).zip(claimed).map(|(n, c)| Settlement::new(c.lease, outcome(n)));
    let answers = soon("settled", store.settle(settlements.collect(), at(now))).await;
    let answers = answers.expect("settled");
    assert_eq!(answers, vec![Settled::Recorded; claimed.len()]);
}

fn done_with(result: Option<Bytes>) -> Outcome {
    Outcome::Done { verdict: None, result, note: None }
}

#[tokio::test]
async fn results_beyond_the_hot_bound_wait_for_the_disk_and_go_on() {
    let dir = dir();
    let store = open(dir.path());
    let claimed = claimed(&*store, 100).await;
    settle(&*store, &claimed, |n| done_with(Some(body(n, 700))), 1).await;
    for n in 0..100 {
        assert!(store.result(id(n)).await.expect("read").expect("kept") == body(n, 700));
    }
}

#[tokio::test]
async fn a_result_larger_than_the_hot_bound_is_taken() {
    let dir = dir();
    let store = open(dir.path());
    let claimed = claimed(&*store, 3).await;
    settle(&*store, &claimed, |n| done_with(Some(body(n, 50_000))), 1).await;
    store.close().await.expect("closed");
    let store = open(dir.path());
    for n in 0..3 {
        assert!(store.result(id(n)).await.expect("read").expect("kept") == body(n, 50_000));
    }
}

#[tokio::test]
async fn the_living_in_sparse_segments_stay_whole_and_the_rest_is_given_back() {
    const JOBS: u64 = 200;
    let dir = dir();
    let store = open(dir.path());
    let survives = |n: &u64| n.is_multiple_of(10);
    for (n, claimed) in (0..).zip(claimed(&*store, JOBS).await) {
        let now = if survives(&n) { 500 } else { 1 };
        settle(&*store, &[claimed], |_| done_with(Some(body(n, 1_000))), now).await;
    }
    store.flush().await.expect("flushed");
    let full = disk_bytes(&dir.path().join("segments"));
    assert!(full >= JOBS * 1_000);
    let mut gone = 0;
    for _ in 0..50 {
        gone += store.sweep(at(100), 7).await.expect("swept").jobs;
        for n in (0..JOBS).filter(survives) {
            let result = store.result(id(n)).await.expect("read");
            assert!(result.expect("kept") == body(n, 1_000), "{n}");
        }
    }
    assert_eq!(gone, JOBS * 9 / 10);
    let left = disk_bytes(&dir.path().join("segments"));
    assert!(left < full / 2, "{left} of {full} bytes are left");
    store.close().await.expect("closed");
    let store = open(dir.path());
    for n in (0..JOBS).filter(survives) {
        assert!(store.result(id(n)).await.expect("read").expect("kept") == body(n, 1_000), "{n}");
    }
    assert_eq!(store.sweep(at(1_000), MANY).await.expect("swept").jobs, JOBS / 10);
    assert_eq!(disk_bytes(&dir.path().join("segments")), 0);
}

#[tokio::test]
async fn a_lane_s_jobs_are_found_among_many_of_others() {
    /// More than are looked at in one read, twice over.
    const JOBS: u64 = 10_000;
    let dir = dir();
    let store = open(dir.path());
    let is_rare = |n: &u64| n.is_multiple_of(2_048) || *n == JOBS - 1;
    let new = |n| job(n).lane(if is_rare(&n) { "rare" } else { "usual" });
    store.submit((0..JOBS).map(new).collect(), at(0)).await.expect("accepted");
    let expected: Vec<_> = (0..JOBS).rev().filter(is_rare).map(id).collect();
    for limit in [1, 3, MANY] {
        for states in [vec![], vec![State::Waiting], vec![State::Waiting, State::Done]] {
            let filter = Filter { states, lane: Some(LaneKey::new("rare")), ..Filter::default() };
            let found = pages(&*store, &filter, limit).await;
            assert_eq!(found, expected, "{limit} at a time");
        }
    }
}

#[tokio::test]
async fn an_owner_s_jobs_are_found_among_many_of_its_own_and_of_others() {
    /// More than are looked at in one read.
    const JOBS: u64 = 6_000;
    let dir = dir();
    let store = open(dir.path());
    let is_rare = |n: &u64| n.is_multiple_of(2_048) || *n == JOBS - 1;
    let new = |n: u64| {
        let new = if n % 8 == 7 { job(n) } else { job(n).owner("o").group(1) };
        new.lane(if is_rare(&n) { "rare" } else { "usual" })
    };
    store.submit((0..JOBS).map(new).collect(), at(0)).await.expect("accepted");
    for n in (0..JOBS).filter(is_rare).chain([5]) {
        store.cancel(id(n), None, at(1)).await.expect("answered");
    }
    let cancelled = (0..JOBS).rev().filter(|n| (is_rare(n) || *n == 5) && n % 8 != 7);
    let cancelled: Vec<_> = cancelled.map(id).collect();
    for flushed in [false, true] {
        for (owner, group) in [(true, false), (false, true), (true, true)] {
            let filter = Filter {
                states: vec![State::Cancelled],
                owner: owner.then(|| "o".into()),
                group: group.then(|| crate::rig::group(1)),
                ..Filter::default()
            };
            for limit in [1, 3, MANY] {
                let found = pages(&*store, &filter, limit).await;
                assert_eq!(found, cancelled, "{limit} at a time, flushed: {flushed}");
            }
        }
        store.flush().await.expect("flushed");
    }
    let of_another = Filter { owner: Some("p".into()), ..Filter::default() };
    assert!(pages(&*store, &of_another, MANY).await.is_empty());
}

/// All that a filter finds, so many at a time.
async fn pages(store: &dyn Store, filter: &Filter, limit: usize) -> Vec<JobId> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = store.list(filter.clone(), before, limit).await.expect("listed");
        assert!(page.len() <= limit);
        let Some(last) = page.last() else { return found };
        before = Some(last.id);
        assert!(page.iter().all(|r| r.spec.starts_with(b"spec ")));
        found.extend(page.iter().map(|r| r.id));
    }
}

/// Replaces results of `before` bytes by results of `after`, sweeps, and tells what is left.
async fn left_after_replacing(before: usize, after: usize) -> u64 {
    let dir = dir();
    let store = open(dir.path());
    let first = claimed(&*store, 5).await;
    let advance = |n| Outcome::Advance(Next { result: body(n, before), ..next(0, b"") });
    settle(&*store, &first, advance, 1).await;
    store.flush().await.expect("flushed");
    let deliver = next(0, b"").stage;
    let mut second = store.claim(&deliver, MANY, at(LEASE_MS), at(1)).await.expect("claimed");
    second.sort_by_key(|c| c.lease.id);
    settle(&*store, &second, |n| done_with(Some(body(n + 50, after))), 2).await;
    store.flush().await.expect("flushed");
    for n in 0..5 {
        assert!(store.result(id(n)).await.expect("read").expect("kept") == body(n + 50, after));
    }
    assert_eq!(store.sweep(at(1_000), MANY).await.expect("swept").jobs, 5);
    disk_bytes(&dir.path().join("segments"))
}

#[tokio::test]
async fn a_replaced_result_gives_its_space_back() {
    assert_eq!(left_after_replacing(300, 400).await, 0);
    assert_eq!(left_after_replacing(300, 0).await, 0, "replaced by an empty one");
    assert_eq!(left_after_replacing(0, 300).await, 0, "an empty one replaced");
}

/// A directory in which one job waits.
async fn used() -> TempDir {
    let dir = dir();
    let store = open(dir.path());
    store.submit(vec![job(1)], at(0)).await.expect("accepted");
    store.close().await.expect("closed");
    dir
}

fn refused(dir: &Path, config: Config) -> jobs::Error {
    SqliteStore::open(dir, config).expect_err("it is refused")
}

#[tokio::test]
async fn a_newer_version_s_directory_is_refused_and_left_alone() {
    let dir = used().await;
    let db = rusqlite::Connection::open(database(dir.path())).expect("opened");
    let found: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).expect("read");
    db.pragma_update(None, "user_version", 999).expect("updated");
    drop(db);
    let error = refused(dir.path(), roomy());
    assert_eq!(error.kind(), ErrorKind::Unusable);
    assert!(error.to_string().contains("999"), "{error}");
    let db = rusqlite::Connection::open(database(dir.path())).expect("opened");
    db.pragma_update(None, "user_version", found).expect("updated");
    drop(db);
    assert!(open(dir.path()).get(id(1)).await.expect("read").is_some());
}

#[tokio::test]
async fn jobs_of_a_stage_that_is_gone_are_not_forgotten_silently() {
    let dir = used().await;
    let only = Stage::from_static("another");
    let stages = vec![StageConfig::new(only, LaneLimit::default())];
    let error = refused(dir.path(), Config { stages, ..roomy() });
    assert_eq!(error.kind(), ErrorKind::Unusable);
    assert!(error.to_string().contains(FETCH.as_str()), "{error}");
    assert!(open(dir.path()).get(id(1)).await.expect("read").is_some());
}

#[tokio::test]
async fn a_database_that_is_none_is_told_as_corrupt() {
    let dir = used().await;
    std::fs::write(database(dir.path()), [b'?'; 8_192]).expect("written");
    assert_eq!(refused(dir.path(), roomy()).kind(), ErrorKind::Corrupt);
}
