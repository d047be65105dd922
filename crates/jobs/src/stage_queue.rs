use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;

use crate::lane::{Lane, Listed};
use crate::{JobId, LaneKey, LaneView, StageConfig, Timestamp};

/// The waiting and leased jobs of one stage, by lane. Costs of a claim do not depend on how many
/// jobs or lanes wait.
#[derive(Debug)]
pub(crate) struct StageQueue {
    pub(crate) config: StageConfig,
    pub(crate) signal: Arc<Notify>,
    lanes: Vec<Option<Lane>>,
    free: Vec<usize>,
    by_key: HashMap<LaneKey, usize>,
    /// Lanes that can give a job now, in turn. May hold lanes that can no longer: checked when
    /// their turn comes.
    ready: VecDeque<usize>,
    /// Lanes to look at again.
    sleeping: BTreeSet<(Timestamp, usize)>,
    /// Jobs that are not due yet.
    timers: BTreeSet<(Timestamp, JobId, usize)>,
    /// Ends of leases.
    pub(crate) leases: BTreeSet<(Timestamp, JobId)>,
    pub(crate) waiting: u64,
    pub(crate) leased: u64,
    /// Bytes of the specs of leased jobs.
    pub(crate) leased_bytes: u64,
}

impl StageQueue {
    pub(crate) fn new(config: StageConfig) -> Self {
        Self {
            config,
            signal: Arc::new(Notify::new()),
            lanes: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::new(),
            ready: VecDeque::new(),
            sleeping: BTreeSet::new(),
            timers: BTreeSet::new(),
            leases: BTreeSet::new(),
            waiting: 0,
            leased: 0,
            leased_bytes: 0,
        }
    }

