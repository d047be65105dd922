use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tracing::warn;

use crate::groups::{Groups, Judged};
use crate::kin::{Kin, Kins};
use crate::lane_memo::Memo;
use crate::ledger::{Entry, Ledger};
use crate::stage_queue::{StageQueue, Waiting, narrow};
use crate::transition::{Change, Event, Refusal, Row, transition};
use crate::{
    Bounds, Claimed, Error, ErrorKind, Filter, JobId, LaneKey, LaneNews, LaneView, Lease, NewJob,
    NewNote, Next, Outcome, Priority, Result, Settlement, Stage, StageConfig, StageCounts, State,
    Timestamp, Verdict, Why,
};

/// The working memory of a store that owns all its lanes: every job that is not over, where it
/// waits and who holds it. It decides by [`transition`] and never touches a disk; a backend keeps
/// what it decides. About 170 bytes a job, and 50 more when it expires.
#[derive(Debug)]
pub(crate) struct Scheduler {
    stages: Vec<StageQueue>,
    live: BTreeMap<JobId, Live>,
    kins: Kins,
    pub(crate) groups: Groups,
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
    /// [`NEVER`] when it does not.
    expires: Timestamp,
    spec_bytes: u32,
    /// One more than its bytes; 0 when there is none.
    result: u32,
    lane: u32,
    kin: u32,
    epoch: u32,
    attempts: u32,
    stage: u8,
    leased: bool,
    /// It was over before: judgement was passed on it, with or without a verdict.
    redriven: bool,
    priority: Priority,
    verdict: Option<Verdict>,
}

/// There may be a million of them.
const _: () = assert!(size_of::<Live>() <= 56, "a live job takes more memory than before");

/// Later than any time that is told.
const NEVER: Timestamp = Timestamp::from_millis(u64::MAX);

impl Live {
    fn expires(&self) -> Option<Timestamp> {
        (self.expires != NEVER).then_some(self.expires)
    }

    fn waiting(&self, id: JobId) -> Waiting {
        Waiting { id, due: self.due, expires: self.expires(), priority: self.priority }
    }

    const fn has_result(&self) -> bool {
        self.result > 0
    }

    fn result_bytes(&self) -> u64 {
        u64::from(self.result.saturating_sub(1))
    }
}

/// How [`Live::result`] tells of one with so many bytes.
fn result_of(bytes: u64) -> u32 {
    u32::try_from(bytes + 1).unwrap_or(u32::MAX)
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
    pub(crate) kin: Kin,
    pub(crate) priority: Priority,
    /// It was over before.
    pub(crate) redriven: bool,
}

/// A decision, with what a backend needs to keep it.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) id: JobId,
    pub(crate) change: Change,
    pub(crate) had_result: bool,
    /// What was counted with it.
    pub(crate) judged: Option<Judged>,
    /// What is known of lanes from now on, and must outlive a restart.
    pub(crate) lanes: Vec<LaneChange>,
    /// To be added to the job's.
    pub(crate) ledger: Ledger,
    pub(crate) notes: Vec<NewNote>,
}

/// What is known of a lane from now on.
#[derive(Debug)]
pub(crate) struct LaneChange {
    pub(crate) stage: Stage,
    pub(crate) key: LaneKey,
    /// `None` for nothing more.
    pub(crate) memo: Option<Memo>,
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
    pub(crate) interval: Duration,
    pub(crate) without_work: Option<Why>,
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
            expires: job.expires,
            verdict: None,
        };
        Self {
            id: job.id,
            row,
            created_at: now,
            spec_bytes: job.spec.len() as u64,
            result_bytes: None,
            kin: Kin::of(job),
            priority: job.priority,
            redriven: false,
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
            interval: self.interval,
            without_work: self.without_work,
        }
    }
}

impl Scheduler {
    pub(crate) fn new(stages: Vec<StageConfig>, bounds: Bounds) -> Self {
        Self {
            stages: stages.into_iter().map(StageQueue::new).collect(),
            live: BTreeMap::new(),
            kins: Kins::default(),
            groups: Groups::default(),
            bounds,
            live_bytes: 0,
            pending: Pending::default(),
        }
    }

    /// The lanes were served by another process until shortly before `at`, for all that is known.
    pub(crate) fn reopened(&mut self, at: Timestamp) {
        self.stages.iter_mut().for_each(|queue| queue.opened = at);
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

    /// Enters jobs that have just been accepted, and counts them in their groups. Their stages must
    /// have been checked.
    pub(crate) fn enter_fresh<'a>(
        &mut self,
        jobs: impl Iterator<Item = &'a NewJob> + Clone,
        now: Timestamp,
    ) {
        // First of all, so that no group seems to be at its end between two of its jobs.
        for group in jobs.clone().filter_map(|job| job.group) {
            self.groups.add(group, 1);
        }
        for job in jobs {
            self.enter(&Found::fresh(job, now), now).expect("the stage was checked");
        }
    }

