//! How much is in hand at once, and when it is taken up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jobs::{Finish, LaneNews, Outcome, State};
use tokio::time::{Instant, sleep};

use super::{Scene, finished, secs};
use crate::rig::{Differently, at, id, job};

#[tokio::test(start_paused = true)]
async fn no_more_than_its_slots_are_in_hand() {
    let scene = Scene::new();
    scene.submit((0..30).map(|n| job(n).lane(&format!("{}", n % 4)))).await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (inner_now, inner_most) = (Arc::clone(&now), Arc::clone(&most));
    scene.drive(5, move |_| {
        let (now, most) = (Arc::clone(&inner_now), Arc::clone(&inner_most));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(secs(1)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            finished()
        }
    });
    scene.reach((0..30).map(id), State::Done).await;
    assert_eq!(most.load(Ordering::SeqCst), 5, "all slots are used, and no more");
    assert!(scene.elapsed() < Duration::from_millis(6_500), "a freed slot is filled at once");
}

#[tokio::test(start_paused = true)]
async fn heartbeats_keep_the_lease_of_slow_work() {
    let scene = Scene::new();
    scene.submit([job(1)]).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let inner = Arc::clone(&runs);
    scene.drive(4, move |_| {
        inner.fetch_add(1, Ordering::SeqCst);
        async {
            sleep(secs(3_600)).await;
            finished()
        }
    });
    // Others keep it claiming, so that an expired lease would be given out again.
    scene.submit((10..70).map(|n| job(n).due(n * 45_000))).await;
    scene.reach([id(1)], State::Done).await;
    assert!(scene.elapsed() < secs(3_602));
    assert_eq!(scene.record(id(1)).await.attempts, 1);
    let others = runs.load(Ordering::SeqCst) - 1;
    assert!(others <= 60, "the slow job ran once");
}

#[tokio::test(start_paused = true)]
async fn a_new_job_is_taken_up_promptly() {
    let scene = Scene::new();
    let lag = Arc::new(AtomicUsize::new(0));
    scene.drive(4, move |_| async { finished() });
    for n in 0..5 {
        sleep(secs(1_000)).await;
        let submitted = Instant::now();
        scene.submit([job(n)]).await;
        scene.reach([id(n)], State::Done).await;
        lag.fetch_max(submitted.elapsed().as_millis() as usize, Ordering::SeqCst);
    }
    assert!(lag.load(Ordering::SeqCst) <= 20, "{lag:?} ms");
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_taken_up_when_it_is_due() {
    let scene = Scene::new();
    scene.submit([job(1)]).await;
    let start = Instant::now();
    scene.drive(4, move |job| {
        assert_eq!(u64::from(job.attempt) - 1, start.elapsed().as_secs() / 1_800);
        async move {
            match job.attempt {
                4 => finished(),
                n => {
                    let at = at(1_800_000 * u64::from(n));
                    Outcome::Retry { at, note: "later".to_owned() }.into()
                }
            }
        }
    });
    scene.reach([id(1)], State::Done).await;
    assert!(scene.elapsed() < secs(3 * 1_800 + 1), "no later than it was due");
    assert_eq!(scene.record(id(1)).await.attempts, 4);
}

#[tokio::test(start_paused = true)]
async fn a_due_job_is_not_forgotten_behind_a_later_one() {
    let scene = Scene::new();
    scene.drive(4, move |_| async { finished() });
    scene.submit([job(1).due(7_200_000)]).await;
    sleep(secs(10)).await;
    scene.submit([job(2).due(60_000)]).await;
    scene.reach([id(2)], State::Done).await;
    assert!(scene.elapsed() < secs(61));
    scene.reach([id(1)], State::Done).await;
    assert!(scene.elapsed() < secs(7_201));
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_the_lane_is_kept() {
    let scene = Scene::new();
    scene.submit([job(1), job(2).due(1), job(3).lane("b").due(1)]).await;
    let start = Instant::now();
    scene.drive(1, move |job| async move {
        match (job.lease.id, job.attempt) {
            (n, 1) if n == id(1) => {
                let outcome = Outcome::Retry { at: at(0), note: "too many requests".to_owned() };
                Finish { lane: LaneNews::paused(Some(at(600_000))), ..outcome.into() }
            }
            (n, _) if n == id(3) => finished(),
            _ => {
                assert!(start.elapsed() >= secs(600), "its lane is paused");
                finished()
            }
        }
    });
    scene.reach([id(3)], State::Done).await;
    assert!(scene.elapsed() < secs(1), "another lane goes on");
    scene.reach([id(1), id(2)], State::Done).await;
    assert!(scene.elapsed() < secs(601));
    assert_eq!(scene.record(id(2)).await.attempts, 1, "no attempt failed an assertion");
}
