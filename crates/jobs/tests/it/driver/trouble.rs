//! Panics, lost leases, and a store that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jobs::{ErrorKind, Finish, State};
use tokio::time::sleep;

use super::{Scene, finished, secs};
use crate::faulty::Call;
use crate::rig::{Differently, id, job};

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_retry_that_is_charged() {
    let scene = Scene::new();
    scene.submit([job(1), job(2)]).await;
    scene.drive(1, |job| {
        // Also a panic before there is any future at all.
        assert!(job.attempt != 1 || job.lease.id != id(2), "on purpose");
        async move {
            assert!(job.attempt != 1, "on purpose");
            finished()
        }
    });
    scene.reach([id(1), id(2)], State::Done).await;
    for n in [1, 2] {
        let record = scene.record(id(n)).await;
        assert_eq!(record.attempts, 2);
        let note = record.note.expect("what went wrong is kept");
        assert!(!note.contains("on purpose"), "inner details are not for people");
    }
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_a_lost_lease_is_dropped() {
    let scene = Scene::new();
    scene.submit([job(1)]).await;
    scene.drive(1, |_| async {
        sleep(secs(10)).await;
        finished()
    });
    sleep(secs(5)).await;
    scene.store.cancel(id(1), None, jobs::Clock::now(&*scene.clock)).await.expect("answered");
    scene.submit([job(2)]).await;
    scene.reach([id(2)], State::Done).await;
    assert_eq!(scene.record(id(1)).await.state, State::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn work_whose_lease_is_lost_is_aborted_and_its_slot_is_free() {
    let scene = Scene::new();
    scene.submit([job(1)]).await;
    scene.drive(1, |job| async move {
        sleep(if job.lease.id == id(1) { secs(1_000_000) } else { secs(1) }).await;
        finished()
    });
    sleep(secs(5)).await;
    scene.store.cancel(id(1), None, jobs::Clock::now(&*scene.clock)).await.expect("answered");
    scene.submit([job(2)]).await;
    scene.reach([id(2)], State::Done).await;
    assert!(scene.elapsed() < secs(5 + 60), "noticed at the next heartbeat");
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_fails_is_tried_again_with_back_off() {
    let (scene, faulty) = Scene::faulty();
    faulty.fail(Call::Claim, 20, ErrorKind::NoSpace);
    scene.submit([job(1)]).await;
    scene.drive(1, |_| async { finished() });
    scene.reach([id(1)], State::Done).await;
    assert!(scene.elapsed() > secs(5), "20 tries are not made at once");
    assert!(scene.elapsed() < secs(300), "nor are they given up for long");
    assert!(faulty.calls(Call::Claim) < 30);
}

#[tokio::test(start_paused = true)]
async fn a_submission_does_not_break_the_back_off() {
    let (scene, faulty) = Scene::faulty();
    faulty.fail(Call::Claim, u32::MAX, ErrorKind::Unavailable);
    scene.drive(1, |_| async { finished() });
    for n in 0..1_000 {
        scene.submit([job(n)]).await;
        sleep(std::time::Duration::from_millis(10)).await;
    }
    let calls = faulty.calls(Call::Claim);
    assert!(calls < 50, "{calls} claims in 10 s of a store that is down");
    faulty.fail(Call::Claim, 0, ErrorKind::Unavailable);
    scene.reach((0..1_000).map(id), State::Done).await;
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_fails_is_tried_until_it_stands() {
    let (scene, faulty) = Scene::faulty();
    let runs = Arc::new(AtomicUsize::new(0));
    let inner = Arc::clone(&runs);
    scene.submit((0..5).map(job)).await;
    faulty.fail(Call::Settle, 8, ErrorKind::NoSpace);
    scene.drive(2, move |_| {
        inner.fetch_add(1, Ordering::SeqCst);
        async { finished() }
    });
    scene.reach((0..5).map(id), State::Done).await;
    assert_eq!(runs.load(Ordering::SeqCst), 5, "no work was repeated");
}

/// Counts when it is let go of.
struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_finish_holds_is_let_go_once_it_is_recorded() {
    let (scene, faulty) = Scene::faulty();
    let let_go = Arc::new(AtomicUsize::new(0));
    let inner = Arc::clone(&let_go);
    scene.submit([job(1)]).await;
    faulty.fail(Call::Settle, u32::MAX, ErrorKind::NoSpace);
    scene.drive(2, move |_| {
        let held = Held(Arc::clone(&inner));
        async move { Finish { held: Some(Box::new(held)), ..finished() } }
    });
    sleep(secs(30)).await;
    assert!(faulty.calls(Call::Settle) > 1);
    assert_eq!(let_go.load(Ordering::SeqCst), 0, "its outcome is not recorded yet");
    faulty.fail(Call::Settle, 0, ErrorKind::NoSpace);
    scene.reach([id(1)], State::Done).await;
    scene.counted(&let_go, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_fails_costs_no_lease() {
    let (scene, faulty) = Scene::faulty();
    let runs = Arc::new(AtomicUsize::new(0));
    let inner = Arc::clone(&runs);
    scene.submit([job(1)]).await;
    faulty.fail(Call::Extend, 1, ErrorKind::NoSpace);
    scene.drive(2, move |_| {
        inner.fetch_add(1, Ordering::SeqCst);
        async {
            sleep(secs(200)).await;
            finished()
        }
    });
    scene.counted(&runs, 1).await;
    scene.reach([id(1)], State::Done).await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert!(faulty.calls(Call::Extend) > 1);
}

#[tokio::test(start_paused = true)]
async fn a_closed_store_ends_the_driver_with_the_reason() {
    let scene = Scene::new();
    let running = scene.drive(1, |_| async { finished() });
    sleep(secs(1)).await;
    scene.store.close().await.expect("closed");
    scene.store.signal(&crate::backend::FETCH).notify_one();
    let error = running.await.expect_err("there is no store to work for");
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_heard_while_the_store_is_down() {
    let (scene, faulty) = Scene::faulty();
    scene.submit([job(1).lane("a")]).await;
    let running = scene.drive(1, |_| async {
        sleep(secs(1)).await;
        finished()
    });
    faulty.fail(Call::Settle, u32::MAX, ErrorKind::Unavailable);
    sleep(secs(20)).await;
    let stopped = scene.elapsed();
    scene.stop.cancel();
    let _ = running.await;
    assert!(scene.elapsed() - stopped < secs(60), "within the grace and a little");
    assert_eq!(scene.record(id(1)).await.state, State::Leased, "nothing was made up");
}