    /// Enters a live job, new or found on disk. A lease that was found is void: its job waits.
    pub(crate) fn enter(&mut self, found: &Found, now: Timestamp) -> Result<()> {
        let stage = self.index(&found.row.stage)?;
        let kin = self.kins.take(&found.kin);
        let queue = &mut self.stages[stage];
        let lane = queue.lane(&found.row.lane);
        self.live_bytes += found.spec_bytes + found.result_bytes.unwrap_or(0);
        self.live.insert(
            found.id,
            Live {
                due: found.row.due,
                created_at: found.created_at,
                expires: found.row.expires.unwrap_or(NEVER),
                spec_bytes: u32::try_from(found.spec_bytes).unwrap_or(u32::MAX),
                result: found.result_bytes.map_or(0, result_of),
                lane: narrow(lane),
                kin,
                epoch: found.row.epoch,
                attempts: found.row.attempts,
                stage: u8::try_from(stage).expect("at most 255 stages"),
                leased: false,
                redriven: found.redriven,
                priority: found.priority,
                verdict: found.row.verdict,
            },
        );
        let Row { due, expires, .. } = found.row;
        let waiting = Waiting { id: found.id, due, expires, priority: found.priority };
        queue.wait(lane, waiting, now);
        Ok(())
    }

    /// Takes up what was known of a lane before this process began.
    pub(crate) fn restore_lane(
        &mut self,
        stage: &Stage,
        key: &LaneKey,
        memo: Memo,
        now: Timestamp,
    ) {
        if let Ok(stage) = self.index(stage) {
            self.stages[stage].restore(key, memo, now);
        }
    }

    /// Forgets what is known of lanes that are not in use and were not heard of since `before`, at
    /// most `max` per stage.
    pub(crate) fn forget_lanes(&mut self, before: Timestamp, max: usize) -> Vec<LaneChange> {
        let forget = |queue: &mut StageQueue| {
            let stage = queue.config.stage.clone();
            let keys = queue.forget_unheard(before, max, before);
            keys.into_iter().map(move |key| LaneChange { stage: stage.clone(), key, memo: None })
        };
        self.stages.iter_mut().flat_map(forget).collect()
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
        let queue = &mut self.stages[at];
        queue.wake(now);
        // What is to be ended is much and quick, when it comes; it must not keep the others' work
        // waiting, nor wait for it.
        queue.ends_first = !queue.ends_first;
        let share = max / 2 + usize::from(max % 2 == 1 && queue.ends_first);
        let mut taken = Vec::new();
        self.take_to_end(at, share, until, now, &mut taken);
        self.take_to_work(at, max, until, now, &mut taken);
        self.take_to_end(at, max, until, now, &mut taken);
        Ok((taken, expired))
    }

    /// Fills `taken` up to `max` with jobs in their lanes' turn.
    fn take_to_work(
        &mut self,
        at: usize,
        max: usize,
        until: Timestamp,
        now: Timestamp,
        taken: &mut Vec<Taken>,
    ) {
        while taken.len() < max && self.has_room(at) {
            let Some(next) = self.stages[at].next(now) else {
                return;
            };
            taken.push(self.give_to_work(at, next, until, now));
        }
    }

    /// Leases due jobs of one lane, whatever holds it back.
    pub(crate) fn claim_lane(
        &mut self,
        stage: &Stage,
        key: &LaneKey,
        max: usize,
        (until, now): (Timestamp, Timestamp),
    ) -> Result<(Vec<Taken>, Vec<Decision>)> {
        let at = self.index(stage)?;
        let expired = self.expire(at, now);
        self.stages[at].serve_by_lane();
        self.stages[at].wake(now);
        // Of each claim alone: one who keeps what he has must not keep others from theirs.
        let full = self.stages[at].leased_bytes + LEASED_SPECS;
        let mut taken = Vec::new();
        while taken.len() < max && self.stages[at].leased_bytes < full {
            let Some(next) = self.stages[at].next_of(key, now) else {
                break;
            };
            taken.push(self.give_to_work(at, next, until, now));
        }
        Ok((taken, expired))
    }

    /// Leases a job that is in flight.
    fn give_to_work(
        &mut self,
        at: usize,
        (lane, id): (usize, JobId),
        until: Timestamp,
        now: Timestamp,
    ) -> Taken {
        let live = self.live[&id];
        let queue = &mut self.stages[at];
        queue.unexpire(id, live.expires());
        queue.lease(lane, id, until);
        // It has its turn, but the other side need not be asked any more.
        let why = (live.expires <= now).then_some(Why::Expired);
        self.give_out(at, id, why, until, now)
    }

