//! The one loop that turns leases into work: claim, heartbeat, settle, release, drain.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::task::{AbortHandle, Id, JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::{
    Claimed, Clock, ErrorKind, LaneNews, Lease, NewNote, Outcome, Result, Settled, Settlement,
    Stage, Store, Timestamp,
};

/// A stage's work. It must be safe to repeat: a job whose lease is lost, or whose process dies,
/// is given out again.
pub trait Work: Send + Sync + 'static {
    /// Does one job. A panic is a retry that is charged.
    fn run(&self, job: Claimed) -> BoxFuture<'static, Finish>;
}

/// What came of one job.
#[derive(Debug)]
pub struct Finish {
    /// What to settle with.
    pub outcome: Outcome,
    /// See [`Settlement::lane`].
    pub lane: LaneNews,
    /// See [`Settlement::attempt`].
    pub attempt: Option<Bytes>,
    /// See [`Settlement::notes`].
    pub notes: Vec<NewNote>,
    /// Dropped once the outcome is recorded: whatever bounds the memory of its result, so that
    /// a store that takes its time holds up the work that would bring more.
    pub held: Option<Box<dyn Any + Send>>,
}

impl From<Outcome> for Finish {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, lane: LaneNews::default(), attempt: None, notes: Vec::new(), held: None }
    }
}

/// How a driver works.
#[derive(Clone, Copy, Debug)]
pub struct DriverConfig {
    /// Jobs in hand at once; at least 1. Default 256.
    pub slots: usize,
    /// How long a lease lasts without a heartbeat; a heartbeat is sent every third of it.
    /// Default 60 s.
    pub lease: Duration,
    /// How long work in hand may go on once the driver is told to stop. Default 30 s.
    pub grace: Duration,
}

impl Default for DriverConfig {
    fn default() -> Self {
        Self { slots: 256, lease: Duration::from_secs(60), grace: Duration::from_secs(30) }
    }
}

/// What a driver did after it was told to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Jobs that were finished within the grace period.
    pub finished: usize,
    /// Jobs that were put back, uncharged.
    pub released: usize,
}

/// A driver at work. Await it to learn how it ended; dropping it leaves it running.
#[derive(Debug)]
pub struct Running(JoinHandle<Result<Drained>>);

impl Future for Running {
    type Output = Result<Drained>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|joined| match joined {
            Ok(answer) => answer,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        })
    }
}

/// Starts the loop for one stage on the current tokio runtime. When `stop` is cancelled nothing
/// more is claimed; work in hand gets `config.grace`, then is aborted and released uncharged.
pub fn drive(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    stage: Stage,
    work: Arc<dyn Work>,
    config: DriverConfig,
    stop: CancellationToken,
) -> Running {
    let beat = (config.lease / 3).max(Duration::from_millis(1));
    let mut heartbeat = interval_at(Instant::now() + beat, beat);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let driver = Driver {
        beaten_at: clock.now(),
        heartbeat,
        deadline: None,
        store,
        clock,
        stage,
        work,
        config,
        stop,
        tasks: JoinSet::new(),
        hands: HashMap::new(),
        backoff: Backoff::default(),
        drained: Drained::default(),
    };
    #[expect(clippy::disallowed_methods, reason = "the handle is kept by `Running`")]
    Running(tokio::spawn(driver.run()))
}

struct Driver {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    stage: Stage,
    work: Arc<dyn Work>,
    config: DriverConfig,
    stop: CancellationToken,
    tasks: JoinSet<Finish>,
    /// Whose task is whose.
    hands: HashMap<Id, Hand>,
    backoff: Backoff,
    heartbeat: Interval,
    /// When the leases in hand were last extended.
    beaten_at: Timestamp,
    /// The end of the grace period, once told to stop.
    deadline: Option<Instant>,
    drained: Drained,
}

impl Driver {
    /// The last settlement gets at least this, however late it comes.
    const LAST_WORDS: Duration = Duration::from_secs(1);

