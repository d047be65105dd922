//! What the embedded store knows before the disk does.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use crate::groups::Judged;
use crate::idempotency::Standing;
use crate::lane_memo::Memo;
use crate::ledger::Ledger;
use crate::scheduler::{Decision, LaneChange, Scheduler};
use crate::sqlite::unwritten_notes::{Numbered, UnwrittenNotes};
use crate::transition::Row;
use crate::{JobId, LaneKey, Stage, State, Timestamp};

/// Everything the reactor may look at; guarded by one lock that is never held across a wait.
#[derive(Debug)]
pub(super) struct Ram {
    pub(super) scheduler: Scheduler,
    /// Decisions that are not on disk yet, the latest per job.
    pub(super) dirty: HashMap<JobId, Dirty>,
    /// Decisions that the writer is putting on disk now.
    pub(super) writing: HashMap<JobId, Arc<Dirty>>,
    /// Bytes of results, ledger entries and notes in `dirty` and `writing`.
    pub(super) hot_bytes: u64,
    /// What is known of lanes and not on disk yet; `None` for nothing more.
    pub(super) lanes: Lanes,
    /// The notes of `dirty` and `writing`.
    pub(super) notes: UnwrittenNotes,
    pub(super) specs: Specs,
    pub(super) over: Over,
    /// The writer looks by itself before long.
    pub(super) expected: bool,
    /// The writer has been told not to wait.
    pub(super) hurried: bool,
    pub(super) closed: bool,
    /// The last write found no space.
    pub(super) disk_full: bool,
}

pub(super) type Lanes = HashMap<(Stage, LaneKey), Option<Memo>>;

/// Kept jobs that are over, by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Over {
    pub(super) done: u64,
    pub(super) dead: u64,
    pub(super) cancelled: u64,
}

impl Over {
    pub(super) const fn of(&mut self, state: State) -> Option<&mut u64> {
        match state {
            State::Done => Some(&mut self.done),
            State::Dead => Some(&mut self.dead),
            State::Cancelled => Some(&mut self.cancelled),
            State::Waiting | State::Leased => None,
        }
    }

    pub(super) fn add(&mut self, state: State) {
        if let Some(n) = self.of(state) {
            *n += 1;
        }
    }

    pub(super) fn take(&mut self, state: State) {
        if let Some(n) = self.of(state) {
            *n = n.saturating_sub(1);
        }
    }
}

/// A decision on its way to the disk.
#[derive(Clone, Debug)]
pub(super) struct Dirty {
    pub(super) row: Row,
    pub(super) updated_at: Timestamp,
    pub(super) note: Option<String>,
    pub(super) result: Option<Bytes>,
    /// To be added to what is on disk.
    pub(super) ledger: Ledger,
    pub(super) notes: Vec<Numbered>,
    /// A result may be on disk already, to be let go of when this one brings another.
    pub(super) had_result: bool,
    /// To be counted in its group.
    pub(super) judged: Option<Judged>,
    /// Flushes that have passed it by in the hope that the next decision makes it needless.
    pub(super) age: u8,
}

impl Dirty {
    /// Takes over what an older decision brought and this one leaves as it is.
    fn absorb(&mut self, older: &Self) {
        if self.note.is_none() {
            self.note.clone_from(&older.note);
        }
        if self.result.is_none() {
            self.result.clone_from(&older.result);
        }
        let later = std::mem::replace(&mut self.ledger, older.ledger.clone());
        self.ledger.append(later);
        self.notes.splice(0..0, older.notes.iter().cloned());
        // Whether there is one on disk was known to whoever came first.
        self.had_result = older.had_result;
        self.judged = older.judged.or(self.judged);
        self.age = older.age;
    }

    /// Bytes that are held in memory until it is on disk.
    pub(super) fn bytes(&self) -> u64 {
        let result = self.result.as_ref().map_or(0, Bytes::len);
        let notes: usize = self.notes.iter().map(|n| n.note.bytes()).sum();
        (result + self.ledger.bytes() + notes) as u64
    }
}

impl Ram {
    pub(super) fn new(scheduler: Scheduler, over: Over) -> Self {
        Self {
            scheduler,
            dirty: HashMap::new(),
            writing: HashMap::new(),
            hot_bytes: 0,
            lanes: Lanes::new(),
            notes: UnwrittenNotes::default(),
            specs: Specs::default(),
            over,
            expected: false,
            hurried: false,
            closed: false,
            disk_full: false,
        }
    }

    /// Whether a result of `bytes` may come in; one that is larger than the limit may when it is
    /// alone.
    pub(super) const fn has_room(&self, bytes: u64, limit: u64) -> bool {
        bytes == 0 || self.hot_bytes == 0 || self.hot_bytes + bytes <= limit
    }

    /// Whether so many results wait that the writer should not.
    pub(super) const fn is_pressed(&self, limit: u64) -> bool {
        self.hot_bytes * 2 > limit
    }

