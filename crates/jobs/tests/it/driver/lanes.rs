//! Lanes with a pace, lanes in trouble, and jobs whose time is up.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use jobs::{
    Bounds, Claimed, Finish, Health, LaneKey, LaneLimit, LaneNews, NewJob, NewNote, Outcome, State,
    Why,
};
use tokio::time::{Instant, sleep};

use super::{Scene, finished, secs};
use crate::backend::{FETCH, config};
use crate::faulty::Call;
use crate::rig::{Differently, at, id, job};

/// A scene whose lanes have this limit.
fn paced(concurrency: u32, interval: Duration) -> Scene {
    Scene::with(config(
        LaneLimit { concurrency, interval, ..LaneLimit::default() },
        Bounds::default(),
    ))
}

#[tokio::test(start_paused = true)]
async fn every_lane_goes_at_its_pace_whatever_the_others_do() {
    const LANES: u64 = 50;
    const EACH: u64 = 40;
    let interval = Duration::from_millis(200);
    let scene = paced(4, interval);
    let lane = |n: u64| format!("{}", n % LANES);
    scene.submit((0..LANES * EACH).map(|n| job(n).lane(&lane(n)))).await;
    scene.submit((9_000..9_100).map(|n| job(n).lane("stuck"))).await;
    let starts: Arc<Mutex<HashMap<LaneKey, Vec<Instant>>>> = Arc::default();
    let seen = Arc::clone(&starts);
    scene.drive(100, move |job: Claimed| {
        let stuck = job.lane.as_str() == "stuck";
        seen.lock().expect("kept").entry(job.lane).or_default().push(Instant::now());
        async move {
            sleep(if stuck { secs(100_000) } else { Duration::from_millis(70) }).await;
            finished()
        }
    });
    scene.reach((0..LANES * EACH).map(id), State::Done).await;
    let ideal = interval * (EACH as u32 - 1) + Duration::from_millis(70);
    let took = scene.elapsed();
    assert!(took <= ideal.mul_f64(1.1), "{took:?} where {ideal:?} is ideal");
    for (lane, starts) in starts.lock().expect("kept").iter() {
        let apart = starts.windows(2).map(|pair| pair[1] - pair[0]).min();
        assert!(apart.is_none_or(|apart| apart >= interval), "{lane}: {apart:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_is_ended_when_its_time_is_up() {
    let scene = Scene::new();
    let expires = Some(at(5_000));
    scene.submit([NewJob { expires, ..job(1).due(3_600_000) }]).await;
    scene.drive(4, |job: Claimed| async move {
        assert_eq!(job.without_work, Some(Why::Expired));
        finished()
    });
    scene.reach([id(1)], State::Done).await;
    assert!(scene.elapsed() >= secs(5) && scene.elapsed() < Duration::from_millis(5_100));
    assert_eq!(scene.record(id(1)).await.attempts, 1, "no assertion failed");
}

#[tokio::test(start_paused = true)]
async fn the_jobs_of_a_dead_host_all_come_to_their_end_and_hold_nobody_up() {
    const DEAD: u64 = 20_000;
    let limit = LaneLimit { concurrency: 4, interval: Duration::ZERO, ..LaneLimit::default() };
    let mut config = config(limit, Bounds::default());
    config.stages[0].give_up_after = Some(secs(120));
    let scene = Scene::with(config);
    scene.submit((0..DEAD).map(|n| job(n).lane("dead"))).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let inner = Arc::clone(&asked);
    scene.drive(64, move |job: Claimed| {
        let asked = Arc::clone(&inner);
        async move {
            if job.lane.as_str() != "dead" {
                sleep(Duration::from_millis(100)).await;
                return finished();
            }
            if job.without_work == Some(Why::LaneFailing) {
                return finished();
            }
            asked.fetch_add(1, Ordering::SeqCst);
            sleep(secs(1)).await;
            let outcome = Outcome::Retry { at: at(1_000_000), note: "no answer".to_owned() };
            let lane = LaneNews { health: Some(Health::Bad), ..LaneNews::default() };
            Finish { lane, ..outcome.into() }
        }
    });
    // In the middle of giving up, others are served as ever.
    sleep(secs(121)).await;
    let begun = Instant::now();
    scene.submit((DEAD..DEAD + 200).map(|n| job(n).lane(&format!("{n}")))).await;
    scene.reach((DEAD..DEAD + 200).map(id), State::Done).await;
    assert!(begun.elapsed() < secs(3), "{:?}", begun.elapsed());
    while scene.store.counts().stages[0].waiting > asked.load(Ordering::SeqCst) as u64 {
        assert!(scene.elapsed() < secs(130), "{:?}", scene.store.counts());
        sleep(Duration::from_millis(10)).await;
    }
    // Four at first, one at a time afterwards, ever more seldom.
    assert!(asked.load(Ordering::SeqCst) < 15, "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn an_ordered_lane_waits_for_its_first_without_spinning() {
    let (scene, faulty) = paced(1, Duration::ZERO).made_faulty();
    scene.submit((0..5).map(|n| job(n).due(n))).await;
    let order: Arc<Mutex<Vec<_>>> = Arc::default();
    let seen = Arc::clone(&order);
    scene.drive(8, move |job: Claimed| {
        let fails = job.lease.id == id(0) && job.attempt <= 3;
        let next_try = at(u64::from(job.attempt) * 3_600_000);
        if !fails {
            seen.lock().expect("kept").push(job.lease.id);
        }
        async move {
            if !fails {
                return finished();
            }
            let outcome = Outcome::Retry { at: job.created_at, note: "not now".to_owned() };
            Finish { lane: LaneNews::paused(Some(next_try)), ..outcome.into() }
        }
    });
    scene.reach((0..5).map(id), State::Done).await;
    assert_eq!(*order.lock().expect("kept"), (0..5).map(id).collect::<Vec<_>>());
    assert!(scene.elapsed() >= secs(3 * 3_600) && scene.elapsed() < secs(3 * 3_600 + 1));
    // A heartbeat each 20 s wakes the driver, and little else.
    let claims = faulty.calls(Call::Claim);
    assert!(claims < 3 * 3_600 / 20 + 50, "{claims} claims");
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_is_resumed_is_served_at_once() {
    let scene = paced(4, Duration::ZERO);
    let (lane, for_ever) = (LaneKey::new("a"), at(u64::MAX / 2));
    let pause = LaneNews::paused(Some(for_ever));
    scene.store.tell(&FETCH, &lane, pause, at(0)).await.expect("told");
    scene.drive(8, |_| async {
        sleep(secs(1)).await;
        finished()
    });
    scene.submit((0..11).map(job)).await;
    sleep(secs(1_000)).await;
    assert_eq!(scene.store.counts().done, 0);
    let resume = LaneNews { resume: true, ..LaneNews::default() };
    let now = jobs::Clock::now(&*scene.clock);
    scene.store.tell(&FETCH, &lane, resume, now).await.expect("told");
    scene.reach((0..11).map(id), State::Done).await;
    // One, two, four, and the four that are left.
    assert!(scene.elapsed() >= secs(1_004), "{:?}", scene.elapsed());
    assert!(scene.elapsed() < secs(1_005), "{:?}", scene.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_of_an_attempt_reaches_the_store() {
    let scene = Scene::new();
    scene.submit([job(1)]).await;
    scene.drive(4, |job: Claimed| async move {
        let note = NewNote {
            space: "test",
            key: [1; 32],
            value: Bytes::from_static(b"remembered"),
            expires: at(9_000),
        };
        let attempt = Some(Bytes::from(format!("attempt {}", job.attempt)));
        Finish { attempt, notes: vec![note], ..finished() }
    });
    scene.reach([id(1)], State::Done).await;
    let attempts = scene.store.attempts(id(1)).await.expect("read").expect("it is there");
    assert_eq!(attempts, ["attempt 1"]);
    let note = scene.store.note("test", [1; 32]).await.expect("read").expect("it is there");
    assert_eq!(note.value, "remembered");
}
