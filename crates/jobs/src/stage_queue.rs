use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;

use crate::lane::{Lane, Listed};
use crate::lane_memo::Memo;
use crate::turns::Turns;
use crate::{JobId, LaneKey, LaneNews, LaneView, Priority, StageConfig, Timestamp};

/// The waiting and leased jobs of one stage, by lane. Costs of a claim do not depend on how many
/// jobs or lanes wait.
#[derive(Debug)]
pub(crate) struct StageQueue {
    pub(crate) config: StageConfig,
    pub(crate) signal: Arc<Notify>,
    /// When lanes may have been served by a process before this one; the beginning of time when
    /// there was none.
    pub(crate) opened: Timestamp,
    lanes: Vec<Option<Lane>>,
    free: Vec<usize>,
    by_key: HashMap<LaneKey, usize>,
    /// Lanes that can give a job now, in turn, by ticket; a ring for each priority, by rank. May
    /// hold lanes that can no longer, and void tickets: checked when their turn comes.
    ready: [VecDeque<(usize, u64)>; Priority::ALL.len()],
    turns: Turns,
    tickets: u64,
    /// Lanes to look at again.
    sleeping: BTreeSet<(Timestamp, usize)>,
    /// Jobs that are not due yet.
    timers: BTreeMap<(Timestamp, JobId), Timer>,
    /// Waiting jobs whose time is up some day.
    expiries: BTreeSet<(Timestamp, JobId)>,
    /// Lanes with due jobs, by their first.
    first_due: BTreeSet<(Timestamp, usize)>,
    /// Failing lanes, by when their first due job is given up.
    giving_up: BTreeSet<(Timestamp, usize)>,
    /// Lanes of which more is known than a pause, by when it was told.
    heard: BTreeSet<(Timestamp, usize)>,
    /// Ends of leases.
    pub(crate) leases: BTreeSet<(Timestamp, JobId)>,
    held: HashMap<JobId, Held>,
    pub(crate) waiting: u64,
    pub(crate) leased: u64,
    /// Bytes of the specs of leased jobs.
    pub(crate) leased_bytes: u64,
    /// Whose turn it is when there is room for one: what is to be ended, or worked on.
    pub(crate) ends_first: bool,
    /// It is claimed from by lane, beside limits and pauses, and only so.
    by_lane: bool,
}

/// What becomes of a job when it is due.
#[derive(Clone, Copy, Debug)]
struct Timer {
    lane: u32,
    priority: Priority,
}

/// A job that waits, as far as a queue has to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) id: JobId,
    pub(crate) due: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) priority: Priority,
}

/// How a leased job was given out.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// The lane's, at the time.
    era: u32,
    /// To be ended: it takes no place in its lane.
    ending: bool,
}

impl StageQueue {
    pub(crate) fn new(config: StageConfig) -> Self {
        Self {
            config,
            signal: Arc::new(Notify::new()),
            opened: Timestamp::default(),
            lanes: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::new(),
            ready: Default::default(),
            turns: Turns::default(),
            tickets: 0,
            sleeping: BTreeSet::new(),
            timers: BTreeMap::new(),
            expiries: BTreeSet::new(),
            first_due: BTreeSet::new(),
            giving_up: BTreeSet::new(),
            heard: BTreeSet::new(),
            leases: BTreeSet::new(),
            held: HashMap::new(),
            waiting: 0,
            leased: 0,
            leased_bytes: 0,
            ends_first: false,
            by_lane: false,
        }
    }

    /// The lane of `key`, made when there is none.
    pub(crate) fn lane(&mut self, key: &LaneKey) -> usize {
        if let Some(&at) = self.by_key.get(key) {
            return at;
        }
        let lane = Some(Lane::new(key.clone(), self.config.lanes.of(key), self.opened));
        let at = match self.free.pop() {
            Some(at) => {
                self.lanes[at] = lane;
                at
            }
            None => {
                self.lanes.push(lane);
                self.lanes.len() - 1
            }
        };
        self.by_key.insert(key.clone(), at);
        at
    }

    pub(crate) fn get(&self, at: usize) -> &Lane {
        self.lanes[at].as_ref().expect("a lane is kept while anything names it")
    }