    /// The lane of `key`, made when there is none.
    pub(crate) fn lane(&mut self, key: &LaneKey) -> usize {
        if let Some(&at) = self.by_key.get(key) {
            return at;
        }
        let lane = Some(Lane::new(key.clone()));
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

    pub(crate) fn key(&self, at: usize) -> &LaneKey {
        &self.get(at).key
    }

    /// Puts a waiting job into its lane.
    pub(crate) fn wait(&mut self, at: usize, id: JobId, due: Timestamp, now: Timestamp) {
        self.waiting += 1;
        self.get_mut(at).waiting += 1;
        if due > now {
            self.timers.insert((due, id, at));
            // Whoever sleeps until the next due time may have to wake earlier now.
            if self.timers.first().is_some_and(|first| first.1 == id) {
                self.signal.notify_one();
            }
        } else {
            self.get_mut(at).due.insert((due, id));
            self.relist_and_signal(at, now);
        }
    }

    /// Takes a waiting job out of its lane.
    pub(crate) fn unwait(&mut self, at: usize, id: JobId, due: Timestamp, now: Timestamp) {
        self.waiting -= 1;
        self.get_mut(at).waiting -= 1;
        if !self.timers.remove(&(due, id, at)) {
            self.get_mut(at).due.remove(&(due, id));
        }
        self.relist(at, now);
    }

    /// Ends a lease, whatever becomes of its job.
    pub(crate) fn unlease(&mut self, at: usize, id: JobId, until: Timestamp, now: Timestamp) {
        self.leased -= 1;
        self.leases.remove(&(until, id));
        self.get_mut(at).in_flight -= 1;
        self.relist_and_signal(at, now);
    }

    /// Nothing of the lane is given out before `until`; answers whether that is news.
    pub(crate) fn pause(&mut self, at: usize, until: Timestamp, now: Timestamp) -> bool {
        let lane = self.get_mut(at);
        let news = until > lane.paused_until && until > now;
        if news {
            lane.paused_until = until;
        }
        self.relist_and_signal(at, now);
        news
    }

    /// Makes due what has become due.
    pub(crate) fn wake(&mut self, now: Timestamp) {
        while let Some(&(due, id, at)) = self.timers.first().filter(|first| first.0 <= now) {
            self.timers.pop_first();
            self.get_mut(at).due.insert((due, id));
            self.relist(at, now);
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
        while let Some(at) = self.ready.pop_front() {
            let limit = self.config.lanes.usual;
            let Some(lane) = self.lanes[at].as_mut() else {
                continue;
            };
            if lane.listed != Listed::Ready {
                continue;
            }
            lane.listed = Listed::No;
            if lane.due.first().is_some_and(|first| first.0 > now) {
                self.not_yet(at);
                continue;
            }
            if lane.place(limit, now) == Listed::Ready
                && let Some((_, id)) = lane.due.pop_first()
            {
                lane.waiting -= 1;
                lane.in_flight += 1;
                if !limit.interval.is_zero() {
                    lane.next_start = now + limit.interval;
                }
                self.waiting -= 1;
                self.leased += 1;
                self.relist(at, now);
                return Some((at, id));
            }
            self.relist(at, now);
        }
        None
    }

    /// The clock has stepped back since these were found due: they wait for it.
    fn not_yet(&mut self, at: usize) {
        let due = std::mem::take(&mut self.get_mut(at).due);
        self.timers.extend(due.into_iter().map(|(due, id)| (due, id, at)));
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let timer = self.timers.first().map(|t| t.0);
        let lane = self.sleeping.first().map(|s| s.0);
        let lease = self.leases.first().map(|l| l.0);
        [timer, lane, lease].into_iter().flatten().min()
    }

    pub(crate) fn oldest_due(&self) -> Option<Timestamp> {
        self.lanes().filter_map(|lane| lane.due.first().map(|d| d.0)).min()
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = LaneView> + '_ {
        self.lanes().map(|lane| LaneView {
            stage: self.config.stage.clone(),
            key: lane.key.clone(),
            waiting: lane.waiting,
            in_flight: lane.in_flight,
            paused_until: (lane.paused_until.as_millis() > 0).then_some(lane.paused_until),
            interval: std::time::Duration::ZERO,
            failures: 0,
            failing_since: None,
        })
    }

    fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter().flatten()
    }

    fn get(&self, at: usize) -> &Lane {
        self.lanes[at].as_ref().expect("a lane is kept while anything names it")
    }

    fn get_mut(&mut self, at: usize) -> &mut Lane {
        self.lanes[at].as_mut().expect("a lane is kept while anything names it")
    }

    fn relist_and_signal(&mut self, at: usize, now: Timestamp) {
        if self.relist(at, now) {
            self.signal.notify_one();
        }
    }

    /// Moves a lane to where it belongs after anything about it has changed; answers whether
    /// there may be something to claim now or at a new time.
    fn relist(&mut self, at: usize, now: Timestamp) -> bool {
        let limit = self.config.lanes.usual;
        let lane = self.get_mut(at);
        let (old, new) = (lane.listed, lane.place(limit, now));
        if old == new {
            if old == Listed::No && lane.is_spent(now) {
                self.forget(at);
            }
            return false;
        }
        lane.listed = new;
        let spent = new == Listed::No && lane.is_spent(now);
        match old {
            Listed::Until(time) => {
                self.sleeping.remove(&(time, at));
            }
            // A lane that is no longer ready keeps its place in the ring only until its turn;
            // taking it out here keeps every lane in the ring at most once.
            Listed::Ready => self.ready.retain(|&other| other != at),
            Listed::No => {}
        }
        match new {
            Listed::Ready => {
                self.ready.push_back(at);
            }
            Listed::Until(time) => {
                self.sleeping.insert((time, at));
            }
            Listed::No if spent => self.forget(at),
            Listed::No => {}
        }
        new != Listed::No
    }

    fn forget(&mut self, at: usize) {
        if let Some(lane) = self.lanes[at].take() {
            self.by_key.remove(&lane.key);
            self.free.push(at);
        }
    }
}