    async fn run(mut self) -> Result<Drained> {
        let signal = self.store.signal(&self.stage);
        loop {
            let signalled = signal.notified();
            tokio::pin!(signalled);
            // Registered before the query: a job that comes in between is not slept through.
            signalled.as_mut().enable();
            if self.stop.is_cancelled() {
                // Heard before another claim, whatever else woke the loop.
                self.stopped();
            }
            let stopping = self.deadline.is_some();
            let wake = if stopping { None } else { self.claim().await? };
            if stopping && self.tasks.is_empty() {
                return Ok(self.drained);
            }
            let room = !stopping && self.tasks.len() < self.config.slots;
            tokio::select! {
                Some(first) = self.tasks.join_next_with_id() => self.settle(first, stopping).await?,
                () = &mut signalled, if room && self.backoff.is_clear() => {}
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if room && wake.is_some() => {}
                _ = self.heartbeat.tick() => self.beat(&[]).await?,
                () = self.stop.cancelled(), if !stopping => {}
                () = sleep_until(self.deadline.unwrap_or_else(Instant::now)), if stopping => {
                    self.release().await?;
                    return Ok(self.drained);
                }
            }
        }
    }

    fn stopped(&mut self) {
        let grace = self.config.grace;
        self.deadline.get_or_insert_with(|| Instant::now() + grace);
    }

    /// Claims into the free slots; answers when to look again at the latest.
    async fn claim(&mut self) -> Result<Option<Instant>> {
        let free = self.config.slots.saturating_sub(self.tasks.len());
        if free == 0 {
            return Ok(None);
        }
        if let Some(until) = self.backoff.until.filter(|until| *until > Instant::now()) {
            return Ok(Some(until));
        }
        if self.clock.now().since(self.beaten_at) >= self.config.lease / 3 {
            // After a long wait or a leap of the clock: a claim takes back what has run out, and
            // what is in hand must not be among it.
            self.beat(&[]).await?;
        }
        let now = self.clock.now();
        let claimed = match self.store.claim(&self.stage, free, now + self.config.lease, now).await
        {
            Ok(claimed) => claimed,
            Err(error) => return self.backoff.after(error).map(Some),
        };
        self.backoff.clear();
        for job in claimed {
            let (lease, accepted) = (job.lease, job.created_at);
            let work = self.work.clone();
            // `run` itself is called inside the task, so that its panics are the task's.
            let task = self.tasks.spawn(async move { work.run(job).await });
            self.hands.insert(task.id(), Hand { lease, accepted, task });
        }
        // What is claimable now but was not taken waits for a slot, and a slot is a settled job.
        let due = self.store.next_due(&self.stage);
        Ok(due.map(|due| Instant::now() + due.since(now)))
    }

    async fn settle(&mut self, first: Joined, stopping: bool) -> Result<()> {
        let now = self.clock.now();
        let mut batch = Batch::default();
        let mut next = Some(first);
        while let Some(joined) = next {
            self.take(joined, now, &mut batch);
            next = self.tasks.try_join_next_with_id();
        }
        if stopping {
            self.drained.finished += batch.settlements.len();
        }
        self.record(batch).await
    }

    /// Enters what came of one task.
    fn take(&mut self, joined: Joined, now: Timestamp, batch: &mut Batch) {
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(Hand { lease, .. }) = self.hands.remove(&id) else {
            return;
        };
        let finish = match joined {
            Ok((_, finish)) => finish,
            // Aborted because the lease was lost: nothing to say.
            Err(error) if error.is_cancelled() => return,
            Err(_) => {
                error!(job.id = %lease.id, stage = %self.stage, "work panicked; the job is retried");
                let at = now + Duration::from_secs(5);
                Outcome::Retry { at, note: "internal error".into() }.into()
            }
        };
        let Finish { outcome, lane, attempt, notes, held } = finish;
        batch.settlements.push(Settlement { lease, outcome, lane, attempt, notes });
        batch.held.extend(held);
    }

    /// Settles, and goes on trying while the store's trouble may pass: the work is done, and
    /// throwing it away would only repeat it.
    async fn record(&mut self, batch: Batch) -> Result<()> {
        let Batch { settlements: batch, held: _held } = batch;
        if batch.is_empty() {
            return Ok(());
        }
        let leases: Vec<_> = batch.iter().map(|s| s.lease).collect();
        let mut tries = Backoff::default();
        let store = self.store.clone();
        loop {
            let settling = store.settle(batch.clone(), self.clock.now());
            let settled = self.while_beating(settling, &leases).await?;
            let again = match settled {
                Some(Ok(answers)) => {
                    Self::tell_lost(&leases, &answers);
                    return Ok(());
                }
                Some(Err(error)) => {
                    let pause = sleep_until(tries.after(error)?);
                    self.while_beating(pause, &leases).await?
                }
                None => None,
            };
            if again.is_none() {
                warn!(stage = %self.stage, jobs = leases.len(), "not recorded in time; the work will be repeated");
                return Ok(());
            }
        }
    }