    /// A result that may not be on disk yet.
    pub(super) fn result(&self, id: JobId) -> Option<Bytes> {
        let dirty = self.dirty.get(&id).and_then(|dirty| dirty.result.clone());
        dirty.or_else(|| self.writing.get(&id).and_then(|writing| writing.result.clone()))
    }

    /// Keeps a decision until the writer has it.
    pub(super) fn keep(&mut self, decision: Decision, now: Timestamp) {
        let Decision { id, change, had_result, judged, lanes, ledger, notes } = decision;
        self.keep_lanes(lanes);
        self.over.add(change.row.state);
        if change.row.state.is_terminal() {
            self.specs.remove(id);
        }
        let mut dirty = Dirty {
            row: change.row,
            updated_at: now,
            note: change.note,
            result: change.result,
            ledger,
            notes: notes.into_iter().map(|note| self.notes.add(note)).collect(),
            had_result,
            judged,
            age: 0,
        };
        if let Some(older) = self.dirty.remove(&id) {
            self.hot_bytes -= older.bytes();
            dirty.absorb(&older);
        }
        self.hot_bytes += dirty.bytes();
        self.dirty.insert(id, dirty);
    }

    /// A group is forgotten: nothing more is counted in it, whatever waits to be written.
    pub(super) fn forget_group(&mut self, id: JobId) {
        self.scheduler.groups.forget(id);
        for dirty in self.dirty.values_mut() {
            dirty.judged = dirty.judged.filter(|judged| judged.group != id);
        }
    }

    /// Keeps what is known of lanes until the writer has it.
    pub(super) fn keep_lanes(&mut self, changes: impl IntoIterator<Item = LaneChange>) {
        let changes = changes.into_iter();
        self.lanes.extend(changes.map(|LaneChange { stage, key, memo }| ((stage, key), memo)));
    }

    /// Hands over what should go to disk now: whatever is over, what has waited long enough, or
    /// `all`.
    pub(super) fn take(&mut self, all: bool, patience: u8) -> Vec<(JobId, Arc<Dirty>)> {
        let mut batch = Vec::new();
        for (id, dirty) in self.dirty.extract_if(|_, d| {
            d.age = d.age.saturating_add(1);
            all || d.row.state.is_terminal() || d.age > patience
        }) {
            let dirty = Arc::new(dirty);
            self.writing.insert(id, dirty.clone());
            batch.push((id, dirty));
        }
        batch
    }

    /// What was handed over is on disk.
    pub(super) fn written(&mut self) {
        let bytes: u64 = self.writing.values().map(|d| d.bytes()).sum();
        self.hot_bytes -= bytes;
        self.notes.written(self.writing.values().flat_map(|d| &d.notes));
        self.writing.clear();
    }

    /// What was handed over could not be written: it waits again, under anything newer.
    pub(super) fn unwritten(&mut self) {
        for (id, older) in self.writing.drain() {
            let older = Arc::unwrap_or_clone(older);
            match self.dirty.get_mut(&id) {
                Some(newer) => {
                    self.hot_bytes -= newer.bytes() + older.bytes();
                    newer.absorb(&older);
                    self.hot_bytes += newer.bytes();
                }
                None => {
                    self.dirty.insert(id, older);
                }
            }
        }
    }

    /// Where a job stands, when more may be known of it than is on disk.
    pub(super) fn standing(&self, id: JobId) -> Option<Standing> {
        let unwritten = || self.dirty.get(&id).or_else(|| Some(self.writing.get(&id)?));
        let row = self.scheduler.row(id).or_else(|| Some(unwritten()?.row.clone()));
        row.as_ref().map(Standing::of)
    }

    /// What is decided of a job and may not be on disk yet.
    pub(super) fn overlay(&self, id: JobId) -> Option<Dirty> {
        let writing = self.writing.get(&id);
        let mut newest = match (self.dirty.get(&id), writing) {
            (Some(dirty), _) => dirty.clone(),
            (None, Some(writing)) => return Some(Dirty::clone(writing)),
            (None, None) => return None,
        };
        if let Some(writing) = writing {
            newest.absorb(writing);
        }
        Some(newest)
    }
}

/// Specs of jobs that were accepted lately, so that a claim need not read them back.
#[derive(Debug, Default)]
pub(super) struct Specs {
    by_id: HashMap<JobId, Bytes>,
    order: VecDeque<JobId>,
    bytes: u64,
}

impl Specs {
    /// About as much again goes to the maps.
    const MAX_BYTES: u64 = 8 * 1024 * 1024;
    const MAX_JOBS: usize = 16 * 1024;

    pub(super) fn insert(&mut self, id: JobId, spec: Bytes) {
        self.bytes += spec.len() as u64;
        self.by_id.insert(id, spec);
        self.order.push_back(id);
        while self.bytes > Self::MAX_BYTES || self.order.len() > Self::MAX_JOBS {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            self.remove(oldest);
        }
    }

    pub(super) fn get(&self, id: JobId) -> Option<Bytes> {
        self.by_id.get(&id).cloned()
    }

    fn remove(&mut self, id: JobId) {
        if let Some(spec) = self.by_id.remove(&id) {
            self.bytes -= spec.len() as u64;
        }
    }
}
