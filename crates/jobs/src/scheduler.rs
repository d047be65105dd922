use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::stage_queue::StageQueue;
use crate::transition::{Change, Event, Refusal, Row, transition};
use crate::{
    Bounds, Claimed, Error, ErrorKind, JobId, LaneKey, LaneView, Lease, NewJob, Next, Outcome,
    Result, Settlement, Stage, StageConfig, StageCounts, State, Timestamp, Verdict,
};

/// The working memory of a store that owns all its lanes: every job that is not over, where it
/// waits and who holds it. It decides by [`transition`] and never touches a disk; a backend keeps
/// what it decides. About 150 bytes a job.
#[derive(Debug)]
pub(crate) struct Scheduler {
    stages: Vec<StageQueue>,
    live: BTreeMap<JobId, Live>,
    bounds: Bounds,
    live_bytes: u64,
    /// Admitted, not yet entered: their commit is under way.
    pending: Pending,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pending {
    jobs: u64,
    bytes: u64,
}

/// A live job, in the fewest bytes.
#[derive(Clone, Copy, Debug)]
struct Live {
    due: Timestamp,
    created_at: Timestamp,
    spec_bytes: u32,
    result_bytes: u32,
    lane: u32,
    epoch: u32,
    attempts: u32,
    stage: u8,
    leased: bool,
    /// There is one, though it may be empty.
    has_result: bool,
    verdict: Option<Verdict>,
}

/// A job as it was found on disk.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) id: JobId,
    pub(crate) row: Row,
    pub(crate) created_at: Timestamp,
    pub(crate) spec_bytes: u64,
    /// `None` when there is no result.
    pub(crate) result_bytes: Option<u64>,
}

/// A decision, with what a backend needs to keep it.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) id: JobId,
    pub(crate) change: Change,
    pub(crate) had_result: bool,
    /// A pause that must outlive a restart.
    pub(crate) pause: Option<(Stage, LaneKey, Timestamp)>,
}

/// A job that has just been leased.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) lease: Lease,
    pub(crate) lane: LaneKey,
    pub(crate) attempt: u32,
    pub(crate) created_at: Timestamp,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) result_bytes: u64,
}

/// Bytes of specs in workers' hands, per stage, above which nothing more is claimed.
const LEASED_SPECS: u64 = 32 << 20;

impl Found {
    /// A job that has just been accepted.
    pub(crate) fn fresh(job: &NewJob, now: Timestamp) -> Self {
        let row = Row {
            state: State::Waiting,
            stage: job.stage.clone(),
            lane: job.lane.clone(),
            due: job.due,
            epoch: 0,
            attempts: 0,
            verdict: None,
        };
        Self {
            id: job.id,
            row,
            created_at: now,
            spec_bytes: job.spec.len() as u64,
            result_bytes: None,
        }
    }
}

impl Taken {
    pub(crate) fn into_claimed(self, stage: &Stage, spec: Bytes) -> Claimed {
        Claimed {
            lease: self.lease,
            stage: stage.clone(),
            lane: self.lane,
            attempt: self.attempt,
            created_at: self.created_at,
            spec,
            verdict: self.verdict,
            result_bytes: self.result_bytes,
            interval: Duration::ZERO,
            without_work: None,
        }
    }
}

impl Scheduler {
    pub(crate) fn new(stages: Vec<StageConfig>, bounds: Bounds) -> Self {
        Self {
            stages: stages.into_iter().map(StageQueue::new).collect(),
            live: BTreeMap::new(),
            bounds,
            live_bytes: 0,
            pending: Pending::default(),
        }
    }

    /// Sets room aside for a job whose commit is about to begin; `false` when there is none.
    pub(crate) fn admit(&mut self, spec_bytes: u64) -> bool {
        let jobs = self.live.len() as u64 + self.pending.jobs + 1;
        let bytes = self.live_bytes + self.pending.bytes + spec_bytes;
        let fits = jobs <= self.bounds.jobs && bytes <= self.bounds.bytes;
        if fits {
            self.pending.jobs += 1;
            self.pending.bytes += spec_bytes;
        }
        fits
    }

