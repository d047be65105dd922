//! The driver, on a memory store and a clock that stands still unless everybody waits.

mod drain;
mod lanes;
mod pace;
mod trouble;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jobs::{
    Bounds, Claimed, Clock, Config, DriverConfig, Finish, JobId, LaneLimit, MemoryStore, NewJob,
    Outcome, Record, Running, State, Store, Submitted, Timestamp, Work, drive,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::backend::{FETCH, config};
use crate::faulty::FaultyStore;
use crate::rig::at;

/// Longer than anything here takes, on the paused clock.
const LONG: Duration = Duration::from_secs(24 * 3_600);

/// Wall-clock time that passes as tokio's does.
struct TokioClock {
    start: Instant,
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        at(0) + self.start.elapsed()
    }
}

/// Work made of a function.
struct Does<F>(F);

impl<F, W> Work for Does<F>
where
    F: Fn(Claimed) -> W + Send + Sync + 'static,
    W: Future<Output = Finish> + Send + 'static,
{
    fn run(&self, job: Claimed) -> BoxFuture<'static, Finish> {
        (self.0)(job).boxed()
    }
}

/// A store, a clock, and the token that stops the driver.
struct Scene {
    store: Arc<dyn Store>,
    clock: Arc<TokioClock>,
    stop: CancellationToken,
}

impl Scene {
    fn new() -> Self {
        let lane =
            LaneLimit { concurrency: 1_000, interval: Duration::ZERO, ..LaneLimit::default() };
        Self::with(config(lane, Bounds::default()))
    }

    fn with(config: Config) -> Self {
        let store = MemoryStore::new(config);
        let clock = Arc::new(TokioClock { start: Instant::now() });
        Self { store, clock, stop: CancellationToken::new() }
    }

    /// The same, with a store that can be made to fail.
    fn faulty() -> (Self, Arc<FaultyStore>) {
        Self::new().made_faulty()
    }

    fn made_faulty(self) -> (Self, Arc<FaultyStore>) {
        let faulty = FaultyStore::new(Arc::clone(&self.store));
        (Self { store: faulty.clone(), ..self }, faulty)
    }

    fn drive<F, W>(&self, slots: usize, work: F) -> Running
    where
        F: Fn(Claimed) -> W + Send + Sync + 'static,
        W: Future<Output = Finish> + Send + 'static,
    {
        let config =
            DriverConfig { slots, lease: Duration::from_secs(60), grace: Duration::from_secs(30) };
        let store = Arc::clone(&self.store);
        let clock: Arc<dyn Clock> = self.clock.clone();
        drive(store, clock, FETCH.clone(), Arc::new(Does(work)), config, self.stop.clone())
    }

    async fn submit(&self, jobs: impl IntoIterator<Item = NewJob>) {
        let answers = self.store.submit(jobs.into_iter().collect(), self.clock.now()).await;
        for answer in answers.expect("accepted") {
            assert_eq!(answer, Submitted::Created);
        }
    }

    async fn record(&self, id: JobId) -> Record {
        self.store.get(id).await.expect("read").expect("the job is there")
    }

    /// Waits until all of `jobs` are in `state`.
    async fn reach(&self, jobs: impl IntoIterator<Item = JobId>, state: State) {
        let deadline = Instant::now() + LONG;
        for id in jobs {
            while self.record(id).await.state != state {
                assert!(Instant::now() < deadline, "{:?}", self.record(id).await);
                sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// Waits until `counter` is at least `count`.
    async fn counted(&self, counter: &AtomicUsize, count: usize) {
        let deadline = Instant::now() + LONG;
        while counter.load(Ordering::SeqCst) < count {
            assert!(Instant::now() < deadline, "{counter:?} never was {count}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn elapsed(&self) -> Duration {
        self.clock.start.elapsed()
    }
}

fn finished() -> Finish {
    Outcome::Done { verdict: None, result: None, note: None }.into()
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}
