//! Opens what a child left behind and holds it against what it had said.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jobs::{
    Clock, Filter, Group, JobId, Outcome, Record, Settlement, SqliteStore, State, Store,
    SystemClock, Verdict,
};

use super::{DOCUMENTS, crash_config, document_of, note_of, result_of, spec_of};
use crate::backend::{DELIVER, FETCH};

/// What children were told is safe.
#[derive(Default)]
pub(super) struct Promises {
    acknowledged: BTreeSet<JobId>,
    flushed: HashMap<JobId, Flushed>,
    /// The latest by each key.
    documents: BTreeMap<String, JobId>,
}

#[derive(Clone, Copy, PartialEq)]
enum Flushed {
    Advanced,
    Done,
    Dead,
}

impl Promises {
    /// Adds what a child said; answers how many jobs it had acknowledged.
    pub(super) fn heard(&mut self, said: &[String]) -> usize {
        let mut acknowledged = 0;
        for line in said {
            let Some((word, id)) = line.split_once(' ') else {
                continue;
            };
            if let Some((submitter, id)) = id.split_once(' ').filter(|_| word == "document") {
                let id = id.parse().expect("it is an id");
                self.documents.insert(format!("submitter {submitter}"), id);
                continue;
            }
            let Ok(id) = id.parse() else { continue };
            match word {
                "ack" => {
                    assert!(self.acknowledged.insert(id), "{id} was created twice");
                    acknowledged += 1;
                }
                "advanced" => {
                    self.flushed.entry(id).or_insert(Flushed::Advanced);
                }
                "done" => {
                    self.flushed.insert(id, Flushed::Done);
                }
                "dead" => {
                    self.flushed.insert(id, Flushed::Dead);
                }
                _ => {}
            }
        }
        acknowledged
    }

    /// Every promise is kept in the store at `dir`, and whatever else is there is whole.
    pub(super) async fn check(&self, dir: &Path) {
        let store = open(dir);
        let records = everything(&*store).await;
        let lost = self.lost_in(&records);
        assert!(lost.is_empty(), "acknowledged, and lost: {lost:?}");
        for record in records.values() {
            self.check_record(&*store, record).await;
        }
        self.check_documents(&*store).await;
        for (id, counted) in counted(&records) {
            assert_eq!(store.group(id), Some(counted), "group {id} and its rows disagree");
        }
        let live = records.values().filter(|r| !r.state.is_terminal()).count();
        assert_eq!(store.counts().live(), live as u64);
        store.close().await.expect("it closes");
    }

    /// Each document is the one that was last put, or one whose answer was not heard any more.
    async fn check_documents(&self, store: &dyn Store) {
        let documents = store.documents(DOCUMENTS).await.expect("documents can be read");
        let mut found = BTreeMap::new();
        for (key, value) in documents {
            let id = value.first_chunk().map(|id| JobId::from_bytes(*id)).expect("it has an id");
            assert!(value == document_of(id), "{key}: its document is damaged");
            found.insert(key, id);
        }
        for (key, put) in &self.documents {
            assert!(
                found.get(key) >= Some(put),
                "{key}: {put} was put, {:?} is there",
                found.get(key)
            );
        }
    }

    /// How many documents were put.
    pub(super) fn documents(&self) -> usize {
        self.documents.len()
    }

    /// How many acknowledged jobs are not in the store at `dir`.
    pub(super) async fn lost(&self, dir: &Path) -> usize {
        let store = open(dir);
        let lost = self.lost_in(&everything(&*store).await).len();
        store.close().await.expect("it closes");
        lost
    }

    fn lost_in(&self, records: &HashMap<JobId, Record>) -> Vec<JobId> {
        self.acknowledged.iter().filter(|id| !records.contains_key(id)).copied().collect()
    }