    /// Gives the room back, before the job is entered or because it never will be.
    pub(crate) fn unadmit(&mut self, spec_bytes: u64) {
        self.pending.jobs -= 1;
        self.pending.bytes -= spec_bytes;
    }

    /// The same for several jobs.
    pub(crate) fn unadmit_all(&mut self, jobs: &[NewJob]) {
        jobs.iter().for_each(|job| self.unadmit(job.spec.len() as u64));
    }

    /// Enters a live job, new or found on disk. A lease that was found is void: its job waits.
    pub(crate) fn enter(&mut self, found: &Found, now: Timestamp) -> Result<()> {
        let stage = self.index(&found.row.stage)?;
        let queue = &mut self.stages[stage];
        let lane = queue.lane(&found.row.lane);
        let result_bytes = found.result_bytes.unwrap_or(0);
        self.live_bytes += found.spec_bytes + result_bytes;
        self.live.insert(
            found.id,
            Live {
                due: found.row.due,
                created_at: found.created_at,
                spec_bytes: u32::try_from(found.spec_bytes).unwrap_or(u32::MAX),
                result_bytes: u32::try_from(result_bytes).unwrap_or(u32::MAX),
                has_result: found.result_bytes.is_some(),
                lane: narrow(lane),
                epoch: found.row.epoch,
                attempts: found.row.attempts,
                stage: u8::try_from(stage).expect("at most 255 stages"),
                leased: false,
                verdict: found.row.verdict,
            },
        );
        queue.wait(lane, found.id, found.row.due, now);
        Ok(())
    }

    pub(crate) fn restore_pause(
        &mut self,
        stage: &Stage,
        key: &LaneKey,
        until: Timestamp,
        now: Timestamp,
    ) {
        if until <= now {
            return;
        }
        if let Ok(stage) = self.index(stage) {
            let lane = self.stages[stage].lane(key);
            self.stages[stage].pause(lane, until, now);
        }
    }