    /// Puts a waiting job into its lane.
    pub(crate) fn wait(&mut self, at: usize, job: Waiting, now: Timestamp) {
        let Waiting { id, due, expires, priority } = job;
        self.waiting += 1;
        self.get_mut(at).waiting += 1;
        if let Some(expires) = expires {
            self.expiries.insert((expires, id));
            if self.expiries.first().is_some_and(|first| first.1 == id) {
                self.announce();
            }
        }
        if due > now {
            self.timers.insert((due, id), Timer { lane: narrow(at), priority });
            // Whoever sleeps until the next due time may have to wake earlier now.
            if self.timers.first_key_value().is_some_and(|(first, _)| first.1 == id) {
                self.announce();
            }
        } else {
            self.get_mut(at).add_due(priority, due, id);
            if self.relist(at, now) || self.by_lane {
                self.announce();
            }
        }
    }

    /// Takes a waiting job out of its lane.
    pub(crate) fn unwait(&mut self, at: usize, job: Waiting, now: Timestamp) {
        self.waiting -= 1;
        self.get_mut(at).waiting -= 1;
        self.unexpire(job.id, job.expires);
        if self.timers.remove(&(job.due, job.id)).is_none() {
            self.get_mut(at).due.remove(job.priority, job.due, job.id);
        }
        self.relist(at, now);
    }

    /// A job that is leased does not expire.
    pub(crate) fn unexpire(&mut self, id: JobId, expires: Option<Timestamp>) {
        if let Some(expires) = expires {
            self.expiries.remove(&(expires, id));
        }
    }

    /// Enters the lease of a job that [`StageQueue::next`] gave out.
    pub(crate) fn lease(&mut self, at: usize, id: JobId, until: Timestamp) {
        let era = self.get(at).era;
        self.leases.insert((until, id));
        self.held.insert(id, Held { era, ending: false });
    }

    /// Leases a waiting job beside its lane's limits, to be ended.
    pub(crate) fn lease_to_end(
        &mut self,
        at: usize,
        job: Waiting,
        until: Timestamp,
        now: Timestamp,
    ) {
        self.leases.insert((until, job.id));
        self.held.insert(job.id, Held { era: 0, ending: true });
        self.leased += 1;
        // First of all, so that the lane is not forgotten with the job it waited for.
        self.get_mut(at).ending += 1;
        self.unwait(at, job, now);
    }

    /// Ends a lease, whatever becomes of its job.
    pub(crate) fn unlease(&mut self, at: usize, id: JobId, until: Timestamp, now: Timestamp) {
        self.leased -= 1;
        self.leases.remove(&(until, id));
        let ending = self.held.remove(&id).is_some_and(|held| held.ending);
        let lane = self.get_mut(at);
        if ending {
            lane.ending -= 1;
        } else {
            lane.in_flight -= 1;
        }
        self.relist_and_signal(at, now);
    }

    /// Takes in what the holder of a lease learned of the lane, and whether its work went well;
    /// answers what has to be kept anew.
    pub(crate) fn hear(
        &mut self,
        at: usize,
        id: JobId,
        (news, went_well): (LaneNews, bool),
        now: Timestamp,
    ) -> Option<Memo> {
        if news == LaneNews::default() && !(went_well && self.get(at).starts_slowly()) {
            return None;
        }
        let held = self.held.get(&id).copied();
        // Whoever only ended a job has not asked the other side anything.
        let worked = held.is_some_and(|held| !held.ending);
        let health = news.health.filter(|_| worked);
        let lane = self.get_mut(at);
        let current = held.is_some_and(|held| held.era == lane.era);
        if went_well && worked && health.is_none() {
            lane.speed_up();
        }
        self.take_in(at, LaneNews { health, ..news }, current, now)
    }

    /// Takes in what is known of a lane by other ways than its jobs.
    pub(crate) fn tell(&mut self, at: usize, news: LaneNews, now: Timestamp) -> Option<Memo> {
        self.take_in(at, news, true, now)
    }

