//! How the driver ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jobs::{Bounds, Drained, LaneLimit, State};
use tokio::time::{Instant, sleep};

use super::{Scene, finished, secs};
use crate::backend::{FETCH, config};
use crate::rig::{Differently, id, job, retry};

#[tokio::test(start_paused = true)]
async fn an_idle_driver_stops_at_once() {
    let scene = Scene::new();
    let running = scene.drive(4, |_| async { finished() });
    sleep(secs(100)).await;
    let stopped = Instant::now();
    scene.stop.cancel();
    assert_eq!(running.await.expect("it drains"), Drained { finished: 0, released: 0 });
    assert!(stopped.elapsed() < secs(1));
}

#[tokio::test(start_paused = true)]
async fn what_finishes_within_the_grace_is_settled() {
    let scene = Scene::new();
    scene.submit((0..3).map(job)).await;
    let running = scene.drive(4, |_| async {
        sleep(secs(25)).await;
        finished()
    });
    sleep(secs(5)).await;
    scene.stop.cancel();
    assert_eq!(running.await.expect("it drains"), Drained { finished: 3, released: 0 });
    assert!(scene.elapsed() < secs(26), "it does not sit the grace out");
    scene.reach((0..3).map(id), State::Done).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_released_comes_first_again_in_its_lane() {
    let lane = LaneLimit { concurrency: 1, ..LaneLimit::default() };
    let scene = Scene::with(config(lane, Bounds::default()));
    scene.submit((1..=3).map(|n| job(n).due(n))).await;
    let running = scene.drive(4, |_| async {
        sleep(secs(1_000_000)).await;
        finished()
    });
    sleep(secs(5)).await;
    scene.stop.cancel();
    assert_eq!(running.await.expect("it drains"), Drained { finished: 0, released: 1 });
    let now = jobs::Clock::now(&*scene.clock);
    let again = scene.store.claim(&FETCH, 9, now + secs(1), now).await.expect("claimed");
    assert_eq!(again.iter().map(|c| c.lease.id).collect::<Vec<_>>(), [id(1)]);
}

#[tokio::test(start_paused = true)]
async fn what_outlasts_the_grace_is_released_uncharged() {
    let scene = Scene::new();
    scene.submit((1..=2).map(job)).await;
    let running = scene.drive(4, |job| async move {
        sleep(if job.lease.id == id(1) { secs(20) } else { secs(1_000_000) }).await;
        finished()
    });
    sleep(secs(5)).await;
    scene.stop.cancel();
    assert_eq!(running.await.expect("it drains"), Drained { finished: 1, released: 1 });
    assert!(scene.elapsed() >= secs(35) && scene.elapsed() < secs(36));
    assert_eq!(scene.record(id(1)).await.state, State::Done);
    let put_back = scene.record(id(2)).await;
    assert_eq!((put_back.state, put_back.attempts), (State::Waiting, 0));
    let now = jobs::Clock::now(&*scene.clock);
    assert!(put_back.due <= now, "due at once");
    let again = scene.store.claim(&put_back.stage, 9, now + secs(1), now).await.expect("claimed");
    assert_eq!(again.iter().map(|c| (c.lease.id, c.attempt)).collect::<Vec<_>>(), [(id(2), 1)]);
}

#[tokio::test(start_paused = true)]
async fn leases_are_kept_alive_during_the_grace() {
    let scene = Scene::new();
    scene.submit([job(1)]).await;
    let running = scene.drive(1, |_| async {
        sleep(secs(129)).await;
        finished()
    });
    // The lease was last extended at 100 s or before; it must be extended again at 120 s.
    sleep(secs(119)).await;
    scene.stop.cancel();
    sleep(secs(9)).await;
    let later = jobs::Clock::now(&*scene.clock) + secs(45);
    let stolen = scene.store.claim(&FETCH, 9, later + secs(60), later).await.expect("claimed");
    assert!(stolen.is_empty(), "the lease was not extended");
    assert_eq!(running.await.expect("it drains"), Drained { finished: 1, released: 0 });
    assert_eq!(scene.record(id(1)).await.state, State::Done);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_claimed_once_it_is_to_stop() {
    let scene = Scene::new();
    scene.submit([job(1)]).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let inner = Arc::clone(&runs);
    let running = scene.drive(4, move |_| {
        inner.fetch_add(1, Ordering::SeqCst);
        async {
            sleep(secs(10)).await;
            retry(0).into()
        }
    });
    sleep(secs(5)).await;
    scene.stop.cancel();
    scene.submit([job(2)]).await;
    assert_eq!(running.await.expect("it drains"), Drained { finished: 1, released: 0 });
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(scene.record(id(1)).await.state, State::Waiting);
    assert_eq!(scene.record(id(2)).await.state, State::Waiting);
}

#[tokio::test(start_paused = true)]
async fn work_that_panics_during_the_drain_is_charged_not_lost() {
    let scene = Scene::new();
    scene.submit([job(1)]).await;
    let running = scene.drive(1, |_| async {
        sleep(secs(10)).await;
        panic!("on purpose")
    });
    sleep(secs(5)).await;
    scene.stop.cancel();
    running.await.expect("it drains");
    let record = scene.record(id(1)).await;
    assert_eq!((record.state, record.attempts), (State::Waiting, 1));
}