    pub(crate) fn claim(
        &mut self,
        stage: &Stage,
        max: usize,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(Vec<Taken>, Vec<Decision>)> {
        let at = self.index(stage)?;
        let expired = self.expire(at, now);
        self.stages[at].wake(now);
        let mut taken = Vec::new();
        while taken.len() < max && self.stages[at].leased_bytes < LEASED_SPECS {
            let Some((lane, id)) = self.stages[at].next(now) else {
                break;
            };
            let row = self.row(id).expect("a queued job is live");
            let claimed = transition(&row, Event::Claim { until }, now)
                .expect("the queue gives out due, waiting jobs only");
            let live = self.live.get_mut(&id).expect("a queued job is live");
            live.leased = true;
            live.due = until;
            live.epoch = claimed.row.epoch;
            let live = *live;
            self.stages[at].leases.insert((until, id));
            self.stages[at].leased_bytes += u64::from(live.spec_bytes);
            taken.push(Taken {
                lease: Lease { id, epoch: live.epoch },
                lane: self.stages[at].key(lane).clone(),
                attempt: live.attempts + 1,
                created_at: live.created_at,
                verdict: live.verdict,
                result_bytes: u64::from(live.result_bytes),
            });
        }
        Ok((taken, expired))
    }

    /// Leases whose time is up: their jobs wait again.
    fn expire(&mut self, stage: usize, now: Timestamp) -> Vec<Decision> {
        let mut expired = Vec::new();
        while let Some(&(until, id)) = self.stages[stage].leases.first().filter(|l| l.0 <= now) {
            debug_assert!(self.live.get(&id).is_some_and(|l| l.leased && l.due == until));
            match self.decide(id, Event::Expire, now) {
                Some(Ok(decision)) => expired.push(decision),
                _ => break,
            }
        }
        expired
    }

    pub(crate) fn extend(&mut self, lease: Lease, until: Timestamp, now: Timestamp) -> bool {
        let Some(row) = self.row(lease.id) else {
            return false;
        };
        let event = Event::Extend { epoch: lease.epoch, until };
        if transition(&row, event, now).is_err() {
            return false;
        }
        let live = self.live.get_mut(&lease.id).expect("found above");
        let leases = &mut self.stages[usize::from(live.stage)].leases;
        leases.remove(&(live.due, lease.id));
        leases.insert((until, lease.id));
        live.due = until;
        true
    }

    /// Answers for a whole batch that every stage in it is known, before any of it is settled.
    pub(crate) fn check_stages(&self, batch: &[Settlement]) -> Result<()> {
        for settlement in batch {
            if let Outcome::Advance(next) = &settlement.outcome {
                self.index(&next.stage)?;
            }
        }
        Ok(())
    }

    /// `None`: the lease is lost. The stages must have been checked.
    pub(crate) fn settle(&mut self, settlement: Settlement, now: Timestamp) -> Option<Decision> {
        let Lease { id, epoch } = settlement.lease;
        let row = self.row(id)?;
        if row.state != State::Leased || row.epoch != epoch {
            return None;
        }
        let pause = settlement.lane.pause_until.and_then(|until| self.pause(id, &row, until, now));
        let event = Event::Settle { epoch, outcome: settlement.outcome };
        let decision = self.decide(id, event, now)?.ok()?;
        Some(Decision { pause, ..decision })
    }

    fn pause(
        &mut self,
        id: JobId,
        row: &Row,
        until: Timestamp,
        now: Timestamp,
    ) -> Option<(Stage, LaneKey, Timestamp)> {
        let live = self.live.get(&id)?;
        let (stage, lane) = (usize::from(live.stage), live.lane as usize);
        let news = self.stages[stage].pause(lane, until, now);
        news.then(|| (row.stage.clone(), row.lane.clone(), until))
    }

    /// `None`: the job is not live.
    pub(crate) fn cancel(
        &mut self,
        id: JobId,
        next: Option<Next>,
        now: Timestamp,
    ) -> Result<Option<Decision>> {
        if let Some(next) = &next {
            self.index(&next.stage)?;
        }
        Ok(self.decide(id, Event::Cancel { next }, now).and_then(std::result::Result::ok))
    }

    /// Decides an event of a live job and moves it to where it belongs.
    fn decide(
        &mut self,
        id: JobId,
        event: Event,
        now: Timestamp,
    ) -> Option<std::result::Result<Decision, Refusal>> {
        let row = self.row(id)?;
        let change = match transition(&row, event, now) {
            Ok(change) => change,
            Err(refusal) => return Some(Err(refusal)),
        };
        let old = *self.live.get(&id)?;
        self.enter_change(id, &old, &change, now);
        Some(Ok(Decision { id, change, had_result: old.has_result, pause: None }))
    }

    fn enter_change(&mut self, id: JobId, old: &Live, change: &Change, now: Timestamp) {
        let held = u64::from(old.spec_bytes) + u64::from(old.result_bytes);
        let result_bytes = change
            .result
            .as_ref()
            .map_or(old.result_bytes, |r| u32::try_from(r.len()).unwrap_or(u32::MAX));
        let (from, from_lane) = (usize::from(old.stage), old.lane as usize);
        self.live_bytes -= held;
        // The new place first, then out of the old one: a lane that is left empty is forgotten.
        if change.row.state.is_terminal() {
            self.live.remove(&id);
        } else {
            let stage = self.index(&change.row.stage).expect("checked by the caller");
            let lane = self.stages[stage].lane(&change.row.lane);
            self.live_bytes += u64::from(old.spec_bytes) + u64::from(result_bytes);
            let live = Live {
                due: change.row.due,
                result_bytes,
                has_result: old.has_result || change.result.is_some(),
                lane: narrow(lane),
                epoch: change.row.epoch,
                attempts: change.row.attempts,
                stage: u8::try_from(stage).expect("at most 255 stages"),
                leased: false,
                verdict: change.row.verdict,
                ..*old
            };
            self.live.insert(id, live);
            self.stages[stage].wait(lane, id, change.row.due, now);
        }
        if old.leased {
            self.stages[from].leased_bytes -= u64::from(old.spec_bytes);
            self.stages[from].unlease(from_lane, id, old.due, now);
        } else {
            self.stages[from].unwait(from_lane, id, old.due, now);
        }
    }

    /// What the state machine sees of a live job.
    pub(crate) fn row(&self, id: JobId) -> Option<Row> {
        let live = self.live.get(&id)?;
        let queue = &self.stages[usize::from(live.stage)];
        Some(Row {
            state: if live.leased { State::Leased } else { State::Waiting },
            stage: queue.config.stage.clone(),
            lane: queue.key(live.lane as usize).clone(),
            due: live.due,
            epoch: live.epoch,
            attempts: live.attempts,
            verdict: live.verdict,
        })
    }

    /// Live jobs older than `before`, newest first.
    pub(crate) fn newest(&self, before: Option<JobId>) -> impl Iterator<Item = JobId> + '_ {
        let end = before.unwrap_or(JobId::from_bytes([0xff; 16]));
        self.live.range(..end).rev().map(|(id, _)| *id)
    }