    fn take_in(
        &mut self,
        at: usize,
        news: LaneNews,
        current: bool,
        now: Timestamp,
    ) -> Option<Memo> {
        let lane = self.get_mut(at);
        let changed = lane.hear(news, current, now);
        let memo = lane.memo;
        self.relist_and_signal(at, now);
        changed.then_some(memo)
    }

    /// Looks up the limits of all lanes anew. What that changes is found by the next claim.
    pub(crate) fn relimit(&mut self) {
        let mut ready = Vec::new();
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            let Some(lane) = lane else { continue };
            lane.relimit(self.config.lanes.of(&lane.key));
            // One that is ready is looked at when its turn comes.
            if lane.listed == Listed::Ready {
                ready.push(at);
                continue;
            }
            let at_once = Timestamp::default();
            if let Listed::Until(time) = std::mem::replace(&mut lane.listed, Listed::Until(at_once))
            {
                self.sleeping.remove(&(time, at));
            }
            self.sleeping.insert((at_once, at));
        }
        for at in ready {
            // Its jobs may be of other priorities now.
            self.queue_up(at, false);
        }
        self.announce();
    }

    /// What was known before this process began; what is over of it is not taken up.
    pub(crate) fn restore(&mut self, key: &LaneKey, memo: Memo, now: Timestamp) {
        if memo.open() <= now && !memo.outlasts_pauses() {
            return;
        }
        let at = self.lane(key);
        self.get_mut(at).memo = memo;
        self.relist(at, now);
    }

    /// Forgets what is known of lanes that have no jobs and no pause and were not heard of since
    /// `before`, at most `max`.
    pub(crate) fn forget_unheard(
        &mut self,
        before: Timestamp,
        max: usize,
        now: Timestamp,
    ) -> Vec<LaneKey> {
        let unheard = self.heard.iter().take_while(|(heard, _)| *heard < before);
        let idle = unheard.filter(|(_, at)| {
            let lane = self.get(*at);
            lane.is_idle() && lane.memo.open() < before
        });
        let idle: Vec<_> = idle.take(max).map(|(_, at)| *at).collect();
        idle.into_iter().map(|at| self.forget_memo(at, now)).collect()
    }

    /// Forgets what was heard longest ago of a lane without jobs, when more than `most` are known.
    pub(crate) fn forget_surplus(&mut self, most: usize, now: Timestamp) -> Option<LaneKey> {
        /// Looked at before it is left to another time: the others have jobs, and are bounded.
        const LOOKED_AT: usize = 16;
        if self.heard.len() <= most {
            return None;
        }
        let mut oldest = self.heard.iter().take(LOOKED_AT).map(|(_, at)| *at);
        let idle = oldest.find(|at| self.get(*at).is_idle())?;
        Some(self.forget_memo(idle, now))
    }

    fn forget_memo(&mut self, at: usize, now: Timestamp) -> LaneKey {
        let lane = self.get_mut(at);
        let key = lane.key.clone();
        lane.forget_all();
        self.relist(at, now);
        key
    }

    /// Makes due what has become due.
    pub(crate) fn wake(&mut self, now: Timestamp) {
        while let Some(timer) = self.timers.first_entry().filter(|t| t.key().0 <= now) {
            let ((due, id), Timer { lane, priority }) = timer.remove_entry();
            self.get_mut(lane as usize).add_due(priority, due, id);
            self.relist(lane as usize, now);
        }
        while let Some(&(_, at)) = self.sleeping.first().filter(|first| first.0 <= now) {
            self.sleeping.pop_first();
            self.get_mut(at).listed = Listed::No;
            self.relist(at, now);
        }
    }

    /// The next due job, from the lane whose turn it is; the job is in flight from now on, its
    /// lease still to be entered.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<(usize, JobId)> {
        let lanes = Priority::ALL.map(|priority| self.turn(priority, now));
        let ready = lanes.map(|lane| lane.is_some());
        let most = self.turns.next(ready)?;
        let at = lanes[most.rank()]?;
        self.ready[most.rank()].pop_front();
        let lane = self.get_mut(at);
        lane.listed = Listed::No;
        // A lane may have let one of a lower priority wait for long enough.
        let (priority, id) = lane.due.pop_turn(most, now)?;
        self.turns.given(priority, ready);
        self.started(at, now);
        Some((at, id))
    }

    /// The lane whose turn it is among those that can give a job of this priority.
    fn turn(&mut self, priority: Priority, now: Timestamp) -> Option<usize> {
        let rank = priority.rank();
        while let Some(&(at, ticket)) = self.ready[rank].front() {
            let lane = self.lanes[at].as_mut();
            let lane = lane.filter(|l| l.listed == Listed::Ready && l.ticket == ticket);
            let Some(lane) = lane else {
                self.ready[rank].pop_front();
                continue;
            };
            let Some((due, _)) = lane.due.first_of(priority) else {
                lane.queued[rank] = false;
                self.ready[rank].pop_front();
                continue;
            };
            if due <= now && lane.place(now) == Listed::Ready {
                return Some(at);
            }
            lane.listed = Listed::No;
            self.ready[rank].pop_front();
            if due > now {
                self.not_yet(at, priority);
            }
            self.relist(at, now);
        }
        None
    }

    /// The same of one lane, whatever holds it back and whatever its jobs' priorities.
    pub(crate) fn next_of(&mut self, key: &LaneKey, now: Timestamp) -> Option<(usize, JobId)> {
        let at = *self.by_key.get(key)?;
        self.get(at).due.first().filter(|first| first.0 <= now)?;
        let id = self.get_mut(at).due.pop_first()?;
        self.started(at, now);
        Some((at, id))
    }

    /// From now on its jobs are claimed by lane: every arrival is told to all who wait, since
    /// neither a turn nor a limit holds them back.
    pub(crate) const fn serve_by_lane(&mut self) {
        self.by_lane = true;
    }

    /// A due job of the lane is in flight from now on.
    fn started(&mut self, at: usize, now: Timestamp) {
        let lane = self.get_mut(at);
        lane.waiting -= 1;
        lane.in_flight += 1;
        lane.last_start = now;
        self.waiting -= 1;
        self.leased += 1;
        self.relist(at, now);
    }

    /// The clock has stepped back since these were found due: they wait for it.
    fn not_yet(&mut self, at: usize, priority: Priority) {
        let due = self.get_mut(at).due.take(priority);
        let timer = Timer { lane: narrow(at), priority };
        self.timers.extend(due.into_iter().map(|job| (job, timer)));
    }

    /// A waiting job whose time is up.
    pub(crate) fn expired(&self, now: Timestamp) -> Option<JobId> {
        self.expiries.first().filter(|first| first.0 <= now).map(|first| first.1)
    }

    /// A due job that has waited for a failing lane for too long.
    pub(crate) fn given_up(&self, now: Timestamp) -> Option<JobId> {
        let &(_, at) = self.giving_up.first().filter(|first| first.0 <= now)?;
        self.get(at).due.first().map(|first| first.1)
    }

    /// The next moment at which waiting alone makes something claimable. What is to be ended is
    /// left out unless there is `room` for it; who claims by lane is not given it either.
    pub(crate) fn next_due(&self, room: bool) -> Option<Timestamp> {
        let room = room && !self.by_lane;
        let timer = self.timers.first_key_value().map(|(first, _)| first.0);
        let lane = self.sleeping.first().map(|s| s.0);
        let lease = self.leases.first().map(|l| l.0);
        let expiry = self.expiries.first().map(|e| e.0).filter(|_| room);
        let giving_up = self.giving_up.first().map(|g| g.0).filter(|_| room);
        [timer, lane, lease, expiry, giving_up].into_iter().flatten().min()
    }

    pub(crate) fn oldest_due(&self) -> Option<Timestamp> {
        self.first_due.first().map(|first| first.0)
    }

    pub(crate) fn views(&self, now: Timestamp) -> impl Iterator<Item = LaneView> + '_ {
        self.lanes.iter().flatten().map(move |lane| LaneView {
            stage: self.config.stage.clone(),
            key: lane.key.clone(),
            waiting: lane.waiting,
            in_flight: lane.in_flight + lane.ending,
            paused_until: Some(lane.memo.open()).filter(|until| *until > now),
            interval: lane.memo.interval,
            failures: lane.memo.failures,
            failing_since: lane.memo.failing_since(),
            circuit: lane.memo.circuit(now),
        })
    }

    fn get_mut(&mut self, at: usize) -> &mut Lane {
        self.lanes[at].as_mut().expect("a lane is kept while anything names it")
    }

    fn announce(&self) {
        if self.by_lane {
            // Each of those who wait may wait for another lane.
            self.signal.notify_waiters();
        }
        self.signal.notify_one();
    }

    fn relist_and_signal(&mut self, at: usize, now: Timestamp) {
        if self.relist(at, now) {
            self.announce();
        }
    }

    /// Moves a lane to where it belongs after anything about it has changed; answers whether
    /// there may be something to claim now or at a new time.
    fn relist(&mut self, at: usize, now: Timestamp) -> bool {
        let gives_up = self.reindex(at);
        let lane = self.get_mut(at);
        let (old, new) = (lane.listed, lane.place(now));
        let spent = new == Listed::No && lane.is_spent(now);
        if old != new {
            lane.listed = new;
            if let Listed::Until(time) = old {
                self.sleeping.remove(&(time, at));
            }
            if let Listed::Until(time) = new {
                self.sleeping.insert((time, at));
            }
        }
        if new == Listed::Ready {
            self.queue_up(at, old != new);
        }
        if spent {
            self.forget(at);
        }
        gives_up || (old != new && new != Listed::No)
    }

    /// Gives a lane the last place in the ring of each priority of which it has jobs: in all of
    /// them when it comes `anew`, or in those in which it has none. A place it left is void, and
    /// is passed by when its turn comes; there are never many more of those than lanes.
    fn queue_up(&mut self, at: usize, anew: bool) {
        let most = 2 * self.lanes.len() + 64;
        let lane = self.lanes[at].as_mut().expect("a lane is kept while anything names it");
        if anew {
            self.tickets += 1;
            lane.ticket = self.tickets;
            lane.queued = Default::default();
        }
        for priority in Priority::ALL {
            let rank = priority.rank();
            let lane = self.get_mut(at);
            if lane.queued[rank] || !lane.due.has(priority) {
                continue;
            }
            lane.queued[rank] = true;
            let ticket = lane.ticket;
            self.ready[rank].push_back((at, ticket));
            if self.ready[rank].len() > most {
                let lanes = &self.lanes;
                self.ready[rank].retain(|(at, ticket)| {
                    let lane = lanes[*at].as_ref();
                    lane.is_some_and(|l| l.listed == Listed::Ready && l.ticket == *ticket)
                });
            }
        }
    }

    /// Brings the indexes up to date with a lane; answers whether there is a new time at which it
    /// gives up a job.
    fn reindex(&mut self, at: usize) -> bool {
        let give_up_after = self.config.give_up_after;
        let lane = self.get_mut(at);
        let new = lane.index(give_up_after);
        let old = std::mem::replace(&mut lane.indexed, new);
        move_entry(&mut self.first_due, at, old.first_due, new.first_due);
        move_entry(&mut self.giving_up, at, old.gives_up, new.gives_up);
        move_entry(&mut self.heard, at, old.heard, new.heard);
        new.gives_up.is_some() && new.gives_up != old.gives_up
    }

    fn forget(&mut self, at: usize) {
        if let Some(lane) = self.lanes[at].take() {
            self.by_key.remove(&lane.key);
            self.free.push(at);
        }
    }
}

fn move_entry(
    index: &mut BTreeSet<(Timestamp, usize)>,
    at: usize,
    old: Option<Timestamp>,
    new: Option<Timestamp>,
) {
    if old == new {
        return;
    }
    if let Some(old) = old {
        index.remove(&(old, at));
    }
    if let Some(new) = new {
        index.insert((new, at));
    }
}

/// Lanes are fewer than jobs, and jobs fewer than 2^32.
pub(crate) fn narrow(lane: usize) -> u32 {
    u32::try_from(lane).expect("fewer than 2^32 lanes")
}