    fn tell_lost(leases: &[Lease], answers: &[Settled]) {
        for (lease, answer) in leases.iter().zip(answers) {
            if *answer == Settled::LeaseLost {
                debug!(job.id = %lease.id, "lease lost; the outcome is dropped");
            }
        }
    }

    /// Waits for `done` without letting leases run out; `None` when the grace period is over
    /// first.
    async fn while_beating<T>(
        &mut self,
        done: impl Future<Output = T>,
        leases: &[Lease],
    ) -> Result<Option<T>> {
        tokio::pin!(done);
        let least = Instant::now() + Self::LAST_WORDS;
        let stop = self.stop.clone();
        loop {
            let stopping = self.deadline.is_some();
            let end = self.deadline.map_or(least, |deadline| deadline.max(least));
            tokio::select! {
                biased;
                done = &mut done => return Ok(Some(done)),
                _ = self.heartbeat.tick() => self.beat(leases).await?,
                () = stop.cancelled(), if !stopping => self.stopped(),
                () = sleep_until(end), if stopping => return Ok(None),
            }
        }
    }

    /// Extends the leases of the work in hand, and of what is being settled.
    async fn beat(&mut self, settling: &[Lease]) -> Result<()> {
        let now = self.clock.now();
        self.beaten_at = now;
        let mut leases: Vec<_> = self.hands.values().map(|hand| hand.lease).collect();
        leases.extend(settling);
        if leases.is_empty() {
            return Ok(());
        }
        match self.store.extend(leases.clone(), now + self.config.lease, now).await {
            Ok(kept) => {
                let lost: HashSet<_> =
                    leases.iter().zip(kept).filter(|(_, kept)| !kept).map(|(l, _)| *l).collect();
                for hand in self.hands.values().filter(|hand| lost.contains(&hand.lease)) {
                    hand.task.abort();
                }
                Ok(())
            }
            Err(error) => self.backoff.after(error).map(|_| ()),
        }
    }

    /// The grace period is over: what is still in hand is put back, before what waits in its lane:
    /// there it was claimed first.
    async fn release(&mut self) -> Result<()> {
        self.tasks.abort_all();
        let now = self.clock.now();
        let mut batch = Batch::default();
        while let Some(joined) = self.tasks.join_next_with_id().await {
            let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
            let aborted = joined.as_ref().is_err_and(JoinError::is_cancelled);
            if !aborted {
                self.drained.finished += 1;
                self.take(joined, now, &mut batch);
            } else if let Some(Hand { lease, accepted, .. }) = self.hands.remove(&id) {
                self.drained.released += 1;
                let outcome = Outcome::Release { at: accepted.min(now) };
                batch.settlements.push(Settlement::new(lease, outcome));
            }
        }
        self.record(batch).await
    }
}

/// A job at work.
struct Hand {
    lease: Lease,
    accepted: Timestamp,
    task: AbortHandle,
}

/// What is settled in one call, and what must not be let go of before.
#[derive(Default)]
struct Batch {
    settlements: Vec<Settlement>,
    held: Vec<Box<dyn Any + Send>>,
}

type Joined = std::result::Result<(Id, Finish), JoinError>;

/// Doubling waits between tries of a store that does not answer, 50 ms to 5 s.
#[derive(Default)]
struct Backoff {
    tries: u32,
    until: Option<Instant>,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(5);

    /// When to try again after `error`, or the error itself when trying again is of no use.
    fn after(&mut self, error: crate::Error) -> Result<Instant> {
        if matches!(error.kind(), ErrorKind::Closed | ErrorKind::Invalid | ErrorKind::Corrupt) {
            return Err(error);
        }
        if self.tries == 0 {
            warn!(%error, "the store does not answer; trying again");
        }
        let wait = Self::FIRST.saturating_mul(1 << self.tries.min(10)).min(Self::LONGEST);
        self.tries += 1;
        let until = Instant::now() + wait;
        self.until = Some(until);
        Ok(until)
    }

    fn clear(&mut self) {
        self.tries = 0;
        self.until = None;
    }

    const fn is_clear(&self) -> bool {
        self.until.is_none()
    }
}