    /// Leased jobs, in no order.
    pub(crate) fn leased(&self) -> impl Iterator<Item = JobId> + '_ {
        self.stages.iter().flat_map(|queue| queue.leases.iter().map(|(_, id)| *id))
    }

    pub(crate) fn is_live(&self, id: JobId) -> bool {
        self.live.contains_key(&id)
    }

    pub(crate) fn signal(&self, stage: &Stage) -> Arc<Notify> {
        // An unknown stage is never signalled, and every other call about it answers Invalid.
        self.index(stage).map_or_else(|_| Arc::default(), |at| self.stages[at].signal.clone())
    }

    pub(crate) fn next_due(&self, stage: &Stage) -> Option<Timestamp> {
        self.index(stage).ok().and_then(|at| self.stages[at].next_due())
    }

    pub(crate) fn oldest_due(&self, stage: &Stage) -> Option<Timestamp> {
        self.index(stage).ok().and_then(|at| self.stages[at].oldest_due())
    }

    pub(crate) fn stage_counts(&self) -> Vec<StageCounts> {
        let count = |queue: &StageQueue| StageCounts {
            stage: queue.config.stage.clone(),
            waiting: queue.waiting,
            leased: queue.leased,
        };
        self.stages.iter().map(count).collect()
    }

    pub(crate) const fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    pub(crate) fn lanes(&self, limit: usize, now: Timestamp) -> Vec<LaneView> {
        let mut views: Vec<_> = self.stages.iter().flat_map(StageQueue::views).collect();
        // A lane without jobs is kept for its interval or pause only.
        views.retain(|v| v.waiting + v.in_flight > 0);
        for view in &mut views {
            view.paused_until = view.paused_until.filter(|until| *until > now);
        }
        views.sort_by_key(|v| std::cmp::Reverse(v.waiting + v.in_flight));
        views.truncate(limit);
        views
    }

    /// The position of a stage, or the caller's mistake.
    pub(crate) fn index(&self, stage: &Stage) -> Result<usize> {
        self.stages.iter().position(|q| q.config.stage == *stage).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, format!("stage `{stage}` is not one of this store's"))
        })
    }
}

/// Lanes are fewer than jobs, and jobs fewer than 2^32.
fn narrow(lane: usize) -> u32 {
    u32::try_from(lane).expect("fewer than 2^32 lanes")
}
