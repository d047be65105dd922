//! Submissions that are repeated under one idempotency key.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ingest::{Config, NoSinks};
use jobs::{Bounds, Outcome, Store as _, Verdict};

use crate::documents::Documents;
use crate::world::{SCRAPE, World};

const JOB: &str = r#"{"url":"https://example.com"}"#;
const KEY: [(&str, &str); 1] = [("idempotency-key", "one")];

#[tokio::test]
async fn a_repetition_meanwhile_is_409_and_later_the_same_answer() {
    let mut kept = None;
    let world = World::composed(Config::default(), Bounds::default(), Arc::new(NoSinks), |store| {
        kept.insert(Documents::accepting_in_turns(store)).clone()
    });
    let store = kept.unwrap();
    let first = world.post_with(JOB, &KEY);
    let second = async {
        // Polled after the first, which is then at the store.
        let answer = world.post_with(JOB, &KEY).await;
        store.accepting.add_permits(10);
        answer
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.status, 202);
    second.problem(409);
    assert_eq!(second.json()["type"], "urn:pagewire:problem:idempotency-key-busy");
    assert_eq!(second.header("retry-after"), "1");
    let third = world.post_with(JOB, &KEY).await;
    assert_eq!((third.status.as_u16(), third.json()), (202, first.json()));
    assert_eq!(third.header("idempotency-replayed"), "true");
    assert_eq!(world.store.counts().live(), 1);
}

#[tokio::test]
async fn a_failed_job_frees_its_key() {
    let world = World::new();
    let first = world.post_with(JOB, &KEY).await;
    let verdict = Some(Verdict::Failed);
    let result = Some(Bytes::from_static(b"{}"));
    world.settle(&SCRAPE, Outcome::Done { verdict, result, note: None }).await;
    let second = world.post_with(JOB, &KEY).await;
    assert_eq!(second.header("idempotency-replayed"), "");
    assert_ne!(second.json()["id"], first.json()["id"]);
    // Also for another body.
    world.settle(&SCRAPE, Outcome::Dead { note: "given up".to_owned() }).await;
    let third = world.post_with(r#"{"url":"https://example.org"}"#, &KEY).await;
    assert_eq!(third.status, 202);
}

#[tokio::test]
async fn a_key_is_free_again_after_its_window() {
    let config = Config { idempotency_window: Duration::from_secs(3600), ..Config::default() };
    let world = World::with(config, Bounds::default());
    let first = world.post_with(JOB, &KEY).await;
    world.pass(Duration::from_secs(3600));
    let second = world.post_with(JOB, &KEY).await;
    assert_eq!(second.json()["id"], first.json()["id"], "the window has just not passed");
    world.pass(Duration::from_secs(1));
    let third = world.post_with(JOB, &KEY).await;
    assert_eq!(third.header("idempotency-replayed"), "");
    assert_ne!(third.json()["id"], first.json()["id"]);
}