    async fn check_record(&self, store: &dyn Store, record: &Record) {
        let id = record.id;
        assert!(record.spec == spec_of(id), "{id}: its spec is not what was accepted");
        let delivering = record.stage == DELIVER;
        let legal = match record.state {
            State::Waiting => true,
            State::Done => delivering,
            State::Dead => !delivering,
            State::Leased | State::Cancelled => false,
        };
        assert!(legal, "{record:?}");
        let result = store.result(id).await.expect("its result can be read");
        assert_eq!(result.is_some(), delivering, "result and stage belong together: {record:?}");
        assert_eq!(result.as_ref().map(|r| r.len() as u64), record.result_bytes);
        assert!(result.is_none_or(|r| r == result_of(id)), "{id}: its result is damaged");
        let note = note_of(id);
        let found = store.note(note.space, note.key).await.expect("a note can be read");
        assert_eq!(found.is_some(), delivering, "note and stage belong together: {record:?}");
        assert!(found.is_none_or(|found| found.value == note.value), "{id}: its note is damaged");
        check_attempts(store, record).await;
        let kept = match self.flushed.get(&id) {
            Some(Flushed::Advanced) => delivering,
            Some(Flushed::Done) => record.state == State::Done,
            Some(Flushed::Dead) => record.state == State::Dead,
            None => true,
        };
        assert!(kept, "what was flushed is undone: {record:?}");
    }

    /// After all that the store still works: every live job is brought to its end.
    pub(super) async fn finish(&self, dir: &Path) {
        let store = open(dir);
        loop {
            let now = SystemClock.now();
            let mut settled = 0;
            for stage in [&FETCH, &DELIVER] {
                let until = now + Duration::from_secs(60);
                let claimed = store.claim(stage, 500, until, now).await.expect("claimed");
                settled += claimed.len();
                let outcome = Outcome::Done { verdict: None, result: None, note: None };
                let settlements = claimed.iter().map(|c| Settlement::new(c.lease, outcome.clone()));
                store.settle(settlements.collect(), now).await.expect("settled");
            }
            if settled == 0 {
                break;
            }
        }
        assert_eq!(store.counts().live(), 0, "a job is stuck");
        for id in counted(&everything(&*store).await).into_keys() {
            let group = store.group(id).expect("it is kept");
            assert_eq!(group.open(), 0, "group {id}: {group:?}");
        }
        let over = store.counts();
        assert!(over.done + over.dead >= self.acknowledged.len() as u64);
        store.close().await.expect("it closes");
    }
}

/// How the groups went, by the rows of their jobs.
fn counted(records: &HashMap<JobId, Record>) -> HashMap<JobId, Group> {
    let mut groups: HashMap<_, Group> = HashMap::new();
    for record in records.values() {
        let group = groups.entry(record.group.expect("each is in one")).or_default();
        group.jobs += 1;
        group.succeeded += u64::from(record.verdict == Some(Verdict::Succeeded));
        group.failed += u64::from(record.state == State::Dead);
    }
    groups
}

/// Every decision that lasted has left its entry, in order.
async fn check_attempts(store: &dyn Store, record: &Record) {
    let id = record.id;
    let attempts = store.attempts(id).await.expect("they can be read").expect("it is there");
    let fetches = attempts.iter().filter(|a| a.starts_with(format!("{id} fetch").as_bytes()));
    let fetches = fetches.count();
    let deliveries = attempts.len() - fetches;
    assert_eq!(deliveries, usize::from(record.state == State::Done), "{record:?}: {attempts:?}");
    if record.stage == DELIVER {
        assert!(fetches >= 1, "{record:?}: {attempts:?}");
    } else {
        assert_eq!(fetches, record.attempts as usize, "{record:?}: {attempts:?}");
    }
    let expected = (1..=fetches).map(|n| format!("{id} fetch {n}"));
    let expected = expected.chain((1..=deliveries).map(|n| format!("{id} deliver {n}")));
    assert_eq!(attempts, expected.collect::<Vec<_>>());
}

fn open(dir: &Path) -> Arc<dyn Store> {
    SqliteStore::open(dir, crash_config()).expect("what was left behind can be opened")
}

/// All jobs, page by page.
async fn everything(store: &dyn Store) -> HashMap<JobId, Record> {
    let (mut all, mut before) = (HashMap::new(), None);
    loop {
        let page = store.list(Filter::default(), before, 500).await.expect("listed");
        let Some(last) = page.last() else { return all };
        before = Some(last.id);
        for record in page {
            let id = record.id;
            assert!(all.insert(id, record).is_none(), "{id} is there twice");
        }
    }
}