    /// Fills `taken` up to `max` with jobs that are to be ended.
    fn take_to_end(
        &mut self,
        at: usize,
        max: usize,
        until: Timestamp,
        now: Timestamp,
        taken: &mut Vec<Taken>,
    ) {
        while taken.len() < max && self.has_room(at) {
            let queue = &mut self.stages[at];
            let expired = queue.expired(now).map(|id| (id, Why::Expired));
            let found = expired.or_else(|| queue.given_up(now).map(|id| (id, Why::LaneFailing)));
            let Some((id, why)) = found else {
                return;
            };
            let live = self.live[&id];
            queue.lease_to_end(live.lane as usize, live.waiting(id), until, now);
            taken.push(self.give_out(at, id, Some(why), until, now));
        }
    }

    /// Whether the specs in workers' hands leave room for another.
    fn has_room(&self, stage: usize) -> bool {
        self.stages[stage].leased_bytes < LEASED_SPECS
    }

    /// Leases a job that its queue gave out.
    fn give_out(
        &mut self,
        at: usize,
        id: JobId,
        why: Option<Why>,
        until: Timestamp,
        now: Timestamp,
    ) -> Taken {
        let row = self.row(id).expect("a queued job is live");
        let claimed = transition(&row, Event::Claim { until }, now)
            .expect("the queue gives out waiting jobs that are due or expired only");
        let live = self.live.get_mut(&id).expect("a queued job is live");
        live.leased = true;
        live.due = until;
        live.epoch = claimed.row.epoch;
        let live = *live;
        let queue = &mut self.stages[at];
        queue.leased_bytes += u64::from(live.spec_bytes);
        let lane = queue.get(live.lane as usize);
        Taken {
            lease: Lease { id, epoch: live.epoch },
            lane: lane.key.clone(),
            attempt: live.attempts + 1,
            created_at: live.created_at,
            verdict: live.verdict,
            result_bytes: live.result_bytes(),
            interval: lane.memo.interval,
            without_work: why,
        }
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

    /// Answers for a whole batch that it can be accepted, before any of it is.
    pub(crate) fn check_jobs(&self, jobs: &[NewJob]) -> Result<()> {
        for job in jobs {
            self.index(&job.stage)?;
            job.check_owner()?;
        }
        Ok(())
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
        let Settlement { outcome, lane: news, attempt, mut notes, .. } = settlement;
        let went_well = matches!(outcome, Outcome::Advance(_) | Outcome::Done { .. });
        let lanes = self.hear(id, &row, (news, went_well), now);
        let decision = self.decide(id, Event::Settle { epoch, outcome }, now)?.ok()?;
        let ledger = Ledger::of(attempt.map(|bytes| Entry::new(epoch, bytes)));
        notes.retain(|note| {
            let fits = note.value.len() <= NewNote::MAX_BYTES;
            if !fits {
                warn!(job.id = %id, space = note.space, bytes = note.value.len(), "a note is too long to be kept");
            }
            fits
        });
        Some(Decision { lanes, ledger, notes, ..decision })
    }

    /// Takes in what was learned of a leased job's lane.
    fn hear(
        &mut self,
        id: JobId,
        row: &Row,
        news: (LaneNews, bool),
        now: Timestamp,
    ) -> Vec<LaneChange> {
        let Some(live) = self.live.get(&id) else {
            return Vec::new();
        };
        let stage = usize::from(live.stage);
        let Some(memo) = self.stages[stage].hear(live.lane as usize, id, news, now) else {
            return Vec::new();
        };
        self.lane_changes(stage, row.lane.clone(), memo, now)
    }

    /// Takes in what is known of a lane by other ways than its jobs.
    pub(crate) fn tell(
        &mut self,
        stage: &Stage,
        key: &LaneKey,
        news: LaneNews,
        now: Timestamp,
    ) -> Result<Vec<LaneChange>> {
        let stage = self.index(stage)?;
        let queue = &mut self.stages[stage];
        let lane = queue.lane(key);
        let memo = queue.tell(lane, news, now);
        Ok(memo.map_or_else(Vec::new, |memo| self.lane_changes(stage, key.clone(), memo, now)))
    }

    /// What has to be kept of a lane that news came of, and of one that had to make way.
    fn lane_changes(
        &mut self,
        stage: usize,
        key: LaneKey,
        memo: Memo,
        now: Timestamp,
    ) -> Vec<LaneChange> {
        let queue = &mut self.stages[stage];
        let stage = queue.config.stage.clone();
        let memo = (memo.outlasts_pauses() || memo.open() > now).then_some(memo);
        let surplus = queue.forget_surplus(self.bounds.lanes, now);
        let surplus = surplus.map(|key| LaneChange { stage: stage.clone(), key, memo: None });
        std::iter::once(LaneChange { stage: stage.clone(), key, memo }).chain(surplus).collect()
    }

    /// The limits of a stage's lanes are others now.
    pub(crate) fn relimit(&mut self, stage: &Stage) {
        if let Ok(stage) = self.index(stage) {
            self.stages[stage].relimit();
        }
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
        let judged = self.count(&old, &change.row);
        self.enter_change(id, &old, &change, now);
        Some(Ok(Decision {
            id,
            change,
            had_result: old.has_result(),
            judged,
            lanes: Vec::new(),
            ledger: Ledger::default(),
            notes: Vec::new(),
        }))
    }

    /// Counts the first judgement on a job in its group.
    fn count(&mut self, old: &Live, row: &Row) -> Option<Judged> {
        if old.redriven || old.verdict.is_some() {
            return None;
        }
        let group = self.kins.get(old.kin)?.group?;
        let judged = Judged { group, verdict: row.judgement()? };
        self.groups.judge(judged).then_some(judged)
    }

    fn enter_change(&mut self, id: JobId, old: &Live, change: &Change, now: Timestamp) {
        let held = u64::from(old.spec_bytes) + old.result_bytes();
        let result = change.result.as_ref().map_or(old.result, |r| result_of(r.len() as u64));
        let (from, from_lane) = (usize::from(old.stage), old.lane as usize);
        self.live_bytes -= held;
        // The new place first, then out of the old one: a lane that is left empty is forgotten.
        if change.row.state.is_terminal() {
            self.live.remove(&id);
            self.kins.release(old.kin);
        } else {
            let stage = self.index(&change.row.stage).expect("checked by the caller");
            let lane = self.stages[stage].lane(&change.row.lane);
            let live = Live {
                due: change.row.due,
                expires: change.row.expires.unwrap_or(NEVER),
                result,
                lane: narrow(lane),
                epoch: change.row.epoch,
                attempts: change.row.attempts,
                stage: u8::try_from(stage).expect("at most 255 stages"),
                leased: false,
                verdict: change.row.verdict,
                ..*old
            };
            self.live_bytes += u64::from(live.spec_bytes) + live.result_bytes();
            self.live.insert(id, live);
            self.stages[stage].wait(lane, live.waiting(id), now);
        }
        if old.leased {
            self.stages[from].leased_bytes -= u64::from(old.spec_bytes);
            self.stages[from].unlease(from_lane, id, old.due, now);
        } else {
            self.stages[from].unwait(from_lane, old.waiting(id), now);
        }
    }

    /// What the state machine sees of a live job.
    pub(crate) fn row(&self, id: JobId) -> Option<Row> {
        let live = self.live.get(&id)?;
        let queue = &self.stages[usize::from(live.stage)];
        Some(Row {
            state: if live.leased { State::Leased } else { State::Waiting },
            stage: queue.config.stage.clone(),
            lane: queue.get(live.lane as usize).key.clone(),
            due: live.due,
            epoch: live.epoch,
            attempts: live.attempts,
            expires: live.expires(),
            verdict: live.verdict,
        })
    }

    /// Whether a live job is in a lane with this key, which is quicker to tell than its row.
    pub(crate) fn is_in_lane(&self, id: JobId, key: &LaneKey) -> bool {
        self.live.get(&id).is_some_and(|live| {
            self.stages[usize::from(live.stage)].get(live.lane as usize).key == *key
        })
    }

    /// Whether a live job is of the owner and the group that are asked for.
    pub(crate) fn is_kin(&self, id: JobId, filter: &Filter) -> bool {
        self.live.get(&id).is_some_and(|live| {
            let kin = self.kins.get(live.kin);
            filter.admits_kin(kin.and_then(|k| k.owner.as_ref()), kin.and_then(|k| k.group))
        })
    }

    /// Live jobs with ids in `range`, newest first.
    pub(crate) fn newest(&self, range: &Range<JobId>) -> impl Iterator<Item = JobId> + '_ {
        self.live.range(range.start..range.end.max(range.start)).rev().map(|(id, _)| *id)
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
        self.index(stage).ok().and_then(|at| self.stages[at].next_due(self.has_room(at)))
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
        let mut views: Vec<_> = self.stages.iter().flat_map(|queue| queue.views(now)).collect();
        // A lane without jobs is kept for what is known of it only.
        views.retain(|v| v.waiting + v.in_flight > 0);
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
